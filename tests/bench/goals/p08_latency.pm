# P8: from a commit to a consumer of Kafka, on an idle system.
package P08;

use strict;
use warnings;

my %env_of = (bridge => {}, 'bridge, linger.ms=0' => { KAFKA_PROP_LINGER_MS => 0 }, 'bridge, transactional' => { BRIDGE_DELIVERY => 'transactional' });

sub goal
{
    return {
        number => 'P8',
        name   => 'latency',
        title  => 'from a commit to a consumer of Kafka, on an idle system',
        unit   => 'milliseconds, p50',
        figure => 'p50_ms',
        ratios => [
            [ 'Debezium, p50', 'bridge',                'debezium', 0, 'p50_ms', 0.1, undef, 'less' ],
            [ 'Debezium, p99', 'bridge',                'debezium', 0, 'p99_ms', 0.2, undef, 'less' ],
            [ 'Debezium, p50', 'bridge, transactional', 'debezium', 0, 'p50_ms', undef, 1, 'less' ],
            [ 'Debezium, p99', 'bridge, transactional', 'debezium', 0, 'p99_ms', undef, 1, 'less' ],
            [ 'no waiting for company, p50', 'bridge', 'bridge, linger.ms=0', 0, 'p50_ms', undef, undef, 'less' ]
        ],
        measure => \&measure
    };
}

sub measure
{
    my ($bench) = @_;
    my $pipeline = $bench->pipeline;
    my @turns = (sort(keys %env_of), $pipeline->{debezium} ? 'debezium' : ());
    my @runs;

    # A broker that has just started is several times slower.
    $pipeline->latencies('bridge', 25 * $bench->seconds(8));
    for my $round (1 .. $bench->rounds)
    {
        for my $name (@turns)
        {
            my $who = $name eq 'debezium' ? $name : 'bridge';
            my @ms  = sort { $a <=> $b } $pipeline->latencies($who, 25 * $bench->seconds(8), env => $env_of{$name});
            my $run = { round => $round, clients => 0, candidate => $name, p50_ms => $ms[ $#ms * 0.5 ], p99_ms => $ms[ $#ms * 0.99 ] };
            push @runs, $run;
            $bench->note(%$run);
        }
        push @turns, shift @turns;
    }
    return @runs;
}

1;
