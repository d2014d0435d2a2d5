# What PostgreSQL loses of the history's last commits in a crash is noticed and applied again, though no event comes after
# (INV-9, INV-15): the history commits without waiting for the WAL.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Stack;
use Test::More;

my $TRIES = 5;
my $stack = Stack->start;
my @wallets = $stack->create_wallets(4, fund => '100.00');

sub stored { return $stack->sql('SELECT count(*) FROM transaction_events') }

# Commits of the history that the crash takes; 0 where another commit was waited for after them.
sub crash_after_applying
{
    $stack->postgres->suspend_wal_writer;
    $stack->sql('SELECT wallet_fund(?, 1)', $_) for @wallets;
    $stack->wait_history;
    my $before = stored();
    $stack->history->suspend;
    $stack->postgres->kill9;
    $stack->postgres->start;
    my $lost = $before - stored();
    $stack->history->resume;
    return $lost;
}

my $lost = 0;
for (1 .. $TRIES)
{
    last if ($lost = crash_after_applying()) > 0;
    $stack->wait_history;
}
cmp_ok($lost, '>', 0, 'a crash took events that were applied');
$stack->wait_history;
$stack->history->wait_log(qr/positions are not as this process left them/);
pass('they come back, and the reason is told');
is($stack->sql('SELECT count(*) FROM wallet_history_gaps'), 0, 'without a gap');

subtest 'a claim is lost' => sub {
    my ($missing, $mark) = (0);
    for (1 .. $TRIES)
    {
        $stack->postgres->suspend_wal_writer;
        $mark = $stack->history->log_mark;
        $stack->history->restart;
        $stack->history->wait_log(qr/partition taken over" partition=0 /, since => $mark);
        my ($fence) = $stack->history->log_since($mark) =~ /partition taken over" partition=0 .*? fence=(\d+)/;
        $stack->history->suspend;
        $stack->postgres->kill9;
        $stack->postgres->start;
        $missing = $fence - $stack->sql('SELECT fence FROM wallet_history_offsets WHERE partition = 0');
        $mark = $stack->history->log_mark;
        $stack->history->resume;
        last if $missing > 0;
    }
    cmp_ok($missing, '>', 0, 'a crash took a claim');
    $stack->history->wait_log(qr/positions are not as this process left them/, since => $mark);
    pass('which is noticed without an event');
};

$stack->sql('SELECT wallet_fund(?, 1)', $wallets[0]);
$stack->wait_history;
$stack->verify;
done_testing;
