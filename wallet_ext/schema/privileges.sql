-- Nobody but the owner may use anything new until it is granted, whatever ALTER DEFAULT PRIVILEGES gives
-- to others; the README has the GRANTs for each duty. What an upgrade found keeps its grants. Types stay
-- as the server makes them: PUBLIC may name them.
DO $$
DECLARE
    given record;
BEGIN
    FOR given IN
        SELECT DISTINCT object.name, a.grantee
        FROM pg_catalog.pg_depend AS d
        JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'wallet'
        CROSS JOIN LATERAL (
            SELECT 'FUNCTION ' OPERATOR(pg_catalog.||) p.oid::pg_catalog.regprocedure::pg_catalog.text AS name,
                   p.proowner AS owner, coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner)) AS acl
            FROM pg_catalog.pg_proc AS p
            WHERE p.oid = d.objid AND d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid
            UNION ALL
            SELECT 'TABLE ' OPERATOR(pg_catalog.||) c.oid::pg_catalog.regclass::pg_catalog.text, c.relowner, c.relacl
            FROM pg_catalog.pg_class AS c
            WHERE c.oid = d.objid AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid
              AND c.relkind IN ('r', 'v')
            UNION ALL
            SELECT 'TYPE ' OPERATOR(pg_catalog.||) t.oid::pg_catalog.regtype::pg_catalog.text, t.typowner, t.typacl
            FROM pg_catalog.pg_type AS t
            WHERE t.oid = d.objid AND d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid
        ) AS object
        CROSS JOIN LATERAL pg_catalog.aclexplode(object.acl) AS a
        WHERE d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass::pg_catalog.oid AND d.deptype = 'e'
          AND d.objid <> ALL (pg_catalog.current_setting('wallet_upgrade.members')::pg_catalog.oid[])
          AND a.grantee <> object.owner
          AND (a.grantee <> '0'::pg_catalog.oid OR NOT pg_catalog.starts_with(object.name, 'TYPE'))
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON %s FROM %s', given.name,
            CASE WHEN given.grantee = '0'::pg_catalog.oid THEN 'PUBLIC'
                 ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(given.grantee)::pg_catalog.text) END);
    END LOOP;
END
$$;
