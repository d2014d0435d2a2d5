# Records put into the topic by hand: the bad ones end where they should, the good ones around arrive.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Event;
use Stack;
use Test::More;

my $stack = Stack->start;
my ($alice, $bob) = $stack->create_wallets(2, fund => '100.00');
my $kafka = $stack->kafka;
my $topic = $stack->topic;
my $dlq   = "$topic.dlq";

$stack->wait_history;
my %template = %{ (grep { $_->{event}{wallet_id} eq $alice && $_->{event}{version} == 1 } $stack->records)[0] };

# A good payment after the bad record shows that the consumer is past it, in that wallet's partition.
sub history_goes_on
{
    my ($name) = @_;
    $stack->sql('SELECT wallet_transfer(?, ?, 1)', $alice, $bob);
    $stack->wait_history;
    pass("$name: what comes after it arrives");
    return;
}

sub dead_letters
{
    return grep { $_->{partition} >= 0 } $kafka->partitions($dlq) ? $kafka->read_topic($dlq) : ();
}

subtest 'poison' => sub {
    my %poison = (
        'not JSON'           => 'this is no JSON',
        'cut JSON'           => substr($template{value}, 0, 100),
        'an array'           => '[1, 2]',
        'version as string'  => json_with($template{value}, version => '"one"'),
        'negative version'   => json_with($template{value}, version => -1),
        'amount as a number' => json_with($template{value}, amount => 100.0),
        'amount not exact'   => json_with($template{value}, amount => '"1.23456"'),
        'wallet id no uuid'  => json_with($template{value}, wallet_id => '"alice"'),
        'no time'            => json_with($template{value}, created_at => '"yesterday"'),
        'a missing field'    => $template{value} =~ s/"user_id":"[^"]*",//r,
        'not UTF-8'          => json_with($template{value}, user_id => "\"\xff\xfe\""),
        'id of another'      => json_with($template{value}, version => 7),
        'no known type'      => json_with($template{value}, event_type => '"PAYDAY"'),
        'a long user id'     => json_with($template{value}, user_id => '"' . 'a' x 101 . '"'),
        'the future'         => json_with($template{value}, created_at => '"9999-12-31T00:00:00.000000Z"'),
        'a zero character'   => json_with($template{value}, user_id => '"a\u0000b"'));
    my $expected = 0;

    for my $name (sort keys %poison)
    {
        $stack->produce(key => $alice, value => $poison{$name});
        $expected++;
    }
    $stack->produce(key => $alice);
    $stack->produce(value => $template{value});
    $stack->produce(key => $bob, value => $template{value});
    $expected += 3;
    history_goes_on('poison, a tombstone, no key, a foreign key');

    my @letters = poll_until(
        sub { my @found = dead_letters(); @found >= $expected ? [@found] : 0 },
        what => "$expected dead letters")->@*;
    is(scalar @letters, $expected, 'each is a dead letter');
    my ($letter) = grep { ($_->{value} // '') eq 'this is no JSON' } @letters;
    is($letter->{key}, $alice, 'with its key and value as they were');
    is($letter->{headers}{'__connect.errors.topic'}, $topic, 'where it came from');
    like($letter->{headers}{'__connect.errors.partition'}, qr/^\d+$/, 'its partition');
    like($letter->{headers}{'__connect.errors.offset'},    qr/^\d+$/, 'its offset');
    ok($letter->{headers}{'__connect.errors.exception.message'}, 'and why');
    # They are in Kafka before the database has them.
    my $health = poll_until(
        sub { my ($now) = $stack->rows('SELECT * FROM wallet_health()'); $now->{history_dead_letters} >= $expected ? $now : 0 },
        what => 'wallet_health() to count them');
    is($health->{history_dead_letters}, $expected, 'wallet_health() counts them');
    is($health->{status}, 'history_dead_letters', 'and says so');
    is($stack->sql('SELECT count(*) FROM wallet_history_conflicts'), 0, 'none is a conflict');
    is($stack->sql('SELECT count(*) FROM wallet_history_gaps'),      0, 'and none is a gap');
};

subtest 'a second copy' => sub {
    my $before = $stack->sql('SELECT count(*) FROM transaction_events');
    $stack->produce(key => $alice, value => $template{value}) for 1 .. 3;
    history_goes_on('a copy');
    is($stack->sql('SELECT count(*) FROM transaction_events'), $before + 2, 'is skipped');
    poll_until(sub { ($stack->history->metric('wallet_history_duplicates_total') // 0) >= 3 }, what => 'the metric');
    is($stack->sql('SELECT count(*) FROM wallet_history_conflicts'), 0, 'and is no conflict');
};

subtest 'a copy as 1.0 wrote it' => sub {
    (my $former = $template{value}) =~ s/,"seal":null\}\z/}/;
    isnt($former, $template{value}, 'without the field that came later');
    my $before = $stack->history->metric('wallet_history_duplicates_total');
    $stack->produce(key => $alice, value => $former);
    history_goes_on('an older copy');
    poll_until(sub { $stack->history->metric('wallet_history_duplicates_total') >= $before + 1 }, what => 'the metric');
    is($stack->history->metric('wallet_history_duplicates_total'), $before + 1, 'is skipped as a copy');
    is($stack->sql('SELECT count(*) FROM wallet_history_conflicts'), 0, 'and is no conflict');
};

subtest 'other content under a known id' => sub {
    my $forged = json_with($template{value}, amount => '"999.0000"');
    $stack->produce(key => $alice, value => $forged);
    history_goes_on('a conflict');
    my @conflicts = $stack->rows('SELECT * FROM wallet_history_conflicts');
    is(scalar @conflicts,           1,      'is recorded');
    is($conflicts[0]{wallet_id},    $alice, 'with its wallet');
    is($conflicts[0]{version},      1,      'and version');
    like($conflicts[0]{received},   qr/999\.0000/, 'with what was received');
    like($conflicts[0]{stored},     qr/100\.0000/, 'and what is stored');
    is($stack->sql('SELECT amount FROM transaction_events WHERE wallet_id = ? AND version = 1', $alice),
        '100.0000', 'which stays');
    is(($stack->rows(q(SELECT * FROM wallet_check() WHERE check_name LIKE '%conflict%')))[0]{wallet_id},
        $alice, 'wallet_check() says so');
};

subtest 'a gap, and what fills it' => sub {
    my $carol = '00000000-0000-4000-8000-00000000ca01';
    my @entries = map { event_json($carol, $_) } 0 .. 5;

    $stack->produce(key => $carol, value => $entries[$_]) for 0, 1, 5;
    poll_until(sub { $stack->sql('SELECT count(*) FROM transaction_events WHERE wallet_id = ?', $carol) == 3 },
        what => 'the events around the gap');
    my @gaps = $stack->rows('SELECT from_version, to_version FROM wallet_history_gaps WHERE wallet_id = ?', $carol);
    is_deeply(\@gaps, [ { from_version => 2, to_version => 4 } ], 'a gap is recorded');

    $stack->produce(key => $carol, value => $entries[3]);
    poll_until(sub { $stack->sql('SELECT count(*) FROM wallet_history_gaps WHERE wallet_id = ?', $carol) == 2 },
        what => 'two gaps');
    pass('an event inside splits it');
    $stack->produce(key => $carol, value => $entries[$_]) for 4, 2;
    poll_until(sub { $stack->sql('SELECT count(*) FROM wallet_history_gaps WHERE wallet_id = ?', $carol) == 0 },
        what => 'no gap');
    pass('the missing events fill it');
};

subtest 'events of another ledger' => sub {
    my $stranger = '00000000-0000-4000-8000-00000000abcd';
    my $letters = q(SELECT count(*) FROM wallet_history_dead_letters WHERE reason = 'foreign_source');
    my $health = 'SELECT history_dead_letters FROM wallet_health()';
    my $before = $stack->sql($health);

    is($stack->sql(q(SELECT string_agg(DISTINCT source, ' ') FROM wallet_history_offsets WHERE topic = ?), $topic), $stack->source,
        'the positions say whose events they are');
    $stack->produce(key => $stranger, value => event_json($stranger, 0), headers => { ce_source => '/wallet/1/other' });
    $stack->produce(key => $stranger, value => event_json($stranger, 1), headers => { ce_type => 'none' });
    poll_until(sub { $stack->sql($letters) == 2 }, what => 'two dead letters');
    history_goes_on('foreign events');
    is($stack->sql('SELECT count(*) FROM transaction_events WHERE wallet_id = ?', $stranger), 0, 'none is stored');
    is($stack->sql($health), $before + 2, 'wallet_health() counts them');
    poll_until(sub { $stack->history->metric('wallet_history_foreign_records') == 2 }, what => 'the metric');
    is_deeply([ map { $_->{detail} } $stack->rows(q(SELECT detail FROM wallet_history_dead_letters
        WHERE reason = 'foreign_source' ORDER BY detail)) ],
        [ 'the history is not of the source /wallet/1/other', 'the record has no header ce_source' ], 'and why, the table says');
};

done_testing;
