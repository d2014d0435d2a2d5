-- wallet_post: one operation of many legs, all or nothing; each argument, each error, replays.
\getenv abs_srcdir PG_ABS_SRCDIR
\set helper :abs_srcdir '/sql/helpers/failure.sql'
\i :helper

\pset format unaligned
\set alice '''a0000000-0000-0000-0000-000000000001'''
\set bob '''b0000000-0000-0000-0000-000000000001'''
\set carol '''ca000000-0000-0000-0000-000000000001'''
SELECT wallet_create('alice', 'USD', :alice), wallet_create('bob', 'USD', :bob), wallet_create('carol', 'USD', :carol);
SELECT keep('fund', wallet_fund(:alice, 100, 'fund'));
-- A leg by the first letters of its wallets: a, b, ca ...; x is NULL, 0 nil, n nobody.
CREATE FUNCTION leg(payer text, payee text, amount numeric) RETURNS wallet_leg LANGUAGE sql AS $$
    SELECT ROW(rpad($1, 8, '0') || '-0000-0000-0000-000000000001', rpad($2, 8, '0') || '-0000-0000-0000-000000000001', $3)::wallet_leg
$$;

-- Each leg sees the earlier ones; one id, one time, one leg a row; each wallet's row is written once.
BEGIN;
CREATE TEMPORARY TABLE written AS SELECT n_tup_upd FROM pg_stat_xact_user_tables WHERE relname = 'wallets';
SELECT keep('post', wallet_post(legs => ARRAY[leg('a', 'b', 60), leg('b', 'ca', 50), leg('ca', 'a', 0.0001), leg('b', 'ca', 10)],
    idempotency_key => 'post', expected_version => 1, metadata => '{"order": 7}'));
SELECT s.n_tup_upd - written.n_tup_upd AS updates FROM pg_stat_xact_user_tables s, written WHERE relname = 'wallets';
COMMIT;
SELECT leg, kind, from_user_id, from_version, from_balance, to_user_id, to_version, to_balance, amount, idempotency_key, operation, metadata
FROM wallet_ledger WHERE transaction_id = id('post') ORDER BY leg;
SELECT count(DISTINCT created_at) AS times, count(*) AS entries FROM wallet_receipt(id('post'));
SELECT type, user_id, version, amount FROM wallet_receipt(id('post'));
SELECT user_id, balance, version FROM wallets ORDER BY id;

-- NULL, malformed, amount, same wallet: of all legs, before the next rule.
SELECT failure('wallet_post(' || arguments || ')')
FROM (VALUES ($$NULL, ''$$), ($$'{}', ''$$), ($$ARRAY[]::wallet_leg[]$$), ($$ARRAY[leg('0', 'b', 0), NULL]$$),
             ($$ARRAY[leg('0', 'b', 0), leg(NULL, 'b', 1)]$$), ($$ARRAY[leg('0', 'b', 0), leg('a', NULL, 1)]$$), ($$ARRAY[leg('0', 'b', 0), leg('a', 'b', NULL)]$$),
             ($$ARRAY[ROW(NULL, NULL, NULL)::wallet_leg]$$),
             ($$ARRAY[leg('a', 'b', 0), ROW('00000000-0000-0000-0000-000000000000', 'b0000000-0000-0000-0000-000000000001', 1)::wallet_leg]$$),
             ($$ARRAY[leg('a', 'b', 0), ROW('b0000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000000', 1)::wallet_leg]$$),
             ($$ARRAY[leg('a', 'b', 0)], ''$$), ($$ARRAY[leg('a', 'b', 0)], NULL, -1$$), ($$ARRAY[leg('a', 'b', 0)], NULL, NULL, '7'$$),
             ($$ARRAY[leg('a', 'a', 1), leg('a', 'b', 0)]$$), ($$ARRAY[leg('a', 'b', 'NaN')]$$), ($$ARRAY[leg('a', 'b', 1), leg('a', 'b', 0.00001)]$$),
             ($$ARRAY[leg('d', 'b', 1), leg('b', 'b', 1)], 'post'$$)) AS request (arguments);
SET wallet.max_batch_items = 2;
SELECT failure($$wallet_post(ARRAY[leg('a', 'b', 1), leg('a', 'b', 1), NULL])$$), keep('most', wallet_post(ARRAY[leg('a', 'b', 1), leg('b', 'a', 1)]));
RESET wallet.max_batch_items;
-- Key, wallets, the first payer's version, states, currency: of all legs; then funds and limits, a leg after the other.
SELECT wallet_create('closed', 'EUR', 'c0000000-0000-0000-0000-000000000001'), wallet_create('frozen', 'EUR', 'f0000000-0000-0000-0000-000000000001'),
       wallet_create('eve', 'EUR', 'e0000000-0000-0000-0000-000000000001'), wallet_create('full', 'USD', 'aa000000-0000-0000-0000-000000000001');
SELECT keep('close', wallet_close('c0000000-0000-0000-0000-000000000001')), keep('freeze', wallet_freeze('f0000000-0000-0000-0000-000000000001')),
       keep('limit', wallet_set_limits('aa000000-0000-0000-0000-000000000001', max_balance => 5));
SELECT failure('wallet_post(' || arguments || ')')
FROM (VALUES ($$ARRAY[leg('a', 'd', 99)], 'fund'$$), ($$ARRAY[leg('b', 'a', 99), leg('a', 'd', 1)]$$), ($$ARRAY[leg('a', 'b', 99), leg('d', 'c', 1)]$$),
             ($$ARRAY[leg('b', 'c', 99), leg('a', 'b', 1)], NULL, 0$$), ($$ARRAY[leg('b', 'a', 99), leg('c', 'f', 1)]$$), ($$ARRAY[leg('b', 'a', 99), leg('f', 'c', 1)]$$),
             ($$ARRAY[leg('b', 'a', 99), leg('a', 'e', 1)]$$), ($$ARRAY[leg('a', 'b', 1), leg('b', 'ca', 1.0001), leg('ca', 'b', 1)]$$),
             ($$ARRAY[leg('a', 'aa', 4), leg('aa', 'a', 1), leg('a', 'aa', 2.0001)]$$), ($$ARRAY[leg('a', 'aa', 5.0001), leg('aa', 'a', 1)]$$)) AS request (arguments);
SELECT failure('wallet_post(' || arguments || ')')
FROM (VALUES ($$ARRAY[leg('a', 'b', 1), leg('d', 'b', 1)], NULL, 77$$), ($$ARRAY[leg('a', 'f', 1), leg('d', 'b', 1)]$$),
             ($$ARRAY[leg('a', 'f', 1), leg('a', 'b', 1)], NULL, 77$$), ($$ARRAY[leg('a', 'e', 1), leg('a', 'f', 1)]$$)) AS request (arguments);
SELECT keep('within', wallet_post(ARRAY[leg('a', 'aa', 4), leg('aa', 'a', 1), leg('a', 'aa', 2)]));
-- A DETAIL has the index of a leg only where a leg is at fault, and no later call inherits it.
SELECT failure($$wallet_post(ARRAY[leg('a', 'b', 1), leg('b', 'ca', 99)])$$);
SELECT failure($$wallet_get('d0000000-0000-0000-0000-000000000001')$$);
SELECT failure($$wallet_post(ARRAY[leg('a', 'b', 1), leg('b', 'ca', 99)])$$);
DELETE FROM wallets;
SELECT failure($$wallet_post(ARRAY[leg('a', 'b', 1), leg('b', 'ca', 99)])$$);
SELECT failure($$wallet_receipt(NULL)$$);
-- The credit limit counts; several currencies, each within itself.
SELECT keep('credit', wallet_set_limits(:bob, 10)), keep('on credit', wallet_post(ARRAY[leg('b', 'ca', 10), leg('ca', 'a', 5)]));
SELECT wallet_create('ed', 'EUR', 'ee000000-0000-0000-0000-000000000001'), keep('fund e', wallet_fund('e0000000-0000-0000-0000-000000000001', 10)),
       keep('both', wallet_post(ARRAY[leg('a', 'ca', 1), leg('e', 'ee', 2)]));
SELECT leg, currency, amount FROM wallet_ledger WHERE transaction_id = id('both') ORDER BY leg;
SELECT user_id, balance, version FROM wallets ORDER BY id;

-- Replays, legs by value and in order; each field.
SELECT wallet_post(ARRAY[leg('a', 'b', 60.0), leg('b', 'ca', 50), leg('ca', 'a', 0.00010), leg('b', 'ca', 1e1)], 'post', 77, '{"order": 7.0}') = id('post') AS same;
SELECT keep('freeze a', wallet_freeze(:alice));
SELECT wallet_post(ARRAY[leg('a', 'b', 60), leg('b', 'ca', 50), leg('ca', 'a', 0.0001), leg('b', 'ca', 10)], 'post', metadata => '{"order": 7}') = id('post') AS same;
SELECT keep('unfreeze a', wallet_unfreeze(:alice));
SELECT keep('one', wallet_post(ARRAY[leg('a', 'b', 2)], 'one'));
SELECT failure(call)
FROM (VALUES ($$wallet_post(ARRAY[leg('a', 'b', 1)], 'fund')$$), ($$wallet_transfer('a0000000-0000-0000-0000-000000000001', 'b0000000-0000-0000-0000-000000000001', 2, 'one')$$),
             ($$wallet_post(ARRAY[leg('a', 'b', 3)], 'one', metadata => '{}')$$), ($$wallet_post(ARRAY[leg('b', 'a', 2)], 'one')$$),
             ($$wallet_post(ARRAY[leg('a', 'b', 1), leg('a', 'b', 1)], 'one')$$), ($$wallet_post(ARRAY[leg('d', 'b', 2)], 'one')$$),
             ($$wallet_post(ARRAY[leg('a', 'b', 2)], 'one', metadata => '{}')$$)) AS request (call);
-- Keys of what failed and of what was rolled back are free.
SELECT failure($$wallet_post(ARRAY[leg('a', 'b', 1), leg('a', 'b', 9999)], 'free')$$) LIKE 'WL002%' AS refused;
BEGIN;
SAVEPOINT before;
SELECT wallet_post(ARRAY[leg('a', 'b', 1)], 'free') IS NOT NULL AS posted;
ROLLBACK TO before;
SELECT keep('free', wallet_post(ARRAY[leg('a', 'b', 2), leg('b', 'a', 1)], 'free')), wallet_post(ARRAY[leg('a', 'b', 2), leg('b', 'a', 1)], 'free') = id('free') AS same;
COMMIT;
SELECT count(DISTINCT id) FROM (SELECT wallet_post(ARRAY[leg('a', 'b', 0.1), leg('b', 'ca', 0.1)]) AS id FROM generate_series(1, 3)) AS calls;
SELECT wallet_post(ARRAY[leg('a', 'b', 1)], 'twice') = wallet_post(ARRAY[leg('a', 'b', 1)], 'twice') AS same;
BEGIN READ ONLY;
SELECT wallet_post(NULL);
ROLLBACK;
-- A thousand legs.
SELECT keep('thousand', wallet_post(array_agg(leg('a', CASE n % 2 WHEN 0 THEN 'b' ELSE 'ca' END, 0.0001)))) FROM generate_series(1, 1000) AS n;
SELECT count(*), max(leg), min(from_balance) FROM wallet_ledger WHERE transaction_id = id('thousand');

SELECT user_id, balance, version FROM wallets ORDER BY id;
SELECT * FROM wallet_check();
SELECT currency, difference FROM wallet_totals();
