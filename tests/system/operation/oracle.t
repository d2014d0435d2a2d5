# Random calls against a reference model written from the contract alone (tests/oracle), by direct access,
# with a trigger on each table the executor's way, and with grouped transfers. It must also find a defect that is put in here,
# and shrink it to the few statements that show it.
#
#     ORACLE_SEED, ORACLE_OPS    another run than the usual: its seed, its calls one by one and at once
use strict;
use warnings;

use File::Basename qw(dirname);
use Test::More;

use Postgres;
use Wait;

# Calls one by one and at once, where nothing else is asked for.
my $CALLS       = 4000;
my $CROWD_CALLS = 8000;

my $folder = dirname(__FILE__) . '/../../oracle';
my $seed   = $ENV{ORACLE_SEED} || 1;
$ENV{PG_CONFIG} ||= 'pg_config';
# What is imported leaves nothing behind in the source tree.
my @python = ('/usr/bin/python3', '-B');

# A build of the extension whose clock can be moved, for the expiry of holds; it is not installed.
sub testing_library
{
    my $copy = test_directory() . '/wallet_ext';
    my $said = `cp -r '$folder/../../wallet_ext' '$copy' && cd '$copy' && make -s clean 2>&1 && \\
        make -s -j2 wallet.so PG_CONFIG='$ENV{PG_CONFIG}' WALLET_CFLAGS=-DWALLET_TESTING 2>&1`;
    is($?, 0, 'the extension is built for testing') or diag $said;
    return "$copy/wallet.so";
}

# What the oracle said, and whether it is content.
sub oracle
{
    my ($server, %option) = @_;
    my @command = (@python, "$folder/main.py", '--uri', $server->uri(dbname => 'postgres'));
    push @command, map { ("--$_", $option{$_}) } sort keys %option;
    open my $pipe, '-|', @command or die "python3: $!";
    my $said = do { local $/; <$pipe> } // '';
    close $pipe;
    return ($? == 0, $said);
}

my $said = `@python -m unittest discover --start-directory '$folder' 2>&1`;
is($?, 0, 'the model agrees with cases computed by hand') or diag $said;

# The installed library may not be there already where the other is to be loaded.
my $server = Postgres->new(conf => { autovacuum => 'off', shared_preload_libraries => '' });
$server->sql_in('postgres', 'CREATE DATABASE template_wallet');
$server->sql_in('template_wallet', 'CREATE EXTENSION wallet');
# But for the guards, which are not called in its sessions: wallet_check wants them to be the installed library's.
$server->sql_in(
    'template_wallet',
    q{UPDATE pg_proc SET probin = ? WHERE probin = '$libdir/wallet' AND proname !~ '^wallet_(guard|currency_changed)'},
    testing_library());
$server->disconnect('template_wallet');

# A database like it, with more in it.
sub template
{
    my ($name, @statements) = @_;
    $server->sql_in('postgres', "CREATE DATABASE $name TEMPLATE template_wallet");
    $server->sql_in($name, $_) for @statements;
    $server->disconnect($name);
    return $name;
}

sub compare
{
    my ($template, $part, $name, %option) = @_;
    my ($ok, $told) = oracle(
        $option{server} // $server,
        way         => $option{way} // 'single',
        template    => $template,
        seed        => $seed,
        ops         => $ENV{ORACLE_OPS} || $CALLS / $part,
        'crowd-ops' => $ENV{ORACLE_OPS} || $CROWD_CALLS / $part);
    ok($ok, "$name: every call as predicted, and the invariants hold after calls at once") or diag $told;
    note $told;
    return;
}

compare('template_wallet', 1, 'direct access');
my $trigger = 'CREATE TRIGGER added_nothing AFTER INSERT OR UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION added.nothing()';
compare(
    template('template_additions',
        'CREATE SCHEMA added',
        'CREATE FUNCTION added.nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$',
        map { sprintf $trigger, $_ } qw(wallets wallet_ledger wallet_holds)),
    4, q(the executor's way));

# The worker of groups needs the installed library, whose clock can't be moved, and it preloaded.
my $preloaded = Postgres->new(conf => { autovacuum => 'off' });
$preloaded->sql_in('postgres', 'CREATE DATABASE template_wallet');
$preloaded->sql_in('template_wallet', 'CREATE EXTENSION wallet');
$preloaded->disconnect('template_wallet');
compare('template_wallet', 4, 'grouped transfers', server => $preloaded, way => 'grouped');
$preloaded->stop;

# A fund that gives a little more than it was asked for, now and then.
template('template_broken', 'CREATE SCHEMA broken', q{
    CREATE FUNCTION broken.wallet_fund(wallet_id uuid, amount numeric, idempotency_key text DEFAULT NULL,
        expected_version bigint DEFAULT NULL, metadata jsonb DEFAULT NULL) RETURNS uuid LANGUAGE sql
    RETURN public.wallet_fund(wallet_id, CASE WHEN amount > 100 THEN amount + 0.0001 ELSE amount END,
        idempotency_key, expected_version, metadata)});

(my $ok, $said) = oracle(
    $server,
    template => 'template_broken',
    seed     => $seed,
    ops      => 300,
    options  => '-c search_path=broken,public');
ok(!$ok, 'a defect is found');
like($said, qr/^seed $seed: /m, 'with its seed');
like(
    $said,
    qr/^2 statements show it:\nSELECT wallet_create\(.*\nSELECT wallet_fund\(/ms,
    'and shrunk to the two statements that show it') or diag $said;

done_testing();
