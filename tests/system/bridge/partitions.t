# The topic's number of partitions changes: the bridge stops before an event goes astray, says the way out,
# and goes on when it was told to accept it.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Stack;
use Test::More;

my %fresh  = (KAFKA_PROP_TOPIC_METADATA_REFRESH_INTERVAL_MS => 300);
my $stack  = Stack->start(bridge => { %fresh, BRIDGE_PARTITIONS => 2 }, history => \%fresh);
my $bridge = $stack->bridge;
my $accepting = $stack->another_bridge(%fresh, BRIDGE_ACCEPT_REPARTITION => 'on');

# A wallet's id is random, and so is its partition: with so many each partition gets some of them.
my $WALLETS = 64;
$stack->sql("SELECT wallet_create('user' || n, 'USD') FROM generate_series(1, ?) n", $WALLETS);

sub pay
{
    $stack->sql('SELECT wallet_fund(id, 1) FROM wallets');
    return;
}

pay();

# Beside Stack's verify, which wants a wallet's events in one partition.
sub topic_is_complete
{
    my ($name) = @_;
    $stack->wait_bridge;
    my ($code, $out) = $stack->bridge_command(['verify']);
    is($code, 0, "$name: ledger and topic agree") or diag $out;
    $stack->wait_history;
    is($stack->sql('SELECT count(*) FROM wallet_history_conflicts'), 0, "$name: and the history");
    return;
}

sub partitions_used
{
    my %used = map { $_->{partition} => 1 } $stack->records;
    return join ' ', sort keys %used;
}

topic_is_complete('at first');
is(partitions_used(), '0 1', 'the bridge made the topic as it was configured');

subtest 'added while the bridge runs' => sub {
    my $mark = $bridge->log_mark;
    $stack->kafka->add_partitions($stack->topic, 3);
    poll_until(sub { pay(); !$bridge->running }, interval => 0.2, what => 'the end of the bridge');
    is($bridge->exit_status, 78, 'it stops');
    like($bridge->log_since($mark), qr/level=error .*had 2 partitions and has 3 now.*--accept-repartition/,
        'with the reason and the way out');
    is(partitions_used(), '0 1', 'before an event went to another partition');
};

subtest 'started without accepting' => sub {
    my $mark = $bridge->log_mark;
    my $confirmed = $stack->confirmed_lsn;
    $bridge->start(ready => 0);
    is($bridge->wait_exit, 78, 'it refuses');
    like($bridge->log_since($mark), qr/V5: .*had 2 partitions and has 3 now.*--accept-repartition/, 'and says why');
    is($stack->confirmed_lsn, $confirmed, 'the position stays');
};

subtest 'started to accept it' => sub {
    $accepting->start;
    pay();
    topic_is_complete('afterwards');
    is(partitions_used(), '0 1 2', 'the new partition is in use');
    is($accepting->stop, 0, 'it stops when asked to');
    $bridge->start;
    pay();
    topic_is_complete('a later start needs no option');
    is($bridge->stop, 0, 'and stops when asked to');
};

# Copies in the topic.
sub copies
{
    my %times;
    $times{ $_->{headers}{ce_id} }++ for $stack->records;
    return scalar grep { $_ > 1 } values %times;
}

subtest 'added while a bridge runs that accepts it' => sub {
    my $before = copies();
    # What it has published to fewer partitions is in them, and does not come again.
    $accepting = $stack->another_bridge(%fresh, BRIDGE_ACCEPT_REPARTITION => 'on', BRIDGE_DELIVERY => 'transactional');
    $accepting->start;
    my $mark = $accepting->log_mark;
    $stack->kafka->add_partitions($stack->topic, 6);
    poll_until(
        sub { pay(); !$accepting->running || $accepting->log_since($mark) =~ /starting over/ },
        interval => 0.2, what => 'the bridge to notice');
    poll_until(sub { $accepting->running && ($accepting->get('/health'))[0] == 200 }, deadline => 15, what => 'the bridge ready again');
    pay();
    topic_is_complete('it goes on by itself');
    like(partitions_used(), qr/[345]/, 'with the new partitions');
    is(copies(), $before, 'and nothing twice');
    is($accepting->stop, 0, 'it stops when asked to');
    $bridge->start;
    pay();
    topic_is_complete('a later start needs no option');
};
done_testing;
