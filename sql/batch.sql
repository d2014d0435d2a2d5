-- wallet_transfer_batch: many transfers in input order, atomic or not; each argument, each error, replays.
\getenv abs_srcdir PG_ABS_SRCDIR
\set helper :abs_srcdir '/sql/helpers/failure.sql'
\i :helper

\pset format unaligned
\set alice '''a0000000-0000-0000-0000-000000000001'''
\set bob '''b0000000-0000-0000-0000-000000000001'''
SELECT wallet_create('alice', 'USD', :alice), wallet_create('bob', 'USD', :bob), wallet_create('carol', 'USD', 'ca000000-0000-0000-0000-000000000001');
SELECT keep('fund', wallet_fund(:alice, 100, 'fund'));
-- Wallets by the first letters of their ids: a, b, ca ...; x is NULL, 0 nil.
CREATE FUNCTION ids(text) RETURNS uuid[] LANGUAGE sql AS $$
    SELECT coalesce(array_agg(CASE letter WHEN 'x' THEN NULL WHEN '0' THEN '00000000-0000-0000-0000-000000000000'
                         ELSE rpad(letter, 8, '0') || '-0000-0000-0000-000000000001' END::uuid ORDER BY n), '{}')
    FROM regexp_split_to_table(nullif($1, ''), ' ') WITH ORDINALITY AS item (letter, n)
$$;
-- What a batch returns, an item a line, with the names of kept operations.
CREATE FUNCTION batch(payers text, payees text, amounts numeric[], keys text[] DEFAULT NULL, atomic boolean DEFAULT false, metadata jsonb DEFAULT NULL)
RETURNS SETOF text LANGUAGE sql AS $$
    SELECT concat_ws(' ', index, sqlstate, coalesce(kept.name, CASE WHEN transaction_id IS NOT NULL THEN 'done' END), CASE WHEN replayed THEN 'again' END, message, detail - 'transaction_id')
    FROM wallet_transfer_batch(ids($1), ids($2), $3, $4, $5, $6) LEFT JOIN kept ON id = transaction_id ORDER BY index
$$;
CREATE VIEW newest AS
SELECT leg, from_user_id, from_version, from_balance, to_user_id, to_version, to_balance, amount, idempotency_key, operation, metadata
FROM wallet_ledger WHERE kind = 'TRANSFER' ORDER BY transaction_id, leg;

-- In input order: a later item spends what an earlier one brought. An operation each, versions one after the other,
-- each wallet's row written once.
BEGIN;
CREATE TEMPORARY TABLE written AS SELECT n_tup_upd FROM pg_stat_xact_user_tables WHERE relname = 'wallets';
SELECT index, transaction_id IS NOT NULL AS done, sqlstate, message FROM wallet_transfer_batch(from_wallet_ids => ids('a b ca b'), to_wallet_ids => ids('b ca a ca'),
    amounts => '{60, 50, 0.0001, 10}', idempotency_keys => '{k1, NULL, k3, k4}', atomic => true, metadata => '{"order": 7}');
SELECT s.n_tup_upd - written.n_tup_upd AS updates FROM pg_stat_xact_user_tables s, written WHERE relname = 'wallets';
COMMIT;
SELECT * FROM newest;
SELECT count(DISTINCT transaction_id) AS operations, count(DISTINCT idempotency_key) AS keys FROM wallet_ledger WHERE kind = 'TRANSFER';
SELECT bool_and(created_at > before AND transaction_id > before_id) AS rises
FROM (SELECT *, lag(created_at) OVER steps AS before, lag(transaction_id) OVER steps AS before_id FROM wallet_transactions
      WINDOW steps AS (PARTITION BY wallet_id ORDER BY version)) AS entry WHERE before IS NOT NULL;
SELECT user_id, balance, version FROM wallets ORDER BY id;
SELECT keep('k' || n, (SELECT transaction_id FROM wallet_lookup('k' || n))) FROM unnest('{1,3,4}'::integer[]) AS n;
-- Nothing to do.
SELECT count(*) FROM wallet_transfer_batch('{}', '{}', '{}');
SELECT count(*) FROM wallet_transfer_batch('{}', '{}', '{}', '{}', false);

-- The arguments as a whole: NULL before malformed, and before any item.
SELECT failure('wallet_transfer_batch(' || arguments || ')')
FROM (VALUES ($$NULL, ids('a'), '{1}'$$), ($$ids('a'), NULL, '{1}'$$), ($$ids('a'), ids('b'), NULL$$), ($$ids('a'), ids('b'), '{1,2}', atomic => NULL$$),
             ($$ids('x'), ids('b b'), '{1}'$$), ($$ids('x x'), ids('b'), '{1,1}'$$), ($$ids('x'), ids('b'), '{1,2}'$$), ($$ids('x'), ids('b'), '{1}', '{a,b}'$$),
             ($$ids('x'), ids('b'), '{1}', '{}'$$), ($$ids('x'), ids('b'), '{1}', metadata => '[]', atomic => false$$)) AS request (arguments);
SET wallet.max_batch_items = 2;
SELECT failure($$wallet_transfer_batch(ids('x a a'), ids('b b b'), '{1,1,1}', atomic => false)$$);
RESET wallet.max_batch_items;

-- Atomic: the first item that fails fails all, and DETAIL says which. Each rule of a transfer.
SELECT wallet_create('closed', 'EUR', 'c0000000-0000-0000-0000-000000000001'), wallet_create('frozen', 'EUR', 'f0000000-0000-0000-0000-000000000001'),
       wallet_create('eve', 'EUR', 'e0000000-0000-0000-0000-000000000001'), wallet_create('full', 'USD', 'aa000000-0000-0000-0000-000000000001');
SELECT keep('close', wallet_close('c0000000-0000-0000-0000-000000000001')), keep('freeze', wallet_freeze('f0000000-0000-0000-0000-000000000001')),
       keep('limit', wallet_set_limits('aa000000-0000-0000-0000-000000000001', max_balance => 5));
CREATE TABLE faults (n serial, payer text, payee text, amount numeric, key text);
INSERT INTO faults (payer, payee, amount, key)
VALUES ('x', '0', 1, NULL), ('a', 'x', 1, NULL), ('a', 'b', NULL, ''), ('0', 'b', 0, NULL), ('a', '0', 0, NULL), ('a', 'b', 0, ''), ('a', 'b', 1, repeat('k', 256)),
       ('a', 'a', 0, NULL), ('a', 'b', 'NaN', NULL), ('a', 'b', 1.00001, NULL), ('a', 'a', 1, 'fund'), ('n', 'b', 1, 'fund'), ('b', 'a', 1, 'k1'), ('a', 'ca', 60, 'k1'), ('a', 'b', 61, 'k1'), ('a', 'b', 60, 'k1'),
       ('d', 'c', 1, NULL), ('a', 'd', 1, NULL), ('c', 'f', 1, NULL), ('f', 'c', 1, NULL), ('a', 'c', 1, NULL), ('a', 'f', 1, NULL), ('b', 'e', 99, NULL),
       ('a', 'b', 99, NULL), ('a', 'aa', 5.0001, NULL);
UPDATE faults SET payer = 'd' WHERE payer = 'n';
SELECT n, failure(format('batch(%L, %L, %L, %L, true)', 'a ' || payer, 'b ' || payee, ARRAY[0.01, amount], ARRAY[NULL, key])) FROM faults ORDER BY n;
-- No later call inherits the index.
SELECT failure($$wallet_transfer_batch(ids('a'), ids('b'), '{1000}')$$);
SELECT failure($$wallet_get('d0000000-0000-0000-0000-000000000001')$$);
SELECT failure($$wallet_transfer_batch(ids('a'), ids('b'), '{1000}')$$);
DELETE FROM wallet_ledger;
-- Not atomic: the same, a row each, and it changes nothing.
SELECT batch(string_agg(payer, ' ' ORDER BY n), string_agg(payee, ' ' ORDER BY n), array_agg(amount ORDER BY n), array_agg(key ORDER BY n)) FROM faults;
SELECT user_id, balance, version FROM wallets ORDER BY id;
-- Among items that are done; an item's money is there only where the earlier one brought it.
SELECT batch('b ca a ca b', 'a b b b a', '{1, 60, 5, 60, 5}');
SELECT user_id, balance, version FROM wallets ORDER BY id;

-- Replays: all of it, a part, keys of the same batch, and requests that differ.
SELECT batch('a b ca b', 'b ca a ca', '{60.0, 50, 0.0001, 1e1}', '{k1, k2, k3, k4}', false, '{"order": 7.0}');
SELECT failure($$batch('a', 'b', '{60}', '{k1}', true)$$);
SELECT batch('a', 'b', '{60}', '{k1}', true, '{"order": 7}');
SELECT batch('a a a a a a', 'b b b b b ca', '{0.5, 0.5, 0.6, 1000, 0.7, 0.5}', '{new, new, new, late, late, new}');
SELECT regexp_replace(failure($$batch('a a a', 'b b b', '{0.1, 0.1, 0.2}', '{other, other, other}', true)$$), '"0[-0-9a-f]{35}"', 'ID');
SELECT batch('a a', 'b b', '{0.1, 0.1}', '{other, other}', true);
SELECT count(*) FROM wallet_ledger WHERE idempotency_key IN ('new', 'late', 'other');
-- For its key an item is a transfer: again singly, and again in a batch what was done singly.
SELECT wallet_transfer(:alice, :bob, 60, 'k1', metadata => '{"order": 7}') = id('k1') AS same;
SELECT keep('single', wallet_transfer(:alice, :bob, 0.5, 'single')), (SELECT (transaction_id, replayed)::text FROM wallet_transfer_batch(ids('a'), ids('b'), '{0.5}', '{single}')) = format('(%s,t)', id('single')) AS same;
-- Metadata and expected version of each item; a version is compared with what the earlier items left.
SELECT index, sqlstate, message, detail - 'transaction_id' AS detail, replayed FROM wallet_transfer_batch(ids('a a a b a a'), ids('b b b a b b'), '{1, 1, 1, 1, 1, 0}', '{m1, m2, NULL, NULL, m1, NULL}', false,
    item_metadata => ARRAY['{"n": 1}', NULL, '[]', '{"n": 1e100}', '{"n": 2}', '{}']::jsonb[]);
SELECT idempotency_key, metadata FROM wallet_ledger WHERE idempotency_key IN ('m1', 'm2') ORDER BY transaction_id, leg;
SELECT index, sqlstate, replace(message, (version + 1)::text, 'V+1') LIKE '%V+1%' AS names_the_version, (detail ->> 'actual')::bigint - version AS actual, replayed
FROM wallets, wallet_transfer_batch(ids('a b a a a a'), ids('b a b b b b'), '{0.1, 0.2, 0.1, 0.1, 0.1, 1}', '{v1, NULL, v3, NULL, v1, m1}', false, NULL, ARRAY[NULL, NULL, NULL, NULL, NULL, '{"n": 1}']::jsonb[],
    ARRAY[version, NULL, version + 2, version, 77, 0]) WHERE id = :alice;
SELECT failure(format('wallet_transfer_batch(ids(''a b''), ids(''b a''), ''{1,1}'', %s)', arguments))
FROM (VALUES ($$item_metadata => '{}'$$), ($$expected_versions => '{1,2,3}'$$), ($$metadata => '{}', item_metadata => ARRAY['{}', '{}']::jsonb[]$$), ($$item_metadata => '{NULL,7}', atomic => true$$),
             ($$expected_versions => '{NULL,-1}'$$), ($$expected_versions => '{NULL,5}'$$)) AS request (arguments);
SELECT keep('freeze a', wallet_freeze(:alice));
SELECT batch('a a', 'b b', '{60, 1}', '{k1, NULL}', false, '{"order": 7}');
SELECT keep('unfreeze a', wallet_unfreeze(:alice));
-- Keys of what failed and of what was rolled back are free.
BEGIN;
SAVEPOINT before;
SELECT batch('a a', 'b b', '{0.1, 0.2}', '{f1, f2}', true);
ROLLBACK TO before;
SELECT batch('a a', 'b b', '{0.2, 0.1}', '{f1, f2}', true);
SELECT batch('a a', 'b b', '{0.2, 0.2}', '{f1, f2}');
COMMIT;
-- Several batches in one statement.
SELECT count(*), count(DISTINCT transaction_id) FROM generate_series(1, 3) AS n, wallet_transfer_batch(ids('a b'), ids('b ca'), ARRAY[n * 0.001, n * 0.001]) AS batch;

-- Expired holds are released once, before the first item that is done; an item that fails releases none.
CREATE FUNCTION expire(hold uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    WHILE clock_timestamp() <= (SELECT expires_at FROM wallet_holds WHERE hold_id = hold) LOOP
        NULL;
    END LOOP;
END
$$;
SELECT keep('h1', wallet_hold(:alice, 30, '1 microsecond')), expire(id('h1')) IS NULL AS waited;
SELECT user_id, balance, held, version FROM wallets WHERE id = :alice;
SELECT batch('a b', 'b a', '{1000, 0.01}');
SELECT balance, held, version FROM wallets WHERE id = :alice;
SELECT kept.name, status, released FROM wallet_holds JOIN kept ON id = hold_id ORDER BY hold_id;
SELECT batch('a a a', 'b b b', ARRAY[1000, balance, 0.0001], '{e1, e2, e3}') FROM wallets WHERE id = :alice;
SELECT kept.name, status, released FROM wallet_holds JOIN kept ON id = hold_id ORDER BY hold_id;
SELECT type, version, amount, balance_after, held_after FROM wallet_transactions WHERE wallet_id = :alice ORDER BY version DESC LIMIT 4;
SELECT count(*) FROM wallet_check(:alice);
SELECT batch('b', 'a', ARRAY[balance]) FROM wallets WHERE id = :bob;

-- What is not about an item aborts the call: wallets and items stay as they were.
BEGIN READ ONLY;
SELECT * FROM wallet_transfer_batch(NULL, NULL, NULL);
ROLLBACK;
SELECT balance, version FROM wallets WHERE id = :alice;
-- A thousand items on three wallets.
SELECT count(*), count(DISTINCT transaction_id), min(sqlstate), max(sqlstate)
FROM (SELECT array_agg(payer ORDER BY n) AS payers, array_agg(payee ORDER BY n) AS payees, array_agg(0.0001 ORDER BY n) AS amounts, array_agg('t' || n ORDER BY n) AS keys
      FROM generate_series(1, 1000) AS n, LATERAL (SELECT (ids('a b ca'))[1 + n % 3] AS payer, (ids('b ca a'))[1 + n % 3] AS payee) AS item) AS items,
     wallet_transfer_batch(payers, payees, amounts, keys, false);
-- Typed arrays of other forms: bounds and dimensions are the caller's.
SELECT failure($$wallet_transfer_batch(ids('a b'), ids('b a'), '[5:6]={0.1,0.2}')$$);
SELECT user_id, balance, held, version FROM wallets ORDER BY id;
SELECT * FROM wallet_check();
SELECT currency, difference FROM wallet_totals();
