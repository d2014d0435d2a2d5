# P10: from a commit to its event in the history: on an idle system, and beside 3,000 transfers a second.
package P10;

use strict;
use warnings;

use Time::HiRes qw(time);

use Wait;

my $rate = 3000;

sub goal
{
    return {
        number => 'P10',
        name   => 'visible',
        title  => 'from a commit to its event in the history',
        unit   => 'milliseconds, p99',
        figure => 'p99_ms',
        ratios => [
            [ 'idle, p99',                    'idle',   undef, 0, 'p99_ms', 15,  8,  'less', 'ms' ],
            [ "at $rate transfers/s, p99",    'loaded', undef, 0, 'p99_ms', 150, 60, 'less', 'ms' ],
            [ "at $rate transfers/s, p50",    'loaded', undef, 0, 'p50_ms', undef, undef, 'less', 'ms' ]
        ],
        measure => \&measure
    };
}

sub measure
{
    my ($bench) = @_;
    my $pipeline = $bench->another_pipeline;
    my $stack    = $pipeline->{stack};
    my @runs;

    $pipeline->start('bridge');
    $stack->history->start(deadline => 120);
    $pipeline->wait_history;
    for my $round (1 .. $bench->rounds)
    {
        for my $what (qw(idle loaded))
        {
            my $seconds = $bench->seconds(10);
            my $load;
            if ($what eq 'loaded')
            {
                $load = $pipeline->pgbench(arguments => [ '-c', 16, '-R', $rate, '-T', 2 * $seconds + 4 ], in_background => 1);
                # Until the load is there.
                my $rows = $stack->sql('SELECT count(*) FROM wallet_ledger');
                poll_until(sub { $stack->sql('SELECT count(*) FROM wallet_ledger') > $rows + 1000 }, what => 'the load');
            }
            my @ms = sort { $a <=> $b } sample($stack, $seconds);
            if ($load)
            {
                $load->stop;
                $pipeline->wait_history;
            }
            my $run = { round => $round, clients => 0, candidate => $what, p50_ms => $ms[ $#ms * 0.5 ], p99_ms => $ms[ $#ms * 0.99 ] };
            push @runs, $run;
            $bench->note(%$run);
        }
    }
    $stack->history->stop;
    $pipeline->stop('bridge');
    return @runs;
}

# One transfer after another between wallets that nobody else has, and a look for its event.
sub sample
{
    my ($stack, $seconds) = @_;
    my ($payer, $payee) = $stack->create_wallets(2, fund => '1000.00');
    my $session = $stack->connect;
    my $version = $stack->sql('SELECT version FROM wallets WHERE id = ?', $payer);
    my $look    = $session->prepare('SELECT count(*) FROM transaction_events WHERE wallet_id = ? AND version = ?');
    my $end     = time + $seconds;
    my @ms;

    while (time < $end)
    {
        $session->do('SELECT wallet_transfer(?, ?, 0.01)', undef, $payer, $payee);
        my $committed = time;
        $version++;
        while (!$session->selectrow_array($look, undef, $payer, $version))
        {
            die "no event of version $version came\n" if time > $committed + 30;
            select undef, undef, undef, 0.0005;
        }
        push @ms, (time - $committed) * 1000;
        select undef, undef, undef, 0.02;
    }
    $session->disconnect;
    return @ms;
}

1;
