# P3: grouped transfers beside single ones: one hot wallet, then all wallets alike.
package P03;

use strict;
use warnings;

sub goal
{
    return {
        number => 'P3',
        name   => 'grouped',
        title  => 'grouped transfers beside single ones',
        ratios => [
            [ 'single, one hot wallet',    'hot, grouped', 'hot, single', 32, 'tps', 5,   8 ],
            [ 'single, all wallets alike', 'grouped',      'single',      32, 'tps', 1.3, 1.8 ]
        ],
        measure => sub {
            my ($bench) = @_;
            return unless $bench->server->has_function('wallet_transfer_grouped');
            my @runs;
            for my $what ([ 'hot.pgbench', 'hot, ' ], [ 'transfer.pgbench', '' ])
            {
                my %called = (wallet => "$what->[1]single", grouped => "$what->[1]grouped");
                push @runs, map { { %$_, candidate => $called{ $_->{candidate} } } } $bench->measure_tables(
                    script     => $what->[0],
                    candidates => [qw(grouped wallet)],
                    clients    => [32],
                    seconds    => $bench->seconds(10));
            }
            return @runs;
        }
    };
}

1;
