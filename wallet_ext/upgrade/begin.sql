\echo Use "ALTER EXTENSION wallet UPDATE" to load this file. \quit

-- An upgrade makes functions anew whose arguments or results change. Who owns and may execute which
-- functions is noted here, by name, and given back at the end of the script. What an earlier upgrade made
-- just now, in this transaction, has nothing but what default privileges gave.
DO $$
BEGIN
    PERFORM pg_catalog.set_config('wallet_upgrade.functions', coalesce(pg_catalog.jsonb_agg(
        pg_catalog.jsonb_build_object('id', p.oid, 'name', p.proname, 'owner', p.proowner, 'grants', (
            SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                       'grantee', a.grantee, 'grantable', a.is_grantable))
            FROM pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) AS a
            WHERE a.grantee OPERATOR(pg_catalog.<>) p.proowner)))::pg_catalog.text, '[]'), true)
    FROM pg_catalog.pg_depend AS d
    JOIN pg_catalog.pg_extension AS e ON e.oid OPERATOR(pg_catalog.=) d.refobjid
    JOIN pg_catalog.pg_proc AS p ON p.oid OPERATOR(pg_catalog.=) d.objid
    WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
      AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass
      AND d.deptype OPERATOR(pg_catalog.=) 'e'::pg_catalog."char"
      AND e.extname OPERATOR(pg_catalog.=) 'wallet'::pg_catalog.name
      AND d.xmin OPERATOR(pg_catalog.<>) pg_catalog.pg_current_xact_id()::pg_catalog.xid;
END
$$;

-- All members: what default privileges give to others on new ones is taken back.
SELECT pg_catalog.set_config('wallet_upgrade.members', pg_catalog.array_agg(d.objid)::pg_catalog.text, true)
FROM pg_catalog.pg_depend AS d
JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'wallet'
WHERE d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass::pg_catalog.oid AND d.deptype = 'e'
  AND d.xmin <> pg_catalog.pg_current_xact_id()::pg_catalog.xid;

