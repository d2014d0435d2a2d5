# make install: whole below DESTDIR, also where the same files are installed already; nothing else than identical
# files is exchanged; what a private copy of PostgreSQL has is met by no other installation and its servers.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Files;
use JSON::PP qw(decode_json);
use Postgres;
use Test::More;
use Wait;

my $root      = abs_path(dirname(__FILE__) . '/../../..');
my $pg_config = $ENV{PG_CONFIG} || 'pg_config';
my $folder    = test_directory();

sub succeeds
{
    my ($name, @command) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my ($code, $said) = run_command(@command);
    is($code, 0, $name) or diag $said;
    return $said;
}

sub files_of
{
    my ($config, $destination) = @_;
    chomp(my $libraries = `$config --pkglibdir`);
    chomp(my $share     = `$config --sharedir`);
    return glob "$destination$libraries/wallet*.so $destination$share/extension/wallet*";
}

# What shows that a file was exchanged: its inode and time.
sub identity
{
    return { map { my @stat = stat $_; ($_ => "$stat[1] $stat[9]") } @_ };
}

my @installed = files_of($pg_config, '');
ok(scalar(grep { /wallet\.so$/ } @installed) && scalar(grep { /wallet_decoder\.so$/ } @installed), 'the extension is installed');

# A package: everything, although the same files lie in the installation.
for my $time (qw(first second))
{
    my %env = (PG_CONFIG => $pg_config, DESTDIR => "$folder/package");
    succeeds("install below DESTDIR, the $time time", \%env, "$root/scripts/install");
    is_deeply([ map { s{^\Q$folder/package}{}r } files_of($pg_config, "$folder/package") ],
        [@installed], 'has all of it');
}
succeeds('uninstall below DESTDIR', { PG_CONFIG => $pg_config, DESTDIR => "$folder/package" }, "$root/scripts/install", 'remove');
is_deeply([ files_of($pg_config, "$folder/package") ], [], 'leaves none of it');

my $meta = decode_json(slurp("$root/META.json"));
my ($version) = slurp("$root/wallet_ext/wallet.control") =~ /^default_version = '(.*)'/m;
is($meta->{version}, "$version.0", 'META.json has the version of the control file');
is($meta->{provides}{wallet}{version}, "$version.0", 'twice');
ok(-e "$root/$meta->{provides}{wallet}{$_}", "its $_ is there") for qw(file docfile);

# A production server beside a checkout: its installation is one of its own, with the extension loaded.
sub copy_postgres
{
    my ($name, $config, @command) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my %env = (WALLET_RUN_DIR => "$folder/$name", PG_CONFIG => $config);
    return succeeds("$name: @command", \%env, "$root/scripts/private-postgres", @command);
}

chomp(my $production = copy_postgres('production', $pg_config));
succeeds('the extension in production', { PG_CONFIG => $production }, "$root/scripts/install");
my @production = files_of($production, '');
is(scalar @production, scalar @installed, 'is whole');
my $server = do { local $ENV{PG_CONFIG} = $production; Postgres->new };
$server->sql('CREATE EXTENSION wallet');

my $before = identity(@production);
chomp(my $checkout = copy_postgres('checkout', $production));
copy_postgres('checkout', $production, "$root/scripts/install");
is(scalar(my @mine = files_of($checkout, '')), scalar @installed, 'the checkout has the extension in a copy of its own');
is_deeply(identity(@production), $before, 'and exchanged nothing of production');
succeeds('the same into production', { PG_CONFIG => $production }, "$root/scripts/install");
is_deeply(identity(@production), $before, 'where identical files stay as well');
open my $maps, '<', '/proc/' . $server->pid . '/maps' or die "maps: $!\n";
my @loaded = grep { /wallet\.so/ } <$maps>;
ok(@loaded && !grep({ /deleted/ } @loaded), 'the server runs what lies there');

# Left behind by an older build.
my ($control) = grep { /wallet\.control$/ } files_of($checkout, '');
my $stale = dirname($control) . '/wallet--0.9--1.0.sql';
open my $file, '>', $stale or die "$stale: $!\n";
close $file;
copy_postgres('checkout', $production);
ok(!-e $stale, 'a script of an older build is not offered');
is(scalar(@mine = files_of($checkout, '')), scalar @installed, 'the others stay');
done_testing;
