-- wallet_set_limits: how far down and up a balance may go; each argument, each error, replays.
\getenv abs_srcdir PG_ABS_SRCDIR
\set helper :abs_srcdir '/sql/helpers/failure.sql'
\i :helper

\pset format unaligned
\set alice '''a0000000-0000-0000-0000-000000000001'''
\set bob '''b0000000-0000-0000-0000-000000000001'''
SELECT wallet_create('alice', 'USD', :alice), wallet_create('bob', 'USD', :bob);
SELECT keep('fund', wallet_fund(:alice, 10, 'fund'));

-- A version with amount 0 whose entry states both limits as they are then.
SELECT keep('both', wallet_set_limits(wallet_id => :alice, credit_limit => 50.25, max_balance => 100, idempotency_key => 'both', expected_version => 1, metadata => '{"by": "desk"}'));
SELECT credit_limit, max_balance, balance, available, version FROM wallet_get(:alice);
-- NULL: each as it is, but one is to be given. Infinity: no maximum.
SELECT keep('raise', wallet_set_limits(:alice, 50)), keep('same', wallet_set_limits(:alice, max_balance => 100)), keep('lift', wallet_set_limits(:alice, max_balance => 'inf'));
SELECT keep('again', wallet_set_limits(:alice, 49, 'Infinity', 'lift')), keep('max', wallet_set_limits(:alice, max_balance => 0)), keep('zero', wallet_set_limits(:alice, 0, 20.0001));
SELECT kept.name, leg, kind, from_wallet_id, to_version, to_balance, amount, credit_limit, max_balance, max_balance_given, requested_amount, idempotency_key, operation, metadata
FROM wallet_ledger JOIN kept ON id = transaction_id WHERE kind = 'LIMITS' ORDER BY transaction_id;
SELECT type, amount, balance_after FROM wallet_receipt(id('both'));
SELECT credit_limit, max_balance, available, version FROM wallet_get(:alice);

-- NULL, malformed, amounts.
SELECT failure('wallet_set_limits(' || arguments || ')')
FROM (VALUES ($$NULL, -1, -1, ''$$), ($$'00000000-0000-0000-0000-000000000000', -1$$), ($$'a0000000-0000-0000-0000-000000000001', -1, idempotency_key => ''$$),
             ($$'a0000000-0000-0000-0000-000000000001', -1, expected_version => -1$$), ($$'a0000000-0000-0000-0000-000000000001', -1, metadata => '7'$$),
             ($$'a0000000-0000-0000-0000-000000000001', -0.0001, -1$$), ($$'a0000000-0000-0000-0000-000000000001', 0, -0.0001$$),
             ($$'a0000000-0000-0000-0000-000000000001'$$), ($$'a0000000-0000-0000-0000-000000000001', NULL, NULL, ''$$),
             ($$'a0000000-0000-0000-0000-000000000001', 'NaN'$$), ($$'a0000000-0000-0000-0000-000000000001', 'Infinity'$$), ($$'a0000000-0000-0000-0000-000000000001', 1, '-Infinity'$$),
             ($$'a0000000-0000-0000-0000-000000000001', 0.00001$$), ($$'a0000000-0000-0000-0000-000000000001', 1, 1000000000000000$$),
             ($$'d0000000-0000-0000-0000-000000000001', 1, 1, 'fund'$$), ($$'d0000000-0000-0000-0000-000000000001', 1, 1, NULL, 77$$),
             ($$'a0000000-0000-0000-0000-000000000001', 1, 1, NULL, 77$$)) AS request (arguments);

-- The hint is about a limit, which may be 0.
SELECT wallet_set_limits(:alice, -1);
-- Up to the maximum and no further, by every way in.
SELECT failure($$wallet_fund('a0000000-0000-0000-0000-000000000001', 10.0002)$$), keep('full', wallet_fund(:alice, 10.0001)), failure($$wallet_fund('a0000000-0000-0000-0000-000000000001', 0.0001)$$);
SELECT keep('out', wallet_transfer(:alice, :bob, 5)), failure($$wallet_transfer('b0000000-0000-0000-0000-000000000001', 'a0000000-0000-0000-0000-000000000001', 5.0001)$$) = 'WL002',
       keep('fund b', wallet_fund(:bob, 100)), failure($$wallet_transfer('b0000000-0000-0000-0000-000000000001', 'a0000000-0000-0000-0000-000000000001', 5.0001)$$);
SELECT keep('hold b', wallet_hold(:bob, 10)), failure($$wallet_capture(id('hold b'), 'a0000000-0000-0000-0000-000000000001')$$);
SELECT keep('fill', wallet_transfer(:bob, :alice, 5)), failure($$wallet_reverse(id('out'), 0.0001)$$);
-- Lowering below what is there is allowed, and blocks what comes later, not what goes out.
SELECT keep('lower', wallet_set_limits(:alice, max_balance => 1)), failure($$wallet_fund('a0000000-0000-0000-0000-000000000001', 0.0001)$$), keep('spend', wallet_withdraw(:alice, 0.0001));
SELECT balance, max_balance FROM wallet_get(:alice);
-- On credit down to the limit and no further; not for holds.
SELECT keep('credit', wallet_set_limits(:alice, 30)), failure($$wallet_withdraw('a0000000-0000-0000-0000-000000000001', 50.0001)$$), failure($$wallet_hold('a0000000-0000-0000-0000-000000000001', 20.0001)$$);
SELECT keep('red', wallet_withdraw(:alice, 50));
SELECT balance, available FROM wallet_get(:alice);
-- Lowered under the debt: nothing goes out, and what comes in goes towards it.
SELECT keep('no credit', wallet_set_limits(:alice, 0));
SELECT failure($$wallet_withdraw('a0000000-0000-0000-0000-000000000001', 0.0001)$$), keep('pay off', wallet_fund(:alice, 29)), failure($$wallet_withdraw('a0000000-0000-0000-0000-000000000001', 0.0001)$$);
SELECT balance, available, version FROM wallet_get(:alice);
-- The largest of all: what is available has more digits than a balance.
SELECT wallet_create('max', 'USD', 'aa000000-0000-0000-0000-000000000001');
SELECT keep('most', wallet_set_limits('aa000000-0000-0000-0000-000000000001', 999999999999999.9999, 999999999999999.9999)), keep('all', wallet_fund('aa000000-0000-0000-0000-000000000001', 999999999999999.9999));
SELECT balance, credit_limit, max_balance, available FROM wallet_get('aa000000-0000-0000-0000-000000000001');
SELECT balance, available FROM wallet_list('max');
SELECT keep('down', wallet_withdraw('aa000000-0000-0000-0000-000000000001', 999999999999999.9999)), keep('under', wallet_withdraw('aa000000-0000-0000-0000-000000000001', 999999999999999.9999)),
       failure($$wallet_withdraw('aa000000-0000-0000-0000-000000000001', 0.0001)$$);
SELECT balance, available FROM wallet_get('aa000000-0000-0000-0000-000000000001');
SELECT keep('back', wallet_fund('aa000000-0000-0000-0000-000000000001', 999999999999999.9999)), keep('and up', wallet_fund('aa000000-0000-0000-0000-000000000001', 1));

-- Also on a frozen wallet, never on a closed one.
SELECT keep('freeze', wallet_freeze(:bob)), keep('frozen', wallet_set_limits(:bob, 1)), keep('unfreeze', wallet_unfreeze(:bob));
SELECT to_status, credit_limit FROM wallet_ledger WHERE transaction_id = id('frozen');
SELECT wallet_create('gone', 'USD', 'c0000000-0000-0000-0000-000000000001'), keep('close', wallet_close('c0000000-0000-0000-0000-000000000001')), failure($$wallet_set_limits('c0000000-0000-0000-0000-000000000001', 1)$$);

-- Replays, by value; each field. NULL isn't the same as the limit it left.
SELECT wallet_set_limits(:alice, 50.2500, 1e2, 'both', 77, '{"by": "desk"}') = id('both') AS same;
SELECT keep('unset', wallet_set_limits(:alice, max_balance => 'Infinity', idempotency_key => 'unset')), wallet_set_limits(:alice, max_balance => '+inf', idempotency_key => 'unset') = id('unset') AS same;
SELECT failure('wallet_set_limits(' || arguments || ')')
FROM (VALUES ($$'a0000000-0000-0000-0000-000000000001', 10, idempotency_key => 'fund'$$), ($$'b0000000-0000-0000-0000-000000000001', 1, 1, 'both'$$),
             ($$'a0000000-0000-0000-0000-000000000001', 1, 1, 'both'$$), ($$'a0000000-0000-0000-0000-000000000001', NULL, 1, 'both'$$),
             ($$'a0000000-0000-0000-0000-000000000001', 50.25, 1, 'both'$$), ($$'a0000000-0000-0000-0000-000000000001', 50.25, NULL, 'both'$$),
             ($$'a0000000-0000-0000-0000-000000000001', 50.25, 100, 'both'$$), ($$'a0000000-0000-0000-0000-000000000001', 0, idempotency_key => 'unset'$$),
             ($$'a0000000-0000-0000-0000-000000000001', NULL, 0, 'unset'$$)) AS request (arguments);
-- Keys of what failed and of what was rolled back are free.
SELECT failure($$wallet_set_limits('a0000000-0000-0000-0000-000000000001', 1, NULL, 'free', 77)$$) LIKE 'WL004%' AS refused;
BEGIN;
SAVEPOINT before;
SELECT wallet_set_limits(:alice, 1, NULL, 'free') IS NOT NULL AS done;
ROLLBACK TO before;
SELECT credit_limit FROM wallets WHERE id = :alice;
SELECT keep('free', wallet_set_limits(:alice, 2, NULL, 'free')), wallet_set_limits(:alice, 2, NULL, 'free') = id('free') AS same;
COMMIT;
SELECT count(DISTINCT id) FROM (SELECT wallet_set_limits(:alice, n) AS id FROM generate_series(3, 5) AS n) AS calls;
BEGIN READ ONLY;
SELECT wallet_set_limits(NULL);
ROLLBACK;

SELECT user_id, balance, held, credit_limit, max_balance, status, version FROM wallets ORDER BY id;
SELECT * FROM wallet_check();
SELECT currency, difference FROM wallet_totals();
