# Packages of other languages that a test needs: fetched once, into a cache outside the work tree.
package Packages;

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use Exporter qw(import);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use POSIX ();

use Files;
use Wait;

our @EXPORT_OK = qw(installed must_run node_program python_of);

=head1 SYNOPSIS

    my $folder  = installed('python', $pins, sub { my ($new) = @_; must_run('.', 'fill', $new) });
    my @command = node_program('tests/clients/node', 'client.mjs');
    my $python  = python_of('tests/clients/python/requirements.txt');

What pins the packages is part of the folder's name, so that other pins are another folder. All die,
with what the command said, where the packages can't be had.

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

# Dies with what the command said, where it fails.
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

# The command of a program beside its package-lock.json. Packages are searched for beside the program:
# it runs from a copy beside a link to them.
sub node_program
{
    my ($sources, $program) = @_;
    my ($kind) = $sources =~ m{([^/]+)$};
    my $pins   = "$sources/package-lock.json";
    my $folder = installed($kind, slurp($pins), sub {
        my ($new) = @_;
        make_path($new);
        must_run('.', 'cp', "$sources/package.json", $pins, $new);
        must_run($new, qw(npm ci --ignore-scripts --no-audit --no-fund));
    });
    my $copy = test_directory() . "/$kind";
    unless (-d $copy)
    {
        must_run('.', 'cp', '-r', $sources, $copy);
        symlink "$folder/node_modules", "$copy/node_modules" or die "$copy: $!\n";
    }
    return ('node', "$copy/$program");
}

# The python3 of a virtual environment with what the file pins: all that is needed, and all that needs.
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
