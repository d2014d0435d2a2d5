# The messages of transits, byte for byte, in the frames of the decoder; and a bridge that can't publish them stops
# before them. The extension has no such tables yet: it is made to own those of the golden samples.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Files;
use Stack;
use Test::More;

my $golden = abs_path(dirname(__FILE__) . '/../../golden') . '/wallet-transit.v1';
my $stack  = Stack->start(history => 0);
my $server = $stack->postgres;

# The frames of a type that a slot has, as [ordinal, wallet, id, rest].
sub frames
{
    my ($slot, $type, $version) = @_;
    my $hex = join '', map { $_->{hex} } $server->rows(<<'SQL', $slot, $version);
SELECT encode(data, 'hex') AS hex FROM pg_logical_slot_peek_binary_changes(?, NULL, NULL, 'format', 'frame', 'protocol_version', ?)
SQL
    my ($bytes, @found) = (pack 'H*', $hex);

    while (length $bytes)
    {
        my ($length, $is) = unpack 'N a', $bytes;
        push @found, [ unpack 'N a36 a36 x8 a*', substr $bytes, 5, $length - 1 ] if $is eq $type;
        substr $bytes, 0, 4 + $length, '';
    }
    return @found;
}

# The slot is done with everything that was committed until now.
sub slot_empty
{
    my ($slot) = @_;
    $server->sql('SELECT count(*) FROM pg_logical_slot_get_binary_changes(?, NULL, NULL, ?, ?)', $slot, 'format', 'frame');
    return;
}

$server->sql('SELECT pg_create_logical_replication_slot(?, ?)', 'transits', 'wallet_decoder');
$server->psql_file("$golden.tables.sql");

subtest 'tables of others' => sub {
    $server->psql_file("$golden.sql");
    is_deeply([ frames('transits', 'T', 3) ], [], 'have no messages, whatever they are called');
    $server->sql('TRUNCATE wallet_transits, wallet_transits_received');
    slot_empty('transits');
};

$server->sql("ALTER EXTENSION wallet ADD TABLE $_") for qw(wallet_transits wallet_transits_received);

my ($alice, $bob) = $stack->create_wallets(2, fund => '10.00');
$stack->wait_bridge;
slot_empty('transits');
my $before = $server->sql('SELECT pg_current_wal_insert_lsn()');

$server->psql_file("$golden.sql");
my $send = '{"message":"send","transit_id":"01890000-0000-7000-8000-000000000001"';

subtest 'the frames' => sub {
    my @frames = frames('transits', 'T', 3);

    is(join('', map { "$_->[3]\n" } @frames), slurp("$golden.jsonl"), 'hold the golden messages, byte for byte');
    is_deeply([ map { $_->[1] } @frames ], [ map { /"message":"answer"/ ? /"from_wallet_id":"([^"]+)/ : /"to_wallet_id":"([^"]+)/ } map { $_->[3] } @frames ],
        'and name the wallet that each goes to');
    is_deeply([ map { $_->[2] } @frames ], [ map { $_->[3] =~ /"transit_id":"([^"]+)/ } @frames ], 'and the transit');
    is(scalar frames('transits', 'T', $_), 5, "version $_ has them too, for its reader to stop at") for 1, 2;
    is($server->sql('SELECT count(*) FROM pg_logical_slot_peek_changes(?, NULL, NULL)', 'transits'), 0, 'format=json has events only');
    slot_empty('transits');
};

subtest 'in a transaction with events' => sub {
    my $session = $stack->connect;

    $session->begin_work;
    $session->do('SELECT wallet_transfer(?, ?, 1)', {}, $alice, $bob);
    $session->do("INSERT INTO wallet_transits VALUES (gen_random_uuid(), '$alice', '$bob', 1, 'USD', NULL, 'sent', NULL, NULL, NULL, now(), now())");
    $session->commit;
    $session->disconnect;
    is_deeply([ map { $_->[0] } frames('transits', 'E', 3) ], [ 0, 1 ], 'events and');
    is_deeply([ map { $_->[0] } frames('transits', 'T', 3) ], [2], 'transits have one sequence of ordinals');
    slot_empty('transits');
    $server->sql("INSERT INTO wallet_transits (transit_id, state, created_at) VALUES ('01890000-0000-7000-8000-000000000009', 'sent', now())");
    is((frames('transits', 'X', 3))[0][3], 'from_wallet_id of a transit is NULL', 'a row that has no form is an error frame');
};

subtest 'the bridge' => sub {
    is($stack->bridge->wait_exit, 78, 'stops with 78');
    like($stack->bridge->log_text, qr/transit 01890000-0000-7000-8000-000000000001 cannot be published/, 'and names the transit');
    ok($server->sql('SELECT confirmed_flush_lsn <= ?::pg_lsn FROM pg_replication_slots WHERE slot_name = ?', $before, $stack->slot),
        'nothing is confirmed from there on');
    is(scalar grep({ $_->{value} =~ /\Q$send\E/ } $stack->records), 0, 'no message is among the events');
    is(scalar frames($stack->slot, 'T', 3), 6, 'and the slot keeps all of them');
};

done_testing;
