# Transfers that go together: each is answered as it would be by itself, whatever the others of its batch are, and
# whatever happens to clients, wallets and PostgreSQL meanwhile.
use strict;
use warnings;
use utf8;

use Cwd qw(abs_path);
use Digest::SHA qw(sha256_hex);
use Encode qw(encode_utf8);
use File::Basename qw(dirname);
use JSON::PP ();
use Time::HiRes qw(time);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Daemon;
use Http;
use HttpLoad;
use Postgres;
use RawHttp;
use Test::More;
use Wait;

my $root     = abs_path(dirname(__FILE__) . '/../../..');
my $program  = ($ENV{WALLET_BIN} // "$root/kafka_bridge/build") . '/wallet_service';
my $json     = JSON::PP->new->utf8->canonical;
my $postgres = Postgres->new;
my $folder   = test_directory();

$postgres->sql('CREATE EXTENSION wallet');
$postgres->psql_file("$root/scripts/stack/roles.sql");

sub token_of { return "token-of-$_[0]-0123456789" }

sub service
{
    my ($name, %env) = @_;
    my $port = free_port();
    return Daemon->new(
        name    => 'wallet_service',
        command => [$program],
        url     => "http://127.0.0.1:$port",
        log     => "$folder/$name.log",
        env     => {
            DATABASE_URL             => $postgres->uri(user => 'wallet_service'),
            PORT                     => $port,
            HTTP_CLIENT_REQUESTS_MAX => 1000,
            %env
        })->start;
}

# One that never batches says what is right. The other has one lane: what comes while a transfer is under way waits.
my $alone    = service('alone', TRANSFER_BATCH_MAX => 1);
my $together = service('together', TRANSFER_BATCH_LANES => 1);

sub port_of { return $_[0]{url} =~ /(\d+)$/ ? $1 : die }

# The bytes of a POST.
sub request
{
    my ($path, $body, %header) = @_;
    my $content = ref $body ? $json->encode($body) : $body;

    %header = ('Content-Type' => 'application/json', Connection => 'close', %header);
    return join "\r\n", "POST $path HTTP/1.1", 'Host: 127.0.0.1', (map { "$_: $header{$_}" } sort keys %header),
        'Content-Length: ' . length $content, '', $content;
}

sub transfer
{
    my ($from, $to, $amount, %header) = @_;
    return request("/wallets/$from/transfer", { to_wallet_id => $to, amount => "$amount" }, %header);
}

# The answers to requests that are sent at once.
sub ask
{
    my ($service, $requests, %option) = @_;
    my @answers = RawHttp::exchange(port_of($service), $requests, at_once => scalar @$requests, seconds => 60, %option);
    return map { answer_of($_) } @answers;
}

sub answer_of
{
    my ($answer) = @_;
    my ($head, $content) = split /\r\n\r\n/, $answer->{bytes}, 2;
    my ($first, @headers) = split /\r\n/, $head // '';
    my ($status) = ($first // '') =~ / (\d+)/;
    my %header = map { /^(.*?): (.*)$/ ? (lc $1 => $2) : () } @headers;

    return {
        status  => $status // 0,
        header  => \%header,
        content => $content,
        json    => ($content // '') =~ /^\{/ ? $json->decode($content) : undef,
        seconds => $answer->{seconds}
    };
}

sub wallets
{
    my ($count, %option) = @_;
    return map { $_->{id} } $postgres->rows(
        q{SELECT wallet_create('user' || n) AS id FROM generate_series(1, ?) AS n}, $count) unless $option{fund};
    return map { $_->{id} } $postgres->rows(
        q{WITH made AS MATERIALIZED (SELECT wallet_create('user' || n) AS id FROM generate_series(1, ?) AS n)
          SELECT id FROM made, wallet_fund(id, ?)}, $count, $option{fund});
}

# How many transfers a batch has done.
sub batched
{
    my ($service) = @_;
    return $service->metric('wallet_service_batch_transfers_sum') - $service->metric('wallet_service_batch_rest_total');
}

# Runs the code, which asks for a number of transfers at once, until so many of them have gone together: how many do
# is for the machine to say.
sub until_batched
{
    my ($count, $code) = @_;
    my $before = batched($together);
    my $round  = 0;
    poll_until(sub { $code->(++$round); return batched($together) - $before >= $count }, what => "$count transfers in batches");
    return;
}

sub ledger_ok
{
    my ($name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is_deeply([ $postgres->rows('SELECT * FROM wallet_check()') ], [], "$name: wallet_check() finds nothing");
    is_deeply([ $postgres->rows('SELECT * FROM wallet_totals() WHERE difference <> 0') ], [], "$name: the sums are right");
    return;
}

# Of a payer with 100.00 and a payee: SQL that goes before, headers and body. The round makes keys new.
my $deep = '{"a":' x 100 . '1' . '}' x 100;
my @cases = (
    [ 'an integer', undef, {}, '{"to_wallet_id":"PAYEE","amount":5}' ],
    [ 'a string', undef, {}, '{"to_wallet_id":"PAYEE","amount":"5.5"}' ],
    [ 'all of it', undef, {}, '{"to_wallet_id":"PAYEE","amount":"100.0000"}' ],
    [ 'a key', undef, { 'Idempotency-Key' => 'key ROUND' } ],
    [ 'a key of letters that are no ASCII', undef, { 'Idempotency-Key' => encode_utf8('ключ ROUND') } ],
    [ 'a key that is no UTF-8', undef, { 'Idempotency-Key' => "\xff\xfe ROUND" } ],
    [ 'a key that is too long', undef, { 'Idempotency-Key' => 'k' x 300 } ],
    [ 'an empty key', undef, { 'Idempotency-Key' => '' } ],
    [ 'a replay', q{SELECT wallet_transfer('PAYER', 'PAYEE', 1, 'replay ROUND')}, { 'Idempotency-Key' => 'replay ROUND' } ],
    [ 'a replay of long ago', q{SELECT wallet_transfer('PAYER', 'PAYEE', 1, 'old ROUND'), wallet_fund('PAYER', 7)}, { 'Idempotency-Key' => 'old ROUND' } ],
    [ 'a replay behind a hold', q{SELECT wallet_transfer('PAYER', 'PAYEE', 1, 'held ROUND'), wallet_hold('PAYER', 7)}, { 'Idempotency-Key' => 'held ROUND' } ],
    [ 'another request of the key', q{SELECT wallet_transfer('PAYER', 'PAYEE', 2, 'other ROUND')}, { 'Idempotency-Key' => 'other ROUND' } ],
    [ 'another operation of the key', q{SELECT wallet_fund('PAYER', 1, 'fund ROUND')}, { 'Idempotency-Key' => 'fund ROUND' } ],
    [ 'the version', undef, { 'If-Match' => '"1"' } ],
    [ 'any version', undef, { 'If-Match' => '*' } ],
    [ 'another version', undef, { 'If-Match' => '"7"' } ],
    [ 'a version beyond all', undef, { 'If-Match' => '"99999999999999999999"' } ],
    [ 'metadata', undef, {}, '{"to_wallet_id":"PAYEE","amount":1,"metadata":{"b":[1,{"c":null}],"a":"\u00e9 \"x\" {,}"}}' ],
    [ 'metadata of UTF-8', undef, {}, encode_utf8('{"to_wallet_id":"PAYEE","amount":1,"metadata":{"ключ":"значение"}}') ],
    [ 'metadata with an exponent', undef, {}, '{"to_wallet_id":"PAYEE","amount":1,"metadata":{"a":1e5}}' ],
    [ 'metadata with a number beyond numeric', undef, {}, '{"to_wallet_id":"PAYEE","amount":1,"metadata":{"a":1e999999}}' ],
    [ 'metadata of many bytes', undef, {}, '{"to_wallet_id":"PAYEE","amount":1,"metadata":{"a":"' . 'x' x 3000 . '"}}' ],
    [ 'metadata that is too large', undef, {}, '{"to_wallet_id":"PAYEE","amount":1,"metadata":{"a":"' . 'x' x 300000 . '"}}' ],
    [ 'metadata that is too deep', undef, {}, qq({"to_wallet_id":"PAYEE","amount":1,"metadata":$deep}) ],
    [ 'metadata that is no object', undef, {}, '{"to_wallet_id":"PAYEE","amount":1,"metadata":[1]}' ],
    [ 'a hold', q{SELECT wallet_hold('PAYER', 30)} ],
    [ 'a hold in the way', q{SELECT wallet_hold('PAYER', 99.5)} ],
    [ 'an expired hold', q{SELECT wallet_hold('PAYER', 99.5, '1 microsecond')} ],
    [ 'credit', q{SELECT wallet_set_limits('PAYER', credit_limit => 50)}, {}, '{"to_wallet_id":"PAYEE","amount":150}' ],
    [ 'a payer with metadata', q{SELECT NULL}, {}, '{"to_wallet_id":"PAYEE","amount":1}' ],
    [ 'too much', undef, {}, '{"to_wallet_id":"PAYEE","amount":"100.0001"}' ],
    [ 'too much for the payee', q{SELECT wallet_set_limits('PAYEE', max_balance => 100)} ],
    [ 'a frozen payer', q{SELECT wallet_freeze('PAYER')} ],
    [ 'a frozen payee', q{SELECT wallet_freeze('PAYEE')} ],
    [ 'a closed payee', q{SELECT wallet_withdraw('PAYEE', 100), wallet_close('PAYEE')} ],
    [ 'an unknown payee', undef, {}, '{"to_wallet_id":"ffffffff-ffff-7fff-bfff-ffffffffffff","amount":1}' ],
    [ 'the nil UUID', undef, {}, '{"to_wallet_id":"00000000-0000-0000-0000-000000000000","amount":1}' ],
    [ 'to itself', undef, {}, '{"to_wallet_id":"PAYER","amount":1}' ],
    [ 'nothing', undef, {}, '{"to_wallet_id":"PAYEE","amount":0}' ],
    [ 'less than nothing', undef, {}, '{"to_wallet_id":"PAYEE","amount":-1}' ],
    [ 'five decimals', undef, {}, '{"to_wallet_id":"PAYEE","amount":"0.00001"}' ],
    [ 'more than there can be', undef, {}, '{"to_wallet_id":"PAYEE","amount":"' . '9' x 60 . '"}' ],
    [ 'no amount', undef, {}, '{"to_wallet_id":"PAYEE"}' ],
    [ 'an unknown member', undef, {}, '{"to_wallet_id":"PAYEE","amount":1,"x":1}' ],
    [ 'no JSON', undef, {}, '{' ],
    [ 'no JSON by its type', undef, { 'Content-Type' => 'text/plain' } ]);

# What is different each time: ids, keys' rounds, moments.
sub shape
{
    my ($answer, $names) = @_;
    my %header = %{ $answer->{header} };
    delete $header{date};
    my $text = join "\n", $answer->{status}, (map { "$_: $header{$_}" } sort keys %header), $answer->{content};

    $text =~ s/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/$names->{$1} \/\/ 'an id'/ge;
    $text =~ s/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)/a moment/g;
    $text =~ s/ r\d+//g;
    $text =~ s/^content-length: \d+$/content-length/m;
    return $text;
}

# One pair of wallets for each case, prepared; its requests, and the names of the wallets.
sub cases_prepare
{
    my ($round) = @_;
    my @payers = wallets(scalar @cases, fund => 100);
    my @payees = wallets(scalar @cases, fund => 100);
    my (@requests, %name);

    for my $n (0 .. $#cases)
    {
        my ($case, $before, $header, $body) = @{ $cases[$n] };
        my %header = (%{ $header // {} }, 'X-Request-Id' => "case-$n");
        my @texts  = ($before // 'SELECT 1', $body // '{"to_wallet_id":"PAYEE","amount":1}', values %header);

        s/PAYER/$payers[$n]/g, s/PAYEE/$payees[$n]/g, s/ROUND/r$round/g for @texts;
        @header{ keys %header } = @texts[ 2 .. $#texts ];
        @name{ $payers[$n], $payees[$n] } = ('the payer', 'the payee');
        $postgres->sql($texts[0]);
        push @requests, request("/wallets/$payers[$n]/transfer", $texts[1], %header);
    }
    return (\@requests, \%name, \@payers);
}

subtest 'each is answered as by itself' => sub {
    my ($requests, $name) = cases_prepare(0);
    my @expected = map { shape($_, $name) } ask($alone, $requests);
    my %count;
    $count{ substr $_, 0, 3 }++ for @expected;
    cmp_ok($count{200}, '>=', 15, 'transfers that succeed');
    cmp_ok(@expected - $count{200}, '>=', 20, 'and that do not');

    until_batched(15, sub {
        my ($round) = @_;
        ($requests, $name, my $payers) = cases_prepare($round);
        my @answers = ask($together, $requests);
        for my $n (0 .. $#cases)
        {
            my $case = $cases[$n][0];
            is(shape($answers[$n], $name), $expected[$n], "round $round: $case");
            next if $answers[$n]{status} != 200;
            my $wallet = (Http->new($together->{url}))->get("/wallets/$payers->[$n]");
            ok(index($answers[$n]{content}, qq("wallet":$wallet->{content}\})) > 0, "and the wallet is there as it was shown")
                or diag "$answers[$n]{content}\n$wallet->{content}";
        }
    });
    ledger_ok('cases');
};

subtest 'one wallet for all' => sub {
    until_batched(40, sub {
        my ($hot)  = wallets(1, fund => 1000);
        my @others = wallets(20, fund => 10);
        my @out    = map { transfer($hot, $others[ $_ % 20 ], "0.$_", 'If-Match' => '*') } 10 .. 69;
        my @in     = map { transfer($others[$_], $hot, 1) } 0 .. 19;
        my @answers = ask($together, [ map { ($out[ 3 * $_ ], $in[$_], @out[ 3 * $_ + 1, 3 * $_ + 2 ]) } 0 .. 19 ]);

        is_deeply([ grep { $_->{status} != 200 } @answers ], [], 'all are done');
        my @paid = grep { $_->{json}{wallet}{id} eq $hot } @answers;
        my %entry = map { ($_->{version} => $_) } $postgres->rows(
            'SELECT version, transaction_id, amount, balance_after FROM wallet_transactions WHERE wallet_id = ?', $hot);
        is(@paid, 60, 'as many as were asked for');
        is(keys %entry, 82, 'each has an entry of its own');
        for my $answer (@paid)
        {
            my ($told, $wallet) = @{ $answer->{json} }{qw(entry wallet)};
            my $stored = $entry{ $told->{version} };
            is_deeply(
                [ $answer->{json}{transaction_id}, @$told{qw(amount balance_after)}, @$wallet{qw(balance available version)}, $answer->{header}{etag} ],
                [ @$stored{qw(transaction_id amount balance_after balance_after balance_after version)}, qq("$stored->{version}") ],
                "version $told->{version}: the wallet as this one left it");
        }
    });
    ledger_ok('one wallet');
};

subtest 'versions that are expected in one batch' => sub {
    until_batched(1, sub {
        my ($payer, @payees) = wallets(11, fund => 10);
        my @answers = ask($together, [ map { transfer($payer, $_, 1, 'If-Match' => '"1"') } @payees ]);
        my %count;
        $count{ $_->{status} }++ for @answers;
        is_deeply(\%count, { 200 => 1, 412 => 9 }, 'the first one finds its version, no other does');
    });
};

subtest 'one key for all' => sub {
    until_batched(10, sub {
        my ($round) = @_;
        my ($payer, $payee) = wallets(2, fund => 100);
        my @answers = ask($together, [ (transfer($payer, $payee, 1, 'Idempotency-Key' => "same $round")) x 40 ]);
        my (%ids, %replayed);

        $ids{ $_->{json}{transaction_id} // $_->{content} }++ for @answers;
        $replayed{ $_->{header}{'idempotency-replayed'} // 'first' }++ for @answers;
        is(keys %ids, 1, 'all are told of one operation');
        is_deeply(\%replayed, { first => 1, true => 39 }, 'one of them that it was the first');
        is($postgres->sql('SELECT balance FROM wallet_get(?)', $payer), '99.0000', 'it was done once');
    });
    my ($payer, $payee) = wallets(2, fund => 100);
    my %count;
    $count{ $_->{status} }++ for ask($together, [ map { transfer($payer, $payee, $_, 'Idempotency-Key' => 'rivals') } 1 .. 20 ]);
    is_deeply(\%count, { 200 => 1, 409 => 19 }, 'other requests of the key are refused');
};

subtest 'a batch that fails as a whole' => sub {
    $postgres->sql($_) for
        q{CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
          $$BEGIN IF NEW.amount = 6.66 THEN RAISE EXCEPTION 'not this one'; END IF; RETURN NEW; END$$},
        'CREATE TRIGGER refuse BEFORE INSERT ON wallet_ledger FOR EACH ROW EXECUTE FUNCTION refuse()';
    my $rest = $together->metric('wallet_service_batch_rest_total');
    my @wallets = wallets(40, fund => 100);
    my @requests = map { transfer(@wallets[ 2 * $_, 2 * $_ + 1 ], $_ == 7 ? '6.66' : '1') } 0 .. 19;
    my ($expected) = ask($alone, [ $requests[7] ]);

    poll_until(sub {
        my @answers = ask($together, \@requests);
        is($answers[7]{status}, $expected->{status}, 'what a trigger refuses is refused');
        is_deeply([ grep { $_ != 7 && $answers[$_]{status} != 200 } 0 .. 19 ], [], 'that alone');
        return $together->metric('wallet_service_batch_rest_total') - $rest >= 2;
    }, what => 'a batch to fail');
    $postgres->sql('DROP TRIGGER refuse ON wallet_ledger');

    my ($batch) = $postgres->sql(q{SELECT 'wallet_transfer_batch'::regproc::oid::regprocedure});
    my ($role)  = $postgres->sql(q{SELECT string_agg(DISTINCT grantee::regrole::text, ', ') FROM pg_proc, aclexplode(proacl)
                                   WHERE oid = 'wallet_transfer_batch'::regproc AND grantee <> proowner});
    $postgres->sql("REVOKE EXECUTE ON FUNCTION $batch FROM $role");
    $rest = $together->metric('wallet_service_batch_rest_total');
    poll_until(sub {
        is_deeply([ map { $_->{status} } ask($together, \@requests) ], [ (200) x 20 ], 'without the right to make batches each goes by itself');
        return $together->metric('wallet_service_batch_rest_total') > $rest;
    }, what => 'a batch that may not be made');
    $postgres->sql("GRANT EXECUTE ON FUNCTION $batch TO $role");
    ledger_ok('triggers');
};

subtest 'a wallet that somebody else has locked' => sub {
    my ($locked, $payee, @wallets) = wallets(42, fund => 100);
    my $patient = service('patient', TRANSFER_BATCH_LANES => 1, DATABASE_LOCK_TIMEOUT => '60s', DATABASE_STATEMENT_TIMEOUT => '60s');
    my $session = $postgres->connect;
    $session->begin_work;
    $session->do('SELECT FROM wallets WHERE id = ? FOR UPDATE', undef, $locked);

    my @waiting = map { RawHttp->connect(port_of($patient)) } 1 .. 3;
    my @requests = map { transfer(@wallets[ 2 * $_, 2 * $_ + 1 ], '1') } 0 .. 19;
    for my $round (1 .. 3)
    {
        poll_until(sub { $waiting[ $round - 1 ]->send(transfer($locked, $payee, $round, 'Idempotency-Key' => "locked $round")) });
        my @answers = ask($patient, \@requests);
        is_deeply([ map { $_->{status} } @answers ], [ (200) x 20 ], "round $round: the others are done meanwhile");
    }
    is_deeply([ map { $_->receive } @waiting ], [ ('') x 3 ], 'it is waited for');
    $session->rollback;
    is_deeply([ map { ($_->answer(seconds => 30))[0] } @waiting ], [ (200) x 3 ], 'until it is free');
    is($postgres->sql('SELECT balance FROM wallet_get(?)', $locked), '94.0000', 'then each is done once');
    is($patient->stop, 0, 'it stops');
    ledger_ok('a locked wallet');
};

subtest 'clients that leave' => sub {
    my $round = 0;
    until_batched(10, sub {
        my @wallets = wallets(60, fund => 100);
        my @leaving = map { RawHttp->connect(port_of($together)) } 0 .. 29;
        my $key     = sub { "leave $round $_[0]" };
        my $pay     = sub { transfer(@wallets[ 2 * $_[0], 2 * $_[0] + 1 ], 1, 'Idempotency-Key' => $key->($_[0])) };
        $round++;
        for my $n (0 .. 29)
        {
            poll_until(sub { $leaving[$n]->send($pay->($n)) });
            $leaving[$n]->close if $n % 2;
        }
        my @stay = map { ($leaving[$_]->answer(seconds => 30))[0] } grep { $_ % 2 == 0 } 0 .. 29;
        is_deeply(\@stay, [ (200) x 15 ], 'who stays is answered');
        my @again = ask($together, [ map { $pay->($_) } 0 .. 29 ]);
        is_deeply([ map { $_->{status} } @again ], [ (200) x 30 ], 'who comes back is answered');
        is_deeply(
            [ map { $_->{balance} } $postgres->rows('SELECT balance FROM unnest(?::uuid[]) AS id, wallet_get(id)', [ @wallets[ map { 2 * $_ } 0 .. 29 ] ]) ],
            [ ('99.0000') x 30 ], 'each is done once');
    });
    ledger_ok('clients that leave');
};

subtest 'callers' => sub {
    my $tokens = "$folder/tokens.json";
    open my $file, '>', $tokens or die "$tokens: $!\n";
    print {$file} $json->encode([ map { { name => $_, sha256 => sha256_hex(token_of($_)), scopes => [ 'read', 'transfer' ] } } qw(anna bert) ]);
    close $file or die "$tokens: $!\n";
    my $named   = service('named', TRANSFER_BATCH_LANES => 1, TOKENS_FILE => $tokens);
    my @wallets = wallets(40, fund => 100);
    my %by;

    poll_until(sub {
        my @names   = map { $_ % 2 ? 'anna' : 'bert' } 0 .. 39;
        my @answers = ask($named, [ map { transfer(@wallets[ $_, ($_ + 1) % 40 ], '0.01', Authorization => 'Bearer ' . token_of($names[$_])) } 0 .. 39 ]);
        push @{ $by{ $names[$_] } }, $answers[$_]{json}{transaction_id} // $answers[$_]{content} for 0 .. 39;
        return $named->metric('wallet_service_batch_transfers_sum') >= 20;
    }, what => 'transfers in batches');
    for my $name (sort keys %by)
    {
        my @stored = map { $_->{name} } $postgres->rows(
            'SELECT DISTINCT application_name AS name FROM wallet_ledger WHERE transaction_id = ANY (?::uuid[])', $by{$name});
        is_deeply(\@stored, ["wallet_service:$name"], "what $name has done is in that name");
    }
    is($named->stop, 0, 'it stops');
};

subtest 'PostgreSQL fails under load' => sub {
    my @wallets = wallets(8, fund => 1000);
    my $before  = batched($together);
    my $load    = HttpLoad->start(url => $together->{url}, wallets => \@wallets, clients => 12);

    for my $round (1 .. 6)
    {
        $load->wait_progress(60);
        $postgres->rows(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'wallet_service'});
    }
    for my $how (qw(immediate kill9))
    {
        $load->wait_progress(60);
        if ($how eq 'kill9') { $postgres->kill9 }
        else                 { $postgres->stop($how) }
        $postgres->start;
    }
    $load->wait_progress(60);
    $load->stop;

    my %told   = %{ $load->acknowledged };
    my %stored = map { ($_->{key} => $_->{id}) } $postgres->rows(
        q{SELECT idempotency_key AS key, transaction_id AS id FROM wallet_ledger WHERE idempotency_key LIKE 'http-%'});
    note explain $load->statuses;
    is_deeply([ $load->errors ], [], 'nobody got an answer that is no answer');
    is_deeply([ grep { !/^(?:200|422|503)$/ } sort keys %{ $load->statuses } ], [], 'nor a broken connection');
    is_deeply([ grep { ($stored{$_} // '') ne $told{$_} } sort keys %told ], [], keys(%told) . ' that were told of are in the ledger');
    is_deeply([ grep { !exists $told{$_} } sort keys %stored ], [], 'and no other');
    cmp_ok(batched($together), '>', $before, 'many went together');
    ledger_ok('failures');
};

is($_->stop, 0, 'it stops when asked to') for $alone, $together;
done_testing;
