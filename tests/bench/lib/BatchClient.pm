# Clients of wallet_transfer_batch(): sessions that send binary arrays, made before the clock runs.
package BatchClient;

use strict;
use warnings;

use Carp qw(croak);
use IO::Socket::UNIX;
use POSIX ();
use Time::HiRes qw(time);

=head1 SYNOPSIS

    my $seconds = BatchClient::measure(
        socket => "$base/.s.PGSQL.5432", dbname => 'wallet_db', wallets => 100_000,
        sessions => 2, batches => 50, items => 8190, with_keys => 1);

    my $client = BatchClient->new(socket => ..., dbname => ..., with_keys => 1);
    my $batch  = BatchClient::batch(items => 8190, first => 1, wallets => 100_000, with_keys => 1);
    $client->call($batch);      # all rows of the answer; dies where it has not as many

Each session has wallets of its own, its share of all. It speaks the protocol itself: as text, 8,190 elements would
cost the server as much as a third of what is measured, and a driver would make row objects while the server waits.

=cut

use constant { UUID => 2950, NUMERIC => 1700, TEXT => 25 };

# Wallets are named by wallets.sql.
my $id_head  = '0195000000007000';
my $id_first = 9_000_000_000_000_000;

sub new
{
    my ($class, %option) = @_;
    my $socket = IO::Socket::UNIX->new(Peer => $option{socket}) or croak "$option{socket}: $!";
    my $self   = bless { socket => $socket }, $class;
    my $keys   = $option{with_keys} ? '$4' : 'NULL';

    $self->_send('', pack('N(Z*)*x', 196_608, user => 'postgres', database => $option{dbname}));
    $self->_receive;
    $self->_send('P', pack('Z*Z*n', 'batch',
        "SELECT * FROM wallet_transfer_batch(\$1::uuid[], \$2::uuid[], \$3::numeric[], ${keys}::text[])", 0));
    $self->_send('S', '');
    $self->_receive;
    return $self;
}

sub _send
{
    my ($self, $type, $body) = @_;
    my $message = $type . pack('N', length($body) + 4) . $body;

    while (length $message)
    {
        my $sent = syswrite($self->{socket}, $message) // croak "the server went away: $!";
        substr($message, 0, $sent, '');
    }
    return;
}

# What the server says until it is ready for more.
sub _receive
{
    my ($self) = @_;
    my $said = '';

    until (substr($said, -6) eq "Z\0\0\0\5I")
    {
        sysread($self->{socket}, $said, 1 << 20, length $said) or croak "the server went away: $said";
    }
    return $said;
}

sub _array
{
    my ($type, @elements) = @_;
    return pack('N/a*', pack('N5(N/a*)*', 1, 0, $type, scalar @elements, 1, @elements));
}

sub batch
{
    my (%option) = @_;
    my $id = sub { pack 'H*', $id_head . ($id_first + $option{first} + $_[0]) };
    my (@from, @to, @amounts, @keys);

    for (1 .. $option{items})
    {
        my $payer = int rand $option{wallets};
        my $payee = ($payer + 1 + int rand($option{wallets} - 1)) % $option{wallets};
        push @from,    $id->($payer);
        push @to,      $id->($payee);
        push @amounts, pack('n5', 1, 0, 0, 0, 1 + int rand 100);
        push @keys,    sprintf('%d%09d%09d', 1 + int rand 8, int rand 1e9, int rand 1e9) if $option{with_keys};
    }
    my @arrays = (_array(UUID, @from), _array(UUID, @to), _array(NUMERIC, @amounts));
    push @arrays, _array(TEXT, @keys) if $option{with_keys};

    return {
        items => $option{items},
        body  => pack('xZ*nnn', 'batch', 1, 1, scalar @arrays) . join('', @arrays) . pack('nn', 1, 1)
    };
}

sub call
{
    my ($self, $batch) = @_;

    $self->_send('B', $batch->{body});
    $self->_send('E', pack 'xN', 0);
    $self->_send('S', '');
    my $said = $self->_receive;
    croak 'the answer is not whole: ' . substr($said, 0, 300) unless $said =~ /SELECT $batch->{items}\0Z.{5}\z/s;
    return;
}

# A session of its own: says when its batches are ready, and begins when it is told to.
sub _session
{
    my ($option, $number, $ready, $go) = @_;
    my $share = int($option->{wallets} / $option->{sessions});
    my %drawn = (%$option{qw(items with_keys)}, first => 1 + $number * $share, wallets => $share);

    srand(time ^ $$);
    my $client  = BatchClient->new(%$option);
    my @batches = map { batch(%drawn) } 1 .. $option->{batches};
    close $ready;
    sysread $go, my $begin, 1;
    $client->call($_) for @batches;
    return;
}

sub measure
{
    my (%option) = @_;
    pipe my $ready, my $is_ready or croak "pipe: $!";
    pipe my $may_go, my $go      or croak "pipe: $!";

    my @pids = map {
        my $pid = fork // croak "fork: $!";
        if ($pid == 0)
        {
            close $go;
            my $done = eval { _session(\%option, $_, $is_ready, $may_go); 1 };
            print STDERR $@ unless $done;
            # The parent's connections are not to be closed here.
            POSIX::_exit($done ? 0 : 1);
        }
        $pid
    } 0 .. $option{sessions} - 1;
    close $is_ready;
    sysread $ready, my $end, 1;
    my $begin = time;
    close $go;
    my $failed = grep { waitpid($_, 0); $? } @pids;
    my $seconds = time - $begin;
    croak "$failed of $option{sessions} sessions failed" if $failed;
    return $seconds;
}

1;
