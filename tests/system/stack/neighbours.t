# Two checkouts that start their stacks at the same moment: each gets ports of its own, and nothing of the
# other's money. WALLET_STACK_RACES: how often (2).
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use PrivateStack;
use Test::More;
use Wait;

my @stacks = map { PrivateStack->new($_) } qw(left right);

sub own_cluster
{
    my ($stack) = @_;
    return ($stack->file('kafka/data/meta.properties') =~ /^cluster\.id=(\S+)/m)[0];
}

sub check_processes
{
    my ($stack) = @_;
    my %port = $stack->ports;
    for my $name (qw(postgres kafka wallet_bridge wallet_history wallet_service))
    {
        ok(listens($stack->pid($name), $port{$name}), "$stack->{name}: $name itself listens on $port{$name}");
    }
    return;
}

# Everything that was paid here comes back here, and nothing else.
sub check_money
{
    my ($stack, $round) = @_;
    $stack->sql("SELECT wallet_fund(wallet_create('$stack->{name} $round ' || n), 1) FROM generate_series(1, 8) n");
    poll_until(
        sub {
            $stack->sql(q{SELECT count(*) = 0 FROM (SELECT wallet_id, version FROM wallet_transactions
                          EXCEPT SELECT wallet_id, version FROM transaction_events) AS missing}) eq 't';
        },
        what => "the history of $stack->{name}");
    is($stack->sql(qq{SELECT count(*) FROM transaction_events WHERE user_id NOT LIKE '$stack->{name} %'}),
        0, "$stack->{name}: the history has nothing of a stranger");
    return;
}

# As docs/runbook.md has it for the private stack.
sub check_shell
{
    my ($stack) = @_;
    my $dir  = $stack->dir;
    my $said = qx(bash -c '. "$dir/env"; set -a; . "$dir/state/wallet_bridge.env"; set +a; wallet_bridge status' 2>&1);
    like($said, qr/^slot: +wallet_bridge, active$/m, "$stack->{name}: the bridge's commands in a shell");
    return;
}

for my $round (1 .. $ENV{WALLET_STACK_RACES} || 2)
{
    # Both choose anew.
    unlink map { $_->dir . '/state/ports' } @stacks;
    $_->begin('up') for @stacks;
    for my $stack (@stacks)
    {
        my ($code, $said) = $stack->finish;
        is($code, 0, "round $round: $stack->{name} is up") or diag $said;
    }
    my %port_of = map { ($_->{name} => { $_->ports }) } @stacks;
    my @shared  = grep { $port_of{left}{$_} == $port_of{right}{$_} } sort keys %{ $port_of{left} };
    is_deeply(\@shared, [], "round $round: no port in common");
    isnt(own_cluster($stacks[0]), own_cluster($stacks[1]), "round $round: two Kafka clusters");
    check_processes($_)     for @stacks;
    check_money($_, $round) for @stacks;
    check_shell($_)         for @stacks;
    for my $stack (@stacks)
    {
        my ($code, $said) = $stack->run('down');
        is($code, 0, "round $round: $stack->{name} is down") or diag $said;
    }
}
done_testing;
