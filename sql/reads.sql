-- What the reads return: the operations behind them are real ones, holds and history are put in by hand.
CREATE EXTENSION wallet;
\getenv abs_srcdir PG_ABS_SRCDIR
\set helper :abs_srcdir '/sql/helpers/failure.sql'
\i :helper
\set SHOW_CONTEXT never
\set alice '''a0000000-0000-0000-0000-000000000001'''
\set second '''a0000000-0000-0000-0000-000000000002'''
\set bob '''b0000000-0000-0000-0000-000000000001'''
\set nobody '''c0000000-0000-0000-0000-000000000001'''
\set hold '''d0000000-0000-0000-0000-000000000001'''

SELECT wallet_create('alice', 'USD', :alice, metadata => '{"plan": "gold"}');
SELECT wallet_create('alice', 'EUR', :second);
SELECT wallet_create('bob', 'USD', :bob);
SELECT wallet_fund(:alice, 100, 'fund-1') IS NOT NULL AS funded;
SELECT wallet_transfer(:alice, :bob, 25.5, 'pay-1', metadata => '{"order": 17}') AS paid \gset

-- wallet_get: the columns of wallets in their order, then available and metadata.
\x on
SELECT id, user_id, currency, balance, held, credit_limit, max_balance, status, version,
       updated_at > created_at AS was_updated, available, metadata
FROM wallet_get(:alice);
SELECT g.created_at = w.created_at AS same_created_at, g.updated_at = w.updated_at AS same_updated_at, g.metadata
FROM wallets w, wallet_get(w.id) g
WHERE w.id = :bob;
\x off
SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum)
       LIKE (SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum)
             FROM pg_attribute WHERE attrelid = 'wallets'::regclass AND attnum > 0 AND attname <> 'seal')
            || ', available numeric(19,4), metadata jsonb' AS has_the_columns_of_wallets
FROM pg_attribute
WHERE attrelid = 'wallet_details'::regclass AND attnum > 0;
SELECT failure(format('wallet_get(%L)', :nobody));
SELECT failure('wallet_get(NULL)');
-- Named notation, lateral calls and a prepared statement.
SELECT balance FROM wallet_get(wallet_id => :bob);
SELECT (wallet_get(:bob)).version;
PREPARE get(uuid) AS SELECT balance, version FROM wallet_get($1);
EXECUTE get(:alice);
EXECUTE get(:bob);

-- It sees the snapshot of the statement that calls it: not what the same statement does.
SELECT before.balance, wallet_fund(:bob, 1) IS NOT NULL AS funded, after.balance
FROM wallet_get(:bob) AS before, wallet_get(:bob) AS after;
SELECT balance FROM wallet_get(:bob);
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT balance, available FROM wallet_get(:bob);
SELECT count(*) FROM wallet_list('alice');
SELECT count(*) FROM wallet_receipt(:'paid');
SELECT operation FROM wallet_lookup('pay-1');
SELECT count(*) FROM wallet_check();
COMMIT;

-- available: what a debit may take. An expired hold no longer counts, though held still has it.
BEGIN;
ALTER TABLE wallets DISABLE TRIGGER wallet_guard, DISABLE TRIGGER wallet_guard_row;
UPDATE wallets SET held = 30, credit_limit = 5 WHERE id = :alice;
INSERT INTO wallet_holds (hold_id, wallet_id, amount, captured, released, expires_at, created_at) VALUES
    (:hold, :alice, 20, 4, 1, now() + interval '1 day', now()),
    ('d0000000-0000-0000-0000-000000000002', :alice, 15, 0, 0, now() - interval '1 second', now()),
    ('d0000000-0000-0000-0000-000000000003', :bob, 7, 0, 0, now() + interval '1 day', now());
INSERT INTO wallet_holds (hold_id, wallet_id, amount, captured, released, status, expires_at, created_at)
VALUES ('d0000000-0000-0000-0000-000000000004', :alice, 9, 9, 0, 'captured', now() + interval '1 day', now());
SELECT balance, held, credit_limit, available FROM wallet_get(:alice);
SELECT balance, held, available FROM wallet_list('alice');
SELECT expired_holds FROM wallet_health();
-- By the clock, not by the start of the transaction: it expires while the transaction lasts.
ALTER TABLE wallet_holds DISABLE TRIGGER wallet_guard, DISABLE TRIGGER wallet_guard_row;
UPDATE wallet_holds SET expires_at = now() + interval '1 microsecond' WHERE hold_id = :hold;
SELECT available FROM wallet_get(:alice);
ROLLBACK;
-- The largest amounts do not overflow.
BEGIN;
ALTER TABLE wallets DISABLE TRIGGER wallet_guard, DISABLE TRIGGER wallet_guard_row;
UPDATE wallets SET balance = 999999999999999.9999 WHERE id = :alice;
SELECT available FROM wallet_get(:alice);
ROLLBACK;

-- wallet_list: oldest first, no row for an unknown user.
SELECT id, currency, balance, available, metadata FROM wallet_list('alice');
SELECT count(*) FROM wallet_list('nobody');
SELECT failure('wallet_list(NULL)');

-- wallet_receipt: the operation's entries, also of an operation of the same statement.
SELECT wallet_id, version, type, amount, counterparty_wallet_id, balance_after, held_after, status_after,
       user_id, currency, hold_id, forced, metadata, transaction_id = :'paid' AS of_this
FROM wallet_receipt(:'paid');
SELECT wallet_id, version, type, amount, balance_after FROM wallet_receipt(wallet_transfer(:bob, :alice, 0.5));
SELECT wallet_id, version, type, amount, balance_after FROM wallet_receipt(wallet_withdraw(:bob, 1));
SELECT type, user_id FROM wallet_receipt((SELECT transaction_id FROM wallet_transactions
                                          WHERE wallet_id = :second AND version = 0));
SELECT (wallet_receipt(:'paid')).type;
SELECT count(*) FROM wallet_receipt(:nobody);
SELECT failure('wallet_receipt(NULL)');
-- It sees what this transaction did, under every isolation level, and not what others did meanwhile.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT type, balance_after FROM wallet_receipt(wallet_fund(:second, 2));
SELECT type, balance_after FROM wallet_receipt(wallet_withdraw(:second, 1));
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT type, balance_after FROM wallet_receipt(wallet_fund(:second, 2));
ROLLBACK;
-- As the view shows it, whatever the kind; legs in their order.
BEGIN;
INSERT INTO wallet_ledger (transaction_id, leg, kind, amount, currency, created_at, from_wallet_id, from_version,
    from_balance, from_held, from_status, from_user_id, to_wallet_id, to_version, to_balance, to_held, to_status, to_user_id,
    hold_id, forced, metadata, session_user_name, current_user_name, application_name)
SELECT :nobody, leg, kind, leg, 'USD', now(), :nobody, leg, 10 + leg, leg, 'active', 'f',
       :hold, leg, 20 + leg, leg, 'frozen', 't', :hold, leg = 1, '{"a": 1}', '', '', ''
FROM (VALUES (0, 'TRANSFER'), (2, 'CAPTURE'), (1, 'REVERSAL')) AS row (leg, kind);
SELECT wallet_id, version, type, amount, counterparty_wallet_id, balance_after, held_after, status_after, user_id, hold_id, forced, metadata
FROM wallet_receipt(:nobody);
CREATE TEMPORARY VIEW receipts AS
SELECT r.wallet_id, r.version, r.type, r.amount, r.transaction_id, r.counterparty_wallet_id, r.balance_after, r.held_after,
       r.status_after, r.user_id, r.currency, r.hold_id, r.forced, r.metadata, r.created_at
FROM (SELECT DISTINCT transaction_id FROM wallet_ledger) AS l, wallet_receipt(l.transaction_id) AS r;
SELECT count(*) AS differences FROM (
    (TABLE wallet_transactions EXCEPT TABLE receipts)
    UNION ALL
    (TABLE receipts EXCEPT TABLE wallet_transactions)
) AS difference;
ROLLBACK;

-- wallet_lookup: the key's owner.
SELECT transaction_id = :'paid' AS is_paid, operation, created_at = (SELECT DISTINCT created_at FROM wallet_receipt(:'paid')) AS then
FROM wallet_lookup('pay-1');
SELECT operation FROM wallet_lookup('fund-1');
SELECT wallet_create('carol', 'USD', idempotency_key => 'create-1') IS NOT NULL AS created;
SELECT operation FROM wallet_lookup('create-1');
SELECT count(*) FROM wallet_lookup('no such key');
SELECT failure('wallet_lookup(NULL)');
-- Keys are compared by their bytes, and the kind implies the function where the row names none.
BEGIN;
INSERT INTO wallet_ledger (transaction_id, leg, kind, amount, currency, created_at, to_wallet_id, to_version,
    to_balance, to_held, to_status, to_user_id, idempotency_key, operation, session_user_name, current_user_name,
    application_name)
SELECT gen_random_uuid(), 0, kind, 0, 'USD', now(), gen_random_uuid(), 0, 0, 0, 'active', 'x', 'of ' || kind || coalesce(operation, ''),
       operation, '', '', ''
FROM (VALUES ('CREATED', NULL), ('FUND', NULL), ('WITHDRAW', NULL), ('TRANSFER', NULL), ('TRANSFER', 'wallet_post'),
    ('HOLD', NULL), ('CAPTURE', NULL), ('RELEASE', NULL), ('EXPIRE', NULL), ('REVERSAL', NULL),
    ('REVERSAL', 'wallet_reverse_force'), ('STATUS', 'wallet_freeze'), ('LIMITS', NULL)) AS row (kind, operation);
SELECT kind, operation_of.operation
FROM wallet_ledger, wallet_lookup(idempotency_key) AS operation_of
WHERE idempotency_key LIKE 'of %'
ORDER BY idempotency_key;
SELECT count(*) FROM wallet_lookup('OF FUND');
ROLLBACK;

-- History: pages by version and by (created_at, id), newest first.
INSERT INTO transaction_events (id, wallet_id, user_id, amount, event_type, transaction_id, created_at, event_data, version)
SELECT ('e0000000-0000-0000-000' || (wallet = :bob)::integer || '-' || lpad(n::text, 12, '0'))::uuid, wallet::uuid, 'alice', n,
       'FUND', gen_random_uuid(), '2026-01-01 00:00Z'::timestamptz + n / 2 * interval '1 hour', jsonb_build_object('n', n), n
FROM (VALUES (:alice), (:bob)) AS w (wallet), generate_series(0, 69) AS n;
SELECT count(*), max(version), min(version) FROM wallet_history(:alice);
SELECT version, amount, event_type, event_data FROM wallet_history(:alice, max_rows => 3);
SELECT version FROM wallet_history(:alice, 2);
SELECT version FROM wallet_history(wallet_id => :alice, before_version => 20, max_rows => 2);
SELECT count(*) FROM wallet_history(:alice, 0);
SELECT count(*) FROM wallet_history(:alice, max_rows => 0);
SELECT count(*) FROM wallet_history(:nobody);
SELECT failure(format('wallet_history(%L, max_rows => -1)', :alice));
SELECT failure(format('wallet_history(%L, max_rows => NULL)', :alice));
SELECT failure('wallet_history(NULL, max_rows => -1)');

SELECT count(*), max(created_at) AT TIME ZONE 'UTC' AS newest FROM wallet_activity('alice');
SELECT id, wallet_id, version, created_at AT TIME ZONE 'UTC' AS created_at FROM wallet_activity('alice', max_rows => 5);
-- Paging by the last row of each page meets every event once, though four share each instant.
WITH RECURSIVE page AS (
    SELECT 1 AS number, array_agg(a.id ORDER BY a.created_at DESC, a.id DESC) AS ids,
           (array_agg(a.created_at ORDER BY a.created_at, a.id))[1] AS last_at, (array_agg(a.id ORDER BY a.created_at, a.id))[1] AS last_id
    FROM wallet_activity('alice', max_rows => 3) AS a
    UNION ALL
    SELECT number + 1, next.ids, next.last_at, next.last_id
    FROM page
    CROSS JOIN LATERAL (
        SELECT array_agg(a.id ORDER BY a.created_at DESC, a.id DESC) AS ids,
               (array_agg(a.created_at ORDER BY a.created_at, a.id))[1] AS last_at,
               (array_agg(a.id ORDER BY a.created_at, a.id))[1] AS last_id
        FROM wallet_activity('alice', last_at, last_id, 3) AS a
    ) AS next
    WHERE page.ids IS NOT NULL
)
SELECT count(*) - 1 AS pages, (SELECT count(DISTINCT id) FROM page, unnest(ids) AS id) AS events,
       (SELECT count(*) FROM page, unnest(ids) AS id) AS rows
FROM page;
SELECT version FROM wallet_activity('alice', '2026-01-01 01:00Z');
SELECT count(*) FROM wallet_activity('nobody');
SELECT failure('wallet_activity(NULL)');
SELECT failure($$wallet_activity('alice', max_rows => -1)$$);
SELECT failure($$wallet_activity('alice', max_rows => NULL)$$);
SELECT failure(format('wallet_activity(%L, before_id => %L)', 'alice', :nobody));

-- wallet_totals: the trial balance.
SELECT * FROM wallet_totals();
BEGIN;
INSERT INTO wallet_ledger (transaction_id, leg, kind, amount, currency, created_at, from_wallet_id, from_version,
    from_balance, from_held, from_status, from_user_id, session_user_name, current_user_name, application_name)
SELECT gen_random_uuid(), 0, kind, amount, 'GBP', now(), gen_random_uuid(), 1, 0, 0, 'active', 'x', '', '', ''
FROM (VALUES ('HOLD', 1), ('CAPTURE', 2), ('REVERSAL', 4), ('WITHDRAW', 8)) AS row (kind, amount);
INSERT INTO wallet_ledger (transaction_id, leg, kind, amount, currency, created_at, to_wallet_id, to_version,
    to_balance, to_held, to_status, to_user_id, session_user_name, current_user_name, application_name)
SELECT gen_random_uuid(), 0, kind, amount, 'GBP', now(), gen_random_uuid(), 1, 0, 0, 'active', 'x', '', '', ''
FROM (VALUES ('RELEASE', 16), ('EXPIRE', 32), ('REVERSAL', 64), ('FUND', 128)) AS row (kind, amount);
SELECT * FROM wallet_totals() WHERE currency = 'GBP';
ROLLBACK;

-- wallet_health: without a slot, with one, with history late, with gaps and conflicts.
SELECT slot_name, slot_active, slot_lag_bytes, ledger_last_at = (SELECT max(created_at) FROM wallet_ledger) AS ledger_last_at,
       history_last_at, history_lag_seconds, expired_holds, history_gaps, history_conflicts, status
FROM wallet_health();
SELECT slot_name FROM pg_create_logical_replication_slot('regress_reads', 'wallet_decoder');
SELECT slot_name FROM pg_create_logical_replication_slot('regress_reads_other', 'test_decoding');
SELECT wallet_fund(:alice, 1) IS NOT NULL AS funded;
SELECT slot_name, slot_active, slot_lag_bytes > 0 AS has_lag, status FROM wallet_health();
INSERT INTO wallet_history_offsets (group_id, topic, partition, next_offset, last_event_at)
SELECT 'group', 'wallet-events', partition, 7, created_at
FROM (SELECT created_at FROM wallet_ledger ORDER BY transaction_id DESC LIMIT 1) AS newest, generate_series(0, 1) AS partition;
-- The newest event of one partition says nothing of the others.
SELECT history_last_at = ledger_last_at AS newest_is_known, history_lag_seconds > 0 AS waits FROM wallet_health();
BEGIN;
INSERT INTO transaction_events (id, wallet_id, user_id, amount, event_type, transaction_id, created_at, event_data, version)
SELECT gen_random_uuid(), wallet_id, user_id, amount, type, transaction_id, created_at, '{}', version FROM wallet_transactions
ON CONFLICT DO NOTHING;
SELECT history_lag_seconds, status FROM wallet_health();
-- The oldest entry without its event counts, whatever came after it; a time from outside lowers nothing.
DELETE FROM transaction_events WHERE wallet_id = :alice AND version = 1;
UPDATE wallet_history_offsets SET last_event_at = '9999-12-31';
SELECT history_last_at <= clock_timestamp() AS not_ahead,
       abs(history_lag_seconds - extract(epoch FROM clock_timestamp() - created_at)) < 5 AS waits_since_then
FROM wallet_health(), wallet_transactions WHERE wallet_id = :alice AND version = 1;
SELECT lag_seconds > 0 AS waits, has_more FROM wallet_history_advance();
-- A recorded gap is another finding.
INSERT INTO wallet_history_gaps (wallet_id, from_version, to_version, topic, partition, kafka_offset)
VALUES (:alice, 1, 2, 'wallet-events', 0, 3);
SELECT history_lag_seconds, history_gaps, status FROM wallet_health();
DELETE FROM wallet_history_gaps;
INSERT INTO wallet_ledger (transaction_id, leg, kind, amount, currency, created_at, to_wallet_id, to_version,
    to_balance, to_held, to_status, to_user_id, session_user_name, current_user_name, application_name)
VALUES ('01900000-0000-7000-8000-000000000000', 0, 'CREATED', 0, 'USD', '2024-06-09 06:27:43.872Z', gen_random_uuid(), 0, 0, 0,
    'active', 'x', '', '', '');
SELECT history_lag_seconds > 86400 AS waits_for_days, status FROM wallet_health();
INSERT INTO wallet_history_dead_letters (topic, partition, kafka_offset, reason, detail)
VALUES ('wallet-events', 0, 3, 'InvalidEventId', '');
SELECT history_dead_letters, status FROM wallet_health();
INSERT INTO wallet_history_gaps (wallet_id, from_version, to_version, topic, partition, kafka_offset)
VALUES (:alice, 1, 2, 'wallet-events', 0, 3);
SELECT history_gaps, history_conflicts, status FROM wallet_health();
INSERT INTO wallet_history_conflicts (wallet_id, version, stored, received, topic, partition, kafka_offset)
VALUES (:alice, 1, '{}', '{"a": 1}', 'wallet-events', 0, 3);
SELECT history_gaps, history_conflicts, status FROM wallet_health();
ROLLBACK;
-- Without a ledger only the partitions can tell.
BEGIN;
ALTER TABLE wallet_ledger DISABLE TRIGGER USER;
DELETE FROM wallet_ledger;
UPDATE wallet_history_offsets SET claimed_at = now() - interval '1 hour', complete_at = now() - interval '1 minute' * partition;
SELECT history_lag_seconds BETWEEN 40 AND 60 AS furthest_behind FROM wallet_health();
UPDATE wallet_history_offsets SET complete_at = NULL WHERE partition = 0;
SELECT history_lag_seconds > 3500 AS never_complete, status FROM wallet_health();
UPDATE wallet_history_offsets SET complete_at = now();
SELECT history_lag_seconds FROM wallet_health();
ROLLBACK;
SELECT pg_drop_replication_slot('regress_reads');
SELECT pg_drop_replication_slot('regress_reads_other');

-- Nothing is read but by index, with the conditions the functions use.
SET enable_seqscan = off;
SET plan_cache_mode = force_generic_plan;
PREPARE receipt(uuid) AS SELECT * FROM wallet_transactions WHERE transaction_id = $1;
PREPARE lookup(text) AS SELECT * FROM wallet_ledger WHERE idempotency_key COLLATE "C" = $1 COLLATE "C";
PREPARE history(uuid, bigint, integer) AS
    SELECT * FROM transaction_events WHERE wallet_id = $1 AND version < coalesce($2, 9223372036854775807) ORDER BY version DESC LIMIT $3;
PREPARE activity(text, timestamptz, uuid, integer) AS
    SELECT * FROM transaction_events WHERE user_id = $1 AND (created_at, id) < (coalesce($2, 'infinity'), coalesce($3, '00000000-0000-0000-0000-000000000000'))
    ORDER BY created_at DESC, id DESC LIMIT $4;
EXPLAIN (COSTS OFF) EXECUTE receipt(NULL);
EXPLAIN (COSTS OFF) EXECUTE lookup(NULL);
EXPLAIN (COSTS OFF) EXECUTE history(NULL, NULL, NULL);
EXPLAIN (COSTS OFF) EXECUTE activity(NULL, NULL, NULL, NULL);
RESET enable_seqscan;
RESET plan_cache_mode;

-- In parallel workers too.
SELECT count(set_config(name, 'on', false)) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
SELECT balance FROM wallet_get(:bob);
SELECT sum((wallet_get(id)).balance) FROM wallets;
SELECT count(*) FROM wallet_list('alice');
SELECT count(*) FROM wallet_history(:alice, 5);
SELECT operation FROM wallet_lookup('pay-1');
SELECT count(*) FROM wallet_receipt(:'paid');
SELECT count(*) FROM wallet_totals();
SELECT count(set_config(name, 'off', false)) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');

-- Neither search_path nor temporary objects change what the reads mean.
CREATE SCHEMA evil;
CREATE FUNCTION evil.wallet_read_argument(anyelement, text) RETURNS anyelement LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION evil.equal(uuid, uuid) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR evil.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = evil.equal);
CREATE TABLE evil.wallets (LIKE wallets);
CREATE TEMPORARY TABLE wallets (LIKE wallets);
CREATE TEMPORARY TABLE wallet_ledger (LIKE public.wallet_ledger);
CREATE TEMPORARY TABLE transaction_events (LIKE public.transaction_events);
SET search_path = evil, pg_temp, pg_catalog;
SELECT balance FROM public.wallet_get(:alice);
SELECT count(*) FROM public.wallet_list('alice');
SELECT count(*) FROM public.wallet_receipt(:'paid');
SELECT count(*) FROM public.wallet_lookup('pay-1');
SELECT count(*) FROM public.wallet_history(:alice, 5);
SELECT count(*) FROM public.wallet_activity('alice', max_rows => 2);
SELECT count(*) FROM public.wallet_totals();
SELECT DISTINCT check_name FROM public.wallet_check();
SELECT history_gaps, history_conflicts FROM public.wallet_health();
RESET search_path;
