-- INV-5: a key does its thing once. Replays, requests that differ, keys of what failed.
\getenv abs_srcdir PG_ABS_SRCDIR
\set helper :abs_srcdir '/sql/helpers/failure.sql'
\i :helper
-- The first field that differs, what was stored and what was sent.
CREATE FUNCTION difference(call text) RETURNS text LANGUAGE sql AS $$
    SELECT regexp_replace(failure(call), '^(WL005).*("field".*), "transaction_id": "[-0-9a-f]{36}"}$', '\1 \2')
$$;

\set alice '''a0000000-0000-0000-0000-000000000001'''
\set bob '''b0000000-0000-0000-0000-000000000001'''
\set carol '''c0000000-0000-0000-0000-000000000001'''
SELECT wallet_create('alice', 'USD', :alice, 'create alice'), wallet_create('bob', 'USD', :bob), wallet_create('carol', 'USD', :carol);
SELECT wallet_fund(:alice, 100, 'fund', metadata => '{"n": 1.0, "list": [1, {"a": null}], "s": "x"}') AS fund \gset
SELECT wallet_withdraw(:alice, 10, 'withdraw') AS withdraw \gset
SELECT wallet_transfer(:alice, :bob, 20, 'transfer', 2, '{}') AS transfer \gset

-- The same again: the first id, and nothing happens. Amount and metadata by value; expected_version doesn't count.
SELECT wallet_fund(:alice, 100.0000, 'fund', metadata => '{"list": [1.0, {"a": null}], "s": "\u0078", "n": 1}') = :'fund' AS same,
       wallet_fund(:alice, 1e2, 'fund', 5, '{"n": 100e-2, "list": [1, {"a": null}], "s": "x"}') = :'fund' AS same,
       wallet_withdraw(:alice, 10, 'withdraw') = :'withdraw' AS same,
       wallet_withdraw(:alice, 10, 'withdraw', 0) = :'withdraw' AS same,
       wallet_transfer(:alice, :bob, 20.0, 'transfer', metadata => '{}') = :'transfer' AS same,
       wallet_transfer(:alice, :bob, 20, 'transfer', 999, '{}') = :'transfer' AS same;
SELECT user_id, balance, version FROM wallets ORDER BY id;
SELECT count(*) FROM wallet_ledger;
-- wallet.replayed tells one from the other.
SELECT current_setting('wallet.replayed') AS replayed, wallet_fund(:alice, 3) IS NOT NULL AS done, current_setting('wallet.replayed') AS replayed;
SELECT wallet_create('alice', 'USD', :alice, 'create alice') IS NOT NULL AS done, current_setting('wallet.replayed') AS replayed;
SELECT wallet_withdraw(:alice, 3, 'withdraw 3') IS NOT NULL AS done, current_setting('wallet.replayed') AS replayed;
-- Of the last call, also where that has no key, or failed.
SELECT wallet_withdraw(:alice, 3, 'withdraw 3') IS NOT NULL AS again, current_setting('wallet.replayed') AS replayed;
SELECT count(*), current_setting('wallet.replayed') AS replayed FROM wallet_transfer_batch('{}', '{}', '{}');
SELECT wallet_withdraw(:alice, 3, 'withdraw 3') IS NOT NULL AS again, wallet_lock(ARRAY[:alice]::uuid[]), current_setting('wallet.replayed') AS replayed;
SELECT wallet_withdraw(:alice, 3, 'withdraw 3') IS NOT NULL AS again, wallet_expire_holds(), current_setting('wallet.replayed') AS replayed;
SELECT wallet_withdraw(:alice, 3, 'withdraw 3') IS NOT NULL AS again, failure($$wallet_fund('a0000000-0000-0000-0000-000000000001', -1)$$), current_setting('wallet.replayed') AS replayed;
SET wallet.replayed = on;
SHOW wallet.replayed;

-- Each field, in the order in which they are compared.
SELECT difference(call)
FROM (VALUES ($$wallet_withdraw('b0000000-0000-0000-0000-000000000001', 1, 'fund')$$),
             ($$wallet_transfer('a0000000-0000-0000-0000-000000000001', 'b0000000-0000-0000-0000-000000000001', 1, 'fund')$$),
             ($$wallet_create('alice', idempotency_key => 'fund')$$),
             ($$wallet_fund('a0000000-0000-0000-0000-000000000001', 1, 'create alice')$$),
             ($$wallet_fund('a0000000-0000-0000-0000-000000000001', 20, 'transfer')$$),
             ($$wallet_fund('b0000000-0000-0000-0000-000000000001', 1, 'fund')$$),
             ($$wallet_fund('a0000000-0000-0000-0000-000000000001', 1, 'fund')$$),
             ($$wallet_fund('a0000000-0000-0000-0000-000000000001', 100.0001, 'fund')$$),
             ($$wallet_fund('a0000000-0000-0000-0000-000000000001', 100, 'fund')$$),
             ($$wallet_fund('a0000000-0000-0000-0000-000000000001', 100, 'fund', metadata => '{"n": 1}')$$),
             ($$wallet_fund('a0000000-0000-0000-0000-000000000001', 100, 'fund', metadata => '{"n": "1.0", "list": [1, {"a": null}], "s": "x"}')$$),
             ($$wallet_withdraw('a0000000-0000-0000-0000-000000000001', 10, 'withdraw', metadata => '{}')$$),
             ($$wallet_transfer('a0000000-0000-0000-0000-000000000001', 'b0000000-0000-0000-0000-000000000001', 20, 'transfer')$$),
             ($$wallet_transfer('b0000000-0000-0000-0000-000000000001', 'a0000000-0000-0000-0000-000000000001', 1, 'transfer')$$),
             ($$wallet_transfer('a0000000-0000-0000-0000-000000000001', 'c0000000-0000-0000-0000-000000000001', 1, 'transfer')$$),
             ($$wallet_transfer('a0000000-0000-0000-0000-000000000001', 'b0000000-0000-0000-0000-000000000001', 21, 'transfer')$$)) AS request (call);
-- The whole error, once.
SELECT replace(failure($$wallet_fund('a0000000-0000-0000-0000-000000000001', 7, 'fund')$$), :'fund', '(the first operation)');

-- A replay is recognised before the wallet's version, existence, state and means.
SELECT wallet_withdraw(:alice, 70, 'empty it') AS emptied \gset
SELECT wallet_withdraw(:alice, 70, 'empty it', 3) = :'emptied' AS same, balance FROM wallets WHERE id = :alice;
SELECT difference($$wallet_fund('d0000000-0000-0000-0000-000000000001', 100, 'fund')$$);
-- Frozen, closed, gone: states are put in by hand, where the guard is taken away.
BEGIN;
ALTER TABLE wallets DISABLE TRIGGER wallet_guard, DISABLE TRIGGER wallet_guard_row;
UPDATE wallets SET status = 'frozen' WHERE id = :alice;
SELECT wallet_withdraw(:alice, 10, 'withdraw') = :'withdraw' AS same, difference($$wallet_withdraw('a0000000-0000-0000-0000-000000000001', 11, 'withdraw')$$),
       failure($$wallet_withdraw('a0000000-0000-0000-0000-000000000001', 10, 'new')$$);
UPDATE wallets SET status = 'closed' WHERE id IN (:alice, :bob);
SELECT wallet_transfer(:alice, :bob, 20, 'transfer', metadata => '{}') = :'transfer' AS same;
DELETE FROM wallets WHERE id = :bob;
SELECT wallet_transfer(:alice, :bob, 20, 'transfer', metadata => '{}') = :'transfer' AS same;
ROLLBACK;
-- But not before NULL, malformed, a bad amount and one wallet twice.
SELECT failure($$wallet_fund(NULL, 100, 'fund')$$);
SELECT failure($$wallet_fund('a0000000-0000-0000-0000-000000000001', 100, 'fund', -1)$$);
SELECT failure($$wallet_fund('a0000000-0000-0000-0000-000000000001', 0, 'fund')$$);
SELECT failure($$wallet_transfer('a0000000-0000-0000-0000-000000000001', 'a0000000-0000-0000-0000-000000000001', 20, 'transfer')$$);

-- What failed or was rolled back leaves its key free.
SELECT failure($$wallet_withdraw('a0000000-0000-0000-0000-000000000001', 1000000, 'again')$$) LIKE 'WL002 %' AS refused;
SELECT failure($$wallet_fund('d0000000-0000-0000-0000-000000000001', 1, 'again')$$) LIKE 'WL001 %' AS refused;
BEGIN;
SELECT wallet_fund(:alice, 5, 'again') IS NOT NULL AS funded;
ROLLBACK;
BEGIN;
SAVEPOINT before;
SELECT wallet_fund(:alice, 6, 'again') IS NOT NULL AS funded;
ROLLBACK TO before;
SELECT wallet_fund(:alice, 7, 'again') AS again \gset
SAVEPOINT after;
SELECT wallet_fund(:alice, 7, 'again') = :'again' AS same_in_its_own_transaction;
SELECT difference($$wallet_fund('a0000000-0000-0000-0000-000000000001', 8, 'again')$$);
ROLLBACK TO after;
COMMIT;
SELECT wallet_fund(:alice, 7, 'again') = :'again' AS same;
-- Twice in one statement.
SELECT count(DISTINCT id), count(*) FROM (SELECT wallet_fund(:alice, 1, 'one statement') AS id FROM generate_series(1, 5)) AS calls;
SELECT wallet_fund(:alice, 1, 'here') = wallet_fund(:alice, 1, 'here') AS same;
SELECT wallet_create('dora', idempotency_key => 'dora') = wallet_create('dora', idempotency_key => 'dora') AS same;
SELECT balance FROM wallets WHERE id = :alice;

-- Keys are bytes: 1 to 255 of them, case, accents and blanks count; no order of a collation joins them.
SELECT count(wallet_fund(:alice, 1, key)) AS funded
FROM unnest(ARRAY['a', 'A', ' a', 'a ', 'á', U&'a\0301', 'ä', U&'a\0308', '1', '01', '%', E'\\', '''', '"', '💶', repeat('k', 255), repeat('é', 127), repeat('é', 127) || 'k', repeat('💶', 63) || '123']) AS key;
SELECT count(*), count(DISTINCT idempotency_key), max(octet_length(idempotency_key)) FROM wallet_ledger WHERE amount = 1 AND idempotency_key NOT IN ('one statement', 'here');
SELECT failure(format('wallet_fund(%L, 1, %L)', :alice, key)) FROM unnest(ARRAY['', repeat('k', 256), repeat('é', 128), repeat('💶', 64), E'\t', E'k\n', E'\x7f', chr(133)]) AS key;
SELECT difference(format('wallet_fund(%L, 2, %L)', :alice, E'\\'));
-- A key that comes compressed or out of line.
CREATE TABLE parcel (key text, filler text, metadata jsonb);
ALTER TABLE parcel ALTER filler SET STORAGE PLAIN;
INSERT INTO parcel VALUES (repeat('p', 255), repeat('f', 7000), jsonb_build_object('a', repeat('m', 8000)));
SELECT wallet_fund(:alice, 1, key, metadata => metadata) = wallet_fund(:alice, 1, key, metadata => metadata) AS same FROM parcel;
SELECT length(metadata ->> 'a') FROM wallet_ledger WHERE idempotency_key = repeat('p', 255);
-- Without a key, every call is another.
SELECT wallet_fund(:alice, 1) <> wallet_fund(:alice, 1) AS differ;
SELECT count(*) AS divergences FROM wallet_check();
