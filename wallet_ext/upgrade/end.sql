
-- A function that was made anew belongs to, and may be called by, whom its name did before. A dump
-- writes down what differs from the rights that the extension itself gives: those are the owner's,
-- whatever is given back here.
DO $$
DECLARE
    former pg_catalog.jsonb := pg_catalog.current_setting('wallet_upgrade.functions')::pg_catalog.jsonb;
    function record;
    given record;
BEGIN
    FOR function IN
        SELECT p.oid AS id, p.proname AS name, p.oid::pg_catalog.regprocedure AS signature
        FROM pg_catalog.pg_depend AS d
        JOIN pg_catalog.pg_extension AS e ON e.oid OPERATOR(pg_catalog.=) d.refobjid
        JOIN pg_catalog.pg_proc AS p ON p.oid OPERATOR(pg_catalog.=) d.objid
        WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
          AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass
          AND d.deptype OPERATOR(pg_catalog.=) 'e'::pg_catalog."char"
          AND e.extname OPERATOR(pg_catalog.=) 'wallet'::pg_catalog.name
    LOOP
        IF NOT EXISTS (
            SELECT FROM pg_catalog.jsonb_to_recordset(former) AS f (id pg_catalog.oid)
            WHERE f.id OPERATOR(pg_catalog.=) function.id)
        THEN
            FOR given IN
                SELECT f.owner FROM pg_catalog.jsonb_to_recordset(former) AS f (name pg_catalog.name, owner pg_catalog.oid)
                WHERE f.name OPERATOR(pg_catalog.=) function.name
            LOOP
                EXECUTE pg_catalog.format('ALTER FUNCTION %s OWNER TO %I', function.signature,
                    pg_catalog.pg_get_userbyid(given.owner));
            END LOOP;
            FOR given IN
                SELECT g.grantee, g.grantable
                FROM pg_catalog.jsonb_to_recordset(former) AS f (name pg_catalog.name, grants pg_catalog.jsonb)
                CROSS JOIN pg_catalog.jsonb_to_recordset(f.grants) AS g (grantee pg_catalog.oid, grantable pg_catalog.bool)
                WHERE f.name OPERATOR(pg_catalog.=) function.name
            LOOP
                EXECUTE pg_catalog.format('GRANT EXECUTE ON FUNCTION %s TO %s%s', function.signature,
                    CASE WHEN given.grantee OPERATOR(pg_catalog.=) '0'::pg_catalog.oid THEN 'PUBLIC'
                         ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(given.grantee)::pg_catalog.text) END,
                    CASE WHEN given.grantable THEN ' WITH GRANT OPTION' ELSE '' END);
            END LOOP;
        END IF;
        UPDATE pg_catalog.pg_init_privs AS i
        SET initprivs = ARRAY[pg_catalog.makeaclitem(p.proowner, p.proowner, 'EXECUTE', false)]
        FROM pg_catalog.pg_proc AS p
        WHERE p.oid OPERATOR(pg_catalog.=) function.id AND i.objoid OPERATOR(pg_catalog.=) p.oid
          AND i.classoid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
          AND i.objsubid OPERATOR(pg_catalog.=) '0'::pg_catalog.int4;
        DELETE FROM pg_catalog.pg_shdepend AS s
        USING pg_catalog.pg_database AS here
        WHERE here.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
          AND s.dbid OPERATOR(pg_catalog.=) here.oid AND s.objid OPERATOR(pg_catalog.=) function.id
          AND s.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
          AND s.deptype OPERATOR(pg_catalog.=) 'i'::pg_catalog."char";
    END LOOP;
END
$$;
