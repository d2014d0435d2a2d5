# dead-letters list and replay, of the bridge's and of the history's: what is listed, what comes back from the
# ledger, what is nobody's. And what a backfill can be told: a rate, another topic, to count only.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Time::HiRes qw(time);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Stack;
use Test::More;

my $stack = Stack->start(bridge => 0, history => 0);
my $kafka = $stack->kafka;
my ($topic, $dlq) = ($stack->topic, $stack->topic . '.dlq');
my $bridge = $stack->another_bridge(BRIDGE_ON_POISON => 'dlq');

$kafka->create_topic($topic, partitions => 2, config => { 'max.message.bytes' => 4000 });
$bridge->start;
my ($alice, $bob) = $stack->create_wallets(2, fund => '10.00');
my $big = q{SELECT wallet_fund(?, 1, metadata => jsonb_build_object('note', repeat('x', 6000)))};

sub event_id_of
{
    my ($wallet, $version) = @_;
    return $stack->sql('SELECT e.event_id FROM wallet_ledger l, wallet_ledger_events(l) e WHERE e.wallet_id = ? AND l.to_version = ?', $wallet, $version);
}

$stack->sql($big, $_) for $alice, $bob;
$stack->sql('SELECT wallet_fund(?, 1)', $alice);
$stack->wait_bridge;
my %id = map { ($_ => event_id_of($_, 2)) } $alice, $bob;

subtest 'list' => sub {
    my $out = $stack->command_is([qw(dead-letters list)], 0, qr/^2 dead letters, 2 events among them$/m, 'of the bridge');
    like($out, qr/^partition 0 offset \d+ event $id{$_} wallet $_: it is larger than the topic accepts: \d+ bytes, .* max\.message\.bytes of 4000$/m,
        'each with its event, wallet and reason, in figures')
        for $alice, $bob;
    $kafka->produce($dlq, key => 'none', value => "{}", headers => { '__connect.errors.exception.message' => "\e[2Jcleared" });
    $out = $stack->command_is([qw(dead-letters list)], 0, qr/^3 dead letters, 2 events among them$/m, 'with one that names no event');
    like($out, qr/event - wallet -: \?\[2Jcleared$/m, 'of which nothing reaches the terminal as a command');
    $out = $stack->command_is([ 'dead-letters', 'list', '--id', $id{$bob} ], 0, qr/^1 dead letters/m, 'of one event');
};

subtest 'replay' => sub {
    $stack->command_is([qw(dead-letters replay)], 78, qr/of wallet .* cannot be published: it is larger/, 'what still cannot be published');
    $kafka->set_topic($topic, 'max.message.bytes' => 1048588);
    my $before = $kafka->count($topic);
    $stack->command_is([qw(dead-letters replay --dry-run)], 0, qr/^2 events would be published, 0 that dead letters name are not in the ledger$/m, '--dry-run');
    is($kafka->count($topic), $before, 'publishes nothing');
    $stack->command_is([ qw(dead-letters replay --id), '00000000-0000-5000-8000-000000000000' ], 78, qr/no dead letter has the event id/, 'an id that none has');
    $stack->command_is([ qw(dead-letters replay --id), $id{$bob} ], 0, qr/^1 events published/m, 'one of them');
    $stack->command_is([qw(dead-letters replay)], 0, qr/^2 events published/m, 'all of them');
    is($kafka->count($topic), $before + 3, 'they are in the topic');
    my ($replayed) = grep { $_->{headers}{ce_id} eq $id{$alice} } $stack->records;
    is($replayed->{headers}{replay}, 'true', 'marked as replays');
    $stack->command_is(['verify'], 0, qr/^0 missing/m, 'verify');
    # A letter of the history's: a copy of the record with an id that the ledger has not.
    $kafka->produce($dlq, key => $bob, value => '{"event_id":"11111111-1111-5111-8111-111111111111"}');
    $stack->command_is([qw(dead-letters replay --dry-run)], 0, qr/^2 events would be published, 1 that dead letters name are not in the ledger$/m, 'what is nobody\'s');
};

subtest 'a backfill' => sub {
    my @range  = qw(backfill --from -infinity --to now);
    my $before = $kafka->count($topic);
    my $events = $stack->sql('SELECT count(*) FROM wallet_transactions');
    $stack->command_is([ @range, '--dry-run' ], 0, qr/^$events events would be published, \d+ bytes$/m, '--dry-run');
    is($kafka->count($topic), $before, 'publishes nothing');
    my $begun = time;
    $stack->command_is([ @range, '--rate', 5 ], 0, qr/^$events events published/m, '--rate');
    cmp_ok(time - $begun, '>=', ($events - 1) / 5, 'takes its time');
    $stack->command_is([ @range, '--topic', "$topic-elsewhere" ], 78, qr/topic \\?"$topic-elsewhere\\?" does not exist/, 'a topic that does not exist');
    $kafka->create_topic("$topic-elsewhere", partitions => 3);
    $before = $kafka->count($topic);
    $stack->command_is([ @range, '--topic', "$topic-elsewhere" ], 0, qr/^$events events published/m, '--topic');
    is($kafka->count("$topic-elsewhere"), $events, 'they are there');
    is($kafka->count($topic), $before, 'and not in the event topic');
};
is($bridge->stop, 0, 'the bridge stops');
done_testing;
