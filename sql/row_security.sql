-- Where a policy would hide rows from the owner, the functions that run with the owner's rights raise an
-- error instead of an all-clear; the operations don't ask policies.
CREATE EXTENSION wallet;
CREATE ROLE regress_row_security_owner;
CREATE ROLE regress_row_security_clerk;
\set alice '''a0000000-0000-0000-0000-000000000001'''
GRANT CREATE ON SCHEMA public TO regress_row_security_owner;
GRANT SELECT ON wallets TO regress_row_security_clerk;
GRANT EXECUTE ON FUNCTION wallet_list, wallet_fund, wallet_get TO regress_row_security_clerk;
SELECT wallet_fund(wallet_create('alice', 'USD', :alice), 5, 'key') IS NOT NULL AS funded;

-- A policy for others changes nothing for the owner.
ALTER TABLE wallets ENABLE ROW LEVEL SECURITY;
SET ROLE regress_row_security_clerk;
SELECT count(*) FROM wallets;
SELECT balance FROM wallet_list('alice');
RESET ROLE;
SELECT * FROM wallet_check();

-- Every function that runs with its owner's rights, where the tables' policies bind the owner too.
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT c.relname FROM pg_class c JOIN pg_depend d ON d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'e'
        WHERE c.relkind IN ('r', 'v') AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'wallet')
    LOOP
        EXECUTE format('ALTER TABLE %I OWNER TO regress_row_security_owner', name);
        IF (SELECT relkind FROM pg_class WHERE relname = name) = 'r' THEN
            EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', name);
        END IF;
    END LOOP;
    FOR name IN SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
        WHERE d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'wallet')
    LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO regress_row_security_owner', name);
    END LOOP;
END
$$;
CREATE FUNCTION try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    value text;
BEGIN
    EXECUTE statement INTO value;
    RETURN coalesce(value, 'nothing');
EXCEPTION WHEN OTHERS THEN
    RETURN SQLERRM;
END
$$;
SELECT call, try(call) FROM unnest(ARRAY[
    'SELECT count(*) FROM wallet_check()', 'SELECT count(*) FROM wallet_totals()', 'SELECT count(*) FROM wallet_health()',
    'SELECT count(*) FROM wallet_currencies()', 'SELECT count(*) FROM wallet_list(''alice'')', 'SELECT count(*) FROM wallet_lookup(''key'')',
    'SELECT count(*) FROM wallet_statement(''a0000000-0000-0000-0000-000000000001'')',
    'SELECT count(*) FROM wallet_history(''a0000000-0000-0000-0000-000000000001'')', 'SELECT count(*) FROM wallet_activity(''alice'')',
    'SELECT balance FROM wallet_get(''a0000000-0000-0000-0000-000000000001'')']) AS call;
SELECT wallet_fund(:alice, 5) IS NOT NULL AS funded;
DROP OWNED BY regress_row_security_clerk;
REASSIGN OWNED BY regress_row_security_owner TO CURRENT_USER;
DROP OWNED BY regress_row_security_owner;
DROP ROLE regress_row_security_owner, regress_row_security_clerk;
