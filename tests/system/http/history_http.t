# What came back through Kafka, read over HTTP: pages of a wallet and of a user from wallet_history, and a
# wallet's history live from wallet_service.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Http;
use IO::Socket::INET;
use JSON::PP ();
use Stack;
use Test::More;
use Time::HiRes qw(time);

my $stack   = Stack->start(service => 1, history => { BEARER_TOKEN => '' });
my $history = Http->new($stack->history->{url});
my $service = Http->new($stack->service->{url});
my $json    = JSON::PP->new->utf8;
my $UNKNOWN = 'ffffffff-ffff-7fff-bfff-ffffffffffff';

my ($alice, $bob) = map { $service->post('/wallets', { user_id => $_ })->{json}{id} } qw(alice bob);
$service->post("/wallets/$alice/fund", { amount => '100.00' });
$service->post("/wallets/$alice/transfer", { to_wallet_id => $bob, amount => '0.01', metadata => { n => $_ } }) for 1 .. 7;
$stack->wait_history;

# All pages of a list, by its cursors.
sub pages
{
    my ($path, $limit) = @_;
    my (@items, $pages);
    my $next = '';

    while (defined $next)
    {
        my $answer = $history->get("$path?limit=$limit" . ($next ? "&before=$next" : ''));
        is($answer->{status}, 200, 'a page') or return;
        cmp_ok(@{ $answer->{json}{items} }, '<=', $limit, 'no longer than asked for');
        push @items, @{ $answer->{json}{items} };
        $next = $answer->{json}{next};
        die 'pages without end' if ++$pages > 50;
    }
    return @items;
}

subtest 'a wallet' => sub {
    my $answer = $history->get("/wallets/$alice/history");
    my @items  = @{ $answer->{json}{items} };

    is_deeply([ map { $_->{version} } @items ], [ reverse 0 .. 8 ], 'every version, newest first');
    is($answer->{json}{next}, undef, 'no page after it');
    is_deeply([ map { $_->{event_type} } @items[ 0, 7, 8 ] ], [qw(TRANSFER_OUT FUND CREATED)], 'the types');
    is($items[7]{amount}, '100.0000', 'amounts as strings');
    is($items[0]{event_data}{balance}, '99.9300', 'the event as it was received');
    is($items[0]{id}, $items[0]{event_data}{event_id}, 'under its id');
    like($items[0]{created_at}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/, 'times of RFC 3339');
    is_deeply([ pages("/wallets/$alice/history", $_) ], \@items, "the same in pages of $_") for 1, 3, 9, 100;
    is_deeply($history->get("/wallets/$UNKNOWN/history")->{json}, { items => [], next => undef }, 'nothing of an unknown wallet');
    is($history->get("/wallets/$alice/history?$_")->{status}, 400, "refused: $_") for qw(limit=0 limit=1001 limit=x limit= before=-1 before=x);
    is($history->get('/wallets/x/history')->{status}, 400, 'refused: no id');
};

subtest 'a user' => sub {
    my $euro = $service->post('/wallets', { user_id => 'alice', currency => 'EUR' })->{json}{id};
    $service->post("/wallets/$euro/fund", { amount => '5' });
    $stack->wait_history;
    my @items = @{ $history->get('/users/alice/activity')->{json}{items} };

    is(@items, 11, 'over both wallets');
    is_deeply([ map { $_->{id} } @items ],
        [ map { $_->{id} } sort { $b->{created_at} cmp $a->{created_at} || $b->{id} cmp $a->{id} } @items ], 'newest first');
    is_deeply([ pages('/users/alice/activity', $_) ], \@items, "the same in pages of $_") for 1, 4, 11;
    is_deeply($history->get('/users/nobody/activity')->{json}, { items => [], next => undef }, 'nothing of nobody');
    is($history->get("/users/alice/activity?before=$_")->{status}, 400, "refused: $_")
        for 'x', '2026-01-01T00:00:00Z', "2026-01-01T00:00:00Z_x", "now_$alice";
};

# Server-sent events as they come, until there are so many or the time is over.
sub live
{
    my ($path, $count, $while, @headers) = @_;
    my ($port) = $stack->service->{url} =~ /:(\d+)$/;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die "connect: $@";
    my ($text, $parsed, @events) = ('', 0);
    my $end = time + 30;

    print {$socket} join("\r\n", "GET $path HTTP/1.0", @headers, '', '');
    while (@events < $count && time < $end)
    {
        my $ready = '';
        vec($ready, fileno($socket), 1) = 1;
        next unless select($ready, undef, undef, 0.5);
        sysread($socket, $text, 65536, length $text) or last;
        $while->() if $while && $text =~ /\r\n\r\n/ && $text =~ /^id: /m;
        undef $while if $text =~ /^id: /m;
        # Each event once: a read may bring a single one of thousands.
        pos($text) = $parsed;
        while ($text =~ /^id: (\d+)\nevent: entry\ndata: (.*)\n\n/mgc)
        {
            push @events, { id => $1, item => eval { $json->decode($2) } };
            $parsed = pos $text;
        }
    }
    close $socket;
    return ($text, @events);
}

subtest 'live' => sub {
    my ($head, @events) = live("/wallets/$alice/history/live", 10, sub { $service->post("/wallets/$alice/withdraw", { amount => '1' }) });

    like($head, qr{^HTTP/1\.\d 200 OK\r\n.*Content-Type: text/event-stream\r\n}s, 'server-sent events');
    is_deeply([ map { $_->{id} } @events ], [ 0 .. 9 ], 'what was there, oldest first, and what came meanwhile');
    is($events[9]{item}{event_type}, 'WITHDRAW', 'as an item of the history');
    is($events[9]{item}{event_data}{balance}, '98.9300', 'with the event');
    ($head, @events) = live("/wallets/$alice/history/live?after=7", 2);
    is_deeply([ map { $_->{id} } @events ], [ 8, 9 ], 'only what is newer than the version that is named');
    ($head, @events) = live("/wallets/$alice/history/live?after=0", 1, undef, 'Last-Event-ID: 8');
    is_deeply([ map { $_->{id} } @events ], [9], 'a client that comes back goes on where it was');
    is($service->get("/wallets/$UNKNOWN/history/live")->{status}, 404, 'an unknown wallet');
    is($service->get("/wallets/$alice/history/live?after=x")->{status}, 400, 'no version');
    is($service->get('/wallets/x/history/live')->{status}, 400, 'no id');
    poll_until(sub { $stack->service->metric('wallet_service_streams') == 0 }, deadline => 40, what => 'the streams of clients that have gone to end');
};

subtest 'the newest 50, and steps over a long history' => sub {
    my $shop = $service->post('/wallets', { user_id => 'shop' })->{json}{id};
    $stack->sql('SELECT count(wallet_fund(?, 1)) FROM generate_series(1, 1200)', $shop);
    $stack->wait_history;
    my (undef, @events) = live("/wallets/$shop/history/live", 50);
    is_deeply([ map { $_->{id} } @events ], [ 1151 .. 1200 ], 'the newest 50');
    (undef, @events) = live("/wallets/$shop/history/live?after=0", 1200);
    is_deeply([ map { $_->{id} } @events ], [ 1 .. 1200 ], 'all, in order');
};

subtest 'stopping ends streams' => sub {
    my ($port) = $stack->service->{url} =~ /:(\d+)$/;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die "connect: $@";

    print {$socket} "GET /wallets/$alice/history/live HTTP/1.1\r\nHost: localhost\r\n\r\n";
    poll_until(sub { $stack->service->metric('wallet_service_streams') == 1 }, what => 'the stream');
    is($stack->service->stop, 0, 'the service stops');
    my $text = '';
    1 while sysread($socket, $text, 65536, length $text);
    like($text, qr/\n0\r\n\r\n\z|\n\n\z/, 'and the stream has an end');
};

my $guarded = $stack->another_history(BEARER_TOKEN => '0123456789abcdef', KAFKA_GROUP_ID => 'another-' . $stack->group);
$guarded->start(ready => 0);
poll_until(sub { ($guarded->get('/live'))[0] == 200 }, what => 'a history with a token');
is(Http->new($guarded->{url})->get("/wallets/$alice/history")->{status}, 401, 'asks for it');
is(Http->new($guarded->{url}, headers => { Authorization => 'Bearer 0123456789abcdef' })->get("/wallets/$alice/history")->{status}, 200, 'and takes it');
$guarded->stop;

cmp_ok($stack->history->metric('wallet_history_request_seconds_count', endpoint => 'history'), '>', 20, 'requests are timed');
$stack->quiet_ok;
done_testing;
