-- Operations of several legs paid back: in proportion to what is left of each, largest remainder, ties in leg order.
\getenv abs_srcdir PG_ABS_SRCDIR
\set helper :abs_srcdir '/sql/helpers/failure.sql'
\i :helper

\pset format unaligned
\set alice '''a0000000-0000-0000-0000-000000000001'''
\set bob '''b0000000-0000-0000-0000-000000000001'''
\set carol '''c0000000-0000-0000-0000-000000000001'''
\set dave '''d0000000-0000-0000-0000-000000000001'''
SELECT wallet_create('alice', 'USD', :alice), wallet_create('bob', 'USD', :bob), wallet_create('carol', 'USD', :carol), wallet_create('dave', 'USD', :dave);
SELECT keep('fund', wallet_fund(:alice, 1000));
-- What was paid back of each leg by the newest reversal, and by all.
CREATE FUNCTION shares(text, text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s: %s of %s, in all %s', leg, coalesce(now, 0.0000), amount, coalesce(every, 0.0000)), ' | ' ORDER BY leg)
    FROM wallet_ledger AS original
    LEFT JOIN LATERAL (SELECT sum(r.amount) AS every, sum(r.amount) FILTER (WHERE r.transaction_id = id($2)) AS now FROM wallet_ledger r
                       WHERE r.reverses = original.transaction_id AND r.reverses_leg = original.leg) AS paid ON true
    WHERE transaction_id = id($1)
$$;

-- A sale with a fee: the amount is what the payer of the first leg gets back, the other legs follow.
SELECT keep('sale', wallet_post(ARRAY[(:alice, :bob, 20), (:bob, :dave, 0.60)]::wallet_leg[]));
SELECT keep('s', wallet_reverse(id('sale'), 10)), shares('sale', 's');
SELECT failure($$wallet_reverse(id('sale'), 10.0001)$$);
SELECT keep('s2', wallet_reverse(id('sale'))), shares('sale', 's2'), failure($$wallet_reverse(id('sale'))$$), failure($$wallet_reverse(id('sale'), 0.0001)$$);
-- Up to the same share in all, rounded half away from zero: roundings never add up, and the last step completes every leg.
SELECT keep('equal', wallet_post(ARRAY[(:alice, :bob, 1), (:alice, :carol, 1), (:alice, :dave, 1)]::wallet_leg[]));
SELECT keep('e1', wallet_reverse(id('equal'), 0.3333)), shares('equal', 'e1');
SELECT keep('e2', wallet_reverse(id('equal'))), shares('equal', 'e2');
SELECT keep('unequal', wallet_post(ARRAY[(:alice, :bob, 0.0030), (:alice, :carol, 0.0010), (:alice, :dave, 0.0045)]::wallet_leg[]));
SELECT keep('u1', wallet_reverse(id('unequal'), 0.0001)), shares('unequal', 'u1');
SELECT keep('u2', wallet_reverse(id('unequal'), 0.0001)), shares('unequal', 'u2');
SELECT keep('u3', wallet_reverse(id('unequal'), 0.0003)), shares('unequal', 'u3');
SELECT failure($$wallet_reverse(id('unequal'), 0.0026)$$), keep('u4', wallet_reverse(id('unequal'), 0.0025)), shares('unequal', 'u4');
SELECT user_id, balance, version FROM wallets ORDER BY id;
-- A leg larger than the first goes further than it does.
SELECT keep('odd', wallet_post(ARRAY[(:alice, :bob, 0.0002), (:alice, :carol, 0.0005), (:alice, :dave, 0.0001)]::wallet_leg[]));
SELECT keep('o1', wallet_reverse(id('odd'), 0.0001)), shares('odd', 'o1');
SELECT keep('o2', wallet_reverse(id('odd'), 0.0001)), shares('odd', 'o2');
-- At the scale of the leg's currency.
SELECT wallet_set_currency('YEN', 0), wallet_create('payer', 'YEN', '10000000-0000-0000-0000-000000000001'), wallet_create('shop', 'YEN', '20000000-0000-0000-0000-000000000001');
SELECT keep('fund y', wallet_fund('10000000-0000-0000-0000-000000000001', 100)),
       keep('yen', wallet_post(ARRAY[('10000000-0000-0000-0000-000000000001', '20000000-0000-0000-0000-000000000001', 100), ('20000000-0000-0000-0000-000000000001', '10000000-0000-0000-0000-000000000001', 3)]::wallet_leg[]));
SELECT keep('y1', wallet_reverse(id('yen'), 50)), shares('yen', 'y1');
SELECT keep('y2', wallet_reverse(id('yen'), 30)), shares('yen', 'y2');
SELECT failure($$wallet_reverse(id('yen'), 0.5)$$), keep('y3', wallet_reverse(id('yen'))), shares('yen', 'y3');
-- What the rule of before 1.2 has left: a leg that is further is not taken again, one that is behind is completed.
SELECT keep('old', wallet_post(ARRAY[(:alice, :bob, 10), (:alice, :carol, 10)]::wallet_leg[])), keep('o', wallet_reverse(id('old'), 4));
BEGIN;
ALTER TABLE wallet_ledger DISABLE TRIGGER ALL;
UPDATE wallet_ledger SET amount = 4 + reverses_leg WHERE transaction_id = id('o');
SELECT shares('old', 'o'), keep('old1', wallet_reverse(id('old'), 0.5)), shares('old', 'old1');
UPDATE wallet_ledger SET amount = CASE reverses_leg WHEN 0 THEN 9.5 ELSE 1 END WHERE transaction_id = id('o');
SELECT failure($$wallet_reverse(id('old'), 0.0001)$$), keep('old2', wallet_reverse_force(id('old'))), shares('old', 'old2'), failure($$wallet_reverse(id('old'))$$);
ROLLBACK;

-- Money that only passed through a wallet finds its way back; one id, one leg of the reversal a leg of the operation.
SELECT keep('chain', wallet_post(ARRAY[(:alice, :bob, 10), (:bob, :carol, 10), (:carol, :dave, 10)]::wallet_leg[], metadata => '{"case": 1}'));
SELECT keep('spend', wallet_withdraw(:bob, balance)) FROM wallets WHERE user_id = 'bob';
SELECT keep('spend c', wallet_withdraw(:carol, balance)) FROM wallets WHERE user_id = 'carol';
SELECT keep('c1', wallet_reverse(id('chain'), 10, 'chain', metadata => '{"case": 2}'));
SELECT leg, reverses_leg, from_user_id, from_balance, to_user_id, to_balance, amount, idempotency_key, requested_amount, operation, metadata
FROM wallet_ledger WHERE transaction_id = id('c1') ORDER BY leg;
SELECT count(DISTINCT created_at) AS times FROM wallet_ledger WHERE transaction_id = id('c1');
SELECT wallet_reverse(id('chain'), 10, 'chain', metadata => '{"case": 2}') = id('c1') AS same;
-- A wallet that is debited and credited by turns, and one pair of wallets in several legs.
SELECT keep('turns', wallet_post(ARRAY[(:alice, :bob, 3), (:bob, :alice, 2), (:alice, :bob, 5), (:alice, :bob, 5)]::wallet_leg[]));
SELECT keep('t1', wallet_reverse(id('turns'), 1.5)), shares('turns', 't1');
SELECT keep('t2', wallet_reverse(id('turns'))), shares('turns', 't2');
SELECT user_id, balance, version FROM wallets ORDER BY id;

-- All or nothing: one payee without the money, frozen or closed stops it; the first leg's is named first.
SELECT keep('stuck', wallet_post(ARRAY[(:alice, :bob, 6), (:alice, :carol, 4)]::wallet_leg[])), keep('spend b', wallet_withdraw(:bob, 6));
SELECT failure($$wallet_reverse(id('stuck'))$$), failure($$wallet_reverse(id('stuck'), expected_version => 0)$$) LIKE 'WL004%"b0000000%' AS version_of_the_first,
       failure($$wallet_reverse(id('stuck'), 5)$$);
SELECT keep('freeze b', wallet_freeze(:bob)), keep('freeze c', wallet_freeze(:carol)), failure($$wallet_reverse(id('stuck'), 99)$$);
SELECT keep('unfreeze b', wallet_unfreeze(:bob)), failure($$wallet_reverse(id('stuck'), 99)$$), keep('unfreeze c', wallet_unfreeze(:carol)), failure($$wallet_reverse(id('stuck'), 99)$$);
SELECT keep('force', wallet_reverse_force(id('stuck'), 5)), shares('stuck', 'force');
SELECT DISTINCT forced FROM wallet_ledger WHERE transaction_id = id('force');
-- A leg whose share is 0 writes nothing, but its wallets must be fit.
SELECT keep('small', wallet_post(ARRAY[(:alice, :dave, 9), (:alice, :carol, 0.0001)]::wallet_leg[])), keep('s1', wallet_reverse(id('small'), 1));
SELECT leg, reverses_leg, amount FROM wallet_ledger WHERE transaction_id = id('s1') ORDER BY leg;
SELECT keep('freeze c2', wallet_freeze(:carol)), failure($$wallet_reverse(id('small'), 1)$$), keep('unfreeze c2', wallet_unfreeze(:carol));
-- Several currencies in one post: each leg back in its own.
SELECT wallet_create('alice', 'EUR', 'ae000000-0000-0000-0000-000000000001'), wallet_create('bob', 'EUR', 'be000000-0000-0000-0000-000000000001');
SELECT keep('fund e', wallet_fund('ae000000-0000-0000-0000-000000000001', 100)),
       keep('exchange', wallet_post(ARRAY[(:alice, :bob, 11), ('ae000000-0000-0000-0000-000000000001', 'be000000-0000-0000-0000-000000000001', 10)]::wallet_leg[])),
       keep('x1', wallet_reverse(id('exchange'), 5.5)), shares('exchange', 'x1');
SELECT currency, balance, outside_in, outside_out, difference FROM wallet_totals();

-- The largest amounts there are, in legs whose sum is larger still.
SELECT keep('rich', wallet_fund(:alice, 999999999999999.9999 - balance)) FROM wallets WHERE id = :alice;
SELECT keep('empty d', wallet_withdraw(:dave, balance)) FROM wallets WHERE id = :dave;
SELECT keep('circle', wallet_post(ARRAY[(:alice, :dave, 999999999999999.9999), (:dave, :alice, 999999999999999.9999), (:alice, :dave, 999999999999999.9999)]::wallet_leg[]));
SELECT failure($$wallet_reverse(id('circle'), 3000000000000000)$$);
SELECT keep('circle 1', wallet_reverse(id('circle'), 333333333333333.3333)), shares('circle', 'circle 1');
SELECT keep('circle 2', wallet_reverse(id('circle'))), shares('circle', 'circle 2');
SELECT user_id, currency, balance, version FROM wallets ORDER BY id;
SELECT * FROM wallet_check();
SELECT currency, difference FROM wallet_totals();
