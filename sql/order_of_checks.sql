-- Two faults at once: the one that stands first in the order of the error table is raised.
\getenv abs_srcdir PG_ABS_SRCDIR
\set helper :abs_srcdir '/sql/helpers/failure.sql'
\i :helper

\set alice '''a0000000-0000-0000-0000-000000000001'''
SELECT wallet_create('alice', 'USD', :alice), wallet_create('bob', 'USD', 'b0000000-0000-0000-0000-000000000001');
SELECT wallet_fund(:alice, 10, 'taken') IS NOT NULL AS funded;
INSERT INTO wallets (id, user_id, currency, balance, status, max_balance, created_at, updated_at)
VALUES ('c0000000-0000-0000-0000-000000000001', 'closed', 'USD', 0, 'closed', NULL, now(), now()),
       ('c0000000-0000-0000-0000-000000000002', 'closed', 'EUR', 0, 'closed', NULL, now(), now()),
       ('f0000000-0000-0000-0000-000000000001', 'frozen', 'USD', 0, 'frozen', NULL, now(), now()),
       ('e0000000-0000-0000-0000-000000000001', 'euro', 'EUR', 0, 'active', 0, now(), now()),
       ('aa000000-0000-0000-0000-000000000001', 'full', 'USD', 0, 'active', 0, now(), now());

-- a: alice, has 10 · b: bob, has 0 · c: closed · f: frozen · e: euro and full · m: full · n: nobody · 0: nil · x: NULL
CREATE FUNCTION transfer(payer text, payee text, rest text) RETURNS text LANGUAGE sql AS $$
    SELECT left(failure(format('wallet_transfer(%s, %s, %s)', ids ->> payer, ids ->> payee, rest)), 5)
    FROM (SELECT jsonb_object_agg(letter, id) AS ids FROM (
        SELECT left(user_id, 1), quote_literal(id) FROM wallets WHERE id <> 'c0000000-0000-0000-0000-000000000002' AND user_id <> 'full'
        UNION ALL VALUES ('m', '''aa000000-0000-0000-0000-000000000001'''), ('n', '''d0000000-0000-0000-0000-000000000001'''),
            ('d', '''c0000000-0000-0000-0000-000000000002'''), ('0', '''00000000-0000-0000-0000-000000000000'''), ('x', 'NULL')) AS named (letter, id)) AS names
$$;
SELECT *, transfer(payer, payee, rest) AS code
FROM (VALUES (1, 'x', '0', '1', 'NULL, before a nil id'),
             (2, 'x', 'b', '0, '''', -1, ''[]''', 'NULL, before everything malformed'),
             (3, 'a', '0', '0', 'a nil id, before the amount'),
             (4, 'a', 'b', '0, ''''', 'an empty key, before the amount'),
             (5, 'a', 'b', '-1, NULL, -1', 'a negative version, before the amount'),
             (6, 'a', 'b', '0.00001, metadata => ''7''', 'metadata, before the amount'),
             (7, 'a', 'a', '0', 'the amount, before one wallet twice'),
             (8, 'a', 'a', '1, ''taken''', 'one wallet twice, before the key'),
             (9, 'n', 'n', '1', 'one wallet twice, before no wallet'),
             (10, 'n', 'b', '1, ''taken''', 'the key, before no wallet'),
             (11, 'a', 'b', '1, ''taken'', 77', 'the key, before the version'),
             (12, 'c', 'b', '1, ''taken''', 'the key, before closed'),
             (13, 'b', 'a', '1, ''taken''', 'the key, before funds'),
             (14, 'a', 'n', '1, NULL, 77', 'no second wallet, before the version'),
             (15, 'c', 'n', '1', 'no second wallet, before closed'),
             (16, 'n', 'c', '1', 'no first wallet, before closed'),
             (17, 'c', 'b', '1, NULL, 77', 'the version, before closed'),
             (18, 'f', 'b', '1, NULL, 77', 'the version, before frozen'),
             (19, 'a', 'e', '1, NULL, 77', 'the version, before the currency'),
             (20, 'b', 'a', '1, NULL, 77', 'the version, before funds'),
             (21, 'f', 'c', '1', 'the first wallet frozen, before the second closed'),
             (22, 'c', 'f', '1', 'the first wallet closed, before the second frozen'),
             (23, 'a', 'd', '1', 'the second wallet closed, before its currency'),
             (24, 'f', 'e', '1', 'frozen, before the currency'),
             (25, 'b', 'c', '1', 'the second wallet closed, before funds'),
             (26, 'b', 'f', '1', 'the second wallet frozen, before funds'),
             (27, 'b', 'e', '1', 'the currency, before funds'),
             (28, 'a', 'e', '1', 'the currency, before the limit'),
             (29, 'b', 'm', '1', 'funds, before the limit'),
             (30, 'a', 'm', '1', 'the limit'),
             (31, 'a', 'b', '10', 'nothing is wrong')) AS fault (n, payer, payee, rest, first)
ORDER BY n;

-- A wallet that is unknown twice over: the first named is reported.
SELECT failure('wallet_transfer(''d0000000-0000-0000-0000-000000000002'', ''d0000000-0000-0000-0000-000000000001'', 1)');
-- wallet_create.
SELECT left(failure('wallet_create(' || arguments || ')'), 5) AS code, first
FROM (VALUES ($$'', NULL$$, 'NULL, before malformed'),
             ($$'', 'USD', '00000000-0000-0000-0000-000000000000', 'taken'$$, 'malformed, before the key'),
             ($$'alice', 'usd', 'a0000000-0000-0000-0000-000000000001'$$, 'malformed, before the id'),
             ($$'alice', 'USD', 'a0000000-0000-0000-0000-000000000001', 'taken'$$, 'the key, before the id'),
             ($$'alice', 'USD', 'a0000000-0000-0000-0000-000000000001', 'free'$$, 'the id')) AS request (arguments, first);
-- wallet_lock: a NULL before a nil id or too many.
SET wallet.max_batch_items = 2;
SELECT left(failure('wallet_lock(' || arguments || ')'), 5) AS code, first
FROM (VALUES ('NULL', 'NULL'),
             ('ARRAY[''00000000-0000-0000-0000-000000000000'', NULL]::uuid[]', 'NULL, before a nil id'),
             ('ARRAY[NULL, NULL, NULL]::uuid[]', 'NULL, before too many'),
             ('ARRAY[''d0000000-0000-0000-0000-000000000001'', ''00000000-0000-0000-0000-000000000000'']::uuid[]', 'a nil id, before no wallet'),
             ('array_fill(''d0000000-0000-0000-0000-000000000001''::uuid, ''{3}'')', 'too many, before no wallet')) AS request (arguments, first);
RESET wallet.max_batch_items;
-- In a read-only transaction nothing else is looked at.
BEGIN READ ONLY;
SAVEPOINT before;
SELECT wallet_fund(NULL, NULL);
ROLLBACK TO before;
SELECT wallet_create(NULL);
ROLLBACK TO before;
SELECT wallet_lock(NULL);
ROLLBACK;
SELECT count(*) AS rows FROM wallet_ledger;
