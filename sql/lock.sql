-- wallet_lock: the row locks of many wallets, for a transaction of several calls.
\getenv abs_srcdir PG_ABS_SRCDIR
\set helper :abs_srcdir '/sql/helpers/failure.sql'
\i :helper

SELECT count(wallet_create('u' || n, 'USD', ('a0000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid)) FROM generate_series(1, 5) AS n;
INSERT INTO wallets (id, user_id, currency, status, created_at, updated_at)
VALUES ('c0000000-0000-0000-0000-000000000001', 'closed', 'USD', 'closed', now(), now());

-- Any order, repetitions, any state, no wallet at all, several dimensions.
SELECT wallet_lock('{}');
SELECT wallet_lock(array_agg(id ORDER BY id DESC)) FROM wallets;
SELECT wallet_lock('{a0000000-0000-0000-0000-000000000002, a0000000-0000-0000-0000-000000000001, a0000000-0000-0000-0000-000000000002}');
SELECT wallet_lock('{{a0000000-0000-0000-0000-000000000002, a0000000-0000-0000-0000-000000000001}, {a0000000-0000-0000-0000-000000000003, a0000000-0000-0000-0000-000000000001}}');
SELECT wallet_lock('[5:6]={a0000000-0000-0000-0000-000000000002, a0000000-0000-0000-0000-000000000001}');

SELECT failure('wallet_lock(NULL)');
SELECT failure('wallet_lock(ARRAY[NULL]::uuid[])');
SELECT failure('wallet_lock(''{a0000000-0000-0000-0000-000000000002, 00000000-0000-0000-0000-000000000000}'')');
SELECT failure('wallet_lock(''{a0000000-0000-0000-0000-000000000002, d0000000-0000-0000-0000-000000000001}'')');
SELECT failure('wallet_lock(array_fill(''a0000000-0000-0000-0000-000000000001''::uuid, ''{10001}''))');
SELECT wallet_lock(array_fill('a0000000-0000-0000-0000-000000000001'::uuid, '{10000}'));

-- It locks and changes nothing; locked rows can be written by the same transaction, and locked again.
BEGIN;
SELECT wallet_lock(array_agg(id)) FROM wallets WHERE user_id LIKE 'u_';
SELECT sum(version) FROM wallets;
SELECT wallet_fund('a0000000-0000-0000-0000-000000000003', 10) IS NOT NULL AS funded;
SELECT wallet_lock(array_agg(id)) FROM wallets WHERE user_id LIKE 'u_';
SELECT wallet_transfer('a0000000-0000-0000-0000-000000000003', 'a0000000-0000-0000-0000-000000000001', 4) IS NOT NULL AS paid;
COMMIT;
BEGIN;
SELECT id FROM wallets WHERE user_id = 'u3' FOR UPDATE;
SELECT wallet_lock('{a0000000-0000-0000-0000-000000000003}');
SELECT wallet_withdraw('a0000000-0000-0000-0000-000000000003', 1) IS NOT NULL AS withdrawn;
COMMIT;
BEGIN;
SELECT id FROM wallets WHERE user_id = 'u3' FOR KEY SHARE;
SELECT wallet_withdraw('a0000000-0000-0000-0000-000000000003', 1) IS NOT NULL AS withdrawn;
SELECT id FROM wallets WHERE user_id = 'u3' FOR SHARE;
SELECT wallet_withdraw('a0000000-0000-0000-0000-000000000003', 1) IS NOT NULL AS withdrawn;
COMMIT;
-- In the same statement as the calls it serves; rows locked by the statement that calls.
SELECT wallet_lock(ARRAY[id]), wallet_fund(id, 1) IS NOT NULL AS funded FROM wallets WHERE user_id LIKE 'u_' ORDER BY id;
SELECT count(wallet_fund(id, 1)) FROM (SELECT id FROM wallets WHERE user_id LIKE 'u_' FOR UPDATE) AS locked;
SELECT user_id, balance, version FROM wallets ORDER BY id;
SELECT failure('wallet_lock(''{a0000000-0000-0000-0000-000000000001}'', 1)');
SELECT DISTINCT check_name FROM wallet_check() WHERE wallet_id <> 'c0000000-0000-0000-0000-000000000001';
