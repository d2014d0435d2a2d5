# Many HTTP connections at once, of bytes that no HTTP client would send.
package RawHttp;

use strict;
use warnings;

use Carp qw(croak);
use Errno qw(EAGAIN EINPROGRESS EINTR);
use IO::Poll qw(POLLERR POLLHUP POLLIN POLLOUT);
use IO::Socket::INET;
use Time::HiRes qw(time);

=head1 SYNOPSIS

    my @answers = RawHttp::exchange($port, \@requests,
        at_once  => 64,         # connections; default 64
        seconds  => 20,         # for each of them; default 20
        end      => 1);         # the client says that it has no more; default: it waits for the server to close
    # of { bytes => what came, statuses => [ 200, 400 ], end => 'closed' 'reset' or 'late', seconds => 0.01 }

    my $connection = RawHttp->connect($port);    # non-blocking
    $connection->send($bytes);                   # as much as goes at once; the number, or undef: broken
    my $text = $connection->receive;             # what is there: '' nothing yet, undef: closed
    my ($status, $body) = $connection->answer(seconds => 10);   # to a request sent before
    $connection->close;

C<end> is what a client does that has nothing more to say: it closes its half of the connection, once it has got
something or has waited for a moment.

=cut

sub connect
{
    my ($class, $port) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Blocking => 0)
        or croak "connect: $!";

    binmode $socket;
    return bless { socket => $socket, in => '' }, $class;
}

sub send
{
    my ($self, $bytes) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my $sent = syswrite $self->{socket}, $bytes;

    return $sent if defined $sent;
    return $!{EAGAIN} || $!{EINTR} || $!{EINPROGRESS} ? 0 : undef;
}

sub receive
{
    my ($self) = @_;
    my $count = sysread $self->{socket}, my $bytes, 262144;

    return $count ? $bytes : undef if defined $count;
    return $!{EAGAIN} || $!{EINTR} ? '' : undef;
}

sub close { my ($self) = @_; return CORE::close $self->{socket} }

# The next answer with a Content-Length; nothing where it does not come.
sub answer
{
    my ($self, %option) = @_;
    my $end = time + ($option{seconds} // 10);

    while ($self->{in} !~ /\A(HTTP.*?\r\n\r\n)/s || length $self->{in} < length($1) + _body_bytes($1))
    {
        return if time > $end;
        my $poll = IO::Poll->new;
        $poll->mask($self->{socket} => POLLIN);
        $poll->poll(0.1);
        my $more = $self->receive // return;
        $self->{in} .= $more;
    }
    my ($head) = $self->{in} =~ /\A(HTTP.*?\r\n\r\n)/s;
    my $answer = substr $self->{in}, 0, length($head) + _body_bytes($head), '';
    return ($head =~ /\A\S+ (\d+)/, substr $answer, length $head);
}

sub _body_bytes { return $_[0] =~ /^Content-Length: (\d+)/mi ? $1 : 0 }

sub exchange
{
    my ($port, $requests, %option) = @_;
    my @waiting = map { { number => $_ } } 0 .. $#$requests;
    my (%open, @answers);
    my $poll = IO::Poll->new;

    while (@waiting || %open)
    {
        while (@waiting && keys %open < ($option{at_once} // 64))
        {
            my $one = shift @waiting;
            $one->{connection} = RawHttp->connect($port);
            $one->{out}        = $requests->[ $one->{number} ];
            $one->{begin}      = time;
            $one->{bytes}      = '';
            my $socket = $one->{connection}{socket};
            $open{ fileno $socket } = $one;
            $poll->mask($socket => POLLIN | POLLOUT);
            # Before the next connection: one that says nothing may be shut where there are many.
            my $sent = $one->{connection}->send(substr $one->{out}, 0, 1024);
            substr $one->{out}, 0, $sent, '' if defined $sent;
        }
        $poll->poll(0.05);
        my $now = time;
        for my $one (values %open)
        {
            my $socket = $one->{connection}{socket};
            my $end    = _step($poll, $one, $option{end});
            $end //= 'late' if $now - $one->{begin} > ($option{seconds} // 20);
            next unless $end;
            $poll->remove($socket);
            delete $open{ fileno $socket };
            $one->{connection}->close;
            $answers[ $one->{number} ] = {
                bytes    => $one->{bytes},
                statuses => [ $one->{bytes} =~ m{(?:\A|\n|\}|\0)HTTP/1\.\d (\d+)}g ],
                end      => $end,
                seconds  => $now - $one->{begin}
            };
        }
    }
    return @answers;
}

# Sends and receives what can be; how it ended, or nothing.
sub _step
{
    my ($poll, $one, $ends) = @_;
    my $connection = $one->{connection};
    my $events     = $poll->events($connection->{socket});

    if (length $one->{out} && $events & (POLLOUT | POLLERR | POLLHUP))
    {
        my $sent = $connection->send(substr $one->{out}, 0, 262144);
        # The server may have said why before it stopped to read.
        if   (defined $sent) { substr $one->{out}, 0, $sent, '' }
        else                 { $one->{out} = '' }
    }
    if (!length $one->{out} && !$one->{sent_at})
    {
        $one->{sent_at} = time;
        $poll->mask($connection->{socket} => POLLIN);
    }
    # Not with the last byte: a server may take that for a client that has left.
    shutdown $connection->{socket}, 1
        if $ends && $one->{sent_at} && (length $one->{bytes} || time - $one->{sent_at} > 0.2) && !$one->{is_ended}++;
    return unless $events & (POLLIN | POLLERR | POLLHUP);
    my $bytes = $connection->receive;
    return $! && !$!{EAGAIN} && $events & POLLERR ? 'reset' : 'closed' unless defined $bytes;
    $one->{bytes} .= $bytes;
    return;
}

1;
