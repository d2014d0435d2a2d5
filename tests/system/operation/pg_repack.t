# pg_repack, which copies a table and follows it by a trigger, under load: nothing is lost, and no key
# is payable twice.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use POSIX ();

use Load;
use Postgres;
use Test::More;
use Wait;

my $server = Postgres->new;
$server->sql('CREATE EXTENSION wallet');
$server->sql('CREATE EXTENSION pg_repack');
# The clients have no right on a table.
$server->sql($_) for 'CREATE ROLE wallet_user LOGIN', 'GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO wallet_user';

my @wallets = map { $server->sql('SELECT wallet_create(?)', "user-$_") } 1 .. 20;
$server->sql('SELECT wallet_fund(id, 100000) FROM wallets');

sub repack
{
    my (@arguments) = @_;
    return $server->run('pg_repack', '-h', '127.0.0.1', '-p', $server->port, '-U', 'postgres', '-d', 'wallet_db',
        '--no-kill-backend', '--wait-timeout=60', @arguments);
}

# What a client was told is in the ledger, and each of its keys leads to what it was told.
sub nothing_is_lost
{
    my ($what, $acknowledged) = @_;
    my @keys = sort keys %$acknowledged;
    my $found = $server->sql(
        'SELECT count(*) FROM unnest(?::text[], ?::uuid[]) AS told (key, id)
         JOIN wallet_ledger AS entry ON entry.idempotency_key = told.key AND entry.transaction_id = told.id',
        \@keys, [ @$acknowledged{@keys} ]);

    is($found, scalar @keys, "$what: every acknowledged call is in the ledger (" . @keys . ')');
    is($server->sql('SELECT count(*) FROM wallet_check()'), 0, "$what: consistent");
    return;
}

for my $what ([ wallet_ledger => '-t', 'wallet_ledger' ], [ wallets => '-t', 'wallets' ],
    [ wallet_holds => '-t', 'wallet_holds' ], ['the whole database'])
{
    my ($name, @arguments) = @$what;
    my $file = $server->sql('SELECT pg_relation_filenode(?)', $arguments[1] // 'wallet_ledger');
    my $load = Load->start(server => $server, wallets => \@wallets, clients => 3, mixed => 1);

    $load->wait_progress(50);
    is(repack(@arguments), 0, "$name: repacked under load");
    $load->wait_progress(50);
    $load->stop;
    is_deeply([ $load->errors ], [], "$name: no client met an error");
    isnt($server->sql('SELECT pg_relation_filenode(?)', $arguments[1] // 'wallet_ledger'), $file, "$name: in a new file");
    nothing_is_lost($name, $load->acknowledged);
}

# The window that lost payments: repack waits for an older transaction before it swaps the files.
my $older = $server->connect;
$older->begin_work;
$older->do('SELECT pg_current_xact_id()');
my $pid = fork // die "fork: $!";
if ($pid == 0)
{
    POSIX::_exit(repack('-t', 'wallet_ledger') == 0 ? 0 : 1);
}
poll_until(
    sub { $server->sql(q{SELECT count(*) FROM pg_trigger WHERE tgname = 'repack_trigger'}) },
    what     => "pg_repack's trigger on the table",
    deadline => 60);
my $paid = $server->sql('SELECT wallet_fund(?, 777, ?)', $wallets[0], 'meanwhile');
$older->rollback;
waitpid $pid, 0;
is($?, 0, 'repacked with a payment meanwhile');
is($server->sql('SELECT wallet_fund(?, 777, ?)', $wallets[0], 'meanwhile'), $paid, 'its key is paid once');
is($server->sql('SELECT count(*) FROM wallet_check()'), 0, 'consistent');

done_testing;
