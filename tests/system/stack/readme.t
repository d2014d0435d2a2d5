# The README's quick starts as they stand there, in its order and in the opposite one: keys and wallets are new each
# time, so that a block that was pasted before is in nobody's way.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use JSON::PP ();
use Stack;
use Test::More;
use Wait;

my $root   = abs_path(dirname(__FILE__) . '/../../..');
my $readme = do { local (@ARGV, $/) = "$root/README.md"; <> };
my $stack  = Stack->start(service => 1);
my $folder = test_directory() . '/readme';
my $json   = JSON::PP->new->utf8;
my $uuid   = qr/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/;
my %is_quick_start = (psql => \&psql, curl => \&with_curl, Python => \&python);

write_environment();
is_deeply([ $readme =~ /^## Quick start (?:in|with) (\w+)$/mg ], [qw(psql curl Python)], 'three quick starts');
$is_quick_start{$_}->() for qw(psql curl Python Python curl psql);
is($stack->sql("SELECT count(*) FROM wallet_check()"), 0, 'everything is consistent');
done_testing;

# Its blocks of one language.
sub blocks
{
    my ($title, $language) = @_;
    my ($chapter) = $readme =~ /^## \Q$title\E\n(.*?)^## /ms or die "no chapter $title";
    return $chapter =~ /^```$language\n(.*?)^```$/msg;
}

# What "make up" leaves, of this stack: PG* name the superuser, DATABASE_URL an application's role.
sub write_environment
{
    my $postgres = $stack->postgres;
    my %variable = (
        PGHOST => '127.0.0.1', PGPORT => $postgres->port, PGUSER => 'postgres', PGDATABASE => $postgres->{dbname},
        DATABASE_URL       => $postgres->uri(user => 'wallet_user'),
        WALLET_SERVICE_URL => $stack->service->{url},
        WALLET_HISTORY_URL => $stack->history->{url});

    mkdir $_ for $folder, "$folder/.run";
    write_file('.run/env', map { "export $_=$variable{$_}\n" } sort keys %variable);
    return;
}

sub write_file
{
    my ($name, @text) = @_;
    open my $file, '>', "$folder/$name" or die "$name: $!";
    print {$file} @text;
    close $file;
    return;
}

# What the commands print, in a shell that has nothing of this test's variables.
sub run
{
    my ($name, $script, $input) = @_;
    write_file('commands', $script);
    write_file('input', $input // '');
    my $output = `cd $folder && env -i PATH="\$PATH" HOME=$folder timeout 120 bash -e commands <input 2>&1`;
    is($?, 0, "$name: the commands run") or diag $output;
    return $output;
}

sub psql
{
    my ($enter, $check) = blocks('Quick start in psql', 'sh');
    my ($statements) = blocks('Quick start in psql', 'sql');
    my $said = run('psql', $enter, $statements);

    unlike($said, qr/ERROR/, 'psql: nothing is refused');
    my @id = $said =~ /^ ($uuid)$/mg;
    is($id[1], $id[2], 'psql: the repeated request has the first id');
    like($said, qr/^ 74\.5000 \| +74\.5000 \| +2$/m, 'psql: the balance');
    like($said, qr/^\s+2 \| TRANSFER_OUT \| +25\.5000 \| 74\.5000 *\n\s+1 \| FUND .*\n\s+0 \| CREATED /m,
        'psql: the history came back');
    $said = run('psql', $check);
    like($said, qr/\(0 rows\).*\bUSD\b/s, 'psql: the operator finds nothing, and the totals');
    return;
}

sub with_curl
{
    my @answers = map { $json->decode($_) } grep { /^\{/ } split /\n/, run('curl', join '', blocks('Quick start with curl', 'sh'));

    is($answers[0]{balance}, '0.0000', 'curl: a wallet');
    is($answers[2]{wallet}{balance}, '100.0000', 'curl: funded');
    is($answers[3]{wallet}{balance}, '75.0000', 'curl: transferred');
    is($answers[4]{transaction_id}, $answers[3]{transaction_id}, 'curl: once');
    is($answers[5]{version}, 2, 'curl: the wallet');
    ok((grep { $_->{id} eq $answers[0]{id} } @{ $answers[6]{items} }), q(curl: alice's wallets));
    is_deeply([ map { $_->{event_type} } @{ $answers[7]{items} } ], [qw(TRANSFER_OUT FUND CREATED)], 'curl: its history');
    is(@{ $answers[8]{items} }, 1, q(curl: alice's activity));
    is($answers[$_]{status}, 'ready', 'curl: ready') or diag explain $answers[$_] for 9, 10;
    is(@answers, 11, 'curl: and that is all');
    return;
}

sub python
{
    my ($program) = blocks('Quick start in Python', 'py');
    write_file('first.py', $program);
    is(run('Python', ". .run/env; /usr/bin/python3 first.py\n"),
        "paid once: True\nbob has 25.5000\nrefused: WL002 74.5000\n", 'Python: what it prints');
    return;
}
