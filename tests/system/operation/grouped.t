# Grouped transfers: what wallet_transfer does and says, committed by a worker; whatever becomes of the caller, the
# worker and the server, nothing is stranded and nothing is done twice.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use DBD::Pg qw(:async);
use Postgres;
use Test::More;
use Time::HiRes qw(time);
use Wait;

my $server = Postgres->new(conf => { max_worker_processes => 6, log_min_messages => 'fatal' });
my ($alice, $bob, $carol) = map { "${_}0000000-0000-0000-0000-000000000001" } qw(a b c);
my $key = 0;

sub set_up
{
    $server->sql('CREATE EXTENSION wallet');
    $server->sql('SELECT wallet_create(?, ?, ?)', @$_)
        for [ 'alice', 'USD', $alice ], [ 'bob', 'USD', $bob ], [ 'carol', 'USD', $carol ];
    $server->sql('SELECT wallet_fund(?, 100000)', $_) for $alice, $bob, $carol;
    return;
}

sub is_consistent
{
    my ($what) = @_;
    is($server->sql('SELECT count(*) FROM wallet_check()'), 0, "consistent $what");
    is($server->sql('SELECT sum(balance) FROM wallets'), '300000.0000', "nothing came or went $what");
    return;
}

sub worker  { return $server->sql('SELECT worker_pid FROM wallet_stat_groups WHERE datname = current_database()') }
sub stat_of { return $server->sql("SELECT $_[0] FROM wallet_stat_groups WHERE datname = current_database()") }

# Whether the key has an operation.
sub is_done { return defined $server->sql('SELECT transaction_id FROM wallet_lookup(?)', $_[0]) ? 1 : 0 }

sub new_key { return 'key-' . ++$key }

# Calls and doesn't wait; the statement's outcome by outcome_of: '' or SQLSTATE.
sub begin_transfer
{
    my ($session, $from, $to, $name) = @_;
    $session->do("SELECT wallet_transfer_grouped('$from', '$to', 1, '$name')", { pg_async => PG_ASYNC });
    return;
}

sub outcome_of
{
    my ($session) = @_;
    poll_until(sub { $session->pg_ready }, what => 'the outcome of a grouped transfer', deadline => 60, interval => 0.005);
    # Newer releases of DBD::Pg do not raise where a query was cancelled.
    my $raises_not = eval { $session->pg_result; 1 };
    return $raises_not && $session->state ne '57014' ? '' : $session->state;
}

sub error_in
{
    my ($session, $query) = @_;
    return eval { $session->do($query); 1 } ? '' : $session->state;
}

sub waits_for
{
    my ($session, $what, $condition) = @_;
    poll_until(
        sub { $server->sql("SELECT count(*) FROM pg_stat_activity WHERE pid = ? AND $condition", $session->{pg_pid}) },
        what => $what);
    return;
}
my $in_queue = "wait_event_type = 'Extension'";
my $at_lock  = "wait_event_type = 'Lock'";

set_up();

subtest 'rules, errors and replays are those of wallet_transfer' => sub {
    $server->sql("SELECT wallet_create('frozen', 'USD', 'f0000000-0000-0000-0000-000000000001')");
    $server->sql("SELECT wallet_freeze('f0000000-0000-0000-0000-000000000001')");
    $server->sql("SELECT wallet_create('eve', 'EUR', 'e0000000-0000-0000-0000-000000000001')");
    $server->sql("SELECT wallet_create('full', 'USD', 'd0000000-0000-0000-0000-000000000001')");
    $server->sql("SELECT wallet_set_limits('d0000000-0000-0000-0000-000000000001', max_balance => 5)");
    $server->sql("SELECT wallet_set_currency('EUR', 2)");
    my $big = q{(SELECT jsonb_build_object('a', string_agg(md5(n::text), '')) FROM generate_series(1, 200) AS n)};
    my $first = $server->sql("SELECT wallet_transfer(?, ?, 2, 'taken', NULL, $big)", $alice, $bob);
    my @calls = (
        "NULL, '$bob', 1", "'$alice', NULL, 1", "'$alice', '$bob', NULL",
        "'00000000-0000-0000-0000-000000000000', '$bob', 1",
        "'$alice', '$bob', 0", "'$alice', '$bob', 'NaN'", "'$alice', '$bob', 0.00001", "'$alice', '$alice', 1",
        "'$alice', '$bob', 1, ''", "'$alice', '$bob', 1, repeat('x', 256)", "'$alice', '$bob', 1, metadata => '[]'",
        "'$alice', '$bob', 1, expected_version => -1", "'$alice', '$bob', 1, expected_version => 0",
        "'$alice', '99999999-0000-0000-0000-000000000001', 1", "'$alice', 'f0000000-0000-0000-0000-000000000001', 1",
        "'$alice', 'e0000000-0000-0000-0000-000000000001', 1", "'e0000000-0000-0000-0000-000000000001', '$alice', 0.001",
        "'$alice', '$bob', 1000000", "'$alice', 'd0000000-0000-0000-0000-000000000001', 6",
        "'$alice', '$bob', 3, 'taken'", "'$bob', '$alice', 2, 'taken'",
        "'$alice', '$bob', 2, 'taken', metadata => jsonb_build_object('b', repeat('y', 7000))");
    $server->sql(<<'SQL');
CREATE FUNCTION told(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text; hint text;
BEGIN
    EXECUTE 'SELECT ' || call;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' | ', SQLSTATE, SQLERRM, detail, hint);
END
$$
SQL
    for my $call (@calls)
    {
        my ($single, $grouped) = map { $server->sql('SELECT told(?)', "$_($call)") } qw(wallet_transfer wallet_transfer_grouped);
        is($grouped, $single, substr $call, 0, 90);
        isnt($single, 'no error', '... is an error');
    }
    is($server->sql("SELECT wallet_transfer_grouped(?, ?, 2.00, 'taken', NULL, $big)", $alice, $bob),
        $first, 'a replay of a wallet_transfer');
    my ($replayed) = $server->rows(
        "SELECT current_setting('wallet.replayed') AS it FROM wallet_transfer_grouped(?, ?, 2, 'taken', NULL, $big)", $alice, $bob);
    is($replayed->{it}, 'on', 'says that it is one');
    my $id = $server->sql("SELECT wallet_transfer_grouped(?, ?, 1, 'grouped', NULL, '{\"a\": 1.0}')", $alice, $bob);
    is($server->sql("SELECT wallet_transfer(?, ?, 1, 'grouped', NULL, '{\"a\": 1}')", $alice, $bob), $id, 'and the other way round');
    is_consistent('after every error');
};

subtest 'the caller is recorded, not the worker' => sub {
    $server->sql('CREATE ROLE clerk LOGIN; CREATE ROLE owner; GRANT EXECUTE ON FUNCTION wallet_transfer_grouped TO owner');
    my $clerk = $server->connect(user => 'clerk');
    my $call  = "SELECT wallet_transfer_grouped('$alice', '$bob', 1, ?)";
    is(eval { $clerk->do($call, undef, 'denied'); '' } // $clerk->state, '42501', 'who may not execute it can not');
    $server->sql(<<"SQL");
GRANT CREATE ON SCHEMA public TO owner;
CREATE FUNCTION pay(key text) RETURNS uuid LANGUAGE sql SECURITY DEFINER
    AS \$\$ SELECT wallet_transfer_grouped('$alice', '$bob', 1, key) \$\$;
ALTER FUNCTION pay OWNER TO owner;
ALTER ROLE clerk SET wallet.seal = on
SQL
    $clerk = $server->connect(user => 'clerk');
    my $name = 'x' x 63;
    $clerk->do("SET application_name = '$name'");
    $clerk->do(q{SELECT pay('of a clerk')});
    my ($row) = $server->rows(
        q{SELECT session_user_name, current_user_name, application_name, operation, from_seal IS NOT NULL AS sealed
          FROM wallet_ledger WHERE idempotency_key = 'of a clerk'});
    is_deeply($row,
        { session_user_name => 'clerk', current_user_name => 'owner', application_name => $name, operation => undef, sealed => 1 },
        'roles, application, and whether the session seals');
    $server->sql(q{SELECT wallet_transfer_grouped(?, ?, 1, 'later')}, $alice, $carol);
    is($server->sql(q{SELECT (from_seal IS NOT NULL)::text || (to_seal IS NOT NULL) FROM wallet_ledger WHERE idempotency_key = 'later'}),
        'truefalse', 'another session begins no chain, and goes on with one');
    is($server->sql('SELECT count(*) FROM wallet_seal_verify()'), 0, 'the chain is whole');
};

subtest 'transactions that can not have one' => sub {
    my $session = $server->connect;
    my $call    = "SELECT wallet_transfer_grouped('$alice', '$bob', 1)";
    my %refused = (
        'that has written'       => [ 'BEGIN', 'CREATE TEMPORARY TABLE t ()' ],
        'with a snapshot'        => ['BEGIN ISOLATION LEVEL REPEATABLE READ'],
        'serializable'           => ['BEGIN ISOLATION LEVEL SERIALIZABLE'],
        'with a lock on a table' => [ 'BEGIN', 'LOCK TABLE wallet_holds IN SHARE UPDATE EXCLUSIVE MODE' ]);
    for my $what (sort keys %refused)
    {
        $session->do($_) for @{ $refused{$what} };
        is(error_in($session, $call), '25001', $what);
        $session->do('ROLLBACK');
    }
    $session->do('BEGIN READ ONLY');
    is(error_in($session, $call), '25006', 'read-only');
    $session->do('ROLLBACK');
    $session->do('BEGIN');
    $session->do('SELECT count(*) FROM wallets');
    $session->do("SELECT wallet_transfer_grouped('$alice', '$bob', 1, 'stays')");
    is($session->selectrow_array('SELECT count(*) FROM wallet_lookup(?)', undef, 'stays'), 1, 'the transaction sees it');
    $session->do('ROLLBACK');
    ok(is_done('stays'), 'what it returned stays, whatever becomes of the caller\'s transaction');
    $server->sql('ALTER DATABASE wallet_db SET default_transaction_read_only = on');
    my $writer = $server->connect;
    is(error_in($writer, $call), '25006', 'a database that is read-only');
    $writer->do('SET default_transaction_read_only = off');
    is(error_in($writer, $call), '', 'and whoever may write there all the same');
    $writer->do('ALTER DATABASE wallet_db RESET default_transaction_read_only');
};

subtest 'who is in the way holds up one, not the others' => sub {
    my ($holder, $held, $other) = map { $server->connect } 1 .. 3;
    for my $way ('FOR UPDATE', 'FOR SHARE')
    {
        my $name = new_key();
        $holder->begin_work;
        $holder->do("SELECT 1 FROM wallets WHERE id = '$alice' $way");
        begin_transfer($held, $alice, $bob, $name);
        waits_for($held, "the row lock $way", $at_lock);
        is(error_in($other, "SELECT wallet_transfer_grouped('$bob', '$carol', 1)"), '', "$way: another wallet is paid");
        ok(!is_done($name), 'the held one is not');
        is($server->sql('SELECT count(*) FROM pg_stat_activity WHERE pid = ? AND ? = ANY (pg_blocking_pids(pid))',
                $held->{pg_pid}, $holder->{pg_pid}), 1, 'it is seen who blocks it');
        $holder->commit;
        is(outcome_of($held), '', 'until the holder ends');
    }
    $holder->begin_work;
    $holder->do("SELECT wallet_transfer('$alice', '$bob', 1, 'half')");
    my $name = new_key();
    $held->do(q{SET lock_timeout = '100ms'});
    begin_transfer($held, $alice, $bob, $name);
    is(outcome_of($held), '55P03', 'the caller\'s lock_timeout holds');
    begin_transfer($other, $bob, $carol, 'half');
    waits_for($other, 'the key', $at_lock);
    $held->do(q{SET lock_timeout = 0; SET statement_timeout = '100ms'});
    begin_transfer($held, $alice, $bob, $name);
    is(outcome_of($held), '57014', 'its statement_timeout too');
    $held->do('RESET statement_timeout');
    ok(!is_done($name), 'neither was made');
    $holder->commit;
    is(outcome_of($other), 'WL005', 'who waited for a key that another request got is told');
    $holder->begin_work;
    $holder->do("SELECT wallet_transfer('$alice', '$bob', 1, 'undone')");
    begin_transfer($other, $alice, $bob, 'undone');
    waits_for($other, 'the key', $at_lock);
    $holder->rollback;
    is(outcome_of($other), '', 'who waited for a key that nobody got takes it');

    # A deadlock through the group: the caller holds an advisory lock, the holder of its wallet wants it.
    $holder->begin_work;
    $held->begin_work;
    $held->do('SELECT pg_advisory_xact_lock(1)');
    $holder->do("SELECT 1 FROM wallets WHERE id = '$alice' FOR UPDATE");
    begin_transfer($held, $alice, $bob, 'deadlock');
    waits_for($held, 'the row', $at_lock);
    $holder->do('SELECT pg_advisory_xact_lock(1)', { pg_async => PG_ASYNC });
    is(join(' ', grep { $_ } map { outcome_of($_) } $held, $holder), '40P01', 'a deadlock is found');
    $_->rollback for $held, $holder;
    is_consistent('after all the waits');
};

subtest 'what holds the tables' => sub {
    my ($holder, $held, $other) = map { $server->connect } 1 .. 3;
    $holder->begin_work;
    $holder->do('LOCK TABLE wallet_ledger IN SHARE MODE');
    begin_transfer($held, $alice, $bob, 'table');
    waits_for($held, 'the table', $at_lock);
    $other->do(q{SET lock_timeout = '200ms'});
    begin_transfer($other, $alice, $bob, 'impatient');
    is(outcome_of($other), '55P03', 'lock_timeout holds there too');
    $holder->commit;
    is(outcome_of($held), '', 'the others wait');

    # The caller's own lock holds up who holds up the worker: nobody but the worker can see that.
    $held->begin_work;
    $held->do('SELECT count(*) FROM wallets');
    $holder->begin_work;
    $holder->do('LOCK TABLE wallets', { pg_async => PG_ASYNC });
    waits_for($holder, 'the table', $at_lock);
    begin_transfer($held, $alice, $bob, 'guilty');
    is(outcome_of($held), '55P03', 'a caller that holds itself up is told');
    $held->rollback;
    is(outcome_of($holder), '', 'and whoever waited for it goes on');
    $holder->commit;
    is(error_in($held, "SELECT wallet_transfer_grouped('$alice', '$bob', 1)"), '', 'and it, too');
};

subtest 'callers that do not wait for the end' => sub {
    my @sessions = map { $server->connect } 1 .. 4;
    $sessions[0]->do("SELECT wallet_transfer_grouped('$alice', '$bob', 1)");
    my $worker = worker();
    kill 'STOP', $worker;
    $_->do(q{SET statement_timeout = '200ms'}) for @sessions[ 0, 1 ];
    begin_transfer($sessions[$_], $alice, $bob, "stopped-$_") for 0 .. 3;
    is(outcome_of($sessions[$_]), '57014', 'a timeout before it is begun') for 0, 1;
    waits_for($sessions[2], 'the queue', $in_queue);
    $server->sql('SELECT pg_terminate_backend(?)', $sessions[2]{pg_pid});
    like(outcome_of($sessions[2]), qr{^(?:57P01|08)}, 'a session that is ended');
    kill 'CONT', $worker;
    is(outcome_of($sessions[3]), '', 'who waits gets it');
    is(join(' ', map { is_done("stopped-$_") } 0 .. 3), '0 0 0 1', 'and nobody else has moved money');

    # A commit that waits for a standby that there isn't: it is made, and nobody can tell.
    @sessions = map { $server->connect } 1 .. 4;
    $sessions[0]->do("SELECT wallet_transfer_grouped('$alice', '$bob', 1)");
    $server->sql(q{ALTER SYSTEM SET synchronous_standby_names = 'nobody'});
    $server->sql('SELECT pg_reload_conf()');
    poll_until(sub { $server->sql('SHOW synchronous_standby_names') eq 'nobody' }, what => 'the reload');
    my $lookup = $server->connect;
    $lookup->do('SET synchronous_commit = local');
    poll_until(
        sub {
            begin_transfer($sessions[0], $alice, $bob, new_key());
            return poll_until(
                sub {
                    $sessions[0]->pg_ready || $server->sql(q{SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'});
                }, what => 'the commit') && !$sessions[0]->pg_ready || (outcome_of($sessions[0]), 0)[1];
        },
        what => 'a worker that waits for a standby');
    begin_transfer($sessions[1], $alice, $bob, 'behind');
    waits_for($sessions[1], 'the queue', $in_queue);
    $server->sql('SELECT pg_cancel_backend(?)', $sessions[0]{pg_pid});
    is(outcome_of($sessions[0]), '40003', 'who stops waiting for what is begun does not know');
    ok($sessions[0]->ping, 'its session goes on');
    $worker = worker();
    $server->sql('SELECT pg_terminate_backend(?)', $worker);
    poll_until(sub { (worker() // 0) != $worker }, what => 'the end of the worker');
    ok(is_done("key-$key"), 'here it was made');
    $server->sql('ALTER SYSTEM RESET synchronous_standby_names');
    $server->sql('SELECT pg_reload_conf()');
    is(outcome_of($sessions[1]), '', 'what lay in the queue is done by the next worker');
    cmp_ok(stat_of('abandoned'), '>=', 1, 'it is counted');
    is_consistent('after callers that left');
};

subtest 'the worker' => sub {
    my @sessions = map { $server->connect } 1 .. 6;
    my $holder = $server->connect;
    $sessions[0]->do("SELECT wallet_transfer_grouped('$alice', '$bob', 1)");
    my $worker = worker();
    kill 'STOP', $worker;
    begin_transfer($sessions[$_], $alice, $bob, "next-$_") for 0 .. 5;
    waits_for($sessions[$_], 'the queue', $in_queue) for 0 .. 5;
    kill 'TERM', $worker;
    kill 'CONT', $worker;
    is(join(' ', map { outcome_of($_) } @sessions), ' ' x 5, 'one that is ended leaves all to the next');
    isnt(worker(), $worker, 'which is another');
    is($server->sql(q{SELECT count(*) FROM wallet_ledger WHERE idempotency_key LIKE 'next-%'}), 6, 'nothing twice');
    $worker = worker();
    kill 'STOP', $worker;
    begin_transfer($sessions[$_], $alice, $bob, "one-$_") for 0 .. 5;
    waits_for($sessions[$_], 'the queue', $in_queue) for 0 .. 5;
    my $groups = stat_of('groups');
    kill 'CONT', $worker;
    is(join(' ', map { outcome_of($_) } @sessions), ' ' x 5, 'all that waits');
    is(stat_of('groups'), $groups + 1, 'is one group');
    is($server->sql(q{SELECT count(DISTINCT xmin::text) FROM wallet_ledger WHERE idempotency_key LIKE 'one-%'}), 1, 'and one transaction');
    $server->sql('SELECT pg_cancel_backend(?)', worker());
    is(error_in($sessions[0], "SELECT wallet_transfer_grouped('$alice', '$bob', 1)"), '', 'a cancel that finds it idle does nothing');
    cmp_ok(stat_of('largest'), '>=', 6, 'the largest group');
    poll_until(sub { !defined worker() }, what => 'the idle worker to go');
    is(error_in($sessions[0], "SELECT wallet_transfer_grouped('$alice', '$bob', 1)"), '', 'and another comes');

    # Two that are equal, and one that is refused, in one group.
    kill 'STOP', worker();
    my @calls = map { "SELECT wallet_transfer_grouped('$alice', '$bob', $_)" } "7, 'twin'", "7, 'twin'", "8, 'twin'", '1000000', "1, 'fine'";
    for (0 .. $#calls)
    {
        $sessions[$_]->do($calls[$_], { pg_async => PG_ASYNC });
        waits_for($sessions[$_], 'the queue', $in_queue);
    }
    kill 'CONT', worker();
    is(join(' ', sort map { outcome_of($sessions[$_]) || 'done' } 0 .. 2), 'WL005 done done', 'equal requests are one operation');
    is(outcome_of($sessions[3]), 'WL002', 'who is refused is refused alone');
    is(outcome_of($sessions[4]), '', 'the rest is done');
    is_consistent('after several workers');
};

subtest 'an error that is nobody\'s own' => sub {
    my @sessions = map { $server->connect } 1 .. 3;

    # An index whose expression fails for one amount.
    $server->sql(q{CREATE FUNCTION inverse(numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE
                   AS 'BEGIN IF $1 = 13 THEN RAISE EXCEPTION ''unlucky in %'', current_user USING ERRCODE = ''P0013''; END IF; RETURN $1; END'});
    $server->sql('CREATE INDEX ledger_inverse ON wallet_ledger (inverse(amount))');
    $sessions[0]->do("SELECT wallet_transfer_grouped('$alice', '$bob', 1)");
    my $alone = stat_of('alone');
    kill 'STOP', worker();
    my @amounts = (12, 13, 14);
    $sessions[$_]->do("SELECT wallet_transfer_grouped('$alice', '$bob', $amounts[$_])", { pg_async => PG_ASYNC }) for 0 .. 2;
    waits_for($sessions[$_], 'the queue', $in_queue) for 0 .. 2;
    kill 'CONT', worker();
    is(join(' ', map { outcome_of($_) || 'done' } @sessions), 'done P0013 done', 'each is tried by itself');
    like($sessions[1]->errstr, qr/unlucky in postgres/, 'with its message');
    is(stat_of('alone'), $alone + 3, 'it is counted');
    $server->sql('DROP INDEX ledger_inverse');

    $server->sql('CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$');
    $server->sql('CREATE TRIGGER nothing BEFORE INSERT ON wallet_ledger FOR EACH ROW EXECUTE FUNCTION nothing()');
    is(error_in($sessions[0], "SELECT wallet_transfer_grouped('$alice', '$bob', 1)"), '55000', 'a trigger is refused');
    like($sessions[0]->errstr, qr/wallet_ledger/, 'and its table named');
    is(error_in($sessions[0], "SELECT wallet_transfer('$alice', '$bob', 1)"), '', 'wallet_transfer fires it');
    $server->sql('DROP TRIGGER nothing ON wallet_ledger');
    is(error_in($sessions[0], "SELECT wallet_transfer_grouped('$alice', '$bob', 1)"), '', 'until it is dropped');
    is_consistent('after errors of the group');
};

subtest 'room' => sub {
    my $session = $server->connect;
    $session->do(q{SET wallet.max_metadata_bytes = '1MB'});
    my $big = q{(SELECT jsonb_build_object('a', string_agg(md5(n::text), '')) FROM generate_series(1, 30000) AS n)};
    is(error_in($session, "SELECT wallet_transfer_grouped('$alice', '$bob', 1, 'big', NULL, $big)"), '', 'large metadata has room');
    is($server->sql(q{SELECT length(metadata ->> 'a') FROM wallet_ledger WHERE idempotency_key = 'big'}), 960_000, 'and is whole');
    my @sessions = map { $server->connect } 1 .. 8;
    kill 'STOP', worker();
    for (@sessions)
    {
        $_->do(q{SET wallet.max_metadata_bytes = '1MB'});
        $_->do("SELECT wallet_transfer_grouped('$alice', '$bob', 1, NULL, NULL, $big)", { pg_async => PG_ASYNC });
    }
    poll_until(sub { stat_of('"full"') >= 1 }, what => 'no room');
    kill 'CONT', worker();
    is(join(' ', map { outcome_of($_) } @sessions), ' ' x 7, 'who finds none waits');
    is_consistent('after large requests');
};

subtest 'databases, and the extension' => sub {
    my $session = $server->connect;
    $session->do("SELECT wallet_transfer_grouped('$alice', '$bob', 1)");
    for my $name (qw(one two))
    {
        $server->sql_in('postgres', "CREATE DATABASE $name");
        $server->sql_in($name, 'CREATE EXTENSION wallet');
        $server->sql_in($name, 'SELECT wallet_fund(wallet_create(?, ?, ?), 5)', 'alice', 'USD', $_) for $alice, $bob;
        $server->sql_in($name, 'SELECT wallet_transfer_grouped(?, ?, 5)', $alice, $bob);
        is($server->sql_in($name, 'SELECT balance FROM wallets WHERE id = ?', $alice), '0.0000', "database $name");
    }
    is($server->sql('SELECT count(*) FROM wallet_stat_groups'), 3, 'each has its row');
    $server->sql_in('one', 'SELECT wallet_transfer_grouped(?, ?, 1)', $bob, $alice);
    $server->disconnect('one');
    $server->sql_in('postgres', 'DROP DATABASE one');
    pass('a database is dropped while its worker is there');

    $server->sql_in('two', 'SELECT wallet_transfer_grouped(?, ?, 1)', $bob, $alice);
    $server->sql_in('two', 'DROP EXTENSION wallet');
    $server->sql_in('two', 'CREATE SCHEMA bank; CREATE EXTENSION wallet SCHEMA bank');
    $server->sql_in('two', 'SELECT bank.wallet_fund(bank.wallet_create(?, ?, ?), 5)', 'alice', 'USD', $_) for $alice, $bob;
    $server->sql_in('two', 'SELECT bank.wallet_transfer_grouped(?, ?, 1)', $bob, $alice);
    is($server->sql_in('two', 'SELECT balance FROM bank.wallets WHERE id = ?', $alice), '6.0000', 'an extension that is made anew');

    # No worker can be had.
    $server->disconnect('two');
    my $crowded = Postgres->new(conf => { max_worker_processes => 0 });
    $crowded->sql('CREATE EXTENSION wallet');
    is($crowded->error_of('SELECT wallet_transfer_grouped(?, ?, 1)', $alice, $bob), '53000', 'without room for a worker');
    $crowded->stop;
};

# Several sessions pay and are paid, while $disturb is done again and again. Each says what became of each of its
# keys: done, refused for certain, or unknown.
sub storm
{
    my ($sessions, $calls, $disturb) = @_;
    my @children;
    for my $number (1 .. $sessions)
    {
        my $file = test_directory() . "/storm.$number";
        my $pid = fork // die "fork: $!";
        push @children, [ $pid, $file ];
        next if $pid;
        open my $out, '>', $file or die "$file: $!";
        my $dbh;
        for my $call (1 .. $calls)
        {
            my $name = "storm-$number-" . $server->port . "-$$-$call";
            my ($from, $to) = (sort { rand() <=> 0.5 } $alice, $bob, $carol)[ 0, 1 ];
            $dbh = eval { $server->connect } until $dbh && $dbh->ping;
            $dbh->do(q{SET statement_timeout = '20ms'}) if $call % 7 == 0;
            # Some have no key: nothing but the metadata tells whether one was made, or made twice.
            my ($key, $metadata) = $call % 3 ? ($name, undef) : (undef, qq({"storm": "$name"}));
            my $id = eval {
                $dbh->selectrow_array('SELECT wallet_transfer_grouped(?, ?, 1, ?, NULL, ?)', undef, $from, $to, $key, $metadata);
            };
            my $state = $id ? 'done' : $dbh->state eq '57014' ? 'refused' : 'unknown';
            print {$out} "$name $state ", $id // $dbh->state, "\n";
            eval { $dbh->do('RESET statement_timeout') } if $call % 7 == 0;
        }
        close $out;
        require POSIX;
        POSIX::_exit(0);
    }
    my %running = map { $_->[0] => 1 } @children;
    my $until = time + patient(60);
    while (%running && time < $until)
    {
        for my $pid (keys %running) { delete $running{$pid} if waitpid($pid, 1) == $pid }
        eval { $disturb->(); 1 } if %running;
        select undef, undef, undef, 0.02;
    }
    is(scalar(keys %running), 0, 'every session comes to an end');
    kill 'KILL', keys %running;
    my %outcome;
    for (@children)
    {
        open my $in, '<', $_->[1] or die;
        while (<$in>) { my ($name, $state, $id) = split; $outcome{$name} = [ $state, $id ] }
    }
    my @made = $server->rows(q{SELECT coalesce(idempotency_key, metadata ->> 'storm') AS name, transaction_id FROM wallet_ledger
        WHERE coalesce(idempotency_key, metadata ->> 'storm') LIKE 'storm-%'});
    my %done = map { $_->{name} => $_->{transaction_id} } @made;
    is(scalar(@made), scalar(keys %done), 'none was made twice');
    my @wrong = grep {
        my ($state, $id) = @{ $outcome{$_} };
        $state eq 'done' ? ($done{$_} // '') ne $id : $state eq 'refused' && $done{$_}
    } keys %outcome;
    is(join(' ', map { "$_ @{$outcome{$_}}" } @wrong), '', 'what was said is true');
    cmp_ok(scalar(grep { $_->[0] eq 'done' } values %outcome), '>', 0, 'some were done');
    is_consistent('after a storm');
    return;
}

subtest 'workers, callers and rows that come and go' => sub {
    my $holder = $server->connect;
    storm(
        6, 150,
        sub {
            my $what = int rand 4;
            $server->sql('SELECT pg_terminate_backend(worker_pid) FROM wallet_stat_groups WHERE worker_pid IS NOT NULL') if $what == 0;
            $server->sql('SELECT pg_cancel_backend(worker_pid) FROM wallet_stat_groups WHERE worker_pid IS NOT NULL') if $what == 1;
            $server->sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT wallet_transfer_grouped%' LIMIT 2}) if $what == 2;
            if ($what == 3)
            {
                $holder->begin_work;
                $holder->do("SELECT wallet_transfer('$alice', '$bob', 1)");
                $holder->rollback;
            }
        });
};

subtest 'a server that crashes' => sub {
    my $crashes = 0;
    storm(
        4, 60,
        sub {
            return if ++$crashes > 60 || $crashes % 20;
            my $pid = $server->sql(q{SELECT pid FROM pg_stat_activity WHERE query LIKE 'SELECT wallet_transfer_grouped%' LIMIT 1}) // return;
            kill 'KILL', $crashes == 40 ? worker() // $pid : $pid;
        });
};

subtest 'shutdown' => sub {
    for my $mode (qw(fast immediate))
    {
        my @sessions = map { $server->connect } 1 .. 3;
        my $name = new_key();
        $sessions[0]->do("SELECT wallet_transfer_grouped('$alice', '$bob', 1, '$name')");
        # Prepared, so that the row is not free for a moment when all sessions are ended.
        my $holder = $server->connect;
        $holder->do($_)
            for 'BEGIN', "SELECT 1 FROM wallets WHERE id = '$alice' FOR UPDATE", "PREPARE TRANSACTION 'holder'";
        begin_transfer($sessions[1], $alice, $bob, "$name-held");
        waits_for($sessions[1], 'the row', $at_lock);
        my $seconds = $server->stop($mode);
        isnt(eval { outcome_of($sessions[1]) } // 'none', '', 'who waits is told');
        $_->{InactiveDestroy} = 1 for @sessions, $holder;
        cmp_ok($seconds, '<', patient(10), "$mode");
        $server->start;
        $server->connect->do(q{ROLLBACK PREPARED 'holder'});
        is(join(' ', is_done($name), is_done("$name-held")), '1 0', 'what was returned is there, what waited is not');
    }
    $server->sql('SELECT wallet_transfer_grouped(?, ?, 1)', $alice, $bob);
    is_consistent('after shutdowns');
};

subtest 'a standby, and a server without' => sub {
    my $standby = $server->standby;
    is($standby->error_of('SELECT wallet_transfer_grouped(?, ?, 1)', $alice, $bob), '25006', 'refused on a standby');
    $standby->stop;
    $server->stop;
    my $without = Postgres->new(conf => { 'wallet.group_memory' => 0 });
    $without->sql('CREATE EXTENSION wallet');
    is($without->error_of('SELECT wallet_transfer_grouped(?, ?, 1)', $alice, $bob), '55000', 'refused without memory for it');
    is($without->sql('SELECT count(*) FROM wallet_stat_groups'), 0, 'the view is empty');
    $without->stop;
};

done_testing;
