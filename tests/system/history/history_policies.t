# What wallet_history does at a gap, a conflict and poison, under each policy, and what it says of it.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use JSON::PP qw(decode_json);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Event;
use Stack;
use Test::More;

my $stack = Stack->start(history => 0);
my $kafka = $stack->kafka;
my $topic = $stack->topic;
my $dlq   = "$topic.dlq";
my ($alice, $bob, $carol) = map { "00000000-0000-4000-8000-00000000000$_" } 1 .. 3;
my %partition_of = ($alice => 0, $bob => 1, $carol => 2);
# Too large for PostgreSQL's numeric: the reader lets it pass.
my $too_large = '{"n":1e200000}';

sub produce
{
    my ($wallet, @versions) = @_;
    $stack->produce(key => $wallet, partition => $partition_of{$wallet}, value => event_json($wallet, $_))
        for @versions;
    return;
}

sub produce_json
{
    my ($wallet, $json) = @_;
    $stack->produce(key => $wallet, partition => $partition_of{$wallet}, value => $json);
    return;
}

sub stored
{
    my ($wallet) = @_;
    return $stack->sql(q(SELECT coalesce(string_agg(version::text, ' ' ORDER BY version), '')
        FROM transaction_events WHERE wallet_id = ?), $wallet);
}

sub wait_stored
{
    my ($wallet, $versions, $name) = @_;
    poll_until(sub { stored($wallet) eq $versions }, what => "versions $versions of $wallet");
    return pass($name);
}

sub position
{
    my ($wallet) = @_;
    return $stack->sql('SELECT next_offset FROM wallet_history_offsets WHERE topic = ? AND partition = ?',
        $topic, $partition_of{$wallet});
}

sub health
{
    my ($history) = @_;
    my ($code, $body) = $history->get('/health');
    return { code => $code, %{ decode_json($body) } };
}

# A process with these variables, and what it says of a partition that it stopped.
sub halts
{
    my ($variable, $wallet, $offset, $reason) = @_;
    my $history = $stack->another_history($variable => 'stop')->start(ready => 0);

    $history->wait_log(qr/partition stopped by the policy.*$reason.*partition=$partition_of{$wallet} offset=$offset/);
    my $health = poll_until(
        sub { my $now = health($history); $now->{checks}{partitions}{reason} =~ /stopped/ && $now },
        what => 'a health check that fails');
    is($health->{code}, 503, '/health fails');
    is($health->{checks}{partitions}{reason}, '1 stopped at a gap or conflict', 'and says why');
    is($history->metric('wallet_history_halted_partitions'), 1, 'the metric counts it');
    poll_until(sub { (position($wallet) // -1) == $offset }, what => 'the position before the record');
    pass('what stands before it is applied');
    return $history;
}

# The same with the default policy: it goes on, and /health and /metrics tell what was recorded.
sub goes_on
{
    my ($kind, $wallet, $versions) = @_;
    my $history = $stack->another_history->start;

    wait_stored($wallet, $versions, 'the default policy goes on');
    is($stack->sql("SELECT count(*) FROM wallet_history_$kind"), 1, "one of the $kind is recorded");
    poll_until(sub { health($history)->{$kind} eq '1' }, what => "/health with the $kind");
    is(health($history)->{code}, 200, "/health shows the $kind and is ready");
    is($history->metric("wallet_history_$kind"), 1, 'so does the gauge');
    poll_until(sub { $history->metric("wallet_history_${kind}_total") == 1 }, what => 'the counter');
    pass('and the counter');
    return $history;
}

subtest 'on-gap' => sub {
    produce($alice, 0, 1, 3);
    produce($bob, 0, 1);
    my $history = halts(HISTORY_ON_GAP => $alice, 2, 'versions are missing');
    is(stored($alice), '0 1', 'what follows the gap is not stored');
    is($stack->sql('SELECT count(*) FROM wallet_history_gaps'), 0, 'and no gap recorded');
    produce($bob, 2);
    wait_stored($bob, '0 1 2', 'the other partitions go on');
    produce($alice, 4);
    produce($bob,   3);
    wait_stored($bob, '0 1 2 3', 'and on');
    is(stored($alice), '0 1', 'the stopped one stays where it is');
    is($history->stop, 0, 'it stops cleanly');

    $history = goes_on(gaps => $alice, '0 1 3 4');
    is($stack->sql(q(SELECT count(*) FROM wallet_check() WHERE check_name LIKE '%gap%')), 1, 'wallet_check() says so');
    is($history->stop, 0, 'it stops cleanly');
};

subtest 'on-conflict' => sub {
    produce_json($bob, event_json($bob, 1, amount => '"999.0000"'));
    produce($bob, 4);
    my $history = halts(HISTORY_ON_CONFLICT => $bob, 4, 'contradicts');
    is($stack->sql('SELECT count(*) FROM wallet_history_conflicts'), 0, 'nothing is recorded');
    produce($alice, 5);
    wait_stored($alice, '0 1 3 4 5', 'the other partitions go on');
    is(stored($bob), '0 1 2 3', 'the stopped one stays where it is');
    is($history->stop, 0, 'it stops cleanly');

    is(goes_on(conflicts => $bob, '0 1 2 3 4')->stop, 0, 'it stops cleanly');
};

# Exit code and end of a process that stops at poison.
sub refuses
{
    my ($offset, $versions, $fault) = @_;
    my $history = $stack->another_history(HISTORY_ON_POISON => 'stop')->start(ready => 0);

    is($history->wait_exit, 78, 'it ends with 78');
    like($history->log_text, qr/poison at partition 2, offset $offset: .*\($fault\).*HISTORY_ON_POISON=dlq/,
        'says where, why and the way out');
    is(stored($carol), $versions, 'what stands before it is stored');
    is(position($carol), $offset, 'and the position is before it');
    return;
}

subtest 'on-poison' => sub {
    produce($carol, 0);
    produce_json($carol, 'this is no JSON');
    produce($carol, 1);
    refuses(1, '0', '\w+');

    my $history = $stack->another_history->start;
    wait_stored($carol, '0 1', 'with dlq it goes on');
    is($history->stop, 0, 'it stops cleanly');

    produce($carol, 2, 3);
    produce_json($carol, event_json($carol, 4, metadata => $too_large));
    produce($carol, 5);
    refuses(5, '0 1 2 3', 'PostgresError_22003');
};

subtest 'poison that only PostgreSQL notices, among good events' => sub {
    produce($carol, 6 .. 9);
    produce_json($carol, event_json($carol, 10, metadata => $too_large));
    produce($carol, 11 .. 13);
    my $history = $stack->another_history->start;
    wait_stored($carol, '0 1 2 3 5 6 7 8 9 11 12 13', 'the good ones around it arrive');
    is_deeply(
        [ map { "$_->{from_version}-$_->{to_version}" } $stack->rows(
                'SELECT * FROM wallet_history_gaps WHERE wallet_id = ? ORDER BY from_version', $carol) ],
        [ '4-4', '10-10' ],
        'the dead letter of an event is a gap');
    poll_until(sub { ($history->metric('wallet_history_dead_letters_total') // 0) >= 2 }, what => 'the metric');
    is($history->metric('wallet_history_dead_letters_total'), 2, 'the metric counts the dead letters');
    is($history->stop, 0, 'it stops cleanly');
};

subtest 'dead letters' => sub {
    my @letters = $kafka->read_topic($dlq);
    is_deeply([ map { $_->{headers}{'__connect.errors.offset'} } @letters ], [ 1, 5, 11 ], 'each once');
    is($_->{headers}{'__connect.errors.topic'},          $topic,           'topic') for @letters;
    is($_->{headers}{'__connect.errors.partition'},      2,                'partition') for @letters;
    is($_->{headers}{'__connect.errors.connector.name'}, $stack->group,    'connector.name is the group') for @letters;
    is($_->{headers}{'__connect.errors.task.id'},        0,                'task.id') for @letters;
    is($_->{headers}{'__connect.errors.class.name'},     'wallet_history', 'class.name') for @letters;
    is_deeply([ map { $_->{headers}{'__connect.errors.stage'} } @letters ],
        [ 'VALUE_CONVERTER', 'TASK_PUT', 'TASK_PUT' ], 'stage: who refused it');
    like($letters[1]{headers}{'__connect.errors.exception.class.name'}, qr/^PostgresError_22003$/, 'exception.class.name');
    ok($_->{headers}{'__connect.errors.exception.message'}, 'exception.message') for @letters;
    is($letters[2]{value}, event_json($carol, 10, metadata => $too_large), 'the record as it was');
};

done_testing;
