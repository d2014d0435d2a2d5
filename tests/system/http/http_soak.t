# Mixed load over HTTP through restarts of PostgreSQL and an outage of Kafka: nobody sees an error but 503, the sums are
# right, the history is complete, and memory stays flat. HTTP_SOAK_MINUTES says for how long (make soak-http).
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use List::Util qw(max);
use Time::HiRes qw(time);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use HttpLoad;
use RawHttp;
use Stack;
use Test::More;

my $SECONDS = 60 * ($ENV{HTTP_SOAK_MINUTES} || 0.5);
# Of each process: what it may use, what it may have won between the first fifth and the end (buffers for what has
# piled up in an outage), and in the last fifth, when nothing happens any more.
my ($ROOM_KB, $GROWS_KB, $FLAT_KB) =
    ($ENV{WALLET_BIN} // '') =~ /sanitize/ ? (2_000_000, 1_000_000, 500_000) : (128 * 1024, 24 * 1024, 8 * 1024);

my $stack    = Stack->start(own_kafka => 1, service => 1);
my @wallets  = $stack->create_wallets(50, fund => '10000.00');
my @programs = map { $stack->$_ } qw(service history bridge);
my %pid_of   = map { $_->{name} => $_->pid } @programs;
my $live     = RawHttp->connect($stack->service->{url} =~ s/.*://r);
$live->send("GET /wallets/$wallets[0]/history/live?after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n");
my $seen = '';

my $load = HttpLoad->start(
    url         => $stack->service->{url},
    history_url => $stack->history->{url},
    wallets     => \@wallets,
    clients     => 8,
    mixed       => 1,
    pause       => 0.03);

# What happens, and when: a share of the whole time.
my @events = (
    [ 0.25, 'PostgreSQL is restarted', sub { $stack->postgres->restart('fast') } ],
    [ 0.45, 'Kafka stops',             sub { $stack->kafka->stop } ],
    [ 0.60, 'Kafka starts',            sub { $stack->kafka->start } ],
    [ 0.75, 'PostgreSQL is killed',    sub { $stack->postgres->kill9; $stack->postgres->start } ]);
my ($begin, $next_look, %memory) = (time, 0);

while ((my $passed = time - $begin) < $SECONDS)
{
    if ($passed >= $next_look)
    {
        push @{ $memory{ $_->{name} } }, memory_kb($_->pid) for @programs;
        diag sprintf '%4.0f s: %s', $passed, join ', ', map { sprintf '%s %.1f MiB', $_->{name}, $memory{ $_->{name} }[-1] / 1024 } @programs;
        $next_look += $SECONDS / 20;
    }
    if (@events && $passed >= $events[0][0] * $SECONDS)
    {
        my (undef, $what, $act) = @{ shift @events };
        diag sprintf '%4.0f s: %s', $passed, $what;
        $act->();
    }
    follow();
    $load->wait_progress(1, deadline => 30);
}
$load->stop;

sub memory_kb
{
    my ($pid) = @_;
    open my $file, '<', "/proc/$pid/status" or return 0;
    local $/;
    return <$file> =~ /^VmRSS:\s+(\d+) kB/m ? $1 : 0;
}

sub follow
{
    my $more = $live->receive // return;
    $seen .= $more;
    return;
}

# The events of a stream, out of its chunks: their versions.
sub versions_seen
{
    my ($text, $at) = ('', index($seen, "\r\n\r\n") + 4);
    while (substr($seen, $at, 20) =~ /\A([0-9a-f]+)\r\n/i)
    {
        my $bytes = hex $1;
        $at += length($1) + 2;
        $text .= substr $seen, $at, $bytes;
        $at += $bytes + 2;
    }
    return $text =~ /^id: (\d+)$/mg;
}

my $statuses = $load->statuses;
diag join ', ', map { "$_: $statuses->{$_}" } sort keys %$statuses;
is_deeply([ grep { !/^(?:200|404|422|503)$/ } sort keys %$statuses ], [], 'no other status than these, no broken connection');
ok($_->running && $_->pid == $pid_of{ $_->{name} }, "$_->{name} lived through it") for @programs;
for my $name (map { $_->{name} } @programs)
{
    my @kb = @{ $memory{$name} };
    cmp_ok(max(@kb), '<', $ROOM_KB, sprintf '%s had %.1f MiB at most', $name, max(@kb) / 1024);
    my ($early, $late) = @kb[ @kb / 5, @kb * 4 / 5 ];
    cmp_ok($kb[-1] - $early, '<', $GROWS_KB, sprintf '%s grew by %.1f MiB', $name, ($kb[-1] - $early) / 1024);
    cmp_ok($kb[-1] - $late, '<', $FLAT_KB, sprintf '%s grew by %.1f MiB in the end', $name, ($kb[-1] - $late) / 1024);
}
$stack->wait_history(deadline => 300);
$stack->verify(duplicates => 1, acknowledged => $load);

my $newest = $stack->sql('SELECT max(version) FROM transaction_events WHERE wallet_id = ?', $wallets[0]);
poll_until(sub { follow(); ((versions_seen())[-1] // 0) == $newest }, deadline => 20, what => 'the newest event in the stream');
is_deeply([ versions_seen() ], [ 1 .. $newest ], 'who followed a history saw every event of it once, in order');
$live->close;
is($_->stop, 0, "$_->{name} stops when asked to") for @programs;
done_testing;
