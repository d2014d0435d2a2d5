# What the operations count: calls, replays, items, conflicts and waits by function, and the wallets that are waited for.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use DBD::Pg qw(:async);
use Postgres;
use Test::More;
use Wait;

my $server = Postgres->new;
my ($alice, $bob, $carol) = map { "${_}0000000-0000-0000-0000-000000000001" } qw(a b c);

sub set_up
{
    my ($postgres) = @_;
    $postgres->sql('CREATE EXTENSION wallet');
    $postgres->sql('SELECT wallet_create(?, ?, ?)', 'user', 'USD', $_) for $alice, $bob, $carol;
    $postgres->sql('SELECT wallet_fund(?, 1000)', $_) for $alice, $bob, $carol;
    return;
}

# The row of a function; all its numbers 0 where it has none.
sub stat_of
{
    my ($function) = @_;
    my ($row) = $server->rows('SELECT * FROM wallet_stat WHERE function = ?', $function);
    return $row // { map { $_ => 0 } qw(calls replayed items largest conflicts waits waited_ms key_waits key_waited_ms) };
}

sub waits_at_lock
{
    my ($session) = @_;
    poll_until(
        sub {
            $server->sql(q{SELECT count(*) FROM pg_stat_activity WHERE pid = ? AND wait_event_type = 'Lock'}, $session->{pg_pid});
        },
        what => 'the wait');
    return;
}

set_up($server);
is(stat_of('wallet_fund')->{calls},   3, 'calls');
is(stat_of('wallet_create')->{calls}, 3, 'of each function');
is($server->sql('SELECT count(*) FROM wallet_stat'), 2, 'and none of the others');

$server->sql(q{SELECT wallet_transfer(?, ?, 1, 'once')}, $alice, $bob) for 1 .. 3;
is_deeply([ @{ stat_of('wallet_transfer') }{qw(calls replayed)} ], [ 3, 2 ], 'replays');
$server->error_of('SELECT wallet_transfer(?, ?, 1000000)', $alice, $bob);
is(stat_of('wallet_transfer')->{calls}, 4, 'a call that is refused is one');

for my $items (3, 7, 5)
{
    my ($payers, $payees, $amounts) = map { '{' . join(',', ($_) x $items) . '}' } $alice, $bob, 1;
    $server->sql('SELECT * FROM wallet_transfer_batch(?, ?, ?)', $payers, $payees, $amounts);
}
is_deeply([ @{ stat_of('wallet_transfer_batch') }{qw(calls items largest)} ], [ 3, 15, 7 ], 'items of batches');
$server->sql("SELECT wallet_post(ARRAY[(?, ?, 1), (?, ?, 1)]::wallet_leg[])", $alice, $bob, $bob, $carol);
is_deeply([ @{ stat_of('wallet_post') }{qw(calls items largest)} ], [ 1, 2, 2 ], 'legs of a post');
$server->sql('SELECT wallet_transfer_grouped(?, ?, 1)', $alice, $bob);
is(stat_of('wallet_transfer_grouped')->{calls}, 1, 'grouped transfers');

# Two that wait for alice, one that waits for a key.
my ($holder, $first, $second, $third) = map { $server->connect } 1 .. 4;
my $before = stat_of('wallet_transfer');
$holder->begin_work;
$holder->do("SELECT wallet_withdraw('$alice', 1)");
$holder->do("SELECT wallet_fund('$carol', 1, 'key')");
$first->do("SELECT wallet_transfer('$alice', '$bob', 1)", { pg_async => PG_ASYNC });
waits_at_lock($first);
$second->do("SELECT wallet_transfer('$bob', '$alice', 1)", { pg_async => PG_ASYNC });
waits_at_lock($second);
$third->do("SELECT wallet_fund('$bob', 1, 'key')", { pg_async => PG_ASYNC });
waits_at_lock($third);
is($server->sql('SELECT count(*) FROM wallet_stat_wallets'), 0, 'a wallet is listed when the wait is over');
$holder->rollback;
$_->pg_result for $first, $second, $third;
my $after = stat_of('wallet_transfer');
is($after->{waits} - $before->{waits}, 2, 'waits for a wallet');
cmp_ok($after->{conflicts} - $before->{conflicts}, '>=', 2, 'and the conflicts that led to them');
cmp_ok($after->{waited_ms}, '>', $before->{waited_ms}, 'the time of them');
my $fund = stat_of('wallet_fund');
is($fund->{key_waits}, 1, 'a wait for a key');
cmp_ok($fund->{key_waited_ms}, '>', 0, 'and its time');
is_deeply([ map { $_->{wallet_id} } $server->rows('SELECT * FROM wallet_stat_wallets ORDER BY waits DESC LIMIT 1') ],
    [$alice], 'the wallet that was waited for');
$holder->begin_work;
$holder->do("SELECT wallet_withdraw('$alice', 1)");
$first->do("SELECT wallet_transfer_grouped('$alice', '$bob', 1)", { pg_async => PG_ASYNC });
waits_at_lock($first);
$holder->rollback;
$first->pg_result;
is(stat_of('wallet_transfer_grouped')->{waits}, 1, 'a grouped transfer waits too');

# Another database has its own.
$server->sql_in('postgres', 'CREATE DATABASE other');
$server->sql_in('other', 'CREATE EXTENSION wallet');
is($server->sql_in('other', 'SELECT count(*) FROM wallet_stat'), 0, 'nothing of it in another database');
$server->sql_in('other', 'SELECT wallet_create(?)', 'x');
is($server->sql_in('other', 'SELECT sum(calls) FROM wallet_stat'), 1, 'which has its own');
$server->sql_in('other', 'SELECT wallet_stat_reset()');
is($server->sql_in('other', 'SELECT count(*) FROM wallet_stat'), 0, 'until it is reset');
is(stat_of('wallet_create')->{calls}, 3, 'by itself');
is($server->sql('SELECT count(*) FROM wallet_stat_wallets'), 1, 'its wallets too');
$server->sql('SELECT wallet_stat_reset()');
is($server->sql('SELECT (SELECT count(*) FROM wallet_stat) + (SELECT count(*) FROM wallet_stat_wallets)'), 0, 'all are reset');
is($server->sql('SELECT count(*) FROM wallet_check()'), 0, 'consistent');
$_->disconnect for $holder, $first, $second, $third;
$server->stop;

my $without = Postgres->new(conf => { shared_preload_libraries => '' });
set_up($without);
is($without->sql('SELECT (SELECT count(*) FROM wallet_stat) + (SELECT count(*) FROM wallet_stat_wallets)'), 0, 'nothing without preloading');
is($without->sql('SELECT wallet_stat_reset()'), '', 'nor anything to reset');
$without->stop;
done_testing;
