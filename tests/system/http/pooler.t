# Behind pgbouncer in transaction mode every transaction may run in another session of the server, which other programs
# share: what was asked for is what is done, and nothing of one program's session stays for the next.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use HTTP::Tiny;
use JSON::PP qw(decode_json encode_json);
use POSIX ();
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Pooler;
use Stack;
use Test::More;

my $CALLS = 200;
my $stack = Stack->start(kafka => 0);
$stack->sql(q{ALTER DATABASE wallet_db SET default_transaction_isolation TO 'serializable'});
my ($wallet) = $stack->create_wallets(1, fund => '1000.00');
my $pooler   = Pooler->new($stack->postgres, sessions => 3)->start;
my @services = map { $stack->another_service(DATABASE_URL => $pooler->uri(user => 'wallet_service'), DATABASE_POOL_SIZE => 4) } 1 .. 2;

sub post
{
    my ($service, $path, $body, %header) = @_;
    return HTTP::Tiny->new(timeout => 60)->post("$service->{url}$path",
        { headers => { 'Content-Type' => 'application/json', %header }, content => encode_json($body) });
}

# A child that calls again and again; its file has a line for each answer.
sub caller_start
{
    my ($number, $service, $operation) = @_;
    my $path = Wait::test_directory() . "/$operation.$number";
    my $pid  = fork // die "fork: $!";
    return { pid => $pid, path => $path } if $pid;
    open my $file, '>', $path or POSIX::_exit(1);
    for my $n (1 .. $CALLS)
    {
        my ($until, $response) = time + 60;
        # Where a renewal meets a session that is being opened, the pooler turns away all who wait, at times.
        do { $response = post($service, "/wallets/$wallet/$operation", { amount => '1' }, 'Idempotency-Key' => "$operation.$number.$n") }
            while $response->{status} == 503 && time < $until;
        print {$file} $response->{status} == 200
            ? decode_json($response->{content})->{transaction_id} : "$response->{status} $response->{content}", "\n";
    }
    close $file;
    POSIX::_exit(0);
}

sub lines_of
{
    my ($path) = @_;
    open my $file, '<', $path or return;
    chomp(my @lines = <$file>);
    return @lines;
}

subtest 'two programs, two operations, sessions that are renewed' => sub {
    $_->start for @services;
    my @callers = map { my $n = $_; map { [ $_, caller_start($n, $services[$n % 2], $_) ] } qw(fund withdraw) } 1 .. 2;
    # Each ends the server's sessions as soon as they are idle.
    for (1 .. 100)
    {
        $pooler->command('RECONNECT');
        select undef, undef, undef, 0.2;
        last unless grep { lines_of($_->[1]{path}) < $CALLS } @callers;
    }
    my %told = (fund => [], withdraw => []);
    for my $caller (@callers)
    {
        waitpid $caller->[1]{pid}, 0;
        push @{ $told{ $caller->[0] } }, lines_of($caller->[1]{path});
    }
    my @refused = grep { !/^[0-9a-f-]{36}$/ } map { @$_ } values %told;
    is_deeply([ @refused > 5 ? @refused[ 0 .. 4 ] : @refused ], [], 'every call is answered 200, if not at once');
    for my $operation (qw(fund withdraw))
    {
        my @stored = map { $_->{id} } $stack->rows(
            q{SELECT DISTINCT transaction_id AS id FROM wallet_transactions WHERE type = ? AND wallet_id = ? AND version > 1},
            uc $operation, $wallet);
        is_deeply([ sort @stored ], [ sort @{ $told{$operation} } ], "the ledger has each $operation, and no other");
    }
    is_deeply([ $stack->rows('SELECT * FROM wallet_check()') ], [], 'wallet_check() finds nothing');
};

subtest 'names of statements are those of their text' => sub {
    my %texts;
    # Sessions that were renewed a moment ago have none.
    post($_, "/wallets/$wallet/fund", { amount => '1' }) for @services;
    my $client = DBI->connect($pooler->uri(user => 'wallet_service') =~ s{.*:(\d+)/(.*)}{dbi:Pg:host=127.0.0.1;port=$1;dbname=$2}r,
        'wallet_service', '', { RaiseError => 1, PrintError => 0, pg_server_prepare => 0 });
    for (1 .. 20)
    {
        $texts{ $_->[0] }{ $_->[1] } = 1
            for @{ $client->selectall_arrayref(q{SELECT name, statement FROM pg_prepared_statements}) };
    }
    cmp_ok(scalar keys %texts, '>', 1, 'there are prepared statements');
    is_deeply([ grep { !/^w[0-9a-f]{32}$/ } keys %texts ], [], 'each is named by 128 bits');
    is_deeply([ grep { keys %{ $texts{$_} } > 1 } keys %texts ], [], 'and has one text');
    my %settings = map { @$_ } @{ $client->selectall_arrayref(
        q{SELECT name, setting FROM pg_settings WHERE name IN ('jit', 'statement_timeout', 'plan_cache_mode', 'transaction_isolation')}) };
    is_deeply(\%settings, { jit => $settings{jit}, statement_timeout => 0, plan_cache_mode => 'auto', transaction_isolation => 'serializable' },
        'the settings of the services are theirs alone');
    is($client->selectrow_array('SHOW search_path'), '"$user", public', 'the search_path too');
    $client->disconnect;
};

subtest 'settings travel with the transaction' => sub {
    my $service = $services[0];
    my $other = DBI->connect($pooler->uri(user => 'wallet_service') =~ s{.*:(\d+)/(.*)}{dbi:Pg:host=127.0.0.1;port=$1;dbname=$2}r,
        'wallet_service', '', { RaiseError => 1, PrintError => 0, pg_server_prepare => 0 });
    # What another client leaves behind in every session.
    for (1 .. 20) { $other->do(q{SET search_path TO pg_catalog}); $other->do(q{SET TimeZone TO 'Asia/Tokyo'}) }
    $other->disconnect;
    my @answers = map { [ $service->get("/wallets/$wallet") ] } 1 .. 20;
    is_deeply([ grep { $_->[0] != 200 } @answers ], [], 'another search_path does not matter');
    unlike($answers[0][1], qr/\+09/, 'nor does another time zone');
};
is($_->stop, 0, 'it stops when asked to') for @services;
my @turned_away = $pooler->{daemon}->log_since(0) =~ /pooler error: server login has been failing/g;
my @broken_off  = grep { /a call was broken off/ } map { $_->unexpected_log } @services;
cmp_ok(scalar @broken_off, '<=', scalar @turned_away, 'no more calls were broken off than the pooler turned away');
is_deeply([ map { $_->unexpected_log(allow => qr/a call was broken off/) } @services ], [], 'without another word');
$pooler->stop;
done_testing;
