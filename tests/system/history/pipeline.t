# From the SQL call through Kafka to the history: every entry once, in order, with its headers.
use strict;
use warnings;

use Cwd qw(abs_path);
use Encode qw(decode);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Stack;
use Test::More;

my $stack   = Stack->start;
my @wallets = $stack->create_wallets(10, fund => '1000.00');

subtest '200 transfers of 8 clients at once' => sub {
    my $load = $stack->load(wallets => \@wallets, clients => 8, operations => 25);
    $load->wait;
    is(scalar(keys %{ $load->acknowledged }), 200, 'all were acknowledged');
    is($stack->sql(q(SELECT count(*) FROM wallet_ledger WHERE kind = 'TRANSFER')), 200, 'and are in the ledger');
    $stack->wait_history;
    is($stack->sql('SELECT sum(balance) FROM wallets'), '10000.0000', 'no money came or went');
    $stack->verify(acknowledged => $load);
};

subtest 'a record' => sub {
    my ($alice, $bob) = @wallets;
    my $id = $stack->sql(
        q(SELECT wallet_transfer(?, ?, 12.5, 'record-key', metadata => '{"note": "Z\u00fcrich \"1\""}')), $alice, $bob);
    $stack->wait_history;

    my @records = grep { $_->{event}{transaction_id} eq $id } $stack->records;
    is(scalar @records, 2, 'a transfer is two events');
    my ($out) = grep { $_->{event}{event_type} eq 'TRANSFER_OUT' } @records;
    my ($in)  = grep { $_->{event}{event_type} eq 'TRANSFER_IN' } @records;
    is($out->{key},                            $alice,    'the key is the wallet');
    is($out->{event}{counterparty_wallet_id},  $bob,      'the event names the other side');
    is($out->{event}{amount},                  '12.5000', 'amounts are decimal strings');
    is($out->{event}{metadata}{note},          "Z\x{fc}rich \"1\"", 'metadata came through');
    is($in->{event}{counterparty_wallet_id},   $alice,    'both ways');

    my %headers  = %{ $out->{headers} };
    my $database = $stack->sql(q(SELECT system_identifier || '/' || current_database() FROM pg_control_system()));
    is($headers{'content-type'}, 'application/json',        'content-type');
    is($headers{ce_specversion}, '1.0',                     'ce_specversion');
    is($headers{ce_type},        'wallet.entry.v1',         'ce_type');
    is($headers{ce_id},          $out->{event}{event_id},   'ce_id');
    is($headers{ce_subject},     $alice,                    'ce_subject');
    is($headers{ce_source},      "/wallet/$database",       'ce_source');
    is($headers{ce_time},        $out->{event}{created_at}, 'ce_time');
    like($headers{ce_sequence}, qr/^[0-9A-F]{16}-00000000$/, 'ce_sequence of the first event');
    is($in->{headers}{ce_sequence}, $headers{ce_sequence} =~ s/0$/1/r, 'and of the second');
    is($headers{ce_txcount}, 2, 'ce_txcount: the commit has both');
    is($in->{headers}{ce_txcount}, 2, 'on each of them');
    ok(!exists $headers{replay}, 'a live event is no replay');

    my ($stored) = $stack->rows('SELECT * FROM transaction_events WHERE wallet_id = ? AND transaction_id = ?', $alice, $id);
    is($stored->{id},         $out->{event}{event_id}, 'the history keeps the id');
    is($stored->{event_type}, 'TRANSFER_OUT',          'the type');
    is($stored->{amount},     '12.5000',               'the amount');
    my $json = decode('UTF-8', $out->{value});
    ok($stack->sql('SELECT event_data = ?::jsonb FROM transaction_events WHERE id = ?', $json, $stored->{id}),
        'and the record as it was');
};

subtest 'the queries of the original system' => sub {
    my $wallet = $wallets[0];
    my @events = $stack->rows(
        "SELECT * FROM transaction_events WHERE wallet_id = '$wallet' ORDER BY created_at DESC");
    is(scalar @events, $stack->sql('SELECT version + 1 FROM wallets WHERE id = ?', $wallet), 'the history, newest first');
    my @wrong = $stack->rows(<<'SQL');
SELECT w.id, w.balance, t.sum FROM wallets w JOIN (
    SELECT wallet_id, sum(CASE WHEN type IN ('FUND', 'TRANSFER_IN') THEN amount
                               WHEN type = 'TRANSFER_OUT' THEN -amount ELSE 0 END)
    FROM wallet_transactions GROUP BY wallet_id) t ON t.wallet_id = w.id
WHERE w.balance <> t.sum
SQL
    is_deeply(\@wrong, [], 'the balances are the sums of their transactions');
};

subtest 'health' => sub {
    my $health = ($stack->rows('SELECT * FROM wallet_health()'))[0];
    is($health->{status},    'ok',         'wallet_health() is ok');
    is($health->{slot_name}, $stack->slot, 'and names the slot');
    for my $daemon ($stack->bridge, $stack->history)
    {
        is(($daemon->get($_))[0], 200, "$daemon->{name} $_") for qw(/health /live /metrics);
        is(($daemon->get('/nothing'))[0], 404, "$daemon->{name} knows no other path");
    }
};

$stack->quiet_ok;
subtest 'a commit tells how many events it has' => sub {
    my ($many) = $stack->create_wallets(1);
    for my $number (3, 1024, 1100)
    {
        $stack->sql('SELECT count(wallet_fund(?, 1)) FROM generate_series(1, ?)', $many, $number);
        $stack->wait_bridge;
        my @newest = grep { $_->{key} eq $many } $stack->records;
        my %counts = map { ($_->{headers}{ce_txcount} // 'none') => 1 } @newest[ -$number .. -1 ];
        is(join(' ', keys %counts), $number > 1024 ? 'none' : $number, "$number events");
    }
};

# Nothing else stands in the way: the look at the lag has a session of its own.
subtest 'events are applied while a look at the lag waits' => sub {
    my $blocker = $stack->connect;
    $blocker->begin_work;
    $blocker->do('LOCK TABLE wallet_history_dead_letters IN ACCESS EXCLUSIVE MODE');
    poll_until(
        sub {
            $stack->sql(q(SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'wallet_history-%'
                AND wait_event_type = 'Lock'));
        },
        what => 'the look that waits');
    $stack->sql('SELECT wallet_transfer(?, ?, 1)', @wallets[ $_, $_ + 1 ]) for 0 .. 8;
    ok(eval { $stack->wait_history(deadline => 30); 1 }, 'all are applied') or diag $@;
    $blocker->rollback;
};
done_testing;
