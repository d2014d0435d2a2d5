# P4, P4t: batches of 8,190 from a client that sends binary arrays.
package P04;

use strict;
use warnings;

sub goal
{
    return {
        number => 'P4',
        name   => 'batch',
        title  => 'transfers in batches, beside single ones',
        ratios => [
            [ 'single transfers, with keys',  'batch',   'wallet',      32, 'tps', 5,   8 ],
            [ 'TigerBeetle, without keys (P4t)', 'batches', 'tigerbeetle', 32, 'tps', 0.3, 0.5 ]
        ],
        measure => sub {
            my ($bench) = @_;
            return $bench->measure_tables(
                script     => 'transfer.pgbench',
                candidates => [ qw(batch batches wallet), $bench->has('tigerbeetle') ],
                clients    => [32],
                seconds    => $bench->seconds(8));
        }
    };
}

1;
