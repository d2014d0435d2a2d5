# wallet_bridge killed again and again under load: nothing lost, nothing twice in the history, and the position that
# the server is told never falls (INV-8).
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Stack;
use Test::More;
use Wait;

my $stack   = Stack->start;
my @wallets = $stack->create_wallets(20, fund => '1000.00');
my $load    = $stack->load(wallets => \@wallets, clients => 4, mixed => 1, pause => 0.005);

my ($told, @fallen) = (0);

# What feedback said, as the server shows it: until it said something newer than before.
sub feedback_watch
{
    poll_until(
        sub {
            my $lsn = $stack->sql(q{SELECT flush_lsn - '0/0' FROM pg_stat_replication WHERE flush_lsn IS NOT NULL}) or return 0;
            my $before = $told;
            push @fallen, "$before to $lsn" if $lsn < $before;
            $told = $lsn;
            return $lsn > $before;
        },
        interval => 0.02,
        what     => 'a newer position in the feedback');
    return;
}

for my $round (1 .. 6)
{
    $load->wait_progress(200);
    is($stack->bridge->kill9, 'signal 9', "killed under load, $round");
    $load->wait_progress(50);
    $stack->bridge->start;
    feedback_watch();
}
is_deeply(\@fallen, [], 'the position told to the server never fell');
$load->wait_progress(200);
$load->stop;
$stack->wait_history;
$stack->verify(duplicates => 1, acknowledged => $load);
$stack->quiet_ok(allow => qr/terminat|is active for PID|standby|broken|closed/i);
done_testing;
