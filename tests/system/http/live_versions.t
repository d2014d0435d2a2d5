# Which versions a live history may begin after; and that no client's choice stops the streams of others.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use HTTP::Tiny;
use IO::Socket::INET;
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Stack;
use Test::More;

my $stack   = Stack->start;
my $service = $stack->another_service;
my $http    = HTTP::Tiny->new(timeout => 10);
my ($alice, $bob) = $stack->create_wallets(2, fund => '100');

$service->start;
$stack->wait_history;

my %refused = ('a word' => 'x', 'a sign' => '-1', 'nothing' => '', 'beyond bigint' => '9223372036854775808',
    'the last of bigint' => '9223372036854775807');
for my $what (sort keys %refused)
{
    my $url = "$service->{url}/wallets/$alice/history/live";
    is($http->get("$url?after=$refused{$what}")->{status}, 400, "after: $what is refused");
    is($http->get("$url?after=$refused{$what}", { headers => { 'Last-Event-ID' => 0 } })->{status},
        400, 'also beside a good Last-Event-ID');
    is($http->get($url, { headers => { 'Last-Event-ID' => $refused{$what} } })->{status}, 400, 'and as Last-Event-ID');
}

my %stream = (first => follow($alice, 0), far => follow($bob, '9' x 18), last => follow($alice, 0, 'Last-Event-ID: 1'));
$stack->sql('SELECT wallet_fund(?, 1)', $_) for $alice, $bob;
is_deeply([ ids($stream{first}, 2) ], [ 1, 2 ], 'after 0: what is there, and what comes');
is_deeply([ ids($stream{last},  2) ], [2], 'Last-Event-ID counts, not after');
is_deeply([ ids($stream{far}) ], [], 'after a version that is far away: nothing');
is($service->stop, 0, 'the service stops');
is_deeply([ $service->unexpected_log ], [], 'and has had nothing to complain of');
$stack->quiet_ok;
done_testing;

sub follow
{
    my ($wallet, $after, @headers) = @_;
    my ($port) = $service->{url} =~ /(\d+)$/;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die "connect: $!\n";
    print {$socket} join "\r\n", "GET /wallets/$wallet/history/live?after=$after HTTP/1.1", 'Host: localhost', @headers, '', '';
    $socket->blocking(0);
    return { socket => $socket, text => '' };
}

# The ids of the events that came, up to the one that is awaited, or those that are there now.
sub ids
{
    my ($stream, $last) = @_;
    my $read = sub {
        1 while sysread $stream->{socket}, $stream->{text}, 65536, length $stream->{text};
        return !defined $last || $stream->{text} =~ /^id: $last$/m;
    };
    poll_until($read, what => 'the event ' . ($last // ''));
    return $stream->{text} =~ /^id: (\d+)/mg;
}
