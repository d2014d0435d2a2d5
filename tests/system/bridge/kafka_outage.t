# The broker is stopped for 12 s under load: payments go on, memory is bounded, everything arrives.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Time::HiRes qw(time);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Stack;
use Test::More;
use Wait;

my $outage_seconds = 12;
my $stack   = Stack->start(own_kafka => 1, conf => { wal_sender_timeout => '5s' });
my @wallets = $stack->create_wallets(20, fund => '1000.00');
my $load    = $stack->load(wallets => \@wallets, clients => 4, pause => 0.02, mixed => 1);

$load->wait_progress(200);
my $began = time;
$stack->kafka->stop;
$load->wait_progress(200);
my $confirmed = $stack->confirmed_lsn;
my $marked    = $stack->sql('SELECT pg_current_wal_insert_lsn()');
$load->wait_progress(100);
# The outage is a length of time: the load works through it.
poll_until(sub { time - $began >= $outage_seconds }, deadline => 60, what => 'the end of the outage');
pass("payments went on while Kafka was down for $outage_seconds s");
ok($stack->sql('SELECT confirmed_flush_lsn < ?::pg_lsn FROM pg_replication_slots WHERE slot_name = ?',
        $marked, $stack->slot),
    'nothing was confirmed that Kafka did not have');
ok($stack->sql('SELECT active FROM pg_replication_slots WHERE slot_name = ?', $stack->slot),
    'the bridge still held the slot, longer than wal_sender_timeout');
$stack->kafka->start;
$load->wait_progress(200);
$load->stop;
$stack->wait_history(deadline => 120);
ok($stack->bridge->running && $stack->history->running, 'bridge and history lived through it');
$stack->verify(duplicates => 1, acknowledged => $load);

subtest 'PostgreSQL stops fast while Kafka is down' => sub {
    $stack->kafka->stop;
    $stack->sql('SELECT wallet_fund(?, 1)', $wallets[0]);
    my $seconds = $stack->postgres->stop('fast');
    cmp_ok($seconds, '<', patient(10), "stopped in $seconds s");
    $stack->postgres->start;
    $stack->kafka->start;
    $stack->wait_history(deadline => 120);
    $stack->verify(duplicates => 1);
};
subtest 'a stream that ends while Kafka is down' => sub {
    my $bridge = $stack->bridge;
    my $ends   = sub { return $bridge->metric('wallet_bridge_reconnects_total', peer => $_[0]) };
    my %before = map { $_ => $ends->($_) } qw(kafka postgresql);
    $stack->kafka->stop;
    $stack->sql('SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = ?', $stack->slot);
    # A new stream asks Kafka whether the slot has been another bridge's meanwhile.
    poll_until(sub { $ends->('kafka') > $before{kafka} }, deadline => 60, what => 'Kafka to be named');
    is($ends->('postgresql') - $before{postgresql}, 1, 'PostgreSQL is named for the end of its session, and not again');
    $stack->kafka->start;
    $stack->wait_history(deadline => 120);
    $stack->verify(duplicates => 1);
};

subtest 'the broker is killed in the middle of Kafka transactions' => sub {
    # Whoever reads committed records sees no copy from here on: the topic before it may have some.
    $stack->bridge->stop;
    my %seen   = map { ($_->{headers}{ce_id} => 1) } $stack->records;
    my $bridge = $stack->another_bridge(BRIDGE_DELIVERY => 'transactional');
    $bridge->start;
    my $moving = $stack->load(wallets => \@wallets, clients => 4, pause => 0.005, mixed => 1);
    for my $round (1, 2)
    {
        $moving->wait_progress(150);
        is($stack->kafka->kill9, 'signal 9', 'the broker is killed');
        $moving->wait_progress(50);
        $stack->kafka->start;
    }
    $moving->wait_progress(100);
    $moving->stop;
    $stack->wait_history(deadline => 120);
    ok($bridge->running, 'the bridge lived through it');
    my @new = grep { !$seen{ $_->{headers}{ce_id} } } $stack->records;
    my %once;
    $once{ $_->{headers}{ce_id} }++ for @new;
    is_deeply([ grep { $once{$_} > 1 } keys %once ], [], scalar(@new) . ' events, each once');
    $stack->verify(duplicates => 1, acknowledged => $moving);
};
done_testing;
