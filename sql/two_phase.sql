-- A prepared transaction keeps its rows, keys and locks until it is committed or rolled back.
\set alice '''a0000000-0000-0000-0000-000000000001'''
\set bob '''b0000000-0000-0000-0000-000000000001'''
SELECT wallet_create('alice', 'USD', :alice), wallet_create('bob', 'USD', :bob);
SELECT wallet_fund(:alice, 100) IS NOT NULL AS funded;
BEGIN;
SELECT wallet_transfer(:alice, :bob, 30, 'prepared') AS id \gset
SELECT wallet_create('carol', 'USD', 'c0000000-0000-0000-0000-000000000001', 'prepared carol');
SELECT wallet_lock(ARRAY[:alice]::uuid[]);
PREPARE TRANSACTION 'regress_two_phase';
SELECT user_id, balance, version FROM wallets ORDER BY id;
SELECT count(*) FROM wallet_transactions WHERE type LIKE 'TRANSFER%';

-- Its wallets and its keys are waited for.
SET lock_timeout = '10ms';
\set VERBOSITY terse
SELECT wallet_fund(:alice, 1);
SELECT wallet_transfer(:bob, :alice, 1);
SELECT wallet_lock(ARRAY[:bob]::uuid[]);
SELECT wallet_transfer(:alice, :bob, 30, 'prepared');
SELECT wallet_create('carol', 'USD', 'c0000000-0000-0000-0000-000000000001', 'prepared carol');
SELECT wallet_create('carol', 'USD', 'c0000000-0000-0000-0000-000000000001');
RESET lock_timeout;
COMMIT PREPARED 'regress_two_phase';
SELECT user_id, balance, version FROM wallets ORDER BY id;
SELECT wallet_transfer(:alice, :bob, 30, 'prepared') = :'id' AS same;

BEGIN;
SELECT wallet_withdraw(:alice, 70, 'taken back') IS NOT NULL AS withdrawn;
PREPARE TRANSACTION 'regress_two_phase';
ROLLBACK PREPARED 'regress_two_phase';
SELECT wallet_withdraw(:alice, 60, 'taken back') IS NOT NULL AS withdrawn;
SELECT user_id, balance, version FROM wallets ORDER BY id;
SELECT count(*) AS locks FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database());
SELECT count(*) AS divergences FROM wallet_check();
