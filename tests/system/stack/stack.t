# The way of the money, once around: SQL, WAL, bridge, Kafka, history; and a clean stop of everything.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Stack;
use Test::More;

my $stack = Stack->start;

for my $program ($stack->bridge, $stack->history)
{
    is(($program->get('/health'))[0], 200, "$program->{name} is ready");
    is(($program->get('/live'))[0],   200, "$program->{name} is alive");
    like(($program->get('/metrics'))[1], qr/^# TYPE $program->{name}_\w+ /m, "$program->{name} has metrics");
    is(($program->get('/no-such-page'))[0], 404, "$program->{name} knows what it does not have");
}

my ($alice, $bob) = $stack->create_wallets(2, fund => '100.00');
my $transfer = $stack->sql('SELECT wallet_transfer(?, ?, 25.50, ?)', $alice, $bob, 'key-1');
is($stack->sql('SELECT wallet_transfer(?, ?, 25.5, ?)', $alice, $bob, 'key-1'),
    $transfer, 'the same request again is the same operation');
is($stack->error_of('SELECT wallet_transfer(?, ?, 100)', $alice, $bob), 'WL002', 'not more than there is');

$stack->wait_bridge;
$stack->wait_history;
is_deeply(
    [   map { "$_->{user_id} $_->{version} $_->{event_type} $_->{amount}" }
            $stack->rows('SELECT * FROM transaction_events ORDER BY user_id, version')
    ],
    [   'user1 0 CREATED 0.0000',
        'user1 1 FUND 100.0000',
        'user1 2 TRANSFER_OUT 25.5000',
        'user2 0 CREATED 0.0000',
        'user2 1 FUND 100.0000',
        'user2 2 TRANSFER_IN 25.5000'
    ],
    'the history tells it');
$stack->verify;

# A load as the tests of crashes use it, here without any.
my $load = $stack->load(wallets => [ $alice, $bob, $stack->create_wallets(3, fund => 50) ], operations => 10);
$load->wait;
$stack->wait_history;
$stack->verify(acknowledged => $load, name => 'the same after 40 transfers by 4 clients');

is($stack->history->stop, 0, 'wallet_history stops when asked to');
is($stack->bridge->stop,  0, 'wallet_bridge stops when asked to');
$stack->quiet_ok;
done_testing;
