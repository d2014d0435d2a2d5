# wallet_history killed again and again under load, alone and as one of two: every event once.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Stack;
use Test::More;

# A killed member's partitions are free after its session timeout.
my %quick   = (KAFKA_PROP_SESSION_TIMEOUT_MS => 2000, KAFKA_PROP_HEARTBEAT_INTERVAL_MS => 300);
my $stack   = Stack->start(history => \%quick);
my @wallets = $stack->create_wallets(20, fund => '1000.00');
# There is always something to apply; more would only make the comparison at the end longer.
my $load = $stack->load(wallets => \@wallets, clients => 4, mixed => 1, pause => 0.01);

sub kill_at_work
{
    my ($history, $name) = @_;
    $load->wait_progress(100);
    poll_until(sub { ($history->metric('wallet_history_applied_total') // 0) > 50 }, what => 'a history at work');
    is($history->kill9, 'signal 9', $name);
    $load->wait_progress(50);
    $history->start;
    return;
}

kill_at_work($stack->history, "killed under load, $_") for 1 .. 5;
my $second = $stack->another_history(%quick)->start;
kill_at_work($second, "a second one killed, $_") for 1 .. 2;
$load->wait_progress(200);
is($second->stop, 0, 'a second one stopped');
$load->stop;
$stack->wait_history(deadline => 120);
$stack->verify(acknowledged => $load);
done_testing;
