-- Reads. wallet_get, wallet_receipt, wallet_hold_get, wallet_hold_list and wallet_operations are C; the others are
-- SQL bound at creation (BEGIN ATOMIC), so that neither search_path nor temporary objects can change what they mean,
-- and run with their owner's rights, so that EXECUTE alone suffices. Where a row security policy would hide rows from
-- the owner they raise an error (row_security = off) instead of leaving rows out. wallet_receipt and wallet_lookup are
-- VOLATILE: a STABLE function can't see what its own argument has just done.

CREATE TYPE wallet_details AS (
    id           uuid,
    user_id      text,
    currency     text,
    balance      numeric(19,4),
    held         numeric(19,4),
    credit_limit numeric(19,4),
    max_balance  numeric(19,4),
    status       text,
    version      bigint,
    created_at   timestamptz,
    updated_at   timestamptz,
    available    numeric(19,4),
    metadata     jsonb
);
COMMENT ON TYPE wallet_details IS
    'A wallet as wallet_get and wallet_list return it: the columns of wallets, what a debit may take now, and the metadata it was created with.';

CREATE TYPE wallet_divergence AS (
    check_name text,
    wallet_id  uuid,
    version    bigint,
    expected   text,
    actual     text
);
COMMENT ON TYPE wallet_divergence IS
    'What wallet_check found: the check, the wallet and version it concerns, what should be there and what is.';

CREATE FUNCTION wallet_read_argument(value anyelement, argument text) RETURNS anyelement
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'wallet_read_argument';
COMMENT ON FUNCTION wallet_read_argument(anyelement, text) IS
$$Internal, for the reads: returns value.
argument: the name an error gives it.
Errors: 22004 (value is NULL).$$;

CREATE FUNCTION wallet_read_rows(value anyelement, argument text, max_rows integer) RETURNS bigint
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'wallet_read_rows';
COMMENT ON FUNCTION wallet_read_rows(anyelement, text, integer) IS
$$Internal, for the reads: returns max_rows as a LIMIT.
value: what the page is read for, must not be NULL. argument: the name an error gives it. max_rows: 0 or more.
Errors: 22004 (value or max_rows is NULL), 22023 (max_rows is negative).$$;

CREATE FUNCTION wallet_get(wallet_id uuid) RETURNS wallet_details
    LANGUAGE c STABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'wallet_get';
COMMENT ON FUNCTION wallet_get(uuid) IS
$$Returns one wallet: the columns of wallets, available (balance - unexpired holds + credit_limit, by the clock at the call: what a debit may take) and metadata (as given to wallet_create).
held may still count holds that have expired and are not yet swept; available does not.
Errors: 22004, WL001 (wallet_not_found).$$;

CREATE FUNCTION wallet_list(
    user_id text, after_id uuid DEFAULT NULL, max_rows integer DEFAULT NULL
) RETURNS SETOF wallet_details
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 10
    SET row_security = off
BEGIN ATOMIC
    SELECT details.*
    FROM (
        SELECT wallet.id, wallet.created_at
        FROM wallets AS wallet
        WHERE wallet.user_id = wallet_read_argument(wallet_list.user_id, 'user_id')
          AND (wallet.created_at, wallet.id) > (
              CASE WHEN wallet_list.after_id IS NULL THEN '-infinity'
                   ELSE (SELECT last.created_at FROM wallets AS last
                         WHERE last.id = wallet_list.after_id AND last.user_id = wallet_list.user_id) END,
              coalesce(wallet_list.after_id, '00000000-0000-0000-0000-000000000000'))
        ORDER BY wallet.created_at, wallet.id
        LIMIT CASE WHEN wallet_list.max_rows IS NOT NULL
                   THEN wallet_read_rows(wallet_list.user_id, 'user_id', wallet_list.max_rows) END
    ) AS page
    CROSS JOIN LATERAL wallet_get(page.id) AS details
    ORDER BY page.created_at, page.id;
END;
COMMENT ON FUNCTION wallet_list(text, uuid, integer) IS
$$Returns the user's wallets, oldest first, each as wallet_get returns it; no row for an unknown user.
after_id: the last wallet of the page before; from the oldest when NULL, no row where it is none of the user's. max_rows: 0 or more; all when NULL.
Errors: 22004, 22023 (max_rows is negative).$$;

CREATE FUNCTION wallet_receipt(
    transaction_id uuid, after_entry integer DEFAULT NULL, max_rows integer DEFAULT NULL
) RETURNS TABLE (wallet_id uuid, version bigint, type text, amount numeric, transaction_id uuid,
                 counterparty_wallet_id uuid, balance_after numeric, held_after numeric, status_after text,
                 user_id text, currency text, hold_id uuid, forced boolean, metadata jsonb,
                 created_at timestamptz, entry integer)
    LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 2 COST 50 AS 'MODULE_PATHNAME', 'wallet_receipt';
COMMENT ON FUNCTION wallet_receipt(uuid, integer, integer) IS
$$Returns the entries of one operation, as wallet_transactions shows them, in the order of the legs, the debited wallet first, and entry, their number from 1; no row for an unknown id.
after_entry: the last entry of the page before; from the first when NULL. max_rows: 0 or more; all when NULL.
Works in one round trip with the operation: SELECT * FROM wallet_receipt(wallet_transfer(...)).
Errors: 22004, 22023 (after_entry or max_rows is negative).$$;

CREATE FUNCTION wallet_hold_get(hold_id uuid)
    RETURNS TABLE (hold_id uuid, wallet_id uuid, amount numeric, captured numeric, released numeric,
                   remaining numeric, status text, expires_at timestamptz, created_at timestamptz)
    LANGUAGE c STABLE PARALLEL SAFE ROWS 1 COST 50 AS 'MODULE_PATHNAME', 'wallet_hold_get';
COMMENT ON FUNCTION wallet_hold_get(uuid) IS
$$Returns one hold: what it reserved, what was captured, what was given back, what remains of it (amount - captured - released) and its status: open, captured, released or expired, which it is from its deadline on. No row for an unknown id.
What remains of an expired hold is available again, and is released by the next debit, by wallet_release or by wallet_expire_holds.
Errors: 22004.$$;

CREATE FUNCTION wallet_hold_list(
    wallet_id uuid, status text DEFAULT NULL, after_id uuid DEFAULT NULL, max_rows integer DEFAULT 50
) RETURNS TABLE (hold_id uuid, wallet_id uuid, amount numeric, captured numeric, released numeric,
                 remaining numeric, status text, expires_at timestamptz, created_at timestamptz)
    LANGUAGE c STABLE PARALLEL SAFE ROWS 50 COST 100 AS 'MODULE_PATHNAME', 'wallet_hold_list';
COMMENT ON FUNCTION wallet_hold_list(uuid, text, uuid, integer) IS
$$Returns a wallet's holds, oldest first, each as wallet_hold_get returns it; no row for an unknown wallet.
status: open, captured, released or expired (from the deadline on, swept or not); every hold when NULL. after_id: the last hold of the page before; from the oldest when NULL. max_rows: 0 or more.
Errors: 22004, 22023 (no hold has such a status, max_rows is negative).$$;

CREATE FUNCTION wallet_operations(
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, types text[] DEFAULT NULL,
    currency text DEFAULT NULL, user_id text DEFAULT NULL, min_amount numeric DEFAULT NULL,
    max_amount numeric DEFAULT NULL, metadata jsonb DEFAULT NULL, before_transaction_id uuid DEFAULT NULL,
    max_rows integer DEFAULT 50
) RETURNS SETOF wallet_transactions
    LANGUAGE c STABLE PARALLEL SAFE SECURITY DEFINER ROWS 50 COST 1000
    SET search_path = pg_catalog, pg_temp SET row_security = off
    AS 'MODULE_PATHNAME', 'wallet_operations';
COMMENT ON FUNCTION wallet_operations(timestamptz, timestamptz, text[], text, text, numeric, numeric, jsonb, uuid, integer) IS
$$Returns the entries of all wallets that match everything that is given, as wallet_transactions shows them, newest first; of an operation the last entry first.
since: inclusive. until: exclusive. types: of wallet_transactions, as TRANSFER_IN. user_id: of the entry's wallet. min_amount, max_amount: inclusive. metadata: that the entry's contains. before_transaction_id: the last operation of the page before; from the newest when NULL. max_rows: 0 or more; a page runs over to end its last operation.
Period and user are found by indexes; the other filters read what these leave until the page is full. An optional index serves metadata: docs/operation.md.
Errors: 22004 (max_rows, an element of types), 22023 (until is before since, unknown type, malformed currency, max_rows is negative).$$;

CREATE FUNCTION wallet_lookup(idempotency_key text)
    RETURNS TABLE (transaction_id uuid, operation text, created_at timestamptz)
    LANGUAGE sql VOLATILE PARALLEL RESTRICTED SECURITY DEFINER ROWS 1
    SET row_security = off
BEGIN ATOMIC
    SELECT entry.transaction_id,
           coalesce(entry.operation,
                    CASE entry.kind
                        WHEN 'CREATED' THEN 'wallet_create'
                        WHEN 'FUND' THEN 'wallet_fund'
                        WHEN 'WITHDRAW' THEN 'wallet_withdraw'
                        WHEN 'TRANSFER' THEN 'wallet_transfer'
                        WHEN 'HOLD' THEN 'wallet_hold'
                        WHEN 'CAPTURE' THEN 'wallet_capture'
                        WHEN 'RELEASE' THEN 'wallet_release'
                        WHEN 'EXPIRE' THEN 'wallet_expire_holds'
                        WHEN 'REVERSAL' THEN 'wallet_reverse'
                        WHEN 'LIMITS' THEN 'wallet_set_limits'
                    END),
           entry.created_at
    FROM wallet_ledger AS entry
    WHERE entry.idempotency_key COLLATE "C" =
          wallet_read_argument(wallet_lookup.idempotency_key, 'idempotency_key') COLLATE "C";
END;
COMMENT ON FUNCTION wallet_lookup(text) IS
$$Returns the operation that owns an idempotency key: its transaction id, the function that was called and when it happened; no row where no committed operation has the key. Answers 'did it happen?' after a lost connection.
Errors: 22004.$$;

CREATE FUNCTION wallet_history(
    wallet_id uuid, before_version bigint DEFAULT NULL, max_rows integer DEFAULT 50
) RETURNS SETOF transaction_events
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 50
    SET row_security = off
BEGIN ATOMIC
    SELECT event.*
    FROM transaction_events AS event
    WHERE event.wallet_id = wallet_history.wallet_id
      AND event.version < coalesce(wallet_history.before_version, 9223372036854775807)
    ORDER BY event.version DESC
    LIMIT wallet_read_rows(wallet_history.wallet_id, 'wallet_id', wallet_history.max_rows);
END;
COMMENT ON FUNCTION wallet_history(uuid, bigint, integer) IS
$$Returns a wallet's events as they came back through Kafka, newest first; no row for an unknown id.
before_version: only older events than this version, for the next page; from the newest when NULL. max_rows: 0 or more.
Errors: 22004, 22023 (max_rows is negative).$$;

CREATE FUNCTION wallet_activity(
    user_id text, before_created_at timestamptz DEFAULT NULL, before_id uuid DEFAULT NULL,
    max_rows integer DEFAULT 50
) RETURNS SETOF transaction_events
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 50
    SET row_security = off
BEGIN ATOMIC
    SELECT event.*
    FROM transaction_events AS event
    WHERE event.user_id = wallet_activity.user_id
      AND (event.created_at, event.id) <
          (CASE WHEN wallet_activity.before_created_at IS NULL AND wallet_activity.before_id IS NULL
                THEN 'infinity'
                ELSE wallet_read_argument(wallet_activity.before_created_at, 'before_created_at') END,
           coalesce(wallet_activity.before_id, '00000000-0000-0000-0000-000000000000'))
    ORDER BY event.created_at DESC, event.id DESC
    LIMIT wallet_read_rows(wallet_activity.user_id, 'user_id', wallet_activity.max_rows);
END;
COMMENT ON FUNCTION wallet_activity(text, timestamptz, uuid, integer) IS
$$Returns the events of all wallets of a user as they came back through Kafka, newest first; no row for an unknown user.
before_created_at, before_id: created_at and id of the last row of the page before; from the newest when NULL. Without before_id all events of that instant are left out. max_rows: 0 or more.
Errors: 22004 (also before_id without before_created_at), 22023 (max_rows is negative).$$;

CREATE FUNCTION wallet_totals()
    RETURNS TABLE (currency text, balance numeric, held numeric, outside_in numeric,
                   outside_out numeric, difference numeric)
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 10 COST 10000
    SET row_security = off
BEGIN ATOMIC
    WITH stock AS (
        SELECT wallet.currency, sum(wallet.balance) AS balance, sum(wallet.held) AS held
        FROM wallets AS wallet
        GROUP BY wallet.currency
    ), flow AS (
        SELECT movement.currency,
               sum(movement.amount) FILTER (WHERE movement.from_wallet_id IS NULL
                   AND movement.kind IN ('FUND', 'REVERSAL')) AS outside_in,
               sum(movement.amount) FILTER (WHERE movement.to_wallet_id IS NULL
                   AND movement.kind IN ('WITHDRAW', 'CAPTURE', 'REVERSAL')) AS outside_out
        FROM wallet_ledger AS movement
        GROUP BY movement.currency
    )
    SELECT currency, coalesce(stock.balance, 0.0000), coalesce(stock.held, 0.0000),
           coalesce(flow.outside_in, 0.0000), coalesce(flow.outside_out, 0.0000),
           coalesce(stock.balance, 0.0000)
               - (coalesce(flow.outside_in, 0.0000) - coalesce(flow.outside_out, 0.0000))
    FROM stock
    FULL JOIN flow USING (currency)
    ORDER BY currency;
END;
COMMENT ON FUNCTION wallet_totals() IS
$$Returns the trial balance, one row per currency: the sums of all balances and of all that is held, what came from outside (FUND, REVERSAL of a WITHDRAW or of a CAPTURE to outside), what went outside (WITHDRAW, CAPTURE without a wallet to receive it, REVERSAL of a FUND), and difference = balance - (outside_in - outside_out), which is 0 (INV-1).
Reads the whole ledger.$$;

CREATE FUNCTION wallet_health()
    RETURNS TABLE (slot_name text, slot_active boolean, slot_lag_bytes bigint,
                   ledger_last_at timestamptz, history_last_at timestamptz,
                   history_lag_seconds numeric, expired_holds bigint, history_gaps bigint,
                   history_conflicts bigint, history_dead_letters bigint, status text)
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 1 COST 1000
    SET row_security = off
BEGIN ATOMIC
    WITH slot AS (
        -- The slot that is furthest behind; a lost one has no position at all.
        SELECT slot.slot_name::text, slot.active, slot.wal_status,
               CASE WHEN NOT pg_is_in_recovery()
                    THEN pg_wal_lsn_diff(pg_current_wal_lsn(), slot.confirmed_flush_lsn)
               END::bigint AS lag_bytes
        FROM pg_replication_slots AS slot
        WHERE slot.plugin = 'wallet_decoder' AND slot.database = current_database()
        ORDER BY slot.wal_status = 'lost' DESC, slot.confirmed_flush_lsn NULLS FIRST
        LIMIT 1
    ), ledger AS (
        SELECT newest.created_at AS last_at
        FROM wallet_ledger AS newest
        ORDER BY newest.transaction_id DESC
        LIMIT 1
    ), history AS (
        -- A time from outside may lie ahead.
        SELECT CASE WHEN newest.at > clock_timestamp() THEN clock_timestamp() ELSE newest.at END AS last_at
        FROM (SELECT max(applied.last_event_at) FROM wallet_history_offsets AS applied) AS newest (at)
    ), finding AS (
        SELECT slot.slot_name, slot.active, slot.wal_status, slot.lag_bytes,
               ledger.last_at AS ledger_last_at, history.last_at AS history_last_at,
               wallet_history_lag() AS history_lag_seconds,
               (SELECT count(*) FROM wallet_holds AS hold
                WHERE hold.status = 'open' AND hold.expires_at <= statement_timestamp()) AS expired_holds,
               (SELECT count(*) FROM wallet_history_gaps) AS history_gaps,
               (SELECT count(*) FROM wallet_history_conflicts) AS history_conflicts,
               (SELECT count(*) FROM wallet_history_dead_letters) AS history_dead_letters
        FROM history
        LEFT JOIN slot ON true
        LEFT JOIN ledger ON true
    )
    SELECT finding.slot_name, finding.active, finding.lag_bytes, finding.ledger_last_at,
           finding.history_last_at, finding.history_lag_seconds, finding.expired_holds,
           finding.history_gaps, finding.history_conflicts, finding.history_dead_letters,
           CASE
               WHEN finding.wal_status = 'lost' THEN 'slot_lost'
               WHEN finding.history_conflicts > 0 THEN 'history_conflicts'
               WHEN finding.history_gaps > 0 THEN 'history_gaps'
               WHEN finding.history_dead_letters > 0 THEN 'history_dead_letters'
               WHEN finding.history_lag_seconds > 10::numeric THEN 'history_late'
               WHEN pg_is_in_recovery() THEN 'standby'
               WHEN finding.slot_name IS NULL THEN 'no_slot'
               WHEN finding.wal_status = 'unreserved' THEN 'slot_unreserved'
               WHEN NOT finding.active THEN 'slot_inactive'
               ELSE 'ok'
           END
    FROM finding;
END;
COMMENT ON FUNCTION wallet_health() IS
$$Returns one row about the way of the events.
slot_name, slot_active, slot_lag_bytes: of this database's slot with plugin wallet_decoder, the furthest behind where there are several; bytes of WAL not yet confirmed by the bridge, NULL on a standby. ledger_last_at: created_at of the newest movement. history_last_at: created_at of the newest event in transaction_events. history_lag_seconds: how long the oldest entry that is committed and has no event has been waiting, of whichever partition and whoever owns it, without recorded gaps; 0 when every entry has its event, NULL where no history is fed in this database; where the ledger is in another database, the time since the partition that is furthest behind was last read to its end. expired_holds: open holds past their expiry, not yet swept. history_gaps, history_conflicts, history_dead_letters: recorded ones.
status, the first that applies: slot_lost (its WAL is gone: backfill), history_conflicts, history_gaps, history_dead_letters (records that are no events of this ledger), history_late (waiting for more than 10 s), standby (what is above is fine, a standby knows no more), no_slot, slot_unreserved (about to be lost), slot_inactive (no bridge is connected), ok.$$;
