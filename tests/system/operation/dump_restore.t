# pg_dump and restore lose nothing, and the restored database goes on working; also in a schema of its own.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Postgres;
use Test::More;
use Wait;

my $server = Postgres->new;
my $ALICE  = 'a0000000-0000-0000-0000-000000000001';
my $BOB    = 'b0000000-0000-0000-0000-000000000001';
my @TABLES = qw(wallets wallet_ledger wallet_holds wallet_currency_scales transaction_events
    wallet_history_offsets wallet_history_gaps wallet_history_conflicts);

chomp(my $bin = qx(@{[ $ENV{PG_CONFIG} || 'pg_config' ]} --bindir));

# Every row of every table as text, in a fixed order.
sub content_of
{
    my ($dbname, $schema) = @_;
    return {
        map {
            $_ => $server->sql_in($dbname,
                "SELECT coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '') FROM $schema.$_ AS t")
        } @TABLES };
}

# What a fresh installation and a restored one must have in common: functions and relations with their rights.
sub objects_of
{
    my ($dbname) = @_;
    return $server->sql_in($dbname, <<'END');
SELECT string_agg(line, E'\n' ORDER BY line)
FROM (
    SELECT pg_get_functiondef(p.oid) || coalesce(p.proacl::text, '') AS line
    FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND d.deptype = 'e' AND e.extname = 'wallet'
    JOIN pg_proc p ON p.oid = d.objid AND d.classid = 'pg_proc'::regclass
    UNION ALL
    SELECT c.oid::regclass::text || ' ' || coalesce(c.relacl::text, '')
    FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND d.deptype = 'e' AND e.extname = 'wallet'
    JOIN pg_class c ON c.oid = d.objid AND d.classid = 'pg_class'::regclass
    UNION ALL
    SELECT pg_get_triggerdef(oid) || tgenabled::text FROM pg_trigger WHERE tgname LIKE 'wallet\_guard%'
) AS object
END
}

# Some of everything that a wallet's tables can hold.
sub fill
{
    my ($dbname, $schema) = @_;
    my $dbh = $server->connect(dbname => $dbname);

    $dbh->do("SELECT $schema.wallet_create('alice', 'USD', ?, 'create-1', '{\"plan\": \"gold \\u00e9\"}')", {}, $ALICE);
    $dbh->do("SELECT $schema.wallet_create('bob', 'USD', ?)", {}, $BOB);
    $dbh->do("SELECT $schema.wallet_fund(?, 999999999999999.9999, 'fund-1')", {}, $ALICE);
    $dbh->do("SELECT $schema.wallet_transfer(?, ?, 0.0001, 'pay-' || n) FROM generate_series(1, 50) AS n", {}, $ALICE, $BOB);
    $dbh->do("INSERT INTO $schema.transaction_events (id, wallet_id, user_id, amount, event_type, transaction_id, created_at, event_data, version)
        SELECT gen_random_uuid(), wallet_id, user_id, amount, type, transaction_id, created_at, '{}', version
        FROM $schema.wallet_transactions");
    $dbh->do("INSERT INTO $schema.wallet_history_offsets (group_id, topic, partition, next_offset, fence, owner, last_event_at)
        VALUES ('group', 'wallet-events', 0, 102, 3, 'owner', clock_timestamp())");
    $dbh->do("INSERT INTO $schema.wallet_history_gaps (wallet_id, from_version, to_version, topic, partition, kafka_offset)
        VALUES (?, 90, 91, 'wallet-events', 0, 7)", {}, $ALICE);
    $dbh->do("INSERT INTO $schema.wallet_history_conflicts (wallet_id, version, stored, received, topic, partition, kafka_offset)
        VALUES (?, 1, '{\"a\": 1}', '{\"a\": 2}', 'wallet-events', 0, 8)", {}, $ALICE);
    $dbh->do("SELECT $schema.wallet_set_currency('JPY', 0)");
    $dbh->do("INSERT INTO $schema.wallet_holds (hold_id, wallet_id, amount, released, status, expires_at, created_at)
        VALUES (gen_random_uuid(), ?, 5, 5, 'released', clock_timestamp(), clock_timestamp())", {}, $BOB);
    $dbh->disconnect;
    return;
}

sub dump_and_restore
{
    my ($dbname, $format) = @_;
    my $path = test_directory() . "/$dbname.$format";
    my $into = "${dbname}_$format";

    $server->sql_in('postgres', "CREATE DATABASE $into TEMPLATE template0");
    is(system("$bin/pg_dump", '-d', $server->uri(dbname => $dbname), '-F', $format, '-f', $path), 0, "$dbname is dumped, format $format");
    my @restore = $format eq 'plain'
        ? ("$bin/psql", '-X', '-q', '-o', '/dev/null', '-v', 'ON_ERROR_STOP=1', '-d', $server->uri(dbname => $into), '-f', $path)
        : ("$bin/pg_restore", '--exit-on-error', '-j', '2', '-d', $server->uri(dbname => $into), $path);
    is(system(@restore), 0, "and restored into $into");
    return $into;
}

# The copy equals the original, and is a wallet that works.
sub restored_ok
{
    my ($dbname, $copy, $schema) = @_;
    my $dbh = $server->connect(dbname => $copy);
    my $value = sub { return ($dbh->selectrow_array(@_))[0] };

    is_deeply(content_of($copy, $schema), content_of($dbname, $schema), "$copy: every row of every table");
    is(objects_of($copy), objects_of($dbname), "$copy: functions, relations, guards and their rights");
    is_deeply(
        $dbh->selectcol_arrayref("SELECT DISTINCT check_name FROM $schema.wallet_check() WHERE check_name <> 'hold_without_entry' ORDER BY 1"),
        [qw(history_conflict history_gap)], "$copy: consistent, but for what was recorded");

    my $first = $value->("SELECT $schema.wallet_transfer(?, ?, 0.0001, 'pay-7')", {}, $ALICE, $BOB);
    is($first, $server->sql_in($dbname, "SELECT transaction_id FROM $schema.wallet_lookup('pay-7')"), "$copy: a key is still taken");
    my $before = $value->("SELECT version FROM $schema.wallet_get(?)", {}, $ALICE);
    $dbh->do("SELECT $schema.wallet_transfer(?, ?, 1, 'after-restore')", {}, $ALICE, $BOB);
    is($value->("SELECT version FROM $schema.wallet_get(?)", {}, $ALICE), $before + 1, "$copy: operations go on");
    is($value->("SELECT count(*) FROM $schema.wallet_check() WHERE check_name !~ '^(history_|hold_without_entry)'"), 0, "$copy: and stay consistent");

    ok(!eval { $dbh->do("DELETE FROM $schema.wallet_ledger"); 1 }, "$copy: the ledger refuses DELETE");
    is($dbh->state, 'WL090', "$copy: as the original does");
    $dbh->do('SET ROLE cashier');
    ok($value->("SELECT $schema.wallet_fund(?, 1)", {}, $BOB), "$copy: a right that was granted");
    ok(!eval { $dbh->do("SELECT $schema.wallet_withdraw(?, 1)", {}, $BOB); 1 }, "$copy: and one that was not");
    is($dbh->state, '42501', "$copy: is refused");
    $dbh->disconnect;
    return;
}

$server->sql('CREATE ROLE cashier');
$server->sql('CREATE EXTENSION wallet');
$server->sql('GRANT EXECUTE ON FUNCTION wallet_fund TO cashier');
fill('wallet_db', 'public');
restored_ok('wallet_db', dump_and_restore('wallet_db', $_), 'public') for qw(plain custom);

# In a schema that no search_path names.
$server->sql_in('postgres', 'CREATE DATABASE custom_schema');
$server->sql_in('custom_schema', 'CREATE SCHEMA "Bank & Co"');
$server->sql_in('custom_schema', 'CREATE EXTENSION wallet SCHEMA "Bank & Co"');
$server->sql_in('custom_schema', 'GRANT USAGE ON SCHEMA "Bank & Co" TO cashier');
$server->sql_in('custom_schema', 'GRANT EXECUTE ON FUNCTION "Bank & Co".wallet_fund TO cashier');
is($server->sql_in('custom_schema', q{SELECT count(*) FROM pg_class WHERE relname LIKE 'wallet%' AND relnamespace = 'public'::regnamespace}),
    0, 'nothing stands in public');
fill('custom_schema', '"Bank & Co"');
restored_ok('custom_schema', dump_and_restore('custom_schema', $_), '"Bank & Co"') for qw(plain custom);

# The block of that name in the administrator's document.
sub documented
{
    my ($name) = @_;
    open my $file, '<', dirname(abs_path(__FILE__)) . '/../../../docs/database.md' or die "docs/database.md: $!\n";
    local $/;
    my ($block) = <$file> =~ /^```sql \Q$name\E\n(.*?)^```$/ms or die "docs/database.md has no block $name\n";
    return $block;
}

# What was added to the tables, by when it is to be put back: the difference to a database that has the extension alone.
sub added_to
{
    my ($dbname, $when) = @_;
    my ($all, $own) = map {
        [ map { $_->[1] } grep { $_->[0] eq $when } @{ $server->connect(dbname => $_)->selectall_arrayref(documented('inventory')) } ]
    } $dbname, 'extension_alone';
    my %is_own = map { ($_ => 1) } @$own;
    return [ grep { !$is_own{$_} } @$all ];
}

sub restore_section
{
    my ($into, $path, $section) = @_;
    is(system("$bin/pg_restore", '--exit-on-error', "--section=$section", '-d', $server->uri(dbname => $into), $path), 0, "$section is restored");
    return;
}

# What an administrator has put on the tables.
$server->sql_in('postgres', "CREATE DATABASE $_") for qw(extension_alone administered restored_with_all restored_data);
$server->sql_in($_, 'CREATE EXTENSION wallet') for qw(extension_alone administered restored_data);
fill('administered', 'public');
is_deeply(added_to('administered', $_), [], "nothing was added yet, $_ the data") for qw(before after);
$server->sql_in('administered', $_) for (
    'ALTER TABLE wallets ADD COLUMN note text DEFAULT \'none\', ADD COLUMN twice numeric GENERATED ALWAYS AS (balance * 2) STORED',
    'CREATE UNIQUE INDEX one_per_user ON wallets (user_id, currency)',
    'CREATE TABLE users AS SELECT DISTINCT user_id FROM wallets',
    'ALTER TABLE users ADD PRIMARY KEY (user_id)',
    'ALTER TABLE wallets ADD FOREIGN KEY (user_id) REFERENCES users, ADD CONSTRAINT poor CHECK (balance < 1e15)',
    q{CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'},
    'CREATE TRIGGER audit AFTER INSERT ON wallet_ledger FOR EACH ROW EXECUTE FUNCTION audit()',
    'ALTER TABLE wallet_ledger ENABLE REPLICA TRIGGER audit',
    'ALTER TABLE wallets ENABLE ROW LEVEL SECURITY',
    q{CREATE POLICY own ON wallets FOR SELECT TO cashier USING (user_id = current_user)},
    'ALTER TABLE wallet_ledger SET (autovacuum_freeze_max_age = 500000000)',
    'CREATE PUBLICATION movements FOR TABLE wallet_ledger (transaction_id, leg, kind) WHERE (kind = \'FUND\') WITH (publish = \'insert\')',
    # Columns that count on, an order of their own, what is stored how, and what the extension's own columns now have.
    'CREATE COLLATION careless (provider = icu, locale = \'und-u-ks-level2\', deterministic = false)',
    'ALTER TABLE wallets ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY (START 100 INCREMENT 5), ADD COLUMN label text COLLATE careless NOT NULL DEFAULT \'none\'',
    'ALTER TABLE wallet_holds ADD COLUMN number bigserial',
    q{ALTER TABLE wallets ALTER credit_limit SET DEFAULT 5, ALTER user_id SET STATISTICS 300, ALTER label SET STORAGE EXTERNAL, ALTER label SET COMPRESSION pglz},
    'ALTER TABLE wallets REPLICA IDENTITY FULL, CLUSTER ON one_per_user, SET (toast.autovacuum_enabled = off)',
    'CREATE STATISTICS together ON user_id, currency FROM wallets',
    q{COMMENT ON TABLE wallets IS 'somebody''s wallets'}, q{COMMENT ON COLUMN wallets.label IS 'as printed'});
$server->sql_in('administered', $_) for q{INSERT INTO users VALUES ('numbered')}, q{SELECT wallet_create('numbered')};
my %added = map { ($_ => added_to('administered', $_)) } qw(before after);
is(scalar(@{ $added{$_} }), { before => 9, after => 20 }->{$_}, "what was added $_ the data is listed") for qw(before after);

my $dump = test_directory() . '/administered.dump';
is(system("$bin/pg_dump", '-d', $server->uri(dbname => 'administered'), '-Fc', '-f', $dump), 0, 'it is dumped');
restore_section('restored_with_all', $dump, 'pre-data');
$server->sql_in('restored_with_all', $_) for @{ $added{before} };
restore_section('restored_with_all', $dump, $_) for qw(data post-data);
$server->sql_in('restored_with_all', $_) for @{ $added{after} };
is_deeply(added_to('restored_with_all', $_), $added{$_}, "all of it is there again, $_ the data") for qw(before after);
is_deeply(content_of('restored_with_all', 'public'), content_of('administered', 'public'), 'with every row');
$server->sql_in($_, q{SELECT wallet_create('numbered', 'EUR')}) for qw(administered restored_with_all);
my $last_number = 'SELECT max(number) FROM wallets';
is($server->sql_in('restored_with_all', $last_number), $server->sql_in('administered', $last_number), 'and counts on');

# A restore of the data alone, past the triggers, leaves the guards weak; the documented repair.
my $data = test_directory() . '/custom.dump';
is(system("$bin/pg_dump", '-d', $server->uri(dbname => 'wallet_db'), '-Fc', '-f', $data), 0, 'a ledger is dumped');
is(system("$bin/pg_restore", '--exit-on-error', '--data-only', '--disable-triggers', '-d', $server->uri(dbname => 'restored_data'), $data), 0,
    'and its data restored past the triggers');
my $weak = q{SELECT count(*) FROM wallet_check() WHERE check_name = 'guard' AND actual = 'not always enabled'};
is($server->sql_in('restored_data', $weak), 14, 'the guards are weak then');
$server->sql_in('restored_data', documented('repair'));
is($server->sql_in('restored_data', q{SELECT count(*) FROM wallet_check() WHERE check_name = 'guard'}), 0, 'and are repaired');
is(objects_of('restored_data'), objects_of('extension_alone'), 'as a fresh installation has them');

# Two databases of one server have nothing in common, and the extension can be dropped and made again.
is($server->sql_in('custom_schema', q{SELECT count(*) FROM "Bank & Co".wallet_lookup('after-restore')}), 0,
    'what happened in a copy did not happen in the original');
$server->sql('DROP EXTENSION wallet CASCADE');
$server->sql('CREATE EXTENSION wallet');
is($server->sql('SELECT wallet_create(?, ?, ?)', 'alice', 'USD', $ALICE), $ALICE, 'a new installation in the same session works');
is($server->sql('SELECT version FROM wallet_get(?)', $ALICE), 0, 'and starts empty');

# Events are UTF-8: another encoding is refused.
$server->sql_in('postgres', q{CREATE DATABASE ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'});
my $ascii = $server->connect(dbname => 'ascii');
ok(!eval { $ascii->do('CREATE EXTENSION wallet'); 1 }, 'a database with encoding SQL_ASCII is refused');
is($ascii->state, '0A000', 'with feature_not_supported');
like($ascii->errstr, qr/encoding UTF8, not SQL_ASCII/, 'that says why');
$ascii->disconnect;

done_testing;
