# What was rolled back leaves no event; what was prepared leaves its events at COMMIT PREPARED.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Stack;
use Test::More;

my $stack = Stack->start;
my ($alice, $bob) = $stack->create_wallets(2, fund => '100.00');

sub events_of
{
    my ($alice_or_bob) = @_;
    return map { "$_->{event_type} $_->{amount}" } $stack->rows(
        'SELECT event_type, amount FROM transaction_events WHERE wallet_id = ? ORDER BY version', $alice_or_bob);
}

my $session = $stack->connect;

$session->begin_work;
$session->do('SELECT wallet_transfer(?, ?, 1)', undef, $alice, $bob);
$session->rollback;

$session->begin_work;
$session->do('SELECT wallet_transfer(?, ?, 2, ?)', undef, $alice, $bob, 'rolled-back');
$session->do('SAVEPOINT here');
$session->do('SELECT wallet_transfer(?, ?, 3, ?)', undef, $alice, $bob, 'in-savepoint');
$session->do('ROLLBACK TO SAVEPOINT here');
$session->do('SELECT wallet_transfer(?, ?, 4, ?)', undef, $alice, $bob, 'in-savepoint');
$session->commit;

$stack->wait_history;
is_deeply([ events_of($alice) ],
    [ 'CREATED 0.0000', 'FUND 100.0000', 'TRANSFER_OUT 2.0000', 'TRANSFER_OUT 4.0000' ],
    'a rolled-back transaction and savepoint have no event');

subtest 'a prepared transaction' => sub {
    $session->do('BEGIN');
    $session->do('SELECT wallet_transfer(?, ?, 5)', undef, $alice, $bob);
    $session->do(q(PREPARE TRANSACTION 'later'));
    # Something later, on another wallet, shows that the bridge is past the PREPARE.
    my ($carol) = $stack->create_wallets(1, fund => '1.00');
    $stack->wait_history;
    is(scalar(grep { /5\.0000/ } events_of($alice)), 0, 'has no event while it is prepared');
    $session->do(q(COMMIT PREPARED 'later'));
    $stack->wait_history;
    is((events_of($alice))[-1], 'TRANSFER_OUT 5.0000', 'has its events once it is committed');

    $session->do('BEGIN');
    $session->do('SELECT wallet_transfer(?, ?, 6)', undef, $alice, $bob);
    $session->do(q(PREPARE TRANSACTION 'never'));
    $session->do(q(ROLLBACK PREPARED 'never'));
    $session->do('SELECT wallet_transfer(?, ?, 7)', undef, $alice, $bob);
    $stack->wait_history;
    is_deeply([ (events_of($bob))[ -2, -1 ] ],
        [ 'TRANSFER_IN 5.0000', 'TRANSFER_IN 7.0000' ], 'and none when it is rolled back');
};

subtest 'one large transaction' => sub {
    $session->do('SELECT count(wallet_transfer(?, ?, 0.01)) FROM generate_series(1, 3000)', undef, $alice, $bob);
    $stack->wait_history;
    is($stack->sql('SELECT count(*) FROM transaction_events WHERE amount = 0.01'), 6000, 'comes whole');
};

$stack->verify;
$stack->quiet_ok;
done_testing;
