# P9: the history drains a topic, beside COPY of the same rows into the same table with the same indexes.
package P09;

use strict;
use warnings;

use Time::HiRes qw(time);

use Files;
use Machine;
use Wait;

sub goal
{
    return {
        number => 'P9',
        name   => 'history',
        title  => 'the history drains a topic',
        unit   => 'events per second',
        ratios => [ [ 'COPY of the same rows', 'history', 'copy', 0, 'tps', 0.8, 1.1 ] ],
        measure => \&measure
    };
}

sub measure
{
    my ($bench) = @_;
    my $pipeline = $bench->pipeline;
    # A part of the topic.
    my $events   = 4 * $bench->{transfers};
    my $there    = $pipeline->events;
    my $file     = "$pipeline->{stack}{postgres}{base}/events";
    my @runs;

    $pipeline->deliver('bridge', $pipeline->fill(($events - $there) / 2 + 8)) if $there < $events;
    for my $round (0 .. $bench->rounds)
    {
        my @turns = (sub { drain($pipeline, $round, $events) }, sub { copy($pipeline, "history_$round", $file, $round) });
        @turns = reverse @turns if $round && $round % 2 == 0;
        for my $turn (@turns)
        {
            my $run = $turn->() or next;
            # The first is to warm up, and makes the rows of the others.
            next unless $round;
            $run = { %$run, round => $round, clients => 0 };
            push @runs, $run;
            $bench->note(%$run);
        }
        $pipeline->{stack}->postgres->disconnect("history_$round");
        $pipeline->{stack}->sql("DROP DATABASE history_$round");
    }
    return @runs;
}

# A group of its own, into a database of its own.
sub drain
{
    my ($pipeline, $round, $events) = @_;
    my $stack    = $pipeline->{stack};
    my $database = "history_$round";

    $stack->sql("CREATE DATABASE $database");
    $stack->postgres->sql_in($database, 'CREATE EXTENSION wallet');
    my $history = $stack->another_history(
        KAFKA_GROUP_ID => "bench-$round-$$",
        DATABASE_URL   => $stack->postgres->uri(dbname => $database));
    my ($count, $since) = (0, time);
    $history->start(ready => 0);
    poll_until(
        sub {
            my $look = time;
            $count = eval { $history->metric('wallet_history_applied_total') } // 0;
            # From the last look that saw nothing: a small topic is drained before the next one.
            $since = $look unless $count;
            return $count >= $events;
        },
        interval => 0.05,
        deadline => 600,
        what     => 'the history has drained the topic');
    my $seconds = time - $since;
    my $run = {
        candidate  => 'history', tps => $count / $seconds,
        cpu_us     => Machine::cpu_us($history->pid) / $count,
        memory_mib => Machine::memory_mib($history->pid)
    };
    die "wallet_history did not stop as it should\n" if $history->stop ne '0';
    return $run;
}

# What the round before it has stored.
sub copy
{
    my ($pipeline, $database, $file, $round) = @_;
    my $stack  = $pipeline->{stack};
    my @psql   = ("$stack->{postgres}{bin}/psql", qw(-X -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -U postgres -p), $stack->postgres->port);
    my $target = $stack->postgres->{dbname};

    if ($round == 0)
    {
        my ($code, $said) = run_command({}, @psql, '-d', $database, '-c', "\\copy transaction_events TO '$file'");
        die "$said\n" if $code;
        return;
    }
    $stack->sql('CREATE TABLE copied (LIKE transaction_events INCLUDING ALL)');
    my $begin = time;
    my ($code, $said) = run_command({}, @psql, '-d', $target, '-c', "\\copy copied FROM '$file'");
    my $seconds = time - $begin;
    die "$said\n" if $code;
    my $rows = $stack->sql('SELECT count(*) FROM copied');
    $stack->sql('DROP TABLE copied');
    return { candidate => 'copy', tps => $rows / $seconds };
}

1;
