# Output plugin wallet_decoder in a walsender: the golden samples byte for byte, both formats, origins.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use JSON::PP ();
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Files;
use Postgres;
use Test::More;
use Wait;

my $root   = abs_path(dirname(__FILE__) . '/../../..');
my $golden = "$root/tests/golden/wallet-event.v1.1.jsonl";
my $schema = "$root/wallet_ext/decoder/wallet-event.v1.schema.json";
my $server = Postgres->new;

chomp(my $bin = qx(@{[ $ENV{PG_CONFIG} || 'pg_config' ]} --bindir));

# What the slot sends up to now; pg_recvlogical ends every message with a line feed.
sub stream_receive
{
    my ($slot, @options) = @_;
    my $path = test_directory() . "/$slot";
    my $end  = $server->sql('SELECT pg_current_wal_insert_lsn()');

    unlink $path;
    my $code = system "$bin/pg_recvlogical", '--dbname', $server->uri, '--slot', $slot, '--start',
        '--no-loop', '--endpos', $end, '--file', $path, map { ('--option', $_) } @options;
    is($code, 0, "$slot received to $end");
    return slurp($path);
}

# Frames as [type, body] until the text ends.
sub frames_split
{
    my ($bytes) = @_;
    my @frames;

    while (length $bytes)
    {
        my $length = unpack 'N', $bytes;
        push @frames, [ unpack 'x4 a1 a' . ($length - 1), $bytes ];
        substr $bytes, 0, 4 + $length, '';
        # The tool's own line feed, after the last frame of a message.
        $bytes =~ s/\A\n(?=\z|\0\0\0\x1eB)//;
    }
    return @frames;
}

sub events_check
{
    my ($events, $name) = @_;
    my $path = test_directory() . '/events';

    open my $file, '>:raw', $path or die "$path: $!";
    print {$file} $events;
    close $file;
    my $output = qx('$root/tests/harness/check_events.py' '$schema' < '$path' 2>&1);
    is($?, 0, $name) or diag $output;
    return;
}

$server->sql('CREATE EXTENSION wallet');
$server->sql('SELECT pg_create_logical_replication_slot(?, ?)', $_, 'wallet_decoder')
    for qw(golden_json golden_frame);
$server->psql_file("$root/tests/golden/wallet-event.v1.sql");

my $expected = slurp($golden);
ok(stream_receive('golden_json') eq $expected, 'the events are the golden samples, byte for byte');
ok(stream_receive('golden_json') eq '', 'and are not sent again');
events_check($expected, 'the golden samples keep to the schema');

my ($example) = slurp("$root/docs/events.md") =~ /^```json\n(\{.*\}\n)```$/m;
events_check($example, 'and so does the example of docs/events.md');

# Fields are only ever appended, so that what was written by 1.0 reads as it did.
my $former = slurp("$root/tests/golden/wallet-event.v1.jsonl");
events_check($former, 'and so do those of 1.0');
(my $shortened = $expected) =~ s/,"seal":null\}$/}/mg;
$shortened =~ s/^.*"seal":"[0-9a-f]{64}"\}\n//m;
ok($shortened eq $former, 'which differ by the field seal alone');

my @stored = map { $_->{event} } $server->rows(<<'SQL');
SELECT e.event FROM wallet_ledger AS l, wallet_ledger_events(l) AS e
ORDER BY l.transaction_id, l.leg, e.ordinal
SQL
my $stored = join '', map { "$_\n" } @stored;
utf8::encode($stored) if utf8::is_utf8($stored);
ok($stored eq $expected, 'wallet_ledger_events writes the same bytes');

my @frames = frames_split(stream_receive('golden_frame', 'format=frame', 'protocol_version=1'));
my $ledger_rows = $server->sql('SELECT count(*) FROM wallet_ledger');
for my $type (qw(B C))
{
    is(scalar(grep { $_->[0] eq $type } @frames), $ledger_rows, "a frame $type for each transaction");
}
my @events = grep { $_->[0] eq 'E' } @frames;
ok(join('', map { substr($_->[1], 4 + 36 + 36 + 8) . "\n" } @events) eq $expected,
    'the frames hold the golden samples');

subtest 'origins' => sub {
    my $session = $server->connect;
    my $id      = $server->sql(q(SELECT wallet_create('alice')));

    stream_receive('golden_json');
    for my $origin (qw(wallet_history_0 another))
    {
        $session->do('SELECT pg_replication_origin_create(?)',        undef, $origin);
        $session->do('SELECT pg_replication_origin_session_setup(?)', undef, $origin);
        eval { $session->do('SELECT wallet_fund(?, ?)', undef, $id, length $origin) };
        is($session->state, $origin eq 'another' ? '' : '55000', "money under origin $origin");
        $session->do('SELECT pg_replication_origin_session_reset()');
    }
    $session->do('SELECT wallet_fund(?, ?)', undef, $id, 1);
    $session->disconnect;
    my $events = stream_receive('golden_json');
    is_deeply([ $events =~ /"amount":"([0-9.]+)"/g ],
        [qw(7.0000 1.0000)], 'another origin leaves nothing out');
    events_check($events, 'events of real calls keep to the schema');
};

# What each function makes, in transactions of one call and of several.
my $every_operation = <<'SQL';
SELECT wallet_create('a', wallet_id => 'aaaaaaaa-0000-0000-0000-000000000001', metadata => '{"plan": "gold"}'),
       wallet_create('b', wallet_id => 'bbbbbbbb-0000-0000-0000-000000000001'), wallet_create('c', wallet_id => 'cccccccc-0000-0000-0000-000000000001');
CREATE FUNCTION a() RETURNS uuid LANGUAGE sql AS $$ SELECT 'aaaaaaaa-0000-0000-0000-000000000001'::uuid $$;
CREATE FUNCTION b() RETURNS uuid LANGUAGE sql AS $$ SELECT 'bbbbbbbb-0000-0000-0000-000000000001'::uuid $$;
SELECT wallet_fund(a(), 100) AS fund \gset
SELECT wallet_withdraw(a(), 10) AS withdraw, wallet_transfer(a(), b(), 20, 'key', metadata => '{"order": 17}') AS transfer \gset
SELECT wallet_hold(a(), 9) AS hold, wallet_hold(a(), 8) AS rest, wallet_hold(a(), 7, '1 microsecond') AS expired \gset
SELECT wallet_capture(:'hold', b(), 4), wallet_capture(:'rest', NULL, 3, false) AS capture, wallet_release(:'rest') \gset
DO $$ BEGIN WHILE wallet_expire_holds() = 0 LOOP NULL; END LOOP; END $$;
SELECT wallet_reverse(:'fund', 5), wallet_reverse(:'withdraw'), wallet_reverse(:'transfer', 1.5, metadata => '{"case": 1}'), wallet_reverse(:'capture');
SELECT wallet_post(ARRAY[(a(), b(), 2), (b(), a(), 1)]::wallet_leg[]) AS post \gset
SELECT wallet_reverse(:'post'), wallet_reverse_force(:'fund', 90);
SELECT * FROM wallet_transfer_batch(ARRAY[b(), b()], ARRAY[a(), a()], '{0.25, 1000}', atomic => false);
SELECT wallet_freeze(a(), metadata => '{"reason": "lost"}'), wallet_set_limits(a(), 50, 1000), wallet_unfreeze(a()), wallet_set_limits(b(), max_balance => 500);
SELECT wallet_set_limits(b(), max_balance => 'Infinity'), wallet_close('cccccccc-0000-0000-0000-000000000001');
SQL

# From CREATED on, the events of a wallet alone rebuild its row.
sub rows_rebuild
{
    my ($events) = @_;
    my %rows;

    for my $event (map { JSON::PP::decode_json($_) } split /\n/, $events)
    {
        my $row = $rows{ $event->{wallet_id} } //= {};
        is($event->{version}, exists $row->{version} ? $row->{version} + 1 : 0, "$event->{event_type} $event->{version} is the next");
        @$row{qw(credit_limit max_balance)} = @$event{qw(credit_limit max_balance)}
            if $event->{event_type} =~ /^(?:CREATED|LIMITS)$/;
        @$row{qw(user_id currency balance held status version)} = @$event{qw(user_id currency balance held status version)};
    }
    return \%rows;
}

subtest 'every operation' => sub {
    my ($code, $out, $error) = $server->psql($every_operation);
    is($code, 0, 'was done') or diag $error;
    my $events = stream_receive('golden_json');
    my %types  = map { ($_ => 1) } $events =~ /"event_type":"(\w+)"/g;

    events_check($events, 'the events keep to the schema');
    is(join(' ', sort keys %types), 'CAPTURE_IN CAPTURE_OUT CREATED EXPIRE FUND HOLD LIMITS RELEASE REVERSAL_IN REVERSAL_OUT STATUS TRANSFER_IN TRANSFER_OUT WITHDRAW',
        'of every type there is');
    my %rows = map { my $id = delete $_->{id}; ($id => $_) } $server->rows(<<'SQL');
SELECT id, user_id, currency, balance, held, credit_limit, max_balance, status, version FROM wallets WHERE length(user_id) = 1
SQL
    is_deeply(rows_rebuild($events), \%rows, 'and they rebuild the wallets');
};

subtest 'options' => sub {
    my $code = system "'$bin/pg_recvlogical' --dbname '@{[ $server->uri ]}' --slot golden_json --start "
        . '--no-loop --option format=xml --file - 2>' . test_directory() . '/refused';
    isnt($code, 0, 'an unknown value is refused');
    like(slurp(test_directory() . '/refused'),
        qr/invalid value "xml" for option "format"/, 'with its reason');
};

done_testing;
