# A program of tests/clients: its run in a database of its own, and what it left there.
package Client;

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use TAP::Parser;

use Files;
use Wait;

our @EXPORT_OK = qw(run_client run_first);

=head1 SYNOPSIS

    my $server = Postgres->new;
    for my $finding (run_client($server, 'node', 'node', 'client.mjs'))
    {
        my ($ok, $name, $diagnosis) = @$finding;
    }

    my ($ok, $name, $diagnosis) = run_first($server, 'first_node', 'node', 'first.mjs');    # of docs/clients.md

The program gets C<PGHOST>, C<PGPORT>, C<PGDATABASE> and C<PGUSER>: the role C<wallet_user> with the
rights of scripts/stack/roles.sql. The last findings are those of an auditor, after the program's end.

=cut

my $root = abs_path(dirname(__FILE__) . '/../..');

# Seconds: a program that takes longer hangs.
my $LIMIT = 300;

# Every program does the same. "order-19" is the session that was quicker.
my @LEDGER = (
    'CREATED 0.0000 -', 'CREATED 0.0000 -', 'FUND 100.0000 deposit-1',
    'TRANSFER 25.5000 order-17',
    'TRANSFER 10.0000 order-19', 'TRANSFER 64.5000 sweep-1');

sub run_client
{
    my ($server, $name, @command) = @_;
    my $dbname = "client_$name";

    _create_database($server, $dbname);
    return (_run($server, $dbname, @command), _audit($server, $dbname));
}

# What every first program prints; how a language writes true is its own.
my $FIRST = qr/\Apaid once: [Tt]rue\nbob has 25\.50*\nrefused: WL002 74\.5000\n\z/;

# A first program gets nothing but DATABASE_URL, and can be run again.
sub run_first
{
    my ($server, $name, @command) = @_;
    _create_database($server, $name);
    local $ENV{DATABASE_URL} = $server->uri(user => 'wallet_user', dbname => $name);
    my $said = '';
    for (1, 2)
    {
        my $pid = open(my $pipe, '-|', 'timeout', $LIMIT, 'sh', '-c', 'exec "$@" 2>"$0"', test_directory() . "/$name.said", @command)
            // die "fork: $!\n";
        $said = do { local $/; <$pipe> } // '';
        return (0, 'the first program', $said . slurp(test_directory() . "/$name.said", '')) unless close $pipe and $said =~ $FIRST;
    }
    my $session = $server->connect(dbname => $name);
    my $found   = $session->selectrow_arrayref(
        q{SELECT (SELECT count(*) FROM wallet_check()), count(*) FROM wallet_ledger WHERE kind = 'TRANSFER'});
    $session->disconnect;
    return ("@$found" eq '0 2', 'the first program, twice', "findings, transfers: @$found");
}

sub _create_database
{
    my ($server, $dbname) = @_;
    $server->sql_in('postgres', "CREATE DATABASE $dbname");
    $server->sql_in($dbname, 'CREATE EXTENSION wallet');
    $server->sql_in($dbname, slurp("$root/scripts/stack/roles.sql"));
    return;
}

sub _run
{
    my ($server, $dbname, @command) = @_;
    my $said = test_directory() . "/$dbname.said";
    my @findings;

    local @ENV{qw(PGHOST PGPORT PGDATABASE PGUSER)} = ('127.0.0.1', $server->port, $dbname, 'wallet_user');
    my $parser = TAP::Parser->new(
        { exec => [ 'timeout', $LIMIT, 'sh', '-c', 'exec "$@" 2>"$0"', $said, @command ] });
    while (my $line = $parser->next)
    {
        if    ($line->is_test)              { push @findings, [ $line->is_ok, $line->description =~ s/^- //r, '' ] }
        elsif ($line->is_comment && @findings) { $findings[-1][2] .= $line->raw . "\n" }
    }
    my $is_whole = !$parser->has_problems && $parser->tests_run && !$parser->skipped && !$parser->todo;
    return (@findings, [ $is_whole, 'the program ends as it should', slurp($said, '') ]);
}

sub _audit
{
    my ($server, $dbname) = @_;
    my $session    = $server->connect(dbname => $dbname);
    my $divergence = $session->selectall_arrayref('SELECT * FROM wallet_check()');
    my $ledger     = $session->selectcol_arrayref(
        q{SELECT concat_ws(' ', kind, amount, coalesce(idempotency_key, '-')) FROM wallet_ledger
          WHERE session_user_name = 'wallet_user' ORDER BY transaction_id, leg});
    $session->disconnect;

    return (
        [ !@$divergence, 'wallet_check() has nothing to say', join("\n", map { "@$_[0, 1]" } @$divergence) ],
        [ "@$ledger" eq "@LEDGER", 'the ledger has what was done, once', join("\n", @$ledger) ]);
}

1;
