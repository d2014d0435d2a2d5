-- wallet_create: what it makes, each argument, each error.
\getenv abs_srcdir PG_ABS_SRCDIR
\set helper :abs_srcdir '/sql/helpers/failure.sql'
\i :helper

\set alice '''a0000000-0000-0000-0000-000000000001'''
\set bob '''b0000000-0000-0000-0000-000000000001'''

-- All arguments; then only the user.
SELECT wallet_create('alice', 'EUR', :alice, 'create-alice', '{"plan": "gold"}');
SELECT wallet_create('bob') AS made \gset
SELECT user_id, currency, balance, held, credit_limit, max_balance, status, version,
       updated_at = created_at AS same_time, created_at <= clock_timestamp() AS not_in_the_future
FROM wallets ORDER BY user_id;
\x on
SELECT transaction_id <> to_wallet_id AS has_an_id_of_its_own, leg, kind, from_wallet_id, to_version, amount, currency, to_balance,
       to_held, to_status, to_user_id, idempotency_key, session_user_name = session_user AS by_session_user,
       current_user_name = current_user AS by_current_user, application_name, hold_id, reverses, forced,
       credit_limit, max_balance, expires_at, operation, requested_wallet_id, metadata
FROM wallet_ledger ORDER BY to_user_id;
\x off
SELECT w.user_id, e.type, e.version, e.amount, e.balance_after, e.created_at = w.created_at AS same_time
FROM wallet_transactions e JOIN wallets w ON w.id = e.wallet_id ORDER BY 1;

-- Ids that are made: UUID version 7 with the variant of RFC 9562, with the time of created_at.
SELECT substr(id::text, 15, 1) AS version, substr(id::text, 20, 1) IN ('8', '9', 'a', 'b') AS variant,
       ('x' || substr(translate(id::text, '-', ''), 1, 12))::bit(48)::bigint
           = floor(extract(epoch FROM created_at) * 1000) AS time_bits
FROM wallets WHERE id = :'made';

-- Named notation; the second wallet of a user and currency; the largest and smallest arguments.
SELECT wallet_create(currency => 'EUR', user_id => 'alice') <> :alice AS another_wallet;
SELECT wallet_create(repeat('x', 100), 'A1B') IS NOT NULL AS created;
SELECT wallet_create(repeat('é', 100), 'ABCDEFGHI9') IS NOT NULL AS created;
SELECT wallet_create('a "b" \', wallet_id => 'ffffffff-ffff-ffff-ffff-ffffffffffff');
SELECT wallet_create('empty metadata', metadata => '{}') IS NOT NULL AS created;
SELECT user_id, length(user_id), currency FROM wallets ORDER BY created_at;

-- NULL.
SELECT failure('wallet_create(NULL)');
SELECT failure('wallet_create(''x'', NULL)');

-- Malformed.
SELECT failure(format('wallet_create(%L, %L)', user_id, currency))
FROM (VALUES ('', 'USD'), (repeat('x', 101), 'USD'), (repeat('é', 101), 'USD'),
             ('x', ''), ('x', 'US'), ('x', 'usd'), ('x', 'USd'), ('x', '1SD'), ('x', 'ABCDEFGHIJK'),
             ('x', 'U-D'), ('x', 'USD '), ('x', ' USD'), ('x', 'ÜSD'), ('x', E'USD\n'), ('x', '_AB')) AS argument (user_id, currency);
-- What nobody can see or tell apart: blanks at the ends, control characters, marks of direction and width.
SELECT format('%s %s', to_hex(code), failure(format('wallet_create(%L)', name)))
FROM unnest('{32, 160, 5760, 8192, 8202, 8232, 8239, 8287, 12288}'::integer[]) AS code, LATERAL (VALUES (chr(code) || 'x'), ('x' || chr(code))) AS user_id (name);
SELECT format('%s %s', to_hex(code), failure(format('wallet_create(%L)', 'a' || chr(code) || 'b')))
FROM unnest('{1, 9, 10, 31, 127, 128, 159, 8203, 8207, 8234, 8238, 8288, 8297, 65279}'::integer[]) AS code;
SELECT count(wallet_create('a' || chr(code) || 'b')) AS created
FROM unnest('{32, 126, 160, 161, 8202, 8208, 8233, 8239, 8287, 8298, 12288, 65278, 128512}'::integer[]) AS code;
SELECT failure('wallet_create(''x'', wallet_id => ''00000000-0000-0000-0000-000000000000'')');
SELECT failure(format('wallet_create(''x'', idempotency_key => %L)', key))
FROM (VALUES (''), (repeat('k', 256)), (repeat('é', 128)), (E'k\n'), (E'\x7f'), ('k' || chr(133))) AS argument (key);
SELECT failure(format('wallet_create(''x'', metadata => %L)', metadata))
FROM (VALUES ('[]'), ('null'), ('1'), ('"text"'), ('[{"a": 1}]'),
             (jsonb_build_object('a', repeat('x', 8192 - 9 + 1))::text)) AS argument (metadata);
-- What common readers of JSON can't take: the object itself is level 1; digits count on both sides of the point.
SELECT depth, failure(format('wallet_create(''deep'', metadata => %L)', '{"a": ' || repeat('[', depth - 1) || repeat(']', depth - 1) || '}'))
FROM unnest('{2, 32, 33, 1000}'::integer[]) AS depth;
SELECT format('%s...', left(number, 8)), failure(format('wallet_create(''digits'', metadata => %L)', '{"a": [true, {"b": ' || number || '}]}'))
FROM (VALUES (repeat('9', 100)), (repeat('9', 101)), ('1e99'), ('1e100'), ('-0.' || repeat('1', 99)), ('0.' || repeat('1', 100)), ('1e-100'), ('1e131071')) AS argument (number);
SELECT wallet_create('large metadata', metadata => jsonb_build_object('a', repeat('x', 8192 - 9))) IS NOT NULL AS created;
-- Measured as it prints, in bytes.
SELECT wallet_create('spaces', metadata => ('{"a":' || repeat(' ', 9000) || '1}')::jsonb) IS NOT NULL AS created;
SELECT failure(format('wallet_create(''x'', metadata => %L)', jsonb_build_object('a', repeat('é', 4092))));

-- The id exists.
SELECT failure('wallet_create(''mallory'', ''EUR'', ' || quote_literal(:alice) || ')');
SELECT failure('wallet_create(''mallory'', ''EUR'', ' || quote_literal(:alice) || ', ''mallory'')');
-- The key that failed is free.
SELECT wallet_create('bob', 'EUR', :bob, 'mallory');

-- Replays, and requests that differ.
SELECT wallet_create('alice', 'EUR', :alice, 'create-alice', '{"plan": "gold"}') = :alice AS same_wallet;
SELECT wallet_create('carol', idempotency_key => 'create-carol') AS carol \gset
SELECT wallet_create('carol', 'USD', NULL, 'create-carol') = :'carol' AS same_wallet;
SELECT count(*) FROM wallets WHERE user_id IN ('alice', 'carol');
-- 'sent' of the made wallet is known to this test only by its place.
SELECT failure('wallet_create(''alice'', ''EUR'', ' || quote_literal(:bob) || ', ''create-alice'', ''{"plan": "gold"}'')') LIKE
    'WL005 % wallet_id differs {"idempotency_key": "create-alice", "field": "wallet_id", "stored": "a0000000-0000-0000-0000-000000000001", "sent": "b0000000-0000-0000-0000-000000000001", "transaction_id": "%"}' AS names_wallet_id;
SELECT regexp_replace(failure('wallet_create(' || arguments || ')'), '"transaction_id": "[-0-9a-f]{36}"', '"transaction_id": "..."')
FROM (VALUES ($$'mallory', 'EUR', 'a0000000-0000-0000-0000-000000000001', 'create-alice', '{"plan": "gold"}'$$),
             ($$'alice', 'USD', 'a0000000-0000-0000-0000-000000000001', 'create-alice', '{"plan": "gold"}'$$),
             ($$'alice', 'EUR', 'a0000000-0000-0000-0000-000000000001', 'create-alice', '{"plan": "silver"}'$$),
             ($$'alice', 'EUR', 'a0000000-0000-0000-0000-000000000001', 'create-alice'$$),
             ($$'alice', 'EUR', NULL, 'create-alice', '{"plan": "gold"}'$$),
             ($$'carol', 'USD', 'c0000000-0000-0000-0000-000000000001', 'create-carol'$$)) AS request (arguments);

SELECT count(*) AS divergences FROM wallet_check();

-- Tens of thousands of keys in one transaction take no lock each: the server's lock table is small.
BEGIN;
SELECT count(wallet_create('many', idempotency_key => 'many ' || n)) FROM generate_series(1, 20000) AS n;
SELECT count(*) < 100 AS few_locks FROM pg_locks WHERE pid = pg_backend_pid();
SELECT count(wallet_create('many', idempotency_key => 'many ' || n)) FROM generate_series(1, 20000) AS n;
SELECT count(*) FROM wallets WHERE user_id = 'many';
ROLLBACK;
