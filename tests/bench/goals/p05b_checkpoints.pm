# P5b: WAL of a transfer where the tables are large and each page is logged whole once a checkpoint.
package P05B;

use strict;
use warnings;

my %settings_of = (
    ''                     => '',
    ', wal_compression=lz4' => "ALTER SYSTEM SET wal_compression = 'lz4'");

sub goal
{
    return {
        number => 'P5b',
        name   => 'checkpoints',
        title  => 'WAL of a transfer within one checkpoint of large tables',
        unit   => 'bytes of WAL a transfer',
        figure => 'wal_bytes',
        ratios => [
            map { my $rate = $_; (
                [ 'no checkpoint',               "$rate/s",                      'no checkpoint', 32, 'wal_bytes', 3, 1.5, 'less' ],
                [ 'no checkpoint',               "$rate/s, wal_compression=lz4", 'no checkpoint', 32, 'wal_bytes', 3, 1.5, 'less' ],
                [ 'no checkpoint',               "$rate/s, wal_compression=lz4, keys in order", 'no checkpoint', 32, 'wal_bytes', 3, 1.5, 'less' ],
                [ 'pgledger the same way',       "$rate/s",                      "$rate/s, pgledger", 32, 'wal_bytes', undef, undef, 'less' ]) }
                1000, 10000
        ],
        measure => \&measure
    };
}

sub measure
{
    my ($bench) = @_;
    my $large = $bench->growth;
    my %plan = (script => 'transfer.pgbench', clients => [32], server => $large, warm => 1, seconds => $bench->seconds($bench->{'checkpoint-seconds'}));
    my @runs = map { { %$_, candidate => 'no checkpoint' } }
        $bench->measure_tables(%plan, server => $bench->server, candidates => ['wallet'], seconds => $bench->seconds(5));

    for my $setting (sort keys %settings_of)
    {
        $large->sql($settings_of{$setting}) if $settings_of{$setting};
        $large->sql('SELECT pg_reload_conf()');
        for my $rate (1000, 10000)
        {
            my %called = (wallet => "$rate/s$setting", ordered => "$rate/s$setting, keys in order", pgledger => "$rate/s, pgledger");
            push @runs, map { { %$_, candidate => $called{ $_->{candidate} } } } $bench->measure_tables(
                %plan,
                rounds     => 1,
                rate       => $rate,
                checkpoint => 1,
                candidates => $setting ? [qw(wallet ordered)] : [ 'wallet', $bench->has('pgledger') ]);
        }
    }
    $large->sql('ALTER SYSTEM RESET wal_compression');
    $large->sql('SELECT pg_reload_conf()');
    return @runs;
}

1;
