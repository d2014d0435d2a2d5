-- wallet_transactions: one row per entry, read by two index scans whatever the wallet's size; and the
-- queries of the original system as they stand.
CREATE EXTENSION wallet;
\set alice '''a0000000-0000-0000-0000-000000000001'''
\set bob '''b0000000-0000-0000-0000-000000000001'''
SELECT wallet_create('alice', 'USD', :alice), wallet_create('bob', 'USD', :bob);
SELECT count(wallet_fund(:alice, 10)) FROM generate_series(1, 200);
SELECT count(wallet_transfer(:alice, :bob, 3)) FROM generate_series(1, 500);
SELECT count(wallet_transfer(:bob, :alice, 1)) FROM generate_series(1, 300);

-- Columns, and comparison with plain literals.
SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum)
FROM pg_attribute WHERE attrelid = 'wallet_transactions'::regclass;
SELECT type, count(*), sum(amount) FROM wallet_transactions
WHERE wallet_id = 'a0000000-0000-0000-0000-000000000001' AND type IN ('FUND', 'TRANSFER_IN', 'TRANSFER_OUT')
GROUP BY type ORDER BY type;
SELECT wallet_id, version, type, amount, counterparty_wallet_id, balance_after, held_after, status_after, user_id,
       currency, hold_id, forced, metadata
FROM wallet_transactions WHERE wallet_id = :bob ORDER BY version DESC LIMIT 3;

-- The newest entries are the top of a merge of the two side indexes: nothing is sorted, nothing else read.
ANALYZE wallet_ledger;
EXPLAIN (COSTS OFF) SELECT * FROM wallet_transactions
WHERE wallet_id = 'a0000000-0000-0000-0000-000000000001' ORDER BY version DESC LIMIT 20;
EXPLAIN (COSTS OFF) SELECT * FROM wallet_transactions
WHERE wallet_id = 'a0000000-0000-0000-0000-000000000001' AND version < 400 ORDER BY version DESC LIMIT 20;
EXPLAIN (COSTS OFF) SELECT * FROM wallet_transactions
WHERE wallet_id = 'a0000000-0000-0000-0000-000000000001' ORDER BY version LIMIT 20;
EXPLAIN (COSTS OFF) SELECT * FROM wallet_transactions
WHERE wallet_id = 'a0000000-0000-0000-0000-000000000001' AND version = 7;
PREPARE newest(uuid, integer) AS SELECT version FROM wallet_transactions WHERE wallet_id = $1 ORDER BY version DESC LIMIT $2;
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE newest(:alice, 5);
EXECUTE newest(:alice, 5);
RESET plan_cache_mode;

-- Every kind and side has its type.
BEGIN;
INSERT INTO wallet_ledger (transaction_id, leg, kind, amount, currency, created_at, from_wallet_id, from_version,
    from_balance, from_held, from_status, from_user_id, session_user_name, current_user_name, application_name)
SELECT gen_random_uuid(), 0, kind, 1, 'USD', now(), 'c0000000-0000-0000-0000-000000000001', row_number() OVER (),
       1, 2, 'active', 'carol', '', '', ''
FROM unnest(ARRAY['WITHDRAW', 'TRANSFER', 'HOLD', 'CAPTURE', 'REVERSAL']) AS kind;
INSERT INTO wallet_ledger (transaction_id, leg, kind, amount, currency, created_at, to_wallet_id, to_version,
    to_balance, to_held, to_status, to_user_id, session_user_name, current_user_name, application_name)
SELECT gen_random_uuid(), 0, kind, 1, 'USD', now(), 'c0000000-0000-0000-0000-000000000001', 5 + row_number() OVER (),
       3, 4, 'frozen', 'carol', '', '', ''
FROM unnest(ARRAY['CREATED', 'FUND', 'TRANSFER', 'RELEASE', 'EXPIRE', 'CAPTURE', 'REVERSAL', 'STATUS', 'LIMITS']) AS kind;
SELECT version, type, balance_after, held_after, status_after
FROM wallet_transactions WHERE wallet_id = 'c0000000-0000-0000-0000-000000000001' ORDER BY version;
-- A movement has whole sides and at least one, and no version twice on a side.
\set VERBOSITY terse
SAVEPOINT side;
INSERT INTO wallet_ledger (transaction_id, leg, kind, amount, currency, created_at, session_user_name, current_user_name, application_name)
VALUES (gen_random_uuid(), 0, 'FUND', 1, 'USD', now(), '', '', '');
ROLLBACK TO side;
INSERT INTO wallet_ledger (transaction_id, leg, kind, amount, currency, created_at, to_wallet_id, session_user_name, current_user_name, application_name)
VALUES (gen_random_uuid(), 0, 'FUND', 1, 'USD', now(), 'c0000000-0000-0000-0000-000000000001', '', '', '');
ROLLBACK TO side;
INSERT INTO wallet_ledger (transaction_id, leg, kind, amount, currency, created_at, to_wallet_id, to_version,
    to_balance, to_held, to_status, to_user_id, session_user_name, current_user_name, application_name)
VALUES (gen_random_uuid(), 0, 'FUND', 1, 'USD', now(), 'c0000000-0000-0000-0000-000000000001', 6, 1, 0, 'active', 'carol', '', '', '');
ROLLBACK;

-- The original system's history query, and its check of balances against movements.
INSERT INTO transaction_events (id, wallet_id, user_id, amount, event_type, transaction_id, created_at, event_data, version)
SELECT gen_random_uuid(), wallet_id, user_id, amount, type, transaction_id, created_at, '{}', version
FROM wallet_transactions WHERE wallet_id = :alice AND version < 3;
SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'transaction_events'::regclass AND attnum > 0;
CREATE TEMPORARY TABLE original AS
SELECT * FROM transaction_events WHERE wallet_id = 'a0000000-0000-0000-0000-000000000001' ORDER BY created_at DESC;
SELECT event_type, amount, user_id FROM original;
PREPARE original_history(text) AS SELECT event_type FROM transaction_events WHERE wallet_id = $1::uuid ORDER BY created_at DESC;
EXECUTE original_history('a0000000-0000-0000-0000-000000000001');

SELECT w.id, w.balance,
       COALESCE(SUM(CASE WHEN t.type IN ('FUND', 'TRANSFER_IN') THEN t.amount
                         WHEN t.type = 'TRANSFER_OUT' THEN -t.amount
                         ELSE 0 END), 0) AS calculated_balance
FROM wallets w
LEFT JOIN wallet_transactions t ON w.id = t.wallet_id
GROUP BY w.id, w.balance
ORDER BY w.id;
SELECT w.id
FROM wallets w
LEFT JOIN wallet_transactions t ON w.id = t.wallet_id
GROUP BY w.id, w.balance
HAVING w.balance <> COALESCE(SUM(CASE WHEN t.type IN ('FUND', 'TRANSFER_IN') THEN t.amount
                                      WHEN t.type = 'TRANSFER_OUT' THEN -t.amount
                                      ELSE 0 END), 0);
