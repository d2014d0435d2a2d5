# An upgrade from every earlier version ends where a fresh installation begins, keeps every row, and the
# ledger goes on from there.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Postgres;
use Test::More;

my $server = Postgres->new;
my $ALICE  = 'a0000000-0000-0000-0000-000000000001';
my $BOB    = 'b0000000-0000-0000-0000-000000000001';

# The objects of the extension, each with everything about it that a user could notice.
my %query_of = (
    columns => q{SELECT a.attrelid::regclass, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
                        pg_get_expr(d.adbin, d.adrelid), a.attacl, col_description(a.attrelid, a.attnum)
                 FROM member JOIN pg_attribute a ON a.attrelid = objid AND classid = 'pg_class'::regclass
                 LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
                 WHERE a.attnum > 0 AND NOT a.attisdropped},
    relations => q{SELECT c.oid::regclass, c.relkind, c.reloptions, coalesce(c.relacl, acldefault('r', c.relowner)), obj_description(c.oid, 'pg_class'),
                          CASE WHEN c.relkind = 'v' THEN pg_get_viewdef(c.oid) END
                   FROM member JOIN pg_class c ON c.oid = objid AND classid = 'pg_class'::regclass},
    indexes => q{SELECT pg_get_indexdef(i.indexrelid)
                 FROM member JOIN pg_index i ON i.indrelid = objid AND classid = 'pg_class'::regclass},
    constraints => q{SELECT c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid)
                     FROM member JOIN pg_constraint c ON c.conrelid = objid AND classid = 'pg_class'::regclass},
    triggers => q{SELECT pg_get_triggerdef(t.oid), t.tgenabled
                  FROM member JOIN pg_trigger t ON t.tgrelid = objid AND classid = 'pg_class'::regclass},
    functions => q{SELECT pg_get_functiondef(p.oid), p.proacl, obj_description(p.oid, 'pg_proc')
                   FROM member JOIN pg_proc p ON p.oid = objid AND classid = 'pg_proc'::regclass},
    initial_rights => q{SELECT objid::regprocedure, cardinality(i.initprivs)
                        FROM member LEFT JOIN pg_init_privs i ON i.objoid = objid AND i.classoid = classid AND i.objsubid = 0
                        WHERE classid = 'pg_proc'::regclass},
    types => q{SELECT t.oid::regtype, t.typtype, coalesce(t.typacl, acldefault('T', t.typowner)), obj_description(t.oid, 'pg_type')
               FROM member JOIN pg_type t ON t.oid = objid AND classid = 'pg_type'::regclass},
    dumped_tables => q{SELECT c.oid::regclass, condition
                       FROM pg_extension e, unnest(e.extconfig, e.extcondition) AS dumped (id, condition)
                       JOIN pg_class c ON c.oid = dumped.id WHERE e.extname = 'wallet'});

sub objects_of
{
    my ($dbname, $kind) = @_;
    return $server->sql_in($dbname, <<"END");
WITH member AS (
    SELECT d.classid, d.objid FROM pg_depend d
    JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
    WHERE e.extname = 'wallet')
SELECT string_agg(object::text, E'\\n' ORDER BY object::text) FROM ($query_of{$kind}) AS object
END
}

# A ledger as it comes out of a dump: the older library that made it is gone.
sub restore_ledger
{
    my ($dbname) = @_;
    my $dbh = $server->connect(dbname => $dbname);

    for my $wallet ([ $ALICE, 'alice', 100, '01900000-0000-7000-8000-000000000001' ],
        [ $BOB, 'bob', 0, '01900000-0000-7000-8000-000000000002' ])
    {
        my ($id, $user, $balance, $created) = @$wallet;
        $dbh->do(q{INSERT INTO wallets (id, user_id, currency, balance, version, created_at, updated_at)
                   VALUES (?, ?, 'USD', ?, ?, '2024-06-10 02:35:18.4+00', ?)},
            undef, $id, $user, $balance, $balance ? 1 : 0,
            $balance ? '2024-06-10 02:35:18.401+00' : '2024-06-10 02:35:18.4+00');
        _insert_entry($dbh, $created, 'CREATED', $id, 0, 0, $user, 0, '2024-06-10 02:35:18.4+00', "create $user");
    }
    _insert_entry($dbh, '01900000-0001-7000-8000-000000000003', 'FUND', $ALICE, 1, 100, 'alice', 100,
        '2024-06-10 02:35:18.401+00', 'fund');
    return;
}

sub _insert_entry
{
    my ($dbh, $id, $kind, $wallet, $version, $amount, $user, $balance, $at, $key) = @_;
    $dbh->do(q{INSERT INTO wallet_ledger (transaction_id, leg, kind, amount, currency, created_at, to_wallet_id, to_version,
                   to_balance, to_held, to_status, to_user_id, idempotency_key, session_user_name, current_user_name, application_name)
               VALUES (?, 0, ?, ?, 'USD', ?, ?, ?, ?, 0, 'active', ?, ?, 'app', 'app', 'before')},
        undef, $id, $kind, $amount, $at, $wallet, $version, $balance, $user, $key);
    return;
}

$server->sql_in('postgres', 'CREATE DATABASE fresh');
$server->sql_in('fresh',    'CREATE EXTENSION wallet');
my $newest = $server->sql_in('fresh', q{SELECT extversion FROM pg_extension WHERE extname = 'wallet'});

# Every version that can be installed is one that somebody may have.
my @former = grep { $_ ne $newest } map { $_->{version} }
    $server->rows(q{SELECT version FROM pg_available_extension_versions WHERE name = 'wallet' ORDER BY version});
cmp_ok(scalar(@former), '>', 0, 'there are earlier versions');

# Rights on a function that every upgrade keeps, and on one that an upgrade makes anew. Returns the names.
sub grant_rights
{
    my ($dbname, $version) = @_;
    my @names = grep { $server->sql_in($dbname, 'SELECT to_regproc(?)', $_) } qw(wallet_transfer wallet_transfer_batch);

    if ($version eq $former[0])
    {
        $server->sql_in('postgres', "CREATE ROLE $_") for qw(upgrade_clerk upgrade_chief upgrade_owner upgrade_stranger);
    }
    for my $name (@names)
    {
        $server->sql_in($dbname, "GRANT EXECUTE ON FUNCTION $name TO upgrade_clerk");
        $server->sql_in($dbname, "GRANT EXECUTE ON FUNCTION $name TO upgrade_chief WITH GRANT OPTION");
        $server->sql_in($dbname, "ALTER FUNCTION $name OWNER TO upgrade_owner");
    }
    # Whatever upgrades bring must be nobody's.
    $server->sql_in($dbname, "ALTER DEFAULT PRIVILEGES GRANT ALL ON $_ TO upgrade_stranger") for qw(FUNCTIONS TABLES TYPES);
    return @names;
}

# What others put into the schema before the extension came; earlier versions bind to it.
sub plant_operators
{
    my ($dbname) = @_;
    my $number = 0;

    for my $operator (qw(= <> < <= > >=))
    {
        my $function = 'planted_' . $number++;
        $server->sql_in($dbname, "CREATE FUNCTION $function(numeric, integer) RETURNS boolean LANGUAGE sql AS "
                . "'SELECT \$1 OPERATOR(pg_catalog.$operator) \$2::numeric'");
        $server->sql_in($dbname, "CREATE OPERATOR $operator (LEFTARG = numeric, RIGHTARG = integer, FUNCTION = $function)");
    }
    return;
}

# How many checks and functions call what was planted.
sub planted_calls
{
    my ($dbname) = @_;
    return $server->sql_in($dbname, q{SELECT count(*) FROM pg_depend AS d JOIN pg_operator AS o ON o.oid = d.refobjid
        WHERE d.refclassid = 'pg_operator'::regclass AND o.oprcode::text LIKE 'planted%' AND d.classid <> 'pg_operator'::regclass});
}

# The rights that were granted stand, and no others; a dump writes them down. Takes them back.
sub check_rights
{
    my ($dbh, $version, @names) = @_;

    for my $name (@names)
    {
        is($dbh->selectrow_array("SELECT has_function_privilege('upgrade_clerk', '$name'::regproc, 'EXECUTE')"), 1,
            "$version: a right on $name is kept");
        is($dbh->selectrow_array("SELECT has_function_privilege('upgrade_chief', '$name'::regproc, 'EXECUTE WITH GRANT OPTION')"), 1,
            "$version: and one to pass on");
        is($dbh->selectrow_array("SELECT proowner::regrole FROM pg_proc WHERE oid = '$name'::regproc"), 'upgrade_owner',
            "$version: and the owner");
        like(dump_of($version), qr/GRANT ALL ON FUNCTION public\.$name\(.*\) TO upgrade_clerk;/, "$version: a dump has it");
        $dbh->do("ALTER FUNCTION $name OWNER TO postgres");
        $dbh->do("REVOKE EXECUTE ON FUNCTION $name FROM upgrade_clerk, upgrade_chief");
    }
    return;
}

sub dump_of
{
    my ($version) = @_;
    $server->run('pg_dump', '-s', '-f', "$server->{base}/dump.sql", '-d', $server->uri(dbname => "from_$version")) == 0
        or die "pg_dump failed\n";
    open my $file, '<', "$server->{base}/dump.sql" or die "dump.sql: $!\n";
    local $/;
    return scalar <$file>;
}

for my $version (@former)
{
    my $dbname = "from_$version";
    $server->sql_in('postgres', qq{CREATE DATABASE "$dbname"});
    plant_operators($dbname);
    $server->sql_in($dbname, qq{CREATE EXTENSION wallet VERSION '$version'});
    cmp_ok(planted_calls($dbname), '>', 5, "$version: binds to what it finds");
    my @granted = grant_rights($dbname, $version);
    restore_ledger($dbname);

    my $dbh = $server->connect(dbname => $dbname, PrintError => 0);
    eval { $dbh->do('SELECT wallet_fund(?, 1)', undef, $ALICE) };
    is($dbh->state, '55000', "$version: a newer library refuses to work");
    like($dbh->errstr, qr/ALTER EXTENSION wallet UPDATE/, "$version: and says what to do");

    $dbh->do('ALTER EXTENSION wallet UPDATE');
    is($dbh->selectrow_array(q{SELECT extversion FROM pg_extension WHERE extname = 'wallet'}), $newest, "$version: updated");
    is(planted_calls($dbname), 0, "$version: the update lets go of what was found");
    check_rights($dbh, $version, @granted);
    for my $kind (sort keys %query_of)
    {
        is(objects_of($dbname, $kind), objects_of('fresh', $kind), "$version: $kind as in a fresh installation");
    }

    is($dbh->selectrow_array('SELECT wallet_fund(?, 100, ?)', undef, $ALICE, 'fund'),
        '01900000-0001-7000-8000-000000000003', "$version: a retry finds the operation of before");
    my ($transfer) = $dbh->selectrow_array('SELECT wallet_transfer(?, ?, 40)', undef, $ALICE, $BOB);
    $dbh->do('SELECT wallet_reverse(?, 15)', undef, $transfer);
    $dbh->do('SELECT wallet_reverse(?, 5)',  undef, '01900000-0001-7000-8000-000000000003');
    $dbh->do('SELECT wallet_hold(?, 10)',    undef, $BOB);
    is($dbh->selectrow_array('SELECT balance FROM wallets WHERE id = ?', undef, $ALICE), '70.0000', "$version: the ledger goes on");
    is($dbh->selectrow_array('SELECT count(*) FROM wallet_check()'), 0, "$version: and is consistent");
    $dbh->disconnect;
}
done_testing;
