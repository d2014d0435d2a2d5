# Nothing is taken for ours because of its name (INV-14): a topic that was deleted or made anew, a progress
# record that somebody else wrote, a topic into which another ledger publishes.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use JSON::PP ();
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Stack;
use Test::More;

# Records that cannot be read stay in the progress topic, which other tests would meet.
my $stack  = Stack->start(own_kafka => 1, history => 0, bridge => { BRIDGE_TOPIC_INTERVAL => '300ms' });
my $bridge = $stack->bridge;
my $kafka  = $stack->kafka;
my ($topic, $slot) = ($stack->topic, $stack->slot);
my ($alice, $bob)  = $stack->create_wallets(2, fund => '100.00');
my $progress = 'wallet-bridge-progress';

sub pay
{
    $stack->sql('SELECT wallet_transfer(?, ?, 1)', $alice, $bob);
    return;
}

# The way out that the message names: the new topic is written down, and filled from the ledger.
sub way_out_leads
{
    my ($name) = @_;
    $stack->command_is([qw(progress set --reason), 'topic made anew'], 0, qr/^recorded position: /m, "$name: progress set");
    $bridge->start;
    pay();
    $stack->wait_bridge;
    $stack->command_is([qw(backfill --from -infinity --to now)], 0, qr/events published/, "$name: backfill");
    $stack->command_is(['verify'], 0, qr/^0 missing, 0 not in the ledger/m, "$name: the topic has everything again");
    return;
}

sub newest_record
{
    my ($record) = reverse grep { $_->{key} =~ m{/\Q$slot\E$} } $kafka->read_topic($progress);
    return $record;
}

# A record of somebody else's: the newest one with other members.
sub forge
{
    my (%members) = @_;
    my $record = newest_record();
    my $value  = $record->{value};
    for my $name (keys %members)
    {
        $value =~ s/"$name":(?:"[^"]*"|\d+)/"$name":$members{$name}/ or die "no $name in $value";
    }
    $kafka->produce($progress, key => $record->{key}, value => $value);
    return;
}

subtest 'what is written down of the topic' => sub {
    pay();
    $stack->wait_bridge;
    is($bridge->stop, 0, 'the bridge stops');
    my $record = JSON::PP->new->decode(newest_record()->{value});
    my ($there) = grep { $_->{partition} == $record->{mark}{partition} && $_->{offset} == $record->{mark}{offset} } $stack->records;
    is($record->{mark}{event_id}, $there->{event}{event_id}, 'an event, and where it stands');
    cmp_ok($record->{since}, '>', 1.6e12, 'and since when');
    $bridge->start;
};

subtest 'deleted while the bridge runs' => sub {
    my $mark = $bridge->log_mark;
    $kafka->delete_topic($topic);
    is($bridge->wait_exit(60), 78, 'it stops by itself');
    like($bridge->log_since($mark), qr/level=error .*the topic is gone: .*progress set --reason.*backfill/, 'and says why');
    is(scalar(my @none = $kafka->partitions($topic)), 0, 'and does not make it again');
    $stack->refuses($bridge, qr/the topic is gone: .*does not exist/, 'the next start');
    is(scalar(my @still = $kafka->partitions($topic)), 0, 'nor then');
    $stack->command_is(['status'], 0, qr/^topic: +\Q$topic\E does not exist$/m, 'status');
    $stack->command_is(['verify'], 78, qr/does not exist/, 'verify');
    way_out_leads('deleted');
};

subtest 'made anew while the bridge is down' => sub {
    is($bridge->stop, 0, 'the bridge stops');
    $kafka->delete_topic($topic);
    $kafka->create_topic($topic, partitions => 6);
    $stack->refuses($bridge, qr/the topic is gone: .*deleted and made anew/, 'the next start');
    way_out_leads('made anew');
};

subtest 'made anew while the bridge runs' => sub {
    my $mark = $bridge->log_mark;
    $bridge->suspend;
    $kafka->delete_topic($topic);
    $kafka->create_topic($topic, partitions => 6);
    $bridge->resume;
    is($bridge->wait_exit(60), 78, 'it stops');
    like($bridge->log_since($mark), qr/the topic is gone: /, 'and says why');
    way_out_leads('made anew while running');
};

subtest 'a record that is ahead of everything' => sub {
    is($bridge->stop, 0, 'the bridge stops');
    pay() for 1 .. 5;
    my $generation = JSON::PP->new->decode(newest_record()->{value})->{generation};
    forge(lsn => '"' . $stack->sql('SELECT pg_current_wal_flush_lsn()') . '"', generation => $generation + 1);
    my $before = $kafka->count($topic);
    $bridge->start;
    $stack->wait_bridge;
    $stack->command_is(['verify'], 0, qr/^0 missing, /m, 'no event is passed over');
    is($kafka->count($topic), $before + 10, 'and none sent twice');
};

subtest 'a record that nobody can follow' => sub {
    for my $generation ('9223372036854775807', '9007199254740993', '9007199254740992', '"x"')
    {
        is($bridge->stop, 0, "generation $generation: the bridge stops");
        forge(generation => $generation);
        $stack->refuses($bridge, qr/recorded position cannot be read or is out of bounds.*progress set --reason/, "generation $generation");
        $stack->command_is([qw(progress show)], 0, qr/cannot be read or is out of bounds/, "generation $generation: progress show");
        $stack->command_is([qw(progress set --reason mended)], 0, qr/generation [1-9]\d{0,3}$/m, "generation $generation: progress set");
        $bridge->start;
        pay();
        $stack->wait_bridge;
    }
    $stack->command_is(['verify'], 0, qr/^0 missing, /m, 'nothing is missing');
};

subtest 'another ledger' => sub {
    $stack->sql('CREATE DATABASE other');
    $stack->postgres->sql_in('other', 'CREATE EXTENSION wallet');
    $stack->postgres->sql_in('other', 'GRANT SELECT ON wallet_ledger TO wallet_bridge');
    my %other = (DATABASE_URL => $stack->postgres->uri(user => 'wallet_bridge', dbname => 'other'), BRIDGE_SLOT => "${slot}_other");
    $stack->refuses($stack->another_bridge(%other), qr{gets events of another source, /wallet/\d+/wallet_db: .*--shared-topic}, 'in the same topic');
    is($stack->sql('SELECT count(*) FROM pg_replication_slots WHERE slot_name = ?', "${slot}_other"), 0, 'and makes no slot');
    my $sharing = $stack->another_bridge(%other, BRIDGE_SHARED_TOPIC => 'on');
    $sharing->start;
    $stack->postgres->sql_in('other', q{SELECT wallet_create('carol' || i) FROM generate_series(1, 30) i});
    poll_until(sub { grep { $_->{headers}{ce_source} =~ m{/other$} } $stack->records }, what => 'its events');
    pass('where it is meant it is done');
    poll_until(sub { ($bridge->metric('wallet_bridge_topic_problem', problem => 'foreign_source') // 0) == 1 }, what => 'the metric');
    poll_until(sub { ($bridge->get('/health'))[1] =~ /"topic_warning":"[^"]*another source/ }, what => 'the health of the first bridge');
    my ($code, $out) = $stack->bridge_command(['verify']);
    is($code, 78, 'verify finds something');
    like($out, qr/^\d+ of them of another source, /m, 'and counts what is not the ledger\'s');
    $stack->command_is(['verify'], 0, qr/^0 missing, 0 not in the ledger/m, 'and leaves it out where that is meant', BRIDGE_SHARED_TOPIC => 'on');
    is($sharing->stop, 0, 'the other bridge stops');
    is($bridge->stop, 0, 'the first one stops');
    $stack->refuses($bridge, qr{gets events of another source, /wallet/\d+/other}, 'and does not start again unasked');
    my %newest = map { $_->{partition} => $_->{offset} } $kafka->read_topic($topic);
    $kafka->delete_records($topic, $_, $newest{$_}) for sort keys %newest;
    $stack->refuses($bridge, qr{gets events of another source, /wallet/\d+/other}, 'neither where retention left the newest records alone');
};

subtest 'settings that change while the bridge runs' => sub {
    my $sharing = $stack->another_bridge(BRIDGE_SHARED_TOPIC => 'on', BRIDGE_TOPIC_INTERVAL => '300ms');
    $sharing->start;
    $kafka->set_topic($topic, 'retention.ms' => 3600000, 'cleanup.policy' => 'compact', 'message.timestamp.before.max.ms' => 86400000);
    poll_until(sub { $sharing->metric('wallet_bridge_topic_problem', problem => 'compaction') == 1 }, what => 'compaction to be noticed');
    poll_until(sub { $sharing->metric('wallet_bridge_topic_problem', problem => 'timestamps') == 1 }, what => 'a limit for old records');
    poll_until(sub { ($sharing->get('/health'))[1] =~ /"topic_warning":"[^"]*compacted/ }, what => 'the health');
    $sharing->wait_log(qr/level=warning .*topic is compacted/);
    pass('they are noticed: in the metrics, in the health and in the log');
    $kafka->set_topic($topic, 'cleanup.policy' => 'delete');
    poll_until(sub { $sharing->metric('wallet_bridge_topic_problem', problem => 'compaction') == 0 }, what => 'the end of it');
    poll_until(sub { $sharing->metric('wallet_bridge_topic_problem', problem => 'retention') == 1 }, what => 'events that expire now');
    pass('it expires events now');
    is($sharing->stop, 0, 'it stops');
};

subtest 'partitions added after the clock was set back' => sub {
    # As if the clock had been set back since the topic was accepted: what came since seems to be older.
    $stack->command_is([qw(progress set --reason accepted)], 0, qr/^recorded position: /m, 'progress set accepts it');
    my $record = JSON::PP->new->decode(newest_record()->{value});
    forge(since => $record->{since} + 3_600_000, generation => $record->{generation} + 1);
    $kafka->add_partitions($topic, 7);
    $kafka->produce($topic, key => 'x', partition => 6, value => '{}', headers => { ce_source => '/wallet/1/third' });
    $stack->refuses($stack->another_bridge(BRIDGE_ACCEPT_REPARTITION => 'on'), qr{gets events of another source, /wallet/1/third},
        'nothing in a partition that was added since is older');
};
done_testing;
