-- Output plugin wallet_decoder. In a database of its own, because it drops the extension.
CREATE DATABASE regress_decoder TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C';
\c regress_decoder
\pset format unaligned
\pset tuples_only on
CREATE EXTENSION wallet;

SELECT slot_name FROM pg_create_logical_replication_slot('regress_decoder', 'wallet_decoder');

-- What the slot holds, and forget it.
CREATE FUNCTION lines_get() RETURNS SETOF text LANGUAGE sql VOLATILE
AS $$ SELECT data FROM pg_logical_slot_get_changes('regress_decoder', NULL, NULL) $$;
CREATE FUNCTION forget() RETURNS void LANGUAGE sql VOLATILE
AS $$ SELECT pg_replication_slot_advance('regress_decoder', pg_current_wal_lsn()) $$;

-- The frames the slot holds, taken apart; the slot keeps them.
CREATE FUNCTION frames_peek(OUT message bigint, OUT frame text, OUT lsn_1 bigint, OUT lsn_2 bigint,
    OUT xid bigint, OUT committed bigint, OUT ordinal bigint, OUT wallet_id text, OUT event_id text, OUT created_at bigint, OUT body text)
RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
    bytes bytea;
    at integer;
    stop integer;
BEGIN
    FOR message, bytes IN
        SELECT row_number() OVER (), data
        FROM pg_logical_slot_peek_binary_changes('regress_decoder', NULL, NULL,
            'format', 'frame', 'protocol_version', '1')
    LOOP
        at := 0;
        WHILE at < length(bytes) LOOP
            stop := at + 4 + ('x' || encode(substr(bytes, at + 1, 4), 'hex'))::bit(32)::integer;
            ASSERT stop <= length(bytes), 'a message ends inside a frame';
            frame := chr(get_byte(bytes, at + 4));
            at := at + 5;
            SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
            INTO lsn_1, lsn_2, xid, committed, ordinal, wallet_id, event_id, created_at, body;
            IF frame = 'B' THEN
                ASSERT get_byte(bytes, at) = 1, 'protocol version';
                xid := uint_get(bytes, at + 1, 4);
                lsn_1 := uint_get(bytes, at + 5, 8);
                lsn_2 := uint_get(bytes, at + 13, 8);
                committed := uint_get(bytes, at + 21, 8);
                ASSERT stop = at + 29, 'length of BEGIN';
            ELSIF frame = 'C' THEN
                lsn_1 := uint_get(bytes, at, 8);
                lsn_2 := uint_get(bytes, at + 8, 8);
                committed := uint_get(bytes, at + 16, 8);
                ordinal := uint_get(bytes, at + 24, 4);
                ASSERT stop = at + 28, 'length of COMMIT';
            ELSE
                ordinal := uint_get(bytes, at, 4);
                wallet_id := convert_from(substr(bytes, at + 5, 36), 'UTF8');
                event_id := convert_from(substr(bytes, at + 41, 36), 'UTF8');
                created_at := uint_get(bytes, at + 76, 8);
                body := convert_from(substr(bytes, at + 85, stop - at - 84), 'UTF8');
            END IF;
            at := stop;
            RETURN NEXT;
        END LOOP;
    END LOOP;
END
$$;
CREATE FUNCTION uint_get(bytes bytea, at integer, size integer) RETURNS bigint LANGUAGE sql IMMUTABLE
AS $$ SELECT ('x' || lpad(encode(substr(bytes, at + 1, size), 'hex'), 16, '0'))::bit(64)::bigint $$;

-- A ledger row with as little as possible said.
CREATE FUNCTION fund(n integer, amount numeric DEFAULT 1, created_at timestamptz DEFAULT '2026-01-01Z',
    metadata jsonb DEFAULT NULL, user_id text DEFAULT 'alice', version bigint DEFAULT NULL, balance numeric DEFAULT 1)
RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO wallet_ledger (transaction_id, leg, kind, amount, currency, created_at, to_wallet_id, to_version,
        to_balance, to_held, to_status, to_user_id, metadata, session_user_name, current_user_name, application_name)
    VALUES (lpad(n::text, 32, '0')::uuid, 0, 'FUND', amount, 'USD', created_at, lpad('aa', 32, '0')::uuid,
        coalesce(version, n), balance, 0, 'active', user_id, metadata, '', '', '')
    RETURNING to_version
$$;

SELECT forget();

-- Every type of entry: the golden samples' rows, in both formats and by the SQL function.
\getenv source_directory PG_ABS_SRCDIR
\set golden_rows :source_directory '/tests/golden/wallet-event.v1.sql'
\o /dev/null
BEGIN;
\i :golden_rows
COMMIT;
\o
CREATE TEMP TABLE line AS
SELECT row_number() OVER () - 1 AS ordinal, data
FROM pg_logical_slot_peek_changes('regress_decoder', NULL, NULL);
CREATE TEMP TABLE frame AS SELECT * FROM frames_peek();
SELECT data FROM line ORDER BY ordinal;
SELECT count(*), count(*) FILTER (WHERE data::jsonb ->> 'event_type' = type
    AND data::jsonb ->> 'balance' = balance_after::text) AS as_in_the_view
FROM line JOIN wallet_transactions ON data::jsonb @> jsonb_build_object('wallet_id', wallet_id, 'version', version);
SELECT string_agg(frame, '' ORDER BY message, ordinal NULLS FIRST), count(DISTINCT message) FROM frame;
SELECT count(*) FROM line JOIN frame USING (ordinal)
WHERE frame = 'E' AND body = data AND wallet_id = data::jsonb ->> 'wallet_id' AND event_id = data::jsonb ->> 'event_id'
    AND to_timestamp(0) + created_at * interval '1 microsecond' = (data::jsonb ->> 'created_at')::timestamptz;
SELECT b.lsn_1 = c.lsn_1 AND b.lsn_2 = c.lsn_2 AND c.lsn_1 < c.lsn_2 AND b.committed = c.committed
    AND abs(b.committed / 1e6 - extract(epoch FROM now())) < 3600 AND b.xid > 0, c.ordinal
FROM frame AS b, frame AS c WHERE b.frame = 'B' AND c.frame = 'C';
SELECT count(*) FILTER (WHERE event = data AND error IS NULL AND data::jsonb @> jsonb_build_object('event_id', event_id,
    'wallet_id', e.wallet_id) AND (data::jsonb ->> 'created_at')::timestamptz = e.created_at)
FROM (SELECT row_number() OVER (ORDER BY transaction_id, leg, e.ordinal) - 1 AS ordinal, e.wallet_id, event_id, e.created_at,
          event, error
      FROM wallet_ledger AS l, wallet_ledger_events(l) AS e) AS e JOIN line USING (ordinal);
SELECT kind, leg, e.ordinal FROM wallet_ledger AS l, wallet_ledger_events(l) AS e
WHERE kind IN ('TRANSFER', 'CAPTURE') ORDER BY transaction_id, leg, ordinal;
SELECT count(*) FROM wallet_ledger_events(NULL);
SELECT forget();

-- Amounts are exact, whatever their digits.
BEGIN;
SELECT count(fund(n, abs(amount), balance => amount)) FROM (
    SELECT row_number() OVER ()::integer AS n, sign * v AS amount FROM (VALUES (1), (-1)) AS signs (sign), (
        SELECT digits::numeric / 10000 FROM unnest('{0,1,9,10,99,100,999,1000,9999,10000,10001,19999,99999999,100000000,100000001,
            99990000,9999000000000000,10000000000000000,1000000000000000001,9990000000000000000,9999999999999999999,
            1234567890123456789,1000000000001,10000000000000001}'::numeric[]) AS digits
        UNION ALL SELECT 10::numeric ^ e FROM generate_series(-4, 14) AS e
        UNION ALL SELECT 7 * 10::numeric ^ e + 10::numeric ^ f FROM generate_series(-4, 13) AS e, generate_series(-4, 14) AS f
    ) AS list (v)) AS amounts;
COMMIT;
SELECT count(*), count(*) FILTER (WHERE data::jsonb ->> 'balance' = l.to_balance::text AND data::jsonb ->> 'amount' = l.amount::text)
FROM lines_get() AS data JOIN wallet_ledger AS l ON l.transaction_id = (data::jsonb ->> 'transaction_id')::uuid;
ALTER TABLE wallet_ledger DISABLE TRIGGER wallet_guard, DISABLE TRIGGER wallet_guard_row;
TRUNCATE wallet_ledger;
ALTER TABLE wallet_ledger ENABLE ALWAYS TRIGGER wallet_guard, ENABLE ALWAYS TRIGGER wallet_guard_row;

-- Times are UTC with microseconds, whatever the session's settings.
SET TimeZone = 'Pacific/Chatham';
SET DateStyle = 'SQL, DMY';
BEGIN;
SELECT count(fund(row_number::integer, created_at => t)) FROM (SELECT row_number() OVER (), t FROM (
    SELECT timestamptz '2026-01-01Z' + n * interval '41 days 7 hours 13 minutes 17.000471 seconds'
    FROM generate_series(-600, 600) AS n
    UNION ALL SELECT unnest('{0001-01-01 00:00:00Z,0001-12-31 23:59:59.999999Z,1582-10-04Z,1899-12-31 23:59:59.999999Z,1900-02-28Z,
        1970-01-01Z,1999-12-31 23:59:59.999999Z,2000-01-01Z,2000-02-29 12:00:00.1Z,2038-01-19 03:14:08Z,2100-02-28Z,
        9999-12-31 23:59:59.999999Z}'::timestamptz[])) AS times (t)) AS numbered;
COMMIT;
RESET DateStyle;
SET TimeZone = 'UTC';
SELECT count(*), count(*) FILTER (WHERE data::jsonb ->> 'created_at' = to_char(l.created_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
FROM lines_get() AS data JOIN wallet_ledger AS l ON l.transaction_id = (data::jsonb ->> 'transaction_id')::uuid;

-- Strings and metadata come through, of any byte and size; metadata is what PostgreSQL prints.
SELECT count(fund(2000 + n, user_id => repeat(chr(n), 3), metadata => jsonb_build_object(chr(n), chr(n))))
FROM unnest(array(SELECT generate_series(1, 255)) || '{8232,8233,65279,55295,57344,128512,1114109}'::integer[]) AS n;
SELECT fund(3001, user_id => repeat('é"', 20000), metadata => jsonb_build_object('random', (SELECT string_agg(md5(n::text), '') FROM generate_series(1, 4000) AS n),
    'same', repeat('x', 200000), 'numbers', (SELECT jsonb_agg(n * 1.10) FROM generate_series(1, 5000) AS n)));
SELECT fund(3002, metadata => '17.50'), fund(3003, metadata => '"é"'), fund(3004, metadata => 'null'), fund(3005, metadata => '[]'),
    fund(3006, metadata => '[[[]], {}, [{}], {"a": []}, 1e400, -0.00, ""]');
SELECT count(*), count(*) FILTER (WHERE data::jsonb ->> 'user_id' = l.to_user_id AND position(',"metadata":' || l.metadata::text || ',"status"' IN data) > 0)
FROM lines_get() AS data JOIN wallet_ledger AS l ON l.transaction_id = (data::jsonb ->> 'transaction_id')::uuid;

-- Only what committed is an event, in the order of the commits.
BEGIN; SELECT fund(4001); ROLLBACK;
BEGIN; SELECT fund(4002); SAVEPOINT one; SELECT fund(4003); ROLLBACK TO one; SELECT fund(4004); SAVEPOINT two; SELECT fund(4005); RELEASE two; COMMIT;
BEGIN; SELECT fund(4006); PREPARE TRANSACTION 'regress_decoder_1';
BEGIN; SELECT fund(4007); PREPARE TRANSACTION 'regress_decoder_2';
SELECT fund(4008);
ROLLBACK PREPARED 'regress_decoder_1';
COMMIT PREPARED 'regress_decoder_2';
SELECT message, frame, ordinal, body::jsonb ->> 'version' FROM frames_peek();
SELECT data::jsonb ->> 'version' FROM lines_get() AS data;

-- Nothing else is: other tables, another's table of the same name, other commands, an empty transaction.
CREATE SCHEMA other;
CREATE TABLE other.wallet_ledger (LIKE wallet_ledger INCLUDING DEFAULTS);
INSERT INTO other.wallet_ledger SELECT * FROM wallet_ledger LIMIT 2;
CREATE TABLE other.wallets AS SELECT FROM generate_series(1, 500);
INSERT INTO wallets (id, user_id, currency, created_at, updated_at) VALUES (lpad('aa', 32, '0')::uuid, 'a', 'USD', now(), now());
BEGIN; SELECT pg_current_xact_id() IS NOT NULL; COMMIT;
SELECT pg_logical_emit_message(true, 'wallet', 'x') IS NOT NULL, pg_logical_emit_message(false, 'wallet', 'x') IS NOT NULL;
ALTER TABLE wallet_ledger DISABLE TRIGGER wallet_guard, DISABLE TRIGGER wallet_guard_row;
UPDATE wallet_ledger SET metadata = '{}' WHERE transaction_id = lpad('4008', 32, '0')::uuid;
DELETE FROM wallet_ledger WHERE transaction_id = lpad('4008', 32, '0')::uuid;
ALTER TABLE wallet_ledger ENABLE ALWAYS TRIGGER wallet_guard, ENABLE ALWAYS TRIGGER wallet_guard_row;
SELECT count(*) FROM frames_peek();
SELECT count(*) FROM lines_get();
-- A rewritten ledger is not published again.
ALTER TABLE wallet_ledger ADD COLUMN regress uuid DEFAULT gen_random_uuid();
SELECT fund(4009);
SELECT data::jsonb ->> 'version' FROM lines_get() AS data;
ALTER TABLE wallet_ledger DROP COLUMN regress;
SELECT fund(4010);
SELECT data::jsonb ->> 'version' FROM lines_get() AS data;

-- What the history writes under its origins is left out; other origins are not, nor is an older one's
-- WAL where the history's origin has its id.
SELECT count(pg_replication_origin_create(name)) FROM unnest('{regress_decoder,wallet_history_regress}'::text[]) AS name;
SELECT pg_replication_origin_session_setup('wallet_history_regress');
SELECT fund(4011);
SELECT pg_replication_origin_session_reset();
SELECT fund(4012);
SELECT pg_replication_origin_session_setup('regress_decoder');
SELECT fund(4013);
SELECT pg_replication_origin_session_reset();
SELECT data::jsonb ->> 'version' FROM pg_logical_slot_peek_changes('regress_decoder', NULL, NULL) AS list (l, x, data);
SELECT pg_replication_origin_drop('wallet_history_regress');
SELECT data::jsonb ->> 'version' FROM pg_logical_slot_peek_changes('regress_decoder', NULL, NULL) AS list (l, x, data);
SELECT pg_replication_origin_drop('regress_decoder');
SELECT count(pg_replication_origin_create('wallet_history_regress'));
SELECT data::jsonb ->> 'version' FROM lines_get() AS data;
SELECT pg_replication_origin_drop('wallet_history_regress');

-- Large transactions: spilled by the server, sent in several messages, one transaction nevertheless.
SET logical_decoding_work_mem = '64kB';
INSERT INTO wallet_ledger SELECT (jsonb_populate_record(l, jsonb_build_object('transaction_id', lpad((20000 + n)::text, 32, '0'),
    'to_version', 20000 + n))).* FROM wallet_ledger AS l, generate_series(1, 5000) AS n WHERE transaction_id = lpad('4010', 32, '0')::uuid;
CREATE TEMP TABLE big AS SELECT * FROM frames_peek();
SELECT count(DISTINCT message) > 20 AS split, count(*) FILTER (WHERE frame = 'E') AS events, max(ordinal) FILTER (WHERE frame = 'E'),
    max(ordinal) FILTER (WHERE frame = 'C') AS announced FROM big;
SELECT min(message) FILTER (WHERE frame = 'B') = min(message) AND max(message) FILTER (WHERE frame = 'C') = max(message) FROM big;
SELECT max(bytes) < 70000, min(bytes) FILTER (WHERE message < last) >= 65536 FROM (
    SELECT length(data) AS bytes, row_number() OVER () AS message, count(*) OVER () AS last
    FROM pg_logical_slot_peek_binary_changes('regress_decoder', NULL, NULL, 'format', 'frame')) AS messages;
SELECT count(*), count(DISTINCT data) FROM lines_get() AS data;
RESET logical_decoding_work_mem;

-- A row that can't be rendered is an error in the event's place, never the stream's end.
ALTER TABLE wallet_ledger DROP CONSTRAINT wallet_ledger_side_check, DROP CONSTRAINT wallet_ledger_from_check,
    DROP CONSTRAINT wallet_ledger_to_check, DROP CONSTRAINT wallet_ledger_amount_check, ALTER COLUMN created_at DROP NOT NULL;
DROP INDEX wallet_ledger_to_idx;
SELECT fund(5001, 'NaN'), fund(5002, balance => 'NaN'), fund(5003, created_at => 'infinity'), fund(5004, created_at => '-infinity'),
    fund(5005, created_at => '0001-12-31 BC'), fund(5006, created_at => '10000-01-01Z'), fund(5007, created_at => NULL),
    fund(5008, user_id => NULL), fund(5009, user_id => ''), fund(5010, version => 9223372036854775807), fund(5011, version => -9223372036854775808),
    fund(5012, user_id => repeat('x', 1048576)), fund(5013, user_id => repeat('x', 1048577)), fund(5014, -0.0001);
INSERT INTO wallet_ledger (transaction_id, leg, kind, amount, currency, created_at, from_wallet_id, from_version, to_wallet_id, to_version, to_balance,
        to_held, to_status, to_user_id, session_user_name, current_user_name, application_name)
VALUES (lpad('5101', 32, '0')::uuid, 0, 'FUND', 1, 'USD', '2026-01-01Z', NULL, NULL, NULL, 1, 1, 0, 'active', 'alice', '', '', ''),
    (lpad('5102', 32, '0')::uuid, 0, 'FUND', 1, 'USD', '2026-01-01Z', NULL, NULL, lpad('aa', 32, '0')::uuid, NULL, 1, 0, 'active', 'alice', '', '', ''),
    (lpad('5103', 32, '0')::uuid, 0, 'TRANSFER', 1, 'USD', '2026-01-01Z', lpad('bb', 32, '0')::uuid, 7, lpad('aa', 32, '0')::uuid, 7, 1, 0, 'active', 'alice', '', '', '');
-- 600 numbers of 131072 digits: 79 MB as text.
SELECT fund(5201, metadata => (SELECT jsonb_agg(1e131071) FROM generate_series(1, 600)));
SELECT fund(5202);
SELECT message, frame, ordinal, wallet_id, event_id, created_at, left(body, 200) FROM frames_peek() WHERE frame IN ('E', 'X');
SELECT left(data, 200) FROM pg_logical_slot_peek_changes('regress_decoder', NULL, NULL);
-- The SQL function says the same.
SELECT count(*) FROM (
    SELECT body FROM frames_peek() WHERE frame IN ('E', 'X')
    EXCEPT SELECT coalesce(event, error) FROM wallet_ledger AS l, wallet_ledger_events(l)) AS difference;
SELECT l.transaction_id, e.wallet_id, e.event_id, e.created_at, e.event, e.error
FROM wallet_ledger AS l, wallet_ledger_events(l) AS e WHERE transaction_id::text ~ '(5003|5101|5102)$' ORDER BY 1;
SELECT forget();

-- WAL from before an upgrade lacks columns, and a column may have changed its type.
ALTER EXTENSION wallet DROP TABLE wallet_ledger;
DROP TRIGGER wallet_guard ON wallet_ledger;
DROP TRIGGER wallet_guard_row ON wallet_ledger;
DROP TRIGGER wallet_guard_insert ON wallet_ledger;
DROP TRIGGER wallet_guard_kin ON wallet_ledger;
ALTER TABLE wallet_ledger RENAME TO wallet_ledger_before;
CREATE TABLE wallet_ledger (LIKE wallet_ledger_before INCLUDING DEFAULTS);
ALTER EXTENSION wallet ADD TABLE wallet_ledger;
BEGIN;
ALTER TABLE wallet_ledger DROP COLUMN metadata, DROP COLUMN from_wallet_id, DROP COLUMN expires_at;
INSERT INTO wallet_ledger SELECT (jsonb_populate_record(NULL::wallet_ledger, to_jsonb(l))).* FROM wallet_ledger_before AS l WHERE to_version = 5202;
ALTER TABLE wallet_ledger ADD COLUMN expires_at timestamptz DEFAULT '2026-02-03Z';
INSERT INTO wallet_ledger SELECT (jsonb_populate_record(NULL::wallet_ledger, to_jsonb(l))).* FROM wallet_ledger_before AS l WHERE to_version = 5202;
ALTER TABLE wallet_ledger ALTER COLUMN to_balance TYPE numeric(30, 6), ALTER COLUMN expires_at DROP DEFAULT, ALTER COLUMN amount TYPE numeric;
INSERT INTO wallet_ledger SELECT (jsonb_populate_record(NULL::wallet_ledger, to_jsonb(l) || jsonb_build_object('to_balance', v.balance, 'amount', v.amount))).*
FROM wallet_ledger_before AS l, (VALUES (1, 0.000001, 1.0000), (2, 0.123400, 0.12340000), (3, 1e15, 1), (4, 999999999999999, 1e15), (5, -1, 1e16), (6, 1, 10::numeric ^ 5000 + 1), (7, 1, 'Infinity'), (8, 1, 1e-20),
    (9, 1, -1e-5), (10, 100000, 5e15 / 10)) AS v (n, balance, amount)
WHERE to_version = 5202 ORDER BY n;
ALTER TABLE wallet_ledger ALTER COLUMN to_held TYPE text;
INSERT INTO wallet_ledger SELECT (jsonb_populate_record(NULL::wallet_ledger, to_jsonb(l))).* FROM wallet_ledger_before AS l WHERE to_version = 5202;
COMMIT;
SELECT data::jsonb ->> 'error', data::jsonb ->> 'balance', data::jsonb ->> 'amount', data::jsonb ->> 'expires_at', data::jsonb ->> 'metadata' FROM lines_get() AS data;

-- The ledger is the extension's: WAL of one that was dropped and of the next is decoded, of a table in between not.
INSERT INTO wallet_ledger SELECT * FROM wallet_ledger LIMIT 1;
DROP EXTENSION wallet;
CREATE TABLE wallet_ledger (LIKE other.wallet_ledger INCLUDING DEFAULTS);
SELECT fund(7001);
DROP TABLE wallet_ledger;
CREATE SCHEMA bank;
CREATE EXTENSION wallet SCHEMA bank;
SET search_path = bank, public;
SELECT fund(7002);
BEGIN; DROP EXTENSION wallet; CREATE TABLE bank.wallet_ledger (LIKE other.wallet_ledger INCLUDING DEFAULTS); SELECT fund(7003); DROP TABLE wallet_ledger;
CREATE EXTENSION wallet SCHEMA bank; SELECT fund(7004); COMMIT;
SELECT fund(7005);
SELECT data::jsonb ->> 'error', data::jsonb ->> 'version' FROM lines_get() AS data;

-- Options are refused at the start, with the way out.
\set SHOW_CONTEXT never
\pset tuples_only off
SELECT count(*) FROM pg_logical_slot_peek_changes('regress_decoder', NULL, NULL, 'format', 'xml');
\echo :SQLSTATE
SELECT count(*) FROM pg_logical_slot_peek_changes('regress_decoder', NULL, NULL, 'format', NULL);
SELECT count(*) FROM pg_logical_slot_peek_changes('regress_decoder', NULL, NULL, 'Format', 'json');
SELECT count(*) FROM pg_logical_slot_peek_changes('regress_decoder', NULL, NULL, 'include-xids', '1');
SELECT count(*) FROM pg_logical_slot_peek_changes('regress_decoder', NULL, NULL, 'format', 'json', 'format', 'json');
SELECT count(*) FROM pg_logical_slot_peek_binary_changes('regress_decoder', NULL, NULL, 'format', 'frame', 'protocol_version', '4');
SELECT count(*) FROM pg_logical_slot_peek_binary_changes('regress_decoder', NULL, NULL, 'format', 'frame', 'protocol_version', '1.0');
SELECT count(*) FROM pg_logical_slot_peek_changes('regress_decoder', NULL, NULL, 'protocol_version', '1');
SELECT count(*) FROM pg_logical_slot_peek_changes('regress_decoder', NULL, NULL, 'format', 'frame');
SELECT count(*) FROM pg_logical_slot_peek_binary_changes('regress_decoder', NULL, NULL, 'format', 'json');

SELECT pg_drop_replication_slot('regress_decoder');
\c postgres
DROP DATABASE regress_decoder;
