# While only other tables write, the slot's confirmed position follows and nothing times out.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Stack;
use Test::More;

my $stack = Stack->start(conf => { wal_sender_timeout => '3s', max_wal_size => '512MB' });
my ($alice) = $stack->create_wallets(1, fund => '1.00');

$stack->wait_bridge;
my $begin = $stack->sql('SELECT pg_current_wal_insert_lsn()');
$stack->sql('CREATE TABLE foreign_table (a bigint, b text)');
$stack->sql(q(INSERT INTO foreign_table SELECT i, repeat('x', 900) FROM generate_series(1, 300000) i)) for 1 .. 4;

my $bytes = $stack->sql('SELECT pg_current_wal_insert_lsn() - ?::pg_lsn', $begin);
cmp_ok($bytes, '>', 1024 * 1024 * 1024, sprintf '%.1f GB of WAL that is not ours', $bytes / 1024**3);
$stack->wait_bridge(deadline => 180);
pass('the confirmed position followed');
is($stack->sql('SELECT wallet_fund(?, 1) IS NOT NULL', $alice), 1, 'a payment afterwards');
$stack->wait_history;
$stack->verify;
$stack->quiet_ok;
done_testing;
