# P13, P14, P15: the honest hour. Transfers over HTTP, keyed and sealed, with checkpoints, events to Kafka, history applied:
# everything at once on this machine, and everything verified afterwards.
package P14;

use strict;
use warnings;

use Hour;

my @programs = qw(wallet_bridge wallet_history wallet_service);

sub goal
{
    return {
        number => 'P14',
        name   => 'hour',
        title  => 'transfers over HTTP, sealed, keyed, to Kafka and into the history',
        ratios => [
            [ 'transfers per second',                   'hour', undef, 0, 'tps',        8000, 12000, '',     '/s' ],
            [ 'lag of the history, p99',                'hour', undef, 0, 'lag_p99_ms', 1000, 250,   'less', 'ms' ],
            [ 'answer to a transfer, p50',              'hour', undef, 0, 'p50_ms',     undef, undef, 'less', 'ms' ],
            [ 'answer to a transfer, p99',              'hour', undef, 0, 'p99_ms',     undef, undef, 'less', 'ms' ],
            [ 'faults found afterwards',                'hour', undef, 0, 'faults',     0,    0,     'less', '' ],
            [ 'P15: CPU of the machine a transfer, without the client', 'hour', undef, 0, 'cpu_us', 160, 100, 'less', 'µs' ],
            (map { [ "P13: memory of $_ at most", 'hour', undef, 0, "memory_$_", 128, 64, 'less', 'MiB' ] } @programs),
            (map { [ "P13: growth of $_ in the last half", 'hour', undef, 0, "growth_$_", 8, 2, 'less', 'MiB' ] } @programs)
        ],
        measure => sub {
            my ($bench) = @_;
            my $hour = Hour->new(%$bench{qw(minutes wallets partitions directory)});
            $bench->{hour} = $hour;
            return $hour->run;
        }
    };
}

1;
