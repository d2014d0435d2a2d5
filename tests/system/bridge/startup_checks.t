# The start-up checks of wallet_bridge on real servers: another system, another database, a lost slot, a lost
# record. Each says the way out, and the way out leads there.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use ClockBehind;
use Postgres;
use Stack;
use Test::More;
use Wait;

my $root   = abs_path(dirname(__FILE__) . '/../../..');
my $stack  = Stack->start(conf => { max_slot_wal_keep_size => '1MB', wal_keep_size => 0, max_wal_size => '32MB', min_wal_size => '32MB' });
my $bridge = $stack->bridge;
my $slot   = $stack->slot;
my ($alice, $bob) = $stack->create_wallets(2, fund => '100.00');

sub pay
{
    my ($server) = @_;
    ($server // $stack)->sql('SELECT wallet_transfer(?, ?, 1)', $alice, $bob);
    return;
}

subtest 'a lost record' => sub {
    $stack->wait_bridge;
    is($bridge->stop, 0, 'the bridge stops');
    pay();
    my $progress = 'wallet-bridge-progress-' . $slot =~ s/_/-/gr;
    my $adopting = $stack->another_bridge(BRIDGE_PROGRESS_TOPIC => $progress);
    my $confirmed = $stack->confirmed_lsn;
    $adopting->start;
    like($adopting->log_text, qr/level=warning .*no recorded position: going on from the slot's confirmed one" from=\Q$confirmed\E/,
        'it goes on from what the slot has confirmed, with a warning');
    $stack->wait_history;
    $stack->verify(name => 'nothing missing, nothing twice');
    is($adopting->stop, 0, 'it stops when asked to');
    $stack->refuses($bridge, qr/V4: slot .* is at .*, beyond the recorded position .*wallet_bridge progress set/, 'back at the older record');
    $stack->command_is([qw(progress set --reason test)], 0, qr/^recorded position: /m, 'progress set');
    $bridge->start;
};

subtest 'an open Kafka transaction' => sub {
    is($bridge->stop, 0, 'the bridge stops');
    my %env     = (BRIDGE_PROGRESS_TOPIC => 'wallet-bridge-progress-open-' . $slot =~ s/_/-/gr);
    my $waiting = $stack->another_bridge(%env);
    # Somebody else's: what this bridge records and publishes stands behind it.
    for my $held ($env{BRIDGE_PROGRESS_TOPIC}, $stack->topic)
    {
        $waiting->start;
        my $end = $stack->kafka->open_transaction($held);
        pay();
        $stack->wait_bridge;
        is($waiting->stop, 0, "$held: the bridge records its position and stops");
        my $mark = $waiting->log_mark;
        $waiting->start(ready => 0);
        $waiting->wait_log(qr/an open Kafka transaction keeps records back: waiting for its end" topic=\Q$held\E /);
        $end->();
        $waiting->wait_ready;
        unlike($waiting->log_since($mark), qr/level=error/, 'and waits for the end of the transaction');
        pay();
        $stack->wait_history;
        $stack->verify(name => 'it goes on from there');
        is($waiting->stop, 0, 'it stops when asked to');
    }
    $stack->command_is([qw(progress set --reason test)], 0, qr/^recorded position: /m, 'progress set');
    $bridge->start;
};

subtest 'another database of the same server' => sub {
    is($bridge->stop, 0, 'the bridge stops');
    $stack->sql('CREATE DATABASE other');
    $stack->postgres->sql_in('other', 'CREATE EXTENSION wallet');
    $stack->postgres->sql_in('other', 'GRANT SELECT ON wallet_ledger TO wallet_bridge');
    my $other = $stack->another_bridge(DATABASE_URL => $stack->postgres->uri(user => 'wallet_bridge', dbname => 'other'));
    $stack->refuses($other, qr/V5: slot \\"$slot\\" decodes another database; choose another name with BRIDGE_SLOT/, 'in the other database');
    $bridge->start;
};

subtest 'restored into another server' => sub {
    pay();
    $stack->wait_bridge;
    is($bridge->stop, 0, 'the bridge stops');
    my $server = Postgres->new;
    is($stack->postgres->run('pg_dump', '-Fc', '-f', "$stack->{postgres}{base}/dump", '-d', $stack->postgres->uri), 0, 'pg_dump');
    $server->sql(q(DO $$ BEGIN CREATE ROLE wallet_user LOGIN; CREATE ROLE wallet_bridge LOGIN REPLICATION; CREATE ROLE wallet_history LOGIN; CREATE ROLE wallet_service LOGIN; END $$));
    is($server->run('pg_restore', '-d', $server->uri, "$stack->{postgres}{base}/dump"), 0, 'pg_restore');
    pay($server);

    my %restored = (DATABASE_URL => $server->uri(user => 'wallet_bridge'));
    my $moved    = $stack->another_bridge(%restored);
    my ($old, $new) = map { $_->sql('SELECT system_identifier FROM pg_control_system()') } $stack, $server;
    $stack->refuses($moved, qr/V1: slot \\"$slot\\" was last used on system $old, .*this is system $new.*wallet_bridge slot create/, 'on the other server');
    is($server->sql('SELECT count(*) FROM pg_replication_slots'), 0, 'and makes no slot there');
    my $since = $server->sql('SELECT max(created_at) FROM wallet_ledger');
    $stack->command_is([qw(slot create)], 0, qr/created/, 'slot create', %restored);
    $stack->command_is([ 'backfill', '--from', $since, '--to', 'now' ], 0, qr/events published/, 'backfill', %restored);
    $moved->start;
    pay($server);
    poll_until(sub { ($stack->bridge_command(['verify'], %restored))[0] == 0 }, what => 'the topic to hold the restored ledger');
    pass('and then the topic holds the restored ledger');
    is($moved->stop, 0, 'it stops when asked to');
    $server->stop;
};

subtest 'a lost slot' => sub {
    # The first server goes on here, with a topic of its own: what the restored one paid is not its own.
    my %env  = (KAFKA_TOPIC => $stack->topic . '-lost', BRIDGE_SLOT => "${slot}_lost", BRIDGE_START => 'backfill');
    my $lost = $stack->another_bridge(%env);
    $lost->start;
    $lost->suspend;
    my $since = $stack->sql('SELECT clock_timestamp()');
    pay();
    poll_until(
        sub {
            $stack->sql(q(SELECT pg_logical_emit_message(false, 'filler', repeat('x', 1000000)) FROM generate_series(1, 20)));
            $stack->sql('SELECT pg_switch_wal()');
            $stack->sql('CHECKPOINT');
            return $stack->sql(q(SELECT wal_status = 'lost' FROM pg_replication_slots WHERE slot_name = ?), "${slot}_lost");
        },
        what => 'the slot to be lost');
    my $mark = $lost->log_mark;
    my $lost_pattern = qr/V5: the server removed WAL that slot .* still needed .*slot drop --yes.*slot create.*backfill/;
    $lost->resume;
    is($lost->wait_exit, 78, 'a bridge that streamed from it stops');
    like($lost->log_since($mark), $lost_pattern, 'and says the way out');
    $stack->refuses($lost, $lost_pattern, 'the next start');
    my ($code, $out) = $stack->bridge_command(['status'], %env);
    like($out, qr/^slot: +${slot}_lost, not active, lost$/m, 'status says it too');
    $stack->command_is([qw(slot drop --yes)], 0, qr/dropped/, 'slot drop --yes', %env);
    $stack->command_is([qw(slot create)], 0, qr/created/, 'slot create', %env);
    $lost->start;
    $stack->command_is([ 'backfill', '--from', $since, '--to', 'now' ], 0, qr/events published/, 'backfill', %env);
    $stack->command_is(['verify'], 0, qr/^0 missing/m, 'verify', %env);
    is($lost->stop, 0, 'it stops when asked to');
};
subtest 'an older copy of the data directory' => sub {
    my $server = $stack->postgres;
    my $data   = "$server->{base}/data";
    my $copy   = "$server->{base}/older";
    my %env    = (KAFKA_TOPIC => $stack->topic . '-older', BRIDGE_SLOT => "${slot}_older", BRIDGE_START => 'backfill');
    my $older  = $stack->another_bridge(%env);
    $older->start;
    is($older->stop, 0, 'the bridge stops');
    $server->stop;
    system('cp', '-a', $data, $copy);
    $server->start;
    $older->start;
    $stack->sql('SELECT count(wallet_transfer(?, ?, 0.01)) FROM generate_series(1, 200)', $alice, $bob);
    $stack->command_is(['verify'], 0, qr/^0 missing/m, 'verify', %env);
    is($older->stop, 0, 'the bridge stops again');
    my $lost = $stack->sql('SELECT pg_current_wal_lsn()');
    $server->stop;
    system('rm', '-rf', $data);
    rename $copy, $data;
    $server->start;
    $stack->refuses($older, qr/V3: events up to .* are in Kafka, but this server's WAL ends at .*: it lost commits.*wallet_bridge verify.*wallet_bridge progress set/,
        'on the copy');
    # As many payments later the position says nothing any more: the ledger does.
    pay();
    $stack->sql(q(SELECT pg_logical_emit_message(false, 'filler', repeat('x', 100000)))) while $stack->sql('SELECT pg_current_wal_lsn() <= ?::pg_lsn', $lost);
    pay();
    my $mark = $older->log_mark;
    $older->start(ready => 0);
    $older->wait_log(qr/an event of transaction .* is in Kafka, which is not to be seen in the ledger/, since => $mark);
    pass('when its WAL has grown as far: the bridge waits, in case the commit is not visible yet');
    is($older->stop, 0, 'it stops when asked to');
    # What is in Kafka is accepted, also where its time is still to come by the clock here.
    $stack->command_is([qw(progress set --reason restored)], 0, qr/^recorded position: /m, 'progress set, by a clock that was set back', %env,
        clock_behind(1800));
    $mark = $older->log_mark;
    $older->start;
    unlike($older->log_since($mark), qr/not to be seen in the ledger/, 'the next start does not ask for it again');
    pay();
    my ($code, $out) = $stack->bridge_command(['verify'], %env);
    like($out, qr/^0 missing, 394 not in the ledger, 6 different, /m, 'it goes on, and verify shows the two histories');
    is($older->stop, 0, 'it stops when asked to');
};
done_testing;
