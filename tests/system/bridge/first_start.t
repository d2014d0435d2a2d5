# The bridge's first start on a ledger that has rows already: refused, with a backfill, from now on; while
# transfers run, killed in the middle, and on a server that does not trust the output plugin.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Stack;
use Test::More;

my $stack   = Stack->start(bridge => 0, history => 0);
my $bridge  = $stack->bridge;
my $slot    = $stack->slot;
my @wallets = $stack->create_wallets(10, fund => '1000.00');
$stack->sql('SELECT count(wallet_transfer(?, ?, 0.01)) FROM generate_series(1, 700)', @wallets[ 0, 1 ]);
my $load = $stack->load(wallets => \@wallets, clients => 3, pause => 0.03);

# Minor releases that do not know the setting load any library that a role with REPLICATION names.
my $trusts = $stack->sql(q(SELECT setting FROM pg_settings WHERE name = 'output_plugin_libraries'));

sub slots
{
    return $stack->sql('SELECT count(*) FROM pg_replication_slots');
}

# The plugins that new sessions may load; undef: as the server was started.
sub set_trusted
{
    my ($plugin) = @_;
    $stack->sql('ALTER SYSTEM ' . ($plugin ? "SET output_plugin_libraries = $plugin" : 'RESET output_plugin_libraries'));
    $stack->sql('SELECT pg_reload_conf()');
    poll_until(sub { ($stack->connect->selectrow_array('SHOW output_plugin_libraries'))[0] eq ($plugin // $trusts) },
        what => 'the setting to change');
    return;
}

subtest 'without an option' => sub {
    $stack->refuses($bridge, qr/first start, and the ledger already has rows: .*--start=backfill.*--start=now/, 'on rows');
    is(slots(), 0, 'no slot is left that would keep WAL');
};

subtest 'a server that does not trust the output plugin' => sub {
    ok(!defined $trusts || $trusts =~ /wallet_decoder/, 'the server trusts it as long as nothing else is said');
    return unless defined $trusts;
    my $untrusted = $stack->another_bridge(BRIDGE_START => 'now', BRIDGE_SLOT => "${slot}_untrusted",
        KAFKA_TOPIC => $stack->topic . '-untrusted');
    my $way_out = qr/does not trust the output plugin: set output_plugin_libraries = 'pgoutput, test_decoding, wallet_decoder'/;

    set_trusted('pgoutput');
    $stack->refuses($untrusted, $way_out, 'at the first start');
    is(slots(), 0, 'no slot is left');
    set_trusted();
    $untrusted->start;
    is($untrusted->stop, 0, 'trusted again it starts');
    $stack->sql('SELECT pg_drop_replication_slot(?)', "${slot}_untrusted");
};

subtest 'from now on' => sub {
    my $topic = $stack->topic . '-now';
    my $now   = $stack->another_bridge(BRIDGE_START => 'now', BRIDGE_SLOT => "${slot}_now", KAFKA_TOPIC => $topic);
    my $before = $stack->sql('SELECT count(*) FROM wallet_transactions');
    $now->start;
    my $wallet = $stack->sql(q(SELECT wallet_create('zoe')));
    my $end = $stack->sql('SELECT pg_current_wal_insert_lsn()');
    poll_until(sub { $stack->sql('SELECT confirmed_flush_lsn >= ?::pg_lsn FROM pg_replication_slots WHERE slot_name = ?', $end, "${slot}_now") },
        what => 'the first wallet after it');
    is($now->stop, 0, 'it stops when asked to');
    my @records = $stack->kafka->read_topic($topic);
    is(scalar(grep { $_->{key} eq $wallet } @records), 1, 'what comes after it is published');
    cmp_ok(scalar @records, '<', $stack->sql('SELECT count(*) FROM wallet_transactions') - $before + 1, 'what was there before is not published');
    is(scalar(grep { $_->{headers}{replay} } @records), 0, 'and nothing is a replay');
    $stack->sql('SELECT pg_drop_replication_slot(?)', "${slot}_now");
};

subtest 'killed during its backfill' => sub {
    my $topic   = $stack->topic . '-killed';
    my %killed  = (BRIDGE_SLOT => "${slot}_killed", KAFKA_TOPIC => $topic);
    # A few events at a time, and each time a pause: far from its end when it is killed.
    my $slow = $stack->another_bridge(%killed, BRIDGE_START => 'backfill', BRIDGE_IN_FLIGHT_BYTES => 65536,
        KAFKA_PROP_LINGER_MS => 1000);
    $slow->start(ready => 0);
    poll_until(sub { $stack->kafka->count($topic) > 0 }, what => 'some events of the backfill');
    is($slow->kill9, 'signal 9', 'killed');
    poll_until(sub { !$stack->sql('SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE ?', 'wallet_bridge%') },
        what => 'the server to notice');
    $stack->refuses($stack->another_bridge(%killed), qr/first start, and the ledger .*--start=backfill/, 'without the option');
    is($stack->sql('SELECT count(*) FROM pg_replication_slots WHERE slot_name = ?', "${slot}_killed"), 0, 'the slot that was left is gone');
    my $started = $stack->another_bridge(%killed, BRIDGE_START => 'backfill');
    $started->start;
    my ($code, $out) = $stack->bridge_command(['verify'], %killed);
    is($code, 0, 'the next start brings everything') or diag $out;
    is($started->stop, 0, 'it stops when asked to');
    $stack->sql('SELECT pg_drop_replication_slot(?)', "${slot}_killed");
};

subtest 'with a backfill, while transfers run' => sub {
    my $starting = $stack->another_bridge(BRIDGE_START => 'backfill');
    $load->wait_progress(50);
    $starting->start;
    $load->wait_progress(50);
    is($starting->stop, 0, 'it stops when asked to');
    $bridge->start;
    $load->wait_progress(50);
    pass('a later start needs no option');
    for my $round (1 .. 2)
    {
        my ($code, $out, $err) = $stack->bridge_command(['verify']);
        is($code, 0, "verify is exact while transfers run, $round") or diag $out . $err;
    }
    $load->stop;
    $stack->history->start;
    $stack->wait_history;
    $stack->verify(acknowledged => $load, name => 'nothing missing, nothing twice');
    my %replays = (0 => 0, 1 => 0);
    $replays{ $_->{headers}{replay} ? 1 : 0 }++ for $stack->records;
    cmp_ok($replays{1}, '>', 1400, 'what was there before is a replay');
    cmp_ok($replays{0}, '>', 0, 'what came later is not');
};
done_testing;
