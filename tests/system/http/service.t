# wallet_service: every endpoint, what it refuses and how, headers, token, static files, health.
use strict;
use warnings;
use utf8;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Daemon;
use Http;
use JSON::PP ();
use Postgres;
use RawHttp;
use Test::More;
use Wait;

my $root     = abs_path(dirname(__FILE__) . '/../../..');
my $program  = ($ENV{WALLET_BIN} // "$root/kafka_bridge/build") . '/wallet_service';
my $postgres = Postgres->new(conf => { lock_timeout => 0 });
my $UNKNOWN  = 'ffffffff-ffff-7fff-bfff-ffffffffffff';

$postgres->sql('CREATE EXTENSION wallet');
$postgres->psql_file("$root/scripts/stack/roles.sql");

sub service
{
    my (%env) = @_;
    my $port = free_port();
    return Daemon->new(
        name    => 'wallet_service',
        command => [$program],
        url     => "http://127.0.0.1:$port",
        log     => test_directory() . "/wallet_service.$port.log",
        env     => {
            DATABASE_URL => $postgres->uri(user => 'wallet_service'),
            PORT         => $port,
            %env
        });
}

my $service = service(DATABASE_LOCK_TIMEOUT => '300ms')->start;
my $http = Http->new($service->{url});

# The status, and of a problem its code and the values of the keys that are named.
sub refused_ok
{
    my ($answer, $status, $code, $name, %members) = @_;
    my $problem = $answer->{json} // {};

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return subtest $name => sub {
        is($answer->{status}, $status, "status $status") or diag $answer->{content};
        is($answer->{headers}{'content-type'}, 'application/problem+json', 'a problem');
        is($problem->{status}, $status, 'which says so');
        is($problem->{code}, $code, 'code ' . ($code // 'none'));
        ok(length $problem->{title}, 'a title');
        ok(length $problem->{detail}, 'a detail');
        is($problem->{request_id}, $answer->{headers}{'x-request-id'}, 'the id of the request');
        if (ref $members{detail}) { like($problem->{detail}, delete $members{detail}, 'the reason') }
        is($problem->{$_}, $members{$_}, $_) for sort keys %members;
        is($answer->{headers}{'retry-after'}, 1, 'when to try again') if $status == 503;
    };
}

sub wallet_new
{
    my ($user, $fund) = @_;
    my $id = $http->post('/wallets', { user_id => $user })->{json}{id};
    $http->post("/wallets/$id/fund", { amount => $fund }) if $fund;
    return $id;
}

sub balance { return $http->get("/wallets/$_[0]")->{json}{balance} }

subtest 'create' => sub {
    my $answer = $http->post('/wallets', { user_id => 'alice', currency => 'EUR', metadata => { tier => 1 } });
    my $wallet = $answer->{json};

    is($answer->{status}, 201, 'created');
    is($answer->{headers}{location}, "/wallets/$wallet->{id}", 'Location');
    is($answer->{headers}{etag}, '"0"', 'ETag');
    is_deeply(
        { %$wallet{qw(user_id currency balance held available credit_limit max_balance status version metadata)} },
        {   user_id => 'alice', currency => 'EUR', balance => '0.0000', held => '0.0000', available => '0.0000',
            credit_limit => '0.0000', max_balance => undef, status => 'active', version => 0, metadata => { tier => 1 }
        },
        'the wallet');
    like($wallet->{created_at}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/, 'a time of RFC 3339');
    is_deeply($http->get($answer->{headers}{location})->{json}, $wallet, 'is found there');

    my $id = 'a0000000-0000-4000-8000-00000000000A';
    is($http->post('/wallets', { user_id => 'alice', wallet_id => $id })->{json}{id}, lc $id, 'an id of the caller');
    refused_ok($http->post('/wallets', { user_id => 'alice', wallet_id => $id }), 409, '23505', 'once');

    my @key = ('Idempotency-Key' => 'create-1');
    my $first = $http->post('/wallets', { user_id => 'alice' }, @key);
    my $again = $http->post('/wallets', { user_id => 'alice' }, @key);
    is($again->{json}{id}, $first->{json}{id}, 'the same key: the same wallet');
    is_deeply([ $first->{headers}{'idempotency-replayed'}, $again->{headers}{'idempotency-replayed'} ], [ undef, 'true' ], 'and told so');
    refused_ok($http->post('/wallets', { user_id => 'bob' }, @key), 409, 'WL005', 'the key with another request', field => 'user_id');
    refused_ok($http->post('/wallets', {}), 400, '22004', 'no user', detail => qr/^user_id is missing$/);
    refused_ok($http->post('/wallets', { user_id => '' }), 400, '22023', 'an empty user');
    refused_ok($http->post('/wallets', { user_id => 'x' x 101 }), 400, '22023', 'a long user');
    refused_ok($http->post('/wallets', { user_id => 'alice', currency => 'usd' }), 400, '22023', 'no currency');
    refused_ok($http->post('/wallets', { user_id => 'alice' }, 'If-Match' => '"0"'), 400, '22P02', 'If-Match');
};

subtest 'fund and withdraw' => sub {
    my $id = wallet_new('carol');
    my $answer = $http->post("/wallets/$id/fund", { amount => '100.00', metadata => { from => 'card' } }, 'Idempotency-Key' => 'fund-1');

    is($answer->{status}, 200, 'funded');
    is($answer->{json}{wallet}{balance}, '100.0000', 'the wallet after');
    is($answer->{headers}{etag}, '"1"', 'its version');
    my $entry = { version => 1, type => 'FUND', amount => '100.0000', balance_after => '100.0000', held_after => '0.0000' };
    is_deeply($answer->{json}{entry}, $entry, 'its entry');
    my $receipt = $http->get("/transactions/$answer->{json}{transaction_id}")->{json};
    is($receipt->{transaction_id}, $answer->{json}{transaction_id}, 'the receipt');
    is_deeply([ map { @$_{qw(type amount balance_after)} } @{ $receipt->{items} } ], [ 'FUND', '100.0000', '100.0000' ], 'its entry');
    is_deeply($receipt->{items}[0]{metadata}, { from => 'card' }, 'with the metadata');

    is($http->post("/wallets/$id/fund", { amount => 100 }, 'Idempotency-Key' => 'fund-1')->{json}{transaction_id},
        $answer->{json}{transaction_id}, 'again: 100 is 100.00');
    is($http->post("/wallets/$id/withdraw", '{"amount":"0.0001"}')->{json}{wallet}{balance}, '99.9999', 'withdrawn exactly');
    my $replay = $http->post("/wallets/$id/fund", { amount => 100, metadata => { from => 'card' } }, 'Idempotency-Key' => 'fund-1');
    is($replay->{status}, 200, 'once more, later') or diag $replay->{content};
    is_deeply($replay->{json}{entry}, $entry, 'a replay has the entry of the operation');
    is($replay->{json}{wallet}{balance}, '99.9999', 'beside the wallet as it is now');
    is($http->post("/wallets/$id/fund", '{"amount":899999999999999}')->{status}, 200, 'a large integer');
    is(balance($id), '900000000000098.9999', 'keeps every digit');
    refused_ok($http->post("/wallets/$UNKNOWN/fund", { amount => '1' }), 404, 'WL001', 'no such wallet', wallet_id => $UNKNOWN);
};

subtest 'amounts' => sub {
    my $id = wallet_new('dave');
    my $fund = sub { return $http->post("/wallets/$id/fund", $_[0]) };

    for my $fraction ('100.10', '1.0', '1e2', '-0.5')
    {
        refused_ok($fund->(qq({"amount":$fraction})), 400, '22P02', "the number $fraction", detail => qr/^amount must be a string .*fraction/);
    }
    for my $text ('"1e2"', '"0x10"', '"1_000"', '" 1"', '""', '"."', '"1."', '".5"', '"NaN"', 'true', '[]', '{}', '"' . '1' x 65 . '"')
    {
        refused_ok($fund->(qq({"amount":$text})), 400, '22P02', "the amount $text");
    }
    refused_ok($fund->('{"amount":null}'), 400, '22004', 'null is no amount');
    refused_ok($fund->('{"amount":"1.00001"}'), 422, 'WL003', 'five decimals', argument => 'amount', value => '1.00001');
    refused_ok($fund->('{"amount":"-1"}'),      422, 'WL003', 'below 0');
    refused_ok($fund->('{"amount":0}'),         422, 'WL003', 'nothing');
    is($fund->('{"amount":"1.00000"}')->{status}, 200, 'zeros are no decimals');
    is(balance($id), '1.0000', 'nothing else moved');
};

subtest 'bodies' => sub {
    my $id = wallet_new('erin');
    my $path = "/wallets/$id/fund";
    my $body = '{"amount":"1"}';

    for my $type ('text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'application/jsonp')
    {
        refused_ok($http->post($path, $body, 'Content-Type' => $type), 415, 'content_type_unsupported', "Content-Type $type");
    }
    refused_ok($http->post($path, $body, 'Content-Encoding' => 'gzip'), 415, 'content_type_unsupported', 'a body that says it is packed');
    is($http->post($path, $body, 'Content-Encoding' => 'identity')->{status}, 200, 'Content-Encoding identity');
    is($http->post($path, $body, 'Content-Type' => $_)->{status}, 200, "Content-Type $_")
        for 'application/json; charset=utf-8', 'Application/JSON';
    refused_ok($http->request('POST', "/wallets/$id/freeze"), 415, 'content_type_unsupported', 'none at all, though no body is needed');
    my @wrong = (
        [ '',                           qr/^amount is missing$/,              '22004' ],
        [ 'amount=1',                   qr/not a JSON object/,                '22P02' ],
        [ '[]',                         qr/not a JSON object/,                '22P02' ],
        [ '{"amount":"1"',              qr/not valid JSON/,                   '22P02' ],
        [ '{"amount":"1"}}',            qr/not valid JSON/,                   '22P02' ],
        [ '{"amount":"1","ammount":1}', qr/^unknown member "ammount"$/,       '22P02' ],
        [ '{"amount":"1","amount":"2"}', qr/^amount is given twice$/,         '22P02' ],
        [ '{"amount":"1","metadata":[]}', qr/^metadata must be an object$/,   '22P02' ],
        [ qq({"amount":"1","metadata":{"a":"\xff"}}), qr/not valid JSON/,     '22P02' ],
        [ '{"amount":"1","metadata":{"a":"\u0000"}}', qr/not valid JSON/,     '22P02' ]);
    refused_ok($http->post($path, $_->[0]), 400, $_->[2], "the body $_->[0]", detail => $_->[1]) for @wrong;
    refused_ok($http->post($path, { amount => '1', metadata => { a => 'x' x 9000 } }), 400, '22023', 'large metadata');
    is(balance($id), '3.0000', 'only the three good ones were done');

    my $exact = '{"n":12345678901234567890.10,"a":0.1}';
    my $transaction = $http->post($path, qq({"amount":"1","metadata":$exact}))->{json}{transaction_id};
    is($postgres->sql(q{SELECT metadata = ? FROM wallet_ledger WHERE transaction_id = ?}, $exact, $transaction), 1, 'metadata is kept to the digit');
    is($http->post($path, '{"amount":"1","metadata":null}')->{status}, 200, 'null is absent');
    is($http->post('/wallets', '{"user_id":"\ud83d\ude00 \u00e4\"\\\\"}')->{json}{user_id}, "\x{1F600} \xe4\"\\", 'escapes are resolved');
};

# Both have begun before either is done: the second waits for the wallet, and finds the key taken after that.
sub replays_beside_the_first
{
    my ($id) = @_;
    my ($port) = $service->{url} =~ /:(\d+)$/;
    my $holding = $postgres->connect;
    $holding->begin_work;
    $holding->do('SELECT wallet_lock(ARRAY[?::uuid])', undef, $id);
    my $body = '{"amount":"1"}';
    my @both = map { RawHttp->connect($port) } 1, 2;
    $_->send("POST /wallets/$id/withdraw HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            . "Idempotency-Key: both\r\nContent-Length: 14\r\nConnection: close\r\n\r\n$body") for @both;
    poll_until(sub { $postgres->sql(q{SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%wallet_withdraw%'}) == 2 },
        what => 'both to wait');
    $holding->rollback;
    my @answers = map { my $one = $_; my $in = ''; poll_until(sub { my $more = $one->receive; $in .= $more // ''; !defined $more }, what => 'an answer'); $in } @both;
    is(scalar(grep { m{^HTTP/1\.1 200 } } @answers), 2, 'the same request twice at once: both are told that it is done');
    is(scalar(grep { /^Idempotency-Replayed: true\r$/m } @answers), 1, 'one of them that it was done before');
    return;
}

subtest 'transfer' => sub {
    my ($alice, $bob) = (wallet_new('alice', '100'), wallet_new('bob'));
    my $path = "/wallets/$alice/transfer";
    my %request = (to_wallet_id => $bob, amount => '25.00');
    my $answer = $http->post($path, \%request, 'Idempotency-Key' => 'order-17', 'If-Match' => '"1"');

    is($answer->{status}, 200, 'transferred') or diag $answer->{content};
    is($answer->{json}{wallet}{id}, $alice, 'the wallet in the path');
    is($answer->{json}{wallet}{balance}, '75.0000', 'after it');
    is(balance($bob), '25.0000', 'the other one');
    my $again = $http->post($path, \%request, 'Idempotency-Key' => 'order-17', 'If-Match' => '"1"');
    is($again->{json}{transaction_id}, $answer->{json}{transaction_id}, 'again: the same');
    is($again->{headers}{'idempotency-replayed'}, 'true', 'a replay');
    is(balance($alice), '75.0000', 'and nothing moved');
    replays_beside_the_first(wallet_new('twice', '10'));
    refused_ok($http->post($path, { %request, amount => 26 }, 'Idempotency-Key' => 'order-17'), 409, 'WL005', 'another request under the key',
        field => 'amount', stored => '25.0000', sent => '26.0000');
    refused_ok($http->post($path, \%request, 'If-Match' => '"1"'), 412, 'WL004', 'an old version', expected => 1, actual => 2);
    is($http->post($path, \%request, 'If-Match' => '*')->{status}, 200, 'any version');
    refused_ok($http->post($path, \%request, 'If-Match' => $_), 400, '22P02', "If-Match $_") for '1', 'W/"1"', '"1", "2"', '"x"', '""';
    refused_ok($http->post($path, \%request, 'If-Match' => '"99999999999999999999"'), 400, '22003', 'a version beyond all');
    refused_ok($http->post($path, { %request, amount => '1000' }), 422, 'WL002', 'too much', wallet_id => $alice, available => '50.0000', requested => '1000.0000');
    refused_ok($http->post($path, { %request, to_wallet_id => $alice }), 422, 'WL007', 'to itself');
    refused_ok($http->post($path, { %request, to_wallet_id => $UNKNOWN }), 404, 'WL001', 'to nobody');
    refused_ok($http->post($path, { %request, to_wallet_id => 'bob' }), 400, '22P02', 'to a name', detail => qr/^to_wallet_id must be a UUID$/);
    my $euro = $http->post('/wallets', { user_id => 'bob', currency => 'EUR' })->{json}{id};
    refused_ok($http->post($path, { %request, to_wallet_id => $euro }), 422, 'WL006', 'to another currency', expected => 'USD', actual => 'EUR');
    refused_ok($http->post($path, \%request, 'Idempotency-Key' => 'k' x 256), 400, '22023', 'a long key');
    is($http->get('/operations?idempotency_key=order-17')->{json}{transaction_id}, $answer->{json}{transaction_id}, 'found by its key');
    is($http->get('/operations?idempotency_key=order-17')->{json}{operation}, 'wallet_transfer', 'with the operation');
    refused_ok($http->get('/operations?idempotency_key=order-18'), 404, 'WL030', 'a key that is free');
    refused_ok($http->get('/operations'), 400, '22004', 'no key');
    refused_ok($http->get("/transactions/$UNKNOWN"), 404, 'WL030', 'no such operation');
    refused_ok($http->get('/transactions/x'), 400, '22P02', 'no id');
};

subtest 'holds and reversals' => sub {
    my ($alice, $shop) = (wallet_new('alice', '100'), wallet_new('shop'));
    my $hold = $http->post("/wallets/$alice/holds", { amount => '30', expires_in => '1 hour' })->{json};

    is($hold->{wallet}{held}, '30.0000', 'held');
    is($hold->{wallet}{available}, '70.0000', 'and not available');
    my $capture = $http->post("/holds/$hold->{transaction_id}/capture", { to_wallet_id => $shop, amount => '10', final => JSON::PP::false })->{json};
    is($capture->{wallet}{id}, $alice, 'the wallet of the hold');
    is($capture->{wallet}{held}, '20.0000', 'captured in part');
    is_deeply([ @{ $capture->{entry} }{qw(type amount held_after)} ], [ 'CAPTURE_OUT', '10.0000', '20.0000' ], 'its entry');
    is(balance($shop), '10.0000', 'to the shop');
    refused_ok($http->post("/holds/$hold->{transaction_id}/capture", { amount => '21' }), 422, 'WL023', 'more than is held', remaining => '20.0000');
    refused_ok($http->post("/holds/$hold->{transaction_id}/capture", '{"final":"no"}'), 400, '22P02', 'final is no text');
    is($http->post("/holds/$hold->{transaction_id}/release")->{json}{wallet}{held}, '0.0000', 'released');
    refused_ok($http->post("/holds/$hold->{transaction_id}/capture"), 409, 'WL022', 'closed', hold_id => $hold->{transaction_id}, hold_status => 'released');
    refused_ok($http->post("/holds/$UNKNOWN/release"), 404, 'WL020', 'no such hold');
    refused_ok($http->post("/wallets/$alice/holds", { amount => '1', expires_in => 'soon' }), 400, '22007', 'no interval');
    refused_ok($http->post("/wallets/$alice/holds", { amount => '1', expires_in => '15' }), 400, '22P02', '15 of what?', detail => qr/^expires_in needs a unit/);
    refused_ok($http->post("/wallets/$alice/holds", { amount => '1', expires_in => '-1 day' }), 400, '22023', 'an interval into the past');
    is($http->post("/wallets/$alice/holds", { amount => '1' })->{status}, 200, '7 days unless told');

    my $back = $http->post("/transactions/$capture->{transaction_id}/reverse", { amount => '4' }, 'Idempotency-Key' => 'back-1')->{json};
    is($back->{wallet}{id}, $shop, 'the wallet that pays back');
    is($back->{wallet}{balance}, '6.0000', 'in part');
    is($http->post("/transactions/$capture->{transaction_id}/reverse", { amount => '4' }, 'Idempotency-Key' => 'back-1')->{headers}{'idempotency-replayed'}, 'true', 'once');
    refused_ok($http->post("/transactions/$capture->{transaction_id}/reverse", { amount => '7' }), 422, 'WL032', 'more than is left', reversible => '6.0000');
    refused_ok($http->post("/transactions/$hold->{transaction_id}/reverse"), 422, 'WL031', 'a hold', operation_type => 'HOLD');
    my $out = $http->post("/wallets/$alice/withdraw", { amount => '5' })->{json}{transaction_id};
    is($http->post("/transactions/$out/reverse")->{json}{wallet}{id}, $alice, 'money from outside: the wallet that gets it');
};

subtest 'forced reversal' => sub {
    my ($alice, $shop) = (wallet_new('alice', '10'), wallet_new('shop'));
    my $paid = $http->post("/wallets/$alice/transfer", { to_wallet_id => $shop, amount => '10' })->{json}{transaction_id};

    $http->post("/wallets/$shop/withdraw", { amount => '10' });
    refused_ok($http->post("/transactions/$paid/reverse"), 422, 'WL002', 'the payee has spent it');
    my $forced = $http->post("/transactions/$paid/reverse-force", { amount => '4' });
    is($forced->{status}, 200, 'forced') or diag $forced->{content};
    is($forced->{json}{wallet}{balance}, '-4.0000', 'below its floor');
};

subtest 'states and limits' => sub {
    my $id = wallet_new('frank', '10');

    is($http->post("/wallets/$id/freeze", { metadata => { why => 'fraud' } })->{json}{wallet}{status}, 'frozen', 'frozen');
    refused_ok($http->post("/wallets/$id/freeze"), 409, 'WL008', 'twice');
    refused_ok($http->post("/wallets/$id/withdraw", { amount => '1' }), 409, 'WL008', 'nothing moves');
    is($http->post("/wallets/$id/unfreeze")->{json}{wallet}{status}, 'active', 'active again');
    refused_ok($http->post("/wallets/$id/unfreeze"), 409, 'WL012', 'twice');
    my $limits = $http->post("/wallets/$id/limits", { credit_limit => '5', max_balance => '12' })->{json}{wallet};
    is_deeply([ @$limits{qw(credit_limit max_balance available)} ], [ '5.0000', '12.0000', '15.0000' ], 'limits');
    refused_ok($http->post("/wallets/$id/fund", { amount => '3' }), 422, 'WL010', 'above the limit');
    my $set = sub { return [ @{ $http->post("/wallets/$id/limits", $_[0])->{json}{wallet} }{qw(credit_limit max_balance)} ] };
    is_deeply($set->({ credit_limit => '6' }), [ '6.0000', '12.0000' ], 'absent leaves the cap');
    is_deeply($set->({ max_balance => '13' }), [ '6.0000', '13.0000' ], 'and the credit');
    is_deeply($set->({ max_balance => undef }), [ '6.0000', undef ], 'null lifts the cap');
    is_deeply($set->({ credit_limit => undef, max_balance => '12' }), [ '6.0000', '12.0000' ], 'and leaves the credit');
    refused_ok($http->post("/wallets/$id/limits", $_), 400, '22023', "nothing at all: $_") for '{}', '{"credit_limit":null}', '{"metadata":{}}';
    refused_ok($http->post("/wallets/$id/close"), 409, 'WL011', 'not empty', balance => '10.0000');
    $http->post("/wallets/$id/withdraw", { amount => '10' });
    is($http->post("/wallets/$id/close")->{json}{wallet}{status}, 'closed', 'closed');
    refused_ok($http->post("/wallets/$id/fund", { amount => '1' }), 409, 'WL009', 'for ever');
};

subtest 'batches' => sub {
    my ($alice, $bob) = (wallet_new('alice', '10'), wallet_new('bob'));
    my $item = sub { return { from_wallet_id => $_[0], to_wallet_id => $_[1], amount => $_[2], defined $_[3] ? (idempotency_key => $_[3]) : () } };
    my $key  = qq(batch "1", {a}\\,b \x{20AC});
    my $answer = $http->post('/transfers', { transfers => [ $item->($alice, $bob, '3', $key), $item->($bob, $alice, 1) ] });

    is($answer->{status}, 200, 'done') or diag $answer->{content};
    is_deeply([ map { @$_{qw(index code message)} } @{ $answer->{json}{items} } ], [ 1, '00000', undef, 2, '00000', undef ], 'item by item');
    my $again = $http->post('/transfers', { transfers => [ $item->($alice, $bob, '3', $key), $item->($bob, $alice, 1, 'batch-2'), $item->($bob, $alice, 1, 'batch-2') ] });
    is_deeply([ map { !!$_->{replayed} } @{ $again->{json}{items} } ], [ !!1, !!0, !!1 ], 'a repeated item says so, also within a batch');
    is($postgres->sql('SELECT transaction_id FROM wallet_lookup(?)', $key), $answer->{json}{items}[0]{transaction_id}, 'the key as it was sent');
    refused_ok($http->post('/transfers', { transfers => [ $item->($alice, $bob, 1), $item->($alice, $bob, 100) ] }), 422, 'WL002', 'all or nothing', index => 2);
    is(balance($alice), '9.0000', 'nothing of it');
    my @items = @{ $http->post('/transfers', { atomic => JSON::PP::false, transfers => [ $item->($alice, $bob, 1), $item->($alice, $bob, 100) ] })->{json}{items} };
    is_deeply([ map { $_->{code} } @items ], [ '00000', 'WL002' ], 'not atomic: each for itself');
    like($items[1]{message}, qr/insufficient funds/, 'with its reason');
    is_deeply([ @{ $items[1]{detail} }{qw(wallet_id requested)} ], [ $alice, '100.0000' ], 'and what a program needs of it');
    is(balance($alice), '8.0000', 'one of two');
    my @wrong = (
        [ '{}', qr/^transfers is missing$/ ],
        [ '{"transfers":{}}', qr/must be an array/ ],
        [ '{"transfers":[]}', qr/at least one/ ],
        [ '{"transfers":[1]}', qr/must be an array of objects/ ],
        [ qq({"transfers":[{"from_wallet_id":"$alice","to_wallet_id":"$bob"}]}), qr/item 1: amount is missing$/ ],
        [ qq({"transfers":[{"from_wallet_id":"$alice","to_wallet_id":"$bob","amount":1.5}]}), qr/item 1: amount must be a string/ ],
        [ qq({"transfers":[{"from_wallet_id":"$alice","to_wallet_id":"$bob","amount":1,"note":1}]}), qr/item 1 has a member other than/ ],
        [ qq({"transfers":[{"from_wallet_id":"$alice","to_wallet_id":"$bob","amount":1,"amount":2}]}), qr/given twice/ ],
        [ qq({"transfers":[{"from_wallet_id":"$alice","to_wallet_id":7,"amount":1}]}), qr/item 1: to_wallet_id must be a UUID/ ]);
    refused_ok($http->post('/transfers', $_->[0]), 400, $_->[0] eq '{}' ? '22004' : '22P02', $_->[0], detail => $_->[1]) for @wrong;
    refused_ok($http->post('/transfers', { transfers => [ $item->($alice, $bob, 1) ] }, 'Idempotency-Key' => 'x'), 400, '22P02', 'a key for all', detail => qr/idempotency_key/);
};

subtest 'reads' => sub {
    my $user = 'gr/ace %ä';
    my $id   = wallet_new($user, '10');
    my $other = $http->post('/wallets', { user_id => $user, currency => 'EUR' })->{json}{id};

    is_deeply([ map { $_->{id} } @{ $http->get('/users/gr%2Face%20%25%C3%A4/wallets')->{json}{items} } ], [ $id, $other ], 'a user with an odd name, oldest first');
    is_deeply($http->get('/users/nobody/wallets')->{json}, { items => [], next => undef }, 'nobody has none');
    refused_ok($http->get("/wallets/$UNKNOWN"), 404, 'WL001', 'no such wallet');
    refused_ok($http->get('/wallets/1'), 400, '22P02', 'no id');
    refused_ok($http->get('/users/%FF/wallets'), 400, '22021', 'a user who is no text');
    my @rows = @{ $http->get("/wallets/$id/statement")->{json}{items} };
    is_deeply([ map { $_->{type} } @rows ], [qw(OPENING CREATED FUND CLOSING)], 'a statement');
    my $since = $rows[2]{created_at};
    is_deeply([ map { $_->{type} } @{ $http->get("/wallets/$id/statement?since=$since")->{json}{items} } ], [qw(OPENING FUND CLOSING)], 'since is inclusive');
    is_deeply([ map { $_->{type} } @{ $http->get("/wallets/$id/statement?until=$since")->{json}{items} } ], [qw(OPENING CREATED CLOSING)], 'until is exclusive');
    is($http->get("/wallets/$id/statement?since=$_")->{status}, 200, "since $_") for '2026-01-31', '2026-01-31T10:00:00+01:00', '2026-01-31T10:00:00.5Z';
    refused_ok($http->get("/wallets/$id/statement?since=$_"), 400, '22P02', "since $_") for 'yesterday', '2026', '2026-01-31T10:00', 'infinity', '2026-01-31x';
    refused_ok($http->get("/wallets/$id/statement?since=2026-02-31"), 400, '22008', 'no such day');
    refused_ok($http->get("/wallets/$id/statement?since=2026-02-02&until=2026-02-01"), 400, '22023', 'backwards');
    my $moment = $http->get("/wallets/$id/statement")->{json}{items}[2]{created_at};
    is_deeply($http->get("/wallets/$id/balance?at=$moment")->{json}, { balance => '10.0000', held => '0.0000', version => 1 }, 'what it had');
    refused_ok($http->get("/wallets/$id/balance?at=2020-01-01"), 404, 'WL001', 'before its creation', detail => qr/did not exist at that time/);
    refused_ok($http->get("/wallets/$id/balance"), 400, '22004', 'when?', detail => qr/^at is missing$/);
    refused_ok($http->get("/wallets/$UNKNOWN/balance?at=2026-01-01"), 404, 'WL001', 'of nobody');
    my @totals = @{ $http->get('/totals')->{json}{items} };
    is_deeply([ map { $_->{currency} } @totals ], [qw(EUR USD)], 'totals of each currency');
    is_deeply([ map { $_->{difference} } @totals ], [ ('0.0000') x 2 ], 'which balance');
    my $page = $http->get('/totals?limit=1')->{json};
    is_deeply([ scalar @{ $page->{items} }, $page->{next} ], [ 1, 'EUR' ], 'a page of them');
    refused_ok($http->get('/totals?after=eur'), 400, '22P02', 'a cursor that no page had', detail => qr/^after must be a currency/);
    $page = $http->get('/totals?limit=1&after=EUR')->{json};
    is_deeply([ $page->{items}[0]{currency}, $page->{next} ], [ 'USD', undef ], 'and the next');
    is($http->get('/pipeline')->{json}{status}, 'no_slot', 'the pipeline: nothing reads the WAL here');
};

# Every item once, in order, whatever the size of a page.
sub pages
{
    my ($path, $cursor, $limit) = @_;
    my ($after, @items);
    for (1 .. 1000)
    {
        my $page = $http->get($path . ($path =~ /\?/ ? '&' : '?') . "limit=$limit" . (defined $after ? "&$cursor=$after" : ''));
        is($page->{status}, 200, "a page of $path") or diag $page->{content};
        push @items, @{ $page->{json}{items} };
        $after = $page->{json}{next};
        return @items unless defined $after;
    }
    BAIL_OUT("$path has no end");
}

subtest 'pages' => sub {
    my ($alice, $bob) = (wallet_new('pam', '1000'), wallet_new('paul'));
    my @holds = map { $http->post("/wallets/$alice/holds", { amount => $_ })->{json}{transaction_id} } 1 .. 5;
    $http->post("/holds/$holds[1]/release");
    $http->post("/holds/$holds[2]/capture", { amount => '1', final => JSON::PP::false });
    my $posted = $http->post('/operations', { legs => [ map { { from_wallet_id => $alice, to_wallet_id => $bob, amount => $_ } } 1 .. 4 ], metadata => { order => '17' } },
        'Idempotency-Key' => 'post-1');

    is($posted->{status}, 200, 'posted') or diag $posted->{content};
    is_deeply([ map { $_->{entry} } @{ $posted->{json}{items} } ], [ 1 .. 8 ], 'the entries, numbered');
    is($posted->{json}{next}, undef, 'all of them');
    my $receipt = "/transactions/$posted->{json}{transaction_id}";
    is_deeply([ pages($receipt, 'after', $_) ], $posted->{json}{items}, "the receipt by $_") for 1, 3, 8, 50;
    is($http->post('/operations', { legs => [ map { { from_wallet_id => $alice, to_wallet_id => $bob, amount => $_ } } 1 .. 4 ], metadata => { order => '17' } },
            'Idempotency-Key' => 'post-1')->{headers}{'idempotency-replayed'}, 'true', 'once');
    refused_ok($http->post('/operations', { legs => [] }), 400, '22P02', 'no legs', detail => qr/^legs must have at least one item$/);
    refused_ok($http->post('/operations', { legs => [ { from_wallet_id => $alice, to_wallet_id => $bob, amount => '1', idempotency_key => 'x' } ] }), 400, '22P02',
        'a key of a leg', detail => qr/to_wallet_id and amount$/);
    refused_ok($http->post('/operations', { legs => [ { from_wallet_id => $bob, to_wallet_id => $alice, amount => '5000' } ] }), 422, 'WL002', 'too much', index => 1);

    my @listed = pages("/wallets/$alice/holds", 'after', 2);
    is_deeply([ map { $_->{hold_id} } @listed ], \@holds, 'holds, oldest first');
    is_deeply([ @{ $listed[2] }{qw(amount captured released remaining status)} ], [ '3.0000', '1.0000', '0.0000', '2.0000', 'open' ], 'what remains');
    is_deeply($http->get("/holds/$holds[2]")->{json}, $listed[2], 'one of them');
    is_deeply([ map { $_->{hold_id} } pages("/wallets/$alice/holds?status=released", 'after', 50) ], [ $holds[1] ], 'by status');
    refused_ok($http->get("/wallets/$alice/holds?status=lost"), 400, '22023', 'no such status');
    refused_ok($http->get("/holds/$UNKNOWN"), 404, 'WL020', 'no such hold');

    my @whole = grep { $_->{type} !~ /^(?:OPENING|CLOSING)$/ } @{ $http->get("/wallets/$alice/statement?limit=1000")->{json}{items} };
    is_deeply([ map { $_->{version} } @whole ], [ 0 .. $#whole ], 'a statement');
    for my $limit (1, 3, scalar @whole)
    {
        my @rows = pages("/wallets/$alice/statement", 'after', $limit);
        is_deeply([ grep { $_->{type} !~ /^(?:OPENING|CLOSING)$/ } @rows ], \@whole, "by $limit");
    }
    is_deeply([ map { $_->{id} } pages('/users/pam/wallets', 'after', 1) ], [$alice], 'one wallet');
    my @more = ($bob, map { wallet_new('paul') } 1 .. 6);
    is_deeply([ map { $_->{id} } pages('/users/paul/wallets', 'after', $_) ], \@more, "wallets by $_") for 1, 2, 7;

    my $of = sub { return map { "$_->{type} $_->{amount}" } pages("/transactions?$_[0]", 'before', $_[1] // 50) };
    is_deeply([ $of->('user_id=paul&type=TRANSFER_IN') ], [ map { "TRANSFER_IN $_.0000" } reverse 1 .. 4 ], 'a search by user and type');
    is_deeply([ $of->('user_id=pam&type=HOLD,RELEASE', 1) ], [ 'RELEASE 2.0000', map { "HOLD $_.0000" } reverse 1 .. 5 ], 'by several types');
    is_deeply([ $of->('metadata.order=17&min_amount=2&max_amount=3&type=TRANSFER_OUT') ], [ 'TRANSFER_OUT 3.0000', 'TRANSFER_OUT 2.0000' ], 'by metadata and amount');
    is_deeply([ $of->('metadata.order=17&metadata.shop=1') ], [], 'by all of it');
    is_deeply([ $of->('currency=EUR&user_id=pam') ], [], 'by currency');
    is_deeply([ $of->("since=$whole[0]{created_at}&until=$whole[2]{created_at}&user_id=pam") ], [ 'FUND 1000.0000', 'CREATED 0.0000' ], 'by period');
    refused_ok($http->get('/transactions?type=DONATION'), 400, '22023', 'no such type');
    refused_ok($http->get('/transactions?type=fund'), 400, '22P02', 'no type at all');
    refused_ok($http->get("$_?limit=0"), 400, '22P02', "$_: no page of 0") for '/transactions', $receipt, "/wallets/$alice/statement", "/wallets/$alice/holds", '/users/pam/wallets';
    refused_ok($http->get("$_?limit=1001"), 400, '22P02', "$_: nor of 1001", detail => qr/^limit must be a number from 1 to 1000$/) for '/transactions', '/totals';
};

# What was stored in one call can be read, however much it is.
subtest 'more than 10000 of each' => sub {
    my ($alice, $bob) = (wallet_new('hoarder', '100000'), wallet_new('heir'));
    my $posted = $http->post('/operations', { legs => [ map { { from_wallet_id => $alice, to_wallet_id => $bob, amount => '1' } } 1 .. 6000 ] });

    is($posted->{status}, 200, 'posted') or diag $posted->{content};
    is_deeply([ scalar @{ $posted->{json}{items} }, $posted->{json}{next} ], [ 1000, '1000' ], 'the first page');
    my $receipt = "/transactions/$posted->{json}{transaction_id}";
    is_deeply([ map { $_->{entry} } pages($receipt, 'after', 1000) ], [ 1 .. 12000 ], 'all entries');
    $http->post('/operations', { legs => [ map { { from_wallet_id => $alice, to_wallet_id => $bob, amount => '1' } } 1 .. 5000 ] });
    is(scalar(grep { $_->{type} eq 'TRANSFER_OUT' } pages("/wallets/$alice/statement", 'after', 1000)), 11000, 'the statement');
    $postgres->sql(q{SELECT count(wallet_create('hoarder')) FROM generate_series(1, 10001)});
    is(scalar(pages('/users/hoarder/wallets', 'after', 1000)), 10002, 'the wallets');
    my $key = 'k' x 36;
    my $batch = $http->post('/transfers', { transfers => [ map { { from_wallet_id => $alice, to_wallet_id => $bob, amount => '1.0000', idempotency_key => "$key$_" } } 1 .. 10000 ] });
    is($batch->{status}, 200, 'a batch as large as wallet.max_batch_items');
    is(scalar @{ $batch->{json}{items} }, 10000, 'is answered whole');
    for my $case ([ '/transfers', 4194304 ], [ '/operations', 4194304 ], [ "/wallets/$alice/fund", 1048576 ])
    {
        my ($path, $most) = @$case;
        my ($port)   = $service->{url} =~ /:(\d+)$/;
        my ($answer) = RawHttp::exchange($port, [ "POST $path HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " . ($most + 1) . "\r\n\r\n" ]);
        is($answer->{statuses}[0], 413, "a larger body of $path");
        like($answer->{bytes}, qr/"detail":"the body may have at most $most bytes","limit_bytes":$most,"code":"body_too_large"/, 'is told how much it may be');
    }
};

# A misspelt filter must not answer something else with 200.
subtest 'parameters' => sub {
    my $id = wallet_new('mallory', '1');

    for my $path ("/wallets/$id", '/users/mallory/wallets', "/wallets/$id/holds", "/holds/$UNKNOWN", '/transactions', "/wallets/$id/statement", "/wallets/$id/balance", "/wallets/$id/history/live",
        "/transactions/$UNKNOWN", '/operations', '/totals', '/pipeline', '/health', '/live', '/metrics', '/openapi.json', '/')
    {
        refused_ok($http->get("$path?limt=5"), 400, 'malformed_request', "$path?limt=5", detail => qr/^unknown parameter "limt" in the query$/);
    }
    refused_ok($http->get("/wallets/$id/statement?since=2026-01-01&since=2026-01-02"), 400, 'malformed_request', 'given twice',
        detail => qr/^the parameter "since" of the query is given twice$/);
    refused_ok($http->post("/wallets/$id/fund?dry_run=1", { amount => 1 }), 400, 'malformed_request', 'of an operation', detail => qr/"dry_run"/);
    is(balance($id), '1.0000', 'which was not done');
};

subtest 'HTTP' => sub {
    refused_ok($http->get('/'),          404, 'path_unknown', 'no page') if !-d "$root/kafka_bridge/service/console";
    refused_ok($http->get('/nothing'),   404, 'path_unknown', 'no such path');
    my $answer = $http->request('DELETE', "/wallets/$UNKNOWN");
    refused_ok($answer, 405, 'method_not_allowed', 'no such method');
    is($answer->{headers}{allow}, 'GET, HEAD', 'Allow');
    is($http->request('HEAD', '/users/alice/wallets')->{status}, 200, 'HEAD');
    is($http->get('/live')->{json}{status}, 'alive', 'alive');
    my $health = $http->get('/health');
    is_deeply([ $health->{status}, $health->{json}{status}, $health->{json}{program} ], [ 200, 'ready', 'wallet_service' ], 'ready');
    cmp_ok($service->metric('wallet_service_requests_total', status => '4xx'), '>', 50, 'requests are counted by status');
    cmp_ok($service->metric('wallet_service_request_seconds_count', endpoint => 'fund'), '>', 20, 'and timed by endpoint');
    is($service->metric('wallet_service_pool_connections', pool => 'write'), 16, 'the pool');
};

subtest 'an operation that waits for another' => sub {
    my ($alice, $bob) = (wallet_new('alice', '10'), wallet_new('bob'));
    my $before = $service->metric('wallet_service_retries_total');
    my $session = $postgres->connect;

    $session->begin_work;
    $session->do('SELECT wallet_lock(ARRAY[?::uuid])', {}, $alice);
    refused_ok($http->post("/wallets/$alice/transfer", { to_wallet_id => $bob, amount => 1 }), 503, '55P03', 'a wallet that stays locked');
    is($service->metric('wallet_service_retries_total') - $before, 4, 'after five attempts');
    is($http->get("/wallets/$alice")->{status}, 200, 'reads do not wait');
    $session->rollback;
    is($http->post("/wallets/$alice/transfer", { to_wallet_id => $bob, amount => 1 })->{status}, 200, 'then it works');
};

# What a session took over when it began stays with it: it has to be renewed.
subtest 'a session that may not write' => sub {
    my $id = wallet_new('grace', '1');

    $postgres->sql('ALTER ROLE wallet_service SET default_transaction_read_only = on');
    my $single = service(DATABASE_POOL_SIZE => 1)->start;
    $postgres->sql('ALTER ROLE wallet_service RESET default_transaction_read_only');
    my $asked = Http->new($single->{url});
    refused_ok($asked->post("/wallets/$id/fund", { amount => '1' }), 503, '25006', 'read only');
    poll_until(sub { $asked->post("/wallets/$id/fund", { amount => '1' })->{status} == 200 }, what => 'another session');
    is(balance($id), '2.0000', 'the next one may');
    is($single->stop, 0, 'stopped');
};

subtest 'rights of the database' => sub {
    my $poor = service(DATABASE_URL => $postgres->uri(user => 'wallet_user'))->start;
    my $id   = wallet_new('heidi', '1');
    my $asked = Http->new($poor->{url});

    is($asked->post("/wallets/$id/withdraw", { amount => '1' })->{status}, 200, 'an application may withdraw');
    refused_ok($asked->post("/wallets/$id/freeze"), 403, '42501', 'but not freeze');
    is($poor->stop, 0, 'stopped');
};

subtest 'token' => sub {
    my $guarded = service(BEARER_TOKEN => 'first-token-0123456,second-token-012345')->start;
    my $id = wallet_new('ivan', '1');
    my $answer = Http->new($guarded->{url})->get("/wallets/$id");

    refused_ok($answer, 401, 'token_needed', 'without one');
    is($answer->{headers}{'www-authenticate'}, 'Bearer', 'and told which kind');
    my $try = sub { return Http->new($guarded->{url}, headers => { Authorization => $_[0] })->get("/wallets/$id")->{status} };
    is($try->("Bearer $_"), 200, "$_ is good") for 'first-token-0123456', 'second-token-012345';
    is($try->($_), 401, "not: $_") for 'Bearer first-token-012345', 'Bearer first-token-01234567', 'Basic first-token-0123456', 'Bearer ', 'first-token-0123456',
        'Bearer first-token-0123456,second-token-012345';
    my $nobody = Http->new($guarded->{url});
    is($nobody->get($_)->{status}, 200, "$_ needs none") for qw(/health /live /metrics);
    is($nobody->post("/wallets/$id/fund", { amount => 1 })->{status}, 401, 'nothing is done without');
    my $masked = `BEARER_TOKEN=first-token-0123456 $program --print-config 2>&1`;
    unlike($masked, qr/first-token/, 'never printed');
    is($guarded->stop, 0, 'stopped');
};

subtest 'configuration' => sub {
    my %wrong = (
        BEARER_TOKEN       => 'short',
        DATABASE_POOL_SIZE => '0',
        DATABASE_READ_URL  => 'postgresql://a@b:c/d',
        DATABASE_URL       => 'postgresql://x:y@z:w',
        PORT               => '70000',
        LISTEN_ADDRESS     => '192.0.2.1');
    for my $name (sort keys %wrong)
    {
        my $started = service($name => $wrong{$name});
        $started->start(ready => 0);
        is($started->wait_exit(20), 78, "$name=$wrong{$name}: exit code 78");
        like($started->log_since(0), qr/^wallet_service: .*\Q$name\E|level=error.*cannot listen/m, 'and named');
    }
    is(system("$program --nonsense >/dev/null 2>&1") >> 8, 64, 'an unknown flag: 64');
    like(`$program --version`, qr/^wallet_service \d+\.\d+/, '--version');
};

subtest 'no extension' => sub {
    $postgres->sql_in('postgres', 'CREATE DATABASE empty');
    my $started = service(DATABASE_URL => $postgres->uri(dbname => 'empty'));
    $started->start(ready => 0);
    poll_until(sub { ($started->get('/health'))[1] =~ /CREATE EXTENSION wallet/ }, what => 'the reason in /health');
    is(($started->get('/health'))[0], 503, 'not ready');
    refused_ok(Http->new($started->{url})->get("/wallets/$UNKNOWN"), 503, 'unavailable', 'asked all the same');
    $postgres->sql_in('empty', 'CREATE SCHEMA bank');
    $postgres->sql_in('empty', 'CREATE EXTENSION wallet SCHEMA bank');
    $started->wait_ready;
    is(Http->new($started->{url})->post('/wallets', { user_id => 'judy' })->{status}, 201, 'once it is there, in any schema');
    is($started->stop, 0, 'stopped');
};

is($service->stop, 0, 'stops when asked');
done_testing;
