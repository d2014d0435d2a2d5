# Ends or freezes a program of ours at a named point of a Kafka transaction, with nothing of it replaced.
package KillPoint;

use strict;
use warnings;

use Carp qw(croak);
use Config;
use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);

use Wait;

our @EXPORT = qw(kill_point is_stopped);

=head1 SYNOPSIS

    my $bridge = $stack->another_bridge(kill_point('commit', 3));           # KILL at the third commit
    my $bridge = $stack->another_bridge(kill_point('commit', 3, 'STOP'));   # frozen there
    poll_until(sub { is_stopped($bridge->pid) });

The points stand in kill_point.c, which is preloaded.

=cut

my $library;

sub kill_point
{
    my ($point, $at, $signal) = @_;
    my $source = dirname(abs_path(__FILE__)) . '/kill_point.c';
    my @names  = split ' ', $Config{sig_name};
    my ($number) = grep { $names[$_] eq ($signal // 'KILL') } 0 .. $#names;

    unless ($library)
    {
        my $path = test_directory() . '/kill_point.so';
        system('cc', '-std=gnu11', '-shared', '-fPIC', '-o', $path, $source) == 0 or croak "cc $source failed";
        $library = $path;
    }
    return (
        LD_PRELOAD   => $library,
        KILL_POINT   => $point,
        KILL_AT      => $at,
        KILL_SIGNAL  => $number,
        # A sanitizer wants to be the first library otherwise.
        ASAN_OPTIONS => join(':', $ENV{ASAN_OPTIONS} // (), 'verify_asan_link_order=0'));
}

sub is_stopped
{
    my ($pid) = @_;
    open my $file, '<', "/proc/$pid/stat" or return 0;
    return <$file> =~ /\) T /;
}

1;
