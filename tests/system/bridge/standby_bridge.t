# A second bridge on the same slot: waits, takes over when the first ends, dies or freezes; and what both
# tell systemd.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use IO::Socket::UNIX;
use Socket qw(SOCK_DGRAM);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Stack;
use Test::More;
use Wait;

my $stack = Stack->start(
    conf   => { wal_sender_timeout => '5s' },
    bridge => { BRIDGE_STANDBY_INTERVAL => '100ms' });
my $first   = $stack->bridge;
my $path    = test_directory() . '/notify';
my $socket  = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $path);
my $second  = $stack->another_bridge(
    BRIDGE_STANDBY_INTERVAL => '100ms',
    NOTIFY_SOCKET           => $path,
    WATCHDOG_USEC           => 400000);
my @wallets = $stack->create_wallets(10, fund => '1000.00');

sub role_is
{
    my ($bridge, $role) = @_;
    my ($code, $body) = $bridge->get('/health');
    return $code == 200 && $body =~ /"role":"$role"/;
}

sub wait_role
{
    my ($bridge, $role, $name) = @_;
    poll_until(sub { role_is($bridge, $role) }, what => "$name to be $role");
    pass("$name is $role");
    return;
}

# What systemd was told, as far as it was not asked for before.
sub notifications
{
    my @messages;
    $socket->blocking(0);
    while (defined $socket->recv(my $message, 4096)) { push @messages, $message }
    return @messages;
}

sub wait_notification
{
    my ($pattern, $number) = @_;
    my @seen;
    poll_until(sub { push @seen, notifications(); (grep { /$pattern/ } @seen) >= $number }, what => "$pattern to systemd");
    return @seen;
}

subtest 'standby' => sub {
    $second->start(ready => 0);
    # A socket takes few datagrams: they are read while it starts.
    my @seen = (wait_notification(qr/^READY=1$/, 1), wait_notification(qr/^WATCHDOG=1$/, 3));
    wait_role($second, 'standby', 'the second');
    is($second->metric('wallet_bridge_active'), 0, 'its metric says so');
    is($first->metric('wallet_bridge_active'),  1, 'and that the first is active');
    is(scalar(grep { /^READY=1$/ } @seen), 1, 'systemd was told once that it is ready');
    ok(role_is($first, 'active'), 'the first has the slot still');
    is_deeply([ $second->unexpected_log(allow => qr/older than|CONFWARN/) ], [], 'standing by is no trouble');
};

subtest 'asked to stop on standby' => sub {
    notifications();
    is($second->stop, 0, 'it ends with 0');
    is(scalar(grep { /^STOPPING=1$/ } notifications()), 1, 'systemd was told that it stops');
    ok(role_is($first, 'active'), 'the first did not mind');
};

subtest 'the first ends in order' => sub {
    $second->start;
    wait_role($second, 'standby', 'the second');
    my $load = $stack->load(wallets => \@wallets, clients => 2, pause => 0.01);
    $load->wait_progress(100);
    is($first->stop, 0, 'the first ends with 0');
    wait_role($second, 'active', 'the second');
    $load->wait_progress(100);
    $load->stop;
    $stack->wait_history;
    $stack->verify(acknowledged => $load, name => 'nothing lost, nothing twice');
};

subtest 'the active one is killed' => sub {
    $first->start;
    wait_role($first, 'standby', 'the first');
    my $load = $stack->load(wallets => \@wallets, clients => 2, pause => 0.01);
    $load->wait_progress(100);
    is($second->kill9, 'signal 9', 'killed under load');
    wait_role($first, 'active', 'the first');
    $load->wait_progress(100);
    $load->stop;
    $stack->wait_history;
    $stack->verify(acknowledged => $load, duplicates => 1);
};

subtest 'the active one freezes' => sub {
    $second->start;
    wait_role($second, 'standby', 'the second');
    my $load = $stack->load(wallets => \@wallets, clients => 2, pause => 0.01);
    $load->wait_progress(50);
    $first->suspend;
    wait_role($second, 'active', 'the second');
    $load->wait_progress(50);
    $first->resume;
    wait_role($first, 'standby', 'the first, awake again,');
    ok(role_is($second, 'active'), 'and the second keeps the slot');
    $load->wait_progress(50);
    $load->stop;
    $stack->wait_history;
    $stack->verify(acknowledged => $load, duplicates => 1);
    is($second->stop, 0, 'the second ends with 0');
    wait_role($first, 'active', 'the first');
};
done_testing;
