
-- As of the wallet extension: nobody but the owner may use anything until it is granted.
DO $$
DECLARE
    made pg_catalog.regprocedure;
BEGIN
    FOR made IN
        SELECT d.objid::pg_catalog.regprocedure
        FROM pg_catalog.pg_depend AS d
        JOIN pg_catalog.pg_extension AS e
            ON e.oid OPERATOR(pg_catalog.=) d.refobjid AND e.extname OPERATOR(pg_catalog.=) 'wallet_router'::pg_catalog.name
        WHERE d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass::pg_catalog.oid
          AND d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', made::pg_catalog.text);
    END LOOP;
END
$$;
GRANT EXECUTE ON FUNCTION wallet_bucket(uuid), wallet_user_bucket(text) TO PUBLIC;
