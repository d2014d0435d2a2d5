-- wallet_reverse, wallet_reverse_force: operations paid back; each kind, each argument, each error, replays.
\getenv abs_srcdir PG_ABS_SRCDIR
\set helper :abs_srcdir '/sql/helpers/failure.sql'
\i :helper

\pset format unaligned
\set alice '''a0000000-0000-0000-0000-000000000001'''
\set bob '''b0000000-0000-0000-0000-000000000001'''
\set carol '''ca000000-0000-0000-0000-000000000001'''
SELECT wallet_create('alice', 'USD', :alice), wallet_create('bob', 'USD', :bob), wallet_create('carol', 'USD', :carol, 'create');
-- The reversals of a kept operation.
CREATE FUNCTION reversals(text) RETURNS TABLE (name text, leg integer, of_leg integer, from_user text, from_version bigint, from_balance numeric, from_held numeric,
    to_user text, to_version bigint, to_balance numeric, amount numeric, requested numeric, forced boolean, operation text, metadata jsonb) LANGUAGE sql AS $$
    SELECT kept.name, leg, reverses_leg, from_user_id, from_version, from_balance, from_held, to_user_id, to_version, to_balance, amount, requested_amount,
           forced, operation, metadata
    FROM wallet_ledger LEFT JOIN kept ON id = transaction_id WHERE kind = 'REVERSAL' AND reverses = id($1) ORDER BY transaction_id, leg
$$;

-- Each kind, the other way; who had been credited is debited.
SELECT keep('fund', wallet_fund(:alice, 100, 'fund')), keep('withdraw', wallet_withdraw(:alice, 10)), keep('pay', wallet_transfer(:alice, :bob, 20)),
       keep('hold', wallet_hold(:alice, 30)), keep('capture', wallet_capture(id('hold'), :bob, 12)),
       keep('hold 2', wallet_hold(:alice, 5)), keep('capture out', wallet_capture(id('hold 2')));
SELECT user_id, balance, held, version FROM wallets ORDER BY id;
SELECT keep('r fund', wallet_reverse(id('fund'), 50)), keep('r withdraw', wallet_reverse(id('withdraw'))), keep('r pay', wallet_reverse(id('pay'))),
       keep('r capture', wallet_reverse(id('capture'))), keep('r out', wallet_reverse(id('capture out')));
SELECT r.* FROM unnest('{fund,withdraw,pay,capture,capture out}'::text[]) AS operation, reversals(operation) AS r;
SELECT type, user_id, amount, balance_after, counterparty_wallet_id FROM wallet_receipt(id('r pay'));
SELECT user_id, balance, held, version FROM wallets ORDER BY id;
SELECT currency, balance, held, outside_in, outside_out, difference FROM wallet_totals();
-- A final capture's RELEASE is not paid back: all of it was 12.
SELECT failure($$wallet_reverse(id('capture'))$$);

-- In parts, up to its amount and never above; a rolled-back part doesn't count.
SELECT keep('two', wallet_transfer(:alice, :bob, 10));
SELECT keep('part 1', wallet_reverse(transaction_id => id('two'), amount => 4, idempotency_key => 'part 1', expected_version => 5, metadata => '{"case": 1}')),
       keep('part 2', wallet_reverse(id('two'), 0.0001));
BEGIN;
SELECT wallet_reverse(id('two')) IS NOT NULL AS reversed;
ROLLBACK;
SELECT failure($$wallet_reverse(id('two'), 6)$$), keep('part 3', wallet_reverse(id('two'), 5.9998, 'part 3'));
SELECT keep('rest', wallet_reverse(id('two'))), failure($$wallet_reverse(id('two'))$$), failure($$wallet_reverse(id('two'), 0.0001)$$);
SELECT * FROM reversals('two');
-- Several parts in one statement.
SELECT keep('five', wallet_transfer(:alice, :bob, 5));
SELECT count(DISTINCT id) FROM (SELECT wallet_reverse(id('five'), 1) AS id FROM generate_series(1, 3)) AS calls;
SELECT wallet_reverse(id('five'), 1, 'twice') = wallet_reverse(id('five'), 1, 'twice') AS same, failure($$wallet_reverse(id('five'), 1.0001)$$);

-- NULL, malformed, amount.
SELECT failure('wallet_reverse(' || arguments || ')')
FROM (VALUES ($$NULL, 0$$), ($$'00000000-0000-0000-0000-000000000000', 0$$), ($$id('pay'), 0, ''$$), ($$id('pay'), 0, NULL, -1$$),
             ($$id('pay'), 0, metadata => '[]'$$), ($$id('pay'), 0$$), ($$id('pay'), -1$$), ($$id('pay'), 'NaN'$$), ($$id('pay'), 0.00001$$)) AS request (arguments);
-- Each rule before the next: key, operation, version, states, what kind, what is left, funds, limit.
SELECT wallet_create('dave', 'USD', 'd0000000-0000-0000-0000-000000000001');
SELECT keep('d', wallet_transfer(:alice, 'd0000000-0000-0000-0000-000000000001', 10)), keep('d back', wallet_transfer('d0000000-0000-0000-0000-000000000001', :alice, 6)),
       keep('freeze', wallet_freeze(:carol)), keep('limits', wallet_set_limits(:carol, max_balance => 1)), keep('unfreeze', wallet_unfreeze(:carol)),
       keep('created', (SELECT transaction_id FROM wallet_lookup('create')));
SELECT failure('wallet_reverse(' || arguments || ')')
FROM (VALUES ($$'d0000000-0000-7000-8000-000000000001', 99, 'fund'$$),
             ($$'d0000000-0000-7000-8000-000000000001', 99$$),
             ($$id('d'), 99, expected_version => 9$$),
             ($$id('d back'), 99, expected_version => 2$$),
             ($$id('limits'), 99, expected_version => 0$$),
             ($$id('created')$$), ($$id('freeze')$$), ($$id('unfreeze')$$), ($$id('limits')$$), ($$id('hold'), 99$$), ($$id('r pay')$$), ($$id('part 1')$$),
             ($$id('d'), 10.0001$$),
             ($$id('d'), 4.0001$$),
             ($$id('d')$$)) AS request (arguments);
-- A release can't be reversed either.
SELECT keep('e', wallet_hold(:alice, 1)), keep('release', wallet_release(id('e'))), failure($$wallet_reverse(id('release'))$$);
-- The limit of who gets it back.
SELECT keep('limit', wallet_set_limits('d0000000-0000-0000-0000-000000000001', max_balance => 9.9999));
SELECT failure($$wallet_reverse(id('d back'))$$), keep('within', wallet_reverse(id('d back'), 5.9999));
SELECT failure($$wallet_reverse(id('d back'))$$);
-- What is held is not there to be paid back; the credit limit is.
SELECT keep('dh', wallet_hold('d0000000-0000-0000-0000-000000000001', 9.9999)), failure($$wallet_reverse(id('d'), 1)$$);
SELECT keep('limit 2', wallet_set_limits('d0000000-0000-0000-0000-000000000001', 2)), keep('on credit', wallet_reverse(id('d'), 2)), failure($$wallet_reverse(id('d'), 0.0001)$$);
SELECT balance, held, credit_limit, available FROM wallet_get('d0000000-0000-0000-0000-000000000001');

-- Frozen: nothing is taken from it, but it gets back. Closed: neither, and before the kind.
SELECT keep('freeze b', wallet_freeze(:bob));
SELECT keep('fund b', wallet_fund(:alice, 1)), failure($$wallet_reverse(id('capture'))$$), failure($$wallet_reverse_force(id('two'))$$);
SELECT keep('unfreeze b', wallet_unfreeze(:bob)), keep('b a', wallet_transfer(:bob, :alice, 1)), keep('freeze b2', wallet_freeze(:bob));
SELECT keep('r b a', wallet_reverse(id('b a'), 0.75)), status, balance FROM wallets WHERE id = :bob;
SELECT keep('unfreeze b2', wallet_unfreeze(:bob));
SELECT wallet_create('erin', 'USD', 'e0000000-0000-0000-0000-000000000001');
SELECT keep('e1', wallet_transfer(:alice, 'e0000000-0000-0000-0000-000000000001', 3)), keep('e2', wallet_transfer('e0000000-0000-0000-0000-000000000001', :bob, 3)),
       keep('limits e', wallet_set_limits('e0000000-0000-0000-0000-000000000001', 0, 'Infinity')), keep('close e', wallet_close('e0000000-0000-0000-0000-000000000001'));
SELECT failure($$wallet_reverse(id('e1'), 99)$$), failure($$wallet_reverse(id('e2'), 99)$$), failure($$wallet_reverse(id('limits e'))$$),
       failure($$wallet_reverse_force(id('e1'))$$);

-- By force: below the floor, on what is held as well; the entry says so. All other rules stay.
SELECT keep('f', wallet_transfer(:alice, :carol, 1)), keep('fh', wallet_hold(:carol, 1));
SELECT failure($$wallet_reverse(id('f'))$$), keep('forced', wallet_reverse_force(id('f'), 1, 'force'));
SELECT * FROM reversals('f');
SELECT balance, held, available FROM wallet_get(:carol);
SELECT failure($$wallet_reverse_force(id('f'))$$), failure($$wallet_reverse_force(id('forced'))$$), failure($$wallet_reverse_force(id('d back'), 0.0001)$$),
       failure($$wallet_reverse_force(NULL)$$);
-- Each payment of a wallet below its floor is refused, and money in is taken.
SELECT failure($$wallet_withdraw('ca000000-0000-0000-0000-000000000001', 1)$$), keep('fund c', wallet_fund(:carol, 1));
-- Enough there or not, forced it is.
SELECT keep('g', wallet_transfer(:alice, :bob, 1)), keep('forced 2', wallet_reverse_force(id('g')));
SELECT * FROM reversals('g');
-- A balance that can't be written down.
SELECT wallet_create('gail', 'USD', 'aa000000-0000-0000-0000-000000000001');
SELECT keep('max', wallet_fund('aa000000-0000-0000-0000-000000000001', 999999999999999.9999)), keep('max out', wallet_withdraw('aa000000-0000-0000-0000-000000000001', 999999999999999.9999)),
       keep('max 2', wallet_fund('aa000000-0000-0000-0000-000000000001', 999999999999999.9999)), keep('max out 2', wallet_withdraw('aa000000-0000-0000-0000-000000000001', 999999999999999.9999));
SELECT failure($$wallet_reverse(id('max'), 1)$$), keep('forced max', wallet_reverse_force(id('max'))), failure($$wallet_reverse_force(id('max 2'), 0.0001)$$);
SELECT keep('r max out', wallet_reverse(id('max out'))), keep('r max out 2', wallet_reverse(id('max out 2'))), failure($$wallet_fund('aa000000-0000-0000-0000-000000000001', 0.0001)$$);
SELECT balance, version FROM wallets WHERE user_id = 'gail';

-- Replays: whatever was paid back since, whoever is frozen; by value.
SELECT keep('freeze a', wallet_freeze(:alice)), keep('freeze b3', wallet_freeze(:bob));
SELECT wallet_reverse(id('two'), 4.0, 'part 1', 0, '{"case": 1.0}') = id('part 1') AS same, wallet_reverse(id('two'), 5.9998, 'part 3') = id('part 3') AS same,
       wallet_reverse_force(id('f'), 1, 'force') = id('forced') AS same;
SELECT keep('unfreeze a', wallet_unfreeze(:alice)), keep('unfreeze b3', wallet_unfreeze(:bob));
-- Each field, in the order in which they are compared. All that is left isn't the same as its amount.
SELECT failure(call)
FROM (VALUES ($$wallet_reverse(id('pay'), 4, 'fund')$$), ($$wallet_reverse(id('f'), 1, 'force')$$), ($$wallet_reverse_force(id('two'), 5.9998, 'part 3')$$),
             ($$wallet_reverse(id('pay'), 5, 'part 1')$$), ($$wallet_reverse(id('two'), 5, 'part 1')$$), ($$wallet_reverse(id('two'), NULL, 'part 1')$$),
             ($$wallet_reverse(id('two'), 4, 'part 1')$$)) AS request (call);
SELECT keep('h', wallet_transfer(:alice, :bob, 1)), keep('r h', wallet_reverse(id('h'), idempotency_key => 'all')), wallet_reverse(id('h'), idempotency_key => 'all') = id('r h') AS same,
       failure($$wallet_reverse(id('h'), 1, 'all')$$);
-- Keys of what failed and of what was rolled back are free.
SELECT keep('i', wallet_transfer(:alice, :bob, 3)), failure($$wallet_reverse(id('i'), 4, 'free')$$);
BEGIN;
SAVEPOINT before;
SELECT wallet_reverse(id('i'), 3, 'free') IS NOT NULL AS reversed;
ROLLBACK TO before;
SELECT keep('free', wallet_reverse(id('i'), 2, 'free')), wallet_reverse(id('i'), 2, 'free') = id('free') AS same;
COMMIT;
BEGIN READ ONLY;
SAVEPOINT before;
SELECT wallet_reverse(NULL);
ROLLBACK TO before;
SELECT wallet_reverse_force(NULL);
ROLLBACK;

SELECT user_id, balance, held, version FROM wallets ORDER BY id;
SELECT * FROM wallet_check();
SELECT currency, difference FROM wallet_totals();
