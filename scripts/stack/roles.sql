-- The roles of the private stack and of the tests, each with the rights of its duty and no more.
-- Run once per database, by a superuser; running it again changes nothing.

DO $$
DECLARE
    role record;
BEGIN
    FOR role IN SELECT * FROM (VALUES ('wallet_user', ''), ('wallet_bridge', 'REPLICATION'),
                                      ('wallet_history', ''), ('wallet_service', ''))
                                          AS list (name, attributes)
    LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = role.name) THEN
            EXECUTE pg_catalog.format('CREATE ROLE %I LOGIN %s', role.name, role.attributes);
        END IF;
    END LOOP;
END
$$;

-- Application, also by way of the HTTP service.
GRANT EXECUTE ON FUNCTION wallet_create, wallet_transfer, wallet_transfer_batch, wallet_transfer_grouped, wallet_post,
    wallet_hold, wallet_capture, wallet_release, wallet_reverse, wallet_lock, wallet_get,
    wallet_list, wallet_hold_get, wallet_hold_list, wallet_receipt, wallet_lookup, wallet_history,
    wallet_activity, wallet_statement, wallet_balance_at TO wallet_user, wallet_service;
-- Cashier.
GRANT EXECUTE ON FUNCTION wallet_fund, wallet_withdraw TO wallet_user, wallet_service;

-- Operator, as far as the HTTP service has endpoints for it.
GRANT EXECUTE ON FUNCTION wallet_freeze, wallet_unfreeze, wallet_close, wallet_set_limits,
    wallet_reverse_force, wallet_operations, wallet_totals, wallet_health TO wallet_service;

-- Bridge: the stream needs REPLICATION alone, backfill reads the ledger.
GRANT SELECT ON wallet_ledger TO wallet_bridge;
GRANT EXECUTE ON FUNCTION wallet_ledger_events TO wallet_bridge;

-- History reader, over HTTP.
GRANT EXECUTE ON FUNCTION wallet_history, wallet_activity TO wallet_history;

-- History writer. The origin functions mark what it writes, so that it is not decoded.
GRANT SELECT, INSERT, UPDATE, DELETE ON transaction_events, wallet_history_offsets,
    wallet_history_gaps, wallet_history_conflicts, wallet_history_dead_letters TO wallet_history;
GRANT EXECUTE ON FUNCTION wallet_history_advance TO wallet_history;
-- How many entries each wallet has, for rebuild.
GRANT SELECT (id, version) ON wallets TO wallet_history;
GRANT EXECUTE ON FUNCTION pg_catalog.pg_replication_origin_create(text),
    pg_catalog.pg_replication_origin_oid(text),
    pg_catalog.pg_replication_origin_session_setup(text),
    pg_catalog.pg_replication_origin_session_reset(),
    pg_catalog.pg_replication_origin_session_is_setup(),
    pg_catalog.pg_replication_origin_xact_reset() TO wallet_history;
