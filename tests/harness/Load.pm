# Many clients that move money at once, and remember what they were told.
package Load;

use strict;
use warnings;

use Carp qw(croak);
use DBD::Pg ();
use POSIX ();
use Time::HiRes qw(time);

use Wait;

=head1 SYNOPSIS

    my $load = Load->start(
        server     => $stack->postgres,
        wallets    => \@wallets,    # between which random amounts go
        clients    => 8,            # default 4
        operations => 25,           # of each client; default: until stop
        mixed      => 1,            # holds, captures, reversals, posts and batches too; default: transfers
        pause      => 0.01,         # seconds between two calls of a client; default: none
        patience   => 5);           # seconds after which a server that does not answer is left; default: never
    $load->wait_progress(100);      # until so many calls more have been acknowledged
    $load->wait;                    # for clients with a number of operations
    $load->stop;
    my $calls  = $load->acknowledged;   # { idempotency key => transaction id }
    my @errors = $load->errors;         # unexpected ones
    my @times  = $load->times;          # when calls were acknowledged, in order

As a client should, each repeats a call whose outcome it does not know (connection lost, server starting,
40001, 40P01) with the same key until it is answered. Refusals for want of money are answers.

=cut

my $runs = 0;
my @every;

sub start
{
    my ($class, %option) = @_;
    my $self = bless {
        clients   => 4,
        directory => test_directory() . '/load' . ++$runs,
        %option
    }, $class;

    mkdir $self->{directory} or croak "$self->{directory}: $!";
    for my $client (1 .. $self->{clients})
    {
        my $pid = fork // croak "fork: $!";
        if ($pid == 0)
        {
            eval { $self->_client($client); 1 } or $self->_note($client, 'error', $@);
            # Without the END blocks: they are the parent's.
            POSIX::_exit(0);
        }
        push @{ $self->{pids} }, $pid;
    }
    push @every, $self;
    return $self;
}

sub _note
{
    my ($self, $client, $kind, $text) = @_;
    $text =~ s/\s+/ /g;
    open my $file, '>>', "$self->{directory}/$client.$kind" or return;
    syswrite $file, "$text\n";
    close $file;
    $self->_note($client, 'time', sprintf '%.3f', time) if $kind eq 'done';
    return;
}

# The statements of a mixed load, each as likely as its share says. Where there are two calls in one, the inner one
# has a key of its own: a retry finds both. Parameters: payer, payee, cents, key.
my @mixed = (
    [ 6, 'SELECT wallet_transfer($1, $2, $3::numeric / 100, $4)' ],
    [ 1, q{SELECT wallet_capture(wallet_hold($1, $3::numeric / 100, '1 hour', $4 || '-hold'), $2, 0.01, true, $4)} ],
    [ 1, q{SELECT wallet_release(wallet_hold($1, $3::numeric / 100, '1 hour', $4 || '-hold'), $4) WHERE $2::uuid IS NOT NULL} ],
    [ 1, q{SELECT wallet_reverse(wallet_transfer($1, $2, $3::numeric / 100, $4 || '-moved'), 0.01, $4)} ],
    [ 1, 'SELECT wallet_post(ARRAY[($1, $2, $3::numeric / 100), ($2, $1, 0.01)]::wallet_leg[], $4)' ],
    [ 1, q{SELECT transaction_id FROM wallet_transfer_batch(ARRAY[$1, $2]::uuid[], ARRAY[$2, $1]::uuid[],
               ARRAY[$3::numeric / 100, 0.01], ARRAY[$4 || '-there', $4]) WHERE index = 2} ]);
my @drawn = map { ($_->[1]) x $_->[0] } @mixed;

sub _client
{
    my ($self, $client) = @_;
    my @wallets = @{ $self->{wallets} };
    my $stop    = 0;
    local $SIG{TERM} = sub { $stop = 1 };

    srand($$);
    for (my $n = 1; !$stop && $n <= ($self->{operations} // $n); $n++)
    {
        my ($from, $to) = (int rand @wallets, int rand(@wallets - 1));
        $to++ if $to >= $from;
        $self->_call($client, $drawn[ $self->{mixed} ? rand @drawn : 0 ], "load$runs-$client-$n",
            \$stop, @wallets[ $from, $to ], 1 + int rand 500);
        select undef, undef, undef, $self->{pause} if $self->{pause};
    }
    return;
}

# Repeats the call until its outcome is known. A call that stop interrupted has none: nobody was told.
sub _call
{
    my ($self, $client, $statement, $key, $stop, @arguments) = @_;

    while (1)
    {
        my $id = eval {
            $self->{session} //= $self->{server}->connect(user => $self->{user} // 'wallet_user');
            $self->_ask($statement, @arguments, $key);
        };
        return $self->_note($client, 'done', "$key $id") if $id;

        my $state = $self->{session} ? $self->{session}->state : '08006';
        return if $state eq 'WL002' || $$stop;
        next   if $state =~ /^40/;
        return $self->_note($client, 'error', "$state $@") unless $state =~ /^(?:08|57P|25006|53300|S0022)/
            || !$self->{session}->ping;
        undef $self->{session};
        select undef, undef, undef, 0.05;
    }
}

# Sessions that were left without an answer: to end one in order would wait for it.
my @left;

sub _ask
{
    my ($self, $statement, @values) = @_;
    my $session = $self->{session};
    return $session->selectrow_array($statement, undef, @values) unless $self->{patience};

    my $query = $session->prepare($statement, { pg_async => DBD::Pg::PG_ASYNC() });
    my $end   = time + $self->{patience};
    my $bits  = '';
    vec($bits, $session->{pg_socket}, 1) = 1;
    $query->execute(@values);
    until ($session->pg_ready)
    {
        if ((my $rest = $end - time) > 0)
        {
            select my $ready = $bits, undef, undef, $rest;
            next;
        }
        push @left, delete $self->{session}, $query;
        die "no answer\n";
    }
    $session->pg_result;
    return $query->fetchrow_array;
}

sub _lines
{
    my ($self, $kind) = @_;
    my @lines;
    for my $path (glob "$self->{directory}/*.$kind")
    {
        open my $file, '<', $path or next;
        # A line that is being written has no end yet.
        push @lines, grep { chomp } <$file>;
    }
    return @lines;
}

sub acknowledged
{
    my ($self) = @_;
    my %calls = map { split / /, $_, 2 } $self->_lines('done');
    return \%calls;
}

sub errors { return $_[0]->_lines('error') }

sub times
{
    my ($self) = @_;
    my @times = sort { $a <=> $b } $self->_lines('time');
    return @times;
}

sub wait_progress
{
    my ($self, $calls, %option) = @_;
    my $target = $self->_lines('done') + $calls;
    poll_until(
        sub { $self->_lines('done') >= $target },
        deadline => $option{deadline},
        what     => "$calls more acknowledged calls");
    return;
}

sub wait
{
    my ($self) = @_;
    waitpid $_, 0 for splice @{ $self->{pids} };
    return $self;
}

sub stop
{
    my ($self) = @_;
    kill 'TERM', @{ $self->{pids} };
    return $self->wait;
}

my $owner_pid = $$;

END
{
    if ($$ == $owner_pid)
    {
        my $status = $?;
        for my $load (@every)
        {
            kill 'KILL', @{ $load->{pids} };
            $load->wait;
        }
        $? = $status;
    }
}

1;
