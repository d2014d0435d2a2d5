# A TCP proxy between two of our processes that can be told to fail as networks do.
package FaultProxy;

use strict;
use warnings;

use Errno qw(EAGAIN EINTR);
use IO::Handle;
use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Socket;
use Time::HiRes qw(time);

=head1 SYNOPSIS

    my $proxy = FaultProxy->start(port => $port, target => $other_port);    # 127.0.0.1, both
    $proxy->tell('delay 0.2');     # seconds for every byte, in both directions
    $proxy->tell('slow 20000');    # bytes a second, in each direction of each connection
    $proxy->tell('freeze');        # nothing goes through any more, and nobody is told: half-open
    $proxy->tell('deaf');          # clients are heard and get nothing
    $proxy->tell('cut');           # all connections end, new ones at once
    $proxy->tell('pass');          # as a network should

A process of its own, which ends with the test.

=cut

my $HELD_BYTES = 1 << 20;
my $READ_BYTES = 1 << 16;
my @every;

sub start
{
    my ($class, %option) = @_;
    my $self = bless {%option}, $class;

    socketpair(my $ours, my $its, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die "socketpair: $!";
    my $listener = IO::Socket::INET->new(
        LocalAddr => '127.0.0.1',
        LocalPort => $self->{port},
        Listen    => 64,
        ReuseAddr => 1
    ) or die "port $self->{port}: $!";
    $self->{pid} = fork // die "fork: $!";
    if ($self->{pid} == 0)
    {
        close $ours;
        $SIG{PIPE} = 'IGNORE';
        $SIG{TERM} = $SIG{INT} = 'DEFAULT';
        eval { $self->_serve($listener, $its); 1 } or print STDERR "# proxy: $@";
        # Without the END blocks: they are the parent's.
        POSIX::_exit(0);
    }
    close $its;
    $ours->autoflush(1);
    $self->{control} = $ours;
    push @every, $self;
    return $self;
}

# Returns once the proxy does as it was told.
sub tell
{
    my ($self, $command) = @_;
    print { $self->{control} } "$command\n";
    readline($self->{control}) // die 'the proxy has ended';
    return;
}

sub _serve
{
    my ($self, $listener, $control) = @_;
    @$self{qw(mode listener control links)} = ('pass', $listener, $control, []);
    $control->autoflush(1);
    while (1)
    {
        my $readable = IO::Select->new($listener, $control, map { $_->{from} } grep { $self->_may_read($_) } @{ $self->{links} });
        my $now      = time;
        my $writable = IO::Select->new(map { $_->{to} } grep { @{ $_->{held} } && $_->{held}[0][0] <= $now } @{ $self->{links} });
        my ($reads, $writes) = IO::Select->select($readable, $writable, undef, 0.01);
        my %is_read  = map { (fileno($_) => 1) } @{ $reads  // [] };
        my %is_write = map { (fileno($_) => 1) } @{ $writes // [] };

        if ($is_read{ fileno $control }) { $self->_obey or return }
        $self->_accept if $is_read{ fileno $listener };
        for my $link (@{ $self->{links} })
        {
            next unless defined fileno $link->{from} && defined fileno $link->{to};
            $self->_read($link) if $is_read{ fileno $link->{from} };
            $self->_write($link) if defined fileno $link->{to} && $is_write{ fileno $link->{to} };
        }
        $self->{links} = [ grep { !$self->_is_over($_) } @{ $self->{links} } ];
    }
}

# False once the test is over.
sub _obey
{
    my ($self) = @_;
    my $command = readline($self->{control}) // return 0;
    ($self->{mode}, $self->{amount}) = split ' ', $command;
    if ($self->{mode} eq 'cut')
    {
        close $_->{from} for @{ $self->{links} };
        $self->{links} = [];
    }
    print { $self->{control} } "done\n";
    return 1;
}

sub _accept
{
    my ($self) = @_;
    my $client = $self->{listener}->accept or return;
    return close $client if $self->{mode} eq 'cut';
    my $server = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{target}) or return close $client;
    $_->blocking(0) for $client, $server;
    setsockopt $_, Socket::IPPROTO_TCP(), Socket::TCP_NODELAY(), 1 for $client, $server;
    push @{ $self->{links} }, { from => $client, to => $server, held => [], bytes => 0 },
        { from => $server, to => $client, held => [], bytes => 0, is_answer => 1 };
    return;
}

sub _may_read
{
    my ($self, $link) = @_;
    return 0 if $link->{has_ended} || $self->{mode} eq 'freeze' || ($self->{mode} eq 'deaf' && $link->{is_answer});
    return 0 if $self->{mode} eq 'slow' && time < ($link->{rest_until} // 0);
    return $link->{bytes} < $HELD_BYTES;
}

sub _read
{
    my ($self, $link) = @_;
    my $most = $self->{mode} eq 'slow' ? 1 + int($self->{amount} / 20) : $READ_BYTES;
    my $data;
    my $count = sysread $link->{from}, $data, $most;

    return if !defined $count && ($! == EAGAIN || $! == EINTR);
    if (!$count)
    {
        $link->{has_ended} = 1;
        return;
    }
    push @{ $link->{held} }, [ time + ($self->{mode} eq 'delay' ? $self->{amount} : 0), $data ];
    $link->{bytes} += $count;
    $link->{rest_until} = time + $count / $self->{amount} if $self->{mode} eq 'slow';
    return;
}

sub _write
{
    my ($self, $link) = @_;
    my $first = $link->{held}[0];
    my $count = syswrite $link->{to}, $first->[1];

    return if !defined $count && ($! == EAGAIN || $! == EINTR);
    if (!defined $count)
    {
        $link->{has_ended} = 1;
        @$link{qw(held bytes)} = ([], 0);
        return;
    }
    $link->{bytes} -= $count;
    substr($first->[1], 0, $count) = '';
    shift @{ $link->{held} } if $first->[1] eq '';
    return;
}

# What ended on one side ends on the other, once all is delivered.
sub _is_over
{
    my ($self, $link) = @_;
    return 1 unless defined fileno $link->{from} && defined fileno $link->{to};
    return 0 unless $link->{has_ended} && !@{ $link->{held} };
    close $link->{$_} for qw(from to);
    return 1;
}

my $owner_pid = $$;

END
{
    if ($$ == $owner_pid)
    {
        my $status = $?;
        kill 'KILL', map { $_->{pid} } @every;
        waitpid $_->{pid}, 0 for @every;
        $? = $status;
    }
}

1;
