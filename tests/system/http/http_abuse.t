# Clients that send too slowly, too much, nonsense or nothing, that do not read, that leave: each is answered or cut off,
# the others are served as always, and nothing of them stays behind.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use JSON::PP qw(decode_json);
use Time::HiRes qw(time);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use HttpFuzz;
use RawHttp;
use Stack;
use Test::More;

my $SEED     = $ENV{HTTP_FUZZ_SEED} // 20260101;
my $REQUESTS = $ENV{HTTP_FUZZ_REQUESTS} // 10_000;
# Bounds add up: a thousand connections with 32 kB each, bodies and answers with 32 MB each, and the rows of an answer
# in each of 16 sessions. A sanitizer keeps what was freed for a while, and a copy of each stack.
my $is_sanitized = ($ENV{WALLET_BIN} // '') =~ /sanitize/;
my $ROOM_KB      = $is_sanitized ? 2_000_000 : 192 * 1024;
# For an answer while others misbehave. Two seconds are short for a client that is kept waiting by a timeout.
my $SOON = $is_sanitized ? 8 : 2;

my $stack = Stack->start(kafka => 0, service => { HTTP_REQUEST_TIMEOUT => '2s', HTTP_IDLE_TIMEOUT => '2s', DATABASE_QUEUE_TIMEOUT => '30s',
    HTTP_CLIENT_STREAMS_MAX => 256 });
my $service = $stack->service;
my $pid     = $service->pid;
my ($port)  = $service->{url} =~ /:(\d+)$/;
my @wallets = $stack->create_wallets(20, fund => '1000.00');
my ($alice, $bob) = @wallets;

sub message
{
    my ($method, $path, $body, @headers) = @_;
    push @headers, 'Content-Type: application/json', 'Content-Length: ' . length $body if defined $body;
    return join "\r\n", "$method $path HTTP/1.1", 'Host: localhost', @headers, '', $body // '';
}

my $look = message('GET', "/wallets/$alice");
my $fund = message('POST', "/wallets/$alice/fund", '{"amount":"1"}');

sub status_kb
{
    my ($field) = @_;
    open my $file, '<', "/proc/$pid/status" or return 0;
    local $/;
    return <$file> =~ /^$field:\s+(\d+) kB/m ? $1 : 0;
}

sub descriptors
{
    opendir my $folder, "/proc/$pid/fd" or return 0;
    return scalar grep { /^\d/ } readdir $folder;
}

# A client as there should be: its connection is kept, every answer must come soon.
my $client;

sub slowest_answer
{
    my ($seconds) = @_;
    my ($until, $slowest, $count) = (time + $seconds, 0, 0);

    do
    {
        my $begin = time;
        $client //= RawHttp->connect($port);
        my ($status) = $client->send($count % 2 ? $look : $fund) ? $client->answer(seconds => 30) : ();
        $status //= 'none';
        return (999, $status) if $status ne '200';
        $slowest = time - $begin if time - $begin > $slowest;
        $count++;
        select undef, undef, undef, 0.02;
    } while (time < $until);
    return ($slowest, $count);
}

sub served_ok
{
    my ($name, $seconds, $soon) = @_;
    undef $client;
    my ($slowest, $count) = slowest_answer($seconds // 1);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return ok($slowest < ($soon // $SOON), sprintf '%s: others are served, the slowest of %s answers took %.2f s', $name, $count, $slowest);
}

my $descriptors_before;

# The same process, no error in its log, no descriptor left over, memory within bounds.
sub unharmed_ok
{
    my ($name, %option) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    undef $client;
    is(($service->get('/live'))[0], 200, "$name: the process lives");
    ok($service->running && $service->pid == $pid, "$name: it is the same one");
    is_deeply([ $service->unexpected_log(%option) ], [], "$name: nothing unexpected in its log");
    poll_until(sub { descriptors() <= $descriptors_before }, deadline => 30, what => "$name: the descriptors are closed");
    pass("$name: no descriptor is left");
    cmp_ok(status_kb('VmRSS'), '<', $ROOM_KB, sprintf '%s: memory is %.0f MB', $name, status_kb('VmRSS') / 1024);
    return;
}

served_ok('at first');
undef $client;
poll_until(sub { $service->metric('wallet_service_pool_connections') == 16 }, what => 'every connection to PostgreSQL');
# Nothing but the pool's connections, once those of the tests so far have gone.
poll_until(sub { my $now = descriptors(); select undef, undef, undef, 0.3; $now == descriptors() }, what => 'quiet');
$descriptors_before = descriptors() + 2;

subtest 'half-open connections' => sub {
    my @starts = (
        "GET /wallets/$alice HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", "P", "\r\n",
        "POST /wallets/$alice/fund HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{\"amount\":\"",
        "POST /wallets/$alice/fund HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"amo",
        "GET /live HTTP/1.1\r\nHost: localhost\r\n\r\nGET /live HTTP/1.1\r\nX: ");
    my $begin = time;
    my @slow  = map { { connection => RawHttp->connect($port), out => $starts[ $_ % @starts ] } } 1 .. 500;
    my ($slowest, $answers, $longest) = (0, 0, 0);

    $client = undef;
    while (my @open = grep { !$_->{gone} } @slow)
    {
        for my $one (@open)
        {
            my $sent = $one->{connection}->send(length $one->{out} ? $one->{out} : '1');
            substr $one->{out}, 0, $sent, '' if $sent && length $one->{out};
            my $came = defined $sent ? $one->{connection}->receive : undef;
            $one->{gone} = time - $begin unless defined $came;
            $one->{came} .= $came // '';
        }
        my ($took, $count) = slowest_answer(0.2);
        $slowest = $took if $took > $slowest;
        $answers += $count =~ /^\d+$/ ? $count : 0;
        last if time - $begin > 60;
    }
    my @late = grep { !$_->{gone} } @slow;
    for (@slow) { $longest = $_->{gone} if ($_->{gone} // 0) > $longest }
    is(scalar @late, 0, sprintf 'all 500 were cut off, the last one after %.1f s', $longest);
    ok($slowest < $SOON, sprintf 'meanwhile %d calls were answered, the slowest after %.2f s', $answers, $slowest);
    is(scalar(grep { ($_->{came} // '') =~ m{HTTP/1\.1 (?:2|5)} && $_->{came} !~ /alive/ } @slow), 0, 'none of them did anything');
    $_->{connection}->close for @slow;
    unharmed_ok('half-open connections');
};

subtest 'what is malformed is refused' => sub {
    my $good  = '{"amount":"1"}';
    my $start = "POST /wallets/$alice/fund HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    my $deep  = sub { '{"amount":"1","metadata":{"a":' . '[' x $_[0] . ']' x $_[0] . '}}' };
    for my $case (
        [ 'Content-Length twice',                 400, "${start}Content-Length: 14\r\nContent-Length: 3\r\n\r\n$good" ],
        [ 'Content-Length and chunks',            400, "${start}Content-Length: 14\r\nTransfer-Encoding: chunked\r\n\r\ne\r\n$good\r\n0\r\n\r\n" ],
        [ 'chunks and Content-Length',            400, "${start}Transfer-Encoding: chunked\r\nContent-Length: 14\r\n\r\ne\r\n$good\r\n0\r\n\r\n" ],
        [ 'Content-Length with a sign',           400, "${start}Content-Length: +14\r\n\r\n$good" ],
        [ 'Content-Length with a list',           400, "${start}Content-Length: 14, 14\r\n\r\n$good" ],
        [ 'a blank before the colon',             400, "${start}Content-Length : 14\r\n\r\n$good" ],
        [ 'a name that is none',                  400, "${start}Content Length: 14\r\n\r\n$good" ],
        [ 'two hosts',                            400, "GET /wallets/$alice HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" ],
        [ 'no host',                              400, "GET /wallets/$alice HTTP/1.1\r\n\r\n" ],
        [ 'two keys',                             400, message('POST', "/wallets/$alice/fund", $good, 'Idempotency-Key: a', 'idempotency-key: b') ],
        [ 'two versions',                         400, message('POST', "/wallets/$alice/fund", $good, 'If-Match: "1"', 'If-Match: "2"') ],
        [ 'two tokens',                           400, message('GET', "/wallets/$alice", undef, 'Authorization: Bearer a', 'Authorization: Bearer b') ],
        [ 'a parameter given twice',              400, message('GET', "/wallets/$alice/statement?since=2020-01-01&since=2030-01-01") ],
        [ '%00 in the query',                     400, message('GET', '/operations?idempotency_key=a%00b') ],
        [ 'too many parameters',                  400, message('GET', "/wallets/$alice?" . join '&', map { "p$_=1" } 1 .. 100) ],
        [ '%00 in the path',                      '40[04]', message('GET', "/users/a%00b/wallets") ],
        [ 'bytes that are no text in the path',   400, message('GET', '/users/%ff%fe/wallets') ],
        [ 'bytes that are no text in the key',    400, message('POST', "/wallets/$alice/fund", $good, "Idempotency-Key: k\xff") ],
        [ '\u0000 in the body',                   400, message('POST', '/wallets', '{"user_id":"a\u0000b"}') ],
        [ 'metadata nested beyond any stack',     400, message('POST', "/wallets/$alice/fund", $deep->(200_000)) ],
        [ 'metadata nested beyond PostgreSQL\'s', 400, message('POST', "/wallets/$alice/fund", $deep->(16_000)) ],
        [ 'metadata with a number beyond numeric', 400, message('POST', "/wallets/$alice/fund", '{"amount":"1","metadata":{"a":' . '9' x 150_000 . '}}') ],
        [ 'another version of HTTP',              505, "GET /wallets/$alice HTTP/2.0\r\nHost: localhost\r\n\r\n" ])
    {
        my ($name, $status, $bytes) = @$case;
        my ($answer) = RawHttp::exchange($port, [$bytes], end => 1);
        # Newer versions of libmicrohttpd refuse %00 themselves.
        like($answer->{statuses}[0], qr/^$status$/, $name) or diag $answer->{bytes};
    }
    is($stack->sql(q{SELECT count(*) FROM wallet_ledger WHERE idempotency_key IN ('a', 'b')}), 0, 'none of it did anything');
    unharmed_ok('malformed requests');
};

subtest "fuzzed requests, seed $SEED" => sub {
    note "HTTP_FUZZ_SEED=$SEED HTTP_FUZZ_REQUESTS=$REQUESTS";
    my $fuzz = HttpFuzz->new(seed => $SEED, wallets => [ @wallets[ 2 .. $#wallets ] ]);
    my (%statuses, %ends, @wrong);

    for (1 .. 10)
    {
        my @requests = map { $fuzz->request } 1 .. $REQUESTS / 10;
        my @answers = RawHttp::exchange($port, \@requests, at_once => 100, end => 1, seconds => 30);
        for my $number (0 .. $#answers)
        {
            my $answer = $answers[$number];
            $statuses{$_}++ for @{ $answer->{statuses} };
            $ends{ $answer->{end} }++;
            # A history that is followed live ends with the client. 501 and 505: another transfer encoding or HTTP.
            next if $answer->{end} ne 'late' && !grep { $_ >= 500 && $_ != 501 && $_ != 505 } @{ $answer->{statuses} };
            next if $answer->{bytes} =~ m{text/event-stream};
            push @wrong, substr(join(' ', $requests[$number], '->', $answer->{end}, $answer->{bytes}), 0, 2000)
                =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ger;
        }
        my ($slowest) = slowest_answer(0.2);
        undef $client;
        push @wrong, "another client waited $slowest s" if $slowest > $SOON;
    }
    is_deeply(\@wrong, [], "$REQUESTS requests were answered 2xx or 4xx, or cut off");
    note join ', ', map { "$_: $statuses{$_}" } sort keys %statuses;
    note join ', ', map { "$_: $ends{$_}" } sort keys %ends;
    # A short run does not reach the rare ones.
    my @reached = $REQUESTS < 10_000 ? (200, 400, 404, 405) : (200, 201, 400, 404, 405, 409, 412, 413, 414, 415, 422, 431);
    cmp_ok($statuses{$_} // 0, '>', 0, "some were answered $_") for @reached;
    is_deeply([ $stack->rows('SELECT * FROM wallet_check()') ], [], 'wallet_check() finds nothing');
    is_deeply([ $stack->rows('SELECT * FROM wallet_totals() WHERE difference <> 0') ], [], 'the sums are right');
    unharmed_ok('fuzzed requests');
};

subtest 'bodies of 100 MB' => sub {
    my $megabytes = 100;
    my $body      = ' ' x ($megabytes << 20);
    my $chunk     = sprintf "%x\r\n%s\r\n", 1 << 20, ' ' x (1 << 20);
    my $start     = "POST /wallets/$alice/fund HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    my $begin     = status_kb('VmRSS');

    for my $case (
        [ 'announced',             "${start}Content-Length: " . length($body) . "\r\n\r\n$body" ],
        [ 'announced, and waited', "${start}Expect: 100-continue\r\nContent-Length: " . length($body) . "\r\n\r\n" ],
        [ 'in chunks',             "${start}Transfer-Encoding: chunked\r\n\r\n" . $chunk x $megabytes ],
        [ 'in one chunk',          "${start}Transfer-Encoding: chunked\r\n\r\n" . sprintf("%x\r\n", length $body) . $body ])
    {
        my ($name, $bytes) = @$case;
        my @answers = RawHttp::exchange($port, [ ($bytes) x 4 ], end => 1, at_once => 4);
        is_deeply([ grep { ($_->{statuses}[0] // 413) != 413 || $_->{end} eq 'late' } @answers ], [], "$name: 413, or cut off");
        is($answers[0]{statuses}[0], 413, "$name: and told so") if $name =~ /waited/;
    }
    my ($answer) = RawHttp::exchange($port, [ "${start}Content-Length: 99999999999999999999\r\n\r\n{}" ], end => 1);
    ok(($answer->{statuses}[0] // 413) =~ /^4/, 'a length that no number holds');
    unharmed_ok('large bodies');
    cmp_ok(status_kb('VmRSS') - $begin, '<', $ROOM_KB / 8, 'and they were never held');
};

subtest 'header bombs' => sub {
    my @bombs = (
        message('GET', '/live', undef, map { "X-$_: 1" } 1 .. 50_000),
        message('GET', '/live', undef, 'X-Bomb: ' . 'x' x (1 << 20)),
        message('GET', '/live', undef, 'X' x (1 << 20) . ': 1'),
        message('GET', '/live', undef, 'X: 1' . "\r\n x" x 200_000),
        message('GET', '/' . 'x' x (1 << 20)),
        message('GET', '/live?' . 'a=b&' x 250_000),
        'G' x (1 << 20), "\r\n" x 500_000,
        "POST /wallets HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;" . 'x' x (1 << 20) . "\r\n{\r\n",
        "POST /wallets HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" . "T: x\r\n" x 200_000 . "\r\n");
    my @answers = RawHttp::exchange($port, [ (@bombs) x 5 ], end => 1);
    # An extension of a chunk that is too long is the library's own affair: it says 500 and closes.
    my @wrong = grep { ($answers[$_]{statuses}[0] // 400) !~ ($_ % @bombs == 8 ? qr/^[45]/ : qr/^4/) || $answers[$_]{end} eq 'late' }
        0 .. $#answers;
    is_deeply([ map { "bomb $_: " . join ' ', @{ $answers[$_]{statuses} }, $answers[$_]{end} } @wrong ], [], 'answered 4xx, or cut off');
    is($answers[$_]{statuses}[0], 431, 'told so') for 0, 1;
    # With these the library gives up when the request is begun already.
    my $begin = status_kb('VmRSS');
    RawHttp::exchange($port, [ (message('GET', '/wallets?' . 'a=b&' x 4000)) x 5000 ], end => 1);
    cmp_ok(status_kb('VmRSS') - $begin, '<', $is_sanitized ? $ROOM_KB : 4096, '5000 queries that are too long leave nothing');
    unharmed_ok('header bombs');
};

subtest 'requests in one go' => sub {
    my @answers = RawHttp::exchange($port, [ ($look . $fund) x 50 . message('GET', '/live', undef, 'Connection: close') ]);
    is(scalar(grep { $_ == 200 } @{ $answers[0]{statuses} }), 101, 'each is answered');
    my @versions = $answers[0]{bytes} =~ /"version":(\d+)/g;
    is_deeply(\@versions, [ sort { $a <=> $b } @versions ], 'in their order');
    is($answers[0]{end}, 'closed', 'and the connection closed when asked to');
    unharmed_ok('requests in one go');
};

subtest '2000 connections at once' => sub {
    my $close = message('GET', "/wallets/$alice", undef, 'Connection: close');
    for my $case ([ 'that are closed', $close ], [ 'that are kept', $look ])
    {
        my ($name, $bytes) = @$case;
        my @answers = RawHttp::exchange($port, [ ($bytes) x 2000 ], at_once => 2000, seconds => 60);
        is(scalar(grep { ($_->{statuses}[0] // 0) == 200 } @answers), 2000, "$name: each is answered");
        is(scalar(grep { $_->{end} eq 'late' } @answers), 0, "$name: and closed");
    }
    served_ok('after them');
    unharmed_ok('2000 connections', allow => []);
};

subtest 'clients that do not read' => sub {
    $stack->sql('SELECT count(wallet_fund(?, 1)) FROM generate_series(1, 5000)', $bob);
    my $begin = status_kb('VmRSS');
    my @deaf  = map { RawHttp->connect($port) } 1 .. 40;
    my $ask   = message('GET', "/wallets/$bob/statement?limit=1000");
    $_->send($ask) for @deaf;
    # What they ask for is work for PostgreSQL all the same.
    served_ok('clients that do not read', 3, 10 * $SOON);
    poll_until(sub { descriptors() <= $descriptors_before + 2 }, deadline => 90, what => 'the cut of those that do not read');
    pass('they are cut off');
    my @read = RawHttp::exchange($port, [ message('GET', "/wallets/$bob/statement?limit=1000", undef, 'Connection: close') ]);
    is(scalar @{ decode_json($read[0]{bytes} =~ s/\A.*?\r\n\r\n//sr)->{items} }, 1002, 'a client that reads gets all of a page');
    $_->close for @deaf;
    cmp_ok(status_kb('VmHWM'), '<', $ROOM_KB, 'their answers had no more memory than they may');
    note sprintf 'memory: %d kB before, %d kB after, %d kB at most', $begin, status_kb('VmRSS'), status_kb('VmHWM');
    unharmed_ok('clients that do not read');
};

subtest 'clients that leave before their answer' => sub {
    my $lock = $stack->connect;
    $lock->begin_work;
    $lock->do('SELECT FROM wallets WHERE id = ? FOR UPDATE', undef, $alice);
    my @leaving = map { RawHttp->connect($port) } 1 .. 200;
    for my $number (0 .. $#leaving)
    {
        $leaving[$number]->send(message('POST', "/wallets/$alice/fund", '{"amount":"1"}', "Idempotency-Key: left-$number"));
    }
    poll_until(
        sub { $service->metric('wallet_service_pool_busy') + $service->metric('wallet_service_pool_waiting') >= 200 },
        what => '200 calls that wait');
    $_->close for @leaving;
    $lock->rollback;
    poll_until(
        sub { $stack->sql(q{SELECT count(*) FROM wallet_ledger WHERE idempotency_key LIKE 'left-%'}) == 200 },
        what => 'the calls of those that left');
    pass('what they asked for was done');
    my $again = RawHttp->connect($port);
    $again->send(message('POST', "/wallets/$alice/fund", '{"amount":"1"}', 'Idempotency-Key: left-7'));
    is(($again->answer)[0], 200, 'and is told to who comes back with the key');
    $again->close;
    unharmed_ok('clients that left');
};

subtest 'live histories that come and go' => sub {
    my $far = RawHttp->connect($port);
    $far->send(message('GET', "/wallets/$alice/history/live?after=9223372036854775807"));
    for my $round (1 .. 5)
    {
        my @live = map { RawHttp->connect($port) } 1 .. 200;
        $_->send(message('GET', "/wallets/$alice/history/live")) for @live;
        for my $one (@live)
        {
            poll_until(sub { ($one->{in} .= $one->receive // die 'closed') =~ /\r\n\r\n/ }, interval => 0.005, what => 'a stream');
        }
        is(scalar(grep { $_->{in} =~ m{\AHTTP/1.1 200 } } @live), 200, "round $round: 200 follow a history");
        poll_until(sub { $service->metric('wallet_service_streams') >= 200 }, what => 'their streams');
        $_->close for @live;
        poll_until(sub { $service->metric('wallet_service_streams') <= 1 }, deadline => 20, what => 'the end of their streams');
    }
    served_ok('live histories');
    $far->close;
    poll_until(sub { $service->metric('wallet_service_streams') == 0 }, what => 'the end of the last stream');
    unharmed_ok('live histories');
};

subtest 'more clients than descriptors' => sub {
    my $narrow = $stack->another_service(HTTP_REQUEST_TIMEOUT => '60s', HTTP_IDLE_TIMEOUT => '60s', DATABASE_POOL_SIZE => 4);
    # The process itself, so that its limits are all that the shell leaves behind.
    $narrow->{command} = [ 'sh', '-c', 'ulimit -n 128; exec "$0"', @{ $narrow->{command} } ];
    $narrow->start;
    my ($its_port) = $narrow->{url} =~ /:(\d+)$/;
    my @idle = map { RawHttp->connect($its_port) } 1 .. 60;
    my $kept = RawHttp->connect($its_port);
    $kept->send($look);
    is(($kept->answer)[0], 200, 'a client that was there before');
    # The descriptors of its connections to PostgreSQL are free meanwhile.
    $stack->postgres->stop;
    poll_until(sub { $kept->send($look); (($kept->answer)[0] // 0) == 503 }, what => 'the loss of PostgreSQL');
    push @idle, map { RawHttp->connect($its_port) } 1 .. 200;
    $stack->postgres->start;
    poll_until(sub { $kept->send($look); (($kept->answer)[0] // 0) == 200 }, what => 'connections to PostgreSQL again');
    pass('connections to PostgreSQL are renewed while clients want more than there is');
    $_->close for @idle, $kept;
    is($narrow->stop, 0, 'it stops when asked to');
    is_deeply([ $narrow->unexpected_log(allow => [ qr/HTTP_CONNECTIONS_MAX is more than/, qr/cannot be reached/, qr/broken off/ ]) ], [],
        'it has said that it takes fewer clients, and nothing else');
};

# PostgreSQL was stopped for the first service too.
is($service->stop, 0, 'it stops when asked to');
is_deeply([ $service->unexpected_log(allow => qr/cannot be reached/) ], [], 'without a word of a sanitizer');
done_testing;
