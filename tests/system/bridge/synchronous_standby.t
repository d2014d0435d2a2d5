# An event is not published before the synchronous standby has its commit: when the primary dies, the bridge follows to the
# promoted standby by a URL with both, and Kafka has nothing that the ledger has not (INV-7).
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use POSIX qw(WNOHANG);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Stack;
use Test::More;
use Wait;

my $stack = Stack->start(
    bridge  => 0,
    history => 0,
    conf    => { hot_standby => 'on', wal_keep_size => '256MB', wal_sender_timeout => '3s' });
my $first  = $stack->postgres;
my $second = $first->standby;
my ($alice, $bob) = $stack->create_wallets(2, fund => '100.00');
my $both   = sprintf 'postgresql://wallet_bridge@127.0.0.1:%d,127.0.0.1:%d/wallet_db?target_session_attrs=read-write',
    $second->port, $first->port;
my $bridge = $stack->another_bridge(DATABASE_URL => $both, BRIDGE_START => 'backfill');

set_standbys($first, 'walreceiver');
poll_until(sub { $first->sql(q(SELECT sync_state = 'sync' FROM pg_stat_replication WHERE application_name = 'walreceiver')) },
    what => 'the synchronous standby');
$bridge->start;
$first->sql('SELECT wallet_transfer(?, ?, 0.01)', $alice, $bob);
$stack->wait_bridge;
is($stack->kafka->count($stack->topic), 6, 'what the standby has is published');

sub set_standbys
{
    my ($server, $names) = @_;
    $server->sql("ALTER SYSTEM SET synchronous_standby_names = '$names'");
    $server->sql('SELECT pg_reload_conf()');
    return;
}

my $frozen;
sub standby_freeze
{
    $frozen = $second->sql('SELECT pid FROM pg_stat_wal_receiver');
    kill 'STOP', $frozen;
    return;
}

sub standby_thaw
{
    kill 'CONT', $frozen;
    return;
}

# A payment of a process of its own, whose exit code says whether it was acknowledged.
sub pay
{
    my $pid = fork // die "fork: $!\n";
    return $pid if $pid;
    my $done = eval { $first->connect->do('SELECT wallet_transfer(?, ?, 0.01)', undef, $alice, $bob); 1 };
    # Without the END blocks: they are the parent's.
    POSIX::_exit($done ? 0 : 1);
}

sub is_acknowledged
{
    my ($pid) = @_;
    poll_until(sub { waitpid($pid, WNOHANG) == $pid }, what => 'the end of the payment');
    return $? == 0;
}

# Its commit waits for the standby, and the stream for the same.
sub pay_and_wait
{
    my $pid = pay();
    for my $waiting ('test', 'wallet_bridge')
    {
        poll_until(
            sub {
                $first->sql(q(SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name = ?), $waiting);
            },
            what => "$waiting to wait for the standby");
    }
    return $pid;
}

subtest 'the bridge is one of the standbys that are waited for' => sub {
    set_standbys($first, '*');
    poll_until(sub { $first->sql(q(SELECT sync_state IN ('sync', 'potential') FROM pg_stat_replication WHERE application_name = 'wallet_bridge')) },
        what => 'the bridge to count as a standby');
    standby_freeze();
    my $payment = pay();
    poll_until(sub { $stack->kafka->count($stack->topic) == 8 }, what => 'the events');
    standby_thaw();
    ok(is_acknowledged($payment), 'neither waits for the other');
    set_standbys($first, 'walreceiver');
    poll_until(sub { $first->sql(q(SELECT sync_state = 'async' FROM pg_stat_replication WHERE application_name = 'wallet_bridge')) },
        what => 'the bridge not to count any more');
};

subtest 'a standby that hangs' => sub {
    standby_freeze();
    my $payment = pay_and_wait();
    is($stack->kafka->count($stack->topic), 8, 'nothing is published');
    standby_thaw();
    ok(is_acknowledged($payment), 'the payment is acknowledged once the standby goes on');
    $stack->wait_bridge;
    is($stack->kafka->count($stack->topic), 10, 'and then published');
};

subtest 'the primary is stopped meanwhile' => sub {
    standby_freeze();
    my $payment = pay_and_wait();
    cmp_ok($first->stop('fast'), '<', patient(15), 'a fast stop is not held up');
    ok(!is_acknowledged($payment), 'the payment gets no answer');
    standby_thaw();
    $first->start;
    poll_until(sub { $stack->kafka->count($stack->topic) == 12 }, what => 'the event of what was committed');
    pass('what had been committed is published after the restart');
};

subtest 'the primary dies meanwhile' => sub {
    poll_until(sub { ($bridge->get('/health'))[0] == 200 }, what => 'the bridge to stream again');
    # Returns when the standby, which follows again, has it.
    $first->sql('SELECT wallet_transfer(?, ?, 0.01)', $alice, $bob);
    $stack->wait_bridge;
    standby_freeze();
    # WAL that has nothing to do with events may be in the record and not on the standby.
    $first->sql('CHECKPOINT');
    $stack->wait_bridge;
    my $payment = pay_and_wait();
    $first->kill9;
    standby_thaw();
    ok(!is_acknowledged($payment), 'the payment gets no answer');

    # As a cluster manager does that keeps logical slots over a failover.
    $second->stop;
    system('cp', '-a', "$first->{base}/data/pg_replslot/" . $stack->slot, "$second->{base}/data/pg_replslot/");
    $second->start;
    $second->promote;
    $second->sql('SELECT wallet_transfer(?, ?, 0.02)', $alice, $bob);
    poll_until(sub { $stack->kafka->count($stack->topic) >= 16 }, what => 'the events of the new primary');
    my ($code, $out) = $stack->bridge_command(['verify'], DATABASE_URL => $both);
    is($code, 0, 'the bridge has gone on by itself') or diag $out;
    like($out, qr/^0 missing, 0 not in the ledger, 0 different, 0 second copies$/m, 'and published what the new primary has');
    is($bridge->stop, 0, 'it stops when asked to');
    my (undef, $shown) = $stack->bridge_command([qw(progress show)], DATABASE_URL => $both);
    like($shown, qr/, timeline 2,/, 'the record names the new timeline');
};
done_testing;
