# P1: single transfers, each with an idempotency key, two random wallets of all.
package P01;

use strict;
use warnings;

sub goal
{
    return {
        number => 'P1',
        name   => 'single',
        title  => 'single transfers, each with an idempotency key, all wallets alike',
        ratios => [
            [ 'PL/pgSQL',            'wallet', 'plpgsql',  32, 'tps', 2.5, 3.2 ],
            [ 'pgledger',            'wallet', 'pgledger', 32, 'tps', 5,   7 ],
            [ 'the commit ceiling',  'wallet', 'ceiling',  32, 'tps', 0.7, 0.85 ],
            [ 'PL/pgSQL',            'wallet', 'plpgsql',  8,  'tps', 2,   2.5 ],
            [ 'pgledger',            'wallet', 'pgledger', 8,  'tps', 4,   5 ],
            [ 'the commit ceiling',  'wallet', 'ceiling',  8,  'tps', 0.55, 0.7 ]
        ],
        measure => sub {
            my ($bench) = @_;
            my @others = map { $_->{name} } grep { !$_->{is_tigerbeetle} } $bench->peers;
            return $bench->measure_tables(
                script     => 'transfer.pgbench',
                candidates => [ qw(wallet plpgsql), $bench->has('pgledger'), 'ceiling', @others ],
                clients    => [ 8, 32 ],
                seconds    => $bench->seconds(15));
        }
    };
}

1;
