# PostgreSQL killed again and again under load: what was acknowledged is there, once, and came through.
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

for my $round (1 .. 5)
{
    $load->wait_progress(200);
    $stack->postgres->kill9;
    ok(!$stack->postgres->running, "killed under load, $round");
    $stack->postgres->start;
}
$load->wait_progress(200);
$load->stop;
ok($stack->bridge->running && $stack->history->running, 'bridge and history lived through it');
$stack->wait_history(deadline => 120);
$stack->verify(duplicates => 1, acknowledged => $load);
done_testing;
