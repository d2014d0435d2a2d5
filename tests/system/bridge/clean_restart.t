# Clean restarts publish nothing twice, in either order; a slot made anew is noticed.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Stack;
use Test::More;

my $stack   = Stack->start;
my @wallets = $stack->create_wallets(5, fund => '100.00');
my $load    = $stack->load(wallets => \@wallets, clients => 4, operations => 20)->wait;

$stack->wait_history;

subtest 'the bridge' => sub {
    is($stack->bridge->stop, 0, 'ends with 0');
    is($stack->sql('SELECT count(*) FROM wallet_ledger') > 0, 1, 'after a load');
    my $confirmed = $stack->confirmed_lsn;
    ok($stack->sql('SELECT ?::pg_lsn <= pg_current_wal_insert_lsn()', $confirmed), 'with its position confirmed');
    $stack->bridge->start;
    $stack->sql('SELECT wallet_fund(?, 1)', $wallets[0]);
    $stack->wait_history;
    $stack->verify;
};

subtest 'PostgreSQL, then the bridge' => sub {
    $stack->postgres->restart;
    $stack->sql('SELECT wallet_fund(?, 1)', $wallets[0]);
    $stack->wait_history;
    is($stack->bridge->restart, 0, 'ends with 0');
    $stack->sql('SELECT wallet_fund(?, 1)', $wallets[0]);
    $stack->wait_history;
    $stack->verify;
};

subtest 'the bridge, then PostgreSQL, then the bridge' => sub {
    is($stack->bridge->stop, 0, 'ends with 0');
    $stack->postgres->restart;
    $stack->bridge->start;
    $stack->sql('SELECT wallet_fund(?, 1)', $wallets[0]);
    $stack->wait_history;
    $stack->verify;
};

subtest 'under load' => sub {
    my $during = $stack->load(wallets => \@wallets, clients => 4, pause => 0.005);
    for my $round (1 .. 3)
    {
        $during->wait_progress(100);
        is($stack->bridge->restart, 0, "clean restart under load, $round");
    }
    $during->wait_progress(50);
    $during->stop;
    $stack->wait_history;
    $stack->verify(acknowledged => $during);
};

subtest 'the history' => sub {
    is($stack->history->stop, 0, 'ends with 0');
    $stack->sql('SELECT wallet_fund(?, 1)', $wallets[0]);
    $stack->history->start;
    $stack->wait_history;
    $stack->verify;
    is($stack->history->metric('wallet_history_duplicates_total') // 0, 0, 'nothing was read twice');
};

subtest 'a slot dropped and made anew' => sub {
    is($stack->bridge->stop, 0, 'ends with 0');
    $stack->sql('SELECT pg_drop_replication_slot(?)', $stack->slot);
    $stack->sql('SELECT wallet_fund(?, 1)', $wallets[0]);
    $stack->sql('SELECT pg_create_logical_replication_slot(?, ?)', $stack->slot, 'wallet_decoder');
    $stack->bridge->start(ready => 0);
    is($stack->bridge->wait_exit, 78, 'the bridge refuses to go on over the hole');
    like($stack->bridge->log_text, qr/slot/, 'and says why');
};
done_testing;
