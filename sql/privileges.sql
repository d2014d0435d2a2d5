-- Who may do what: nobody anything until it is granted, and each duty of the README's GRANT block
-- exactly its own work, without any right on a table.
-- What default privileges give to others is taken back.
CREATE ROLE regress_privileges_app;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO regress_privileges_app WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO regress_privileges_app;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON TYPES TO regress_privileges_app;
-- Who may create beside the extension is named.
GRANT CREATE ON SCHEMA public TO regress_privileges_app;
CREATE EXTENSION wallet;
REVOKE CREATE ON SCHEMA public FROM regress_privileges_app;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM regress_privileges_app, PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE EXECUTE ON FUNCTIONS FROM regress_privileges_app;
ALTER DEFAULT PRIVILEGES REVOKE USAGE ON TYPES FROM regress_privileges_app;
-- An error where something still depends on the role.
DROP ROLE regress_privileges_app;
\set grants `awk '/^## / { section = $2 } section == "Privileges" && /^(CREATE|GRANT|    )/' "$PG_ABS_SRCDIR/README.md"`
\set alice '''a0000000-0000-0000-0000-000000000001'''
\set bob '''b0000000-0000-0000-0000-000000000001'''

-- The objects of the extension that someone may use, by role. grantee 0 is PUBLIC.
CREATE VIEW members AS
SELECT objid, classid FROM pg_depend
WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
  AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'wallet');
SELECT p.oid::regprocedure AS public_may_call
FROM members JOIN pg_proc p ON p.oid = objid AND classid = 'pg_proc'::regclass,
     aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS acl
WHERE acl.grantee <> p.proowner;
SELECT c.oid::regclass AS public_may_use
FROM members JOIN pg_class c ON c.oid = objid AND classid = 'pg_class'::regclass,
     aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) AS acl
WHERE acl.grantee <> c.relowner;

:grants
SELECT role.rolname, string_agg(p.proname, ' ' ORDER BY p.proname) AS may_call
FROM pg_roles AS role
JOIN (members JOIN pg_proc p ON p.oid = objid AND classid = 'pg_proc'::regclass) ON has_function_privilege(role.oid, p.oid, 'EXECUTE')
WHERE role.rolname LIKE 'wallet\_%'
GROUP BY role.rolname ORDER BY role.rolname;
-- The table of functions by role is what the documents say.
\set table `awk -F '[|]' '$2 ~ /^ .wallet_/ { gsub(/[^a-z_]/, "", $2); for (i = 3; i <= 8; i++) if ($i ~ /yes/) print $2 "=" i }' "$PG_ABS_SRCDIR/docs/security.md"`
WITH documented AS (
    SELECT split_part(line, '=', 1) AS function,
           (ARRAY['wallet_application', 'wallet_cashier', 'wallet_operator', 'wallet_auditor', 'wallet_history_writer', 'wallet_bridge'])[
               split_part(line, '=', 2)::integer - 2] AS role
    FROM regexp_split_to_table(:'table', '\s+') AS line
), granted AS (
    SELECT p.proname::text AS function, role.rolname::text AS role
    FROM pg_roles AS role
    JOIN (members JOIN pg_proc p ON p.oid = objid AND classid = 'pg_proc'::regclass) ON has_function_privilege(role.oid, p.oid, 'EXECUTE')
    WHERE role.rolname LIKE 'wallet\_%'
)
SELECT 'documented only' AS what, * FROM (SELECT * FROM documented EXCEPT SELECT * FROM granted) AS surplus
UNION ALL
SELECT 'granted only', * FROM (SELECT * FROM granted EXCEPT SELECT * FROM documented) AS missing;
SELECT role.rolname, c.relname, string_agg(privilege, ' ' ORDER BY privilege) AS may
FROM pg_roles AS role
CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS privilege
JOIN (members JOIN pg_class c ON c.oid = objid AND classid = 'pg_class'::regclass AND c.relkind IN ('r', 'v'))
  ON has_table_privilege(role.oid, c.oid, privilege)
WHERE role.rolname LIKE 'wallet\_%'
GROUP BY role.rolname, c.relname ORDER BY role.rolname, c.relname;

-- The result of a statement under a role: its value, or its error's code.
CREATE FUNCTION try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    value text;
BEGIN
    IF statement LIKE 'SELECT%' THEN
        EXECUTE statement INTO value;
    ELSE
        EXECUTE statement;
    END IF;
    RETURN coalesce(value, 'done');
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END
$$;
GRANT EXECUTE ON FUNCTION try(text) TO PUBLIC;
-- Every read and write of every table of the extension, tried under the current role.
CREATE FUNCTION try_tables() RETURNS TABLE (statement text, result text) LANGUAGE plpgsql AS $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['wallets', 'wallet_ledger', 'wallet_holds', 'wallet_currency_scales', 'wallet_transactions',
        'transaction_events', 'wallet_history_offsets', 'wallet_history_gaps', 'wallet_history_conflicts',
        'wallet_history_dead_letters', 'wallet_history_mark', 'wallet_stat_groups', 'wallet_stat', 'wallet_stat_wallets'] LOOP
        RETURN QUERY SELECT s, try(s) FROM unnest(ARRAY[
            format('SELECT count(*) FROM %I', name),
            format('INSERT INTO %I SELECT * FROM %I', name, name),
            format('DELETE FROM %I', name),
            format('TRUNCATE %I', name),
            format('LOCK TABLE %I', name)]) AS s;
        RETURN QUERY SELECT s, try(s) FROM (SELECT format('UPDATE %I SET %I = %I', name, attname, attname) AS s FROM pg_attribute
            WHERE attrelid = name::regclass AND attnum = 1) AS update;
    END LOOP;
END
$$;
GRANT EXECUTE ON FUNCTION try_tables() TO PUBLIC;

-- An application.
SET ROLE wallet_application;
SELECT wallet_create('alice', 'USD', :alice), wallet_create('bob', 'USD', :bob);
SELECT try(format('SELECT wallet_fund(%L, 100)', :alice)) AS fund, try(format('SELECT wallet_withdraw(%L, 1)', :alice)) AS withdraw;
SET ROLE wallet_cashier;
SELECT wallet_fund(:alice, 100) IS NOT NULL AS funded, wallet_withdraw(:alice, 1) IS NOT NULL AS withdrawn;
SELECT try(format('SELECT wallet_transfer(%L, %L, 1)', :alice, :bob)) AS transfer, try($$SELECT wallet_create('mallory')$$) AS create,
       try(format('SELECT balance FROM wallet_get(%L)', :alice)) AS get, try(format('SELECT wallet_lock(ARRAY[%L::uuid])', :alice)) AS lock;
SET ROLE wallet_application;
SELECT type, amount, balance_after FROM wallet_receipt(wallet_transfer(:alice, :bob, 9, 'pay-1'));
SELECT wallet_lock(ARRAY[:alice, :bob]::uuid[]) IS NOT NULL AS locked;
-- Holds, reversals, batches and posts; no money from or to outside by any of them.
SELECT wallet_hold(:alice, 3) AS hold \gset
SELECT wallet_capture(:'hold', :bob, 1, false) IS NOT NULL AS captured, wallet_release(:'hold') IS NOT NULL AS released;
SELECT wallet_reverse(wallet_post(ARRAY[(:alice, :bob, 1)]::wallet_leg[])) IS NOT NULL AS posted_and_reversed;
SELECT sqlstate FROM wallet_transfer_batch(ARRAY[:bob]::uuid[], ARRAY[:alice]::uuid[], '{1}');
RESET ROLE;
SELECT wallet_fund(:alice, 2) AS fund, wallet_withdraw(:alice, 2) AS withdraw, wallet_hold(:alice, 2) AS outside \gset
SELECT wallet_capture(:'outside', NULL, 1, false, 'out-1') AS capture \gset
SET ROLE wallet_application;
SELECT wallet_capture(:'outside', NULL);
SELECT wallet_reverse(:'fund');
SELECT wallet_reverse(:'withdraw');
SELECT wallet_reverse(:'capture', 0.5);
-- What is not there, or can't be reversed, is said first; a retry finds what was done.
SELECT try('SELECT wallet_capture(gen_random_uuid())') AS no_hold, try('SELECT wallet_reverse(gen_random_uuid())') AS no_operation,
       try(format('SELECT wallet_reverse(%L)', :'outside')) AS not_reversible,
       try(format('SELECT wallet_capture(%L, NULL, 1, false, %L)', :'outside', 'out-1')) = :'capture' AS replayed;
RESET ROLE;
GRANT EXECUTE ON FUNCTION wallet_withdraw TO wallet_application;
SET ROLE wallet_application;
SELECT wallet_capture(:'outside', NULL) IS NOT NULL AS captured, wallet_reverse(:'fund') IS NOT NULL AS fund_reversed,
       try(format('SELECT wallet_reverse(%L)', :'withdraw')) AS withdraw_reversed;
RESET ROLE;
REVOKE EXECUTE ON FUNCTION wallet_withdraw FROM wallet_application;
GRANT EXECUTE ON FUNCTION wallet_fund TO wallet_application;
SET ROLE wallet_application;
SELECT wallet_reverse(:'withdraw') IS NOT NULL AS withdraw_reversed, wallet_reverse(:'capture') IS NOT NULL AS capture_reversed,
       try(format('SELECT wallet_reverse(%L)', :'fund')) AS fund_reversed;
RESET ROLE;
REVOKE EXECUTE ON FUNCTION wallet_fund FROM wallet_application;
-- Nor does force take it there.
SET ROLE wallet_operator;
SELECT try(format('SELECT wallet_reverse_force(%L)', :'withdraw')) AS withdraw_forced;
SET ROLE wallet_application;
SELECT try(format('SELECT wallet_freeze(%L)', :alice)) AS freeze, try(format('SELECT wallet_unfreeze(%L)', :alice)) AS unfreeze,
       try(format('SELECT wallet_close(%L)', :alice)) AS close, try(format('SELECT wallet_set_limits(%L, 1000)', :alice)) AS limits,
       try(format('SELECT wallet_reverse_force(%L)', :'hold')) AS force, try('SELECT wallet_expire_holds()') AS expire;
SELECT balance FROM wallet_get(:alice);
SELECT balance FROM wallet_list('bob');
SELECT operation FROM wallet_lookup('pay-1');
SELECT transaction_id AS paid FROM wallet_lookup('pay-1') \gset
SELECT count(*) FROM wallet_history(:alice);
SELECT count(*) FROM wallet_activity('alice');
SELECT try('SELECT count(*) FROM wallet_check()') AS check, try('SELECT count(*) FROM wallet_totals()') AS totals,
       try('SELECT count(*) FROM wallet_health()') AS health;
SELECT remaining, status FROM wallet_hold_get(:'hold');
SELECT count(*) FROM wallet_hold_list(:alice);
SELECT try('SELECT count(*) FROM wallet_operations()') AS operations, try('SELECT count(*) FROM wallet_currencies()') AS currencies,
       try($$SELECT wallet_set_currency('JPY', 0)$$) AS set_currency;
SELECT result, count(*) FROM try_tables() GROUP BY result ORDER BY result;
SELECT try('ALTER TABLE wallets DISABLE TRIGGER wallet_guard') AS disable, try('SET session_replication_role = replica') AS replica,
       try('CREATE TRIGGER mine BEFORE INSERT ON wallet_ledger EXECUTE FUNCTION suppress_redundant_updates_trigger()') AS trigger,
       try('DROP EXTENSION wallet') AS drop, try('SET wallet.max_metadata_bytes = 1000000') AS setting;
-- The parts and the arguments' checks are not for calling.
SELECT try($$SELECT wallet_read_argument(1, 'x')$$) AS argument, try('SELECT * FROM wallet_check_guards()') AS guards,
       try('SELECT * FROM wallet_check_ledger()') AS ledger;

SET ROLE wallet_cashier;
SELECT result, count(*) FROM try_tables() GROUP BY result ORDER BY result;

SET ROLE wallet_operator;
SELECT count(*) FROM wallet_check();
SELECT count(*) FROM wallet_check(:alice);
SELECT currency, balance, difference FROM wallet_totals();
SELECT status FROM wallet_health();
SELECT wallet_set_currency('JPY', 0) IS NOT NULL AS set, currency, scale FROM wallet_currencies() ORDER BY currency;
SELECT count(*) > 0 AS operations FROM wallet_operations(currency => 'USD');
SELECT wallet_freeze(:bob) IS NOT NULL AS frozen, wallet_unfreeze(:bob) IS NOT NULL AS unfrozen, wallet_set_limits(:bob, 5) IS NOT NULL AS limited,
       wallet_reverse_force(:'paid', 1) IS NOT NULL AS forced, wallet_expire_holds() AS expired;
SELECT try(format('SELECT wallet_close(%L)', :bob)) AS close, try(format('SELECT wallet_hold(%L, 1)', :bob)) AS hold,
       try(format('SELECT wallet_reverse(%L)', :'paid')) AS reverse, try('SELECT wallet_transfer_batch(NULL, NULL, NULL)') AS batch,
       try('SELECT wallet_post(NULL)') AS post, try('SELECT wallet_release(NULL)') AS release, try('SELECT wallet_capture(NULL)') AS capture;
SELECT try(format('SELECT wallet_fund(%L, 100)', :alice)) AS fund, try(format('SELECT balance FROM wallet_get(%L)', :alice)) AS get;
SELECT result, count(*) FROM try_tables() GROUP BY result ORDER BY result;

SET ROLE wallet_auditor;
SELECT balance FROM wallet_get(:alice);
SELECT count(*) FROM wallet_check();
SELECT count(*) > 0 AS operations FROM wallet_operations(user_id => 'alice');
SELECT kind, amount FROM wallet_ledger ORDER BY transaction_id;
SELECT type, amount FROM wallet_transactions WHERE wallet_id = :bob ORDER BY version;
SELECT statement, result FROM try_tables() WHERE result <> '42501';
SELECT try(format('SELECT wallet_fund(%L, 100)', :alice)) AS fund;

SET ROLE wallet_history_writer;
BEGIN;
SELECT pg_replication_origin_create('wallet_history_regress') IS NOT NULL AS created;
SELECT pg_replication_origin_session_setup('wallet_history_regress') IS NOT NULL AS setup;
INSERT INTO transaction_events (id, wallet_id, user_id, amount, event_type, transaction_id, created_at, event_data, version)
VALUES (gen_random_uuid(), :alice, 'alice', 0, 'CREATED', gen_random_uuid(), now(), '{}', 0);
INSERT INTO wallet_history_offsets (group_id, topic, partition, next_offset) VALUES ('group', 'topic', 0, 0)
ON CONFLICT (group_id, topic, partition) DO UPDATE SET fence = wallet_history_offsets.fence + 1;
UPDATE wallet_history_offsets SET next_offset = 1;
INSERT INTO wallet_history_gaps (wallet_id, from_version, to_version, topic, partition, kafka_offset) VALUES (:alice, 1, 2, 'topic', 0, 1);
DELETE FROM wallet_history_gaps;
INSERT INTO wallet_history_conflicts (wallet_id, version, stored, received, topic, partition, kafka_offset) VALUES (:alice, 1, '{}', '{}', 'topic', 0, 1);
INSERT INTO wallet_history_dead_letters (topic, partition, kafka_offset, reason, detail) VALUES ('topic', 0, 1, 'InvalidField', 'none');
SELECT has_more FROM wallet_history_advance();
SELECT pg_replication_origin_session_reset() IS NOT NULL AS reset;
ROLLBACK;
SELECT statement, result FROM try_tables() WHERE result <> '42501';
SELECT try(format('SELECT wallet_fund(%L, 100)', :alice)) AS fund, try(format('SELECT balance FROM wallet_get(%L)', :alice)) AS get;

SET ROLE wallet_bridge;
SELECT count(e.event) FROM wallet_ledger l, wallet_ledger_events(l) e;
SELECT statement, result FROM try_tables() WHERE result <> '42501';
SELECT try(format('SELECT wallet_fund(%L, 100)', :alice)) AS fund, try(format('SELECT balance FROM wallet_get(%L)', :alice)) AS get;
RESET ROLE;
SELECT rolname, rolcanlogin, rolreplication, rolsuper FROM pg_roles WHERE rolname LIKE 'wallet\_%' ORDER BY rolname;

-- A caller's own objects don't reach what runs with the owner's rights.
GRANT CREATE ON SCHEMA public TO wallet_application;
CREATE SCHEMA AUTHORIZATION wallet_application;
SET ROLE wallet_application;
CREATE FUNCTION wallet_application.wallet_read_argument(anyelement, text) RETURNS anyelement LANGUAGE plpgsql AS
    $$BEGIN RAISE 'as %', current_user; END$$;
CREATE FUNCTION wallet_application.coalesce(numeric, numeric) RETURNS numeric LANGUAGE sql AS 'SELECT 1000000';
CREATE FUNCTION public.wallet_read_argument(uuid, text) RETURNS uuid LANGUAGE plpgsql AS $$BEGIN RAISE 'as %', current_user; END$$;
CREATE TEMPORARY TABLE wallets (id uuid, user_id text);
CREATE TEMPORARY TABLE wallet_ledger (id uuid);
SET search_path = wallet_application, pg_temp, public, pg_catalog;
SELECT balance FROM wallet_list('alice');
SELECT count(*) FROM wallet_receipt((SELECT transaction_id FROM wallet_lookup('pay-1')));
RESET search_path;
RESET ROLE;

SET client_min_messages = warning;
DROP EXTENSION wallet CASCADE;
DROP OWNED BY wallet_application, wallet_cashier, wallet_operator, wallet_auditor, wallet_history_writer, wallet_bridge;
DROP ROLE wallet_application, wallet_cashier, wallet_operator, wallet_auditor, wallet_history_writer, wallet_bridge;
