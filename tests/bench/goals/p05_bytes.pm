# P5: WAL and disk of a transfer with its key, all indexes included.
package P05;

use strict;
use warnings;

sub goal
{
    return {
        number => 'P5',
        name   => 'bytes',
        title  => 'WAL and disk of a transfer, all indexes included',
        unit   => 'bytes of WAL a transfer',
        figure => 'wal_bytes',
        ratios => [
            [ 'pgledger, WAL',             'wallet', 'pgledger', 32, 'wal_bytes',  0.45, 0.4,  'less' ],
            [ 'pgledger, WAL of batches',  'batch',  'pgledger', 32, 'wal_bytes',  0.35, 0.3,  'less' ],
            [ 'pgledger, disk',            'wallet', 'pgledger', 32, 'disk_bytes', 0.45, 0.4,  'less' ],
            [ 'pgledger, disk of batches', 'batch',  'pgledger', 32, 'disk_bytes', 0.35, 0.3,  'less' ],
            [ 'PL/pgSQL, WAL',             'wallet', 'plpgsql',  32, 'wal_bytes',  1,    0.85, 'less' ]
        ],
        measure => sub {
            my ($bench) = @_;
            return $bench->measure_tables(
                script     => 'transfer.pgbench',
                candidates => [ qw(wallet batch plpgsql), $bench->has('pgledger') ],
                clients    => [32],
                seconds    => $bench->seconds(5));
        }
    };
}

1;
