# Who may do what with which token, under which name it stands in the ledger, and what the log says of it.
use strict;
use warnings;

use Cwd qw(abs_path);
use Digest::SHA qw(sha256_hex);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Daemon;
use Files;
use Http;
use JSON::PP ();
use Postgres;
use RawHttp;
use Test::More;
use Wait;

my $root     = abs_path(dirname(__FILE__) . '/../../..');
my $program  = ($ENV{WALLET_BIN} // "$root/kafka_bridge/build") . '/wallet_service';
my $postgres = Postgres->new;
my $folder   = test_directory();
my $tokens   = "$folder/tokens.json";
my @SCOPES   = qw(read transfer cashier operator);

$postgres->sql('CREATE EXTENSION wallet');
$postgres->psql_file("$root/scripts/stack/roles.sql");

sub token_of { return "token-of-$_[0]-0123456789" }

# Each scope has a token of its name; everybody has all.
sub tokens_write
{
    my (%scopes) = @_;
    spew($tokens, JSON::PP->new->canonical->encode([
        map { { name => $_, sha256 => sha256_hex(token_of($_)), scopes => $scopes{$_} } } sort keys %scopes ]));
    return;
}

my %scopes = ((map { ($_ => [$_]) } @SCOPES), everybody => \@SCOPES, clerk => [qw(read transfer)]);
tokens_write(%scopes);

my $port    = free_port();
my $service = Daemon->new(
    name    => 'wallet_service',
    command => [$program],
    url     => "http://127.0.0.1:$port",
    log     => "$folder/wallet_service.log",
    env     => { DATABASE_URL => $postgres->uri(user => 'wallet_service'), PORT => $port, TOKENS_FILE => $tokens })->start;

sub as { return Http->new($service->{url}, headers => { Authorization => 'Bearer ' . token_of($_[0]) }) }

my $all   = as('everybody');
my $alice = $all->post('/wallets', { user_id => 'alice' })->{json}{id};
my $shop  = $all->post('/wallets', { user_id => 'shop' })->{json}{id};
$all->post("/wallets/$alice/fund", { amount => '1000' });

sub hold { return $all->post("/wallets/$alice/holds", { amount => '2' })->{json}{transaction_id} }

sub paid { return $all->post("/wallets/$alice/transfer", { to_wallet_id => $shop, amount => '2' })->{json}{transaction_id} }

subtest 'scopes' => sub {
    my $transfer = { to_wallet_id => $shop, amount => '1' };
    my @cases = (
        [ read     => GET  => sub { "/wallets/$alice" } ],
        [ read     => GET  => sub { "/wallets/$alice/statement" } ],
        [ read     => GET  => sub { '/users/alice/wallets' } ],
        [ read     => GET  => sub { '/operations?idempotency_key=none' } ],
        [ read     => GET  => sub { '/transactions/' . paid() } ],
        [ read     => GET  => sub { '/pipeline' } ],
        [ operator => GET  => sub { '/totals' } ],
        [ transfer => POST => sub { '/wallets' }, { user_id => 'new' } ],
        [ transfer => POST => sub { "/wallets/$alice/transfer" }, $transfer ],
        [ transfer => POST => sub { "/wallets/$alice/holds" }, { amount => '1' } ],
        [ transfer => POST => sub { '/transfers' }, { transfers => [ { from_wallet_id => $alice, %$transfer } ] } ],
        [ transfer => POST => sub { '/holds/' . hold() . '/capture' }, { to_wallet_id => $shop } ],
        [ transfer => POST => sub { '/holds/' . hold() . '/release' } ],
        [ transfer => POST => sub { '/transactions/' . paid() . '/reverse' } ],
        [ transfer => POST => sub { '/transactions/' . $all->post('/holds/' . hold() . '/capture', { to_wallet_id => $shop })->{json}{transaction_id} . '/reverse' } ],
        [ cashier  => POST => sub { "/wallets/$alice/fund" }, { amount => '1' } ],
        [ cashier  => POST => sub { "/wallets/$alice/withdraw" }, { amount => '1' } ],
        [ cashier  => POST => sub { '/holds/' . hold() . '/capture' } ],
        [ cashier  => POST => sub { '/transactions/' . $all->post("/wallets/$alice/fund", { amount => '1' })->{json}{transaction_id} . '/reverse' } ],
        [ cashier  => POST => sub { '/transactions/' . $all->post("/wallets/$alice/withdraw", { amount => '1' })->{json}{transaction_id} . '/reverse' } ],
        [ cashier  => POST => sub { '/transactions/' . $all->post('/holds/' . hold() . '/capture')->{json}{transaction_id} . '/reverse' } ],
        [ operator => POST => sub { '/transactions/' . paid() . '/reverse-force' } ],
        [ operator => POST => sub { "/wallets/$shop/limits" }, { credit_limit => '5' } ],
        [ operator => POST => sub { "/wallets/$shop/freeze" } ],
        [ operator => POST => sub { "/wallets/$shop/unfreeze" } ],
        [ operator => POST => sub { '/wallets/' . $all->post('/wallets', { user_id => 'brief' })->{json}{id} . '/close' } ]);

    for my $case (@cases)
    {
        my ($needed, $method, $path, $body) = @$case;
        for my $scope ((grep { $_ ne $needed } @SCOPES), $needed)
        {
            my $asked  = $path->();
            my $answer = $method eq 'GET' ? as($scope)->get($asked) : as($scope)->post($asked, $body);
            if ($scope eq $needed)
            {
                unlike($answer->{status}, qr/^(?:401|403|5..)$/, "$scope may $method $asked") or diag $answer->{content};
            }
            else
            {
                is_deeply([ $answer->{status}, $answer->{json}{code} ], [ 403, 'scope_missing' ], "$scope may not $method $asked") or diag $answer->{content};
                # Of one that lacks both scopes of a capture or reversal, the other is named.
                like($answer->{json}{scope}, $asked =~ m{/(?:capture|reverse)$} ? qr/^(?:transfer|cashier)$/ : qr/^$needed$/, 'and told why');
            }
        }
    }
    is($all->get("/wallets/$alice")->{json}{version}, $postgres->sql('SELECT max(version) FROM wallet_transactions WHERE wallet_id = ?', $alice), 'refusals change nothing');
};

# Of the caller, whatever connection of the pool it had, and for its own operations only.
subtest 'names in the ledger' => sub {
    my $name = sub { return $postgres->sql('SELECT application_name FROM wallet_ledger WHERE transaction_id = ? AND leg = 0', $_[0]) };
    my %by;
    for my $n (1 .. 20)
    {
        push @{ $by{$_} }, as($_)->post("/wallets/$alice/transfer", { to_wallet_id => $shop, amount => '1' })->{json}{transaction_id} for qw(transfer clerk);
    }
    for my $caller (sort keys %by)
    {
        is_deeply([ map { $name->($_) } @{ $by{$caller} } ], [ ("wallet_service:$caller") x 20 ], "those of $caller");
    }
    my $batch = as('clerk')->post('/transfers', { transfers => [ { from_wallet_id => $alice, to_wallet_id => $shop, amount => '1' } ] });
    is($name->($batch->{json}{items}[0]{transaction_id}), 'wallet_service:clerk', 'of a batch');
    is($postgres->sql(q{SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'wallet_service:%'}), 0, 'no session keeps a name');
};

subtest 'tokens read again' => sub {
    my $log = $service->log_mark;
    is(as('later')->get("/wallets/$alice")->{status}, 401, 'not yet');
    tokens_write(later => ['read'], clerk => ['read']);
    $service->signal('HUP');
    poll_until(sub { as('later')->get("/wallets/$alice")->{status} == 200 }, what => 'the new token');
    is(as('everybody')->get("/wallets/$alice")->{status}, 401, 'the old one is good no more');
    is(as('clerk')->post("/wallets/$alice/transfer", { to_wallet_id => $shop, amount => '1' })->{status}, 403, 'a scope that was taken away');
    spew($tokens, '[{"name":"later"}]');
    $service->signal('HUP');
    poll_until(sub { $service->log_since($log) =~ /level=error .*not reloaded.*TOKENS_FILE/ }, what => 'the error');
    is(as('later')->get("/wallets/$alice")->{status}, 200, 'a mistake changes nothing');
    tokens_write(%scopes);
    $service->signal('HUP');
    poll_until(sub { as('everybody')->get("/wallets/$alice")->{status} == 200 }, what => 'the first list');
};

sub line_of
{
    my ($id) = @_;
    return poll_until(sub { $service->log_since(0) =~ /^(.*\brequest_id=\Q$id\E\b.*)$/m ? $1 : undef }, what => "the line of $id");
}

subtest 'request ids and the access log' => sub {
    my $answer = as('clerk')->post("/wallets/$alice/transfer", { to_wallet_id => $shop, amount => '1000000' }, 'X-Request-Id' => 'call-17');

    is($answer->{headers}{'x-request-id'}, 'call-17', 'in the answer');
    is($answer->{json}{request_id}, 'call-17', 'in the problem');
    like(line_of('call-17'), qr{message=request .*method=POST path=/wallets/$alice/transfer status=422 code=WL002 caller=clerk duration_us=\d+$}, 'in the log');
    my $made = $all->post("/wallets/$alice/fund", { amount => '1' })->{headers}{'x-request-id'};
    like($made, qr/^[0-9a-f]{32}$/, 'made where there is none');
    like(line_of($made), qr/status=200 code="" caller=everybody/, 'and logged');
    my $stranger = Http->new($service->{url})->get("/wallets/$alice", 'X-Request-Id' => 'stranger-1');
    is($stranger->{status}, 401, 'without a token');
    like(line_of('stranger-1'), qr/method=GET .*status=401 code=token_needed/, 'is logged too');
    $all->get("/wallets/$alice", 'X-Request-Id' => 'read-1');
    $all->post("/wallets/$alice/fund", { amount => '1' }, 'X-Request-Id' => 'after-read-1');
    line_of('after-read-1');
    unlike($service->log_since(0), qr/read-1 method=GET/, 'a read is not');
};

subtest 'hosts' => sub {
    my $id = $all->post('/wallets', { user_id => 'mallory' })->{json}{id};
    my $fund = sub {
        my ($answer) = RawHttp::exchange($port, [ join "\r\n", "POST $_[1]/wallets/$id/fund HTTP/1.1", "Host: $_[0]", 'Content-Type: application/json',
            'Authorization: Bearer ' . token_of('everybody'), 'Content-Length: 14', 'Connection: close', '', '{"amount":"1"}' ]);
        return $answer;
    };
    for my $host ("evil.example:$port", "localhost.evil.example:$port", '192.0.2.1')
    {
        my $answer = $fund->($host, '');
        is($answer->{statuses}[0], 421, "$host is not this server");
        like($answer->{bytes}, qr/"code":"host_unknown"/, 'which it says');
    }
    is($fund->("localhost:$port", 'http://evil.example')->{statuses}[0], 421, 'an absolute form is looked at as well');
    is($fund->($_, '')->{statuses}[0], 200, "$_ is") for "localhost:$port", "127.0.0.1:$port", "[::1]:$port";
    is($all->get("/wallets/$id")->{json}{balance}, '3.0000', 'nothing else was done');
};

is($service->stop, 0, 'stopped');
done_testing;
