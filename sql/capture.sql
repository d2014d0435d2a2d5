-- wallet_capture: held money taken, to a wallet or out, in part or in full; each argument, each error, replays.
\getenv abs_srcdir PG_ABS_SRCDIR
\set helper :abs_srcdir '/sql/helpers/failure.sql'
\i :helper

\pset format unaligned
\set alice '''a0000000-0000-0000-0000-000000000001'''
\set bob '''b0000000-0000-0000-0000-000000000001'''
SELECT wallet_create('alice', 'USD', :alice), wallet_create('bob', 'USD', :bob), wallet_create('eve', 'EUR', 'e0000000-0000-0000-0000-000000000001');
SELECT keep('fund', wallet_fund(:alice, 100, 'fund'));
-- The rows of kept operations, and the holds.
CREATE VIEW movements AS
SELECT kept.name, leg, kind, from_user_id, from_version, from_balance, from_held, to_user_id, to_version, to_balance, to_held, amount,
       idempotency_key, operation, requested_amount, final, held.name AS hold
FROM wallet_ledger JOIN kept ON id = transaction_id LEFT JOIN kept AS held ON held.id = hold_id ORDER BY transaction_id, leg;
CREATE VIEW holds AS
SELECT name, amount, captured, released, status FROM wallet_holds JOIN kept ON id = hold_id ORDER BY hold_id;

-- All of it, to a wallet up the order of ids and down, and out.
SELECT keep('all', wallet_hold(:alice, 10)), keep('out', wallet_hold(:alice, 20)), keep('part', wallet_hold(:alice, 30));
SELECT keep('take all', wallet_capture(id('all'), :bob));
SELECT keep('take out', wallet_capture(hold_id => id('out'), idempotency_key => 'out', expected_version => 5, metadata => '{"order": 7}'));
SELECT * FROM movements WHERE kind = 'CAPTURE';
SELECT type, amount, balance_after, held_after, counterparty_wallet_id FROM wallet_receipt(id('take all'));
SELECT type, amount, balance_after, held_after, counterparty_wallet_id, metadata FROM wallet_receipt(id('take out'));
-- In parts while not final; what remains after the final one is a RELEASE of the same operation.
SELECT keep('part 1', wallet_capture(id('part'), :bob, 5, false)), keep('part 2', wallet_capture(id('part'), NULL, 0.0001, false, 'part 2'));
SELECT failure($$wallet_capture(id('part'), amount => 25)$$), failure($$wallet_capture(id('part'), amount => 25, final => false)$$);
SELECT * FROM holds;
SELECT keep('part 3', wallet_capture(id('part'), :bob, 4, idempotency_key => 'part 3'));
SELECT * FROM movements WHERE name LIKE 'part _';
SELECT type, user_id, version, amount, balance_after, held_after FROM wallet_receipt(id('part 3'));
SELECT * FROM holds;
-- Without the final word, all of it ends the hold as well.
SELECT keep('b', wallet_hold(:bob, 6)), keep('bb', wallet_hold(:bob, 1));
SELECT keep('b 1', wallet_capture(id('b'), :alice, 2, false)), keep('b 2', wallet_capture(id('b'), :alice, NULL, false)),
       keep('bb 1', wallet_capture(id('bb'), :alice, 1, false));
SELECT name, amount, captured, released, status FROM holds WHERE name LIKE 'b%';
SELECT user_id, balance, held, version FROM wallets ORDER BY id;
SELECT currency, balance, held, outside_in, outside_out, difference FROM wallet_totals();

-- NULL, malformed, amount.
SELECT failure('wallet_capture(' || arguments || ')')
FROM (VALUES ($$NULL$$), ($$id('part'), final => NULL$$), ($$NULL, '00000000-0000-0000-0000-000000000000', 0$$),
             ($$'00000000-0000-0000-0000-000000000000', NULL, 0$$), ($$id('part'), '00000000-0000-0000-0000-000000000000', 0$$),
             ($$id('part'), amount => 0, idempotency_key => ''$$), ($$id('part'), amount => 0, expected_version => -1$$),
             ($$id('part'), amount => 0, metadata => '7'$$), ($$id('part'), amount => 0$$), ($$id('part'), amount => -1$$),
             ($$id('part'), amount => 0.00001$$), ($$id('part'), amount => 'NaN'$$)) AS request (arguments);
-- Each rule before the next: key, hold, same wallet, wallets, version, states, currency, hold's state, what remains, limits.
SELECT keep('open', wallet_hold(:alice, 10)), keep('key', wallet_hold(:alice, 1, '1 day', 'key'));
SELECT wallet_create('closed', 'EUR', 'c0000000-0000-0000-0000-000000000001'), wallet_create('full', 'USD', 'aa000000-0000-0000-0000-000000000001'),
       wallet_create('frozen', 'EUR', 'f0000000-0000-0000-0000-000000000001');
SELECT keep('close', wallet_close('c0000000-0000-0000-0000-000000000001')), keep('freeze', wallet_freeze('f0000000-0000-0000-0000-000000000001')),
       keep('limit', wallet_set_limits('aa000000-0000-0000-0000-000000000001', max_balance => 7));
SELECT failure('wallet_capture(' || arguments || ')')
FROM (VALUES ($$'d0000000-0000-7000-8000-000000000001', amount => 99, idempotency_key => 'key'$$),
             ($$'d0000000-0000-7000-8000-000000000001', 'd0000000-0000-0000-0000-000000000001', 99$$),
             ($$id('fund')$$),
             ($$id('open'), 'a0000000-0000-0000-0000-000000000001', 99, expected_version => 0$$),
             ($$id('out'), 'a0000000-0000-0000-0000-000000000001'$$),
             ($$id('open'), 'd0000000-0000-0000-0000-000000000001', 99, expected_version => 0$$),
             ($$id('open'), 'c0000000-0000-0000-0000-000000000001', 99, expected_version => 0$$),
             ($$id('open'), 'c0000000-0000-0000-0000-000000000001', 99$$),
             ($$id('open'), 'f0000000-0000-0000-0000-000000000001', 99$$),
             ($$id('open'), 'e0000000-0000-0000-0000-000000000001', 99$$),
             ($$id('out'), 'e0000000-0000-0000-0000-000000000001', 99$$),
             ($$id('out'), 'aa000000-0000-0000-0000-000000000001', 99$$),
             ($$id('part')$$),
             ($$id('open'), 'aa000000-0000-0000-0000-000000000001', 10.0001$$),
             ($$id('open'), 'aa000000-0000-0000-0000-000000000001', 7.0001$$),
             ($$id('open'), 'aa000000-0000-0000-0000-000000000001', final => false$$)) AS request (arguments);
-- The hold's wallet frozen: before the other one's state and the hold's own.
SELECT keep('freeze a', wallet_freeze(:alice));
SELECT failure('wallet_capture(' || arguments || ')')
FROM (VALUES ($$id('open'), 'c0000000-0000-0000-0000-000000000001'$$), ($$id('out')$$), ($$id('open')$$)) AS request (arguments);
SELECT keep('unfreeze a', wallet_unfreeze(:alice));
SELECT * FROM holds WHERE name = 'open';
-- Up to the limit, and the rest is given back.
SELECT keep('full', wallet_capture(id('open'), 'aa000000-0000-0000-0000-000000000001', 7)), failure($$wallet_capture(id('open'))$$);

-- Held money was promised: a credit limit lowered since, or a forced reversal, takes nothing of it away.
SELECT wallet_create('carol', 'USD', 'ca000000-0000-0000-0000-000000000001');
SELECT keep('fund c', wallet_fund('ca000000-0000-0000-0000-000000000001', 10)), keep('limit c', wallet_set_limits('ca000000-0000-0000-0000-000000000001', 5)),
       keep('promised', wallet_hold('ca000000-0000-0000-0000-000000000001', 10)), keep('withdraw c', wallet_withdraw('ca000000-0000-0000-0000-000000000001', 5)),
       keep('lower c', wallet_set_limits('ca000000-0000-0000-0000-000000000001', 0)), keep('force c', wallet_reverse_force(id('fund c'), 3));
SELECT keep('kept', wallet_capture(id('promised'), :bob, 8));
SELECT balance, held, available, version FROM wallet_get('ca000000-0000-0000-0000-000000000001');

-- Replays: whatever became of the hold and the wallets.
SELECT wallet_capture(id('out'), NULL, NULL, true, 'out', 77, '{"order": 7.0}') = id('take out') AS same,
       wallet_capture(id('part'), NULL, 0.00010, false, 'part 2') = id('part 2') AS same,
       wallet_capture(id('part'), :bob, 4, true, 'part 3') = id('part 3') AS same;
SELECT keep('freeze b', wallet_freeze(:bob));
SELECT wallet_capture(id('part'), :bob, 4, idempotency_key => 'part 3') = id('part 3') AS same;
SELECT keep('unfreeze b', wallet_unfreeze(:bob));
-- Each field, in the order in which they are compared. All that remains isn't the same as its amount.
SELECT failure('wallet_capture(' || arguments || ')')
FROM (VALUES ($$'d0000000-0000-7000-8000-000000000001', idempotency_key => 'fund'$$),
             ($$id('all'), 'a0000000-0000-0000-0000-000000000001', 5, false, 'part 3', metadata => '{}'$$),
             ($$id('part'), 'a0000000-0000-0000-0000-000000000001', 5, false, 'part 3', metadata => '{}'$$),
             ($$id('part'), NULL, 5, false, 'part 3', metadata => '{}'$$),
             ($$id('part'), 'b0000000-0000-0000-0000-000000000001', 5, false, 'part 3', metadata => '{}'$$),
             ($$id('part'), 'b0000000-0000-0000-0000-000000000001', NULL, false, 'part 3', metadata => '{}'$$),
             ($$id('part'), 'b0000000-0000-0000-0000-000000000001', 4, false, 'part 3', metadata => '{}'$$),
             ($$id('part'), 'b0000000-0000-0000-0000-000000000001', 4, true, 'part 3', metadata => '{}'$$),
             ($$id('out'), 'b0000000-0000-0000-0000-000000000001', idempotency_key => 'out', metadata => '{"order": 7}'$$),
             ($$id('out'), NULL, 20, idempotency_key => 'out', metadata => '{"order": 7}'$$),
             ($$id('out'), idempotency_key => 'out'$$)) AS request (arguments);

-- Keys of what failed and of what was rolled back are free, and the hold is as it was.
SELECT keep('again', wallet_hold(:alice, 10));
SELECT failure($$wallet_capture(id('again'), amount => 11, idempotency_key => 'free')$$) LIKE 'WL023%' AS refused;
BEGIN;
SAVEPOINT before;
SELECT wallet_capture(id('again'), :bob, idempotency_key => 'free') IS NOT NULL AS captured;
ROLLBACK TO before;
SELECT name, amount, captured, released, status FROM holds WHERE name = 'again';
SELECT keep('free', wallet_capture(id('again'), :bob, 2, false, 'free'));
SELECT wallet_capture(id('again'), :bob, 2, false, 'free') = id('free') AS same;
COMMIT;
-- Several in one statement, and hold and capture in one.
SELECT count(DISTINCT id) FROM (SELECT wallet_capture(id('again'), :bob, 1, false) AS id FROM generate_series(1, 3)) AS calls;
SELECT wallet_capture(id('again'), :bob, 1, false, 'twice') = wallet_capture(id('again'), :bob, 1, false, 'twice') AS same;
SELECT wallet_capture(wallet_hold(:alice, 1), :bob) IS NOT NULL AS captured;
SELECT * FROM holds WHERE name = 'again';
BEGIN READ ONLY;
SELECT wallet_capture(NULL);
ROLLBACK;

SELECT user_id, balance, held, version FROM wallets ORDER BY id;
SELECT * FROM wallet_check();
SELECT currency, difference FROM wallet_totals();
