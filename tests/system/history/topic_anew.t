# A topic that was deleted and made anew under its name is not read on in its middle (INV-14), whatever it holds by
# then: wallet_history stops and says why, at its start and while it runs. What retention or compaction removed is no
# other topic.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use JSON::PP ();
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Event;
use Stack;
use Test::More;

# Compaction at once; and a membership that outlives a suspension.
my $broker = Kafka->own(conf => { 'log.cleaner.backoff.ms' => 100, 'log.initial.task.delay.ms' => 100 });
my $stack  = Stack->start(broker => $broker, bridge => 0, history => 0);
my $kafka  = $stack->kafka;
my $topic  = $stack->topic;
my @wallets = map { sprintf '00000000-0000-4000-8000-%012d', $_ } 1 .. 9;

# That many events of a wallet, from a version on.
sub events
{
    my ($wallet, $from, $count) = @_;
    $stack->produce(key => $wallet, partition => 0, values => [ map { event_json($wallet, $_) } $from .. $from + $count - 1 ]);
    return;
}

sub delete_topic
{
    $kafka->tool('org.apache.kafka.tools.TopicCommand', '--delete', '--topic', $topic);
    poll_until(sub { !$kafka->partitions($topic) }, what => 'the topic to be gone');
    return;
}

sub make_topic
{
    $kafka->create_topic($topic, partitions => 1);
    poll_until(sub { (() = $kafka->partitions($topic)) == 1 }, what => 'the topic');
    return;
}

sub stored { return $stack->sql('SELECT count(*) FROM transaction_events') }

sub wait_stored
{
    my ($count) = @_;
    poll_until(sub { stored() == $count }, what => "$count events in the history");
    return;
}

my $anew = qr/level=error .*partition 0 of the topic is not the one that was read: .*wallet_history_offsets.*wallet_bridge backfill/;

sub refuses
{
    my ($reason, $name) = @_;
    my $before = stored();
    my $mark   = $stack->history->log_mark;
    $stack->history->start(ready => 0);
    is($stack->history->wait_exit(60), 78, "$name: the start ends with 78");
    like($stack->history->log_since($mark), $anew, "$name: with the ways out");
    like($stack->history->log_since($mark), $reason, "$name: and the reason");
    is(stored(), $before, "$name: nothing was read");
    return;
}

make_topic();
events($wallets[0], 0, 5);
$stack->history->start;
wait_stored(5);

subtest 'the same topic' => sub {
    is($stack->history->stop, 0, 'it stops');
    my ($row) = $stack->rows('SELECT * FROM wallet_history_offsets');
    is("$row->{next_offset} $row->{mark_offset}", '5 4', 'the position is known by its last record');
    $stack->history->start;
    is($stack->history->stop, 0, 'it starts and stops without anything new');
    $stack->history->start;
    events($wallets[0], 5, 1);
    wait_stored(6);
    $stack->history->kill9;
    events($wallets[0], 6, 1);
    $stack->history->start;
    wait_stored(7);
    is($stack->history->stop, 0, 'and goes on after a kill');
};

subtest 'made anew while it is stopped' => sub {
    my $ends = sub { qr/it ends at offset $_[0], and a record at 6 was applied/ };
    # Its id tells too, where librdkafka knows it.
    my $other = qr/another record stands at offset 6|Kafka's id of the topic was \S+ and is /;
    delete_topic();
    make_topic();
    refuses($ends->(0), 'without a record');
    events($wallets[1], 0, 3);
    refuses($ends->(3), 'with fewer records');
    events($wallets[1], 3, 4);
    refuses($other, 'with as many records');
    events($wallets[1], 7, 5);
    refuses($other, 'with more records');
    refuses($other, 'at the next start');
};

$stack->history->{env}{HISTORY_TOPIC_INTERVAL} = '500ms';
subtest 'the way out' => sub {
    $stack->sql('DELETE FROM wallet_history_offsets WHERE topic = ?', $topic);
    events($wallets[2], 0, 10);
    $stack->history->start;
    poll_until(sub { $stack->sql('SELECT count(*) FROM transaction_events WHERE wallet_id = ?', $wallets[2]) == 10 }, what => 'the new events');
    pass('what the message says works');
    poll_until(sub { defined $stack->sql('SELECT anchor_offset FROM wallet_history_offsets') }, what => 'what to look for again');
};

subtest 'deleted, and made anew with more records, while it runs' => sub {
    my $mark = $stack->history->log_mark;
    delete_topic();
    make_topic();
    events($wallets[3], 0, 40);
    is($stack->history->wait_exit(60), 78, 'it stops');
    like($stack->history->log_since($mark), qr/$anew|no longer has the stored position/, 'and says why');
    # Some of the new topic may have been read by then; that it is another one is remembered.
    $mark = $stack->history->log_mark;
    $stack->history->start(ready => 0);
    is($stack->history->wait_exit(60), 78, 'the next start ends with 78 too');
    like($stack->history->log_since($mark), $anew, 'and says why');
    $stack->sql('DELETE FROM transaction_events WHERE wallet_id = ?', $wallets[3]);
    $stack->sql('DELETE FROM wallet_history_offsets WHERE topic = ?', $topic);
};

# Too short a time for anything but the look at what was read before.
subtest 'made anew with more records while it is suspended' => sub {
    my $history = $stack->another_history(KAFKA_PROP_SESSION_TIMEOUT_MS => 120000, HISTORY_TOPIC_INTERVAL => '300ms');
    $history->start;
    poll_until(sub { $stack->sql('SELECT count(*) FROM transaction_events WHERE wallet_id = ?', $wallets[3]) == 40 }, what => 'the events');
    poll_until(sub { ($stack->sql('SELECT anchor_offset FROM wallet_history_offsets') // -1) == 39 }, what => 'the look at them');
    $history->suspend;
    delete_topic();
    make_topic();
    events($wallets[4], 0, 60);
    my $mark = $history->log_mark;
    $history->resume;
    is($history->wait_exit(60), 78, 'it stops');
    like($history->log_since($mark), qr/$anew/, 'and says why');
    for my $start (1, 2)
    {
        $mark = $history->log_mark;
        $history->start(ready => 0);
        is($history->wait_exit(60), 78, "start $start ends with 78, whatever was read by then");
        like($history->log_since($mark), qr/$anew/, 'and says why');
    }
    $stack->sql('DELETE FROM wallet_history_offsets WHERE topic = ?', $topic);
};

subtest 'retention that removed the last record' => sub {
    $stack->history->start;
    poll_until(sub { $stack->sql('SELECT count(*) FROM transaction_events WHERE wallet_id = ?', $wallets[4]) == 60 }, what => 'the events');
    is($stack->history->stop, 0, 'it stops');
    my $end = $stack->sql('SELECT next_offset FROM wallet_history_offsets');
    $kafka->delete_records($topic, 0, $end);
    events($wallets[4], 60, 2);
    $stack->history->start;
    poll_until(sub { $stack->sql('SELECT count(*) FROM transaction_events WHERE wallet_id = ?', $wallets[4]) == 62 }, what => 'the events behind it');
    is($stack->history->stop, 0, 'it went on');
};

subtest 'compaction that removed the last record' => sub {
    $kafka->set_topic($topic, 'cleanup.policy' => 'compact', 'segment.ms' => 50, 'min.cleanable.dirty.ratio' => '0.01');
    my $mark = $stack->sql('SELECT mark_offset FROM wallet_history_offsets');
    my $version = 62;
    poll_until(
        sub {
            events($wallets[4], $version++, 1);
            return !grep { $_->{offset} == $mark } $kafka->read_topic($topic);
        },
        what => 'the record to be compacted away');
    my $log = $stack->history->log_mark;
    $stack->history->start;
    poll_until(sub { $stack->sql('SELECT max(version) FROM transaction_events WHERE wallet_id = ?', $wallets[4]) == $version - 1 },
        what => 'the newest event');
    like($stack->history->log_since($log), qr/level=warning .*was compacted away: the topic is taken for the one/, 'it goes on, and says so');
    is($stack->history->stop, 0, 'it stops');
};

done_testing;
