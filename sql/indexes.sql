-- Whatever index an administrator adds is kept (INV-13): what it finds is what a sequential scan finds, checked by amcheck too.
CREATE EXTENSION wallet;
CREATE EXTENSION amcheck;
SELECT count(wallet_create('user ' || n % 7, CASE n % 3 WHEN 0 THEN 'EUR' ELSE 'USD' END, ('a0000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, metadata => jsonb_build_object('n', n)))
FROM generate_series(1, 60) AS n;

-- Money in every wallet, moved about, with keys and metadata, so that rows leave their pages too.
CREATE PROCEDURE move(tag text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM wallet_fund(id, 10 + version, 'fund ' || tag || id, metadata => jsonb_build_object('tag', tag, 'filler', repeat('x', 100))) FROM wallets;
    COMMIT;
    FOR n IN 1 .. 20 LOOP
        PERFORM wallet_transfer(payer.id, payee.id, 0.5, format('%s %s %s %s', tag, n, payer.id, payee.id))
        FROM wallets AS payer JOIN wallets AS payee ON payee.currency = payer.currency AND payee.id > payer.id
        WHERE payer.user_id = 'user ' || n % 7 AND payer.balance >= 5 AND payee.user_id = 'user 3';
        IF n % 5 = 0 THEN ROLLBACK; ELSE COMMIT; END IF;
    END LOOP;
    PERFORM wallet_create('late ' || tag, 'USD', md5(tag || n)::uuid) FROM generate_series(1, 5) AS n;
END
$$;
-- Every valid btree index of the two tables holds every row of them, and no other.
CREATE FUNCTION unsound() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    index regclass;
BEGIN
    FOR index IN
        SELECT i.indexrelid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam
        WHERE i.indrelid IN ('wallets'::regclass, 'wallet_ledger'::regclass) AND a.amname = 'btree' AND i.indisvalid
    LOOP
        BEGIN
            PERFORM bt_index_parent_check(index, true, true);
        EXCEPTION WHEN OTHERS THEN
            RETURN NEXT index || ': ' || SQLERRM;
        END;
    END LOOP;
END
$$;
-- The same question answered through the indexes and through a sequential scan.
CREATE FUNCTION differing(question text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    by_index text[];
    by_scan text[];
BEGIN
    SET LOCAL enable_seqscan = off;
    EXECUTE format('SELECT array_agg(q::text ORDER BY q::text) FROM (%s) AS q', question) INTO by_index;
    SET LOCAL enable_seqscan = on;
    SET LOCAL enable_indexscan = off;
    SET LOCAL enable_indexonlyscan = off;
    SET LOCAL enable_bitmapscan = off;
    EXECUTE format('SELECT array_agg(q::text ORDER BY q::text) FROM (%s) AS q', question) INTO by_scan;
    ASSERT cardinality(by_scan) > 0, question;
    RETURN (SELECT count(*) FROM (SELECT unnest(by_index) EXCEPT SELECT unnest(by_scan)) AS more)
         + (SELECT count(*) FROM (SELECT unnest(by_scan) EXCEPT SELECT unnest(by_index)) AS less);
END
$$;

CALL move('own');
SELECT unsound();

-- Expression, partial, BRIN, hash, unique, GIN, covering and descending ones; some on what every operation changes.
CREATE INDEX added_expression ON wallets (upper(user_id), (balance - held));
CREATE INDEX added_partial ON wallets (balance) WHERE balance > 12 AND status = 'active';
CREATE INDEX added_brin ON wallets USING brin (updated_at) WITH (pages_per_range = 1);
CREATE INDEX added_hash ON wallets USING hash (user_id);
CREATE UNIQUE INDEX added_unique ON wallets (id, version) INCLUDE (balance);
CREATE INDEX added_not_null ON wallets (max_balance DESC) WHERE max_balance IS NOT NULL;
CREATE INDEX added_ledger_expression ON wallet_ledger ((metadata ->> 'tag'), amount DESC NULLS LAST);
CREATE INDEX added_ledger_partial ON wallet_ledger (created_at) WHERE kind = 'TRANSFER';
CREATE INDEX added_ledger_brin ON wallet_ledger USING brin (created_at) WITH (pages_per_range = 1, autosummarize = off);
CREATE INDEX added_ledger_hash ON wallet_ledger USING hash (to_user_id);
CREATE INDEX added_ledger_gin ON wallet_ledger USING gin (metadata);
CREATE UNIQUE INDEX added_ledger_unique ON wallet_ledger (lower(idempotency_key)) WHERE idempotency_key ~ '^own';
CALL move('added');
SELECT unsound();
CREATE VIEW question (question) AS VALUES
    ('SELECT id, balance FROM wallets WHERE upper(user_id) = ''USER 3'''),
    ('SELECT id, balance FROM wallets WHERE upper(user_id) = ''USER 3'' AND balance - held > 20'),
    ('SELECT id FROM wallets WHERE balance > 12 AND status = ''active'''),
    ('SELECT id FROM wallets WHERE balance > 30 AND status = ''active'''),
    ('SELECT id FROM wallets WHERE updated_at >= (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY updated_at) FROM wallets)'),
    ('SELECT id FROM wallets WHERE user_id = ''user 3'''),
    ('SELECT w.id, w.version FROM wallets w WHERE (id, version) IN (SELECT id, version FROM wallets)'),
    ('SELECT transaction_id FROM wallet_ledger WHERE metadata ->> ''tag'' = ''added'''),
    ('SELECT transaction_id FROM wallet_ledger WHERE kind = ''TRANSFER'' AND created_at > ''2000-01-01'''),
    ('SELECT transaction_id FROM wallet_ledger WHERE created_at >= (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY created_at) FROM wallet_ledger)'),
    ('SELECT transaction_id FROM wallet_ledger WHERE to_user_id = ''user 3'''),
    ('SELECT transaction_id FROM wallet_ledger WHERE metadata @> ''{"tag": "added"}'''),
    ('SELECT transaction_id FROM wallet_ledger WHERE lower(idempotency_key) > ''own 1 b'' AND idempotency_key ~ ''^own'''),
    ('SELECT idempotency_key FROM wallet_ledger WHERE idempotency_key COLLATE "C" > ''added 7''');
SELECT sum(differing(question)) AS differences, count(*) AS questions FROM question;
-- An added unique index speaks for itself, with its own name.
BEGIN;
CREATE UNIQUE INDEX added_one_wallet ON wallets (user_id, currency) WHERE user_id LIKE 'single%';
SELECT wallet_create('single', 'USD') IS NOT NULL AS created;
SELECT wallet_create('single', 'USD');
ROLLBACK;
-- An index expression that fails, fails the call.
BEGIN;
CREATE INDEX added_failing ON wallets ((100 / (balance - 1234567)));
SELECT wallet_create('failing', 'USD', 'f0000000-0000-0000-0000-000000000001'), wallet_fund('f0000000-0000-0000-0000-000000000001', 1234566) IS NOT NULL AS funded;
SELECT wallet_fund('f0000000-0000-0000-0000-000000000001', 1);
ROLLBACK;

-- Built, rebuilt and dropped, concurrently and not, by a session that has written before.
CREATE INDEX CONCURRENTLY added_later ON wallets (version, id);
CALL move('later');
REINDEX INDEX CONCURRENTLY wallets_pkey;
REINDEX TABLE CONCURRENTLY wallet_ledger;
CALL move('rebuilt');
DROP INDEX CONCURRENTLY added_later;
DROP INDEX added_expression, added_brin, added_ledger_gin, added_unique;
CALL move('dropped');
SELECT unsound();
SELECT sum(differing(question)) AS differences, count(*) AS questions FROM question;
-- Indexes of keys: a second one, one without a condition, some that include columns; then without the extension's own.
CREATE UNIQUE INDEX added_keys ON wallet_ledger (idempotency_key);
CREATE UNIQUE INDEX added_keys_of_payees ON wallet_ledger (idempotency_key) WHERE to_wallet_id IS NOT NULL;
CALL move('keys');
SELECT unsound();
DROP INDEX wallet_ledger_key_idx;
CALL move('without');
SELECT unsound();
CREATE UNIQUE INDEX added_keys_and_more ON wallet_ledger (idempotency_key) INCLUDE (kind, amount) WHERE idempotency_key IS NOT NULL;
DROP INDEX added_keys;
CALL move('included');
SELECT unsound();
ALTER TABLE wallet_ledger ADD tag text DEFAULT 'tagged';
CREATE UNIQUE INDEX added_keys_and_tags ON wallet_ledger (idempotency_key) INCLUDE (tag);
DROP INDEX added_keys_and_more;
CALL move('tagged');
SELECT unsound();
SELECT wallet_create('twice', 'USD', 'e0000000-0000-0000-0000-000000000001', 'of twice') = wallet_create('twice', 'USD', 'e0000000-0000-0000-0000-000000000001', 'of twice') AS same;
SELECT operation FROM wallet_lookup('of twice');
-- Built and taken back in the same transaction as calls.
BEGIN;
SELECT count(wallet_fund(id, 1)) FROM wallets;
CREATE INDEX added_inside ON wallets (balance);
SELECT count(wallet_fund(id, 1)) FROM wallets;
SELECT unsound();
ROLLBACK;
SELECT count(wallet_fund(id, 1)) FROM wallets;
SELECT unsound();
SELECT count(*) AS divergences FROM wallet_check();
