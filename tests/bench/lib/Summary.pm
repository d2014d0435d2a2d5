# What many runs come to: minimum, median and maximum, and the ratios of the candidates.
package Summary;

use strict;
use warnings;

use Exporter qw(import);
use List::Util qw(max min);

our @EXPORT_OK = qw(median spread ratio clients_of candidates_of);

=head1 SYNOPSIS

    my ($min, $median, $max) = spread(\@runs, 'tps', clients => 8, candidate => 'wallet');
    my ($min, $ratio, $max)  = ratio(\@runs, 'tps', 8, 'wallet', 'plpgsql');
    my @clients = clients_of(\@runs);  my @names = candidates_of(\@runs);    # in order of appearance

A ratio is that of the medians; its minimum and maximum are those of the single rounds.

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
    my @rounds = grep { defined $value_of{$other}{$_} } keys %{ $value_of{$one} } or return;
    my @ratios = map { $value_of{$one}{$_} / $value_of{$other}{$_} } @rounds;
    my ($above, $below) = map { median(@{ $value_of{$_} }{@rounds}) } $one, $other;
    return (min(@ratios), $above / $below, max(@ratios));
}

sub _distinct
{
    my %seen;
    return grep { !$seen{$_}++ } @_;
}

sub clients_of    { my ($runs) = @_; return _distinct(map { $_->{clients} } @$runs) }
sub candidates_of { my ($runs) = @_; return _distinct(map { $_->{candidate} } @$runs) }

1;
