# The sub-commands of wallet_bridge: what each prints, its exit code, and what it refuses.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Stack;
use Test::More;

my $stack  = Stack->start;
my $bridge = $stack->bridge;
my $slot   = $stack->slot;
my $topic  = $stack->topic;
my ($alice, $bob) = $stack->create_wallets(2, fund => '100.00');
my $LSN = qr{[0-9A-F]+/[0-9A-F]+};

sub positions
{
    my ($code, $out) = $stack->bridge_command([qw(progress show)]);
    return $stack->confirmed_lsn . " $out";
}

sub wait_gaps
{
    my ($number) = @_;
    poll_until(sub { $stack->sql('SELECT count(*) FROM wallet_history_gaps') == $number }, what => "$number gaps");
    return;
}

sub pay
{
    $stack->sql('SELECT wallet_transfer(?, ?, 1)', $alice, $bob);
    return;
}

subtest 'while the bridge streams' => sub {
    $stack->wait_bridge;
    my $out = $stack->command_is(['status'], 0, qr/^slot: +$slot, active$/m, 'status');
    $stack->command_is(['status'], 78, qr/the role of DATABASE_URL lacks REPLICATION: it must be the bridge's/, 'status as an application',
        DATABASE_URL => $stack->postgres->uri(user => 'wallet_user'));
    my $id  = $stack->sql('SELECT system_identifier FROM pg_control_system()');
    like($out, qr/^database: +wallet_db, system $id, timeline 1$/m, 'the database');
    like($out, qr/^topic: +$topic, 6 partitions$/m, 'the topic');
    like($out, qr/^confirmed: +$LSN, server's WAL ends at $LSN, lag \d+ bytes$/m, 'how far it is');
    like($out, qr/^recorded position: $LSN, timeline 1, 6 partitions, generation 2$/m, 'and what Kafka knows');
    $stack->command_is([qw(progress show)], 0, qr/\Arecorded position: $LSN, timeline 1, 6 partitions, generation 2\n\z/, 'progress show');
    $stack->command_is(['verify'], 0, qr/^4 events in the ledger, 4 records in the topic\n0 missing, 0 not in the ledger, 0 different, 0 second copies$/m, 'verify');

    $stack->command_is([qw(slot create)], 78, qr/slot \\"$slot\\" exists already/, 'slot create');
    $stack->command_is([qw(slot drop)], 64, qr/say --yes/, 'slot drop without --yes');
    $stack->command_is([qw(slot drop --yes)], 78, qr/being streamed from: stop the bridge first/, 'slot drop');
    $stack->command_is([qw(progress set --reason test)], 78, qr/being streamed from: stop the bridge first/, 'progress set');
    ok($stack->sql('SELECT active FROM pg_replication_slots WHERE slot_name = ?', $slot), 'the slot is there still');
};

subtest 'arguments' => sub {
    my @cases = (
        [ ['backfill'],                                       qr/--from is required/ ],
        [ [qw(backfill --from yesterday)],                    qr/--to is required/ ],
        [ [qw(backfill --from soon --to now)],                qr/invalid input syntax .*"soon"/ ],
        [ [qw(backfill --from yesterday --to now --wallet alice)], qr/invalid input syntax .*"alice"/ ],
        [ [qw(backfill --from now --to yesterday)],           qr/--from must be before --to/ ],
        [ [qw(backfill --from yesterday --to now --until x)], qr/unknown option --until/ ],
        [ [qw(status --yes)],                                 qr/--yes belongs to the command "slot drop"/ ],
        [ [qw(progress set)],                                 qr/--reason is required/ ],
        [ [qw(slot remove)],                                  qr/"slot remove"/ ],
        [ ["slot"],                                           qr/slot needs create or drop/ ],
        [ ['recover'],                                        qr/"recover"/ ]);
    for my $case (@cases)
    {
        my ($arguments, $pattern) = @$case;
        my ($code, $out, $err) = $stack->bridge_command($arguments);
        is($code, 64, "@$arguments") or diag $out . $err;
        like($err =~ s/\\"/"/gr, $pattern, 'and why');
        like($err, qr/^Usage: wallet_bridge .*, see wallet_bridge .*--help/m, 'and where to read on');
    }
    $stack->command_is([qw(backfill --help)], 0, qr/--from TIME/, 'backfill --help');
};

subtest 'a missing event' => sub {
    is($bridge->stop, 0, 'the bridge stops');
    $stack->sql('SELECT wallet_fund(?, 5)', $alice);
    $stack->sql('SELECT pg_replication_slot_advance(?, pg_current_wal_lsn())', $slot);
    my $id = $stack->sql('SELECT event_id FROM wallet_ledger l, wallet_ledger_events(l) WHERE to_version = 2 AND to_wallet_id = ?', $alice);
    my ($code, $out, $err) = $stack->bridge_command(['verify']);
    is($code, 78, 'verify finds that something is wrong');
    like($out, qr/^1 missing, one is $id, 0 not in the ledger, 0 different, 0 second copies$/m, 'and what');
    like($err, qr/ledger and topic differ/, 'and says so');

    my $mark = $bridge->log_mark;
    $bridge->start(ready => 0);
    is($bridge->wait_exit, 78, 'the bridge does not start over the hole');
    like($bridge->log_since($mark), qr/V4: .*wallet_bridge progress set.*wallet_bridge backfill/, 'and says the way out');
    $stack->command_is([qw(progress set --lsn nonsense --reason test)], 64, qr/--lsn must be a WAL position/, 'progress set to nonsense');
    $stack->command_is([qw(progress set --lsn FFF/0 --reason test)], 78, qr/WAL does not reach that far/, 'beyond the end of WAL');
    $stack->command_is([qw(progress set --lsn 0/1000 --reason test)], 78, qr/is confirmed up to .* cannot go back; .*backfill/, 'before what the slot has');
    my $confirmed = $stack->confirmed_lsn;
    ($code, $out, $err) = $stack->bridge_command([qw(progress set --reason), 'slot moved by hand']);
    is($code, 0, 'progress set');
    like($out, qr/^recorded position: \Q$confirmed\E, timeline 1, 6 partitions, generation \d+$/m, 'takes the position of the slot');
    like($err, qr/level=warning .*position set by hand.* to=\Q$confirmed\E reason="slot moved by hand"/, 'and leaves a trace in the log');
    $bridge->start;
    pay();
    wait_gaps(1);
    pass('the history has the hole on record');
};

subtest 'backfill' => sub {
    $stack->wait_bridge;
    is($bridge->stop, 0, 'the bridge stops');
    my $before = positions();
    my ($from, $to) = map { $stack->sql("SELECT created_at + ? * interval '1 microsecond' FROM wallet_ledger WHERE to_wallet_id = ? AND to_version = 2", $_, $alice) } 0, 1;
    $stack->command_is([ 'backfill', '--from', $to, '--to', 'now', '--wallet', $alice ], 0, qr/^1 events published in /, 'what begins after the event');
    $stack->command_is([ 'backfill', '--from', '2000-01-01', '--to', $from, '--wallet', $alice ], 0, qr/^2 events published in /, 'what ends before it');
    wait_gaps(1);
    $stack->command_is([ 'backfill', '--from', $from, '--to', $to ], 0, qr/^1 events published in /, 'the event itself');
    wait_gaps(0);
    pass('it fills the hole in the history');

    my @records = grep { $_->{headers}{replay} } $stack->records;
    is(scalar @records, 4, 'four records are replays');
    is_deeply([ grep { $_->{headers}{replay} ne 'true' || exists $_->{headers}{ce_sequence} } @records ], [],
        'marked so, and without a place in the WAL');
    is_deeply([ grep { $_->{headers}{ce_id} ne $_->{event}{event_id} || $_->{key} ne $alice } @records ], [], 'under their ids and keys');
    my %live = map { $_->{event}{event_id} => $_->{value} } grep { !$_->{headers}{replay} } $stack->records;
    is(scalar(grep { ($live{ $_->{event}{event_id} } // '') eq $_->{value} } @records), 3, 'byte for byte what was published before');
    is(positions(), $before, 'neither the slot nor the recorded position moved');
    poll_until(sub { ($stack->history->metric('wallet_history_duplicates_total') // 0) == 3 }, what => 'the history to skip three copies');
    $stack->command_is([qw(backfill --from 2000-01-01 --to now)], 0, qr/^7 events published in /, 'everything');
    poll_until(sub { $stack->history->metric('wallet_history_duplicates_total') == 10 }, what => 'the history to skip them all');
    $stack->command_is(['verify'], 0, qr/^7 events in the ledger, 17 records in the topic\n0 missing, 0 not in the ledger, 0 different, 10 second copies$/m, 'verify');
    $bridge->start;
    $stack->verify(duplicates => 1, backfilled => 1);
};

subtest 'a slot dropped and created' => sub {
    is($bridge->stop, 0, 'the bridge stops');
    $stack->sql('CREATE DATABASE other');
    $stack->postgres->sql_in('other', 'CREATE EXTENSION wallet');
    $stack->postgres->sql_in('other', 'GRANT SELECT ON wallet_ledger TO wallet_bridge');
    my %other = (DATABASE_URL => $stack->postgres->uri(user => 'wallet_bridge', dbname => 'other'));
    $stack->command_is([qw(slot drop --yes)], 78, qr/decodes another database/, 'slot drop from another database', %other);
    ok($stack->confirmed_lsn, 'the slot is there still');
    $stack->command_is([qw(slot drop --yes)], 0, qr/^slot $slot dropped$/m, 'slot drop');
    is($stack->sql('SELECT count(*) FROM pg_replication_slots WHERE slot_name = ?', $slot), 0, 'and is gone');
    $stack->command_is([qw(progress show)], 0, qr/^recorded position: none$/m, 'progress show');
    $stack->command_is(['status'], 0, qr/^slot: +$slot does not exist$/m, 'status');
    $stack->command_is([qw(slot drop --yes)], 0, qr/^slot $slot did not exist$/m, 'slot drop again');
    $stack->command_is([qw(progress set --reason test)], 78, qr/does not exist: create it with/, 'progress set');
    pay();
    my $mark = $bridge->log_mark;
    $bridge->start(ready => 0);
    is($bridge->wait_exit, 78, 'the bridge does not guess where to begin');
    like($bridge->log_since($mark), qr/--start=backfill.*--start=now/, 'and says what to choose');

    $stack->command_is([qw(slot create)], 0, qr/^slot $slot created, streaming begins at $LSN$/m, 'slot create');
    $bridge->start;
    pay();
    $stack->wait_bridge;
    wait_gaps(2);
    my $since = $stack->sql('SELECT created_at FROM wallet_ledger ORDER BY created_at DESC OFFSET 1 LIMIT 1');
    $stack->command_is([ 'backfill', '--from', $since, '--to', 'now' ], 0, qr/^4 events published in /, 'backfill beside the running bridge');
    wait_gaps(0);
    $stack->wait_history;
    $stack->verify(duplicates => 1, backfilled => 1);
};

subtest 'a record that is not the ledger\'s' => sub {
    my ($record) = $stack->records;
    $stack->kafka->produce($topic, key => $alice, value => $record->{value} =~ s/"user_id":"/$&x/r, headers => $record->{headers});
    $stack->kafka->produce($topic, key => $alice, value => $record->{value}, headers => { ce_id => $topic });
    my ($code, $out) = $stack->bridge_command(['verify']);
    is($code, 78, 'verify finds that something is wrong');
    like($out, qr/^0 missing, 1 not in the ledger, 1 different, /m, 'and what');
};
done_testing;
