# Consumers of other people's: what docs/events.md tells them is enough to follow the ledger, also with copies
# in the topic, and docs/asyncapi.yaml describes the records that they get.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Files;
use Packages qw(node_program);
use Stack;
use Test::More;
use Wait;

my $root      = abs_path(dirname(__FILE__) . '/../../..');
my $consumers = "$root/tests/clients/consumer";
my $stack     = Stack->start(history => 0);
my @wallets   = $stack->create_wallets(6, fund => '1000.00');

$stack->sql('SELECT wallet_transfer(?, ?, ?)', @wallets[ $_ % 6, ($_ + 1) % 6 ], $_ + 0.25) for 1 .. 40;
my $hold = $stack->sql('SELECT wallet_hold(?, 5)', $wallets[0]);
$stack->sql('SELECT wallet_capture(?, ?, 2)', $hold, $wallets[1]);
$stack->sql('SELECT wallet_freeze(?)', $wallets[5]);
$stack->wait_bridge;
my ($code, undef, $said) = $stack->bridge_command([ qw(backfill --from -infinity --to infinity --wallet), $wallets[2] ]);
is($code, 0, 'events of a wallet are published again') or diag $said;

my $source = '/wallet/' . $stack->sql('SELECT system_identifier FROM pg_control_system()') . '/wallet_db';
my $expected = join '', map { "$_->{id} $_->{version} $_->{balance} $_->{currency}\n" }
    $stack->rows('SELECT id, version, balance, currency FROM wallets ORDER BY id::text COLLATE "C"');

sub balances
{
    my ($group, $wanted, @command) = @_;
    my $errors = test_directory() . "/$group.err";
    local %ENV = (%ENV,
        KAFKA_BROKERS  => $stack->kafka->brokers,
        KAFKA_TOPIC    => $stack->topic,
        KAFKA_GROUP_ID => $group . $stack->topic,
        WALLET_SOURCE  => $wanted);
    my $printed = `timeout 120 @command --once 2>$errors`;
    is($?, 0, "$group ends well") or diag slurp($errors);
    return $printed;
}

chomp(my $jars = `$root/scripts/kafka/fetch`);
my @java = ("$jars/*", "$consumers/Balances.java");
is(balances('python', $source, '/usr/bin/python3', "$consumers/consumer.py"), $expected, 'in Python: the wallets as they are');
is(balances('java', $source, 'java', '-cp', map { "'$_'" } @java), $expected, 'in Java');
is(balances('foreign', '/wallet/1/other', '/usr/bin/python3', "$consumers/consumer.py"), '',
    'another source: nothing of it');
like(slurp("$root/docs/events.md"), qr/\Q@{[ slurp("$consumers\/consumer.py") ]}\E/,
    'docs/events.md has the consumer as it was run');

my @command = node_program("$root/tests/asyncapi", 'check.mjs');
my $told    = `@command $root/docs/asyncapi.yaml 2>&1`;
is($?, 0, 'asyncapi.yaml is valid') or diag $told;
unlike($told, qr/^wrong/m, 'and nothing in it is doubtful');
my ($fields)  = $told =~ /^message wallet\.entry\.v1 (.*)$/m;
my ($headers) = $told =~ /^headers (.*)$/m;
my %described = map { ($_ => 1) } split / /, $headers;
for my $record (($stack->records)[ 0, -1 ])
{
    is(join(' ', sort keys %{ $record->{event} }), join(' ', sort split / /, $fields), 'the fields of a record are described');
    is_deeply([ grep { !$described{$_} } keys %{ $record->{headers} } ], [], 'and its headers');
}
done_testing;
