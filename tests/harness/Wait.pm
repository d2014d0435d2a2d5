# Waiting for a condition with a deadline, and what tests need of the machine: free ports, folders.
package Wait;

use strict;
use warnings;

use Carp qw(croak);
use Exporter qw(import);
use Errno;
use File::Temp qw(tempdir);
use IO::Socket::INET;
use Socket qw(SOL_SOCKET SO_REUSEADDR);
use Test::Builder;
use Time::HiRes qw(time);

our @EXPORT = qw(poll_until patient free_port listens test_directory test_failed show_tail);

# Every deadline is multiplied by this: a sanitizer build or a slow machine needs more.
my $PATIENCE = $ENV{WALLET_TEST_PATIENCE} || 1;

=head1 SYNOPSIS

    my $value = poll_until(sub { $stack->sql('SELECT ...') }, what => 'the row', deadline => 30);
    cmp_ok($seconds, '<', patient(10), 'soon');    # a bound for what a test has measured
    my $port  = free_port();         # kept for this test file
    my $is    = listens($pid, $port);    # whether that process does
    my $path  = test_directory();    # of this test file, removed at its end if it passed

=over

=item poll_until(CODE, deadline => seconds, what => text, interval => seconds)

Calls CODE until it returns a true value, and returns that. A die of CODE counts as "not yet" and is
shown if the deadline (30 s) passes: then poll_until dies, with C<what> in its message.

=item patient(SECONDS)

So many seconds on a machine as fast as it should be: multiplied as every deadline is.

=back

=cut

sub poll_until
{
    my ($condition, %option) = @_;
    my $seconds  = patient($option{deadline} // 30);
    my $interval = $option{interval} // 0.05;
    my $end      = time + $seconds;
    my $last_error;

    while (1)
    {
        my $value = eval { $condition->() };
        return $value if $value;
        $last_error = $@;
        last if time >= $end;
        select undef, undef, undef, $interval;
    }
    croak 'not within ' . $seconds . ' s: ' . ($option{what} // 'the condition')
        . ($last_error ? " ($last_error)" : '');
}

sub patient { return $_[0] * $PATIENCE }

# A port that is ours until this process ends: a socket stays bound to it and never listens. No other
# test can choose it, and what we start can listen there, as often as it likes, since it asks for
# SO_REUSEADDR. Below the range that the kernel gives to outgoing connections.
my @reserved;

sub free_port
{
    for (1 .. 500)
    {
        my $port = 12000 + int(rand(20000));
        my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Proto => 'tcp')
            or next;
        setsockopt $socket, SOL_SOCKET, SO_REUSEADDR, 1 or croak "port $port: $!";
        push @reserved, $socket;
        return $port;
    }
    croak 'no free port';
}

# Whether the process itself listens on the port; also where we may not look at its files.
sub listens
{
    my ($pid, $port) = @_;
    opendir my $folder, "/proc/$pid/fd" or return $!{EACCES} ? 1 : 0;
    my %sockets;
    for my $entry (grep { /^\d/ } readdir $folder)
    {
        my $target = readlink "/proc/$pid/fd/$entry";
        return 1 if !defined $target && $!{EACCES};
        $sockets{ $target // '' } = 1;
    }
    for my $table ('/proc/net/tcp', '/proc/net/tcp6')
    {
        open my $file, '<', $table or next;
        while (my $line = <$file>)
        {
            my ($local, $state, $inode) = (split ' ', $line)[ 1, 3, 9 ];
            return 1 if $state eq '0A' && hex((split /:/, $local)[1]) == $port && $sockets{"socket:[$inode]"};
        }
    }
    return 0;
}

# An interrupted test stops what it started: END blocks run at exit, not at a signal.
$SIG{$_} = sub { exit 130 } for qw(HUP INT TERM);

my $directory;
my $owner_pid = $$;

sub test_directory
{
    return $directory if $directory;
    $directory = tempdir('wallet-test-XXXXXX', DIR => $ENV{WALLET_TEST_DIR} // '/tmp');
    # PostgreSQL runs as another user than root.
    chmod 0755, $directory;
    return $directory;
}

# For END blocks: whether this test file has failed so far.
sub test_failed
{
    return $? != 0 || !Test::Builder->new->is_passing;
}

# The end of a log, as diagnostics of the test.
sub show_tail
{
    my ($name, $text, $lines) = @_;
    return if $ENV{WALLET_TEST_QUIET};
    my @lines = split /\n/, $text;
    splice @lines, 0, @lines - $lines if @lines > $lines;
    print STDERR map { "# $name: $_\n" } @lines;
    return;
}

# Runs after the END blocks of the modules that use this one: everything is stopped by then.
END
{
    if ($directory && $$ == $owner_pid)
    {
        my $status = $?;
        if   (!test_failed() && !$ENV{WALLET_TEST_KEEP}) { system 'rm', '-rf', $directory }
        elsif (!$ENV{WALLET_TEST_QUIET}) { print STDERR "# files of this test: $directory\n" }
        $? = $status;
    }
}

1;
