-- wallet_check: a consistent database gives no row; each kind of damage is found and named.
CREATE EXTENSION wallet;
\set alice '''a0000000-0000-0000-0000-000000000001'''
\set bob '''b0000000-0000-0000-0000-000000000001'''
\set carol '''c0000000-0000-0000-0000-000000000001'''
\set hold '''01d00000-0000-7000-8000-000000000001'''

SELECT count(*) AS in_an_empty_database FROM wallet_check();

-- Operations as the wallet's own functions make them ...
SELECT wallet_create('alice', 'USD', :alice), wallet_create('bob', 'USD', :bob), wallet_create('carol', 'EUR', :carol);
DO $$
BEGIN
    PERFORM wallet_fund('a0000000-0000-0000-0000-000000000001', 100);
    PERFORM wallet_transfer('a0000000-0000-0000-0000-000000000001', 'b0000000-0000-0000-0000-000000000001', 30);
    PERFORM wallet_withdraw('b0000000-0000-0000-0000-000000000001', 5);
    PERFORM wallet_fund('c0000000-0000-0000-0000-000000000001', 7);
END
$$;

-- ... and movements of the other kinds, put in by hand with what they do to the wallets.
CREATE FUNCTION id_at(at timestamptz) RETURNS uuid LANGUAGE sql AS $$
    SELECT (lpad(to_hex(us / 1000), 12, '0') || '7' || lpad(to_hex(us % 1000 * 4096 / 1000), 3, '0') || '8000000000000000')::uuid
    FROM (SELECT (extract(epoch FROM at) * 1000000)::bigint AS us) AS time
$$;
CREATE PROCEDURE guards_set(setting text) LANGUAGE plpgsql AS $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['wallets', 'wallet_ledger', 'wallet_holds'] LOOP
        EXECUTE format('ALTER TABLE %I %s TRIGGER wallet_guard, %2$s TRIGGER wallet_guard_row', guarded, setting);
    END LOOP;
END
$$;
CREATE PROCEDURE move(kind text, from_id uuid, to_id uuid, amount numeric, balances integer, helds integer,
    hold_id uuid DEFAULT NULL, status text DEFAULT NULL, operation text DEFAULT NULL, reverses uuid DEFAULT NULL,
    credit_limit numeric DEFAULT NULL, max_balance numeric DEFAULT NULL, expires_at timestamptz DEFAULT NULL,
    transaction_id uuid DEFAULT NULL, forced boolean DEFAULT false)
LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    now timestamptz;
    f wallets;
    t wallets;
BEGIN
    CALL guards_set('DISABLE');
    SELECT greatest(clock_timestamp(), max(w.updated_at) + interval '1 microsecond') INTO now FROM wallets w;
    UPDATE wallets w SET balance = w.balance - amount * balances, held = w.held + amount * helds, version = w.version + 1, updated_at = now
    WHERE w.id = from_id RETURNING * INTO f;
    UPDATE wallets w SET balance = w.balance + amount * balances,
        held = w.held + CASE WHEN from_id IS NULL THEN amount * helds ELSE 0 END, version = w.version + 1,
        status = coalesce(status, w.status), updated_at = now,
        credit_limit = CASE kind WHEN 'LIMITS' THEN credit_limit ELSE w.credit_limit END,
        max_balance = CASE kind WHEN 'LIMITS' THEN max_balance ELSE w.max_balance END
    WHERE w.id = to_id RETURNING * INTO t;
    INSERT INTO wallet_ledger (transaction_id, leg, kind, amount, currency, created_at, forced,
        from_wallet_id, from_version, from_balance, from_held, from_status, from_user_id,
        to_wallet_id, to_version, to_balance, to_held, to_status, to_user_id,
        hold_id, reverses, credit_limit, max_balance, expires_at, operation, session_user_name, current_user_name, application_name)
    VALUES (coalesce(transaction_id, id_at(now)), 0, kind, amount, coalesce(f.currency, t.currency), now, forced,
        f.id, f.version, f.balance, f.held, f.status, f.user_id,
        t.id, t.version, t.balance, t.held, t.status, t.user_id,
        coalesce(hold_id, CASE kind WHEN 'HOLD' THEN coalesce(transaction_id, id_at(now)) END), reverses,
        credit_limit, max_balance, expires_at, operation, '', '', '');
    CALL guards_set('ENABLE ALWAYS');
END
$$;
-- A hold that is captured in part to bob, in part to outside, and released; one that expires; one left open.
CREATE PROCEDURE hold_open(wallet_id uuid, amount numeric, INOUT hold_id uuid) LANGUAGE plpgsql AS $$
#variable_conflict use_variable
BEGIN
    CALL move('HOLD', wallet_id, NULL, amount, 0, 1, expires_at => '2030-01-01 00:00Z');
    SELECT l.transaction_id INTO hold_id FROM wallet_ledger l WHERE l.kind = 'HOLD' ORDER BY l.transaction_id DESC LIMIT 1;
    INSERT INTO wallet_holds (hold_id, wallet_id, amount, expires_at, created_at)
    SELECT hold_id, wallet_id, amount, l.expires_at, l.created_at FROM wallet_ledger l WHERE l.transaction_id = hold_id;
END
$$;
CREATE PROCEDURE hold_set(hold_id uuid, captured numeric, released numeric, status text) LANGUAGE plpgsql AS $$
#variable_conflict use_variable
BEGIN
    CALL guards_set('DISABLE');
    UPDATE wallet_holds h SET captured = captured, released = released, status = status WHERE h.hold_id = hold_id;
    CALL guards_set('ENABLE ALWAYS');
END
$$;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
CALL hold_open(:alice, 20, NULL) \gset first_
CALL move('CAPTURE', :alice, :bob, 8, 1, -1, hold_id => :'first_hold_id');
CALL move('CAPTURE', :alice, NULL, 2, 1, -1, hold_id => :'first_hold_id');
CALL move('RELEASE', NULL, :alice, 10, 0, -1, hold_id => :'first_hold_id');
CALL hold_set(:'first_hold_id', 10, 10, 'captured');
CALL hold_open(:alice, 4, NULL) \gset expired_
CALL move('EXPIRE', NULL, :alice, 4, 0, -1, hold_id => :'expired_hold_id');
CALL hold_set(:'expired_hold_id', 0, 4, 'expired');
CALL hold_open(:alice, 3, NULL) \gset open_
SELECT transaction_id AS paid FROM wallet_transactions WHERE wallet_id = :alice AND type = 'TRANSFER_OUT' \gset
CALL move('REVERSAL', :bob, :alice, 12, 1, 0, reverses => :'paid');
CALL move('LIMITS', NULL, :bob, 0, 0, 0, credit_limit => 50, max_balance => 1000);
CALL move('WITHDRAW', :bob, NULL, 40, 1, 0);
CALL move('LIMITS', NULL, :bob, 0, 0, 0, credit_limit => 0, max_balance => 10);
CALL move('REVERSAL', :bob, :alice, 1, 1, 0, reverses => :'paid', forced => true);
CALL move('STATUS', NULL, :carol, 0, 0, 0, status => 'frozen', operation => 'wallet_freeze');
CALL move('STATUS', NULL, :carol, 0, 0, 0, status => 'active', operation => 'wallet_unfreeze');
CALL move('WITHDRAW', :carol, NULL, 7, 1, 0);
CALL move('STATUS', NULL, :carol, 0, 0, 0, status => 'closed', operation => 'wallet_close');

SELECT id, balance, held, credit_limit, max_balance, status, version FROM wallets ORDER BY id;
SELECT * FROM wallet_check();
SELECT * FROM wallet_check(:alice);
SELECT * FROM wallet_check('e0000000-0000-0000-0000-000000000001');
SELECT currency, balance, held, outside_in, outside_out, difference FROM wallet_totals();

-- Does the damage, with the guards out of the way, shows what wallet_check says, and takes it back.
-- What the check of each single wallet says must agree. Ids and times are replaced by their kind.
CREATE FUNCTION damage(damage text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    whole text[];
    alone text[];
BEGIN
    BEGIN
        CALL guards_set('DISABLE');
        EXECUTE damage;
        CALL guards_set('ENABLE ALWAYS');
        SELECT array_agg(format('%s %s %s: %s <> %s', c.check_name, left(c.wallet_id::text, 1), c.version, c.expected, c.actual)
                         ORDER BY c.check_name, c.wallet_id, c.version, c.expected)
        INTO whole FROM wallet_check() AS c;
        SELECT array_agg(format('%s %s %s: %s <> %s', c.check_name, left(c.wallet_id::text, 1), c.version, c.expected, c.actual)
                         ORDER BY c.check_name, c.wallet_id, c.version, c.expected)
        INTO alone FROM (SELECT wallets.id FROM wallets UNION SELECT wallet_id FROM wallet_transactions
                         UNION SELECT wallet_id FROM transaction_events) AS w,
            wallet_check(w.id) AS c WHERE c.wallet_id IS NOT NULL;
        RAISE SQLSTATE 'U0001';
    EXCEPTION WHEN SQLSTATE 'U0001' THEN
        NULL;
    END;
    IF (SELECT array_agg(line) FROM unnest(whole) AS line
        WHERE line !~ '^(currency_sum|guard|index|hold_without_entry|reversal_sum|history_(gap|conflict))')
       IS DISTINCT FROM (SELECT array_agg(line) FROM unnest(alone) AS line WHERE line !~ '^history_(gap|conflict)') THEN
        RETURN NEXT 'the checks of single wallets differ: ' || coalesce(alone::text, 'nothing');
    END IF;
    RETURN QUERY SELECT regexp_replace(regexp_replace(line, '0[0-9a-f]{7}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f-]{17}', 'ID', 'g'),
        '\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?\+00', 'TIME', 'g') FROM unnest(whole) AS line;
END
$$;
\pset format unaligned
\pset tuples_only on

\echo == wallets
SELECT damage('UPDATE wallets SET balance = balance + 0.0001 WHERE user_id = ''alice''');
SELECT damage('UPDATE wallets SET held = held + 1 WHERE user_id = ''alice''');
SELECT damage('UPDATE wallets SET version = version + 1 WHERE user_id = ''alice''');
SELECT damage('UPDATE wallets SET status = ''frozen'' WHERE user_id = ''alice''');
SELECT damage('UPDATE wallets SET updated_at = updated_at + interval ''1 us'' WHERE user_id = ''alice''');
SELECT damage('UPDATE wallets SET created_at = created_at - interval ''1 us'' WHERE user_id = ''alice''');
SELECT damage('UPDATE wallets SET credit_limit = 1 WHERE user_id = ''bob''');
SELECT damage('UPDATE wallets SET max_balance = NULL WHERE user_id = ''bob''');
SELECT damage('UPDATE wallets SET max_balance = 5 WHERE user_id = ''alice''');
SELECT damage('UPDATE wallets SET user_id = ''mallory'' WHERE user_id = ''carol''');
SELECT damage('UPDATE wallets SET currency = ''GBP'' WHERE user_id = ''carol''');
SELECT damage('DELETE FROM wallets WHERE user_id = ''bob''');
SELECT damage($$INSERT INTO wallets (id, user_id, currency, created_at, updated_at)
    VALUES ('d0000000-0000-0000-0000-000000000001', 'dave', 'USD', now(), now())$$);

\echo == entries
SELECT damage('DELETE FROM wallet_ledger WHERE kind = ''WITHDRAW'' AND from_user_id = ''bob'' AND amount = 5');
SELECT damage('DELETE FROM wallet_ledger WHERE kind = ''CREATED'' AND to_user_id = ''bob''');
SELECT damage('DELETE FROM wallet_ledger WHERE kind = ''STATUS'' AND to_status = ''closed''');
SELECT damage($$UPDATE wallet_ledger SET to_version = 2 WHERE kind = 'FUND' AND to_user_id = 'alice'$$);
SELECT damage($$DROP INDEX wallet_ledger_to_idx;
    UPDATE wallet_ledger SET to_version = 3 WHERE kind = 'STATUS' AND to_user_id = 'carol' AND to_version = 2$$);
SELECT damage($$UPDATE wallet_ledger SET amount = 29.9999 WHERE kind = 'TRANSFER'$$);
SELECT damage($$UPDATE wallet_ledger SET from_balance = 70.0001 WHERE kind = 'TRANSFER'$$);
SELECT damage($$UPDATE wallet_ledger SET amount = 0 WHERE kind = 'TRANSFER'$$);
SELECT damage($$UPDATE wallet_ledger SET amount = 1 WHERE kind = 'LIMITS' AND max_balance = 10$$);
SELECT damage($$UPDATE wallet_ledger SET to_held = 1 WHERE kind = 'FUND' AND to_user_id = 'alice'$$);
SELECT damage($$UPDATE wallet_ledger SET to_status = 'frozen' WHERE kind = 'FUND' AND to_user_id = 'alice'$$);
SELECT damage($$UPDATE wallet_ledger SET to_status = 'closed' WHERE operation = 'wallet_freeze'$$);
SELECT damage($$UPDATE wallet_ledger SET kind = 'FUND' WHERE kind = 'CREATED' AND to_user_id = 'carol'$$);
SELECT damage($$UPDATE wallet_ledger SET kind = 'CREATED' WHERE kind = 'STATUS' AND operation = 'wallet_freeze'$$);
SELECT damage($$UPDATE wallet_ledger SET kind = 'TRANSFER' WHERE kind = 'FUND' AND to_user_id = 'carol'$$);
SELECT damage($$UPDATE wallet_ledger SET kind = 'FUND' WHERE kind = 'TRANSFER'$$);
SELECT damage($$UPDATE wallet_ledger SET from_user_id = 'mallory' WHERE kind = 'TRANSFER'$$);
SELECT damage($$UPDATE wallet_ledger SET currency = 'EUR' WHERE kind = 'TRANSFER'$$);
SELECT damage($$UPDATE wallet_ledger SET created_at = created_at + interval '1 us' WHERE kind = 'TRANSFER'$$);
SELECT damage($$UPDATE wallet_ledger SET created_at = created_at - interval '1 day', transaction_id = id_at(created_at - interval '1 day')
    WHERE kind = 'TRANSFER'$$);
SELECT damage($$UPDATE wallet_ledger SET transaction_id = overlay(transaction_id::text PLACING '8' FROM 15)::uuid
    WHERE kind = 'FUND' AND to_user_id = 'carol'$$);

\echo == floors and limits
SELECT damage($$UPDATE wallet_ledger SET credit_limit = 10 WHERE kind = 'LIMITS' AND max_balance = 1000$$);
SELECT damage($$UPDATE wallet_ledger SET forced = false WHERE kind = 'REVERSAL' AND amount = 1$$);
SELECT damage($$UPDATE wallet_ledger SET max_balance = 99 WHERE kind = 'CREATED' AND to_user_id = 'alice'$$);
SELECT damage($$CALL move('HOLD', 'b0000000-0000-0000-0000-000000000001', NULL, 2, 0, 1, expires_at => '2030-01-01 00:00Z')$$);
SELECT damage($$CALL move('LIMITS', NULL, 'b0000000-0000-0000-0000-000000000001', 0, 0, 0, credit_limit => 20);
    CALL move('FUND', NULL, 'b0000000-0000-0000-0000-000000000001', 1, 1, 0)$$);

\echo == holds
SELECT damage('UPDATE wallet_holds SET amount = 21 WHERE amount = 20');
SELECT damage('UPDATE wallet_holds SET captured = 9 WHERE amount = 20');
SELECT damage('UPDATE wallet_holds SET released = 3, status = ''expired'' WHERE amount = 4');
SELECT damage('UPDATE wallet_holds SET status = ''released'' WHERE amount = 4');
SELECT damage('UPDATE wallet_holds SET status = ''open'' WHERE amount = 20');
SELECT damage('UPDATE wallet_holds SET status = ''captured'' WHERE amount = 3');
SELECT damage('UPDATE wallet_holds SET expires_at = expires_at + interval ''1 day'' WHERE amount = 3');
SELECT damage('UPDATE wallet_holds SET wallet_id = ''b0000000-0000-0000-0000-000000000001'' WHERE amount = 3');
SELECT damage('DELETE FROM wallet_holds WHERE amount = 3');
SELECT damage($$INSERT INTO wallet_holds (hold_id, wallet_id, amount, expires_at, created_at)
    VALUES ('01d00000-0000-7000-8000-000000000001', 'a0000000-0000-0000-0000-000000000001', 1, now(), now())$$);
SELECT damage('UPDATE wallet_ledger SET hold_id = NULL WHERE kind = ''RELEASE''');
SELECT damage('UPDATE wallet_ledger SET amount = 19 WHERE kind = ''HOLD'' AND amount = 20');

\echo == sums
SELECT damage($$UPDATE wallet_ledger SET amount = 101, to_balance = 101 WHERE kind = 'FUND' AND to_user_id = 'alice'$$);
SELECT damage($$CALL move('REVERSAL', 'b0000000-0000-0000-0000-000000000001', 'a0000000-0000-0000-0000-000000000001', 18, 1, 0,
    reverses => $$ || quote_literal(:'paid') || $$, forced => true)$$);

\echo == guards and indexes
SELECT check_name, expected, actual FROM wallet_check();
BEGIN;
ALTER TABLE wallet_ledger DISABLE TRIGGER wallet_guard;
SELECT check_name, expected, actual FROM wallet_check();
SELECT check_name, expected, actual FROM wallet_check(:alice);
ALTER TABLE wallet_ledger ENABLE TRIGGER wallet_guard;
SELECT check_name, expected, actual FROM wallet_check();
ALTER TABLE wallet_ledger ENABLE REPLICA TRIGGER wallet_guard;
SELECT check_name, expected, actual FROM wallet_check();
ROLLBACK;
BEGIN;
ALTER TABLE wallets DISABLE TRIGGER ALL;
SELECT check_name, expected, actual FROM wallet_check();
ROLLBACK;
BEGIN;
DROP TRIGGER wallet_guard ON wallet_holds;
SELECT check_name, expected, actual FROM wallet_check();
CREATE TRIGGER wallet_guard BEFORE UPDATE OR DELETE OR TRUNCATE ON wallet_holds
    FOR EACH STATEMENT WHEN (false) EXECUTE FUNCTION wallet_guard();
ALTER TABLE wallet_holds ENABLE ALWAYS TRIGGER wallet_guard;
SELECT check_name, expected, actual FROM wallet_check();
DROP TRIGGER wallet_guard ON wallet_holds;
CREATE TRIGGER wallet_guard BEFORE UPDATE OR DELETE ON wallet_holds FOR EACH STATEMENT EXECUTE FUNCTION wallet_guard();
ALTER TABLE wallet_holds ENABLE ALWAYS TRIGGER wallet_guard;
SELECT check_name, expected, actual FROM wallet_check();
ROLLBACK;
BEGIN;
CREATE OR REPLACE FUNCTION wallet_guard() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
SELECT check_name, expected, actual FROM wallet_check();
ROLLBACK;
BEGIN;
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'wallet_ledger_key_idx'::regclass;
SELECT check_name, expected, actual FROM wallet_check();
ROLLBACK;
REINDEX TABLE CONCURRENTLY wallet_ledger;
SELECT check_name, expected, actual FROM wallet_check();
BEGIN;
ALTER TABLE wallet_ledger DISABLE TRIGGER wallet_guard_insert, DISABLE TRIGGER wallet_guard_row;
ALTER TABLE wallet_currency_scales DISABLE TRIGGER wallet_currency_changed;
DROP TRIGGER wallet_guard_insert ON wallet_currency_scales;
SELECT check_name, expected, actual FROM wallet_check();
ROLLBACK;

\echo == ways around the guards
CREATE TABLE parent (LIKE wallet_holds);
BEGIN;
DROP TRIGGER wallet_guard_kin ON wallet_holds;
ALTER TABLE wallet_holds INHERIT parent;
CREATE TABLE child () INHERITS (wallet_ledger);
SELECT check_name, expected, actual FROM wallet_check();
ROLLBACK;
BEGIN;
DROP TRIGGER wallet_guard_kin ON wallet_holds;
CREATE TABLE partitioned (LIKE wallet_holds) PARTITION BY RANGE (hold_id);
ALTER TABLE partitioned ATTACH PARTITION wallet_holds DEFAULT;
SELECT check_name, expected, actual FROM wallet_check();
ROLLBACK;
BEGIN;
CREATE RULE forget AS ON INSERT TO wallets DO INSTEAD NOTHING;
ALTER TABLE wallets SET UNLOGGED;
SELECT check_name, expected, actual FROM wallet_check();
ROLLBACK;
BEGIN;
CREATE ACCESS METHOD other_heap TYPE TABLE HANDLER heap_tableam_handler;
ALTER TABLE wallet_holds SET ACCESS METHOD other_heap;
SELECT check_name, expected, actual FROM wallet_check();
ROLLBACK;
BEGIN;
CREATE FUNCTION wallet_fund(uuid, integer, text DEFAULT NULL) RETURNS uuid LANGUAGE sql AS 'SELECT $1';
SELECT check_name, expected, actual FROM wallet_check();
ROLLBACK;
BEGIN;
CREATE ROLE regress_check_clerk;
GRANT INSERT, SELECT ON wallets TO regress_check_clerk;
GRANT ALL ON wallet_holds TO PUBLIC;
GRANT UPDATE (amount, currency), REFERENCES (kind) ON wallet_ledger TO regress_check_clerk;
GRANT INSERT ON transaction_events TO regress_check_clerk;
GRANT TRIGGER ON wallet_currency_scales TO regress_check_clerk;
SELECT check_name, expected, actual FROM wallet_check();
ROLLBACK;
BEGIN;
ALTER TABLE wallets DROP CONSTRAINT wallets_held_check;
ALTER TABLE wallet_ledger DROP CONSTRAINT wallet_ledger_amount_check,
    ADD CONSTRAINT wallet_ledger_amount_check CHECK (amount >= 0::numeric) NOT VALID;
ALTER TABLE wallet_holds ALTER wallet_id DROP NOT NULL;
SELECT check_name, expected, actual FROM wallet_check();
ROLLBACK;
-- What an administrator adds is no divergence.
BEGIN;
ALTER TABLE wallets ADD CHECK (balance >= -1000), ALTER max_balance SET DEFAULT 5;
CREATE UNIQUE INDEX ON wallets (user_id, currency);
ALTER TABLE wallets ENABLE ROW LEVEL SECURITY;
SELECT check_name, expected, actual FROM wallet_check();
ROLLBACK;

\echo == history
-- Compared only where it is fed in this database, and no further than it has come.
INSERT INTO transaction_events (id, wallet_id, user_id, amount, event_type, transaction_id, created_at, event_data, version)
SELECT gen_random_uuid(), wallet_id, user_id, amount, type, transaction_id, created_at,
       jsonb_build_object('balance', balance_after::text, 'held', held_after::text), version
FROM wallet_transactions
WHERE version < 5 AND user_id <> 'carol';
SELECT damage('UPDATE transaction_events SET amount = 1 WHERE event_type = ''FUND''');
INSERT INTO wallet_history_offsets (group_id, topic, partition, next_offset) VALUES ('history', 'wallet-events', 0, 1);
SELECT check_name, expected, actual FROM wallet_check();
SELECT damage('UPDATE transaction_events SET amount = 1 WHERE event_type = ''FUND''');
SELECT damage('UPDATE transaction_events SET event_type = ''FUND'' WHERE event_type = ''WITHDRAW''');
SELECT damage('UPDATE transaction_events SET transaction_id = id_at(created_at) WHERE event_type = ''TRANSFER_IN''');
SELECT damage('UPDATE transaction_events SET user_id = ''mallory'' WHERE event_type = ''TRANSFER_IN''');
SELECT damage('UPDATE transaction_events SET created_at = created_at + interval ''1 us'' WHERE event_type = ''TRANSFER_IN''');
SELECT damage('UPDATE transaction_events SET event_data = event_data || ''{"balance": "1.0000"}'' WHERE event_type = ''TRANSFER_IN''');
SELECT damage('UPDATE transaction_events SET event_data = event_data || ''{"held": "1.0000"}'' WHERE event_type = ''TRANSFER_IN''');
SELECT damage('DELETE FROM transaction_events WHERE user_id = ''alice'' AND version = 2');
SELECT damage('DELETE FROM transaction_events WHERE user_id = ''alice'' AND version = 4');
SELECT damage('DELETE FROM transaction_events WHERE user_id = ''alice''');
SELECT damage($$INSERT INTO transaction_events (id, wallet_id, user_id, amount, event_type, transaction_id, created_at, event_data, version)
    VALUES (gen_random_uuid(), 'c0000000-0000-0000-0000-000000000001', 'carol', 1, 'FUND', gen_random_uuid(), now(), '{}', 99)$$);
SELECT damage($$INSERT INTO transaction_events (id, wallet_id, user_id, amount, event_type, transaction_id, created_at, event_data, version)
    VALUES (gen_random_uuid(), 'e0000000-0000-0000-0000-000000000001', 'erin', 1, 'FUND', gen_random_uuid(), now(), '{}', 0)$$);
-- What is missing and recorded as a gap is said once.
SELECT damage($$DELETE FROM transaction_events WHERE user_id = 'alice' AND version IN (1, 2);
    INSERT INTO wallet_history_gaps (wallet_id, from_version, to_version, topic, partition, kafka_offset)
    VALUES ('a0000000-0000-0000-0000-000000000001', 1, 2, 'wallet-events', 0, 9)$$);
SELECT damage($$INSERT INTO wallet_history_conflicts (wallet_id, version, stored, received, topic, partition, kafka_offset)
    VALUES ('a0000000-0000-0000-0000-000000000001', 1, '{"amount": "1.0000"}', '{"amount": "2.0000"}', 'wallet-events', 0, 9)$$);

\echo == one wallet is read by index
SET enable_seqscan = off;
SET plan_cache_mode = force_generic_plan;
CREATE FUNCTION plan_scans(part text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    EXECUTE format('PREPARE part(uuid) AS SELECT * FROM %I(coalesce($1, ''00000000-0000-0000-0000-000000000000''),
        coalesce($1, ''ffffffff-ffff-ffff-ffff-ffffffffffff''))', part);
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) EXECUTE part(NULL)' LOOP
        IF line ~ 'Seq Scan on (wallets|wallet_ledger|wallet_holds|transaction_events)' THEN
            RETURN NEXT part || ':' || line;
        END IF;
    END LOOP;
    DEALLOCATE part;
END
$$;
SELECT plan_scans(part) FROM unnest(ARRAY['wallet_check_entries', 'wallet_check_floors', 'wallet_check_wallets',
    'wallet_check_holds', 'wallet_check_history']) AS part;
RESET enable_seqscan;
RESET plan_cache_mode;
SELECT * FROM wallet_check();
