# Under load: pg_repack, which copies a table and follows it by a trigger, what else gives a table or an index
# another file, and what changes the way that rows are written. Nothing is lost, and no key is payable twice.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use POSIX ();

use Load;
use Postgres;
use Test::More;
use Wait;

my $server = Postgres->new;
$server->sql('CREATE EXTENSION wallet');
$server->sql('CREATE EXTENSION pg_repack');
# The clients have no right on a table.
$server->sql($_) for 'CREATE ROLE wallet_user LOGIN', 'GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO wallet_user';

my @wallets = map { $server->sql('SELECT wallet_create(?)', "user-$_") } 1 .. 20;
$server->sql('SELECT wallet_fund(id, 100000) FROM wallets');

sub repack
{
    my (@arguments) = @_;
    return $server->run('pg_repack', '-h', '127.0.0.1', '-p', $server->port, '-U', 'postgres', '-d', 'wallet_db',
        '--no-kill-backend', '--wait-timeout=60', @arguments);
}

# What a client was told is in the ledger, and each of its keys leads to what it was told.
sub nothing_is_lost
{
    my ($what, $acknowledged) = @_;
    my @keys = sort keys %$acknowledged;
    my $found = $server->sql(
        'SELECT count(*) FROM unnest(?::text[], ?::uuid[]) AS told (key, id)
         JOIN wallet_ledger AS entry ON entry.idempotency_key = told.key AND entry.transaction_id = told.id',
        \@keys, [ @$acknowledged{@keys} ]);

    is($found, scalar @keys, "$what: every acknowledged call is in the ledger (" . @keys . ')');
    is($server->sql('SELECT count(*) FROM wallet_check()'), 0, "$what: consistent");
    return;
}

for my $what ([ wallet_ledger => '-t', 'wallet_ledger' ], [ wallets => '-t', 'wallets' ],
    [ wallet_holds => '-t', 'wallet_holds' ], ['the whole database'])
{
    my ($name, @arguments) = @$what;
    my $file = $server->sql('SELECT pg_relation_filenode(?)', $arguments[1] // 'wallet_ledger');
    my $load = Load->start(server => $server, wallets => \@wallets, clients => 3, mixed => 1);

    $load->wait_progress(50);
    is(repack(@arguments), 0, "$name: repacked under load");
    $load->wait_progress(50);
    $load->stop;
    is_deeply([ $load->errors ], [], "$name: no client met an error");
    isnt($server->sql('SELECT pg_relation_filenode(?)', $arguments[1] // 'wallet_ledger'), $file, "$name: in a new file");
    nothing_is_lost($name, $load->acknowledged);
}

# What an administrator does to the tables while money moves; some of it makes rows go the other way from then on.
my $load = Load->start(server => $server, wallets => \@wallets, clients => 3, mixed => 1);
my $nothing = 'FOR EACH ROW EXECUTE FUNCTION nothing()';
$server->sql('CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$');
$server->sql('CREATE EXTENSION amcheck');
my $administrator = $server->connect;
for my $statement ('VACUUM FULL wallets', 'CLUSTER wallet_ledger USING wallet_ledger_pkey', "CREATE TRIGGER nothing AFTER INSERT ON wallet_ledger $nothing",
    'REINDEX INDEX CONCURRENTLY wallet_ledger_key_idx', 'ALTER TABLE wallets ADD note text', 'REINDEX TABLE CONCURRENTLY wallets', 'VACUUM FULL wallets',
    'CREATE UNIQUE INDEX CONCURRENTLY keys ON wallet_ledger (idempotency_key)', 'DROP TRIGGER nothing ON wallet_ledger', 'DROP INDEX CONCURRENTLY wallet_ledger_key_idx',
    "CREATE TRIGGER nothing AFTER UPDATE ON wallet_holds $nothing", 'CLUSTER wallet_holds USING wallet_holds_pkey', 'ALTER TABLE wallets DROP note',
    'REINDEX TABLE CONCURRENTLY wallet_ledger', 'DROP TRIGGER nothing ON wallet_holds', 'REINDEX TABLE wallets')
{
    $administrator->do($statement);
    $load->wait_progress(10);
}
$load->stop;
is_deeply([ $load->errors ], [], 'maintenance: no client met an error');
nothing_is_lost('maintenance', $load->acknowledged);
is_deeply(
    $server->connect->selectcol_arrayref(
        q{SELECT bt_index_check(i.indexrelid, true)::text FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
          WHERE i.indrelid IN ('wallets'::regclass, 'wallet_ledger'::regclass, 'wallet_holds'::regclass) AND i.indisvalid}),
    [ ('') x $server->sql(q{SELECT count(*) FROM pg_index WHERE indrelid IN ('wallets'::regclass, 'wallet_ledger'::regclass, 'wallet_holds'::regclass)}) ],
    'every index holds every row');

# The window that lost payments: repack waits for an older transaction before it swaps the files.
my $older = $server->connect;
$older->begin_work;
$older->do('SELECT pg_current_xact_id()');
my $pid = fork // die "fork: $!";
if ($pid == 0)
{
    POSIX::_exit(repack('-t', 'wallet_ledger') == 0 ? 0 : 1);
}
poll_until(
    sub { $server->sql(q{SELECT count(*) FROM pg_trigger WHERE tgname = 'repack_trigger'}) },
    what     => "pg_repack's trigger on the table",
    deadline => 60);
my $paid = $server->sql('SELECT wallet_fund(?, 777, ?)', $wallets[0], 'meanwhile');
$older->rollback;
waitpid $pid, 0;
is($?, 0, 'repacked with a payment meanwhile');
is($server->sql('SELECT wallet_fund(?, 777, ?)', $wallets[0], 'meanwhile'), $paid, 'its key is paid once');
is($server->sql('SELECT count(*) FROM wallet_check()'), 0, 'consistent');

done_testing;
