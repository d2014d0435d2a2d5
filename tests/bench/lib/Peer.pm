# A ledger of somebody else's, measured in the same run: by a program that whoever runs the benchmarks names.
package Peer;

use strict;
use warnings;

use Carp qw(croak);

=head1 SYNOPSIS

    my $peer = Peer->new(name => 'formance', command => '/path/driver');
    my $run  = $peer->run(clients => 32, seconds => 10, wallets => 100_000);   # transactions, tps
    my $peer = Peer->tigerbeetle('/path/tigerbeetle');

The program is run with BENCH_CLIENTS, BENCH_SECONDS and BENCH_WALLETS in its environment, makes transfers between
random accounts for so long, and prints a line "tps NUMBER". Its server it finds itself.

=cut

sub new { my ($class, %option) = @_; return bless {%option}, $class }

# Its own benchmark, in batches of the same size, with a data file of its own.
sub tigerbeetle
{
    my ($class, $path) = @_;
    return $class->new(name => 'tigerbeetle', command => $path, is_tigerbeetle => 1);
}

sub _command
{
    my ($self, %option) = @_;
    return $self->{command} unless $self->{is_tigerbeetle};
    my $transfers = 100_000 * $option{seconds};
    return ($self->{command}, 'benchmark', "--transfer-count=$transfers", "--account-count=$option{wallets}", '--clients=2');
}

sub run
{
    my ($self, %option) = @_;
    local @ENV{qw(BENCH_CLIENTS BENCH_SECONDS BENCH_WALLETS)} = @option{qw(clients seconds wallets)};

    open my $pipe, '-|', $self->_command(%option) or croak "$self->{command}: $!";
    my $said = do { local $/; <$pipe> } // '';
    close $pipe or croak "$self->{name} failed: $said";
    my ($tps) = $said =~ ($self->{is_tigerbeetle} ? qr/load accepted = (\d+)/ : qr/^tps ([\d.]+)/m)
        or croak "$self->{name} does not say how fast it was: $said";
    return { tps => $tps + 0, latency_ms => 1000 * $option{clients} / $tps, transactions => $tps * $option{seconds} };
}

1;
