# Several Kafka brokers that are one cluster, each also a controller.
package KafkaCluster;

use strict;
use warnings;

use Carp qw(croak);

use Daemon;
use Files;
use Wait;

use parent 'Kafka';

=head1 SYNOPSIS

    my $kafka = KafkaCluster->start(brokers => 3);    # as Kafka, but for start, stop, kill9, suspend, resume
    my @daemons = $kafka->daemons;                    # one broker each: see Daemon
    my $daemon  = $kafka->leader($topic, 0);          # who leads the partition
    $kafka->wait_in_sync;                             # until every partition has all its copies

Topics have a copy on every broker, and writes wait for all but one of them.

=cut

sub start
{
    my ($class, %option) = @_;
    my $number = $option{brokers};
    my @ports      = map { free_port() } 1 .. $number;
    my @controller = map { free_port() } 1 .. $number;
    my $voters     = join ',', map { "$_\@127.0.0.1:$controller[$_ - 1]" } 1 .. $number;
    my $self       = bless { brokers => join(',', map { "127.0.0.1:$_" } @ports), copies => $number }, $class;
    my %conf = (
        'controller.quorum.voters' => $voters,
        'group.min.session.timeout.ms' => 1000,
        'controller.quorum.election.timeout.ms' => 500,
        'controller.quorum.fetch.timeout.ms'    => 1500,
        'replica.lag.time.max.ms' => 4000,
        (map { ($_ => $number) } qw(default.replication.factor offsets.topic.replication.factor
            transaction.state.log.replication.factor share.coordinator.state.topic.replication.factor)),
        (map { ($_ => $number - 1) } qw(min.insync.replicas transaction.state.log.min.isr share.coordinator.state.topic.min.isr)),
        %{ $option{conf} // {} });
    # The same for every node.
    my $cluster_id = 'walletTestClusterAAAAA';

    for my $node (1 .. $number)
    {
        my %own = (%conf, 'node.id' => $node);
        push @{ $self->{daemons} }, Daemon->new(
            name    => "kafka$node",
            port    => $ports[ $node - 1 ],
            command => [
                Kafka::scripts() . '/run', test_directory() . "/kafka$node.data", $ports[ $node - 1 ], $controller[ $node - 1 ],
                map { "$_=$own{$_}" } sort keys %own
            ],
            env   => { KAFKA_JIT => 1, KAFKA_HEAP => '256m', KAFKA_CLUSTER_ID => $cluster_id },
            ready => sub { system("kcat -L -b 127.0.0.1:$ports[$node - 1] -m 1 >/dev/null 2>&1") == 0 });
    }
    $_->start(ready => 0) for $self->daemons;
    $_->wait_ready(120) for $self->daemons;
    poll_until(sub { $self->_kcat(undef, '-L', '-m', 2) =~ /^ $number brokers:/m }, what => 'all brokers', deadline => 60);
    return $self;
}

sub daemons { return @{ $_[0]{daemons} } }

sub leader
{
    my ($self, $topic, $partition) = @_;
    my ($node) = $self->_kcat(undef, '-L', '-t', $topic, '-m', 5) =~ /^    partition $partition, leader (\d+)/m
        or croak "partition $partition of $topic has no leader";
    return $self->{daemons}[ $node - 1 ];
}

sub wait_in_sync
{
    my ($self, %option) = @_;
    poll_until(
        sub {
            my @in_sync = $self->_kcat(undef, '-L', '-m', 5) =~ /isrs: ([\d,]+)/g;
            @in_sync && !grep { split(/,/) < $self->{copies} } @in_sync;
        },
        deadline => $option{deadline} // 60,
        interval => 0.3,
        what     => 'all copies to be in sync');
    return;
}

1;
