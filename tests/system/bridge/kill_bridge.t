# wallet_bridge killed again and again under load: nothing lost, nothing twice in the history.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Stack;
use Test::More;

my $stack   = Stack->start;
my @wallets = $stack->create_wallets(20, fund => '1000.00');
my $load    = $stack->load(wallets => \@wallets, clients => 4, mixed => 1, pause => 0.005);

for my $round (1 .. 6)
{
    $load->wait_progress(200);
    is($stack->bridge->kill9, 'signal 9', "killed under load, $round");
    $load->wait_progress(50);
    $stack->bridge->start;
}
$load->wait_progress(200);
$load->stop;
$stack->wait_history;
$stack->verify(duplicates => 1, acknowledged => $load);
$stack->quiet_ok(allow => qr/terminat|is active for PID|standby|broken|closed/i);
done_testing;
