# The distribution's psycopg against a real server; tests/clients/run does the same with other drivers.
# And the examples of the README are what these programs do.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Client qw(run_client slurp);
use Postgres;
use Test::More;

my $root    = abs_path(dirname(__FILE__) . '/../../..');
my $clients = "$root/tests/clients";
my $server  = Postgres->new;

# Not the python3 that comes first in PATH: the distribution's has the distribution's psycopg.
for my $finding (run_client($server, 'psycopg', '/usr/bin/python3', '-B', "$clients/python/psycopg_client.py"))
{
    my ($ok, $name, $diagnosis) = @$finding;
    ok($ok, $name) or diag $diagnosis;
}

my ($section) = slurp("$root/README.md") =~ /^## By code\n(.*?)^## /ms;
my @examples = $section =~ m{\]\((tests/clients/[\w/.]+)\):\n\n```\w+\n(.*?)```}gs;
is(@examples / 2, () = glob("$clients/{python/*_client.py,node/client.mjs,java/*.java,go/*.go}"),
    'the README has an example of each program');
while (my ($path, $example) = splice @examples, 0, 2)
{
    # An empty line stands for what is left out, a comment for what comes of it.
    my $program = "\n" . without_indent(slurp("$root/$path"));
    my @parts   = split /\n\n+/, without_indent($example) =~ s/^#.*\n//gmr =~ s/\n\z//r;
    is_deeply([ grep { index($program, "\n$_\n") < 0 } @parts ], [], "which is taken from $path");
}

my $pins = join '', map { slurp("$clients/$_") } qw(python/requirements.txt node/package.json java/pom.xml go/go.mod);
for my $pin (
    [ 'psycopg'         => qr/^psycopg==(\S+)/m ],
    [ 'SQLAlchemy'      => qr/^SQLAlchemy==(\S+)/m ],
    [ 'Django'          => qr/^Django==(\S+)/m ],
    [ 'node-postgres'   => qr/"pg": "(.*?)"/ ],
    [ 'PostgreSQL JDBC' => qr{<artifactId>postgresql</artifactId>\s*<version>(.*?)<} ],
    [ 'pgx'             => qr{jackc/pgx/v5 v(\S+)} ])
{
    my ($name, $pattern) = @$pin;
    my ($version) = $pins =~ $pattern;
    like($section, qr/^\| $name \Q$version\E[ ,;]/m, "the README tells the version of $name");
}
done_testing;

sub without_indent
{
    my ($text) = @_;
    return $text =~ s/^[ \t]+//gmr;
}
