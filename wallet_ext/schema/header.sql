-- Made by make from wallet_ext/schema/*.sql.
\echo Use "CREATE EXTENSION wallet" to load this file. \quit

-- Events are UTF-8 JSON, and so is what they are made of.
DO $$
BEGIN
    IF pg_catalog.getdatabaseencoding() OPERATOR(pg_catalog.<>) 'UTF8' THEN
        RAISE EXCEPTION 'extension wallet needs a database with encoding UTF8, not %',
            pg_catalog.getdatabaseencoding()
            USING ERRCODE = 'feature_not_supported';
    END IF;
END
$$;

-- The members that an upgrade found; there are none yet.
SELECT pg_catalog.set_config('wallet_upgrade.members', '{}', true);
