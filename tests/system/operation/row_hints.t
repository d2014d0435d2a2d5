# What sessions remember of where wallets are: it is used, and never believed.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Postgres;
use Test::More;

# Two wallets may share a place, by their random ids: few wallets, and places enough that it does not happen.
my $WALLETS = 10;
my $PLACES  = 4 * 1024 * 1024;

# Look-ups of wallets by their index so far. A session reports them when it ends.
sub lookups
{
    my ($server) = @_;
    return $server->sql(q{SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'wallets_pkey'});
}

# Moves money in a circle, in one session; returns how many look-ups of wallets that took.
sub move_around
{
    my ($server, $begin) = @_;
    my $before  = lookups($server);
    my $session = $server->connect;

    $session->do($begin);
    $session->do('SELECT wallet_transfer(id, next, 1) FROM circle') for 1 .. 2;
    $session->do('SELECT pg_stat_force_next_flush()');
    $session->disconnect;
    return lookups($server) - $before;
}

sub new_server
{
    my (%conf) = @_;
    my $server = Postgres->new(conf => \%conf);

    $server->sql('CREATE EXTENSION wallet');
    $server->sql(q{CREATE TABLE circle AS
        SELECT id, coalesce(lead(id) OVER (ORDER BY id), first_value(id) OVER (ORDER BY id)) AS next
        FROM (SELECT wallet_create('user-' || n) AS id FROM generate_series(1, ?) AS n) AS wallet}, $WALLETS);
    $server->sql('SELECT wallet_fund(id, 1000) FROM circle');
    $server->sql('SELECT pg_stat_force_next_flush()');
    return $server;
}

sub is_consistent
{
    my ($server, $transfers, $after) = @_;
    is($server->sql('SELECT count(*) FROM wallet_check()'), 0, "consistent $after");
    is($server->sql(q{SELECT count(*) FROM wallets WHERE balance = 1000 AND version = ?}, 1 + 2 * $transfers),
        $WALLETS, "each wallet has all entries $after");
    return;
}

my $hinted = new_server('wallet.row_hints' => $PLACES);
move_around($hinted, 'SELECT 1');
is(move_around($hinted, 'SELECT 1'), 0, 'a wallet that was found before is not looked up again, by any session');
is_consistent($hinted, 4, 'by hints');

my $serializable = 'SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE';
cmp_ok(move_around($hinted, $serializable), '>=', 4 * $WALLETS, 'SERIALIZABLE looks up, as its locks need it');
is_consistent($hinted, 6, 'without');

$hinted->sql('VACUUM FULL wallets');
cmp_ok(move_around($hinted, 'SELECT 1'), '>=', $WALLETS, 'a rewritten table shares no hint');
is(move_around($hinted, 'SELECT 1'), 0, 'until its wallets were found again');
is_consistent($hinted, 10, 'after the table was rewritten');

# Wallets at the end of the table that nobody committed: hints outlive their pages.
my @lost = map { sprintf 'ffffffff-0000-7000-8000-%012d', $_ } 1 .. 300;
my $session = $hinted->connect;
$session->begin_work;
$session->do(q{SELECT wallet_create('lost', 'USD', ?)}, undef, $_) for @lost;
$session->do(q{SELECT wallet_fund(?, 1)}, undef, $_) for @lost;
$session->rollback;
$hinted->sql('VACUUM wallets');
is($hinted->error_of(q{SELECT wallet_fund(?, 1)}, $lost[-1]), 'WL001', 'a hint beyond the end of the table');
is($hinted->error_of(q{SELECT wallet_fund(?, 1)}, $lost[0]), 'WL001', 'a hint to a row that was rolled back');
$hinted->sql(q{SELECT wallet_fund(wallet_create('found', 'USD', ?), 1)}, $lost[-1]);
is($hinted->sql('SELECT count(*) FROM wallet_check()'), 0, 'a wallet made again elsewhere is found');

$hinted->sql('DROP EXTENSION wallet; DROP TABLE circle; CREATE EXTENSION wallet');
$hinted->sql(q{SELECT wallet_fund(wallet_create('anew', 'USD', ?), 1)}, $lost[0]);
is($hinted->sql('SELECT count(*) FROM wallet_check()'), 0, 'hints of a dropped table lead nowhere');
is($hinted->sql(q{SELECT context FROM pg_settings WHERE name = 'wallet.row_hints'}),
    'postmaster', 'their number changes with a restart only');
$hinted->stop;

# The least that there is are the eight slots of one group.
$WALLETS = 100;
my $crowded = new_server('wallet.row_hints' => 2);
cmp_ok(move_around($crowded, 'SELECT 1'), '>', 1.5 * $WALLETS, 'the fewest hints are too few for a hundred wallets');
is_consistent($crowded, 2, 'with hints that others take away');
$crowded->stop;

my $off = new_server('wallet.row_hints' => 0);
is(move_around($off, 'SELECT 1'), 4 * $WALLETS, 'none are kept where none are wanted');
is_consistent($off, 2, 'without hints');
$off->stop;

my $not_preloaded = new_server(shared_preload_libraries => '');
is(move_around($not_preloaded, 'SELECT 1'), 4 * $WALLETS, 'none are kept where the library is not preloaded');
is_consistent($not_preloaded, 2, 'without preloading');
done_testing;
