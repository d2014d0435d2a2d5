# wallet_health by the state of the slots: none, several, one whose WAL is gone.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Postgres;
use Test::More;
use Wait;

my $server = Postgres->new(conf => { max_slot_wal_keep_size => '1MB', wal_keep_size => 0, max_wal_size => '32MB', min_wal_size => '32MB' });
my $health = sub { return ($server->rows('SELECT * FROM wallet_health()'))[0] };
$server->sql('CREATE EXTENSION wallet');

is($health->()->{status}, 'no_slot', 'no slot');
$server->sql(q{SELECT pg_create_logical_replication_slot('foreign_plugin', 'test_decoding')});
$server->sql_in('postgres', q{SELECT pg_create_logical_replication_slot('other_database', 'wallet_decoder')});
is($health->()->{status}, 'no_slot', 'another plugin and another database do not count');

$server->sql(q{SELECT pg_create_logical_replication_slot('behind', 'wallet_decoder')});
$server->sql(q{SELECT wallet_create('alice')});
$server->sql(q{SELECT pg_create_logical_replication_slot('ahead', 'wallet_decoder')});
my $now = $health->();
is($now->{slot_name}, 'behind', 'of two slots the one that is further behind');
is($now->{status}, 'slot_inactive', 'which nobody reads');
# The server writes WAL of its own, so that the WAL's end is somewhere between two looks.
my $unconfirmed = sub {
    return $server->sql(q{SELECT pg_current_wal_lsn() - confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = 'behind'});
};
my $least = $unconfirmed->();
my $lag   = $health->()->{slot_lag_bytes};
my $most  = $unconfirmed->();
ok($least > 0 && $least <= $lag && $lag <= $most, 'its lag is what is not yet confirmed') or diag "$least $lag $most";
$server->sql(q{SELECT wallet_create('bob')});
$server->sql(q{SELECT pg_replication_slot_advance('behind', pg_current_wal_lsn())});
is($health->()->{slot_name}, 'ahead', 'until it has overtaken the other');

# More WAL than max_slot_wal_keep_size: the next checkpoint gives the slots up.
poll_until(
    sub {
        $server->sql('SELECT pg_logical_emit_message(false, \'filler\', repeat(\'x\', 1000000)) FROM generate_series(1, 20)');
        $server->sql('SELECT pg_switch_wal()');
        $server->sql('CHECKPOINT');
        return $health->()->{status} eq 'slot_lost';
    },
    what => 'the slot to be lost');
is($health->()->{slot_active}, 0, 'a lost slot is found, though it has no position');
$server->sql("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = 'wallet_db'");
is($health->()->{status}, 'no_slot', 'and gone when it is dropped');
done_testing;
