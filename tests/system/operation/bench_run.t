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

my $said = `'$bench/run' --rounds 1 --seconds 1 --clients 2 --wallets 200 --scale 1 --segments 2 --output '$output' 2>&1`;
is($?, 0, 'all benchmarks run') or diag $said;
like($said, qr/fsync = on, full_page_writes = on.*synchronous_commit = on, wal_level = logical/,
    'on a server as durable as in production');

my %expected = (
    transfer => [qw(ceiling grouped plpgsql tpcb tpcb1 tpcb10 wallet)],
    hot      => [qw(grouped plpgsql wallet)],
    batch    => [qw(batch batches wallet)],
    http     => [qw(alone get http wallet)]);
for my $name (sort keys %expected)
{
    my $content    = decode_json(slurp("$output/$name.json", '') || '{}');
    my %candidates = map { $_->{candidate} => $_ } @{ $content->{runs} };
    my @expected   = @{ $expected{$name} };
    my @written    = grep { $_ ne 'get' } @expected;

    is_deeply([ sort keys %candidates ], \@expected, "$name: every candidate had its turn");
    is_deeply(
        [ grep { !($candidates{$_}{tps} > 0 && $candidates{$_}{wal_bytes} > 50) } @written ],
        [], "$name: every candidate has figures");
    ok($candidates{$_}{disk_bytes} >= 0, "$name: $_ has a size") for grep { /^(?:wallet|plpgsql|batch|batches|http)$/ } @expected;
    for my $candidate (grep { /^(?:get|http|alone)$/ } @expected)
    {
        my %figure = %{ $candidates{$candidate} };
        is_deeply([ grep { !(($figure{$_} // 0) > 0) } qw(p50_ms p99_ms service_cpu_us memory_kb) ], [],
            "$name: latency, CPU and memory of $candidate");
    }
}

mkdir $docs or die "$docs: $!";
open my $page, '>', "$docs/benchmarks.md" or die "$docs: $!";
print {$page} "before\n<!-- begin $_ -->\nold\n<!-- end $_ -->\nafter\n" for qw(transfer hot batch http);
close $page;
$said = `'$bench/report' --input '$output' --docs '$docs' 2>&1`;
is($?, 0, 'the report is made') or diag $said;

my $text = slurp("$docs/benchmarks.md", '');
like($text, qr/^before\n<!-- begin transfer -->\n.*\| 2 \| the same in PL\/pgSQL \|.*<!-- end transfer -->\nafter\n/s,
    'the table stands in its place');
unlike($text, qr/^old$/m, 'and has replaced the former one');
like($text, qr/\| `wallet_transfer\(\)` \|.*\| `GET \/wallets\/\{id\}` \| \d+ µs \|/s, 'and what the service takes');
like(slurp("$docs/benchmarks-$_.svg", ''), qr/^<svg .*<rect .*<\/svg>\n\z/s, "a plot of $_") for sort keys %expected;

done_testing();
