# Prometheus' rules and Grafana's dashboard: every metric in them is one that a program has, every alert fires when it
# should and is silent in a healthy system, and leads to a section of the runbook.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use JSON::PP ();
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Files;
use Program;
use Stack;
use Test::More;
use Wait;

my $root  = abs_path(dirname(__FILE__) . '/../../..');
my $rules = "$root/docker/prometheus/wallet.rules.yml";
chomp(my $promtool = qx($root/scripts/prometheus/fetch));
ok(-x $promtool, 'promtool is there') or BAIL_OUT('no promtool');

# The text of every rule: name, expression and section of the runbook.
my %rule_of = map { /^([^\n]+)\n/ ? ($1 => $_) : () } split /^\s+- alert: /m, slurp($rules) =~ s/\A.*?(?=^\s+- alert: )//msr;
my %expr_of = map { my ($expr) = $rule_of{$_} =~ /^\s+expr: '(.*)'$/m; ($_ => $expr =~ s/''/'/gr) } keys %rule_of;
cmp_ok(scalar(keys %rule_of), '>', 20, 'there are rules');

my $dashboard = JSON::PP->new->decode(slurp("$root/docker/grafana/dashboards/wallet.json"));
my @panels    = grep { $_->{type} ne 'row' } @{ $dashboard->{panels} };
my @queries   = map { my $panel = $_; map { [ $panel->{title}, $_->{expr} ] } @{ $panel->{targets} } } @panels;
cmp_ok(scalar(@queries), '>', 20, 'the dashboard has panels');

# What there is: the programs' tables, what the nightly check prints, and Prometheus' own.
my %type_of = (up => 'gauge', map { %{ metrics_of($_) } } programs());

subtest 'what running programs print' => sub {
    my $stack = Stack->start(service => 1);
    for my $program ($stack->bridge, $stack->history, $stack->service)
    {
        my ($code, $body) = $program->get('/metrics');
        my %printed = $body =~ /^# TYPE (\w+) (\w+)$/mg;
        my %table   = %{ metrics_of($program->{name}) };
        is_deeply(\%printed, \%table, "$program->{name}: its table");
    }

    my $file = test_directory() . '/wallet_check.prom';
    my %bridge = (%{ $stack->bridge->{env} }, PATH => dirname($stack->bridge->{command}[0]) . ":$ENV{PATH}");
    local @ENV{qw(PGHOST PGPORT PGDATABASE PGUSER), keys %bridge} =
        ('127.0.0.1', $stack->postgres->port, 'wallet_db', 'postgres', values %bridge);
    my ($alice) = $stack->create_wallets(1, fund => 10);
    is(system("$root/scripts/ledger-check $file"), 0, 'ledger-check finds nothing');
    like(slurp($file), qr/^wallet_check_findings\{proof="$_"\} 0$/m, "$_: and says so") for qw(check seals topic);

    $stack->produce(key => $alice, value => 'no event');
    is(system("$root/scripts/ledger-check $file"), 0, 'a record that is no event is no finding');
    like(slurp($file), qr/^wallet_check_unknown_records 1$/m, 'but counted');
    is($stack->bridge->stop, 0, 'the bridge stops');
    $stack->sql('SELECT wallet_fund(?, 1)', $alice);
    my $unsent = qx($root/scripts/ledger-check $file 2>&1);
    is($? >> 8, 1, 'an entry that is not in the topic is found');
    like($unsent, qr/^topic 1 missing, one is [0-9a-f-]{36}, /m, 'and named');
    like(slurp($file), qr/^wallet_check_findings\{proof="topic"\} 1$/m, 'and counted');
    $stack->bridge->start;
    $stack->wait_bridge;
    {
        local $ENV{KAFKA_BROKERS} = '127.0.0.1:' . free_port();
        is(system("$root/scripts/ledger-check $file 2>/dev/null") >> 8, 2, 'no Kafka: not run to the end');
        unlike(slurp($file), qr/proof="topic"/, 'and no word about what was not read');
        like(slurp($file), qr/^wallet_check_findings\{proof="check"\} 0$/m, 'the other proofs are told');
    }
    is(system("$root/scripts/ledger-check $file"), 0, 'with the bridge nothing is found again');
    %type_of = (%type_of, slurp($file) =~ /^# TYPE (\w+) (\w+)$/mg);

    $stack->psql(<<"END");
ALTER TABLE wallets DISABLE TRIGGER wallet_guard, DISABLE TRIGGER wallet_guard_row;
UPDATE wallets SET balance = 12 WHERE id = '$alice';
ALTER TABLE wallets ENABLE ALWAYS TRIGGER wallet_guard, ENABLE ALWAYS TRIGGER wallet_guard_row;
END
    my $said = qx($root/scripts/ledger-check $file 2>&1);
    is($? >> 8, 1, 'a changed balance is found');
    like($said, qr/^check wallet_balance \Q$alice\E 2 expected 11\.0000 actual 12\.0000$/m, 'and named');
    like(slurp($file), qr/^wallet_check_findings\{proof="check"\} [1-9]/m, 'and counted');
    is(system("$promtool check metrics <$file"), 0, 'the metrics are well-formed');

    my $before = slurp($file);
    local $ENV{PGPORT} = free_port();
    is(system("$root/scripts/ledger-check $file 2>/dev/null") >> 8, 2, 'no database: no outcome');
    is(slurp($file), $before, 'and the last one stays');
};

# Names of metrics in an expression; a histogram is used by its parts.
sub unknown_metrics
{
    my ($expr) = @_;
    my %seen;
    for my $name ($expr =~ s/"[^"]*"//gr =~ /\b((?:wallet|process)_\w+|up)\b/g)
    {
        (my $stem = $name) =~ s/_(?:bucket|sum|count)$//;
        next if $type_of{$name} && $type_of{$name} ne 'histogram' || ($type_of{$stem} // '') eq 'histogram' && $stem ne $name;
        $seen{$name} = 1;
    }
    return [ sort keys %seen ];
}

is_deeply(unknown_metrics($expr_of{$_}), [], "$_: metrics exist") for sort keys %expr_of;
is_deeply(unknown_metrics($_->[1]),      [], "dashboard, $_->[0]: metrics exist") for @queries;
is_deeply(unknown_metrics('rate(wallet_bridge_no_such_total[1m])'), ['wallet_bridge_no_such_total'], 'one that does not would be found');

# Counters are rated, gauges are not: else the figure means nothing.
for my $query (map { [ $_, $expr_of{$_} ] } sort keys %expr_of)
{
    my ($name, $expr) = @$query;
    my @bare = grep { ($type_of{$_} // '') eq 'counter' && $expr !~ /(?:rate|increase)\($_\b/ } $expr =~ /\b(wallet_\w+)\b/g;
    is_deeply(\@bare, [], "$name: counters are rated");
}

# Expressions that Prometheus can parse, those of the dashboard as well.
my $queries = test_directory() . '/dashboard.yml';
open my $file, '>', $queries or die "$queries: $!\n";
print {$file} "groups:\n  - name: dashboard\n    rules:\n";
my $number = 0;
for my $query (@queries)
{
    $number++;
    print {$file} "      - record: panel_$number\n        expr: '", $query->[1] =~ s/\$__rate_interval/1m/gr =~ s/'/''/gr, "'\n";
}
close $file;
for my $path ($rules, $queries)
{
    my $said = qx($promtool check rules $path 2>&1);
    is($?, 0, basename($path) . ' can be read') or diag $said;
}
# Its rules lie beside it.
my $said = qx($promtool check config $root/docker/prometheus/prometheus.yml 2>&1);
is($?, 0, 'prometheus.yml can be read') or diag $said;

# Sections of the runbook, by the anchors that its headings get.
my %section = map { (lc($_) =~ s/[^\w\- ]//gr =~ s/ /-/gr => 1) } slurp("$root/docs/runbook.md") =~ /^#+ (.*)$/mg;
for my $name (sort keys %rule_of)
{
    my ($anchor) = $rule_of{$name} =~ m{^\s+runbook: docs/runbook\.md#(\S+)$}m;
    ok($anchor && $section{$anchor}, "$name leads to a section of the runbook") or diag $anchor // 'none';
}

# Two hours of a healthy system, a sample a minute. Each case changes some of it, and names what must fire then.
my @bucket = map { qq({le="$_"}) } qw(0.01 1 +Inf);
my %healthy = (
    (map { (qq(up{job="$_"}) => '1x120', qq(process_start_time_seconds{job="$_"}) => '0x120', qq(process_resident_memory_bytes{job="$_"}) => '3e7x120') }
        qw(wallet_bridge wallet_history wallet_service)),
    (map { (qq(wallet_bridge_connected{peer="$_"}) => '1x120', qq(wallet_bridge_reconnects_total{peer="$_"}) => '1x120') } qw(postgresql kafka)),
    (map { ("wallet_bridge_commit_to_ack_seconds_bucket$_" => '0+60x120', qq(wallet_service_request_seconds_bucket{endpoint="fund",) . substr($_, 1) => '0+60x120') } @bucket),
    (map { ($_ => '0x120') } qw(wallet_bridge_wal_lag_bytes wallet_bridge_backpressure_total wallet_bridge_dead_letters_total wallet_history_lag_seconds
            wallet_history_paused_partitions wallet_history_dead_letters wallet_history_halted_partitions wallet_history_gaps wallet_history_conflicts wallet_history_foreign_records
            wallet_history_dead_letters_total wallet_history_fence_lost_total wallet_history_retries_total wallet_service_pool_waiting{pool="write"} wallet_service_pool_refused_total{pool="write"}
            wallet_service_retries_total wallet_check_finished_timestamp_seconds wallet_check_findings{proof="check"} wallet_check_findings{proof="seals"} wallet_check_findings{proof="topic"})),
    'wallet_bridge_active'                       => '1x120',
    'wallet_bridge_slot_safe_wal_bytes'          => '8e9x120',
    'wallet_history_partitions'                  => '6x120',
    'wallet_history_ready'                       => '1x120',
    'wallet_service_requests_total{status="2xx"}' => '0+600x120',
    'wallet_service_requests_total{status="5xx"}' => '0x120');
my @cases = (
    [ [], {} ],
    [ ['WalletBridgeDown'],          { 'up{job="wallet_bridge"}' => '0x120' } ],
    [ ['WalletBridgeNotStreaming'],  { 'wallet_bridge_active' => '0x120' } ],
    [ ['WalletBridgeDisconnected'],  { 'wallet_bridge_connected{peer="kafka"}' => '0x120' } ],
    [ ['WalletBridgeReconnects'],    { 'wallet_bridge_reconnects_total{peer="kafka"}' => '0+1x120' } ],
    [ ['WalletSlotLag'],             { 'wallet_bridge_wal_lag_bytes' => '2e9x120' } ],
    [ ['WalletSlotSafeWalLow'],      { 'wallet_bridge_slot_safe_wal_bytes' => '1e9x120' } ],
    [ ['WalletSlotWithoutLimit'],    { 'wallet_bridge_slot_safe_wal_bytes' => '-1x120' } ],
    [ ['WalletCommitToAckSlow'],     { 'wallet_bridge_commit_to_ack_seconds_bucket{le="1"}' => '0+58x120', 'wallet_bridge_commit_to_ack_seconds_bucket{le="0.01"}' => '0+10x120',
                                       'wallet_bridge_commit_to_ack_seconds_bucket{le="10"}' => '0+60x120' } ],
    [ ['WalletBridgeBackpressure'],  { 'wallet_bridge_backpressure_total' => '0+60x120' } ],
    [ ['WalletBridgeDeadLetters'],   { 'wallet_bridge_dead_letters_total' => '0x90 1x29' } ],
    [ ['WalletStandbySlotMissing'],  { 'wallet_bridge_standby_slots{state="missing"}' => '1x120' } ],
    [ ['WalletStandbySlotMissing'],  { 'wallet_bridge_standby_slots{state="behind"}' => '1x120' } ],
    [ ['WalletStandbySlotUnknown'],  { 'wallet_bridge_standby_slots{state="unknown"}' => '1x120' } ],
    [ ['WalletTopicProblem'],        { 'wallet_bridge_topic_problem{problem="compaction"}' => '1x120' } ],
    [ ['WalletHistoryDown'],         { 'up{job="wallet_history"}' => '0x120' } ],
    [ [qw(WalletHistoryBehind WalletHistoryStuck)], { 'wallet_history_lag_seconds' => '90x120' } ],
    [ ['WalletHistoryStuck'],        { 'wallet_history_lag_seconds' => '0x109 11x10' } ],
    [ ['WalletHistoryLagUnknown'],   { 'wallet_history_lag_seconds' => join(' ', ('NaN') x 121) } ],
    [ ['WalletHistoryLagUnknown'],   { 'wallet_history_lag_seconds' => undef } ],
    [ ['WalletHistoryNotReady'],     { 'wallet_history_ready' => '0x120' } ],
    [ ['WalletHistoryUnassigned'],   { 'wallet_history_partitions' => '0x120' } ],
    [ ['WalletHistoryPaused'],       { 'wallet_history_paused_partitions' => '2x120' } ],
    [ ['WalletHistoryHalted'],       { 'wallet_history_halted_partitions' => '1x120' } ],
    [ ['WalletHistoryGaps'],         { 'wallet_history_gaps' => '1x120' } ],
    [ ['WalletHistoryConflicts'],    { 'wallet_history_conflicts' => '1x120' } ],
    [ ['WalletHistoryDeadLetters'],  { 'wallet_history_dead_letters_total' => '0x90 1x29' } ],
    [ ['WalletHistoryDeadLetters'],  { 'wallet_history_dead_letters' => '1x120' } ],
    [ ['WalletHistoryForeignSource'], { 'wallet_history_foreign_records' => '1x120' } ],
    [ ['WalletHistoryFenced'],       { 'wallet_history_fence_lost_total' => '0+1x120' } ],
    [ ['WalletHistoryRetries'],      { 'wallet_history_retries_total' => '0+60x120' } ],
    [ ['WalletServiceDown'],         { 'up{job="wallet_service"}' => '0x120' } ],
    [ ['WalletServiceErrors'],       { 'wallet_service_requests_total{status="5xx"}' => '0+60x120' } ],
    [ ['WalletServiceSlow'],         { 'wallet_service_request_seconds_bucket{endpoint="fund",le="0.01"}' => '0+10x120', 'wallet_service_request_seconds_bucket{endpoint="fund",le="1"}' => '0+60x120' } ],
    [ ['WalletServicePoolExhausted'], { 'wallet_service_pool_waiting{pool="write"}' => '3x120' } ],
    [ ['WalletServiceRefuses'],      { 'wallet_service_pool_refused_total{pool="write"}' => '0+60x120' } ],
    [ ['WalletServiceRetries'],      { 'wallet_service_retries_total' => '0+900x120' } ],
    [ ['WalletCheckFindings'],       { 'wallet_check_findings{proof="seals"}' => '1x120' } ],
    [ ['WalletCheckFindings'],       { 'wallet_check_findings{proof="topic"}' => '1x120' } ],
    [ ['WalletCheckMissing'],        { 'wallet_check_findings{proof="topic"}' => undef } ],
    [ ['WalletCheckMissing'],        { 'wallet_check_finished_timestamp_seconds' => undef } ],
    [ ['WalletCheckMissing'],        { 'wallet_check_finished_timestamp_seconds' => '-150000x120' } ],
    [ ['WalletProcessRestarts'],     { 'process_start_time_seconds{job="wallet_bridge"}' => '0+60x120' } ],
    [ ['WalletProcessMemory'],       { 'process_resident_memory_bytes{job="wallet_history"}' => '2e8x120' } ]);

my %tried = map { map { ($_ => 1) } @{ $_->[0] } } @cases;
is_deeply([ sort keys %tried ], [ sort keys %rule_of ], 'each alert has a case');

my $tests = test_directory() . '/wallet.rules.test.yml';
open $file, '>', $tests or die "$tests: $!\n";
print {$file} "rule_files:\n  - $rules\nevaluation_interval: 1m\ntests:\n";
for my $case (@cases)
{
    my ($alerts, $change) = @$case;
    my %series = (%healthy, %$change);
    print {$file} "  - interval: 1m\n    input_series:\n";
    print {$file} "      - series: '$_'\n        values: '$series{$_}'\n" for grep { defined $series{$_} } sort keys %series;
    print {$file} "    promql_expr_test:\n      - expr: 'count by (alertname) (ALERTS{alertstate=\"firing\"})'\n        eval_time: 110m\n        exp_samples:\n",
        map { "          - labels: '{alertname=\"$_\"}'\n            value: 1\n" } @$alerts;
}
close $file;
$said = qx($promtool test rules $tests 2>&1);
is($?, 0, 'each alert fires alone when it should, and none in a healthy system') or diag $said;
done_testing;
