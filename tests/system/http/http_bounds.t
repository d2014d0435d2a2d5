# Hostile clients: whatever they ask for or leave unread, the memory of the service stays bounded, and /health is answered.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Time::HiRes qw(time);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use RawHttp;
use Stack;
use Test::More;

# A sanitizer keeps what was freed for a while, and is slow.
my $is_sanitized = ($ENV{WALLET_BIN} // '') =~ /sanitize/;
my $ROOM_KB      = $is_sanitized ? 2_000_000 : 128 * 1024;
my $SOON         = $is_sanitized ? 8 : 1;
my $stack   = Stack->start(kafka => 0, history => 0,
    service => { HTTP_CLIENT_STREAMS_MAX => 256, HTTP_REQUEST_TIMEOUT => '60s', HTTP_IDLE_TIMEOUT => '60s', HTTP_CONNECTIONS_MAX => 400, DATABASE_QUEUE_TIMEOUT => '60s' });
my $service = $stack->service;
my ($port)  = $service->{url} =~ /:(\d+)$/;
my ($wallet) = $stack->create_wallets(1, fund => '1000.00');

sub resident_kb
{
    open my $file, '<', '/proc/' . $service->pid . '/status' or die $!;
    local $/;
    return <$file> =~ /^VmHWM:\s+(\d+) kB/m ? $1 : die 'no VmHWM';
}

sub message { return "GET $_[0] HTTP/1.1\r\nHost: localhost\r\n" . ($_[1] // '') . "\r\n" }

# The slowest of a few answers, each on a connection of its own.
sub health_seconds
{
    my $slowest = 0;
    for my $path (qw(/health /metrics /live) x 2)
    {
        my $begin = time;
        my ($code) = $service->get($path);
        return 999 if $code != 200;
        $slowest = time - $begin if time - $begin > $slowest;
    }
    return $slowest;
}

sub bounded_ok
{
    my ($name, $slowest) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    cmp_ok($slowest, '<', $SOON, sprintf '%s: /health answered within %.2f s', $name, $slowest);
    cmp_ok(resident_kb(), '<', $ROOM_KB, sprintf '%s: at most %.0f MB of memory', $name, resident_kb() / 1024);
    return;
}

# A page of 1000 entries is 8 MB; 32 of them at once would be 256 MB, and live histories of all of it as much.
$stack->sql(q{SELECT count(wallet_fund(?, 1, metadata => jsonb_build_object('a', repeat('x', 8100)))) FROM generate_series(1, 1100)}, $wallet);
$stack->sql(q{INSERT INTO transaction_events SELECT gen_random_uuid(), wallet_id, user_id, amount, type, transaction_id, created_at,
              jsonb_build_object('metadata', metadata), version FROM wallet_transactions});

subtest 'large answers' => sub {
    my @readers = map { RawHttp->connect($port) } 1 .. 32;
    $_->send(message("/wallets/$wallet/statement?limit=1000")) for @readers;
    my $slowest = health_seconds();
    my %statuses;
    for my $reader (@readers)
    {
        my ($status) = $reader->answer(seconds => 60);
        $statuses{ $status // 'none' }++;
    }
    note explain \%statuses;
    cmp_ok($statuses{200} // 0, '>', 0, 'some get theirs');
    is_deeply([ grep { !/^(?:200|503)$/ } keys %statuses ], [], 'the others are told to come back');
    bounded_ok('32 statements of 8 MB', $slowest);
    $_->close for @readers;
    my ($answer) = RawHttp::exchange($port, [ message("/wallets/$wallet/statement?limit=1000", "Connection: close\r\n") ]);
    is($answer->{statuses}[0], 200, 'a single one gets it always');
};

subtest 'deaf streams' => sub {
    my @deaf = map { RawHttp->connect($port) } 1 .. 300;
    $_->send(message("/wallets/$wallet/history/live?after=0")) for @deaf;
    poll_until(sub { $service->metric('wallet_service_streams') == 256 }, what => 'as many streams as there may be');
    my $slowest = 0;
    for (1 .. 5)
    {
        my $seconds = health_seconds();
        $slowest = $seconds if $seconds > $slowest;
    }
    bounded_ok('300 streams that nobody reads', $slowest);
    $_->close for @deaf;
    poll_until(sub { $service->metric('wallet_service_streams') == 0 }, what => 'the end of the streams');
};

subtest 'silent connections' => sub {
    my @silent = map { RawHttp->connect($port) } 1 .. 900;
    $_->send("GET /wallets HTTP/1.1\r\nHost:") for @silent[ 0 .. 599 ];
    $_->send("GET /health HTTP/1.1\r\nHost:")  for @silent[ 600 .. 749 ];
    bounded_ok('900 connections that say nothing, or not all', health_seconds());
    $_->close for @silent;
};

# More than there are connections: some of them wait for one, all for the wallet.
subtest 'every connection has a request under way' => sub {
    my $lock = $stack->connect;
    $lock->begin_work;
    $lock->do('SELECT FROM wallets WHERE id = ? FOR UPDATE', undef, $wallet);
    my $body  = '{"amount":"1"}';
    my $fund  = "POST /wallets/$wallet/fund HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n$body";
    my @funds = map { my $one = RawHttp->connect($port); $one->send($fund); $one } 1 .. 600;
    poll_until(sub { $service->metric('wallet_service_pool_busy') + $service->metric('wallet_service_pool_waiting') >= 400 },
        what => 'a request on every connection');
    bounded_ok('600 requests that wait', health_seconds());
    $lock->rollback;
    my %statuses;
    for my $one (@funds)
    {
        my ($status) = $one->answer(seconds => 60);
        $statuses{ $status // 'none' }++;
        $one->close;
    }
    is_deeply(\%statuses, { 200 => 600 }, 'and each gets its answer') or diag explain \%statuses;
};
is($service->stop, 0, 'it stops when asked to');
done_testing;
