# The programs that are built, and what their own tables say of their variables and metrics.
package Program;

use strict;
use warnings;

use Carp qw(croak);
use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(basename dirname);

our @EXPORT = qw(programs program_path variables_of metrics_of);

=head1 SYNOPSIS

    for my $name (programs())              # wallet_bridge wallet_history ...
    {
        my $path    = program_path($name);
        my $default = variables_of($name)->{KAFKA_TOPIC};       # undef where there is no such variable
        my $type    = metrics_of($name)->{wallet_bridge_active};    # counter gauge histogram
    }

=cut

my $root = abs_path(dirname(__FILE__) . '/../..');
my $bin  = $ENV{WALLET_BIN} // "$root/kafka_bridge/build";
my %tables;

sub programs
{
    my @programs = map { basename($_) } grep { -x && -f } glob "$bin/wallet_*";
    croak "no program is built in $bin" unless @programs;
    return @programs;
}

sub program_path { return "$bin/$_[0]" }

sub variables_of { return _tables_of($_[0])->{variables} }
sub metrics_of   { return _tables_of($_[0])->{metrics} }

# Rows: | `--flag X` | `NAME or OTHER` | `default` | meaning |, and | `metric` | type | label | meaning |.
sub _tables_of
{
    my ($name) = @_;
    return $tables{$name} if $tables{$name};
    my %variables;
    my %metrics;
    for my $line (split /\n/, qx(@{[ program_path($name) ]} --options-markdown))
    {
        my (undef, $first, $second, $third) = split /\s*(?<!\\)\|\s*/, $line;
        next unless defined $third;
        if ($first =~ /^`--/ && (my @names = $second =~ /^`(\w+)(?: or (\w+))?`$/))
        {
            $third =~ s/`//g;
            $variables{$_} = $third for grep { defined } @names;
        }
        elsif ($second =~ /^(?:counter|gauge|histogram)$/ && $first =~ /^`(\w+)`$/)
        {
            $metrics{$1} = $second;
        }
    }
    croak "$name prints no tables" unless %variables && %metrics;
    return $tables{$name} = { variables => \%variables, metrics => \%metrics };
}

1;
