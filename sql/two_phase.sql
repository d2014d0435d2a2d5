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
-- Holds, captures, reversals, batches, posts and states as well.
BEGIN;
SELECT wallet_fund(:alice, 100) AS fund, wallet_hold(:alice, 40, idempotency_key => 'hold') AS hold \gset
SELECT wallet_capture(:'hold', :bob, 10, false, 'capture') AS capture \gset
SELECT wallet_reverse(:'fund', 5, 'reverse') AS reverse, wallet_post(ARRAY[(:alice, :bob, 2)]::wallet_leg[], 'post') AS post, wallet_freeze(:bob, 'freeze') AS freeze \gset
SELECT sqlstate FROM wallet_transfer_batch(ARRAY[:alice]::uuid[], ARRAY['c0000000-0000-0000-0000-000000000001']::uuid[], '{1}', '{batch}');
PREPARE TRANSACTION 'regress_two_phase';
SET lock_timeout = '10ms';
SELECT wallet_hold(:alice, 1);
SELECT wallet_hold(:alice, 40, idempotency_key => 'hold');
SELECT * FROM wallet_transfer_batch(ARRAY[:alice]::uuid[], ARRAY[:bob]::uuid[], '{1}', atomic => false);
SELECT * FROM wallet_transfer_batch(ARRAY['c0000000-0000-0000-0000-000000000001']::uuid[], ARRAY['c0000000-0000-0000-0000-000000000002']::uuid[], '{1}', '{post}', false);
SELECT wallet_unfreeze(:bob);
SELECT wallet_expire_holds();
RESET lock_timeout;
COMMIT PREPARED 'regress_two_phase';
SELECT wallet_hold(:alice, 40, idempotency_key => 'hold') = :'hold' AS hold, wallet_capture(:'hold', :bob, 10, false, 'capture') = :'capture' AS capture,
       wallet_reverse(:'fund', 5, 'reverse') = :'reverse' AS reverse, wallet_post(ARRAY[(:alice, :bob, 2)]::wallet_leg[], 'post') = :'post' AS post,
       wallet_freeze(:bob, 'freeze') = :'freeze' AS freeze;
BEGIN;
SELECT wallet_unfreeze(:bob) IS NOT NULL AS unfrozen, wallet_capture(:'hold', :bob, 30, true, 'back') IS NOT NULL AS captured;
PREPARE TRANSACTION 'regress_two_phase';
ROLLBACK PREPARED 'regress_two_phase';
SELECT wallet_release(:'hold', 'back') IS NOT NULL AS released;
SELECT amount, captured, released, status FROM wallet_holds;
SELECT user_id, balance, held, status, version FROM wallets ORDER BY id;
SELECT count(*) AS locks FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database());
SELECT count(*) AS divergences FROM wallet_check();
