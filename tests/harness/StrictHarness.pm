# How prove runs the tests of this tree for scripts/check: each kind of file by its own command, for no longer than
# a bound, and a test that skips has failed, since what a test needs must be there.
package StrictHarness;

use strict;
use warnings;

use parent 'TAP::Harness';

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);

use Files;

my $HARNESS = dirname(abs_path(__FILE__));
my $ROOT    = abs_path("$HARNESS/../..");
# Seconds for a test program: what hangs has failed.
my $LIMIT  = 900;
my $output = $ENV{WALLET_TEST_OUTPUT} // tempdir(CLEANUP => 1);

# Unit tests speak TAP as well.
$ENV{CMOCKA_MESSAGE_OUTPUT} = 'TAP';

=head1 SYNOPSIS

    PERL5LIB=tests/harness WALLET_TEST_OUTPUT=FOLDER prove --harness StrictHarness FILES

Shows what failed tests said on standard error, and writes "PASSED FAILED" to FOLDER/counts. SQL tests and those of
pgTAP and sessions use the server of WALLET_TEST_PORT (see C<regress> and C<pgtap>).

=cut

sub new
{
    my ($class, $args) = @_;
    return $class->SUPER::new({ %{ $args // {} }, exec => \&command_of });
}

# The file in which a test's words stand: with the names of its last two folders, since two rooms may have a file of
# the same name.
sub said_file
{
    my ($test) = @_;
    my ($name) = $test =~ m{((?:[^/]+/){0,2}[^/]+)$};
    return "$output/" . ($name =~ tr{/}{-}r) . '.said';
}

sub command_of
{
    my ($self, $test) = @_;
    return [ 'timeout', $LIMIT, 'sh', '-c', 'exec "$@" 2>"$0"', said_file($test), program_of($test) ];
}

sub program_of
{
    my ($test) = @_;
    my $results = "$output/regress-$$";

    return ("$HARNESS/regress", 'pg_isolation_regress', "$ROOT/tests/isolation", $results, $test) if $test =~ /\.spec$/;
    return ("$HARNESS/pgtap", $test) if $test =~ m{pgtap/[^/]+\.sql$};
    return ("$HARNESS/regress", 'pg_regress', $ROOT, $results, $test) if $test =~ /\.sql$/;
    return ($^X, "-I$HARNESS", $test) if $test =~ /\.t$/;
    return ($test);
}

sub summary
{
    my ($self, $aggregate, $interrupted) = @_;
    my ($passed, $failed) = (0, 0);

    $self->SUPER::summary($aggregate, $interrupted);
    for my $test ($aggregate->descriptions)
    {
        my ($parser) = $aggregate->parsers($test);
        my $wrong = $parser->failed + $parser->skipped + $parser->todo;
        $wrong ||= 1 if $parser->has_problems || defined $parser->skip_all || !$parser->tests_run;
        $passed += $parser->passed - $parser->skipped - $parser->todo;
        $failed += $wrong;
        print "-- what $test said\n", slurp(said_file($test), '') if $wrong;
    }
    spew("$output/counts", "$passed $failed\n");
    return;
}

1;
