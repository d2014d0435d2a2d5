# Shows a program of ours a wall clock that was set back. Its lengths of time stay right.
package ClockBehind;

use strict;
use warnings;

use Carp qw(croak);
use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);

use Wait;

our @EXPORT = qw(clock_behind);

=head1 SYNOPSIS

    $stack->command_is([qw(progress set --reason x)], 0, qr/recorded/, 'set', clock_behind(3600));

=cut

my $library;

sub clock_behind
{
    my ($seconds) = @_;
    my $source = dirname(abs_path(__FILE__)) . '/clock_behind.c';

    unless ($library)
    {
        my $path = test_directory() . '/clock_behind.so';
        system('cc', '-std=gnu11', '-shared', '-fPIC', '-o', $path, $source) == 0 or croak "cc $source failed";
        $library = $path;
    }
    return (
        LD_PRELOAD     => $library,
        CLOCK_BEHIND_S => $seconds,
        # A sanitizer wants to be the first library otherwise.
        ASAN_OPTIONS => join(':', $ENV{ASAN_OPTIONS} // (), 'verify_asan_link_order=0'));
}

1;
