# docs/runbook.md on servers that are not the ones from before: an upgraded one, a restored one, a promoted standby that
# has every commit, and one that has not.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Postgres;
use Runbook;
use Stack;
use Test::More;
use Wait;

my $stack = Stack->start(conf => { hot_standby => 'on', wal_keep_size => '256MB' });
my $first = $stack->postgres;
my ($alice, $bob) = $stack->create_wallets(2, fund => '100.00');
my %env = (
    PGHOST        => '127.0.0.1', PGPORT => $first->port, PGUSER => 'postgres', PGDATABASE => 'wallet_db',
    DATABASE_URL  => $first->uri(user => 'wallet_bridge'),
    KAFKA_BROKERS => $stack->kafka->brokers, KAFKA_TOPIC => $stack->topic, BRIDGE_SLOT => $stack->slot);

sub env_of
{
    my ($server) = @_;
    return { PGPORT => $server->port, DATABASE_URL => $server->uri(user => 'wallet_bridge') };
}

sub pay
{
    my ($server, $dbname) = @_;
    $server->sql_in('wallet_db', 'SELECT wallet_transfer(?, ?, 1)', $alice, $bob);
    return;
}

# The two events of a lost transfer are in the history, and the next transfer contradicts them.
sub conflicts_come
{
    my ($server) = @_;
    pay($server);
    poll_until(sub { $server->sql_in('wallet_db', 'SELECT count(*) FROM wallet_history_conflicts') == 2 }, what => 'two conflicts');
    pass('what was lost and what is new are recorded as conflicts');
    return;
}

subtest 'upgrade' => sub {
    my ($former) = map { $_->{version} } $first->rows(q(SELECT version FROM pg_available_extension_versions WHERE name = 'wallet' ORDER BY version));
    $first->sql('CREATE DATABASE former');
    $first->sql_in('former', qq(CREATE EXTENSION wallet VERSION '$former'));
    my ($said) = follow('upgrade', env => { %env, PGDATABASE => 'former' });
    like($said, qr/^ \Q$former\E +\| (\S+) *$/m, 'from the former version');
    my ($newest) = $said =~ /^ \Q$former\E +\| (\S+) *$/m;
    like($said, qr/^ extversion.*\n-+\n \Q$newest\E$/m, 'to the newest');
    like($said, qr/^\(0 rows\)$/m, 'and nothing is wrong');
};

subtest 'restore from a backup' => sub {
    my $server  = Postgres->new(dbname => 'unused');
    my $bridge  = $stack->another_bridge(%{ env_of($server) });
    my $history = $stack->another_history(DATABASE_URL => $server->uri(user => 'wallet_history', dbname => 'wallet_db'));
    my $former  = $first->sql_in('wallet_db', q(SELECT '/wallet/' || system_identifier || '/wallet_db' FROM pg_control_system()));
    $bridge->{env}{DATABASE_URL} = $server->uri(user => 'wallet_bridge', dbname => 'wallet_db');
    $stack->wait_history;
    my @said = follow('restore-from-a-backup', env => \%env,
        before => {
            2 => sub {
                # Committed after the dump: it is in Kafka, and not in what is restored.
                pay($first);
                $stack->wait_bridge;
                is($_->stop, 0, "$_->{name} stops") for $stack->history, $stack->bridge;
                return env_of($server);
            },
            3 => sub {
                $stack->refuses($bridge, qr/V1: slot .* was last used on system .*wallet_bridge slot create/, 'on the restored server');
                return { DATABASE_URL => $bridge->{env}{DATABASE_URL} };
            }
        });
    like($said[1], qr/^ check_name .*\n.*\n\(0 rows\)$/m, 'the restored ledger is consistent');
    like($said[2], qr/^0 missing, 2 not in the ledger, 0 different/m, 'what the topic has more is known');
    like($said[3], qr/^slot \S+ created/m, 'a slot is made after the restore');
    is($server->sql_in('wallet_db', 'SELECT max(source) FROM wallet_history_offsets'), $former, 'the dump has the former source');
    $history->{env}{HISTORY_SOURCE} = $former;
    $bridge->start;
    $history->start;
    conflicts_come($server);
    is($_->stop, 0, "$_->{name} stops") for $history, $bridge;
    $server->stop;
};

# The first server goes on as if there had been no restore, with a topic of its own.
%env = (%env, KAFKA_TOPIC => $stack->topic . '-failover', BRIDGE_SLOT => $stack->slot . '_failover', KAFKA_GROUP_ID => $stack->group . '-failover');
my %own    = map { ($_ => $env{$_}) } qw(KAFKA_TOPIC BRIDGE_SLOT KAFKA_GROUP_ID);
my $second = $first->standby;
# Both servers named, as the runbook proposes: whichever takes writes is the one.
my $either = sprintf 'postgresql://wallet_bridge@127.0.0.1:%d,127.0.0.1:%d/wallet_db?target_session_attrs=read-write', $first->port, $second->port;
my $moved  = $stack->another_bridge(%own, DATABASE_URL => $either);

subtest 'failover with every commit' => sub {
    my $bridge = $stack->another_bridge(%own, BRIDGE_START => 'backfill');
    $bridge->start;
    pay($first);
    is($bridge->stop, 0, 'the bridge stops with all in Kafka');
    my $lsn = $first->sql('SELECT pg_current_wal_flush_lsn()');
    poll_until(sub { $second->sql('SELECT pg_last_wal_replay_lsn() >= ?::pg_lsn', $lsn) }, what => 'the standby to follow');
    $first->stop;
    $second->promote;
    pay($second);
    $stack->refuses($moved, qr/V4: slot .* is gone, .*wallet_bridge slot create/, 'on the new primary');
    my @said = follow('failover-to-a-standby', env => { %env, %{ env_of($second) } }, to => 2,
        before => { 2 => sub { $moved->start; pay($second); return } });
    like($said[1], qr/^0 missing, 0 not in the ledger, 0 different/m, 'the topic has the ledger');
};

subtest 'failover that lost commits' => sub {
    my $third = $second->standby;
    my $lsn   = $second->sql('SELECT pg_current_wal_flush_lsn()');
    poll_until(sub { $third->sql('SELECT pg_last_wal_replay_lsn() >= ?::pg_lsn', $lsn) }, what => 'the standby to follow');
    $third->stop;
    pay($second);
    poll_until(sub { ($stack->bridge_command(['verify'], %own, %{ env_of($second) }))[0] == 0 }, what => 'the lost transfer in Kafka');
    is($moved->stop, 0, 'the bridge stops');
    $second->stop;
    $third->start;
    $third->promote;
    my $bridge  = $stack->another_bridge(%own, %{ env_of($third) });
    my $history = $stack->another_history(%own, DATABASE_URL => $third->uri(user => 'wallet_history'));
    $stack->refuses($bridge, qr/V2: .*it lost commits.*wallet_bridge verify.*wallet_bridge slot create/, 'on the new primary');
    $history->start;
    my $entries = $third->sql('SELECT count(*) FROM wallet_transactions');
    poll_until(sub { $third->sql('SELECT count(*) FROM transaction_events') == $entries + 2 }, what => 'the lost events in the history');
    my @said = follow('failover-to-a-standby', env => { %env, %{ env_of($third) } }, from => 3);
    like($said[0], qr/^0 missing, 2 not in the ledger, 0 different/m, 'how much was lost');
    is(scalar(() = $said[0] =~ /^ [-0-9a-f]{36} +\| +\d+ \| TRANSFER_/mg), 2, 'and what');
    $bridge->start;
    conflicts_come($third);
    is($_->stop, 0, "$_->{name} stops") for $history, $bridge;
    $third->stop;
};
done_testing;
