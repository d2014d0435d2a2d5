# wallet_service while PostgreSQL is restarted, killed, becomes a standby or moves, and while it is stopped itself:
# nobody sees anything but an answer or 503, no acknowledged call is lost, none is done twice.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP qw(decode_json encode_json);
use POSIX ();
use Time::HiRes qw(time);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use HttpLoad;
use Stack;
use Test::More;
use Wait;

my $stack    = Stack->start(kafka => 0, service => 1, conf => { hot_standby => 'on' });
my $postgres = $stack->postgres;
my $service  = $stack->service;
my @wallets  = $stack->create_wallets(20, fund => '1000.00');
my ($alice, $bob) = $stack->create_wallets(2, fund => '1000.00');
my $keys     = 0;

sub post
{
    my ($daemon, $path, $body, %header) = @_;
    my $http = HTTP::Tiny->new(timeout => 60);
    return $http->post("$daemon->{url}$path",
        { headers => { 'Content-Type' => 'application/json', %header }, content => encode_json($body) });
}

sub pay
{
    my ($daemon, $from, $to, $key) = @_;
    return post($daemon, "/wallets/$from/transfer", { to_wallet_id => $to, amount => '1' },
        'Idempotency-Key' => $key // 'pay-' . ++$keys);
}

sub health_of
{
    my ($daemon) = @_;
    my ($code, $body) = $daemon->get('/health');
    return ($code, $body);
}

sub wait_health
{
    my ($daemon, $wanted, $what) = @_;
    my $begin = time;
    poll_until(sub { (health_of($daemon))[0] == $wanted }, interval => 0.02, what => "$what: /health $wanted");
    return time - $begin;
}

# The ledger has what the load was told, once, and nothing that nobody was told of.
sub accounts_ok
{
    my ($load, $name) = @_;
    my %stored = map { ($_->{key} => $_->{id}) } $stack->rows(
        q{SELECT idempotency_key AS key, transaction_id AS id FROM wallet_ledger WHERE idempotency_key LIKE 'http-%'});
    my %told = %{ $load->acknowledged };

    # Loads before this one are in the ledger too.
    my @unknown = grep { !exists $told{$_} && !$main::seen{$_} } sort keys %stored;
    my @lost    = grep { ($stored{$_} // '') ne $told{$_} } sort keys %told;
    @main::seen{ keys %told } = (1) x keys %told;
    is_deeply(\@lost,    [], "$name: " . keys(%told) . ' acknowledged calls are in the ledger');
    is_deeply(\@unknown, [], "$name: and no other");
    is_deeply([ $load->errors ], [], "$name: nobody got an answer that is no answer");
    is_deeply([ $stack->rows('SELECT * FROM wallet_check()') ], [], "$name: wallet_check() finds nothing");
    is_deeply([ $stack->rows('SELECT * FROM wallet_totals() WHERE difference <> 0') ], [], "$name: the sums are right");
    return;
}
our %seen;

subtest 'PostgreSQL restarts under load' => sub {
    my $pid  = $service->pid;
    my $load = HttpLoad->start(url => $service->{url}, wallets => \@wallets, clients => 6, mixed => 1);

    for my $how (qw(fast immediate kill9 fast))
    {
        $load->wait_progress(100);
        if ($how eq 'kill9') { $postgres->kill9 }
        else                 { $postgres->stop($how) }
        wait_health($service, 503, $how);
        my (undef, $reasons) = health_of($service);
        like($reasons, qr/postgresql/, "$how: /health says what is missing");
        is(($service->get('/live'))[0], 200, "$how: /live does not mind");
        my $response = pay($service, $alice, $bob);
        is($response->{status}, 503, "$how: a call is answered 503");
        is($response->{headers}{'content-type'}, 'application/problem+json', "$how: with a problem");
        like($response->{headers}{'retry-after'} // '', qr/^\d+$/, "$how: and when to come back");
        $postgres->start;
        my $seconds = wait_health($service, 200, $how);
        cmp_ok($seconds, '<', patient(10), sprintf '%s: back after %.1f s', $how, $seconds);
    }
    $load->wait_progress(100);
    $load->stop;
    my $statuses = $load->statuses;
    note explain $statuses;
    is_deeply([ grep { !/^(?:200|404|422|503)$/ } sort keys %$statuses ], [], 'no other statuses, no broken connection');
    ok($service->running && $service->pid == $pid, 'the service lived through it');
    accounts_ok($load, 'restarts');
};

# Statements that wait: what they want is locked.
sub locked
{
    my ($wallet) = @_;
    my $session = $stack->connect;
    $session->begin_work;
    $session->do('SELECT FROM wallets WHERE id = ? FOR UPDATE', undef, $wallet);
    return $session;
}

sub in_background
{
    my ($code) = @_;
    my $path = Wait::test_directory() . '/background.' . ++$keys;
    my $pid  = fork // die "fork: $!";
    if ($pid == 0)
    {
        my $response = $code->();
        open my $file, '>', $path or POSIX::_exit(1);
        print {$file} encode_json($response);
        close $file;
        POSIX::_exit(0);
    }
    return sub {
        waitpid $pid, 0;
        open my $file, '<', $path or die "$path: $!";
        local $/;
        return decode_json(<$file>);
    };
}

sub wait_waiting
{
    poll_until(
        sub { $stack->sql(q{SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'wallet_service'}) },
        what => 'a call that waits for a lock');
    return;
}

subtest 'the service is stopped under load' => sub {
    my $load = HttpLoad->start(url => $service->{url}, wallets => \@wallets, clients => 6, mixed => 1);
    for my $round (1 .. 3)
    {
        $load->wait_progress(50);
        my $begin = time;
        is($service->stop, 0, "stopped in round $round: exit code 0");
        cmp_ok(time - $begin, '<', patient(5), 'soon');
        $service->start;
    }
    $load->wait_progress(50);
    $load->stop;
    note explain $load->statuses;
    accounts_ok($load, 'stops');

    my $lock   = locked($alice);
    my $answer = in_background(sub { pay($service, $bob, $alice, 'while stopping') });
    my $idle   = IO::Socket::INET->new(PeerAddr => $service->{url} =~ s{.*//}{}r) or die "connect: $!";
    wait_waiting();
    $service->signal('TERM');
    poll_until(sub { !IO::Socket::INET->new(PeerAddr => $service->{url} =~ s{.*//}{}r) }, what => 'no new connections');
    ok($service->running, 'a call that is being worked on keeps the service');
    $lock->rollback;
    my $response = $answer->();
    is($response->{status}, 200, 'and gets its answer');
    is($response->{headers}{connection}, 'close', 'the last one on that connection');
    is($service->wait_exit, 0, 'then the service ends');
    is(sysread($idle, my $byte, 1), 0, 'a connection without a request is closed');
    $service->start;
    $response = pay($service, $bob, $alice, 'while stopping');
    is($response->{headers}{'idempotency-replayed'}, 'true', 'what was answered is done');
};

subtest 'the service is killed under load' => sub {
    my $load = HttpLoad->start(url => $service->{url}, wallets => \@wallets, clients => 6, mixed => 1);
    for (1 .. 3)
    {
        $load->wait_progress(50);
        $service->kill9;
        $service->start;
    }
    $load->wait_progress(50);
    $load->stop;
    note explain $load->statuses;
    accounts_ok($load, 'kills');
};

subtest 'sessions that PostgreSQL has dropped' => sub {
    my $terminate = q{SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'wallet_service'};
    my $mark      = $service->log_mark;
    for my $case (
        [ 'a read',              sub { my ($code) = $service->get("/wallets/$alice"); $code } ],
        [ 'a call with a key',   sub { pay($service, $alice, $bob)->{status} } ],
        [ 'a call without one',  sub { post($service, "/wallets/$alice/fund", { amount => '1' })->{status} } ])
    {
        my ($name, $ask) = @$case;
        $stack->rows($terminate);
        my %statuses;
        # More than there are connections: each of them is new to this.
        $statuses{ $ask->() }++ for 1 .. 40;
        is_deeply(\%statuses, { 200 => 40 }, "$name does not notice");
    }
    is_deeply([ $service->log_since($mark) =~ /(.*level=warning.*)/g ], [], 'the log neither');
};

subtest 'a call that is interrupted' => sub {
    my ($lock, $answer);
    for my $case ([ 'a call with a key' => 'Idempotency-Key', 'cut' ], [ 'a call without one' ])
    {
        my ($name, @header) = @$case;
        my $before = $stack->sql('SELECT version FROM wallet_get(?)', $alice);
        $lock   = locked($alice);
        $answer = in_background(sub { post($service, "/wallets/$alice/fund", { amount => '1' }, @header) });
        wait_waiting();
        my ($pid) = $stack->sql(q{SELECT pid FROM pg_stat_activity
                                  WHERE wait_event_type = 'Lock' AND application_name = 'wallet_service'});
        $stack->sql('SELECT pg_terminate_backend(?, 5000)', $pid);
        wait_waiting();
        $lock->rollback;
        is($answer->()->{status}, 200, "$name: its session is terminated, it is run again");
        is($stack->sql('SELECT version FROM wallet_get(?)', $alice), $before + 1, 'and done once');
    }

    $lock   = locked($alice);
    $answer = in_background(sub { pay($service, $alice, $bob, 'cancelled') });
    wait_waiting();
    $stack->sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity
                  WHERE wait_event_type = 'Lock' AND application_name = 'wallet_service'});
    $lock->rollback;
    is($answer->()->{status}, 200, 'its statement is cancelled: it is run again');
};

subtest 'a server that takes no writes for a while' => sub {
    $stack->sql(q{ALTER SYSTEM SET default_transaction_read_only = on});
    $stack->sql('SELECT pg_reload_conf()');
    poll_until(sub { pay($service, $alice, $bob)->{status} == 503 }, what => 'writes are refused');
    my $response = pay($service, $alice, $bob);
    is($response->{status}, 503, 'read-only: 503');
    is((decode_json($response->{content}))->{code}, '25006', 'with the reason');
    is(($service->get("/wallets/$alice"))[0], 200, 'reads go on');
    my $session = $stack->connect;
    $session->do('SET default_transaction_read_only TO off');
    $session->do('ALTER SYSTEM RESET default_transaction_read_only');
    $session->do('SELECT pg_reload_conf()');
    poll_until(sub { pay($service, $alice, $bob)->{status} == 200 }, deadline => 15, what => 'writes again');
    pass('and writes, when they may');
};

my $standby = $postgres->standby;
my $reader  = $stack->another_service(DATABASE_READ_URL => $standby->uri(user => 'wallet_service'));
my $mover   = $stack->another_service(DATABASE_URL => sprintf(
    'postgresql://wallet_service@127.0.0.1:%d,127.0.0.1:%d/wallet_db?target_session_attrs=read-write',
    $postgres->port, $standby->port));

subtest 'reads from a standby' => sub {
    $reader->start;
    my $paid = pay($reader, $alice, $bob);
    is($paid->{status}, 200, 'an operation goes to the primary');
    my $version = (decode_json($paid->{content}))->{wallet}{version};
    poll_until(
        sub { my ($code, $body) = $reader->get("/wallets/$alice"); $code == 200 && decode_json($body)->{version} >= $version },
        what => 'the standby to follow');
    is($standby->sql(q{SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'wallet_service'}), 1,
        'the service reads there');
    $standby->stop;
    wait_health($reader, 503, 'standby gone');
    like((health_of($reader))[1], qr/postgresql_read/, '/health says which server');
    is(($reader->get("/wallets/$alice"))[0], 503, 'reads are answered 503');
    is(pay($reader, $alice, $bob)->{status}, 200, 'operations go on');
    $standby->start;
    wait_health($reader, 200, 'standby back');
    is(($reader->get("/wallets/$alice"))[0], 200, 'reads too, then');
    is($reader->stop, 0, 'it stops');
};

subtest 'failover' => sub {
    my $load = HttpLoad->start(url => $mover->start->{url}, wallets => \@wallets, clients => 4, mixed => 1);
    $load->wait_progress(100);

    # As with synchronous replication: nothing acknowledged is lost.
    $stack->sql(q{ALTER SYSTEM SET synchronous_standby_names = '*'});
    $stack->sql('SELECT pg_reload_conf()');
    poll_until(sub { $stack->sql(q{SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'}) }, what => 'a synchronous standby');
    $load->wait_progress(100);
    $postgres->kill9;
    wait_health($mover, 503, 'primary gone');
    $standby->promote;
    my $seconds = wait_health($mover, 200, 'promoted');
    cmp_ok($seconds, '<', patient(15), sprintf 'on the new primary after %.1f s', $seconds);
    $load->wait_progress(100);
    $load->stop;
    note explain $load->statuses;
    is_deeply([ grep { !/^(?:200|404|422|503)$/ } sort keys %{ $load->statuses } ], [], 'no other statuses, no broken connection');
    $stack->{postgres} = $standby;
    accounts_ok($load, 'failover');

    # The old primary comes back as a standby of the new one.
    wait_health($service, 503, 'primary gone');
    open my $file, '>', "$postgres->{base}/data/standby.signal" or die $!;
    close $file;
    chown((getpwnam($postgres->{user}))[ 2, 3 ], "$postgres->{base}/data/standby.signal") if $postgres->{user};
    $postgres->start;
    poll_until(sub { (health_of($service))[1] =~ /standby/ }, what => 'the reason');
    pass('a server that became a standby is told as such');
    is(pay($service, $alice, $bob)->{status}, 503, 'and takes no operations');
    $postgres->sql('ALTER SYSTEM RESET synchronous_standby_names');
    $postgres->sql('SELECT pg_reload_conf()');
    $postgres->promote;
    wait_health($service, 200, 'promoted again');
    is(pay($service, $alice, $bob)->{status}, 200, 'until it is promoted');
    is($_->stop, 0, 'it stops when asked to') for $mover, $service;
};
done_testing;
