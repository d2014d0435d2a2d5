# P12: transfers over HTTP, 64 connections.
package P12;

use strict;
use warnings;

sub goal
{
    return {
        number => 'P12',
        name   => 'http',
        title  => 'single transfers, each with an idempotency key, over HTTP and without',
        ratios => [
            [ 'as many SQL sessions',        'http', 'wallet', 64, 'tps', 1.0, 1.5 ],
            [ 'the same, each by itself',    'http', 'alone',  64, 'tps', undef, undef ]
        ],
        measure => sub {
            my ($bench) = @_;
            return $bench->measure_tables(
                script     => 'transfer.pgbench',
                candidates => [qw(http alone wallet get)],
                clients    => [64],
                seconds    => $bench->seconds(10));
        }
    };
}

1;
