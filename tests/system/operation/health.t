# What wallet_health and wallet_check say while the bridge and the history run, stop and lag; and that the
# history which came back through Kafka is the ledger's (INV-15).
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Stack;
use Test::More;

my $stack = Stack->start;
my $health = sub { return ($stack->rows('SELECT * FROM wallet_health()'))[0] };
my $wait_for = sub {
    my ($status) = @_;
    return poll_until(sub { $health->()->{status} eq $status }, what => "wallet_health $status");
};

my ($alice, $bob) = $stack->create_wallets(2, fund => '100.00');
$stack->sql('SELECT count(wallet_transfer(?, ?, 0.01)) FROM generate_series(1, 100)', $alice, $bob);
$stack->wait_bridge;
$stack->wait_history;

$wait_for->('ok');
my $now = $health->();
is($now->{slot_name}, $stack->slot, 'the slot of the bridge');
is($now->{slot_active}, 1, 'is in use');
is($now->{history_last_at}, $now->{ledger_last_at}, 'the newest event is the newest movement');
cmp_ok($now->{history_lag_seconds}, '==', 0, 'nothing is waiting');
is($stack->sql('SELECT count(*) FROM wallet_check()'), 0, 'the history equals the ledger');
is($stack->sql('SELECT count(*) FROM wallet_history(?, NULL, 1000)', $alice), 102, 'and has every event');
is($stack->sql(q{SELECT string_agg(event_type, ' ' ORDER BY version DESC) FROM wallet_history(?, 3)}, $bob),
    'TRANSFER_IN FUND CREATED', 'in the order of versions');
is($stack->sql(q{SELECT count(*) FROM wallet_activity('user1', max_rows => 3)}), 3, 'by user too');

# History behind: no divergence, but an age that grows until it has caught up.
is($stack->history->stop, 0, 'wallet_history stops');
$stack->sql('SELECT wallet_transfer(?, ?, 1)', $alice, $bob);
$stack->wait_bridge;
my $lag = poll_until(sub { $health->()->{history_lag_seconds} }, what => 'a lag');
cmp_ok($lag, '<', 60, 'the lag counts from the oldest movement that waits, not from the newest event');
poll_until(sub { $health->()->{history_lag_seconds} > $lag }, what => 'a growing lag');
is($stack->sql('SELECT count(*) FROM wallet_check()'), 0, 'lag is no divergence');
$stack->history->start;
$stack->wait_history;
cmp_ok($health->()->{history_lag_seconds}, '==', 0, 'caught up');

# An event that is gone for good: the last one of a wallet, and all of another.
my ($lost, $kept) = $stack->create_wallets(2, fund => '1.00');
$stack->wait_bridge;
$stack->wait_history;
$stack->sql('DELETE FROM transaction_events WHERE wallet_id = ? OR wallet_id = ? AND version = 1', $lost, $kept);
my @missing = sort ("history_missing $lost 0", "history_missing $lost 1", "history_missing $kept 1");
my $divergences = sub { return [ map { "$_->{check_name} $_->{wallet_id} $_->{version}" } $stack->rows('SELECT * FROM wallet_check()') ] };
poll_until(sub { @{ $divergences->() } == 3 }, what => 'all that is missing');
is_deeply([ sort @{ $divergences->() } ], \@missing, 'wallet_check() names last events, and wallets without any');
is(($stack->bridge_command([ 'backfill', '--wallet', $_, '--from', '-infinity', '--to', 'now' ]))[0], 0, 'published again') for $lost, $kept;
poll_until(sub { !@{ $divergences->() } }, what => 'a whole history');

# No bridge: the slot keeps what it has not confirmed.
is($stack->bridge->stop, 0, 'wallet_bridge stops');
$wait_for->('slot_inactive');
my $before = $health->()->{slot_lag_bytes};
$stack->sql('SELECT wallet_transfer(?, ?, 1)', $alice, $bob);
cmp_ok($health->()->{slot_lag_bytes}, '>', $before, 'the WAL that is kept for it grows');
$stack->bridge->start;
$stack->wait_bridge;
$stack->wait_history;
$wait_for->('ok');
is($stack->sql('SELECT count(*) FROM wallet_check()'), 0, 'and all is well again');
$stack->quiet_ok;
done_testing;
