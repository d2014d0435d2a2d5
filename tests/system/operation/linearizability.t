# Many sessions at once, some of them killed, and the server too: all that was told could have happened one
# call after the other (tests/linearizability). And every mutant there still fits the C code.
#
#     LINEARIZABILITY_OPS, LINEARIZABILITY_SEED    another run than the usual
#     LINEARIZABILITY_LIBRARY                      another build of wallet.so than the installed one
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use IPC::Open2 qw(open2);
use Test::More;

use Packages qw(must_run);
use Postgres;
use Wait;

my $folder = abs_path(dirname(__FILE__) . '/../../linearizability');
my $calls  = $ENV{LINEARIZABILITY_OPS} || 12_000;

my $program = $ENV{LINEARIZABILITY_PROGRAM} // test_directory() . '/linearizability';
must_run($folder, qw(go build -mod=readonly -buildvcs=false -o), $program, '.') unless -x $program;

my $library = $ENV{LINEARIZABILITY_LIBRARY};
# Two builds of the library can not be loaded at once.
my $server = Postgres->new(conf => { log_min_messages => 'fatal', $library ? (shared_preload_libraries => '') : () });
$server->sql('CREATE EXTENSION wallet');
$server->sql(
    q{UPDATE pg_proc SET probin = ? WHERE probin = '$libdir/wallet' AND proname !~ '^wallet_(guard|currency_changed)'}, $library)
    if $library;
$server->disconnect($server->{dbname});

# Runs the load; kills the server when it asks for that.
my $pid = open2(
    my $said, my $answer, $program,
    '-uri' => $server->uri,
    '-ops' => $calls,
    '-terminate' => '150ms',
    '-kills' => $ENV{LINEARIZABILITY_KILLS} // 1 + int($calls / 50_000),
    '-seed' => $ENV{LINEARIZABILITY_SEED} || 1);
my $told = '';
while (my $line = <$said>)
{
    $told .= $line;
    next unless $line eq "please kill\n";
    $server->kill9;
    $server->start;
    $answer->printflush("killed\n");
}
waitpid $pid, 0;
is($?, 0, 'there is an order in which all that was told could have happened');
note $told;
diag $1 if $? && $told =~ /^(VIOLATION.*)/ms;
like($told, qr/^linearizable$/m, 'which both checkers found');

unless ($library)
{
    my $copy = test_directory() . '/mutants';
    must_run('.', 'cp', '-r', "$folder/../../wallet_ext", $copy);
    for my $patch (glob "$folder/mutants/*.patch")
    {
        ok(eval { must_run($copy, qw(patch --dry-run --force --silent -p1 -i), $patch); 1 },
            'mutant ' . basename($patch) . ' fits the code') or diag $@;
    }
}

done_testing();
