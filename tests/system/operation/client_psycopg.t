# The distribution's psycopg against a real server; tests/clients/run does the same with other drivers.
# And what README and docs/clients.md show are the programs that are run.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Client qw(run_client run_first);
use Files;
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

my ($ok, $name, $diagnosis) = run_first($server, 'first_psycopg', '/usr/bin/python3', '-B', "$clients/python/psycopg_first.py");
ok($ok, $name) or diag $diagnosis;

my $page = slurp("$root/docs/clients.md");
my %shown = $page =~ m{\]\(\.\./(tests/clients/[\w/.]+)\)\.\n\n```\w+\n(.*?)^```$}gms;
$shown{'tests/clients/python/psycopg_first.py'} =
    (slurp("$root/README.md") =~ /^```py\n(.*?)^```$/ms ? "#!/usr/bin/env python3\n$1" : '');
is_deeply([ sort keys %shown ],
    [ sort map { s{^\Q$root\E/}{}r } glob("$clients/{python/*_first.py,node/first.mjs,java/*First.java,go/first/*.go,ruby/*_first.rb}") ],
    'README and docs/clients.md show each first program');
is($shown{$_}, slurp("$root/$_"), "$_ stands there as it is run") for sort keys %shown;

my $pins = join '', map { slurp("$clients/$_") } qw(python/requirements.txt node/package.json java/pom.xml go/go.mod);
for my $pin (
    [ 'psycopg'         => qr/^psycopg==(\S+)/m ],
    [ 'SQLAlchemy'      => qr/^SQLAlchemy==(\S+)/m ],
    [ 'Django'          => qr/^Django==(\S+)/m ],
    [ 'node-postgres'   => qr/"pg": "(.*?)"/ ],
    [ 'PostgreSQL JDBC' => qr{<artifactId>postgresql</artifactId>\s*<version>(.*?)<} ],
    [ 'Hibernate'       => qr{<artifactId>hibernate-core</artifactId>\s*<version>(.*?)\.Final<} ],
    [ 'pgx'             => qr{jackc/pgx/v5 v(\S+)} ])
{
    my ($name, $pattern) = @$pin;
    my ($version) = $pins =~ $pattern;
    like($page, qr/^\| $name \Q$version\E[ ,;]/m, "docs/clients.md tells the version of $name");
}
done_testing;
