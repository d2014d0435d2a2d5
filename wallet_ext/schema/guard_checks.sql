-- Part of wallet_check: what keeps the ledger safe is there, and nobody found a way around it.

CREATE FUNCTION wallet_check_guards() RETURNS SETOF wallet_divergence
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH guarded (name, relation) AS (
        VALUES ('wallets', 'wallets'::regclass::oid), ('wallet_ledger', 'wallet_ledger'::regclass::oid),
               ('wallet_holds', 'wallet_holds'::regclass::oid)
    )
    -- The guards of INV-4. tgtype: ROW (1), BEFORE (2), INSERT (4), DELETE (8), UPDATE (16), TRUNCATE (32).
    SELECT 'guard', NULL::uuid, NULL::bigint,
           'trigger ' || needed.name || ' on '
               || guarded.name || ' enabled always',
           CASE WHEN guard.oid IS NULL THEN 'missing'
                WHEN guard.tgenabled = 'D' THEN 'disabled'
                WHEN guard.tgenabled <> 'A' THEN 'not always enabled'
                ELSE 'replaced' END
    FROM guarded
    CROSS JOIN (VALUES ('wallet_guard', 58), ('wallet_guard_row', 27), ('wallet_guard_insert', 6)) AS needed (name, type)
    LEFT JOIN pg_trigger AS guard ON guard.tgrelid = guarded.relation AND guard.tgname = needed.name
    LEFT JOIN pg_proc AS code ON code.oid = guard.tgfoid AND code.prosrc = needed.name
          AND code.probin = '$libdir/wallet'
    WHERE (guard.tgenabled = 'A' AND guard.tgtype = needed.type AND guard.tgqual IS NULL
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
                 ('wallet_holds'::regclass::oid)) AS guarded (relation)
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
    'Internal, part of wallet_check: nobody but the owner may write the ledger or put triggers on it.';

CREATE FUNCTION wallet_check_rules() RETURNS SETOF wallet_divergence
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    -- The indexes that keep versions and keys unique. By name: REINDEX CONCURRENTLY changes their OIDs.
    SELECT 'index', NULL::uuid, NULL::bigint, 'unique index ' || needed.name,
           CASE WHEN found.indexrelid IS NULL THEN 'missing' ELSE 'not valid' END
    FROM (VALUES ('wallets_pkey', 'wallets'::regclass::oid), ('wallet_ledger_pkey', 'wallet_ledger'::regclass::oid),
                 ('wallet_ledger_from_idx', 'wallet_ledger'::regclass::oid),
                 ('wallet_ledger_to_idx', 'wallet_ledger'::regclass::oid),
                 ('wallet_ledger_key_idx', 'wallet_ledger'::regclass::oid),
                 ('wallet_holds_pkey', 'wallet_holds'::regclass::oid),
                 ('transaction_events_pkey', 'transaction_events'::regclass::oid)) AS needed (name, relation)
    LEFT JOIN (pg_index AS found JOIN pg_class AS index ON index.oid = found.indexrelid)
           ON found.indrelid = needed.relation AND index.relname = needed.name
    WHERE (found.indisunique AND found.indisvalid AND found.indisready) IS NOT TRUE

    UNION ALL
    -- The extension's own CHECKs.
    SELECT 'shape', NULL, NULL, 'constraint ' || needed.name,
           CASE WHEN found.oid IS NULL THEN 'missing' ELSE 'not valid' END
    FROM (VALUES ('wallets_status_check', 'wallets'::regclass::oid), ('wallets_held_check', 'wallets'::regclass::oid),
                 ('wallets_version_check', 'wallets'::regclass::oid),
                 ('wallet_ledger_kind_check', 'wallet_ledger'::regclass::oid),
                 ('wallet_ledger_amount_check', 'wallet_ledger'::regclass::oid),
                 ('wallet_ledger_side_check', 'wallet_ledger'::regclass::oid),
                 ('wallet_ledger_from_check', 'wallet_ledger'::regclass::oid),
                 ('wallet_ledger_to_check', 'wallet_ledger'::regclass::oid),
                 ('wallet_holds_status_check', 'wallet_holds'::regclass::oid),
                 ('wallet_holds_amount_check', 'wallet_holds'::regclass::oid)) AS needed (name, relation)
    LEFT JOIN pg_constraint AS found
           ON found.conrelid = needed.relation AND found.conname = needed.name AND found.contype = 'c'
    WHERE found.convalidated IS NOT TRUE

    UNION ALL
    -- ... and NOT NULLs.
    SELECT 'shape', NULL, NULL,
           relation.relname::text || '.' || found.attname::text
               || ' not null', 'nullable'
    FROM (VALUES
        ('wallets'::regclass::oid, '{id,user_id,currency,balance,held,credit_limit,status,version,created_at,updated_at}'::text[]),
        ('wallet_ledger'::regclass::oid, '{transaction_id,created_at,leg,forced,kind,amount,currency,session_user_name,current_user_name,application_name}'),
        ('wallet_holds'::regclass::oid, '{hold_id,wallet_id,amount,captured,released,status,expires_at,created_at}')) AS needed (relation, columns)
    JOIN pg_class AS relation ON relation.oid = needed.relation
    JOIN pg_attribute AS found ON found.attrelid = needed.relation AND found.attname::text = ANY (needed.columns)
    WHERE NOT found.attnotnull;
END;
COMMENT ON FUNCTION wallet_check_rules() IS
    'Internal, part of wallet_check: the unique indexes, the CHECKs and the NOT NULLs are there and at work.';
