-- Part of wallet_check: what keeps the ledger safe is there, and nobody found a way around it.

CREATE FUNCTION wallet_check_guards() RETURNS SETOF wallet_divergence
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH guarded (name, relation) AS (
        VALUES ('wallets', 'wallets'::regclass::oid), ('wallet_ledger', 'wallet_ledger'::regclass::oid),
               ('wallet_holds', 'wallet_holds'::regclass::oid)
    ), needed (table_name, relation, name, function, type) AS (
        SELECT guarded.name, guarded.relation, own.name, own.function, own.type
        FROM guarded
        CROSS JOIN (VALUES ('wallet_guard', 'wallet_guard', 58), ('wallet_guard_row', 'wallet_guard_row', 27),
                           ('wallet_guard_kin', 'wallet_guard_row', 9), ('wallet_guard_insert', 'wallet_guard_insert', 6))
            AS own (name, function, type)
        UNION ALL
        VALUES ('wallet_currency_scales', 'wallet_currency_scales'::regclass::oid, 'wallet_guard_insert', 'wallet_guard_insert', 62),
               ('wallet_currency_scales', 'wallet_currency_scales'::regclass::oid, 'wallet_currency_changed', 'wallet_currency_changed', 60)
    )
    -- The guards of INV-4. tgtype, where AFTER is the lack of BEFORE: ROW (1), BEFORE (2), INSERT (4), DELETE (8), UPDATE (16), TRUNCATE (32).
    SELECT 'guard', NULL::uuid, NULL::bigint,
           'trigger ' || needed.name || ' on '
               || needed.table_name || ' enabled always',
           CASE WHEN guard.oid IS NULL THEN 'missing'
                WHEN guard.tgenabled = 'D' THEN 'disabled'
                WHEN guard.tgenabled <> 'A' THEN 'not always enabled'
                ELSE 'replaced' END
    FROM needed
    LEFT JOIN pg_trigger AS guard ON guard.tgrelid = needed.relation AND guard.tgname = needed.name
    LEFT JOIN pg_proc AS code ON code.oid = guard.tgfoid AND code.prosrc = needed.function
          AND code.probin = '$libdir/wallet'
    WHERE (guard.tgenabled = 'A' AND guard.tgtype = needed.type
           AND (guard.tgqual IS NULL) = (needed.type <> 9)
           AND guard.tgattr::text = '' AND code.oid IS NOT NULL) IS NOT TRUE

    UNION ALL
    -- A statement that names another table, or a table that isn't what it was.
    SELECT 'guard', NULL, NULL, around.expected, around.actual
    FROM guarded
    JOIN pg_class AS relation ON relation.oid = guarded.relation
    LEFT JOIN pg_am AS access ON access.oid = relation.relam
    CROSS JOIN LATERAL (
        SELECT 'no parent of ' || guarded.name, link.inhparent::regclass::text
        FROM pg_inherits AS link
        WHERE link.inhrelid = guarded.relation
        UNION ALL
        SELECT 'no child of ' || guarded.name, link.inhrelid::regclass::text
        FROM pg_inherits AS link
        WHERE link.inhparent = guarded.relation
        UNION ALL
        SELECT 'no rule on ' || guarded.name, rule.rulename::text
        FROM pg_rewrite AS rule
        WHERE rule.ev_class = guarded.relation
        UNION ALL
        SELECT guarded.name || ' logged', 'unlogged'
        WHERE relation.relpersistence <> 'p'
        UNION ALL
        SELECT guarded.name || ' stored by heap', access.amname::text
        WHERE access.amname <> 'heap'
    ) AS around (expected, actual)

    UNION ALL
    -- A function that calls find before, or instead of, the extension's.
    SELECT 'guard', NULL, NULL, 'no other function ' || own.proname::text,
           other.oid::regprocedure::text
    FROM pg_extension AS extension
    JOIN pg_depend AS member ON member.refobjid = extension.oid AND member.deptype = 'e'
         AND member.refclassid = 'pg_extension'::regclass::oid AND member.classid = 'pg_proc'::regclass::oid
    JOIN pg_proc AS own ON own.oid = member.objid
    JOIN pg_proc AS other ON other.proname = own.proname AND other.pronamespace = own.pronamespace
    WHERE extension.extname = 'wallet'
      AND NOT EXISTS (SELECT FROM pg_depend AS also
                      WHERE also.classid = member.classid AND also.objid = other.oid AND also.deptype = 'e'
                        AND also.refclassid = member.refclassid AND also.refobjid = extension.oid);
END;
COMMENT ON FUNCTION wallet_check_guards() IS
    'Internal, part of wallet_check: the guards are there and at work, no parent, child, rule or storage goes around them, and no function shadows one of the extension.';

CREATE FUNCTION wallet_check_grants() RETURNS SETOF wallet_divergence
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    -- The guards refuse what was granted; whoever was meant to have it should know.
    SELECT DISTINCT 'grant', NULL::uuid, NULL::bigint,
           a.privilege_type || ' on ' || relation.relname::text
               || ' for its owner only',
           CASE a.grantee WHEN '0'::oid THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee)::text END
    FROM (VALUES ('wallets'::regclass::oid), ('wallet_ledger'::regclass::oid),
                 ('wallet_holds'::regclass::oid), ('wallet_currency_scales'::regclass::oid)) AS guarded (relation)
    JOIN pg_class AS relation ON relation.oid = guarded.relation
    CROSS JOIN LATERAL (
        SELECT relation.relacl
        UNION ALL
        SELECT granted.attacl FROM pg_attribute AS granted WHERE granted.attrelid = relation.oid
    ) AS given (acl)
    CROSS JOIN LATERAL aclexplode(given.acl) AS a
    WHERE a.grantee <> relation.relowner
      AND a.privilege_type IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER');
END;
COMMENT ON FUNCTION wallet_check_grants() IS
    'Internal, part of wallet_check: nobody but the owner may write the ledger or the scales, or put triggers on them.';

CREATE FUNCTION wallet_check_shape() RETURNS SETOF wallet_divergence
    LANGUAGE c STABLE PARALLEL SAFE ROWS 1 AS 'MODULE_PATHNAME', 'wallet_check_shape';
COMMENT ON FUNCTION wallet_check_shape() IS
    'Internal, part of wallet_check: columns, CHECKs, NOT NULLs and indexes of wallets, wallet_ledger and wallet_holds that are missing or changed, what is on these tables that the operations cannot honour, and columns of wallet_currency_scales.';

CREATE FUNCTION wallet_check_rules() RETURNS SETOF wallet_divergence
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT * FROM wallet_check_shape()

    UNION ALL
    -- The history's too is found by its columns: its name and OID may be others.
    SELECT 'index', NULL::uuid, NULL::bigint, 'unique index on transaction_events (wallet_id, version)', 'missing'
    WHERE NOT EXISTS (
        SELECT FROM pg_index AS found
        WHERE found.indrelid = 'transaction_events'::regclass::oid AND found.indisunique AND found.indisvalid
          AND found.indisready AND found.indnkeyatts = 2 AND found.indpred IS NULL
          AND found.indkey[0] = (SELECT attribute.attnum FROM pg_attribute AS attribute
                                 WHERE attribute.attrelid = found.indrelid AND attribute.attname = 'wallet_id')
          AND found.indkey[1] = (SELECT attribute.attnum FROM pg_attribute AS attribute
                                 WHERE attribute.attrelid = found.indrelid AND attribute.attname = 'version'));
END;
COMMENT ON FUNCTION wallet_check_rules() IS
    'Internal, part of wallet_check: the tables have the shape that the extension gave them, and the indexes that it needs.';
