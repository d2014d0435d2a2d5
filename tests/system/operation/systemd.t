# The units of scripts/systemd: systemd can read them, they are hardened, they start the programs that are built, and
# their times fit the programs'. And what a program tells systemd from its start to its end.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use IO::Socket::UNIX;
use Socket qw(SOCK_DGRAM);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Files;
use Program;
use Stack;
use Test::More;
use Wait;

my $folder = abs_path(dirname(__FILE__) . '/../../../scripts/systemd');

sub seconds { return $_[0] =~ /^(\d+)(s|min)?$/ ? $1 * (($2 // 's') eq 'min' ? 60 : 1) : die "$_[0]?" }

for my $program (programs())
{
    (my $unit = "$program.service") =~ tr/_/-/;
    my $text = slurp("$folder/$unit");

    # Where they are built, since systemd looks whether a command is there.
    my $copy = test_directory() . "/$unit";
    my $bin  = dirname(abs_path(program_path($program)));
    like($text, qr{^ExecStart=/usr/local/bin/$program$}m, "$unit starts $program");
    open my $file, '>', $copy or die "$copy: $!\n";
    print {$file} $text =~ s{^ExecStart=/usr/local/bin}{ExecStart=$bin}mr;
    close $file;
    my ($status, $said) = run_command({}, 'systemd-analyze', 'verify', '--man=no', $copy);
    is($status, 0, "$unit can be read");
    is($said, '', "$unit: systemd has nothing to remark");

    my %variable = %{ variables_of($program) };
    my ($stop) = $text =~ /^TimeoutStopSec=(\S+)$/m;
    my ($drain) = grep { defined } @variable{qw(BRIDGE_DRAIN_TIMEOUT DRAIN_TIMEOUT)};
    cmp_ok(seconds($stop), '>', seconds($drain // 0), "$unit: a drain has its time");
}

for my $path (glob "$folder/*.service")
{
    my $unit = basename($path);
    my ($status, $said) = run_command({}, qw(systemd-analyze security --offline=true --threshold=20), $path);
    is($status, 0, "$unit is hardened: at most 2.0 of exposure") or diag $said;
}

# Exit codes, as the programs' own header names them: only what a restart may mend is restarted.
my $status_h = slurp("$folder/../../kafka_bridge/common/base/status.h");
my %code_of  = $status_h =~ /EXIT_CODE_(\w+) = (\d+)/g;
for my $path (glob "$folder/wallet-{bridge,history,service}.service")
{
    my $text = slurp($path);
    like($text, qr/^RestartPreventExitStatus=$code_of{USAGE} $code_of{CONFIGURATION}$/m, basename($path) . ' is not restarted in vain');
    like($text, qr/^Restart=on-failure$/m, basename($path) . ' is restarted otherwise');
    like($text, qr/^Type=notify$/m,        basename($path) . ' waits for READY=1');
    like($text, qr/^WatchdogSec=/m,        basename($path) . ' is watched');
}

subtest 'what systemd is told' => sub {
    my $path   = test_directory() . '/notify';
    my $socket = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $path) or die "$path: $!\n";
    my $stack  = Stack->start(bridge => 0, history => 0);
    my %env    = (NOTIFY_SOCKET => $path, WATCHDOG_USEC => 400000);
    my @told;
    my $await = sub {
        my ($pattern, $number) = @_;
        $socket->blocking(0);
        poll_until(
            sub {
                while (defined $socket->recv(my $message, 4096)) { push @told, $message }
                return (grep { /$pattern/ } @told) >= $number;
            },
            what => "$pattern to systemd");
        return;
    };

    for my $program ($stack->another_bridge(%env), $stack->another_history(%env), $stack->another_service(%env))
    {
        @told = ();
        # A socket takes few datagrams: they are read while it starts.
        $program->start(ready => 0);
        $await->(qr/^READY=1$/, 1);
        $await->(qr/^WATCHDOG=1$/, 2);
        # The history may say something else when its partitions come.
        poll_until(sub { $await->(qr/^STATUS=/, 1); (grep { /^STATUS=/ } @told)[-1] eq 'STATUS=ready' }, what => 'STATUS=ready');
        is(scalar(grep { /^READY=1$/ } @told), 1, "$program->{name}: ready, once, and its state for systemctl status");
        @told = ();
        is($program->stop, 0, 'it ends when asked to');
        $await->(qr/^STOPPING=1$/, 1);
    }
};
done_testing;
