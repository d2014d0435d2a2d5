# docs/runbook.md on a running system: what it says to look at shows what is wrong, what it says to do mends it.
# Restore, failover and upgrade are in runbook_restore.t.
use strict;
use warnings;

use Cwd qw(abs_path);
use DBD::Pg;
use File::Basename qw(dirname);
use HTTP::Tiny;
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Event;
use Runbook;
use Stack;
use Test::More;
use Wait;

my $stack = Stack->start(conf => { max_slot_wal_keep_size => '1MB', wal_keep_size => 0, max_wal_size => '32MB', min_wal_size => '32MB' });
my ($bridge, $history, $slot, $topic) = ($stack->bridge, $stack->history, $stack->slot, $stack->topic);
my ($alice, $bob) = $stack->create_wallets(2, fund => '100.00');
my $etc = test_directory() . '/etc';
mkdir $etc or die "$etc: $!\n";
my %env = (
    PGHOST             => '127.0.0.1', PGPORT => $stack->postgres->port, PGUSER => 'postgres', PGDATABASE => 'wallet_db',
    DATABASE_URL       => $stack->postgres->uri(user => 'wallet_bridge'),
    KAFKA_BROKERS      => $stack->kafka->brokers, KAFKA_TOPIC => $topic, KAFKA_GROUP_ID => $stack->group, BRIDGE_SLOT => $slot,
    WALLET_BRIDGE_URL  => $bridge->{url}, WALLET_HISTORY_URL => $history->{url}, WALLET_ETC => $etc);

sub pay
{
    $stack->sql('SELECT wallet_transfer(?, ?, 1)', $alice, $bob);
    return;
}

sub forget_limit
{
    $stack->sql('ALTER SYSTEM RESET max_slot_wal_keep_size');
    $stack->sql('SELECT pg_reload_conf()');
    poll_until(sub { $stack->connect->selectrow_array('SHOW max_slot_wal_keep_size') eq '1MB' }, what => 'the old limit');
    return;
}

sub becomes_consistent
{
    my ($name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $stack->wait_history;
    poll_until(sub { $stack->sql('SELECT count(*) FROM wallet_check()') == 0 }, what => 'wallet_check() to find nothing');
    $stack->verify(duplicates => 1, backfilled => 1, name => $name);
    return;
}

subtest 'look first' => sub {
    $stack->wait_bridge;
    $stack->wait_history;
    # Ready also before its partitions come, and then again when it has their positions.
    poll_until(sub { $history->metric('wallet_history_partitions') == 6 && ($history->get('/health'))[0] == 200 }, what => 'the partitions');
    my ($processes, $database) = follow('look-first', env => \%env);
    is(scalar(() = $processes =~ /"status":"ready"/g), 2, 'both are ready');
    like($processes, qr/^slot: +$slot, active$/m, 'the bridge has its slot');
    like($database,  qr/^status +\| ok$/m, 'the database is content');
    like($database,  qr/^ \Q$slot\E +\| t +\| reserved/m, 'the slot has its WAL');
};

subtest 'Kafka gone' => sub {
    my ($kafka, $slots) = follow('kafka-or-postgresql-gone', env => \%env);
    is(scalar(() = $kafka =~ /^    partition \d+, leader \d+,/mg), 6, 'every partition has a leader');
    like($slots, qr/^ reserved +\| \S+ \w+ +\| \d/m, 'how long the slot holds out');
    is($stack->connect->selectrow_array('SHOW max_slot_wal_keep_size'), '32GB', 'the slot may keep more');
    forget_limit();
};

subtest 'lag grows' => sub {
    my $open = $stack->connect;
    $open->begin_work;
    $open->do('SELECT wallet_fund(?, 1)', undef, $alice);
    my ($metrics, $open_transactions) = follow('lag-grows', env => \%env);
    like($metrics, qr/^wallet_bridge_wal_lag_bytes \d+$/m, 'how far it is behind');
    like($metrics, qr/^wallet_bridge_in_flight_transactions 0$/m, 'nothing waits for Kafka');
    like($open_transactions, qr/^ +\d+ \| postgres +\| test +\| idle in transaction .*wallet_fund/m, 'the transaction that is open');
    $open->rollback;
    $open->disconnect;
};

subtest 'slot lost' => sub {
    $bridge->suspend;
    pay();
    poll_until(
        sub {
            $stack->sql(q(SELECT pg_logical_emit_message(false, 'filler', repeat('x', 1000000)) FROM generate_series(1, 20)));
            $stack->sql('SELECT pg_switch_wal()');
            $stack->sql('CHECKPOINT');
            return $stack->sql('SELECT status FROM wallet_health()') eq 'slot_lost';
        },
        what => 'the slot to be lost');
    $bridge->resume;
    is($bridge->wait_exit, 78, 'the bridge ends, and is not started again');
    my @said = follow('slot-lost', env => \%env, before => { 2 => sub { $bridge->start; pay(); return } });
    like($said[0], qr/^slot $slot created/m, 'there is a new slot');
    like($said[1], qr/^0 missing, 0 not in the ledger, 0 different/m, 'the topic has the ledger');
    becomes_consistent('and so has the history');
};

subtest 'gap and conflict' => sub {
    is($bridge->stop, 0, 'the bridge stops');
    pay();
    $stack->sql('SELECT pg_replication_slot_advance(?, pg_current_wal_lsn())', $slot);
    is(($stack->bridge_command([qw(progress set --reason test)]))[0], 0, 'a hole is made');
    $bridge->start;
    pay();
    poll_until(sub { $stack->sql('SELECT count(*) FROM wallet_history_gaps') == 2 }, what => 'two gaps');

    # Somebody else writes an event of a wallet before the ledger does.
    my ($carol) = $stack->create_wallets(1);
    poll_until(sub { $stack->sql('SELECT count(*) FROM transaction_events WHERE wallet_id = ?', $carol) }, what => 'its creation');
    $stack->produce(key => $carol, value => event_json($carol, 1));
    poll_until(sub { $stack->sql('SELECT count(*) FROM transaction_events WHERE wallet_id = ?', $carol) == 2 }, what => 'the forged event');
    $stack->sql('SELECT wallet_fund(?, 7)', $carol);
    poll_until(sub { $stack->sql('SELECT count(*) FROM wallet_history_conflicts') == 1 }, what => 'a conflict');

    my @said = follow('history-gap-or-conflict', env => \%env);
    is(scalar(() = $said[0] =~ /^ (?:\Q$alice\E|\Q$bob\E) /mg), 2, 'the gaps are shown');
    like($said[0], qr/^ \Q$carol\E \| +1 \| 1\.0000 +\| 7\.0000 +\| 7\.0000 /m, 'the conflict is shown beside the ledger');
    poll_until(sub { $stack->sql('SELECT count(*) FROM wallet_history_gaps') == 0 }, what => 'the gaps to close');
    $stack->wait_history;
    poll_until(sub { $stack->sql('SELECT count(*) FROM wallet_check()') == 0 }, what => 'wallet_check() to find nothing');
    is($stack->sql('SELECT amount FROM transaction_events WHERE wallet_id = ? AND version = 1', $carol), '7.0000', 'the ledger wins');
    is($stack->sql('SELECT count(*) FROM wallet_history_conflicts'), 0, 'and nothing is recorded any more');
};

subtest 'dead letters' => sub {
    $stack->produce(key => $alice, value => 'no event');
    poll_until(sub { ($history->metric('wallet_history_dead_letters_total') // 0) > 0 }, what => 'a dead letter');
    my ($letters) = follow('dead-letters', env => \%env);
    like($letters, qr/^partition 0 offset 0 key \Q$alice\E\n  .*__connect\.errors\..*\n  no event$/m, 'the record and the reason');
};

subtest 'disk full by WAL' => sub {
    my ($slots) = follow('disk-full-by-wal', env => \%env);
    like($slots, qr/^ \Q$slot\E +\| logical +\| wallet_decoder +\| t /m, 'who keeps WAL');
    is($stack->connect->selectrow_array('SHOW max_slot_wal_keep_size'), '8GB', 'there is a limit');
    forget_limit();
};

subtest 'the ledger diverges' => sub {
    my $set_balance = sub {
        $stack->psql("ALTER TABLE wallets DISABLE TRIGGER wallet_guard, DISABLE TRIGGER wallet_guard_row; UPDATE wallets SET balance = balance + ($_[0]) WHERE id = '$alice';"
                . ' ALTER TABLE wallets ENABLE ALWAYS TRIGGER wallet_guard, ENABLE ALWAYS TRIGGER wallet_guard_row');
    };
    $set_balance->(1);
    my ($check, $rows) = follow('the-ledger-diverges', env => \%env);
    like($check, qr/^check wallet_balance \Q$alice\E/m, 'ledger-check names the wallet');
    like($rows, qr/^ wallet_balance +\| \Q$alice\E /m, 'and so does wallet_check()');
    $set_balance->(-1);
};

subtest 'the service is slow' => sub {
    my ($holding, $waiting) = ($stack->connect, $stack->connect);
    $holding->begin_work;
    $holding->do('SELECT wallet_lock(ARRAY[?::uuid])', undef, $alice);
    $waiting->do("SELECT wallet_fund('$alice', 1)", { pg_async => DBD::Pg::PG_ASYNC() });
    poll_until(sub { $stack->sql(q(SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock')) }, what => 'somebody to wait');
    my ($who) = follow('the-service-fails-or-is-slow', env => \%env);
    like($who, qr/wallet_fund.* \| idle in transaction \| .*wallet_lock/, 'who waits for whom');
    $holding->rollback;
    $waiting->pg_result;
};

subtest 'another password' => sub {
    my $conf = "$stack->{postgres}{base}/data/pg_hba.conf";
    open my $file, '+<', $conf or die "$conf: $!\n";
    my $rules = do { local $/; <$file> };
    seek $file, 0, 0;
    print {$file} "host all wallet_history 127.0.0.1/32 scram-sha-256\n$rules";
    close $file;
    $stack->sql(q(ALTER ROLE wallet_history PASSWORD 'old'));
    $stack->sql('SELECT pg_reload_conf()');
    my $url = $stack->postgres->uri(user => 'wallet_history:old');
    open $file, '>', "$etc/wallet-history.env" or die "$etc: $!\n";
    print {$file} "DATABASE_URL='$url'\n";
    close $file;
    $history->{env}{DATABASE_URL} = $url;
    is($history->restart, 0, 'the history runs with a password');

    follow('rotate-database-passwords', env => \%env);
    is((stat "$etc/wallet-history.env")[2] & 077, 0, 'nobody else may read the file');
    $history->signal('KILL');
    $history->wait_exit;
    $history->start(ready => 0);
    is($history->wait_exit, 78, 'the old password is refused');
    $history->{env}{DATABASE_URL} = variable_in("$etc/wallet-history.env", 'DATABASE_URL');
    $history->start;
    pay();
    $stack->wait_history;
    pass('the new one is taken');
};

# What a variable of a file for the units says now.
sub variable_in
{
    my ($path, $name) = @_;
    open my $file, '<', $path or die "$path: $!\n";
    my ($value) = map { /^\Q$name\E=('?)(.*)\1$/ ? $2 : () } <$file>;
    return $value;
}

subtest 'another token' => sub {
    my $old  = 'a-token-of-yesterday';
    my @asks = ($stack->another_service, $history);
    open my $file, '>', "$etc/wallet.env" or die "$etc: $!\n";
    print {$file} "LOG_LEVEL=info\nBEARER_TOKEN=$old\n";
    close $file;
    my $restart = sub {
        for my $program (@asks)
        {
            $program->{env}{BEARER_TOKEN} = variable_in("$etc/wallet.env", 'BEARER_TOKEN');
            $program->stop if $program->running;
            $program->start;
        }
        return;
    };
    my $status_with = sub {
        my ($token) = @_;
        return HTTP::Tiny->new->get("$asks[0]{url}/users/nobody/wallets", { headers => { Authorization => "Bearer $token" } })->{status};
    };
    $restart->();
    is($status_with->($old), 200, 'the old token is good');
    my @said = follow('rotate-the-token', env => { %env, WALLET_SERVICE_URL => $asks[0]{url} }, before => { 2 => $restart });
    is($said[1], "200\n200\n200\n200\n", 'both tokens are good at both programs');
    my $new = variable_in("$etc/wallet.env", 'BEARER_TOKEN');
    like($new, qr/^[0-9a-f]{64}$/, 'one is left');
    $restart->();
    is($status_with->($new), 200, 'the new one is good');
    is($status_with->($old), 401, 'the old one no more');
};

subtest 'every command of the runbook is tried' => sub {
    my %blocks = runbook_sections();
    my $tests  = join '', map { open my $file, '<', $_ or die "$_: $!\n"; local $/; scalar <$file> } glob dirname(abs_path(__FILE__)) . '/runbook*.t';
    for my $anchor (sort keys %blocks)
    {
        ok(index($tests, "follow('$anchor'") > 0, $anchor);
    }
    poll_until(sub { $history->metric('wallet_history_partitions') == 6 }, what => 'the partitions to come');
    my ($metrics, $offsets) = follow('history-behind', env => \%env);
    like($metrics, qr/^wallet_history_partitions 6$/m, 'history-behind: its partitions');
    is(scalar(() = $offsets =~ /^ \Q$env{KAFKA_GROUP_ID}\E /mg), 6, 'and where it is in each');
};
# The last one: the history has what the old topic had, and stops where it finds another one.
subtest 'topic gone' => sub {
    is($history->stop, 0, 'the history stops');
    $stack->kafka->tool('org.apache.kafka.tools.TopicCommand', '--delete', '--topic', $topic);
    is($bridge->wait_exit(60), 78, 'the bridge ends, and is not started again');
    like($bridge->log_tail, qr/the topic is gone/, 'and says why');
    my @said = follow('topic-gone', env => \%env, before => { 2 => sub { $bridge->start; pay(); return } });
    like($said[1], qr/^0 missing, 0 not in the ledger, 0 different/m, 'the new topic has the ledger');
};
done_testing;
