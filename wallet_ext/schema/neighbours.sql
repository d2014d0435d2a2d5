-- Who may create objects in the extension's schema can put functions there that callers find before, or
-- instead of, the extension's: beside superusers only whom one would trust with the money.
DO $$
DECLARE
    others text;
    own_schema text;
BEGIN
    SELECT pg_catalog.string_agg(DISTINCT creator.name, ', ' ORDER BY creator.name),
           pg_catalog.min(pg_catalog.quote_ident(n.nspname::pg_catalog.text))
    INTO others, own_schema
    FROM pg_catalog.pg_extension AS e
    JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
    CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) AS a
    -- pg_database_owner stands for the owner of the database.
    LEFT JOIN pg_catalog.pg_database AS here
           ON here.datname = pg_catalog.current_database()
          AND pg_catalog.pg_get_userbyid(a.grantee) = 'pg_database_owner'
    LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = coalesce(here.datdba, a.grantee)
    CROSS JOIN LATERAL (SELECT coalesce(r.rolname::pg_catalog.text, 'PUBLIC') AS name) AS creator
    WHERE e.extname = 'wallet' AND a.privilege_type = 'CREATE'
      AND r.rolsuper IS NOT TRUE AND r.rolname IS DISTINCT FROM current_user::pg_catalog.name;
    IF others IS NOT NULL THEN
        RAISE WARNING 'others may create objects in schema %: %', own_schema, others
            USING HINT = 'Revoke CREATE on it from them, or let a superuser own the schema or the database.';
    END IF;
END
$$;
