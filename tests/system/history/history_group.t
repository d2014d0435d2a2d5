# One group of several wallet_history under load: consumers come, go, die, sleep, and lose their fence; and
# PostgreSQL stays away for a while. Every event once, no gap, no conflict.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Time::HiRes qw(time);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Stack;
use Test::More;

# A rebalance begins with the next heartbeats.
my %quick   = (KAFKA_PROP_HEARTBEAT_INTERVAL_MS => 300);
my $stack   = Stack->start(history => \%quick);
# With so many each pair of the six partitions has some, whatever their random ids are.
my @wallets = $stack->create_wallets(60, fund => '1000.00');
my $load    = $stack->load(wallets => \@wallets, clients => 2, pause => 0.02);
my $first   = $stack->history;

sub owned
{
    my ($history) = @_;
    return $history->metric('wallet_history_partitions') // 0;
}

# Each has partitions, and has claimed them.
my $owners = 'SELECT count(DISTINCT owner) FROM wallet_history_offsets WHERE topic = ?';

sub wait_shared
{
    my ($name, @histories) = @_;
    poll_until(
        sub {
            my $sum = 0;
            $sum += owned($_) || return 0 for @histories;
            $sum == 6 && $stack->sql($owners, $stack->topic) == @histories;
        },
        what => "$name: all partitions shared");
    return pass("$name: " . join ' and ', map { owned($_) } @histories);
}

subtest 'one joins, one is killed, one stops' => sub {
    my $second = $stack->another_history(%quick)->start;
    wait_shared('a second one joined', $first, $second);
    $load->wait_progress(50);
    my $third = $stack->another_history(%quick)->start;
    wait_shared('a third one joined', $first, $second, $third);
    # Commits that meet a rebalance make librdkafka give up everything; one may be on its way when it begins.
    my $lost = 0;
    $lost += $_->metric('wallet_history_rebalances_total', kind => 'lost') for $first, $second;
    cmp_ok($lost, '<=', 1, 'nobody lost what stayed with it');
    $load->wait_progress(50);
    # All at once: one is killed, one stops, one joins.
    my $fourth = $stack->another_history(%quick);
    $second->signal('KILL');
    $third->signal('TERM');
    $fourth->start(ready => 0);
    is($second->wait_exit, 'signal 9', 'one was killed');
    is($third->wait_exit,  0,          'one stopped cleanly');
    wait_shared('those that are left', $first, $fourth);
    $load->wait_progress(50);
    is($fourth->stop, 0, 'one more stopped cleanly');
    wait_shared('the first one alone', $first);
    $load->wait_progress(50);
};

subtest 'a zombie' => sub {
    my $zombie = $stack->another_history(%quick)->start;
    wait_shared('it joined', $first, $zombie);
    my $mark = $zombie->log_mark;

    $load->wait_progress(50);
    $zombie->suspend;
    wait_shared('the other one took its partitions over', $first);
    $load->wait_progress(50);
    $zombie->resume;
    wait_shared('it joined anew', $first, $zombie);
    like($zombie->log_since($mark), qr/partitions lost|joining the group anew/, 'it noticed');
    $load->wait_progress(50);
    is($zombie->stop, 0, 'and stops cleanly');
};

subtest 'a fence raised by somebody else' => sub {
    my $second = $stack->another_history(%quick)->start;
    wait_shared('a second one joined', $first, $second);
    for my $round (1 .. 2)
    {
        my $fences = 'FROM wallet_history_offsets WHERE topic = ?';
        my $before = $stack->sql("SELECT sum(fence) $fences", $stack->topic);
        $stack->sql('UPDATE wallet_history_offsets SET fence = fence + 1 WHERE topic = ?', $stack->topic);
        poll_until(
            sub { $stack->sql("SELECT sum(fence) $fences", $stack->topic) >= $before + 2 * 6 },
            what => 'new claims of all partitions');
        pass("rolled back and joined anew, $round");
        $load->wait_progress(20);
    }
    wait_shared('at rest', $first, $second);
    cmp_ok($_->metric('wallet_history_fence_lost_total'), '>', 0, 'the metric counts it') for $first, $second;
    is($second->stop, 0, 'it stops cleanly');
    wait_shared('the first one alone', $first);
};

# Leaves the group while partitions come to it: PostgreSQL holds its batch up until it was given them, and then it
# has lost its fence.
sub leaves_when
{
    my ($batch_events, $given) = @_;
    my $second = $stack->another_history(
        %quick,
        HISTORY_BATCH_EVENTS => $batch_events,
        KAFKA_PROP_DEBUG     => 'cgrp',
        LOG_LEVEL            => 'debug')->start;
    my $third = $stack->another_history(%quick)->start;
    wait_shared('three of them', $first, $second, $third);
    my $mark    = $second->log_mark;
    my $blocker = $stack->connect;
    my $owner   = '%-' . $second->pid . '-%';

    $blocker->begin_work;
    $blocker->do('UPDATE wallet_history_offsets SET fence = fence + 1 WHERE topic = ? AND owner LIKE ?',
        undef, $stack->topic, $owner);
    poll_until(
        sub {
            $stack->sql(q(SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE ? AND wait_event_type = 'Lock'), $owner);
        },
        interval => 0.01,
        what     => 'a batch that waits');
    $third->signal('TERM');
    $second->wait_log($given, since => $mark);
    $blocker->commit;
    is($third->wait_exit, 0, 'one stopped cleanly');
    wait_shared('the one that left is back', $first, $second);
    is($second->stop, 0, 'and stops cleanly');
    return wait_shared('the first one alone', $first);
}

subtest 'leaving with partitions that wait for their claim' => sub { leaves_when(4096, qr/"partitions came" count=[1-9]/) };

# With its batches full it does not look at what the group gives.
subtest 'leaving with partitions on their way' => sub { leaves_when(1, qr/delegating incremental assign of [1-9]/) };

# Partitions are paused, not given up.
subtest 'PostgreSQL is down for 10 s' => sub {
    my $given_up = sub { return join ' ', map { $first->metric('wallet_history_rebalances_total', kind => $_) } qw(went lost) };
    my $before = $given_up->();
    my $mark = $first->log_mark;
    $load->wait_progress(50);
    my $began = time;
    $stack->postgres->stop('fast');
    poll_until(
        sub {
            my ($code, $body) = $first->get('/health');
            $code == 503 && $body =~ /"history":\{"ok":false,"reason":"/;
        },
        what => '/health that says so');
    poll_until(sub { ($first->metric('wallet_history_paused_partitions') // 0) == 6 }, what => 'paused partitions');
    is(($first->get('/live'))[0], 200, 'it lives');
    # The outage is a length of time: longer than the session timeout, which must not pass.
    poll_until(sub { time - $began >= 10 }, what => 'the end of the outage');
    is(owned($first), 6, 'it keeps its partitions');
    $stack->postgres->start;
    poll_until(sub { ($first->get('/health'))[0] == 200 }, what => '/health that is well again');
    poll_until(sub { $first->metric('wallet_history_paused_partitions') == 0 }, what => 'partitions that are paused no more');
    pass('resumed by itself');
    $first->wait_log(qr/partitions resumed/, since => $mark);
    is($given_up->(), $before, 'and never gave them up');
    $load->wait_progress(50);
};

$load->stop;
$stack->wait_history;
$stack->verify(acknowledged => $load, duplicates => 1);
done_testing;
