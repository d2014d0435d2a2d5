-- The extension means what PostgreSQL and itself say. A name that was found in what somebody else put
-- into the schema beforehand is not taken over: nothing is installed then.
DO $$
DECLARE
    bound text;
BEGIN
    WITH member AS (
        SELECT d.classid, d.objid
        FROM pg_catalog.pg_depend AS d
        JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'wallet'
        WHERE d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass::pg_catalog.oid AND d.deptype = 'e'
    ), own (classid, objid) AS (
        SELECT member.classid, member.objid FROM member
        UNION ALL
        SELECT 'pg_catalog.pg_rewrite'::pg_catalog.regclass::pg_catalog.oid, w.oid
        FROM member
        JOIN pg_catalog.pg_class AS c ON c.oid = member.objid AND c.relkind = 'v'
        JOIN pg_catalog.pg_rewrite AS w ON w.ev_class = c.oid
        WHERE member.classid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid
    )
    SELECT pg_catalog.string_agg(DISTINCT pg_catalog.concat(
               pg_catalog.pg_describe_object(own.classid, own.objid, 0), ' would use ',
               pg_catalog.pg_describe_object(d.refclassid, d.refobjid, 0)), E'\n')
    INTO bound
    FROM own
    JOIN pg_catalog.pg_depend AS d ON d.classid = own.classid AND d.objid = own.objid
    WHERE d.refclassid IN ('pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid,
                           'pg_catalog.pg_operator'::pg_catalog.regclass::pg_catalog.oid)
      AND NOT EXISTS (SELECT FROM member WHERE member.classid = d.refclassid AND member.objid = d.refobjid);
    IF bound IS NOT NULL THEN
        RAISE EXCEPTION 'extension wallet would use operators or functions that are not its own'
            USING DETAIL = bound, ERRCODE = 'object_not_in_prerequisite_state',
                HINT = 'Drop it, or install into a schema in which nobody else may create objects.';
    END IF;
END
$$;
