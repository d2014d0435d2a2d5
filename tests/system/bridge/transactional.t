# BRIDGE_DELIVERY=transactional: whoever reads committed records sees each event once, wherever the bridge is
# killed or frozen, and whatever happens to the broker; the bytes are those of idempotent delivery. (INV-7, INV-8)
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use KillPoint;
use Stack;
use Test::More;
use Wait;

my $allow   = qr/terminat|is active for PID|standby|broken|closed|starting over|interrupted|fenced|TXNERR|FATAL|GETPID|kafka trouble|failed for good|nobody will end|facility=FAIL|SESSTMOUT/i;
my %env     = (BRIDGE_DELIVERY => 'transactional', BRIDGE_STANDBY_INTERVAL => '100ms');
# A broker of its own: an open transaction in the topic of positions keeps other bridges from reading what is behind it.
my $stack   = Stack->start(own_kafka => 1, bridge => \%env, conf => { wal_sender_timeout => '2s' });
my @wallets = $stack->create_wallets(12, fund => '1000.00');

# A life of the bridge that ends at a point of one of its transactions.
sub killed_ok
{
    my ($point, $at, %more) = @_;
    my $bridge = $stack->another_bridge(%env, kill_point($point, $at), %more);
    $bridge->start(ready => 0);
    is($bridge->wait_exit(60), 'signal 9', "killed: $point, the $at. time");
    return;
}

subtest 'the bytes are those of idempotent delivery' => sub {
    my $twin = $stack->another_bridge(
        BRIDGE_SLOT => $stack->slot . '_twin', KAFKA_TOPIC => $stack->topic . '-twin', BRIDGE_START => 'now');
    $twin->start;
    my $before = $stack->sql('SELECT count(*) FROM wallet_transactions');
    my $load   = $stack->load(wallets => \@wallets, clients => 2, operations => 30, mixed => 1)->wait;
    $stack->sql(q{SELECT wallet_transfer_batch(ARRAY(SELECT $1::uuid FROM generate_series(1, 700)),
        ARRAY(SELECT $2::uuid FROM generate_series(1, 700)), ARRAY(SELECT 0.01 FROM generate_series(1, 700)))}, @wallets[ 0, 1 ]);
    my $entries = $stack->sql('SELECT count(*) FROM wallet_transactions') - $before;
    my @idempotent;
    poll_until(sub { (@idempotent = $stack->kafka->read_topic($stack->topic . '-twin')) == $entries }, what => 'all events in the twin');
    $stack->wait_history;
    is($twin->stop, 0, 'the twin ends');
    my %is_there      = map { ($_->{headers}{ce_id} => 1) } @idempotent;
    my @transactional = grep { $is_there{ $_->{headers}{ce_id} } } $stack->kafka->read_topic($stack->topic);
    delete $_->{offset} for @idempotent, @transactional;
    is_deeply(\@transactional, \@idempotent, "$entries records: key, value, headers, time and partition");
    is(scalar(grep { ($_->{headers}{ce_txcount} // 0) == 2 } @transactional) > 0, 1, 'ce_txcount counts both legs');
};

subtest 'killed at every point of a transaction' => sub {
    $stack->bridge->stop;
    my $load = $stack->load(wallets => \@wallets, clients => 3, pause => 0.005, mixed => 1);
    for my $round (1, 3)
    {
        killed_ok($_, $round) for qw(begin commit unsent sent committed);
        killed_ok('produced', 1 + $round * 7);
    }
    $stack->bridge->start;
    $load->wait_progress(100);
    $load->stop;
    $stack->wait_history;
    $stack->verify(acknowledged => $load, name => 'every event once');
    cmp_ok($stack->bridge->metric('wallet_bridge_kafka_transactions_total', result => 'committed'), '>', 0, 'the metric counts');
    poll_until(sub { $stack->history->metric('wallet_history_lag_events') == 0 }, what => 'no lag');
    pass('the marks of transactions at the end of each partition are no lag of the history');
};

subtest 'killed while the ledger is published for the first time' => sub {
    my $topic = $stack->topic . '-anew';
    my %anew  = (BRIDGE_SLOT => $stack->slot . '_anew', KAFKA_TOPIC => $topic, BRIDGE_START => 'backfill', BRIDGE_IN_FLIGHT_BYTES => '256kB');
    # The first transactions are the backfill's.
    killed_ok('committed', 2,  %anew);
    killed_ok('produced',  50, %anew);
    my $bridge = $stack->another_bridge(%env, %anew);
    $bridge->start(deadline => 60);
    my $entries = $stack->sql('SELECT count(*) FROM wallet_transactions');
    my @records;
    poll_until(sub { (@records = $stack->kafka->read_topic($topic)) >= $entries }, what => 'the whole ledger', deadline => 60);
    is(scalar(keys %{ { map { ($_->{headers}{ce_id} => 1) } @records } }), $entries, 'all entries');
    is(scalar(@records), $entries, 'each once');
    is($bridge->stop, 0, 'it ends');
    is(($stack->bridge_command([qw(slot drop --yes)], %anew))[0], 0, 'its slot is dropped');
};

subtest 'the server falls back: the record does not' => sub {
    my $load = $stack->load(wallets => \@wallets, clients => 2, operations => 40)->wait;
    $stack->wait_bridge;
    $stack->wait_history;
    # The history's commits are not waited for: one that is writes them out, and not the slot's position.
    $stack->sql(q{SELECT pg_logical_emit_message(true, 'flush', '')});
    $stack->bridge->kill9;
    $stack->postgres->kill9;
    $stack->postgres->start;
    # Each of these lives begins behind what the topic has.
    killed_ok('committed', 1);
    killed_ok('commit',    1);
    $stack->bridge->start;
    $stack->wait_history;
    $stack->verify(acknowledged => $load, name => 'every event once');
};

subtest 'frozen in a transaction until another bridge has taken over' => sub {
    $stack->bridge->stop;
    my $zombie = $stack->another_bridge(%env, BRIDGE_TRANSACTION_TIMEOUT => '50s', kill_point('commit', 5, 'STOP'));
    my $load   = $stack->load(wallets => \@wallets, clients => 2, pause => 0.005);
    $zombie->start(ready => 0);
    poll_until(sub { is_stopped($zombie->pid) }, what => 'the zombie to freeze before its commit');
    $stack->bridge->start;
    poll_until(sub { ($stack->bridge->get('/health'))[1] =~ /"role":"active"/ }, what => 'the second to take over');
    $load->wait_progress(50);
    $stack->wait_bridge;
    my $mark = $zombie->log_mark;
    $zombie->resume;
    $zombie->wait_log(qr/fenced: another bridge took over/, since => $mark);
    poll_until(sub { ($zombie->get('/health'))[1] =~ /"role":"standby"/ }, what => 'the zombie to stand by');
    pass('awake again it is fenced, says so, and stands by');
    is($zombie->metric('wallet_bridge_kafka_transactions_total', result => 'fenced'), 1, 'and counts it');
    $load->wait_progress(50);
    $load->stop;
    $stack->wait_history;
    is($zombie->stop, 0, 'it ends');
    $stack->verify(acknowledged => $load, name => 'the zombie published nothing');
};

subtest 'frozen for longer than a transaction may take' => sub {
    $stack->bridge->stop;
    my $bridge = $stack->another_bridge(%env, BRIDGE_TRANSACTION_TIMEOUT => '1s', kill_point('commit', 5, 'STOP'));
    my $load   = $stack->load(wallets => \@wallets, clients => 2, pause => 0.005);
    $bridge->start(ready => 0);
    poll_until(sub { is_stopped($bridge->pid) }, what => 'the bridge to freeze');
    # The coordinator looks for such transactions every second. A length of time is what this is about.
    my $begun = time;
    poll_until(sub { time - $begun > 6 }, what => 'the time to pass');
    $bridge->resume;
    $bridge->wait_log(qr/starting over/);
    $load->wait_progress(30);
    $load->stop;
    $stack->wait_history;
    is($bridge->stop, 0, 'it went on by itself');
    $stack->verify(acknowledged => $load, name => 'every event once');
    $stack->bridge->start;
};

# Kafka 4.3 may give a transaction up that got old while it was away, and write no mark of its end.
subtest 'the broker crashes, and forgets to end a transaction' => sub {
    $stack->bridge->stop;
    my $bridge = $stack->another_bridge(%env, BRIDGE_TRANSACTION_TIMEOUT => '1s', kill_point('commit', 5, 'STOP'));
    my $load   = $stack->load(wallets => \@wallets, clients => 2, pause => 0.005);
    $bridge->start(ready => 0);
    poll_until(sub { is_stopped($bridge->pid) }, what => 'the bridge to freeze');
    $stack->kafka->kill9;
    $bridge->kill9;
    $load->wait_progress(30);
    $stack->kafka->start;
    my $mark = $stack->bridge->log_mark;
    $stack->bridge->start;
    $load->wait_progress(30);
    $load->stop;
    $stack->wait_history;
    note($stack->bridge->log_since($mark) =~ /is open that nobody will end/ ? 'the bridge ended it' : 'this time Kafka ended it');
    $stack->verify(acknowledged => $load, name => 'every event once');
};

subtest 'a commit that is split, and killed in its middle' => sub {
    $stack->bridge->stop;
    my %small = (BRIDGE_IN_FLIGHT_BYTES => '1MB');
    $stack->sql(q{SELECT count(wallet_transfer(CASE WHEN n % 2 = 0 THEN $1::uuid ELSE $2::uuid END,
        CASE WHEN n % 2 = 0 THEN $2::uuid ELSE $1::uuid END, 0.01)) FROM generate_series(1, 12000) AS n}, @wallets[ 2, 3 ]);
    # After the third commit; between; with the answer on its way; ...
    killed_ok('committed', 3,    %small);
    my ($code, $said) = $stack->bridge_command(['progress', 'show']);
    like($said, qr/\d+ events of the commit that ends at/, 'the record names the place in the commit');
    killed_ok('sent',      4,    %small);
    killed_ok('unsent',    3,    %small);
    killed_ok('produced',  2500, %small);
    killed_ok('commit',    4,    %small);
    my $bridge = $stack->another_bridge(%env, %small);
    $bridge->start;
    $stack->wait_bridge;
    cmp_ok($bridge->metric('wallet_bridge_events_total'), '>', 100, 'the rest');
    is($bridge->stop, 0, 'it ends');
    # More than 24,000 events: their places are enough.
    my %versions;
    my @wrong;
    for my $record ($stack->kafka->read_topic($stack->topic))
    {
        my ($version) = $record->{value} =~ /"version":(\d+)/;
        push @wrong, "$record->{key} $version" if $version != ($versions{ $record->{key} } // -1) + 1;
        $versions{ $record->{key} } = $version;
    }
    is_deeply([ splice @wrong, 0, 10 ], [], 'every entry once, in version order');
    is_deeply(\%versions, { map { ($_->{id} => $_->{version}) } $stack->rows('SELECT id, version FROM wallets') }, 'and all of them');
    $stack->bridge->start;
};

{
    my ($code, $said) = $stack->bridge_command(['verify']);
    is($code, 0, 'verify finds ledger and topic equal');
    like($said, qr/0 missing, 0 not in the ledger, 0 different, 0 second copies/, 'reading what is committed only');
}
is_deeply([ $stack->bridge->unexpected_log(allow => [ $allow, qr/older than|CONFWARN/ ]) ], [], 'no other line in the log');
done_testing;
