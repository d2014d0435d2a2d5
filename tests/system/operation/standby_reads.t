# Reads work on a hot standby; operations are refused there; wallet_health knows what a standby knows.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Daemon;
use Postgres;
use Test::More;
use Wait;

my $ALICE = 'a0000000-0000-0000-0000-000000000001';
my $BOB   = 'b0000000-0000-0000-0000-000000000001';

my $primary = Postgres->new(conf => { hot_standby => 'on' });
$primary->sql('CREATE EXTENSION wallet');
$primary->sql(q{SELECT pg_create_logical_replication_slot('wallet', 'wallet_decoder')});
$primary->sql('SELECT wallet_create(?, ?, ?)', 'alice', 'USD', $ALICE);
$primary->sql('SELECT wallet_create(?, ?, ?)', 'bob', 'USD', $BOB);
$primary->sql('SELECT wallet_fund(?, 10)', $ALICE);
my $paid = $primary->sql('SELECT wallet_transfer(?, ?, 3, ?)', $ALICE, $BOB, 'pay-1');

# A copy of the primary's files that follows its WAL.
my $data = "$primary->{base}/standby";
my $port = free_port();
is($primary->run('pg_basebackup', '-D', $data, '-d', $primary->uri(dbname => 'postgres'), '-R', '-c', 'fast'), 0, 'base backup');
my $standby = Daemon->new(
    name    => 'standby',
    command => [ "$primary->{bin}/postgres", '-D', $data, '-p', $port, '-k', $primary->{base} ],
    user    => $primary->{user},
    log     => "$primary->{base}/standby.log",
    ready   => sub { connect_standby()->ping });

sub connect_standby
{
    return DBI->connect("dbi:Pg:dbname=wallet_db;host=127.0.0.1;port=$port", 'postgres', '',
        { RaiseError => 1, PrintError => 0, AutoCommit => 1 });
}
$standby->start(deadline => 60);
my $dbh = connect_standby();
my $value = sub { return ($dbh->selectrow_array(@_))[0] };

my $lsn = $primary->sql('SELECT pg_current_wal_insert_lsn()');
poll_until(sub { $value->('SELECT pg_last_wal_replay_lsn() >= ?::pg_lsn', {}, $lsn) }, what => 'the standby to follow');

is($value->('SELECT available FROM wallet_get(?)', {}, $ALICE), '7.0000', 'wallet_get');
is($value->('SELECT balance FROM wallet_list(?)', {}, 'bob'), '3.0000', 'wallet_list');
is($value->('SELECT count(*) FROM wallet_receipt(?)', {}, $paid), 2, 'wallet_receipt');
is($value->('SELECT entry FROM wallet_receipt(?, 1, 1)', {}, $paid), 2, 'a page of it');
is($value->('SELECT count(*) FROM wallet_hold_list(?)', {}, $ALICE), 0, 'wallet_hold_list');
is($value->('SELECT count(*) FROM wallet_hold_get(?)', {}, $paid), 0, 'wallet_hold_get');
is($value->('SELECT count(*) FROM wallet_operations(user_id => ?)', {}, 'bob'), 2, 'wallet_operations');
is($value->('SELECT scale FROM wallet_currencies()'), 4, 'wallet_currencies');
is($value->('SELECT transaction_id FROM wallet_lookup(?)', {}, 'pay-1'), $paid, 'wallet_lookup');
is($value->('SELECT count(*) FROM wallet_history(?)', {}, $ALICE), 0, 'wallet_history');
is($value->('SELECT count(*) FROM wallet_activity(?)', {}, 'alice'), 0, 'wallet_activity');
is($value->('SELECT difference FROM wallet_totals()'), '0.0000', 'wallet_totals');
is($value->('SELECT count(*) FROM wallet_statement(?)', {}, $ALICE), 5, 'wallet_statement');
is($value->(q{SELECT balance FROM wallet_balance_at(?, 'infinity')}, {}, $ALICE), '7.0000', 'wallet_balance_at');
is($value->('SELECT count(*) FROM wallet_seal_verify()'), 0, 'wallet_seal_verify');
is($value->('SELECT count(*) FROM wallet_check()'), 0, 'wallet_check');
ok(!eval { $dbh->do('SELECT * FROM wallet_get(?)', {}, 'c0000000-0000-0000-0000-000000000001'); 1 }, 'an unknown wallet');
is($dbh->state, 'WL001', 'is an error here too');

my $health = $dbh->selectrow_hashref('SELECT * FROM wallet_health()');
is($health->{status}, 'standby', 'wallet_health says where it is');
is($health->{slot_lag_bytes}, undef, 'and not how far the slot is behind');
is($health->{ledger_last_at}, $primary->sql('SELECT ledger_last_at FROM wallet_health()'), 'but when the last movement was');
is($health->{expired_holds}, 0, 'and counts holds');

for my $call ("wallet_create('carol')", "wallet_fund('$ALICE', 1)", "wallet_withdraw('$ALICE', 1)",
    "wallet_transfer('$ALICE', '$BOB', 1)", "wallet_lock(ARRAY['$ALICE']::uuid[])", "wallet_hold('$ALICE', 1)",
    "wallet_capture('$paid')", "wallet_release('$paid')", 'wallet_expire_holds()', "wallet_reverse('$paid')",
    "wallet_reverse_force('$paid')", "wallet_post(ARRAY[('$ALICE', '$BOB', 1)]::wallet_leg[])",
    "wallet_transfer_batch('{}', '{}', '{}')", "wallet_freeze('$ALICE')", "wallet_unfreeze('$ALICE')",
    "wallet_close('$ALICE')", "wallet_set_limits('$ALICE', 1)")
{
    ok(!eval { $dbh->do("SELECT $call"); 1 }, "$call is refused");
    is($dbh->state, '25006', 'as any write is');
}
$dbh->disconnect;
$standby->signal('INT');
is($standby->wait_exit(60), 0, 'the standby stops');
done_testing;
