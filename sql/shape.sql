-- Tables are found by name, their columns by name and type, their indexes by their columns; what is missing or changed is named,
-- and nothing else stops.
CREATE EXTENSION wallet;
\set alice '''a0000000-0000-0000-0000-000000000001'''
\set bob '''b0000000-0000-0000-0000-000000000001'''
SELECT wallet_create('alice', 'USD', :alice), wallet_create('bob', 'USD', :bob);
SELECT wallet_fund(:alice, 1000, 'first') IS NOT NULL AS funded;
SELECT wallet_hold(:alice, 5, '3 days', 'h1') AS hold \gset

-- Dropped columns don't count.
ALTER TABLE wallets ADD note text;
ALTER TABLE wallet_ledger ADD note text;
ALTER TABLE wallet_holds ADD note text;
SELECT wallet_fund(:alice, 1) IS NOT NULL AS funded;
ALTER TABLE wallets DROP note;
ALTER TABLE wallet_ledger DROP note;
ALTER TABLE wallet_holds DROP note;
SELECT wallet_transfer(:alice, :bob, 1) IS NOT NULL AS paid, wallet_hold(:bob, 1) IS NOT NULL AS held;
SELECT balance, held, available FROM wallet_get(:alice);
SELECT * FROM wallet_check();

-- Indexes under other names, and a primary key that was swapped for a new one.
ALTER INDEX wallet_ledger_key_idx RENAME TO keys;
ALTER INDEX wallet_ledger_to_idx RENAME TO payees;
ALTER INDEX wallet_holds_open_idx RENAME TO open_ones;
CREATE UNIQUE INDEX CONCURRENTLY wallets_new ON wallets (id) INCLUDE (user_id);
ALTER TABLE wallets DROP CONSTRAINT wallets_pkey, ADD CONSTRAINT wallets_primary PRIMARY KEY USING INDEX wallets_new;
SELECT wallet_fund(:alice, 1000, 'first') IS NOT NULL AS replayed, wallet_transfer(:alice, :bob, 1) IS NOT NULL AS paid;
SELECT balance, held, available FROM wallet_get(:alice);
SELECT type, amount FROM wallet_statement(:bob) ORDER BY version;
SELECT * FROM wallet_check();

-- What is gone is named, by the call that needs it and by the check; what doesn't need it goes on.
CREATE PROCEDURE alter_and_try(ddl text) LANGUAGE plpgsql AS $$
DECLARE
    call text;
    detail text;
    said text;
    finding record;
BEGIN
    RAISE NOTICE '% ', ddl;
    BEGIN
        EXECUTE ddl;
        FOREACH call IN ARRAY ARRAY[
            $c$wallet_fund('a0000000-0000-0000-0000-000000000001', 1000, 'first')$c$,
            $c$wallet_transfer('a0000000-0000-0000-0000-000000000001', 'b0000000-0000-0000-0000-000000000001', 0.01)$c$,
            $c$wallet_hold('a0000000-0000-0000-0000-000000000001', 5, '3 days', 'h1')$c$,
            $c$wallet_capture((SELECT hold_id FROM wallet_holds WHERE amount = 5 LIMIT 1), amount => 0.01, final => false)$c$,
            $c$wallet_reverse((SELECT transaction_id FROM wallet_ledger WHERE kind = 'TRANSFER' LIMIT 1), 0.01)$c$,
            $c$wallet_get('a0000000-0000-0000-0000-000000000001')$c$,
            $c$(SELECT count(*) FROM wallet_statement('a0000000-0000-0000-0000-000000000001'))$c$,
            $c$(SELECT count(*) FROM wallet_balance_at('a0000000-0000-0000-0000-000000000001', now()))$c$,
            $c$(SELECT count(*) FROM wallet_receipt((SELECT transaction_id FROM wallet_ledger WHERE kind = 'TRANSFER' LIMIT 1)))$c$,
            $c$(SELECT count(*) FROM wallet_seal_verify())$c$]
        LOOP
            BEGIN
                EXECUTE 'SELECT (' || call || ')::text' INTO said;
                said := 'fine';
            EXCEPTION WHEN OTHERS THEN
                GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
                said := concat_ws(' ', SQLSTATE, SQLERRM, detail);
            END;
            RAISE NOTICE '    % %', rpad(substring(call FROM 'wallet_\w+'), 18), said;
        END LOOP;
        FOR finding IN SELECT * FROM wallet_check() WHERE check_name IN ('shape', 'index') LOOP
            RAISE NOTICE '    check: % % | %', finding.check_name, finding.expected, finding.actual;
        END LOOP;
        RAISE EXCEPTION 'back' USING ERRCODE = 'P0001';
    EXCEPTION WHEN SQLSTATE 'P0001' THEN
        NULL;
    END;
END
$$;
\set VERBOSITY terse
CALL alter_and_try('ALTER TABLE wallet_ledger ALTER final TYPE text');
CALL alter_and_try('ALTER TABLE wallet_ledger ALTER reverses_leg TYPE numeric');
CALL alter_and_try('ALTER TABLE wallet_ledger ALTER session_user_name TYPE name');
CALL alter_and_try('ALTER TABLE wallets ALTER seal TYPE int USING 1');
CALL alter_and_try('ALTER TABLE wallet_ledger DROP application_name');
CALL alter_and_try('DROP INDEX payees');
CALL alter_and_try('DROP INDEX keys');
CALL alter_and_try('DROP INDEX open_ones');
CALL alter_and_try('ALTER TABLE wallets RENAME TO purses');

-- The others, in short: nothing crashes, and each is named.
CREATE FUNCTION said(ddl text, call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
    found text;
BEGIN
    BEGIN
        EXECUTE ddl;
        SELECT string_agg(concat_ws(': ', check_name, expected, actual), ', ') INTO found FROM wallet_check() WHERE check_name IN ('shape', 'guard');
        BEGIN
            EXECUTE 'SELECT (' || call || ')::text';
            detail := 'fine';
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
            detail := concat_ws(' ', SQLSTATE, nullif(detail, ''));
        END;
        RAISE EXCEPTION 'back' USING ERRCODE = 'P0001';
    EXCEPTION WHEN SQLSTATE 'P0001' THEN
        NULL;
    END;
    RETURN concat_ws(' / ', detail, 'check ' || found);
END
$$;
SELECT ddl, said(ddl, $$wallet_hold('a0000000-0000-0000-0000-000000000001', 5, '3 days', 'h1')$$)
FROM (VALUES ('ALTER TABLE wallet_ledger ALTER expires_in TYPE text'), ('ALTER TABLE wallet_ledger ALTER requested_amount TYPE bigint'),
             ('ALTER TABLE wallet_ledger ALTER requested_wallet_id TYPE text'), ('ALTER TABLE wallet_ledger ALTER current_user_name TYPE bigint USING 1'),
             ('ALTER TABLE wallet_ledger ALTER application_name TYPE varchar(5) USING left(application_name, 5)'), ('ALTER TABLE wallet_ledger ALTER from_seal TYPE text'),
             ('ALTER TABLE wallet_ledger RENAME to_seal TO seal_of_payee'), ('ALTER TABLE wallets DROP CONSTRAINT wallets_held_check'),
             ('ALTER TABLE wallet_ledger DROP CONSTRAINT wallet_ledger_amount_check')) AS change (ddl);
-- What can't be honoured is refused: rules, relatives, tables that are not logged.
CREATE TABLE parent (LIKE wallets);
SELECT ddl, said(ddl, $$wallet_fund('a0000000-0000-0000-0000-000000000001', 1)$$)
FROM (VALUES ('CREATE RULE keep AS ON DELETE TO wallet_ledger DO INSTEAD NOTHING'), ('DROP TRIGGER wallet_guard_kin ON wallets; ALTER TABLE wallets INHERIT parent'),
             ('CREATE TABLE child () INHERITS (wallet_ledger)'), ('ALTER TABLE wallet_ledger SET UNLOGGED')) AS change (ddl);
DROP TABLE parent;
-- Nor is another table taken for the extension's because of its name, as when somebody swaps in a copy.
CREATE FUNCTION swap(name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %1$I RENAME TO former; CREATE TABLE %1$I (LIKE former INCLUDING ALL); INSERT INTO %1$I SELECT * FROM former', name);
END
$$;
SELECT ddl, said(ddl, call) FROM unnest(ARRAY['SELECT swap(''wallets'')', 'SELECT swap(''wallet_ledger'')', 'SELECT swap(''wallet_holds'')']) AS ddl,
    unnest(ARRAY[$$wallet_hold('a0000000-0000-0000-0000-000000000001', 1)$$, $$wallet_get('a0000000-0000-0000-0000-000000000001')$$,
                 $$(SELECT count(*) FROM wallet_statement('a0000000-0000-0000-0000-000000000001'))$$]) AS call;
-- The table of scales too is found by name, columns and belonging.
SELECT ddl, said(ddl, call) FROM unnest(ARRAY['ALTER TABLE wallet_currency_scales RENAME scale TO decimals', 'ALTER TABLE wallet_currency_scales RENAME TO former',
        'SELECT swap(''wallet_currency_scales'')', 'ALTER TABLE wallet_currency_scales ADD note text; ALTER TABLE wallet_currency_scales ALTER scale DROP NOT NULL']) AS ddl,
    unnest(ARRAY[$$wallet_fund('a0000000-0000-0000-0000-000000000001', 1)$$, $$wallet_set_currency('GBP', 2)$$]) AS call;
-- All is found whatever the caller's search_path has before pg_catalog.
CREATE SCHEMA planted;
CREATE FUNCTION planted.never(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN false;
CREATE FUNCTION planted.never(numeric, numeric) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN false;
CREATE FUNCTION planted.num_nonnulls(VARIADIC "any") RETURNS integer LANGUAGE internal IMMUTABLE AS 'pg_num_nonnulls';
CREATE OPERATOR planted.= (LEFTARG = text, RIGHTARG = text, FUNCTION = planted.never);
CREATE OPERATOR planted.>= (LEFTARG = numeric, RIGHTARG = numeric, FUNCTION = planted.never);
BEGIN;
SET LOCAL search_path = planted, pg_catalog, public;
SET LOCAL quote_all_identifiers = on;
ALTER TABLE wallets SET (fillfactor = 71);
ALTER TABLE wallet_ledger SET (fillfactor = 99);
ALTER TABLE wallet_holds SET (fillfactor = 99);
SELECT * FROM wallet_check();
SELECT wallet_expire_holds(), count(*) FROM wallet_hold_list(:alice);
SHOW search_path;
ROLLBACK;
-- Types of arguments and results.
SELECT ddl, said(ddl, $$wallet_post(ARRAY[ROW('a0000000-0000-0000-0000-000000000001', 'b0000000-0000-0000-0000-000000000001', 1)::wallet_leg])$$)
FROM (VALUES ('ALTER TYPE wallet_leg ALTER ATTRIBUTE amount TYPE float8'), ('ALTER TYPE wallet_leg RENAME ATTRIBUTE amount TO sum'),
             ('ALTER TYPE wallet_leg ADD ATTRIBUTE note text')) AS change (ddl);
SELECT said('ALTER TYPE wallet_details ADD ATTRIBUTE note text', $$wallet_get('a0000000-0000-0000-0000-000000000001')$$);
SELECT call, said('ALTER TYPE wallet_details ADD ATTRIBUTE note text; ALTER TYPE wallet_details DROP ATTRIBUTE note', call)
FROM unnest(ARRAY[$$wallet_get('a0000000-0000-0000-0000-000000000001')$$, $$(SELECT 1 / count(*) FROM wallet_list('alice') WHERE available IS NOT NULL)$$]) AS call;
SELECT wallet_read_rows(NULL::integer, NULL::text, -1);
SELECT wallet_read_argument(NULL::integer, NULL::text);

-- An own column that was dropped and made anew stands elsewhere: found all the same.
ALTER TABLE wallet_ledger DROP expires_in;
ALTER TABLE wallet_ledger ADD expires_in interval;
ALTER TABLE wallets DROP seal;
ALTER TABLE wallets ADD seal bytea;
SELECT wallet_hold(:alice, 2, '2 days', 'moved') IS NOT NULL AS held, wallet_hold(:alice, 2, '2 days', 'moved') IS NOT NULL AS replayed;
SELECT wallet_hold(:alice, 2, '3 days', 'moved');
SELECT expires_in, application_name <> '' AS named FROM wallet_ledger WHERE idempotency_key = 'moved';
SET wallet.seal = on;
SELECT wallet_transfer(:alice, :bob, 1) IS NOT NULL AS paid;
RESET wallet.seal;
SELECT seal IS NOT NULL AS sealed FROM wallets ORDER BY id;
SELECT * FROM wallet_seal_verify();
SELECT balance, held, available FROM wallet_get(:alice);
SELECT * FROM wallet_check();

-- What is stored and can't be true is found out before it makes something worse (INV-2).
\set VERBOSITY default
ALTER TABLE wallets DISABLE TRIGGER USER;
UPDATE wallets SET held = 0 WHERE id = :alice;
SELECT wallet_release(:'hold');
UPDATE wallets SET held = 7, version = 9223372036854775807 WHERE id = :alice;
SELECT wallet_release(:'hold');
UPDATE wallets SET held = 7, version = 4, updated_at = '9999-12-31 23:59:59.999999+00' WHERE id = :alice;
SELECT wallet_release(:'hold');
UPDATE wallets SET updated_at = 'infinity' WHERE id = :alice;
SELECT wallet_transfer(:alice, wallet_create('erin'), 1);
UPDATE wallets SET updated_at = created_at WHERE id = :alice;
ALTER TABLE wallet_holds DISABLE TRIGGER USER;
ALTER TABLE wallet_holds DROP CONSTRAINT wallet_holds_amount_check;
UPDATE wallet_holds SET released = 6 WHERE hold_id = :'hold';
SELECT wallet_release(:'hold');
