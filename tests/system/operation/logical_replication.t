# PostgreSQL's own logical replication carries a ledger to another server, as a way to a newer version: its
# workers pass the guards, which hold for everybody else there, and the copy goes on paying.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Postgres;
use Test::More;
use Wait;

my $ALICE = 'a0000000-0000-0000-0000-000000000001';
my $BOB   = 'b0000000-0000-0000-0000-000000000001';

my ($former, $next) = map { Postgres->new } 1 .. 2;
$_->sql('CREATE EXTENSION wallet') for $former, $next;

sub ledger_of
{
    my ($server) = @_;
    return $server->sql(q{SELECT string_agg(t::text, E'\n' ORDER BY t::text) FROM (
        SELECT wallets::text AS t FROM wallets UNION ALL SELECT wallet_ledger::text FROM wallet_ledger
        UNION ALL SELECT wallet_holds::text FROM wallet_holds) AS t});
}

sub wait_for_copy
{
    my ($what) = @_;
    ok(poll_until(sub { (ledger_of($next) // '') eq ledger_of($former) }, what => $what), $what);
    return;
}

$former->sql(q{SELECT wallet_fund(wallet_create(?, 'USD', ?), 100)}, $_->[0], $_->[1]) for [ 'alice', $ALICE ], [ 'bob', $BOB ];
$former->sql('CREATE PUBLICATION ledger FOR ALL TABLES');
$next->sql(sprintf q{CREATE SUBSCRIPTION ledger CONNECTION '%s' PUBLICATION ledger}, $former->uri);
wait_for_copy('what was there is copied');

# Inserts, and updates of rows that were copied and of rows that were inserted.
my $hold = $former->sql('SELECT wallet_hold(?, 10)', $ALICE);
$former->sql('SELECT wallet_transfer(?, ?, 30)', $ALICE, $BOB) for 1 .. 2;
$former->sql('SELECT wallet_capture(?, ?, 4)', $hold, $BOB);
wait_for_copy('what happens is copied');
is($next->sql('SELECT count(*) FROM wallet_check()'), 0, 'the copy is consistent');

is($next->error_of('UPDATE wallets SET balance = 1000000'), 'WL090', 'nobody else changes it');
$next->sql('CREATE TABLE parent (LIKE wallets)');
is($next->error_of('ALTER TABLE wallets INHERIT parent'), '0A000', 'nor by way of a parent, which it cannot have');

$next->sql('DROP SUBSCRIPTION ledger');
$next->sql('SELECT wallet_transfer(?, ?, 1)', $BOB, $ALICE);
is($next->sql('SELECT count(*) FROM wallet_check()'), 0, 'the copy goes on by itself');
done_testing;
