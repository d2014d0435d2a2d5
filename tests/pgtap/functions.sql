-- The exact shape of every function: arguments with names and defaults, result, volatility, parallel
-- label, whose rights it runs with, and a comment that says what an application must know.
BEGIN;
SELECT no_plan();

CREATE TEMPORARY TABLE expected (name text PRIMARY KEY, arguments text, result text, labels text);
INSERT INTO expected VALUES
    -- Operations.
    ('wallet_create', 'user_id text, currency text DEFAULT ''USD''::text, wallet_id uuid DEFAULT NULL::uuid, '
        'idempotency_key text DEFAULT NULL::text, metadata jsonb DEFAULT NULL::jsonb', 'uuid', 'c volatile unsafe'),
    ('wallet_fund', 'wallet_id uuid, amount numeric, idempotency_key text DEFAULT NULL::text, '
        'expected_version bigint DEFAULT NULL::bigint, metadata jsonb DEFAULT NULL::jsonb', 'uuid', 'c volatile unsafe'),
    ('wallet_withdraw', 'wallet_id uuid, amount numeric, idempotency_key text DEFAULT NULL::text, '
        'expected_version bigint DEFAULT NULL::bigint, metadata jsonb DEFAULT NULL::jsonb', 'uuid', 'c volatile unsafe'),
    ('wallet_transfer', 'from_wallet_id uuid, to_wallet_id uuid, amount numeric, idempotency_key text DEFAULT NULL::text, '
        'expected_version bigint DEFAULT NULL::bigint, metadata jsonb DEFAULT NULL::jsonb', 'uuid', 'c volatile unsafe'),
    ('wallet_hold', 'wallet_id uuid, amount numeric, expires_in interval DEFAULT ''7 days''::interval, idempotency_key text DEFAULT NULL::text, '
        'expected_version bigint DEFAULT NULL::bigint, metadata jsonb DEFAULT NULL::jsonb', 'uuid', 'c volatile unsafe'),
    ('wallet_capture', 'hold_id uuid, to_wallet_id uuid DEFAULT NULL::uuid, amount numeric DEFAULT NULL::numeric, final boolean DEFAULT true, idempotency_key text DEFAULT NULL::text, '
        'expected_version bigint DEFAULT NULL::bigint, metadata jsonb DEFAULT NULL::jsonb', 'uuid', 'c volatile unsafe'),
    ('wallet_release', 'hold_id uuid, idempotency_key text DEFAULT NULL::text, '
        'expected_version bigint DEFAULT NULL::bigint, metadata jsonb DEFAULT NULL::jsonb', 'uuid', 'c volatile unsafe'),
    ('wallet_reverse', 'transaction_id uuid, amount numeric DEFAULT NULL::numeric, idempotency_key text DEFAULT NULL::text, '
        'expected_version bigint DEFAULT NULL::bigint, metadata jsonb DEFAULT NULL::jsonb', 'uuid', 'c volatile unsafe'),
    ('wallet_reverse_force', 'transaction_id uuid, amount numeric DEFAULT NULL::numeric, idempotency_key text DEFAULT NULL::text, '
        'expected_version bigint DEFAULT NULL::bigint, metadata jsonb DEFAULT NULL::jsonb', 'uuid', 'c volatile unsafe'),
    ('wallet_post', 'legs wallet_leg[], idempotency_key text DEFAULT NULL::text, '
        'expected_version bigint DEFAULT NULL::bigint, metadata jsonb DEFAULT NULL::jsonb', 'uuid', 'c volatile unsafe'),
    ('wallet_freeze', 'wallet_id uuid, idempotency_key text DEFAULT NULL::text, '
        'expected_version bigint DEFAULT NULL::bigint, metadata jsonb DEFAULT NULL::jsonb', 'uuid', 'c volatile unsafe'),
    ('wallet_unfreeze', 'wallet_id uuid, idempotency_key text DEFAULT NULL::text, '
        'expected_version bigint DEFAULT NULL::bigint, metadata jsonb DEFAULT NULL::jsonb', 'uuid', 'c volatile unsafe'),
    ('wallet_close', 'wallet_id uuid, idempotency_key text DEFAULT NULL::text, '
        'expected_version bigint DEFAULT NULL::bigint, metadata jsonb DEFAULT NULL::jsonb', 'uuid', 'c volatile unsafe'),
    ('wallet_set_limits', 'wallet_id uuid, credit_limit numeric DEFAULT NULL::numeric, max_balance numeric DEFAULT NULL::numeric, idempotency_key text DEFAULT NULL::text, '
        'expected_version bigint DEFAULT NULL::bigint, metadata jsonb DEFAULT NULL::jsonb', 'uuid', 'c volatile unsafe'),
    ('wallet_transfer_batch', 'from_wallet_ids uuid[], to_wallet_ids uuid[], amounts numeric[], '
        'idempotency_keys text[] DEFAULT NULL::text[], atomic boolean DEFAULT true, metadata jsonb DEFAULT NULL::jsonb, '
        'item_metadata jsonb[] DEFAULT NULL::jsonb[], expected_versions bigint[] DEFAULT NULL::bigint[]',
        'TABLE(index integer, transaction_id uuid, sqlstate text, message text, detail jsonb, replayed boolean)', 'c volatile unsafe'),
    ('wallet_transfer_grouped', 'from_wallet_id uuid, to_wallet_id uuid, amount numeric, idempotency_key text DEFAULT NULL::text, '
        'expected_version bigint DEFAULT NULL::bigint, metadata jsonb DEFAULT NULL::jsonb', 'uuid', 'c volatile unsafe'),
    ('wallet_expire_holds', 'max integer DEFAULT 1000', 'integer', 'c volatile unsafe'),
    ('wallet_lock', 'wallet_ids uuid[]', 'void', 'c volatile unsafe'),
    ('wallet_set_currency', 'currency text, scale integer', 'void', 'c volatile unsafe as owner'),
    -- Reads.
    ('wallet_get', 'wallet_id uuid', 'wallet_details', 'c stable safe'),
    ('wallet_list', 'user_id text, after_id uuid DEFAULT NULL::uuid, max_rows integer DEFAULT NULL::integer', 'SETOF wallet_details',
        'sql stable safe as owner'),
    ('wallet_receipt', 'transaction_id uuid, after_entry integer DEFAULT NULL::integer, max_rows integer DEFAULT NULL::integer',
        'TABLE(wallet_id uuid, version bigint, type text, amount numeric, transaction_id uuid, counterparty_wallet_id uuid, '
        'balance_after numeric, held_after numeric, status_after text, user_id text, currency text, hold_id uuid, forced boolean, '
        'metadata jsonb, created_at timestamp with time zone, entry integer)', 'c volatile restricted'),
    ('wallet_hold_get', 'hold_id uuid', 'TABLE(hold_id uuid, wallet_id uuid, amount numeric, captured numeric, released numeric, '
        'remaining numeric, status text, expires_at timestamp with time zone, created_at timestamp with time zone)', 'c stable safe'),
    ('wallet_hold_list', 'wallet_id uuid, status text DEFAULT NULL::text, after_id uuid DEFAULT NULL::uuid, max_rows integer DEFAULT 50',
        'TABLE(hold_id uuid, wallet_id uuid, amount numeric, captured numeric, released numeric, '
        'remaining numeric, status text, expires_at timestamp with time zone, created_at timestamp with time zone)', 'c stable safe'),
    ('wallet_operations', 'since timestamp with time zone DEFAULT NULL::timestamp with time zone, '
        'until timestamp with time zone DEFAULT NULL::timestamp with time zone, types text[] DEFAULT NULL::text[], '
        'currency text DEFAULT NULL::text, user_id text DEFAULT NULL::text, min_amount numeric DEFAULT NULL::numeric, '
        'max_amount numeric DEFAULT NULL::numeric, metadata jsonb DEFAULT NULL::jsonb, before_transaction_id uuid DEFAULT NULL::uuid, '
        'max_rows integer DEFAULT 50', 'SETOF wallet_transactions', 'c stable safe as owner'),
    ('wallet_lookup', 'idempotency_key text',
        'TABLE(transaction_id uuid, operation text, created_at timestamp with time zone)', 'sql volatile restricted as owner'),
    ('wallet_history', 'wallet_id uuid, before_version bigint DEFAULT NULL::bigint, max_rows integer DEFAULT 50',
        'SETOF transaction_events', 'sql stable safe as owner'),
    ('wallet_activity', 'user_id text, before_created_at timestamp with time zone DEFAULT NULL::timestamp with time zone, '
        'before_id uuid DEFAULT NULL::uuid, max_rows integer DEFAULT 50', 'SETOF transaction_events', 'sql stable safe as owner'),
    ('wallet_totals', '', 'TABLE(currency text, balance numeric, held numeric, outside_in numeric, outside_out numeric, '
        'difference numeric)', 'sql stable safe as owner'),
    ('wallet_health', '', 'TABLE(slot_name text, slot_active boolean, slot_lag_bytes bigint, '
        'ledger_last_at timestamp with time zone, history_last_at timestamp with time zone, history_lag_seconds numeric, '
        'expired_holds bigint, history_gaps bigint, history_conflicts bigint, history_dead_letters bigint, status text)', 'sql stable safe as owner'),
    ('wallet_currencies', '', 'TABLE(currency text, scale integer, wallets bigint)', 'sql stable safe as owner'),
    ('wallet_check', 'wallet_id uuid DEFAULT NULL::uuid', 'SETOF wallet_divergence', 'sql stable safe as owner'),
    ('wallet_statement', 'wallet_id uuid, since timestamp with time zone DEFAULT NULL::timestamp with time zone, '
        'until timestamp with time zone DEFAULT NULL::timestamp with time zone, after_version bigint DEFAULT NULL::bigint, '
        'max_rows integer DEFAULT NULL::integer',
        'TABLE(version bigint, type text, amount numeric, balance_after numeric, held_after numeric, transaction_id uuid, '
        'counterparty_wallet_id uuid, created_at timestamp with time zone, metadata jsonb)', 'sql stable safe as owner'),
    ('wallet_balance_at', 'wallet_id uuid, at timestamp with time zone', 'TABLE(balance numeric, held numeric, version bigint)', 'c stable safe'),
    ('wallet_seal_verify', 'wallet_id uuid DEFAULT NULL::uuid', 'SETOF wallet_divergence', 'c stable safe'),
    -- Events.
    ('wallet_ledger_events', 'entry wallet_ledger', 'TABLE(ordinal integer, wallet_id uuid, event_id uuid, '
        'created_at timestamp with time zone, event text, error text)', 'c immutable safe'),
    -- Parts of the above.
    ('wallet_guard', '', 'trigger', 'c volatile unsafe'),
    ('wallet_guard_row', '', 'trigger', 'c volatile unsafe'),
    ('wallet_guard_insert', '', 'trigger', 'c volatile unsafe'),
    ('wallet_currency_changed', '', 'trigger', 'c volatile unsafe'),
    ('wallet_read_argument', 'value anyelement, argument text', 'anyelement', 'c stable safe'),
    ('wallet_statement_until', 'since timestamp with time zone, until timestamp with time zone', 'timestamp with time zone', 'c immutable safe'),
    ('wallet_read_rows', 'value anyelement, argument text, max_rows integer', 'bigint', 'c stable safe'),
    ('wallet_check_sides', 'first_id uuid, last_id uuid', NULL, 'sql stable safe'),
    ('wallet_check_limits', 'first_id uuid, last_id uuid', NULL, 'sql stable safe'),
    ('wallet_check_entries', 'first_id uuid, last_id uuid', 'SETOF wallet_divergence', 'sql stable safe'),
    ('wallet_check_floors', 'first_id uuid, last_id uuid', 'SETOF wallet_divergence', 'sql stable safe'),
    ('wallet_check_wallets', 'first_id uuid, last_id uuid', 'SETOF wallet_divergence', 'sql stable safe'),
    ('wallet_check_holds', 'first_id uuid, last_id uuid', 'SETOF wallet_divergence', 'sql stable safe'),
    ('wallet_history_advance', '', 'TABLE(lag_seconds numeric, has_more boolean)', 'sql volatile unsafe as owner'),
    ('wallet_history_bound', 'at timestamp with time zone', 'uuid', 'sql immutable safe'),
    ('wallet_history_lag', '', 'numeric', 'sql stable safe'),
    ('wallet_history_missing', 'since uuid, until uuid', 'TABLE(transaction_id uuid, created_at timestamp with time zone)', 'sql stable safe'),
    ('wallet_check_history', 'first_id uuid, last_id uuid', 'SETOF wallet_divergence', 'sql stable safe'),
    ('wallet_check_ledger', '', 'SETOF wallet_divergence', 'sql stable safe'),
    ('wallet_stat_groups_rows', 'OUT datid oid, OUT worker_pid integer, OUT groups bigint, OUT transfers bigint, OUT failed bigint, '
        'OUT held_up bigint, OUT alone bigint, OUT abandoned bigint, OUT "full" bigint, OUT largest bigint, OUT waited_ms double precision',
        'SETOF record', 'c volatile safe'),
    ('wallet_stat_rows', 'OUT function text, OUT calls bigint, OUT replayed bigint, OUT items bigint, OUT largest bigint, '
        'OUT conflicts bigint, OUT waits bigint, OUT waited_ms double precision, OUT key_waits bigint, OUT key_waited_ms double precision',
        'SETOF record', 'c volatile safe'),
    ('wallet_stat_wallets_rows', 'OUT wallet_id uuid, OUT waits bigint, OUT waited_ms double precision', 'SETOF record', 'c volatile safe'),
    ('wallet_stat_reset', '', 'void', 'c volatile unsafe'),
    ('wallet_check_guards', '', 'SETOF wallet_divergence', 'sql stable safe'),
    ('wallet_check_grants', '', 'SETOF wallet_divergence', 'sql stable safe'),
    ('wallet_check_shape', '', 'SETOF wallet_divergence', 'c stable safe'),
    ('wallet_check_rules', '', 'SETOF wallet_divergence', 'sql stable safe');

CREATE TEMPORARY VIEW actual AS
SELECT p.oid, p.proname::text AS name, pg_get_function_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS result,
       concat_ws(' ', l.lanname,
           CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END,
           CASE p.proparallel WHEN 's' THEN 'safe' WHEN 'r' THEN 'restricted' ELSE 'unsafe' END,
           CASE WHEN p.prosecdef THEN 'as owner' END) AS labels,
       p.prosqlbody IS NOT NULL AS is_bound, obj_description(p.oid, 'pg_proc') AS comment
FROM pg_depend d
JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
JOIN pg_proc p ON p.oid = d.objid AND d.classid = 'pg_proc'::regclass
JOIN pg_language l ON l.oid = p.prolang
WHERE e.extname = 'wallet';

SELECT bag_eq('SELECT name FROM actual', 'SELECT name FROM expected', 'these functions and no others, each once');
SELECT is(actual.arguments, expected.arguments, expected.name || ': arguments') FROM expected JOIN actual USING (name);
SELECT is(actual.result, expected.result, expected.name || ': result')
FROM expected JOIN actual USING (name) WHERE expected.result IS NOT NULL;
SELECT is(actual.labels, expected.labels, expected.name || ': labels') FROM expected JOIN actual USING (name);
SELECT ok(comment IS NOT NULL AND length(comment) > 40, name || ': has a comment') FROM actual;
SELECT matches(comment, 'Errors: .*22004', name || ': the comment names the errors')
FROM actual WHERE name ~ '^wallet_(create|fund|withdraw|transfer|transfer_batch|transfer_grouped|hold|capture|release|expire_holds|reverse|freeze|unfreeze|close|set_limits|lock|get|list|receipt|hold_get|hold_list|operations|set_currency|lookup|history|activity)$';
-- Bound at creation, or with a search_path of its own: what runs with the owner's rights can trust no other.
SELECT ok(is_bound, name || ': bound at creation') FROM actual WHERE labels LIKE 'sql %';
SELECT is_empty($$SELECT name FROM actual WHERE labels LIKE '% as owner' AND labels NOT LIKE 'sql %'
    AND NOT EXISTS (SELECT FROM pg_proc p WHERE p.oid = actual.oid AND 'search_path=pg_catalog, pg_temp' = ANY (p.proconfig))$$,
    'nothing else runs with the owner''s rights');
SELECT is_empty($$SELECT p.oid::regprocedure FROM actual JOIN pg_proc AS p USING (oid)
    WHERE p.prosecdef AND 'row_security=off' <> ALL (coalesce(p.proconfig, '{}'))$$,
    'what a policy would hide from the owner is an error, not left out');

-- A leg of wallet_post: its columns in this order, and their types.
SELECT has_composite('public', 'wallet_leg', 'there is a type wallet_leg');
SELECT is((SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum)
           FROM pg_attribute WHERE attrelid = 'wallet_leg'::regclass AND attnum > 0),
          'from_wallet_id uuid, to_wallet_id uuid, amount numeric', 'wallet_leg: its columns');
SELECT matches(obj_description('wallet_leg'::regtype, 'pg_type'), 'wallet_post', 'wallet_leg: has a comment');

-- Every check_name that a part of wallet_check can return is in its comment.
SELECT ok((SELECT comment FROM actual WHERE name = 'wallet_check') ~ ('\m' || found.check_name || '\M'),
          'the comment of wallet_check explains ' || found.check_name)
FROM (SELECT DISTINCT match[1] AS check_name
      FROM actual, regexp_matches(pg_get_functiondef(oid),
          '''((?:entry|wallet|hold|history)_[a-z_]+|guard|grant|index|shape|currency_sum|reversal_sum)''::text', 'g') AS match
      WHERE name LIKE 'wallet\_check\_%' AND match[1] !~ '^(wallet_(freeze|unfreeze|close|guard(_row|_kin|_insert)?|ledger|holds|currency_(changed|scales)|.*_(pkey|idx|check))|wallets)$'
     ) AS found;

SELECT * FROM finish();
ROLLBACK;
