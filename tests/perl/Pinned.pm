# What a test needs of another language's registry: installed once, into a cache outside the work tree named
# after the file that pins it.
package Pinned;

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use Exporter qw(import);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use POSIX ();

use Client qw(slurp);

our @EXPORT_OK = qw(installed must_run python_of);

=head1 SYNOPSIS

    my $folder = installed('node', $text_of_pins, sub { my ($new) = @_; must_run($new, 'npm', 'ci') });
    my $python = python_of("tests/openapi/requirements.txt");   # of a virtual environment with these
    must_run($folder, @command);      # dies with what it said, where it fails

=cut

my $cache = ($ENV{XDG_CACHE_HOME} || ($ENV{HOME} || (getpwuid $>)[7]) . '/.cache') . '/wallet';

# The folder of what is installed: made where it is missing, and complete once it has its name.
sub installed
{
    my ($kind, $pins, $install) = @_;
    my $folder = "$cache/$kind-" . substr(sha256_hex($pins), 0, 12);

    return $folder if -d $folder;
    make_path($cache);
    my $part = tempdir(".$kind-part.XXXXXX", DIR => $cache, CLEANUP => 1);
    $install->("$part/new");
    # Another run may have been first: then its is as good.
    rename "$part/new", $folder or -d $folder or die "$folder: $!\n";
    return $folder;
}

sub must_run
{
    my ($folder, @command) = @_;
    my $pid = open(my $pipe, '-|') // die "fork: $!\n";

    if ($pid == 0)
    {
        open STDERR, '>&', \*STDOUT;
        open STDIN, '<', '/dev/null';
        chdir $folder and exec { $command[0] } @command or print "$command[0]: $!\n";
        POSIX::_exit(127);
    }
    my @said = <$pipe>;
    close $pipe;
    return if $? == 0;
    splice @said, 0, @said - 30 if @said > 30;
    die "@command:\n", @said, "\n";
}

# The file names all that is needed, and all that needs.
sub python_of
{
    my ($requirements) = @_;
    my $folder = installed('python', slurp($requirements) . `python3 --version`, sub {
        my ($new) = @_;
        must_run('.', 'python3', '-m', 'venv', $new);
        must_run('.', "$new/bin/python", qw(-m pip install --quiet --disable-pip-version-check --no-deps --requirement),
            $requirements);
    });
    return "$folder/bin/python";
}

1;
