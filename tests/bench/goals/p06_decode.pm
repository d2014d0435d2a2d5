# P6: decoding single transfers to nowhere, beside pgoutput of the same table.
package P06;

use strict;
use warnings;

my @candidates = (
    [ frame                 => 'bench_wallet', ['format=frame', 'protocol_version=2'] ],
    [ 'frame, version 1'    => 'bench_wallet', ['format=frame', 'protocol_version=1'] ],
    [ json                  => 'bench_wallet', ['format=json'] ],
    [ pgoutput              => 'bench_pgoutput', [ 'proto_version=1', 'publication_names=bench' ] ]);

sub goal
{
    return {
        number => 'P6',
        name   => 'decode',
        title  => 'decoding single transfers to nowhere',
        unit   => 'ledger rows per second',
        ratios => [
            [ 'pgoutput, in rows',            'frame', 'pgoutput',         0, 'tps',    1.5,   2.5 ],
            [ 'a transaction a message',      'frame', 'frame, version 1', 0, 'tps',    undef, undef ],
            [ 'pgoutput, in CPU a row',       'frame', 'pgoutput',         0, 'cpu_us', undef, undef, 'less' ],
            [ 'pgoutput, in rows',            'json',  'pgoutput',         0, 'tps',    undef, undef ]
        ],
        measure => \&measure
    };
}

sub measure
{
    my ($bench) = @_;
    my $pipeline = $bench->pipeline;
    my $stack    = $pipeline->{stack};
    my @runs;

    $stack->sql('SELECT pg_create_logical_replication_slot(?, ?)', @$_) for [ 'bench_wallet', 'wallet_decoder' ], [ 'bench_pgoutput', 'pgoutput' ];
    $pipeline->fill($bench->{transfers});
    my @turns = @candidates;
    $pipeline->decode(@$_[ 1, 2 ]) for @turns[ 0, 3 ];
    for my $round (1 .. $bench->rounds)
    {
        for my $candidate (@turns)
        {
            my $run = { %{ $pipeline->decode(@$candidate[ 1, 2 ]) }, round => $round, clients => 0, candidate => $candidate->[0] };
            push @runs, $run;
            $bench->note(%$run);
        }
        push @turns, shift @turns;
    }
    $stack->sql('SELECT pg_drop_replication_slot(?)', $_) for qw(bench_wallet bench_pgoutput);
    # What waits for the others is this backlog too.
    $pipeline->{backlog} = $pipeline->{filled};
    return @runs;
}

1;
