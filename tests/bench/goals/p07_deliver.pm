# P7: from the WAL to Kafka, acknowledged, beside Debezium on Kafka Connect; in ledger rows, of which the bridge makes two events.
package P07;

use strict;
use warnings;

my %env_of = (
    bridge                  => {},
    'bridge, linger.ms=0'   => { KAFKA_PROP_LINGER_MS => 0 },
    'bridge, lz4'           => { KAFKA_PROP_COMPRESSION_TYPE => 'lz4' },
    'bridge, transactional' => { BRIDGE_DELIVERY => 'transactional' });

sub goal
{
    return {
        number => 'P7',
        name   => 'deliver',
        title  => 'from the WAL to Kafka, acknowledged',
        unit   => 'ledger rows per second',
        ratios => [
            [ 'Debezium, in rows',                     'bridge', 'debezium',            0, 'tps',    2,     3 ],
            [ 'Debezium, in CPU a row, walsender included', 'bridge', 'debezium',       0, 'cpu_us', 0.5,   0.33, 'less' ],
            [ 'no waiting for company',                'bridge', 'bridge, linger.ms=0', 0, 'tps',    undef, undef ],
            [ 'no waiting, in CPU of the broker',      'bridge', 'bridge, linger.ms=0', 0, 'broker_cpu_us', undef, undef, 'less' ],
            [ 'Debezium, in rows',                     'bridge, lz4', 'debezium',       0, 'tps',    undef, undef ],
            [ 'Debezium, in rows',                     'bridge, transactional', 'debezium', 0, 'tps', undef, undef ]
        ],
        measure => \&measure
    };
}

sub measure
{
    my ($bench) = @_;
    my $pipeline = $bench->pipeline;
    my $waits = delete $pipeline->{backlog};
    my @bridges = sort keys %env_of;
    my @runs;

    # Debezium's virtual machine warms up with a backlog that isn't measured; so does the broker.
    $waits += $pipeline->fill($bench->{transfers});
    $pipeline->deliver('bridge',   $waits);
    $pipeline->deliver('debezium', $waits) if $pipeline->{debezium};
    for my $round (1 .. $bench->rounds)
    {
        my $owed = 0;
        for my $name (@bridges)
        {
            $owed += my $rows = $pipeline->fill($bench->{transfers});
            my $run = { %{ $pipeline->deliver('bridge', $rows, env => $env_of{$name}) }, round => $round, clients => 0, candidate => $name };
            push @runs, $run;
            $bench->note(%$run);
        }
        push @bridges, shift @bridges;
        next unless $pipeline->{debezium};
        my $run = { %{ $pipeline->deliver('debezium', $owed) }, round => $round, clients => 0, candidate => 'debezium' };
        push @runs, $run;
        $bench->note(%$run);
    }
    return @runs;
}

1;
