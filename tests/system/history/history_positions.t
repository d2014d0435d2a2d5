# Where wallet_history goes on: a topic that no longer has the stored position, the rebuild, another database.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Event;
use Stack;
use Test::More;

my $stack = Stack->start(conf => { track_commit_timestamp => 'on' }, bridge => { BRIDGE_PARTITIONS => 2 });
my $kafka = $stack->kafka;
my $topic = $stack->topic;
# With so many each of the two partitions has some, whatever their random ids are.
my ($alice, $bob, @others) = $stack->create_wallets(32, fund => '100.00');
my $stranger = '00000000-0000-4000-8000-000000000001';

sub history_rows
{
    return [ $stack->rows('SELECT * FROM transaction_events ORDER BY wallet_id, version') ];
}

sub rebuild
{
    my ($insists, %env) = @_;
    my $history = $stack->another_history(%env);
    push @{ $history->{command} }, 'rebuild', $insists ? '--accept-loss' : ();
    $history->start(ready => 0);
    return ($history->wait_exit(60), $history->log_text);
}

subtest "the group's lag, as Kafka's own tool shows it" => sub {
    my $lag = sub {
        my $text = $kafka->tool('org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
            '--describe', '--group', $stack->group);
        # GROUP TOPIC PARTITION CURRENT-OFFSET LOG-END-OFFSET LAG ...
        return join ' ', sort $text =~ /\Q$topic\E +(\d+ +\d+ +\d+ +\d+)/g;
    };
    $stack->wait_history;
    my $shown = poll_until(sub { my $now = $lag->(); $now =~ /^0 +(\d+) +\1 +0 1 +(\d+) +\2 +0$/ ? $now : 0 },
        what => 'a lag of 0');
    pass("partition, position, end, lag: $shown");

    # What is set there by hand has no effect: the positions are rows of the database.
    $stack->history->stop;
    $stack->sql('SELECT wallet_transfer(?, ?, 0.01)', @others[ 0, 1 ]);
    $stack->wait_bridge;
    $kafka->tool('org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
        '--group', $stack->group, '--topic', $topic, '--reset-offsets', '--to-latest', '--execute');
    $stack->history->start;
    $stack->wait_history;
    is($stack->sql('SELECT count(*) FROM wallet_history_gaps'), 0, 'positions of the group that are set by hand skip nothing');
};

# What a session of a replication origin commits has its first transaction's timestamp, if nothing is done about it.
subtest 'commit timestamps' => sub {
    for my $transfer (1 .. 3)
    {
        my $before = $stack->sql('SELECT clock_timestamp()');
        $stack->sql('SELECT wallet_transfer(?, ?, 0.01)', @others[ 0, 1 ]);
        $stack->wait_history;
        is($stack->sql(q(SELECT pg_xact_commit_timestamp(xmin) BETWEEN ?::timestamptz AND clock_timestamp() FROM transaction_events
            WHERE wallet_id = ? ORDER BY version DESC LIMIT 1), $before, $others[0]), 1, "transfer $transfer: that of its own commit");
    }
};

# A history of its own: another database of the server, read by another group.
subtest 'another database' => sub {
    my $server = $stack->postgres;
    $server->sql('CREATE DATABASE elsewhere');
    $server->sql_in('elsewhere', 'CREATE EXTENSION wallet');
    $server->sql_in('elsewhere', 'GRANT SELECT, INSERT, UPDATE, DELETE ON transaction_events, wallet_history_offsets,'
            . ' wallet_history_gaps, wallet_history_conflicts, wallet_history_dead_letters TO wallet_history');
    my $elsewhere = $stack->another_history(
        DATABASE_URL   => $server->uri(user => 'wallet_history', dbname => 'elsewhere'),
        KAFKA_GROUP_ID => $stack->group . '-elsewhere')->start;
    my $sum = 'SELECT count(*) || %s || md5(string_agg(e::text, chr(10) ORDER BY wallet_id, version)) FROM transaction_events e';

    $stack->sql('SELECT count(wallet_transfer(?, ?, 0.01)) FROM generate_series(1, 100)', $alice, $bob);
    $stack->wait_history;
    my $wanted = $stack->sql(sprintf $sum, q(' rows '));
    poll_until(sub { $server->sql_in('elsewhere', sprintf $sum, q(' rows ')) eq $wanted }, what => 'the same rows there');
    pass("has the same history: $wanted");
    is($server->sql_in('elsewhere', 'SELECT count(*) FROM wallet_history(?, NULL, 1000)', $alice), 102,
        'wallet_history() reads it');
    is($server->sql_in('elsewhere', 'SELECT count(*) FROM wallet_history_gaps') +
        $server->sql_in('elsewhere', 'SELECT count(*) FROM wallet_history_conflicts'), 0, 'no gap and no conflict');
    is($server->sql_in('elsewhere', q(SELECT string_agg(DISTINCT check_name, ' ') FROM wallet_check())), undef,
        'wallet_check() finds nothing wrong where there is no ledger');
    is($server->sql_in('elsewhere', q(SELECT string_agg(DISTINCT source, ' ') FROM wallet_history_offsets)), $stack->source,
        "its events are the first event's source's");
    is($elsewhere->stop, 0, 'it stops cleanly');
};

subtest 'rebuild of a history that is right' => sub {
    my $before = history_rows();
    my ($code, $log) = rebuild();
    is($code, 0, 'ends with 0');
    like($log, qr/history rebuilt.* rows_removed=0 rows_added=0 gaps=0 conflicts=0 poison=0/, 'changes nothing');
    is_deeply(history_rows(), $before, 'every row is as it was');
    $stack->verify(name => 'it equals the ledger');
};

subtest 'rebuild of a history that is wrong, while wallet_history runs under load' => sub {
    my $load = $stack->load(wallets => [ $alice, $bob, @others ], clients => 2);
    $load->wait_progress(100);
    my $session = $stack->connect;
    $session->do('DELETE FROM transaction_events WHERE wallet_id = ? AND version BETWEEN 1 AND 50', undef, $alice);
    $session->do('UPDATE transaction_events SET amount = 1 WHERE wallet_id = ? AND version = 1', undef, $bob);
    $session->do('INSERT INTO transaction_events SELECT gen_random_uuid(), ?, user_id, amount, event_type, transaction_id,'
            . ' created_at, event_data, version FROM transaction_events WHERE wallet_id = ? LIMIT 3', undef, $stranger, $bob);
    $session->do(q(INSERT INTO wallet_history_gaps VALUES (?, 1000, 2000, 'none', 0, 0)), undef, $alice);
    my ($code, $log) = rebuild();
    is($code, 78, 'refuses with 78 to take rows away');
    like($log, qr/3 rows would go.*wallet_bridge backfill.*the history is unchanged/, 'says how many, and names backfill');
    ok($session->selectrow_array('SELECT count(*) FROM transaction_events WHERE wallet_id = ?', undef, $stranger), 'changes nothing');
    ($code, $log) = rebuild(1);
    is($code, 0, 'ends with 0 where told to');
    my ($removed, $added) = $log =~ /history rebuilt.* rows_removed=(\d+) rows_added=(\d+)/;
    cmp_ok($removed, '>=', 4,  "the wrong rows go: $removed");
    cmp_ok($added,   '>=', 51, "the right ones come: $added");
    $load->wait_progress(100);
    $load->stop;
    $stack->wait_history;
    $stack->verify(acknowledged => $load, name => 'it equals the ledger');
    ok($stack->history->running, 'wallet_history went on');
};

subtest 'rebuild of a history that was lost, from a topic that has not all' => sub {
    my $less = "$topic-less";
    $kafka->create_topic($less, partitions => 2);
    $stack->wait_history;
    is($stack->history->stop, 0, 'wallet_history stops');
    my $entries = $stack->sql('SELECT count(*) FROM wallet_transactions');
    $stack->sql('CREATE TABLE kept AS SELECT * FROM transaction_events');
    $stack->sql('DELETE FROM transaction_events');
    my ($code, $log) = rebuild(0, KAFKA_TOPIC => $less);
    is($code, 78, 'refuses with 78');
    like($log, qr/ 0 rows would go, .* $entries entries of the ledger would be missing.*wallet_bridge backfill/, 'says what the ledger has');
    $stack->sql('REVOKE SELECT (id, version) ON wallets FROM wallet_history');
    ($code, $log) = rebuild(0, KAFKA_TOPIC => $less);
    is($code, 0, 'who may not read the ledger compares with the history alone');
    like($log, qr/level=warning .*not compared with the ledger: grant SELECT \(id, version\) ON wallets/, 'and is told so');
    $stack->sql('GRANT SELECT (id, version) ON wallets TO wallet_history');
    $stack->sql('INSERT INTO transaction_events SELECT * FROM kept');
    $stack->sql('DROP TABLE kept');
    ($code, $log) = rebuild();
    is($code, 0, 'from the whole topic it ends with 0');
    $stack->history->start;
    $stack->verify(name => 'it equals the ledger');
};

subtest 'rebuild from a topic that was made anew' => sub {
    my $anew = "$topic-anew";
    $kafka->create_topic($anew, partitions => 2);
    $stack->produce(topic => $anew, key => $alice, partition => 0, value => event_json($alice, 1));
    $stack->wait_history;
    my $before = history_rows();
    my ($code, $log) = rebuild(0, KAFKA_TOPIC => $anew);
    is($code, 78, 'refuses with 78');
    like($log, qr/\d+ rows would go, 1 wallets begin above version 0, 1 gaps come.*--accept-loss/, 'says what would be lost');
    is_deeply(history_rows(), $before, 'and changes nothing');
};

subtest 'records that were removed before they were read' => sub {
    is($stack->history->stop, 0, 'wallet_history stops');
    my ($partition, $offset) = @{ ($stack->rows(
        'SELECT partition, next_offset FROM wallet_history_offsets WHERE topic = ? AND group_id = ? AND next_offset > 10 LIMIT 1',
        $topic, $stack->group))[0] }{qw(partition next_offset)};
    $stack->produce(key => $stranger, partition => $partition, value => event_json($stranger, $_)) for 0, 1;
    $kafka->delete_records($topic, $partition, $offset + 1);

    my $before = history_rows();
    $stack->history->start(ready => 0);
    is($stack->history->wait_exit, 78, 'the start ends with 78');
    like($stack->history->log_tail, qr/partition $partition of the topic no longer has the stored position/, 'says so');
    like($stack->history->log_tail, qr/wallet_history rebuild.*wallet_bridge backfill/, 'and names the ways out');

    my ($code, $log) = rebuild();
    is($code, 78, 'rebuild refuses with 78');
    like($log, qr/partition $partition of \Q$topic\E begins at offset @{[ $offset + 1 ]}: .*wallet_bridge backfill/, 'names backfill');
    is_deeply(history_rows(), $before, 'and changes nothing');

    $stack->sql('DELETE FROM wallet_history_offsets WHERE topic = ? AND group_id = ? AND partition = ?',
        $topic, $stack->group, $partition);
    $stack->history->start;
    poll_until(sub { $stack->sql('SELECT count(*) FROM transaction_events WHERE wallet_id = ? AND version = 1', $stranger) },
        what => 'the record that is left');
    pass('the way out that was named works');
    is($stack->sql(q(SELECT from_version || '-' || to_version FROM wallet_history_gaps WHERE wallet_id = ?), $stranger), '0-0',
        'what was removed is a gap');
};

subtest 'a topic made anew' => sub {
    is($stack->bridge->stop,  0, 'wallet_bridge stops');
    is($stack->history->stop, 0, 'wallet_history stops');
    $kafka->delete_topic($topic);
    $kafka->create_topic($topic, partitions => 2);
    poll_until(sub { (() = $kafka->partitions($topic)) == 2 }, what => 'the new topic');
    $stack->history->start(ready => 0);
    is($stack->history->wait_exit, 78, 'the start ends with 78');
    like($stack->history->log_tail, qr/no longer has the stored position.*topic was made anew/, 'and says why');

    my $before = history_rows();
    my ($code, $log) = rebuild();
    is($code, 78, 'rebuild from the empty topic refuses with 78');
    like($log, qr/@{[ scalar @$before ]} rows would go.*wallet_bridge backfill/, 'says that all would go');
    is_deeply(history_rows(), $before, 'and changes nothing');
};

done_testing;
