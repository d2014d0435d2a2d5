# Events that cannot be published, on a real topic: too large, and a row that has no form as an event. The
# bridge stops before them, or sends them to the dead letters and goes on; a backfill brings what can be mended.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use JSON::PP ();
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Stack;
use Test::More;

my $stack = Stack->start(bridge => 0, history => 0);
my $kafka = $stack->kafka;
my ($topic, $dlq) = ($stack->topic, $stack->topic . '.dlq');
my $stopping = $stack->bridge;
my $sending  = $stack->another_bridge(BRIDGE_ON_POISON => 'dlq');

$kafka->create_topic($topic, partitions => 2, config => { 'max.message.bytes' => 4000 });
# Smaller than any dead letter: none is acknowledged for the time being.
$kafka->create_topic($dlq, config => { 'max.message.bytes' => 100 });
$stopping->start;
my ($alice, $bob) = $stack->create_wallets(2, fund => '10.00');

sub topic_has
{
    my ($wallet, $version) = @_;
    return scalar grep { $_->{key} eq $wallet && $_->{event}{version} == $version } $stack->records;
}

sub wait_topic
{
    my ($wallet, $version, $name) = @_;
    poll_until(sub { topic_has($wallet, $version) }, interval => 0.2, what => $name);
    pass($name);
    return;
}

sub newest_version
{
    return $stack->sql('SELECT version FROM wallets WHERE id = ?', $_[0]);
}

# Whether the slot is still before what was the end of WAL.
sub is_before
{
    my ($lsn) = @_;
    return $stack->sql('SELECT confirmed_flush_lsn < ?::pg_lsn FROM pg_replication_slots WHERE slot_name = ?',
        $lsn, $stack->slot);
}

# A row with a text that no event takes, and with an id of its time as every row has.
sub insert_unrenderable
{
    my ($session, $wallet) = @_;
    $session->do(<<'SQL', {}, $wallet);
INSERT INTO wallet_ledger (transaction_id, to_wallet_id, to_version, created_at, leg, kind, amount, currency,
    to_balance, to_held, to_status, to_user_id, session_user_name, current_user_name, application_name, credit_limit)
VALUES (
    (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || '700080000000000000e0')::uuid,
    ?, 0, clock_timestamp(), 0, 'CREATED', 0, 'USD', 0, 0, 'active', repeat('x', 1048577),
    'postgres', 'postgres', 'test', 0)
SQL
    return;
}

my $big_version;
my $big_end;
subtest 'too large, on-poison=stop' => sub {
    $stack->wait_bridge;
    my $mark = $stopping->log_mark;
    $stack->sql(q(SELECT wallet_fund(?, 1, metadata => jsonb_build_object('note', repeat('x', 6000)))), $alice);
    $big_end     = $stack->sql('SELECT pg_current_wal_insert_lsn()');
    $big_version = newest_version($alice);
    $stack->sql('SELECT wallet_transfer(?, ?, 1)', $alice, $bob);
    is($stopping->wait_exit, 78, 'it stops');
    my $said = $stopping->log_since($mark);
    like($said, qr/level=error .*event [0-9a-f-]{36} of wallet $alice .*larger than the topic accepts/, 'names the event');
    like($said, qr/max\.message\.bytes.*--on-poison=dlq/, 'and the ways out');
    ok(is_before($big_end), 'no position past it');
    $stack->refuses($stopping, qr/larger than the topic accepts/, 'the next start');
    ok(is_before($big_end), 'no position past it then either');
    ok(!topic_has($alice, $big_version + 1), 'and no later event of the wallet passed it');
};

subtest 'the dead letter is not acknowledged' => sub {
    $stack->refuses($sending, qr/Kafka refuses .*\Q$dlq\E.*too large/i, 'dead letters that Kafka does not take');
    ok(is_before($big_end), 'no position past the event');
};

subtest 'too large, on-poison=dlq' => sub {
    $kafka->set_topic($dlq, 'max.message.bytes' => 1048588);
    $sending->start;
    wait_topic($alice, $big_version + 1, "the wallet's next event arrives");
    $stack->wait_bridge;
    pass('the position moves on');
    ok(!topic_has($alice, $big_version), 'the event itself is not in the topic');
    my @letters = $kafka->read_topic($dlq);
    is(scalar @letters, 1, 'it is a dead letter');
    my $letter = $letters[0];
    my $stub   = JSON::PP->new->decode($letter->{value});
    is($letter->{key}, $alice, 'under its key');
    is($stub->{wallet_id}, $alice, 'with its wallet');
    is($stub->{event_id}, $letter->{headers}{ce_id}, 'its id');
    cmp_ok($stub->{event_bytes}, '>', 6000, 'its size');
    is($stub->{sequence}, $letter->{headers}{ce_sequence}, 'and its place in the WAL');
    is($letter->{headers}{'__connect.errors.topic'}, $topic, 'where it belongs');
    like($letter->{headers}{'__connect.errors.exception.message'}, qr/larger/, 'and why it is here');
    is($sending->metric('wallet_bridge_dead_letters_total'), 1, 'the metric counts it');
    is($sending->stop, 0, 'it stops when asked to');
    $stopping->start;
    is($stopping->stop, 0, 'and the other one goes on after it');
};

my $eve = '00000000-0000-4000-8000-00000000e0e0';
subtest 'a row without a form' => sub {
    $stopping->start;
    my $mark    = $stopping->log_mark;
    my $session = $stack->connect;
    $session->begin_work;
    $session->do('SELECT wallet_fund(?, 1)', {}, $alice);
    insert_unrenderable($session, $eve);
    $session->do('SELECT wallet_fund(?, 1)', {}, $bob);
    $session->commit;
    my $end = $stack->sql('SELECT pg_current_wal_insert_lsn()');
    is($stopping->wait_exit, 78, 'on-poison=stop: it stops');
    like($stopping->log_since($mark), qr/event [0-9a-f-]{36} of wallet $eve cannot be published: user_id is longer than/, 'and says why');
    ok(is_before($end), 'no position past it');
    ok(!topic_has($bob, newest_version($bob)), 'and nothing after it was published');

    $sending->start;
    wait_topic($bob, newest_version($bob), 'on-poison=dlq: what comes after it arrives');
    $stack->wait_bridge;
    ok(topic_has($alice, newest_version($alice)), 'and what came before it');
    my ($letter) = grep { $_->{key} eq $eve } $kafka->read_topic($dlq);
    like($letter->{headers}{'__connect.errors.exception.message'}, qr/^user_id is longer than/, 'it is a dead letter');
    is($sending->metric('wallet_bridge_dead_letters_total'), 1, 'the metric counts it');
};

subtest 'a backfill' => sub {
    my @range = ('--from', '2000-01-01', '--to', 'now');
    $stack->history->start;
    my $gaps = 'SELECT count(*) FROM wallet_history_gaps WHERE wallet_id = ? AND ? BETWEEN from_version AND to_version';
    poll_until(sub { $stack->sql($gaps, $alice, $big_version) }, what => 'the gap that the dead letter left');

    my ($code, $out, $err) = $stack->bridge_command([ 'backfill', @range ]);
    is($code, 78, 'stops at an event that cannot be published');
    like($err, qr/of wallet $alice cannot be published: it is larger/, 'and names it');
    $kafka->set_topic($topic, 'max.message.bytes' => 1048588);
    ($code, $out, $err) = $stack->bridge_command([ 'backfill', @range ]);
    is($code, 78, 'also at one that has no form');
    like($err, qr/of wallet $eve cannot be published: user_id is longer/, 'and names it');
    my $letters = $kafka->count($dlq);
    ($code, $out, $err) = $stack->bridge_command([ 'backfill', @range, '--on-poison=dlq' ]);
    is($code, 0, 'unless it may go to the dead letters');
    my $entries = $stack->sql('SELECT count(*) FROM wallet_transactions') - 1;
    like($out, qr/^$entries events published in .*, 1 sent to the dead letters$/m, 'where it is counted apart');
    like($err, qr/level=error .*event sent to the dead letters.*user_id is longer/, 'and logged');
    is($kafka->count($dlq), $letters + 1, 'and now is');
    my ($letter) = grep { $_->{key} eq $eve && $_->{headers}{replay} } $kafka->read_topic($dlq);
    like($letter->{value}, qr/^\{"event_id":"[0-9a-f-]{36}","wallet_id":"$eve","event_bytes":\d+\}$/, 'without a place in the WAL, which it has not');
    poll_until(sub { !$stack->sql($gaps, $alice, $big_version) }, what => 'the gap to be filled');
    pass('the large event fills its gap, now that the topic takes it');
};

is($sending->stop, 0, 'the bridge stops when asked to');
done_testing;
