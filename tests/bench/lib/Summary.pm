# What many runs come to: minimum, median and maximum, and the ratios of the candidates.
package Summary;

use strict;
use warnings;

use Exporter qw(import);
use List::Util qw(max min);

our @EXPORT_OK = qw(median spread ratio ratios judge clients_of candidates_of);

=head1 SYNOPSIS

    my ($min, $median, $max) = spread(\@runs, 'tps', clients => 8, candidate => 'wallet');
    my ($min, $ratio, $max)  = ratio(\@runs, 'tps', 8, 'wallet', 'plpgsql');
    my @clients = clients_of(\@runs);  my @names = candidates_of(\@runs);    # in order of appearance

    my @ratios = ratios($goal, \@runs);      # of hashes with what, median, min, max, must, aim, less, unit
    my $text = judge($ratios[0]);            # whether must and aim were met

A ratio is that of the medians; its minimum and maximum are those of the single rounds. A goal's "ratios" are lists: what
it is compared with, candidate, the other candidate, clients, figure, must, aim, and "less" where less is better; without
another candidate it is the figure itself, and the unit stands last.

=cut

sub median
{
    my @sorted = sort { $a <=> $b } @_;
    my $half   = @sorted / 2;
    return @sorted % 2 ? $sorted[$half] : ($sorted[ $half - 1 ] + $sorted[$half]) / 2;
}

sub _chosen
{
    my ($runs, $figure, %wanted) = @_;
    return grep {
        my $run = $_;
        defined $run->{$figure} && !grep { $run->{$_} ne $wanted{$_} } keys %wanted
    } @$runs;
}

sub spread
{
    my ($runs, $figure, %wanted) = @_;
    my @values = map { $_->{$figure} } _chosen($runs, $figure, %wanted) or return;
    return (min(@values), median(@values), max(@values));
}

sub ratio
{
    my ($runs, $figure, $clients, $one, $other) = @_;
    my %value_of;
    for my $name ($one, $other)
    {
        $value_of{$name}{ $_->{round} } = $_->{$figure}
            for _chosen($runs, $figure, clients => $clients, candidate => $name);
    }
    my @rounds = grep { $value_of{$other}{$_} } keys %{ $value_of{$one} } or return;
    my @ratios = map { $value_of{$one}{$_} / $value_of{$other}{$_} } @rounds;
    my ($above, $below) = map { median(@{ $value_of{$_} }{@rounds}) } $one, $other;
    return (min(@ratios), $above / $below, max(@ratios));
}

# Those that were measured.
sub ratios
{
    my ($goal, $runs) = @_;
    my @found;

    for my $rule (@{ $goal->{ratios} })
    {
        my ($what, $one, $other, $clients, $figure, $must, $aim, $less, $unit) = @$rule;
        my ($min, $median, $max) =
            defined $other
            ? ratio($runs, $figure, $clients, $one, $other)
            : spread($runs, $figure, clients => $clients, candidate => $one);
        next unless defined $median;
        push @found, {
            what => (defined $other ? ($clients ? "c = $clients: " : '') . "$one to $what" : $what),
            min  => $min, median => $median, max => $max,
            must => $must, aim => $aim, less => $less ? 1 : 0, unit => $unit // '×'
        };
    }
    return @found;
}

sub judge
{
    my ($ratio) = @_;
    my $reaches = sub { my ($bound) = @_; $ratio->{less} ? $ratio->{median} <= $bound : $ratio->{median} >= $bound };

    return 'aim met' if defined $ratio->{aim} && $reaches->($ratio->{aim});
    return defined $ratio->{aim} ? 'aim missed' : '' unless defined $ratio->{must};
    return $reaches->($ratio->{must}) ? 'met' : 'missed';
}

sub _distinct
{
    my %seen;
    return grep { !$seen{$_}++ } @_;
}

sub clients_of    { my ($runs) = @_; return _distinct(map { $_->{clients} } @$runs) }
sub candidates_of { my ($runs) = @_; return _distinct(map { $_->{candidate} } @$runs) }

1;
