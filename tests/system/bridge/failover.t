# PostgreSQL's standby is promoted: what the bridge does and says, with its slot moved along and without, with
# all commits and with some lost, and on the old primary.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Stack;
use Test::More;

my $stack = Stack->start(history => 0, conf => { hot_standby => 'on', wal_keep_size => '256MB' });
my $slot  = $stack->slot;
my $first = $stack->postgres;
my ($alice, $bob) = $stack->create_wallets(2, fund => '100.00');

sub url_of
{
    my ($server) = @_;
    return (DATABASE_URL => $server->uri(user => 'wallet_bridge'));
}

sub pay
{
    my ($server, $times) = @_;
    $server->sql('SELECT count(wallet_transfer(?, ?, 0.01)) FROM generate_series(1, ?)', $alice, $bob, $times // 1);
    return;
}

sub wait_follows
{
    my ($standby, $primary) = @_;
    # What commits is flushed; what the server logs for itself may take its time.
    my $lsn = $primary->sql('SELECT pg_current_wal_flush_lsn()');
    poll_until(sub { $standby->sql('SELECT pg_last_wal_replay_lsn() >= ?::pg_lsn', $lsn) }, what => 'the standby to follow');
    return;
}

my $second = $first->standby;
my $moved  = $stack->another_bridge(url_of($second));

subtest 'promoted with every commit and the slot' => sub {
    pay($first, 20);
    $stack->wait_bridge;
    is($stack->bridge->stop, 0, 'the bridge stops');
    wait_follows($second, $first);
    $moved->start(ready => 0);
    $moved->wait_log(qr/the server is a standby; waiting for its promotion/);
    pass('on a standby the bridge waits');
    is(($moved->get('/health'))[0], 503, 'and is not ready');

    # As a cluster manager does that keeps logical slots over a failover.
    $first->stop;
    $second->stop;
    system('cp', '-a', "$first->{base}/data/pg_replslot/$slot", "$second->{base}/data/pg_replslot/");
    $second->start;
    $second->promote;
    pay($second, 20);
    poll_until(sub { ($moved->get('/health'))[0] == 200 }, what => 'the bridge on the new primary');
    my ($code, $out) = $stack->bridge_command(['verify'], url_of($second));
    is($code, 0, 'it goes on by itself') or diag $out;
    like($out, qr/^84 events in the ledger, 84 records in the topic\n0 missing, 0 not in the ledger, 0 different, 0 second copies$/m,
        'nothing missing, nothing twice');
    is($moved->stop, 0, 'it stops when asked to');
    ($code, $out) = $stack->bridge_command([qw(progress show)], url_of($second));
    like($out, qr/, timeline 2,/, 'the record names the new timeline');
};

subtest 'the old primary' => sub {
    $first->start;
    $stack->refuses($stack->bridge, qr/V2: events up to .* of timeline 2 are in Kafka, but this server is on timeline 1 .*old primary/, 'started on it');
    $first->stop;
};

subtest 'promoted after commits were lost' => sub {
    my $third = $second->standby;
    my $late  = $stack->another_bridge(url_of($third));
    wait_follows($third, $second);
    $third->stop;
    $moved->start;
    pay($second, 10);
    my ($code, $out) = $stack->bridge_command(['verify'], url_of($second));
    is($code, 0, 'the topic has what the standby has not') or diag $out;
    is($moved->stop, 0, 'the bridge stops');
    $second->stop;
    $third->start;
    $third->promote;
    my $lost = qr/V2: events up to .* of timeline 2 are in Kafka, but this server is on timeline 3 and does not contain that position: it lost commits/;
    $stack->refuses($late, qr/$lost.*wallet_bridge verify.*wallet_bridge slot create/, 'without a slot');
    $third->sql('SELECT pg_create_logical_replication_slot(?, ?)', $slot, 'wallet_decoder');
    $stack->refuses($late, qr/$lost.*wallet_bridge verify.*wallet_bridge progress set/, 'with a slot');
    ($code, $out) = $stack->bridge_command(['verify'], url_of($third));
    is($code, 78, 'verify finds what was lost');
    like($out, qr/^0 missing, 20 not in the ledger, 0 different, /m, 'and how much');
    ($code, $out) = $stack->bridge_command([qw(progress set --reason failover)], url_of($third));
    is($code, 0, 'accepted by hand') or diag $out;
    $late->start;
    pay($third);
    ($code, $out) = $stack->bridge_command(['verify'], url_of($third));
    like($out, qr/^0 missing, 18 not in the ledger, 2 different, /m, 'it goes on, and verify shows the two histories');
    is($late->stop, 0, 'it stops when asked to');
    $third->stop;
};
done_testing;
