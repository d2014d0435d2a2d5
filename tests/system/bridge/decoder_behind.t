# A walsender that is behind sends several transactions in a message: it says so first, no keepalive speaks for what it
# holds, and nothing is held once there is nothing more to read. Seen by a client that speaks the protocol itself.
use strict;
use warnings;

use IO::Socket::UNIX;
use Test::More;
use Time::HiRes qw(time);

use Postgres;
use Wait;

my $slot   = 'behind';
my $server = Postgres->new(conf => { synchronous_commit => 'off', wal_sender_timeout => '0' });
my ($socket, $buffer) = (undef, '');
my %seen;    # end of a commit => its events

$server->sql('CREATE EXTENSION wallet');
$server->sql('CREATE TABLE other (n integer)');
$server->sql('SELECT pg_create_logical_replication_slot(?, ?)', $_, 'wallet_decoder') for $slot, 'lines';
my @wallets = map { $server->sql('SELECT wallet_create(?)', "user $_") } 1 .. 2;
$server->sql('SELECT wallet_fund(?, 1000)', $_) for @wallets;

sub message_send
{
    my ($type, $body) = @_;
    my $message = $type . pack('N', length($body) + 4) . $body;
    syswrite($socket, $message) == length $message or die "the server went away: $!";
    return;
}

# The next message as type and body; undef where none came within so many seconds.
sub message_read
{
    my ($seconds) = @_;
    my $deadline = time + $seconds;

    until (length $buffer >= 5 && length $buffer >= 1 + unpack 'x N', $buffer)
    {
        my $read = '';
        vec($read, fileno $socket, 1) = 1;
        my $left = $deadline - time;
        return unless select $read, undef, undef, $left > 0 ? $left : 0;
        sysread($socket, $buffer, 1 << 16, length $buffer) or die 'the server went away';
    }
    my ($type, $length) = unpack 'a N', $buffer;
    my $message = substr $buffer, 0, 1 + $length, '';
    die "the server says $message" if $type eq 'E';
    return ($type, substr $message, 5);
}

sub stream_open
{
    my ($name, $options) = @_;
    $buffer = '';
    $socket = IO::Socket::UNIX->new(Peer => "$server->{base}/.s.PGSQL." . $server->port) // die "no socket: $!";
    message_send('', pack('N(Z*)*x', 196_608, user => 'postgres', database => $server->{dbname}, replication => 'database'));
    until ((message_read(30))[0] eq 'Z') { }
    message_send('Q', "START_REPLICATION SLOT $name LOGICAL 0/0 ($options)\0");
    until ((message_read(30))[0] eq 'W') { }
    return;
}

# Asks for a keepalive, and confirms nothing.
sub keepalive_ask { return message_send('d', pack 'a Q>4 C', 'r', 0, 0, 0, 0, 1) }

my $held_until = 0;    # of the last HOLD
my $vouched    = 0;    # by a keepalive that counts
my (@broken, $together);

sub frames_take
{
    my ($frames) = @_;
    my $commits = 0;

    while (length $frames)
    {
        my ($length, $type) = unpack 'N a', $frames;
        my $body = substr(substr($frames, 0, 4 + $length, ''), 5);
        if ($type eq 'C')
        {
            my ($end, $events) = (unpack 'Q>3 N', $body)[ 1, 3 ];
            push @broken, "$end after a keepalive at $vouched" if $end <= $vouched;
            push @broken, "$end twice" if $seen{$end};
            $seen{$end} = $events;
            $commits++;
        }
        $held_until = unpack 'Q>', $body if $type eq 'H';
    }
    $together++ if $commits > 1;
    return;
}

sub stream_take
{
    my ($seconds) = @_;
    my ($type, $body) = message_read($seconds) or return;
    my ($kind, $start, $end) = unpack 'a Q> Q>', $body;

    if    ($kind eq 'w') { frames_take(substr $body, 25) }
    elsif ($start > $held_until && $start > $vouched) { $vouched = $start }
    return 1;
}

# As many commits, with what else a server has between them.
sub transfers_make
{
    my ($count, $between) = @_;
    $server->sql("DO \$do\$ BEGIN FOR n IN 1 .. $count LOOP
        PERFORM wallet_transfer('$wallets[0]', '$wallets[1]', 0.01);
        COMMIT;
        $between
    END LOOP; END \$do\$");
    return;
}

sub ledger_rows { return $server->sql('SELECT count(*) FROM wallet_ledger') }

# A backlog with everything in it, while keepalives are asked for all the time.
transfers_make(1500, q{
    IF n % 7 = 0 THEN INSERT INTO other VALUES (n); COMMIT; END IF;
    IF n % 400 = 0 THEN PERFORM pg_switch_wal(); END IF;
    IF n % 500 = 0 THEN INSERT INTO other SELECT generate_series(1, 3000); COMMIT; END IF;
    IF n % 11 = 0 THEN PERFORM pg_logical_emit_message(true, 'other', repeat('x', 9000)); COMMIT; END IF;});
stream_open($slot, q{"format" 'frame', "protocol_version" '2'});
my $rows = ledger_rows();
poll_until(
    sub {
        keepalive_ask();
        1 while stream_take(0);
        return keys %seen == $rows;
    },
    interval => 0,
    what     => 'the backlog');
is_deeply(\@broken, [], 'no transaction came after a keepalive that spoke for it');
ok($together, 'several transactions came in one message');
ok($held_until, 'which was said before');

# Nothing else happens on this server: what is held now would stay.
my $sender = $server->sql('SELECT active_pid FROM pg_replication_slots WHERE slot_name = ?', $slot);
my @late;
for my $round (1 .. 40)
{
    kill 'STOP', $sender or die "STOP: $!";
    transfers_make(1 + int rand 60, $round % 3 ? q{} : q{IF random() < 0.1 THEN PERFORM pg_switch_wal(); END IF;});
    $server->sql('SELECT pg_switch_wal()')        if $round % 4 == 0;
    $server->sql('INSERT INTO other VALUES (1)') if $round % 5 == 0;
    $rows = ledger_rows();
    kill 'CONT', $sender or die "CONT: $!";
    my $deadline = time + 10;
    until (keys %seen == $rows || time > $deadline) { stream_take(1) }
    push @late, $round if keys %seen != $rows;
}
is_deeply(\@late,   [], 'what was committed came without a next commit');
is_deeply(\@broken, [], 'and again before any keepalive beyond it');
is(eval { my $sum = 0; $sum += $_ for values %seen; $sum }, $server->sql('SELECT sum(version + 1) FROM wallets'), 'every event came');

# A reader of lines with an end position stops at a message that names it.
my ($lines, $last) = (0, 0);
stream_open('lines', q{"format" 'json'});
while ($last < keys %seen)
{
    my ($type, $body) = message_read(30) or last;
    my ($kind, $start) = unpack 'a Q>', $body;
    next if $kind ne 'w';
    $lines++;
    $last++ if defined $seen{$start};
}
is($last,  keys %seen, 'the last line of a transaction comes with the end of its commit');
is($lines, $server->sql('SELECT sum(version + 1) FROM wallets'), 'and every line came');

done_testing();
