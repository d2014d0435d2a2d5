# Bars and lines as SVG, readable on a light and on a dark page.
package Plot;

use strict;
use warnings;

use List::Util qw(max);

=head1 SYNOPSIS

    my $svg = Plot::bars(
        title  => 'Single transfers', unit => 'transactions per second',
        groups => [ '1 client', '8 clients' ],                       # along the x axis
        series => [ { name => 'wallet', bars => [ [ 80, 100, 110 ], [ ... ] ] }, ... ]);

    my $svg = Plot::lines(title => ..., unit => ..., series => [ { name => 'rate', values => [ 8000, 8100 ] }, ... ]);

A line is drawn to its own scale, its largest value at the top, named with it. A bar is its minimum, median and maximum: as high as the median, with a line from minimum to maximum.
A group without a bar of a series has undef there.

=cut

my ($width, $height)              = (760, 340);
my ($left, $right, $bottom) = (64, 16, 40);
my @colors = ('#0072b2', '#d55e00', '#009e73', '#999999', '#cc79a7', '#e69f00', '#56b4e9');

sub _escape
{
    my ($text) = @_;
    my %entity = ('&' => '&amp;', '<' => '&lt;', '>' => '&gt;', '"' => '&quot;');
    $text =~ s/([&<>"])/$entity{$1}/g;
    return $text;
}

sub _text
{
    my ($x, $y, $anchor, $text) = @_;
    return sprintf qq(<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>\n), $x, $y, $anchor, _escape($text);
}

# A step of 1, 2 or 5 times a power of ten that divides the axis into at most six parts.
sub _step
{
    my ($highest) = @_;
    my $power = 10**int(log($highest / 6) / log(10));
    for my $step (map { $power * $_ } 1, 2, 5, 10, 20, 50)
    {
        return $step if $highest / $step <= 6;
    }
    return $highest;
}

sub _thousands
{
    my ($number) = @_;
    1 while $number =~ s/^(\d+)(\d{3})/$1,$2/;
    return $number;
}

sub _bar
{
    my ($x, $bar_width, $color, $y_of, $bar) = @_;
    my ($lowest, $median, $highest) = map { $y_of->($_) } @$bar;
    my $middle = $x + $bar_width / 2;

    return sprintf(qq(<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>\n),
        $x, $median, $bar_width, $height - $bottom - $median, $color)
        . sprintf(qq(<line class="range" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>\n),
        $middle, $lowest, $middle, $highest)
        . _text($middle, $highest - 5, 'middle', _thousands(sprintf '%.0f', $bar->[1]));
}

sub _axis
{
    my ($step, $highest, $y_of) = @_;
    my $svg = '';
    for (my $value = 0; $value <= $highest; $value += $step)
    {
        $svg .= sprintf qq(<line class="grid" x1="%d" y1="%.1f" x2="%d" y2="%.1f"/>\n),
            $left, $y_of->($value), $width - $right, $y_of->($value);
        $svg .= _text($left - 8, $y_of->($value) + 4, 'end', _thousands($value));
    }
    return $svg;
}

# In lines, as many as it takes; their height.
sub _legend
{
    my ($series) = @_;
    my ($svg, $x, $y) = ('', $left, 36);
    for my $index (0 .. $#$series)
    {
        my $wide = 40 + 7.2 * length $series->[$index]{name};
        ($x, $y) = ($left, $y + 18) if $x > $left && $x + $wide > $width;
        $svg .= sprintf qq(<rect x="%.1f" y="%d" width="12" height="12" fill="%s"/>\n), $x, $y, $colors[ $index % @colors ];
        $svg .= _text($x + 17, $y + 10, 'start', $series->[$index]{name});
        $x += $wide;
    }
    return ($svg, $y + 12);
}

sub _frame
{
    my ($chart, $inside) = @_;
    return qq(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 $width $height" role="img">\n)
        . qq(<title>@{[_escape($chart->{title})]}</title>\n)
        . "<style>text { font: 12px sans-serif; fill: #666 } .grid { stroke: #8884 } "
        . ".range { stroke: #666; stroke-width: 1.5 } polyline { fill: none; stroke-width: 2 }</style>\n"
        . _text($left, 20, 'start', "$chart->{title}, $chart->{unit}") . "$inside</svg>\n";
}

sub lines
{
    my (%chart) = @_;
    my @series = map { { %$_, name => "$_->{name} (" . _thousands(sprintf '%.0f', max(@{ $_->{values} })) . ')' } } @{ $chart{series} };
    my ($svg, $under) = _legend(\@series);

    for my $index (0 .. $#series)
    {
        my @values  = @{ $series[$index]{values} };
        my $highest = max(@values) || 1;
        my $step    = ($width - $left - $right) / (@values > 1 ? $#values : 1);
        my $room    = $height - $bottom - $under - 12;
        $svg .= sprintf qq(<polyline points="%s" stroke="%s"/>\n),
            join(' ', map { sprintf '%.1f,%.1f', $left + $_ * $step, $height - $bottom - $room * $values[$_] / $highest } 0 .. $#values), $colors[$index];
    }
    return _frame(\%chart, $svg);
}

sub bars
{
    my (%chart) = @_;
    my @series  = @{ $chart{series} };
    my @groups  = @{ $chart{groups} };
    my $highest = 1.05 * max(1, map { $_->[2] } grep { defined } map { @{ $_->{bars} } } @series);
    my ($svg, $under) = _legend(\@series);
    my $top     = $under + 22;
    my $y_of    = sub { $height - $bottom - ($height - $top - $bottom) * $_[0] / $highest };
    my $group_width = ($width - $left - $right) / @groups;
    my $bar_width   = 0.8 * $group_width / @series;

    $svg .= _axis(_step($highest), $highest, $y_of);
    for my $group (0 .. $#groups)
    {
        my $x = $left + $group_width * ($group + 0.1);
        $svg .= _text($left + $group_width * ($group + 0.5), $height - 16, 'middle', $groups[$group]);
        for my $index (0 .. $#series)
        {
            my $bar = $series[$index]{bars}[$group] or next;
            $svg .= _bar($x + $index * $bar_width, $bar_width - 3, $colors[ $index % @colors ], $y_of, $bar);
        }
    }
    return _frame(\%chart, $svg);
}

1;
