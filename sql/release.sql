-- wallet_release: the rest of a hold given back; each argument, each error, replays.
\getenv abs_srcdir PG_ABS_SRCDIR
\set helper :abs_srcdir '/sql/helpers/failure.sql'
\i :helper

\pset format unaligned
\set alice '''a0000000-0000-0000-0000-000000000001'''
SELECT wallet_create('alice', 'USD', :alice);
SELECT keep('fund', wallet_fund(:alice, 100, 'fund'));
SELECT keep('whole', wallet_hold(:alice, 10)), keep('part', wallet_hold(:alice, 20)), keep('named', wallet_hold(:alice, 30, '7 days', 'hold'));

-- The whole and what a capture left.
SELECT keep('captured', wallet_capture(id('part'), amount => 5, final => false));
SELECT keep('release whole', wallet_release(id('whole'))), keep('release part', wallet_release(id('part')));
SELECT keep('release named', wallet_release(hold_id => id('named'), idempotency_key => 'release', expected_version => 7, metadata => '{"order": 7}'));
SELECT kept.name, leg, kind, from_user_id, to_user_id, to_version, to_balance, to_held, amount, idempotency_key, operation, held.name AS hold, metadata
FROM wallet_ledger JOIN kept ON id = transaction_id JOIN kept AS held ON held.id = hold_id WHERE kind = 'RELEASE' ORDER BY transaction_id;
SELECT type, amount, balance_after, held_after FROM wallet_receipt(id('release part'));
SELECT name, amount, captured, released, status FROM wallet_holds JOIN kept ON id = hold_id ORDER BY hold_id;
SELECT balance, held, available, version FROM wallet_get(:alice);

-- NULL, malformed, key, hold, version, hold's state.
SELECT keep('open', wallet_hold(:alice, 10));
SELECT failure('wallet_release(' || arguments || ')')
FROM (VALUES ($$NULL, ''$$), ($$'00000000-0000-0000-0000-000000000000'$$), ($$id('open'), ''$$), ($$id('open'), NULL, -1$$),
             ($$id('open'), NULL, NULL, '[]'$$),
             ($$'d0000000-0000-7000-8000-000000000001', 'fund'$$), ($$'d0000000-0000-7000-8000-000000000001', NULL, 77$$), ($$id('fund')$$),
             ($$id('open'), NULL, 8$$), ($$id('part'), NULL, 8$$), ($$id('part')$$), ($$id('named')$$)) AS request (arguments);
SELECT failure($$wallet_capture(id('named'))$$), keep('done', wallet_capture(id('open'))), failure($$wallet_release(id('open'))$$);
-- Also on a frozen wallet.
SELECT keep('cold', wallet_hold(:alice, 10)), keep('freeze', wallet_freeze(:alice));
SELECT keep('release cold', wallet_release(id('cold'))), status, held FROM wallets;
SELECT to_status, to_held FROM wallet_ledger WHERE transaction_id = id('release cold');

-- Replays; each field, in the order in which they are compared.
SELECT wallet_release(id('named'), 'release', 99, '{"order": 7.0}') = id('release named') AS same;
SELECT failure('wallet_release(' || arguments || ')')
FROM (VALUES ($$id('named'), 'fund'$$), ($$id('named'), 'hold'$$), ($$id('whole'), 'release'$$), ($$id('named'), 'release'$$)) AS request (arguments);
SELECT keep('unfreeze', wallet_unfreeze(:alice));
-- A capture's own RELEASE is the capture's.
SELECT keep('rest', wallet_hold(:alice, 10)), keep('capture', wallet_capture(id('rest'), amount => 4, idempotency_key => 'capture'));
SELECT failure($$wallet_release(id('rest'), 'capture')$$), failure($$wallet_release(id('rest'))$$);

-- Keys of what failed and of what was rolled back are free.
SELECT keep('again', wallet_hold(:alice, 10));
SELECT failure($$wallet_release(id('whole'), 'free')$$);
BEGIN;
SAVEPOINT before;
SELECT wallet_release(id('again'), 'free') IS NOT NULL AS released;
ROLLBACK TO before;
SELECT held FROM wallets;
SELECT keep('free', wallet_release(id('again'), 'free'));
SELECT wallet_release(id('again'), 'free') = id('free') AS same;
COMMIT;
SELECT wallet_release(wallet_hold(:alice, 1)) IS NOT NULL AS there_and_back;
SELECT count(wallet_release(hold_id)) FROM (SELECT wallet_hold(:alice, 1) AS hold_id FROM generate_series(1, 3) OFFSET 0) AS held;
SELECT keep('one', wallet_hold(:alice, 1));
SELECT wallet_release(id('one'), 'twice') = wallet_release(id('one'), 'twice') AS same;
BEGIN READ ONLY;
SELECT wallet_release(NULL);
ROLLBACK;

SELECT balance, held, version FROM wallets;
SELECT * FROM wallet_check();
SELECT currency, difference FROM wallet_totals();
