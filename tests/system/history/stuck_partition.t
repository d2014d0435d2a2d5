# Whatever is committed and not in the history shows in wallet_health(), /health, the metrics, the alerts over them and
# the console's /pipeline within 15 s, although all other partitions flow (INV-15): whether the owner can't reach its database,
# was stopped by its policy, hangs, or nobody owns the partition. And who can't apply gives the partitions up.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use JSON::PP qw(decode_json);
use Time::HiRes qw(time);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Alerts;
use Event;
use Stack;
use Test::More;

my $SHOWS_S = 15;
my %quick   = (KAFKA_PROP_HEARTBEAT_INTERVAL_MS => 300);
my $stack   = Stack->start(history => { %quick, HISTORY_ON_GAP => 'stop' }, service => 1);
my @wallets = $stack->create_wallets(20, fund => '1000.00');
$stack->wait_history;
my $load = $stack->load(wallets => \@wallets, clients => 1, pause => 0.05);
# It does not know its lag before it has first asked for it.
poll_until(sub { $stack->history->metric('wallet_history_lag_seconds') ne 'NaN' }, what => 'a lag that is known');
my %said = alerts_now($stack->bridge, $stack->history, $stack->service);
is_deeply([ grep { /^WalletHistory/ } sort keys %said ], [], 'no alert of the history while all is well');

sub pipeline { return decode_json(($stack->service->get('/pipeline'))[1]) }
sub health { return decode_json(($_[0]->get('/health'))[1]) }

# When the oldest entry that is not in the history was committed, by a look at all of them.
sub missing_since
{
    return $stack->sql(q(SELECT extract(epoch FROM min(created_at)) FROM wallet_transactions AS entry
        WHERE NOT EXISTS (SELECT FROM transaction_events AS event
                          WHERE event.wallet_id = entry.wallet_id AND event.version = entry.version)));
}

# Of those that are there, one must know of the lag, or not be ready, or not answer.
sub shows_everywhere
{
    my (@histories) = @_;
    my $tells = sub {
        my ($does) = @_;
        return sub {
            return !@histories || grep { !eval { !$does->($_) } } @histories;
        };
    };
    my $since = poll_until(sub { my $at = missing_since(); $at && time - $at > 2 && $at }, what => 'an entry that waits');
    my %tells = (
        'wallet_health()' => sub { return $stack->sql('SELECT status FROM wallet_health()') eq 'history_late' },
        'the console'     => sub { return pipeline()->{status} eq 'history_late' },
        '/health'         => $tells->(sub { my $now = health($_[0]); return $now->{status} ne 'ready' || ($now->{lag_seconds} =~ /^(\d+)/ && $1 >= 10) }),
        'a metric'        => $tells->(sub { my $lag = $_[0]->metric('wallet_history_lag_seconds'); return $lag eq 'NaN' || $lag > 10
            || $_[0]->metric('wallet_history_ready') == 0 }),
        'an alert'        => sub { my %said = alerts_now(@histories); return grep { $said{"WalletHistory$_"} } qw(Stuck LagUnknown NotReady Down) });
    my %late;
    poll_until(
        sub {
            for my $who (grep { !$late{$_} } reverse sort keys %tells)
            {
                # What it says is of the moment when it was asked.
                my $asked = time;
                $late{$who} = $asked - $since if $tells{$who}->();
            }
            return keys %late == keys %tells;
        },
        what => 'everybody tells');
    cmp_ok($late{$_}, '<', $SHOWS_S, "$_ tells in time") for sort keys %late;
    return;
}

sub recovers
{
    poll_until(sub { $stack->sql('SELECT history_lag_seconds FROM wallet_health()') < 5 }, what => 'a history that keeps up');
    return pass('and all is well again');
}

subtest 'stopped by its policy' => sub {
    my $stranger = '00000000-0000-4000-8000-000000000001';
    $stack->produce(key => $stranger, partition => 0, value => event_json($stranger, 5));
    $stack->history->wait_log(qr/partition stopped by the policy/);
    shows_everywhere($stack->history);
    is($stack->history->stop, 0, 'it stops');
};

subtest 'nobody owns it' => sub {
    shows_everywhere();
    $stack->{history} = $stack->another_history(%quick);
    $stack->history->start;
    poll_until(sub { $stack->sql('SELECT count(*) FROM wallet_history_gaps') == 1 }, what => 'the gap');
    $stack->sql('DELETE FROM wallet_history_gaps');
    recovers();
};

subtest 'hangs' => sub {
    # Each look at it costs this much.
    local $Daemon::ANSWER_S = 1;
    $stack->history->suspend;
    shows_everywhere($stack->history);
    $stack->history->resume;
    recovers();
};

# A second one, which reaches the database as a role of its own.
$stack->sql('CREATE ROLE cut_off LOGIN IN ROLE wallet_history');
my %cut_off = (%quick, HISTORY_LEAVE_AFTER => '25s', DATABASE_URL => $stack->postgres->uri(user => 'cut_off'));
my $shares = sub {
    my ($history) = @_;
    return ($history->metric('wallet_history_partitions') // 0) > 0;
};

subtest 'its owner is cut off from its database' => sub {
    my $second = $stack->another_history(%cut_off)->start;
    poll_until(sub { $shares->($second) && $shares->($stack->history) }, what => 'partitions shared');
    recovers();
    $stack->sql('ALTER ROLE cut_off CONNECTION LIMIT 0');
    $stack->sql(q(SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'cut_off'));
    shows_everywhere($stack->history);
    isnt(health($second)->{status}, 'ready', 'the owner says that it is not ready');
    is($second->metric('wallet_history_lag_seconds'), 'NaN', 'and does not say that it keeps up');
    poll_until(sub { !$shares->($second) }, what => 'partitions given up');
    recovers();
    $stack->sql('ALTER ROLE cut_off CONNECTION LIMIT -1');
    poll_until(sub { $shares->($second) }, what => 'partitions again');
    is($second->stop, 0, 'it stops');
};

subtest 'one that never reached its database does not join' => sub {
    $stack->sql('ALTER ROLE cut_off CONNECTION LIMIT 0');
    my $second = $stack->another_history(%cut_off)->start(ready => 0);
    $second->wait_log(qr/will try again/);
    $load->wait_progress(200);
    recovers();
    is($stack->history->metric('wallet_history_partitions'), 6, 'the other keeps all partitions');
    is($second->metric('wallet_history_rebalances_total'), 0, 'and was never asked for any');
    $stack->sql('ALTER ROLE cut_off CONNECTION LIMIT -1');
    poll_until(sub { $shares->($second) }, what => 'partitions once it can apply');
    is($second->stop, 0, 'it stops');
};

$load->stop;
$stack->wait_bridge;
$stack->wait_history;
is($stack->sql('SELECT history_lag_seconds FROM wallet_health()'), 0, 'everything came');
done_testing;
