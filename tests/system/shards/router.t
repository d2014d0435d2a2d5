# The router: four shards on two servers, and the wallet extension's functions run where the wallet is.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use HTTP::Tiny;
use JSON::PP ();
use Postgres;
use Stack;
use Test::More;
use Wait;

# Without the library: wallet.replayed is the router's there.
my $router  = Postgres->new(conf => { shared_preload_libraries => undef });
my @servers = map { Postgres->new } 0 .. 1;
my @shards  = map { { server => $servers[ $_ % 2 ], name => "shard_$_" } } 0 .. 3;
for my $shard (@shards)
{
    $shard->{server}->sql_in('postgres', "CREATE DATABASE $shard->{name}");
    $shard->{server}->sql_in($shard->{name}, 'CREATE EXTENSION wallet');
}

sub on_shard { my ($n, @call) = @_; return $shards[$n]{server}->sql_in($shards[$n]{name}, @call) }

sub conninfo { my ($n) = @_; return 'host=127.0.0.1 port=' . $shards[$n]{server}->port . " dbname=$shards[$n]{name}" }

# SQLSTATE, message and DETAIL of a call that fails, as a client sees them.
sub error_in
{
    my ($server, $dbname, $sql) = @_;
    my ($code, $out, $err) = $server->psql("\\c $dbname\n\\set VERBOSITY verbose\n$sql;\n");
    my ($state, $message) = $err =~ /ERROR:  (\w{5}): (.*)/;
    my ($detail) = $err =~ /^DETAIL:  (.*)/m;
    return { state => $state, message => $message, detail => $detail };
}

# A wallet of a shard: the last digit chooses it.
sub wallet_of
{
    my ($n, $number) = @_;
    return sprintf '00000000-0000-7000-8000-%09x%03x', $number, $n;
}

$router->sql('CREATE EXTENSION wallet_router CASCADE');
is($router->error_of('SELECT wallet_totals()'), '55000', 'without shards nothing runs');
$router->sql('INSERT INTO wallet_router_shards SELECT * FROM unnest(?::int[], ?::text[])',
    [ 0 .. 3 ], [ map { conninfo($_) } 0 .. 3 ]);

subtest 'the same functions' => sub {
    my $signatures = q{SELECT p.proname || '(' || pg_get_function_arguments(p.oid) || ') ' || pg_get_function_result(p.oid)
        FROM pg_proc AS p JOIN pg_depend AS d ON d.objid = p.oid AND d.deptype = 'e' JOIN pg_extension AS e ON e.oid = d.refobjid
        WHERE e.extname = ? AND p.proname = ? };
    my @names = qw(create fund withdraw transfer transfer_batch transfer_grouped post hold capture release expire_holds reverse
        reverse_force freeze unfreeze close set_limits set_currency currencies get list receipt hold_get hold_list operations
        lookup history activity statement balance_at check totals health);
    for my $name (map { "wallet_$_" } @names)
    {
        is($router->sql($signatures, 'wallet_router', $name), on_shard(0, $signatures, 'wallet', $name), $name);
    }
};

my @wallets = map { wallet_of($_, 1) } 0 .. 3;
subtest 'a call runs where its wallet is' => sub {
    for my $n (0 .. 3)
    {
        is($router->sql('SELECT wallet_create(?, ?, ?)', "user $n", 'USD', $wallets[$n]), $wallets[$n], "create on shard $n");
        ok($router->sql('SELECT wallet_fund(?, 100)', $wallets[$n]), 'fund');
        is(on_shard($n, 'SELECT balance FROM wallets WHERE id = ?', $wallets[$n]), '100.0000', 'there, and nowhere else');
        is($router->sql('SELECT balance FROM wallet_get(?)', $wallets[$n]), '100.0000', 'get');
        is($router->sql('SELECT count(*) FROM wallet_statement(?)', $wallets[$n]), 4, 'statement');
    }
    my $neighbour = wallet_of(4, 1);
    $router->sql('SELECT wallet_create(?, ?, ?)', 'user 0', 'USD', $neighbour);
    my $id = $router->sql('SELECT wallet_transfer(?, ?, 25.5)', $wallets[0], $neighbour);
    is($router->sql('SELECT count(*) FROM wallet_receipt(?)', $id), 2, 'a transfer, found on all shards by its id');
    is($router->sql('SELECT balance FROM wallet_get(?)', $neighbour), '25.5000', 'the payee has it');
    ok($router->sql('SELECT wallet_reverse(?, 5.5)', $id), 'reverse finds the shard of the operation');
    is($router->sql('SELECT balance FROM wallet_get(?)', $neighbour), '20.0000', 'in part');
    ok($router->sql("SELECT wallet_post(ARRAY[ROW(?, ?, 5)::wallet_leg, ROW(?, ?, 5)::wallet_leg])",
        $wallets[0], $neighbour, $neighbour, $wallets[0]), 'an operation of two legs');
    my $hold = $router->sql('SELECT wallet_hold(?, 10)', $wallets[3]);
    is($router->sql('SELECT remaining FROM wallet_hold_get(?)', $hold), '10.0000', 'a hold');
    ok($router->sql('SELECT wallet_capture(?, NULL, 4, false)', $hold), 'capture finds it');
    ok($router->sql('SELECT wallet_release(?)', $hold), 'release too');
    is($router->sql('SELECT status FROM wallet_hold_list(?)', $wallets[3]), 'released', 'as the list says');
};

subtest 'wallets without a given id' => sub {
    my $id = $router->sql("SELECT wallet_create('alice')");
    is($router->sql('SELECT wallet_bucket(?) = wallet_user_bucket(?)', $id, 'alice'), 1, 'the id has the bucket of the user');
    like($id, qr/^\w{8}-\w{4}-7\w{3}-b/, 'and is a UUID version 7');
    is($router->sql('SELECT wallet_user_bucket(?)', 'alice'), hex('2bd'), 'the first 12 bits of SHA-256');
    my $keyed = $router->sql("SELECT wallet_create('alice', idempotency_key => 'create-1')");
    is($router->sql("SELECT wallet_create('alice', idempotency_key => 'create-1')"), $keyed, 'a retry makes no other wallet');
    is($router->sql("SELECT count(*) FROM wallet_list('alice')"), 2, 'both are listed');
    is($router->sql("SELECT count(*) FROM wallet_list('alice', NULL, 1)"), 1, 'by pages');
};

subtest 'errors' => sub {
    my $unknown = wallet_of(2, 99);
    for my $call ("wallet_get('$unknown')", "wallet_withdraw('$wallets[2]', 1000)", "wallet_fund('$wallets[2]', 1.00001)",
        "wallet_fund(NULL, 1)", "wallet_capture('$unknown')", "wallet_reverse('$unknown')", "wallet_post(NULL)",
        "wallet_transfer('$wallets[2]', '$unknown', 1)", "wallet_transfer_batch(ARRAY['$wallets[2]']::uuid[], '{}', '{}')")
    {
        my $told = error_in($router, $router->{dbname}, "SELECT $call");
        is_deeply($told, error_in($servers[0], 'shard_2', "SELECT $call"), "$call: " . ($told->{state} // 'none'));
        ok(defined $told->{state}, 'an error');
    }
};

subtest 'idempotency' => sub {
    my $call = 'SELECT wallet_fund(?, 1, ?)';
    my $id = $router->sql($call, $wallets[1], 'fund-1');
    is($router->sql("SELECT current_setting('wallet.replayed', true)"), 'off', 'the first time it is done');
    is($router->sql($call, $wallets[1], 'fund-1'), $id, 'a retry has the same id');
    is($router->sql("SELECT current_setting('wallet.replayed', true)"), 'on', 'and says that it is one');
    is($router->sql('SELECT transaction_id FROM wallet_lookup(?)', 'fund-1'), $id, 'the key is found on all shards');
    is($router->error_of('SELECT wallet_fund(?, 2, ?)', $wallets[1], 'fund-1'), 'WL005', 'another request with it is refused');
};

subtest 'no transaction block' => sub {
    my $session = $router->connect;
    $session->begin_work;
    is(eval { $session->do('SELECT wallet_fund(?, 1)', undef, $wallets[0]); '' } // $session->state, '25001', 'a write is refused');
    $session->rollback;
    $session->begin_work;
    is($session->selectrow_array('SELECT version FROM wallet_get(?)', undef, $wallets[1]), 2, 'a read is not');
    $session->rollback;
};

subtest 'batches' => sub {
    my @neighbours = map { wallet_of($_ + 4, 2) } 0 .. 3;
    $router->sql('SELECT wallet_create(?, ?, ?)', "user $_", 'USD', $neighbours[$_]) for 0 .. 3;
    my @order = (3, 0, 2, 0, 1, 3);
    my $call  = 'SELECT * FROM wallet_transfer_batch(?::uuid[], ?::uuid[], ?::numeric[], atomic => false)';
    my @rows  = $router->rows($call, [ @wallets[@order] ], [ @neighbours[@order] ], [ 1, 2, 3, 1000, 4, 5 ]);
    is_deeply([ map { $_->{index} } @rows ], [ 1 .. 6 ], 'the answers stand in the order of the items');
    is_deeply([ map { $_->{sqlstate} } @rows ], [ ('00000') x 3, 'WL002', ('00000') x 2 ], 'each item has its own');
    is_deeply([ map { $router->sql('SELECT balance FROM wallet_get(?)', $_) } @neighbours ],
        [qw(2.0000 4.0000 3.0000 6.0000)], 'each shard made its own');
    is($router->error_of($call =~ s/false/true/r, [ @wallets[ 0, 1 ] ], [ @neighbours[ 0, 1 ] ], [ 1, 1 ]),
        '0A000', 'an atomic batch of several shards is refused');
    @rows = $router->rows($call =~ s/false/true/r, [ @wallets[ 1, 1 ] ], [ @neighbours[ 1, 1 ] ], [ 1, 1 ]);
    is(scalar @rows, 2, 'of one shard it is made');
};

subtest 'reads of all' => sub {
    is($router->sql('SELECT count(*) FROM wallet_check()'), 0, 'consistent');
    my ($totals) = $router->rows('SELECT * FROM wallet_totals()');
    is($totals->{difference}, '0.0000', 'the sums of all shards');
    is($totals->{outside_in}, '401.0000', 'are sums');
    my @operations = map { $_->{transaction_id} } $router->rows('SELECT * FROM wallet_operations(max_rows => 100)');
    is_deeply(\@operations, [ reverse sort @operations ], 'operations, the newest first');
    my @page = map { $_->{transaction_id} } $router->rows('SELECT * FROM wallet_operations(max_rows => 3)');
    is_deeply(\@page, [ @operations[ 0 .. $#page ] ], 'by pages');
    cmp_ok(scalar @page, '<=', 4, 'which end with their last operation');
    is($router->sql("SELECT count(*) FROM wallet_router_ages() WHERE age = '0'"), 4, 'each part says how old it is');
};

subtest 'the other calls' => sub {
    my $id = wallet_of(1, 3);
    $router->sql('SELECT wallet_create(?, ?, ?)', 'bob', 'EUR', $id);
    ok($router->sql("SELECT wallet_$_(?)", $id), $_) for qw(freeze unfreeze);
    ok($router->sql('SELECT wallet_set_limits(?, max_balance => 1000)', $id), 'set_limits');
    ok($router->sql('SELECT wallet_close(?)', $id), 'close');
    is($router->error_of('SELECT wallet_fund(?, 1)', $id), 'WL009', 'closed');
    is($router->sql('SELECT status FROM wallet_get(?)', $id), 'closed', 'it is');
    $router->sql("SELECT wallet_hold(?, 1, '1 microsecond')", $wallets[$_]) for 1, 2;
    is($router->sql('SELECT wallet_expire_holds()'), 2, 'expire_holds, on all shards');
    $router->sql("SELECT wallet_set_currency('EUR', 2)");
    is(on_shard($_, "SELECT scale FROM wallet_currencies() WHERE currency = 'EUR'"), 2, "set_currency, on shard $_") for 0 .. 3;
    is($router->sql("SELECT scale FROM wallet_currencies() WHERE currency = 'EUR'"), 2, 'currencies');
    is($router->sql('SELECT balance FROM wallet_balance_at(?, now())', $wallets[3]), '90.0000', 'balance_at');
    is($router->sql('SELECT count(*) FROM wallet_history(?)', $id), 0, 'history');
    is($router->sql('SELECT count(*) FROM wallet_activity(?)', 'bob'), 0, 'activity');
    is($router->sql('SELECT count(*) FROM wallet_health()'), 4, 'health, of each shard');
};

subtest 'rights' => sub {
    my $login = 'o\'tell er\\';
    $_->sql_in('postgres', 'CREATE ROLE "o\'tell er\\" LOGIN') for $router, @servers;
    my $session = $router->connect(user => $login);
    is(eval { $session->do('SELECT wallet_fund(?, 1)', undef, $wallets[0]); '' } // $session->state, '42501', 'nobody calls unasked');
    $router->sql('GRANT EXECUTE ON FUNCTION wallet_fund TO "o\'tell er\\"');
    is(eval { $session->do('SELECT wallet_fund(?, 1)', undef, $wallets[0]); '' } // $session->state, '42501', "the shard's rights count");
    on_shard(0, 'GRANT EXECUTE ON FUNCTION wallet_fund TO "o\'tell er\\"');
    ok(eval { $session->do('SELECT wallet_fund(?, 1)', undef, $wallets[0]) }, 'with both it is done');
    is(on_shard(0, 'SELECT session_user_name FROM wallet_ledger ORDER BY transaction_id DESC LIMIT 1'), $login,
        'by the login that called');
    isnt(eval { $session->do("SELECT plproxy.get_cluster_partitions('wallets')") }, 1, 'and does not see the map');
};

subtest 'a caller has nothing run as the owner' => sub {
    my $login = 'planter';
    $_->sql_in('postgres', "CREATE ROLE $login LOGIN") for $router, @servers;
    my $grant = "GRANT EXECUTE ON FUNCTION wallet_transfer_batch, wallet_list, wallet_get TO $login";
    $router->sql($_) for $grant, "CREATE SCHEMA planted AUTHORIZATION $login";
    on_shard($_, $grant) for 0 .. 3;
    my $session = $router->connect(user => $login);
    # A temporary table, an operator and functions by names that the router's functions might use, each noting who runs it.
    $session->do($_) for (
        'CREATE TABLE planted.ran (who name)',
        'GRANT INSERT ON planted.ran TO PUBLIC',
        'GRANT USAGE ON SCHEMA planted TO PUBLIC',
        'CREATE FUNCTION planted.note() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN INSERT INTO planted.ran VALUES (current_user); RETURN NEW; END $$',
        'CREATE FUNCTION planted.wallet_bucket(uuid) RETURNS integer LANGUAGE plpgsql AS $$
            BEGIN INSERT INTO planted.ran VALUES (current_user); RETURN 0; END $$',
        'CREATE FUNCTION planted.remainder(integer, integer) RETURNS integer LANGUAGE plpgsql AS $$
            BEGIN INSERT INTO planted.ran VALUES (current_user); RETURN 0; END $$',
        'CREATE OPERATOR planted.% (LEFTARG = integer, RIGHTARG = integer, FUNCTION = planted.remainder)',
        'CREATE TEMPORARY TABLE wallet_router_items (index integer, transaction_id uuid, sqlstate text, message text,
            detail jsonb, replayed boolean)',
        'CREATE TRIGGER planted BEFORE INSERT OR DELETE ON wallet_router_items FOR EACH STATEMENT EXECUTE FUNCTION planted.note()',
        'CREATE TEMPORARY TABLE wallet_router_shards (shard integer, conninfo text)',
        'SET search_path = planted, pg_temp, public, pg_catalog');
    my $rows = $session->selectall_arrayref(
        'SELECT sqlstate FROM wallet_transfer_batch(?::uuid[], ?::uuid[], ?::numeric[], atomic => false)',
        undef, [ @wallets[ 0 .. 3 ] ], [ map { wallet_of($_ + 4, 2) } 0 .. 3 ], [ (0.01) x 4 ]);
    is_deeply([ map { $_->[0] } @$rows ], [ ('00000') x 4 ], 'its batch is done');
    ok($session->selectrow_array('SELECT count(*) FROM wallet_list(?)', undef, 'user 0'), 'and its read');
    is_deeply($session->selectcol_arrayref('SELECT DISTINCT who FROM planted.ran'), [], 'and nothing of what it planted');
    $session->disconnect;
};

subtest 'wallet_service on the router' => sub {
    my $service = Stack->start(server => $router, kafka => 0, extension => 0)->another_service(DATABASE_URL => $router->uri);
    $service->start;
    my $ask = sub {
        my ($method, $path, $body, %headers) = @_;
        my $answer = HTTP::Tiny->new->request($method, "$service->{url}$path",
            { headers => { 'Content-Type' => 'application/json', %headers }, defined $body ? (content => JSON::PP::encode_json($body)) : () });
        return ($answer->{status}, eval { JSON::PP::decode_json($answer->{content}) } // {}, $answer->{headers});
    };
    my ($code, $answer) = $ask->('POST', '/wallets', { user_id => 'erin' });
    is($code, 201, 'a wallet is made');
    my $erin = $answer->{id};
    is(on_shard(hex(substr $erin, -3) % 4, 'SELECT user_id FROM wallets WHERE id = ?', $erin), 'erin', 'on the shard of its user');
    ($code, $answer) = $ask->('POST', '/wallets', { user_id => 'erin', currency => 'USD' });
    my $other = $answer->{id};
    ($code, $answer) = $ask->('POST', "/wallets/$erin/fund", { amount => '50' }, 'Idempotency-Key' => 'http fund');
    is($code, 200, 'fund') or diag explain $answer;
    is($answer->{wallet}{balance}, '50.0000', 'with the wallet that it left behind');
    for my $try (0 .. 1)
    {
        ($code, $answer, my $headers) = $ask->('POST', "/wallets/$erin/transfer", { to_wallet_id => $other, amount => '20' }, 'Idempotency-Key' => 'http pay');
        is($code, 200, $try ? 'a replay' : 'transfer') or diag explain $answer;
        is($answer->{wallet}{balance}, '30.0000', 'once');
        is($headers->{'idempotency-replayed'} // 'false', $try ? 'true' : 'false', 'which is told');
    }
    ($code, $answer) = $ask->('POST', "/wallets/$erin/transfer", { to_wallet_id => $other, amount => '31' });
    is($code, 422, 'too much is refused') or diag explain $answer;
    is($answer->{code}, 'WL002', 'by its code');
    is($answer->{available}, '30.0000', 'and figures');
    is(($ask->('GET', "/wallets/$other"))[1]{balance}, '20.0000', 'the payee');
    is($service->stop, 0, 'it stops');
};

subtest 'another map' => sub {
    $servers[1]->kill9;
    isnt($router->error_of('SELECT wallet_fund(?, 1)', $wallets[1]), undef, 'a shard that is away is an error');
    ok($router->sql('SELECT wallet_fund(?, 1)', $wallets[2]), 'the others go on');
    my @rows = $router->rows('SELECT * FROM wallet_transfer_batch(?::uuid[], ?::uuid[], ?::numeric[], atomic => false)',
        [ @wallets[ 1, 2 ] ], [ wallet_of(5, 2), wallet_of(6, 2) ], [ 1, 1 ]);
    is($rows[1]{sqlstate}, '00000', 'also in a batch');
    isnt($rows[0]{sqlstate}, '00000', 'whose other items say what happened');
    $servers[1]->start;
    $router->sql('UPDATE wallet_router_shards SET conninfo = conninfo || ?', ' connect_timeout=5');
    ok($router->sql('SELECT wallet_fund(?, 1)', $wallets[1]), 'a changed map is used with the next call');
};
done_testing;
