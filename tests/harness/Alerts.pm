# The shipped alert rules over what programs print at this moment.
package Alerts;

use strict;
use warnings;

use Carp qw(croak);
use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);

use Wait;

our @EXPORT = qw(alerts_now);

=head1 SYNOPSIS

    my %said = alerts_now($stack->history, $stack->bridge);    # daemons; each is scraped once

The names of the alerts of docker/prometheus/wallet.rules.yml that these metrics make pending or firing, as keys.
A daemon that does not answer counts as down, as for Prometheus.

=cut

my $root = abs_path(dirname(__FILE__) . '/../..');
my $promtool;

sub _series
{
    my (@daemons) = @_;
    my %value_of;
    for my $daemon (@daemons)
    {
        my ($code, $body) = $daemon->get('/metrics');
        my $labels = qq(job="$daemon->{name}",instance="$daemon->{port}");
        $value_of{"up{$labels}"} = $code == 200 ? 1 : 0;
        next unless $code == 200;
        $value_of{"$1\{$labels" . (defined $2 ? ",$2" : '') . '}'} = $3 while $body =~ /^(\w+)(?:\{(.*)\})? (\S+)$/mg;
    }
    return \%value_of;
}

sub alerts_now
{
    my (@daemons) = @_;
    my $series = _series(@daemons);
    my $path   = test_directory() . '/alerts.yml';

    chomp($promtool //= qx($root/scripts/prometheus/fetch));
    open my $file, '>', $path or croak "$path: $!";
    print {$file} "rule_files: ['$root/docker/prometheus/wallet.rules.yml']\nevaluation_interval: 1m\ntests:\n  - interval: 1m\n    input_series:\n",
        (map { "      - series: '$_'\n        values: '" . join(' ', ($series->{$_}) x 3) . "'\n" } sort keys %$series),
        "    promql_expr_test:\n      - expr: 'count by (alertname) (ALERTS)'\n        eval_time: 2m\n        exp_samples: []\n";
    close $file;
    my $said = qx('$promtool' test rules $path 2>&1);
    # What was not expected is what there is; a promtool that has nothing to say has said so.
    my ($got) = $said =~ /got:(.*)/s;
    croak "promtool: $said" unless defined $got || $? == 0;
    return map { ($_ => 1) } ($got // '') =~ /alertname="(\w+)"/g;
}

1;
