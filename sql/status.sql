-- wallet_freeze, wallet_unfreeze, wallet_close: what a wallet may do; each argument, each error, replays.
\getenv abs_srcdir PG_ABS_SRCDIR
\set helper :abs_srcdir '/sql/helpers/failure.sql'
\i :helper

\pset format unaligned
\set alice '''a0000000-0000-0000-0000-000000000001'''
\set bob '''b0000000-0000-0000-0000-000000000001'''
\set carol '''c0000000-0000-0000-0000-000000000001'''
SELECT wallet_create('alice', 'USD', :alice), wallet_create('bob', 'USD', :bob), wallet_create('carol', 'USD', :carol);
SELECT keep('fund', wallet_fund(:alice, 100, 'fund')), keep('pay', wallet_transfer(:alice, :bob, 20)), keep('pay back', wallet_transfer(:bob, :alice, 5)),
       keep('hold', wallet_hold(:alice, 10)), keep('hold 2', wallet_hold(:alice, 10)), keep('hold b', wallet_hold(:bob, 1));

-- A version each, amount 0, the state in the entry.
SELECT keep('freeze', wallet_freeze(wallet_id => :alice, idempotency_key => 'freeze', expected_version => 5, metadata => '{"reason": "lost card"}'));
SELECT leg, kind, from_wallet_id, to_wallet_id, to_version, to_balance, to_held, to_status, to_user_id, amount, currency, idempotency_key, operation, credit_limit, max_balance, metadata
FROM wallet_ledger WHERE transaction_id = id('freeze');
SELECT type, amount, balance_after, held_after, status_after FROM wallet_receipt(id('freeze'));
SELECT status, version, balance, held, available FROM wallet_get(:alice);
-- Frozen: nothing moves, either way ...
SELECT failure(call)
FROM (VALUES ($$wallet_fund('a0000000-0000-0000-0000-000000000001', 1)$$), ($$wallet_withdraw('a0000000-0000-0000-0000-000000000001', 1)$$),
             ($$wallet_transfer('a0000000-0000-0000-0000-000000000001', 'b0000000-0000-0000-0000-000000000001', 1)$$),
             ($$wallet_transfer('b0000000-0000-0000-0000-000000000001', 'a0000000-0000-0000-0000-000000000001', 1)$$),
             ($$wallet_hold('a0000000-0000-0000-0000-000000000001', 1)$$), ($$wallet_capture(id('hold'))$$),
             ($$wallet_capture(id('hold b'), 'a0000000-0000-0000-0000-000000000001')$$),
             ($$wallet_post(ARRAY[('b0000000-0000-0000-0000-000000000001', 'a0000000-0000-0000-0000-000000000001', 1)]::wallet_leg[])$$),
             ($$wallet_reverse(id('pay back'))$$), ($$wallet_reverse_force(id('fund'), 1)$$),
             ($$wallet_freeze('a0000000-0000-0000-0000-000000000001')$$)) AS request (call);
-- ... but releases, reversals to it, limits and unfreezing.
SELECT keep('release', wallet_release(id('hold'))), keep('reverse', wallet_reverse(id('pay'), 2)), keep('limits', wallet_set_limits(:alice, 5));
SELECT type, status_after FROM wallet_transactions WHERE wallet_id = :alice ORDER BY version DESC LIMIT 4;
SELECT keep('unfreeze', wallet_unfreeze(:alice, 'unfreeze', 9, '{"reason": "found"}'));
SELECT to_status, to_version, amount, operation, metadata FROM wallet_ledger WHERE transaction_id = id('unfreeze');
SELECT keep('withdraw', wallet_withdraw(:alice, 1)), failure($$wallet_unfreeze('a0000000-0000-0000-0000-000000000001')$$);

-- Closed: for ever, and only when nothing is in it.
SELECT failure($$wallet_close('a0000000-0000-0000-0000-000000000001')$$);
SELECT keep('empty', wallet_withdraw(:alice, 76)), failure($$wallet_close('a0000000-0000-0000-0000-000000000001')$$);
SELECT keep('red', wallet_transfer(:alice, :bob, 5)), failure($$wallet_close('a0000000-0000-0000-0000-000000000001')$$);
SELECT keep('captured', wallet_capture(id('hold 2'), amount => 4));
SELECT balance, held FROM wallet_get(:alice);
SELECT keep('rest', wallet_withdraw(:alice, 1)), failure($$wallet_close('a0000000-0000-0000-0000-000000000001', expected_version => 0)$$);
SELECT keep('freeze again', wallet_freeze(:alice)), keep('close', wallet_close(:alice, 'close', metadata => '{"reason": "moved"}'));
SELECT to_status, to_balance, to_held, amount, operation, metadata FROM wallet_ledger WHERE transaction_id = id('close');
SELECT status, balance, held, available FROM wallet_get(:alice);
SELECT keep('pay c', wallet_transfer(:bob, :carol, 1)), keep('pay c back', wallet_transfer(:carol, :bob, 1)), keep('close c', wallet_close(:carol));
SELECT failure(call)
FROM (VALUES ($$wallet_fund('a0000000-0000-0000-0000-000000000001', 1)$$), ($$wallet_withdraw('a0000000-0000-0000-0000-000000000001', 1)$$),
             ($$wallet_transfer('a0000000-0000-0000-0000-000000000001', 'b0000000-0000-0000-0000-000000000001', 1)$$),
             ($$wallet_transfer('b0000000-0000-0000-0000-000000000001', 'a0000000-0000-0000-0000-000000000001', 1)$$),
             ($$wallet_hold('a0000000-0000-0000-0000-000000000001', 1)$$), ($$wallet_capture(id('hold 2'))$$), ($$wallet_release(id('hold 2'))$$),
             ($$wallet_capture(id('hold b'), 'a0000000-0000-0000-0000-000000000001')$$),
             ($$wallet_reverse(id('pay'), 1)$$), ($$wallet_reverse_force(id('pay c'))$$), ($$wallet_reverse(id('pay c back'))$$),
             ($$wallet_freeze('a0000000-0000-0000-0000-000000000001')$$), ($$wallet_unfreeze('a0000000-0000-0000-0000-000000000001')$$),
             ($$wallet_close('a0000000-0000-0000-0000-000000000001')$$), ($$wallet_set_limits('a0000000-0000-0000-0000-000000000001', 0)$$)) AS request (call);

-- The same of each of the three: NULL, malformed, key, wallet, version.
SELECT function, failure(function || '(' || arguments || ')')
FROM unnest('{wallet_freeze,wallet_unfreeze,wallet_close}'::text[]) AS function,
     (VALUES (1, $$NULL, ''$$), (2, $$'00000000-0000-0000-0000-000000000000', ''$$), (3, $$'d0000000-0000-0000-0000-000000000001', ''$$),
             (4, $$'d0000000-0000-0000-0000-000000000001', NULL, -1$$), (5, $$'d0000000-0000-0000-0000-000000000001', NULL, NULL, '[]'$$),
             (6, $$'d0000000-0000-0000-0000-000000000001', 'fund', 99$$), (7, $$'d0000000-0000-0000-0000-000000000001', NULL, 99$$),
             (8, $$'a0000000-0000-0000-0000-000000000001', NULL, 99$$)) AS request (n, arguments) ORDER BY function, n;
-- Replays, before any state; each function is another request.
SELECT wallet_freeze(:alice, 'freeze', 77, '{"reason": "lost card"}') = id('freeze') AS same, wallet_unfreeze(:alice, 'unfreeze', metadata => '{"reason": "found"}') = id('unfreeze') AS same,
       wallet_close(:alice, 'close', metadata => '{"reason": "moved"}') = id('close') AS same;
SELECT failure(call)
FROM (VALUES ($$wallet_unfreeze('a0000000-0000-0000-0000-000000000001', 'freeze')$$), ($$wallet_close('a0000000-0000-0000-0000-000000000001', 'freeze')$$),
             ($$wallet_freeze('a0000000-0000-0000-0000-000000000001', 'unfreeze')$$), ($$wallet_set_limits('a0000000-0000-0000-0000-000000000001', 1, idempotency_key => 'close')$$),
             ($$wallet_freeze('b0000000-0000-0000-0000-000000000001', 'freeze')$$), ($$wallet_freeze('a0000000-0000-0000-0000-000000000001', 'freeze')$$)) AS request (call);
-- Keys of what failed and of what was rolled back are free.
SELECT failure($$wallet_unfreeze('b0000000-0000-0000-0000-000000000001', 'free')$$);
BEGIN;
SAVEPOINT before;
SELECT wallet_freeze(:bob, 'free') IS NOT NULL AS frozen;
ROLLBACK TO before;
SELECT status FROM wallets WHERE id = :bob;
SELECT keep('free', wallet_freeze(:bob, 'free')), wallet_freeze(:bob, 'free') = id('free') AS same;
COMMIT;
SELECT wallet_unfreeze(:bob) IS NOT NULL AS there, wallet_freeze(:bob) IS NOT NULL AS and_back;
SELECT wallet_unfreeze(:bob, 'twice') = wallet_unfreeze(:bob, 'twice') AS same;
BEGIN READ ONLY;
SAVEPOINT before;
SELECT wallet_freeze(NULL);
ROLLBACK TO before;
SELECT wallet_unfreeze(NULL);
ROLLBACK TO before;
SELECT wallet_close(NULL);
ROLLBACK;

SELECT user_id, balance, held, status, version FROM wallets ORDER BY id;
SELECT * FROM wallet_check();
SELECT currency, difference FROM wallet_totals();
