# Ten thousand items in a call: what is done again needs little memory and no more time than at first,
# and a timeout ends a call in whatever it is doing. Time is the backend's own, so that other load on
# the machine doesn't count.
use strict;
use warnings;

use POSIX qw(sysconf _SC_CLK_TCK);
use Test::More;
use Time::HiRes qw(time);

use Postgres;

my $ITEMS     = 10_000;
my $EXTRA_MIB = 20;

# Pages of shared memory count as a process's own once it has seen them: few, so that they don't hide the rest.
my $server = Postgres->new(conf => { shared_buffers => '8MB', autovacuum => 'off' });
$server->sql('CREATE EXTENSION wallet');
$server->sql(<<"END");
CREATE TABLE items AS
SELECT array_agg(CASE WHEN n % 2 = 0 THEN a ELSE b END ORDER BY n) AS payers,
       array_agg(CASE WHEN n % 2 = 0 THEN b ELSE a END ORDER BY n) AS payees,
       array_agg(1::numeric ORDER BY n) AS amounts, array_agg('key ' || n ORDER BY n) AS keys,
       array_agg((CASE WHEN n % 2 = 0 THEN a ELSE b END, CASE WHEN n % 2 = 0 THEN b ELSE a END, 1)::wallet_leg ORDER BY n) AS legs
FROM (SELECT wallet_create('a') AS a, wallet_create('b') AS b OFFSET 0) AS wallets, generate_series(1, $ITEMS) AS n
GROUP BY a, b
END
$server->sql("SELECT wallet_fund(wallet, $ITEMS) FROM items, unnest(payers[1:2]) AS wallet");

my $BATCH = 'SELECT count(*) FROM items, wallet_transfer_batch(payers, payees, amounts, keys)';
my $POST  = q{SELECT count(wallet_post(legs, 'post')) FROM items};

sub status_of
{
    my ($pid, $field) = @_;
    open my $file, '<', "/proc/$pid/status" or die "/proc/$pid/status: $!";
    my ($value) = grep { /^$field:/ } <$file>;
    return $value =~ /(\d+)/ ? $1 / 1024 : die $value;
}

sub cpu_of
{
    my ($pid) = @_;
    open my $file, '<', "/proc/$pid/stat" or die "/proc/$pid/stat: $!";
    my @field = split ' ', <$file> =~ s/^.*\) //r;
    return ($field[11] + $field[12]) / sysconf(_SC_CLK_TCK);
}

# A session of its own that has loaded everything: seconds of its work, MiB that it grew by, its error.
sub run
{
    my ($query, %option) = @_;
    my $dbh = $server->connect;
    my ($pid) = $dbh->selectrow_array('SELECT pg_backend_pid()');

    $dbh->do('SELECT wallet_lookup(?)', undef, 'nothing');
    $dbh->do("SELECT wallet_fund(payers[1], 1) FROM items");
    $dbh->do("SET statement_timeout = $option{timeout}") if $option{timeout};
    my ($memory, $cpu, $begin) = (status_of($pid, 'VmHWM'), cpu_of($pid), time);
    eval { $dbh->do($query) };
    my %result = (
        wall   => time - $begin,
        cpu    => cpu_of($pid) - $cpu,
        memory => status_of($pid, 'VmHWM') - $memory,
        state  => $dbh->state);
    $dbh->disconnect;
    return %result;
}

for my $case ([ 'batch', $BATCH ], [ 'post', $POST ])
{
    my ($name, $query) = @$case;
    my %first  = run($query);
    my %second = run($query);

    is("$first{state}$second{state}", '', "$name: done, and done again");
    cmp_ok($second{memory}, '<', $EXTRA_MIB, "$name: again in less than $EXTRA_MIB MiB more");
    cmp_ok($second{cpu}, '<=', $first{cpu}, "$name: again in no more time than at first");
    diag sprintf '%s: first %.2f s, %.0f MiB; again %.2f s, %.0f MiB', $name, @first{qw(cpu memory)}, @second{qw(cpu memory)}
        if $ENV{WALLET_TEST_FIGURES};
}
is($server->sql('SELECT count(*) FROM wallet_ledger WHERE kind = ?', 'TRANSFER'), 2 * $ITEMS, 'each was done once');

my $REVERSE = q{SELECT wallet_reverse(transaction_id, 0.25) FROM wallet_lookup('post')};
my @step    = map { { run($REVERSE) } } 1 .. 3;
is(join('', map { $_->{state} } @step), '', 'a post of many legs is reversed in three steps');

# The last part of a batch writes what the first has judged: a timeout is heard there too.
my $new   = $BATCH =~ s/keys\)/NULL)/r;
# The quicker of two, since the machine has other things to do as well.
my ($whole) = sort { $a->{cpu} <=> $b->{cpu} } map { { run($new) } } 1 .. 2;
is($whole->{state}, '', 'a batch runs as long as it needs');
my %cut = run($new, timeout => int(700 * $whole->{cpu}));
is($cut{state}, '57014', 'it ends by a timeout');
cmp_ok($cut{cpu}, '<', 0.95 * $whole->{cpu}, 'before it would have ended by itself');
diag sprintf 'whole %.2f s, cut %.2f s', $whole->{cpu}, $cut{cpu} if $ENV{WALLET_TEST_FIGURES};
is($server->sql('SELECT count(*) FROM wallet_check()'), 0, 'the ledger is consistent');
done_testing;
