-- Puts a harmless trigger on each money table as soon as the extension is there: its rows then go the
-- executor's way, and everything must be as it is without.
CREATE SCHEMA added;
CREATE FUNCTION added.nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE FUNCTION added.decorate() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE
    money_table regclass;
BEGIN
    FOR money_table IN
        SELECT c.oid FROM pg_class c JOIN pg_depend d ON d.objid = c.oid AND d.deptype = 'e'
        JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'wallet'
        WHERE c.relname IN ('wallets', 'wallet_ledger', 'wallet_holds')
          AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'added_nothing')
    LOOP
        EXECUTE format('CREATE TRIGGER added_nothing AFTER INSERT OR UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION added.nothing()', money_table);
    END LOOP;
END
$$;
CREATE EVENT TRIGGER added_decorate ON ddl_command_end WHEN TAG IN ('CREATE EXTENSION', 'ALTER EXTENSION') EXECUTE FUNCTION added.decorate();
