# P11: single transfers and batches on large tables beside small ones, checkpoints on.
package P11;

use strict;
use warnings;

sub goal
{
    return {
        number => 'P11',
        name   => 'growth',
        title  => 'transfers on large tables beside small ones, with checkpoints',
        ratios => [
            [ 'single, on small tables',  'single, large', 'single, small', 32, 'tps', 0.6, 0.85 ],
            [ 'batches, on small tables', 'batch, large',  'batch, small',  32, 'tps', 0.6, 0.85 ]
        ],
        measure => \&measure
    };
}

sub measure
{
    my ($bench) = @_;
    my %server_of = (large => $bench->growth, small => $bench->server);
    my $every = $bench->{'checkpoint-seconds'};
    my @runs;

    $server_of{small}->sql("ALTER SYSTEM SET checkpoint_timeout = '${every}s'");
    $server_of{small}->sql('SELECT pg_reload_conf()');
    for my $round (1 .. $bench->rounds)
    {
        for my $size ($round % 2 ? qw(small large) : qw(large small))
        {
            my %called = (wallet => "single, $size", batch => "batch, $size");
            push @runs, map { { %$_, round => $round, candidate => $called{ $_->{candidate} } } } $bench->measure_tables(
                script     => 'transfer.pgbench',
                server     => $server_of{$size},
                candidates => [qw(wallet batch)],
                clients    => [32],
                rounds     => 1,
                seconds    => $bench->seconds(12));
        }
    }
    $server_of{small}->sql('ALTER SYSTEM RESET checkpoint_timeout');
    $server_of{small}->sql('SELECT pg_reload_conf()');
    return @runs;
}

1;
