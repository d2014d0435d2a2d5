# wallet_history killed again and again under load, alone and as one of two: every event once.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Stack;
use Test::More;

my $stack   = Stack->start;
my @wallets = $stack->create_wallets(20, fund => '1000.00');
my $load    = $stack->load(wallets => \@wallets, clients => 4, mixed => 1);

for my $round (1 .. 5)
{
    $load->wait_progress(200);
    is($stack->history->kill9, 'signal 9', "killed under load, $round");
    $load->wait_progress(50);
    $stack->history->start;
}

my $second = $stack->another_history;
$second->start;
for my $round (1 .. 2)
{
    $load->wait_progress(200);
    is($second->kill9, 'signal 9', "a second one killed, $round");
    $second->start;
}
$load->wait_progress(200);
is($second->stop, 0, 'a second one stopped');
$load->stop;
$stack->wait_history(deadline => 120);
$stack->verify(acknowledged => $load);
done_testing;
