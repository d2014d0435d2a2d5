# The benchmarks run and say what they measured. How fast they are is no question here.
use strict;
use warnings;

use File::Basename qw(dirname);
use Files;
use JSON::PP;
use Test::More;

use Wait;

my $bench  = dirname(__FILE__) . '/../../bench';
my $output = test_directory() . '/bench';
my $docs   = test_directory() . '/docs';

my ($code, $said) = run_command({}, "$bench/run", qw(--rounds 1 --seconds 1 --clients 2 --wallets 200 --segments 2 --growth-wallets 200
    --growth-rows 500 --checkpoint-seconds 30 --transfers 800 --partitions 2 --minutes 0.15 --no-debezium --output), $output);
is($code, 0, 'all benchmarks run') or diag $said;

my %expected = (
    single      => [qw(ceiling plpgsql wallet)],
    hot         => [qw(plpgsql wallet)],
    batch       => [qw(batch batches wallet)],
    bytes       => [qw(batch plpgsql wallet)],
    checkpoints => [
        '1000/s', '1000/s, wal_compression=lz4', '1000/s, wal_compression=lz4, keys in order', '10000/s',
        '10000/s, wal_compression=lz4', '10000/s, wal_compression=lz4, keys in order', 'no checkpoint'
    ],
    decode  => [ 'frame', 'frame, version 1', 'json', 'pgoutput' ],
    deliver => [ 'bridge', 'bridge, linger.ms=0', 'bridge, lz4', 'bridge, transactional' ],
    latency => [ 'bridge', 'bridge, linger.ms=0', 'bridge, transactional' ],
    history => [qw(copy history)],
    visible => [qw(idle loaded)],
    growth  => [ 'batch, large', 'batch, small', 'single, large', 'single, small' ],
    http    => [qw(alone get http wallet)],
    hour    => [qw(hour)]);
my %figure_of = (latency => [qw(p50_ms p99_ms)], visible => [qw(p50_ms p99_ms)], hour => [qw(tps p50_ms p99_ms cpu_us wal_bytes)]);
$expected{grouped} = [ 'grouped', 'hot, grouped', 'hot, single', 'single' ] if -e "$output/grouped.json";

for my $name (sort keys %expected)
{
    my $content    = decode_json(slurp("$output/$name.json", '') || '{}');
    my %candidates = map { $_->{candidate} => $_ } @{ $content->{runs} };
    my @figures    = @{ $figure_of{$name} // ['tps'] };

    is_deeply([ sort keys %candidates ], $expected{$name}, "$name: every candidate had its turn");
    is_deeply(
        [ grep { my $run = $candidates{$_}; grep { !(($run->{$_} // 0) > 0) } @figures } @{ $expected{$name} } ],
        [], "$name: every candidate has figures");
}
my $single = decode_json(slurp("$output/single.json", '') || '{}');
is_deeply([ @{ $single->{conditions}{settings} }{qw(fsync full_page_writes synchronous_commit wal_level)} ], [qw(on on on logical)],
    'on a server as durable as in production');
my $hour = decode_json(slurp("$output/hour.json", '') || '{}');
is($hour->{runs}[0]{faults}, 0, 'nothing is wrong after the hour');
cmp_ok(scalar @{ $hour->{runs}[0]{series} // [] }, '>', 1, 'which was looked at on the way');

mkdir $docs or die "$docs: $!";
my @names = sort('summary', keys %expected);
spew("$docs/benchmarks.md", join '', map { "before\n<!-- begin $_ -->\nold\n<!-- end $_ -->\nafter\n" } @names);
($code, $said) = run_command({}, "$bench/report", '--input', $output, '--docs', $docs);
is($code, 0, 'the report is made') or diag $said;

my $text = slurp("$docs/benchmarks.md", '');
like($text, qr/<!-- begin single -->\n.*\| 2 \| the same in PL\/pgSQL \|.*<!-- end single -->\nafter\n/s, 'the table stands in its place');
unlike($text, qr/^old$/m, 'and has replaced the former one');
like($text, qr/<!-- begin summary -->.*\| \[P10\]\(#visible\) \| idle, p99 \| \*\*[\d.,]+ ms\*\* \|.*\| (?:aim met|met|missed) \|.*<!-- end summary/s,
    'a table of what was to be reached');
like(slurp("$docs/benchmarks-$_.svg", ''), qr/^<svg .*<(?:rect|polyline) .*<\/svg>\n\z/s, "a plot of $_") for sort keys %expected;
my $places = slurp("$bench/../../docs/benchmarks.md");
like($places, qr/<!-- begin \Q$_\E .*<!-- end \Q$_\E -->/s, "the page has a place for $_") for @names;

done_testing();
