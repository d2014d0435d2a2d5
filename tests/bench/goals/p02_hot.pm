# P2: the same, all to or from one hot wallet.
package P02;

use strict;
use warnings;

sub goal
{
    return {
        number => 'P2',
        name   => 'hot',
        title  => 'single transfers, each with an idempotency key, all from or to one wallet',
        ratios => [
            [ 'PL/pgSQL', 'wallet', 'plpgsql',  32, 'tps', 2.3, 3 ],
            [ 'pgledger', 'wallet', 'pgledger', 32, 'tps', 4,   6 ]
        ],
        measure => sub {
            my ($bench) = @_;
            return $bench->measure_tables(
                script     => 'hot.pgbench',
                candidates => [ qw(wallet plpgsql), $bench->has('pgledger') ],
                clients    => [32],
                seconds    => $bench->seconds(10));
        }
    };
}

1;
