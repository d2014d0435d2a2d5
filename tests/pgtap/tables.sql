-- Tables, columns, indexes, triggers and rights as the design of the SQL API has them.
BEGIN;
SELECT no_plan();

CREATE TEMPORARY VIEW member AS
SELECT d.classid, d.objid FROM pg_depend d
JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
WHERE e.extname = 'wallet';

SELECT is((SELECT extrelocatable FROM pg_extension WHERE extname = 'wallet'), false, 'the extension is not relocatable');
SELECT throws_ok('ALTER EXTENSION wallet SET SCHEMA pg_temp', '0A000', NULL, 'and says so');
SELECT is((SELECT trusted FROM pg_available_extension_versions WHERE name = 'wallet' AND installed), false, 'nor trusted');
SELECT is((SELECT superuser FROM pg_available_extension_versions WHERE name = 'wallet' AND installed), true, 'a superuser installs it');

SELECT bag_eq($$SELECT c.relname::text || ' ' || c.relkind::text FROM member JOIN pg_class c ON c.oid = objid AND classid = 'pg_class'::regclass$$,
    $$VALUES ('wallets r'), ('wallet_ledger r'), ('wallet_holds r'), ('wallet_currency_scales r'), ('wallet_transactions v'), ('wallet_stat_groups v'), ('wallet_stat v'), ('wallet_stat_wallets v'), ('transaction_events r'),
        ('wallet_history_offsets r'), ('wallet_history_gaps r'), ('wallet_history_conflicts r'),
        ('wallet_history_mark r'), ('wallet_history_dead_letters r')$$,
    'these relations and no others: no sequence');
-- In some versions of PostgreSQL the array types are members too.
SELECT bag_eq($$SELECT t.typname::text FROM member JOIN pg_type t ON t.oid = objid AND classid = 'pg_type'::regclass
    WHERE t.typcategory <> 'A' AND t.typrelid = 0 OR (SELECT c.relkind FROM pg_class c WHERE c.oid = t.typrelid) = 'c'$$,
    $$VALUES ('wallet_details'), ('wallet_divergence'), ('wallet_leg')$$, 'these types and no others');

CREATE TEMPORARY TABLE expected (relation text, columns text);
INSERT INTO expected VALUES
    ('wallets', 'id uuid NOT NULL, user_id text NOT NULL, currency text NOT NULL, balance numeric(19,4) NOT NULL, '
        'held numeric(19,4) NOT NULL, credit_limit numeric(19,4) NOT NULL, max_balance numeric(19,4), status text NOT NULL, '
        'version bigint NOT NULL, created_at timestamp with time zone NOT NULL, updated_at timestamp with time zone NOT NULL, seal bytea'),
    ('wallet_holds', 'hold_id uuid NOT NULL, wallet_id uuid NOT NULL, amount numeric(19,4) NOT NULL, captured numeric(19,4) NOT NULL, '
        'released numeric(19,4) NOT NULL, status text NOT NULL, expires_at timestamp with time zone NOT NULL, '
        'created_at timestamp with time zone NOT NULL'),
    ('wallet_currency_scales', 'currency text NOT NULL, scale integer NOT NULL'),
    ('transaction_events', 'id uuid NOT NULL, wallet_id uuid NOT NULL, user_id text NOT NULL, amount numeric(19,4) NOT NULL, '
        'event_type text NOT NULL, transaction_id uuid NOT NULL, created_at timestamp with time zone NOT NULL, '
        'event_data jsonb NOT NULL, version bigint NOT NULL'),
    ('wallet_details', 'id uuid, user_id text, currency text, balance numeric(19,4), held numeric(19,4), credit_limit numeric(19,4), '
        'max_balance numeric(19,4), status text, version bigint, created_at timestamp with time zone, '
        'updated_at timestamp with time zone, available numeric(19,4), metadata jsonb'),
    ('wallet_divergence', 'check_name text, wallet_id uuid, version bigint, expected text, actual text'),
    ('wallet_transactions', 'wallet_id uuid, version bigint, type text, amount numeric(19,4), transaction_id uuid, '
        'counterparty_wallet_id uuid, balance_after numeric(19,4), held_after numeric(19,4), status_after text, user_id text, '
        'currency text, hold_id uuid, forced boolean, metadata jsonb, created_at timestamp with time zone');
SELECT is((SELECT string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END,
                             ', ' ORDER BY a.attnum)
           FROM pg_attribute a WHERE a.attrelid = relation::regclass AND a.attnum > 0 AND NOT a.attisdropped),
          columns, relation || ': columns')
FROM expected;
SELECT columns_are('wallet_history_gaps', ARRAY['wallet_id', 'from_version', 'to_version', 'topic', 'partition', 'kafka_offset', 'seen_at']);
SELECT columns_are('wallet_history_conflicts', ARRAY['wallet_id', 'version', 'stored', 'received', 'topic', 'partition', 'kafka_offset', 'seen_at']);
SELECT columns_are('wallet_history_offsets', ARRAY['group_id', 'topic', 'partition', 'next_offset', 'fence', 'owner', 'last_event_at',
    'updated_at', 'complete_at', 'claimed_at', 'source', 'mark_offset', 'mark', 'anchor_offset', 'anchor', 'topic_id']);
SELECT columns_are('wallet_history_mark', ARRAY['id', 'complete_to', 'noted', 'noted_before', 'checked_to', 'check_to', 'check_lsn',
    'check_at', 'has_more']);
SELECT columns_are('wallet_history_dead_letters', ARRAY['topic', 'partition', 'kafka_offset', 'reason', 'detail', 'seen_at']);
SELECT columns_are('wallet_ledger', ARRAY['transaction_id', 'from_wallet_id', 'to_wallet_id', 'from_version', 'to_version', 'created_at',
    'leg', 'forced', 'kind', 'amount', 'currency', 'from_balance', 'from_held', 'from_status', 'from_user_id', 'to_balance', 'to_held',
    'to_status', 'to_user_id', 'idempotency_key', 'session_user_name', 'current_user_name', 'application_name', 'hold_id', 'reverses',
    'credit_limit', 'max_balance', 'expires_at', 'operation', 'requested_wallet_id', 'requested_amount', 'expires_in', 'final', 'metadata',
    'reverses_leg', 'from_seal', 'to_seal', 'max_balance_given']);
SELECT col_default_is('wallets', 'credit_limit', '0', 'a wallet has no credit unless told');

-- Keys, and no index on what an operation changes: updates stay heap-only.
SELECT col_is_pk('wallets', 'id');
SELECT col_is_pk('wallet_ledger', ARRAY['transaction_id', 'leg']);
SELECT col_is_pk('wallet_holds', 'hold_id');
SELECT col_is_pk('wallet_currency_scales', 'currency');
SELECT col_is_pk('transaction_events', ARRAY['wallet_id', 'version']);
SELECT index_is_unique('wallet_ledger', 'wallet_ledger_from_idx');
SELECT index_is_unique('wallet_ledger', 'wallet_ledger_to_idx');
SELECT index_is_unique('wallet_ledger', 'wallet_ledger_key_idx');
SELECT is(pg_get_indexdef('wallet_ledger_key_idx'::regclass) LIKE '%COLLATE "C"%', true, 'keys are compared by their bytes');
SELECT is_empty($$SELECT i.indexrelid::regclass, a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
    WHERE i.indrelid = 'wallets'::regclass AND a.attname NOT IN ('id', 'user_id', 'created_at')$$,
    'wallets: no index on a column that changes');
SELECT is_empty($$SELECT attrelid::regclass, attname FROM pg_attribute JOIN member ON objid = attrelid AND classid = 'pg_class'::regclass
    WHERE attidentity <> '' OR attgenerated <> ''$$, 'no identity and no generated column');
SELECT is_empty($$SELECT conrelid::regclass FROM pg_constraint JOIN member ON objid = conrelid AND classid = 'pg_class'::regclass
    WHERE contype = 'f'$$, 'no foreign key: direct writes would not check it');

-- Guards.
SELECT bag_eq($$SELECT t.tgrelid::regclass::text, t.tgname::text, t.tgenabled::text, t.tgfoid::regprocedure::text, t.tgtype::integer
    FROM pg_trigger t JOIN member ON objid = t.tgrelid AND classid = 'pg_class'::regclass WHERE NOT t.tgisinternal$$,
    $$SELECT guarded, name, 'A' AS enabled, function || '()' AS function, type
      FROM unnest(ARRAY['wallets', 'wallet_ledger', 'wallet_holds']) AS guarded,
           (VALUES ('wallet_guard', 'wallet_guard', 58), ('wallet_guard_row', 'wallet_guard_row', 27), ('wallet_guard_kin', 'wallet_guard_row', 9),
                   ('wallet_guard_insert', 'wallet_guard_insert', 6)) AS guard (name, function, type)
      UNION ALL VALUES ('wallet_currency_scales', 'wallet_currency_changed', 'A', 'wallet_currency_changed()', 60),
                       ('wallet_currency_scales', 'wallet_guard_insert', 'A', 'wallet_guard_insert()', 62)$$,
    'guards, enabled always: before UPDATE, DELETE and TRUNCATE, before UPDATE and DELETE of a row, before INSERT; what keeps relatives away; and what tells of new scales');

-- Nobody but the owner, anything.
SELECT is_empty($$SELECT p.oid::regprocedure FROM member JOIN pg_proc p ON p.oid = objid AND classid = 'pg_proc'::regclass,
    aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee <> p.proowner$$, 'functions: no right for PUBLIC');
SELECT is_empty($$SELECT c.oid::regclass FROM member JOIN pg_class c ON c.oid = objid AND classid = 'pg_class'::regclass,
    aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a WHERE a.grantee <> c.relowner$$, 'tables: no right for PUBLIC');

-- Every table's data is dumped, but for the mark: it begins anew, as transactions have other numbers elsewhere.
SELECT set_eq($$SELECT unnest(extconfig)::regclass::text FROM pg_extension WHERE extname = 'wallet'$$,
    $$SELECT c.relname::text FROM member JOIN pg_class c ON c.oid = objid AND classid = 'pg_class'::regclass WHERE c.relkind = 'r'
       AND c.relname <> 'wallet_history_mark'$$,
    'pg_dump takes every table');
SELECT is((SELECT array_agg(condition) FROM (SELECT DISTINCT unnest(extcondition) AS condition FROM pg_extension WHERE extname = 'wallet') AS c),
    ARRAY[''], 'with every row');

-- Settings are for superusers or the server's configuration.
LOAD 'wallet';
SELECT isnt_empty($$SELECT name FROM pg_settings WHERE name LIKE 'wallet.%'$$, 'the library has settings');
SELECT is_empty($$SELECT name, context FROM pg_settings WHERE name LIKE 'wallet.%' AND context NOT IN ('superuser', 'sighup')$$,
    'wallet.* settings are SUSET or SIGHUP');

SELECT * FROM finish();
ROLLBACK;
