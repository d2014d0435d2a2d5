# What a run of the benchmarks has: its options, and its servers, each started when the first goal asks for it.
package Bench;

use strict;
use warnings;

use BenchServer;
use Measure;
use Peer;

=head1 SYNOPSIS

    my $bench = Bench->new(%option, directory => 'tests/bench', report => sub { my ($run) = @_; ... });
    my $server = $bench->server;          # the tables of P1 to P5 and P12
    my $server = $bench->growth;          # the same, large
    my $pipeline = $bench->pipeline;      # PostgreSQL, Kafka, bridge, history and a Debezium
    my @runs = $bench->measure_tables(script => 'transfer.pgbench', candidates => [...], clients => [32], seconds => 10);
    my @names = $bench->has('pgledger');  # that name, where the one who runs this has it
    my $s = $bench->seconds(15);          # of a run, unless an option says otherwise
    $bench->note(%run);                   # a line about a run

=cut

sub new
{
    my ($class, %option) = @_;
    my $self = bless {%option}, $class;

    $self->{peers} = [ $option{tigerbeetle} ? Peer->tigerbeetle($option{tigerbeetle}) : () ];
    for my $peer (sort keys %{ $option{peer} // {} })
    {
        push @{ $self->{peers} }, Peer->new(name => $peer, command => $option{peer}{$peer});
    }
    return $self;
}

sub peers { return @{ $_[0]{peers} } }

sub has
{
    my ($self, $name) = @_;
    return $self->{$name} ? ($name) : ();
}

sub seconds { my ($self, $seconds) = @_; return $self->{seconds} // $seconds }
sub rounds  { return $_[0]{rounds} }
sub note    { my ($self, %run) = @_; return $self->{report}->({%run}) }

sub server
{
    my ($self) = @_;
    return $self->{server} //= BenchServer->new(%$self{qw(wallets segments pool pgledger peers)});
}

# Checkpoints come as often as they must for a run to have one.
sub growth
{
    my ($self) = @_;
    return $self->{large} //= BenchServer->new(
        wallets  => $self->{'growth-wallets'},
        rows     => $self->{'growth-rows'},
        segments => $self->{segments},
        pgledger => $self->{pgledger},
        is_plain => 1,
        conf     => { checkpoint_timeout => "$self->{'checkpoint-seconds'}s" });
}

sub pipeline
{
    my ($self) = @_;
    require Pipeline;
    return $self->{pipeline} //= Pipeline->new(%$self{qw(debezium partitions)});
}

# Without a Debezium, and with nothing to catch up with.
sub another_pipeline
{
    my ($self) = @_;
    require Pipeline;
    $self->{pipeline}->finish if $self->{pipeline};
    return $self->{pipeline} = Pipeline->new(partitions => $self->{partitions});
}

sub measure_tables
{
    my ($self, %plan) = @_;
    my $server = $plan{server} // $self->server;
    return Measure::all(
        %$self{qw(rounds checkpoint directory report)},
        wallets => $server->{wallets},
        %plan,
        $self->{clients} ? (clients => [ split /,/, $self->{clients} ]) : (),
        server => $server);
}

# Of those that were started: what they are, and whether what they hold is right.
sub servers { my ($self) = @_; return grep { defined } @$self{qw(server large)} }

sub conditions
{
    my ($self) = @_;
    my ($newest) = grep { defined } $self->{current}, $self->servers, @$self{qw(pipeline hour)};
    return $newest->conditions;
}

sub faults
{
    my ($self) = @_;
    my $faults = 0;
    $faults += $_->faults for $self->servers;
    return $faults;
}

sub table_bytes
{
    my ($self) = @_;
    my %bytes;
    for my $server ($self->servers)
    {
        my $of  = $server->table_bytes;
        my $tag = $server->{is_plain} ? ' (large)' : '';
        $bytes{"$_$tag"} = $of->{$_} for keys %$of;
    }
    return \%bytes;
}

1;
