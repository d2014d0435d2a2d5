-- wallet_check: every divergence, in one statement and so in one snapshot. Its parts take a range of
-- wallet ids: all wallets are the range of all ids, one wallet is the range from its id to its id. So
-- one text serves both and always finds its rows by index; nothing costs more than a join of sorted
-- or hashed inputs. The parts are inlined into wallet_check and run with its owner's rights.

CREATE FUNCTION wallet_check_sides(first_id uuid, last_id uuid)
    RETURNS TABLE (wallet_id uuid, version bigint, side text, counterparty_wallet_id uuid,
                   balance numeric, held numeric, status text, user_id text, transaction_id uuid,
                   leg integer, kind text, amount numeric, currency text, hold_id uuid, forced boolean,
                   operation text, credit_limit numeric, max_balance numeric, expires_at timestamptz,
                   created_at timestamptz)
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT side.*
    FROM (
        SELECT movement.from_wallet_id AS wallet_id, movement.from_version AS version,
               'from' AS side, movement.to_wallet_id AS counterparty_wallet_id,
               movement.from_balance AS balance, movement.from_held AS held,
               movement.from_status AS status, movement.from_user_id AS user_id,
               movement.transaction_id, movement.leg, movement.kind, movement.amount,
               movement.currency, movement.hold_id, movement.forced, movement.operation,
               movement.credit_limit, movement.max_balance, movement.expires_at, movement.created_at
        FROM wallet_ledger AS movement
        UNION ALL
        SELECT movement.to_wallet_id, movement.to_version, 'to', movement.from_wallet_id,
               movement.to_balance, movement.to_held, movement.to_status, movement.to_user_id,
               movement.transaction_id, movement.leg, movement.kind, movement.amount,
               movement.currency, movement.hold_id, movement.forced, movement.operation,
               movement.credit_limit, movement.max_balance, movement.expires_at, movement.created_at
        FROM wallet_ledger AS movement
    ) AS side
    WHERE side.wallet_id BETWEEN first_id AND last_id;
END;
COMMENT ON FUNCTION wallet_check_sides(uuid, uuid) IS
    'Internal, part of wallet_check: the sides of all movements, which are the entries of the wallets, with the columns that wallet_transactions leaves out.';

CREATE FUNCTION wallet_check_entries(first_id uuid, last_id uuid) RETURNS SETOF wallet_divergence
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH rule (kind, side, balance_sign, held_sign, moves, needs_other_side) AS (
        -- What a movement of a kind does to the wallet on each side.
        VALUES ('CREATED', 'to', 0, 0, false, false), ('STATUS', 'to', 0, 0, false, false),
            ('LIMITS', 'to', 0, 0, false, false), ('FUND', 'to', 1, 0, true, false),
            ('WITHDRAW', 'from', -1, 0, true, false), ('TRANSFER', 'from', -1, 0, true, true),
            ('TRANSFER', 'to', 1, 0, true, true), ('HOLD', 'from', 0, 1, true, false),
            ('RELEASE', 'to', 0, -1, true, false), ('EXPIRE', 'to', 0, -1, true, false),
            ('CAPTURE', 'from', -1, -1, true, false), ('CAPTURE', 'to', 1, 0, true, true),
            ('REVERSAL', 'from', -1, 0, true, false), ('REVERSAL', 'to', 1, 0, true, false)
    ), chain AS (
        SELECT entry.*, pg_catalog.lag(entry.version) OVER steps AS previous_version,
               pg_catalog.lag(entry.balance) OVER steps AS previous_balance,
               pg_catalog.lag(entry.held) OVER steps AS previous_held,
               pg_catalog.lag(entry.status) OVER steps AS previous_status,
               pg_catalog.lag(entry.transaction_id) OVER steps AS previous_transaction_id,
               pg_catalog.lag(entry.leg) OVER steps AS previous_leg,
               pg_catalog.lag(entry.user_id) OVER steps AS previous_user_id,
               pg_catalog.lag(entry.currency) OVER steps AS previous_currency,
               -- UUID version 7: 48 bits of ms, 4 of the UUID's version, 12 of the fraction of a ms.
               ('x' || encode(substr(uuid_send(entry.transaction_id), 1, 8), 'hex'))::bit(64)::bigint AS time_bits
        FROM wallet_check_sides(first_id, last_id) AS entry
        WINDOW steps AS (PARTITION BY entry.wallet_id
                         ORDER BY entry.version, entry.transaction_id, entry.leg)
    ), step AS (
        SELECT chain.*, rule.moves, coalesce(chain.previous_version + 1, 0) AS expected_version,
               CASE WHEN chain.version = 0 THEN 0
                    WHEN chain.previous_version = chain.version - 1
                    THEN chain.previous_balance + coalesce(rule.balance_sign, 0)::numeric * chain.amount
                    ELSE chain.balance END AS expected_balance,
               CASE WHEN chain.version = 0 THEN 0
                    WHEN chain.previous_version = chain.version - 1
                    THEN chain.previous_held + coalesce(rule.held_sign, 0)::numeric * chain.amount
                    ELSE chain.held END AS expected_held,
               CASE WHEN chain.version = 0 THEN 'active'
                    WHEN chain.kind = 'STATUS' AND chain.operation = 'wallet_freeze' THEN 'frozen'
                    WHEN chain.kind = 'STATUS' AND chain.operation = 'wallet_unfreeze' THEN 'active'
                    WHEN chain.kind = 'STATUS' AND chain.operation = 'wallet_close' THEN 'closed'
                    WHEN chain.previous_version = chain.version - 1 THEN chain.previous_status
                    ELSE chain.status END AS expected_status,
               rule.kind IS NOT NULL AND (chain.kind = 'CREATED') = (chain.version = 0)
                   AND (chain.counterparty_wallet_id IS NOT NULL OR NOT rule.needs_other_side) AS kind_fits,
               (chain.amount > 0::numeric) = coalesce(rule.moves, chain.amount > 0::numeric) AS amount_fits,
               coalesce((chain.transaction_id, chain.leg)
                        > (chain.previous_transaction_id, chain.previous_leg), true) AS order_fits,
               coalesce(chain.previous_user_id, chain.user_id) AS expected_user_id,
               coalesce(chain.previous_currency, chain.currency) AS expected_currency,
               -- A scalar subquery, because EXISTS would be answered by a scan of all wallets.
               chain.previous_version IS NOT NULL OR coalesce(
                   (SELECT true FROM wallets AS wallet WHERE wallet.id = chain.wallet_id), false) AS has_wallet,
               CASE WHEN (chain.time_bits >> 12) & 15::bigint = 7
                    THEN '1970-01-01 00:00:00+00'::timestamptz
                         + (((chain.time_bits >> 16) * 1000)::float8 + round((chain.time_bits & 4095::bigint)::float8 / 4.096::float8))
                         * interval '1 microsecond' END AS transaction_time
        FROM chain
        LEFT JOIN rule ON rule.kind = chain.kind AND rule.side = chain.side
    )
    SELECT finding.check_name, step.wallet_id,
           CASE finding.check_name WHEN 'entry_missing' THEN step.expected_version ELSE step.version END,
           finding.expected, finding.actual
    FROM step
    CROSS JOIN LATERAL (VALUES
        ('entry_missing', CASE WHEN step.version > step.expected_version
                               THEN 'version ' || step.expected_version::text END, NULL),
        ('entry_duplicate', CASE WHEN step.version = step.previous_version THEN 'one entry' END,
            CASE WHEN step.version = step.previous_version THEN 'another in ' || step.previous_transaction_id::text END),
        ('entry_kind', CASE WHEN step.kind_fits THEN step.kind WHEN step.version = 0 THEN 'CREATED'
                            ELSE 'a kind that has such sides' END,
            CASE WHEN step.kind_fits THEN step.kind ELSE step.kind || ' ' || step.side END),
        ('entry_amount', CASE WHEN step.amount_fits THEN step.amount::text
                              WHEN step.moves THEN 'above 0' ELSE '0.0000' END, step.amount::text),
        ('entry_balance', round(step.expected_balance, 4)::text, step.balance::text),
        ('entry_held', round(step.expected_held, 4)::text, step.held::text),
        ('entry_status', step.expected_status, step.status),
        ('entry_order', CASE WHEN NOT step.order_fits
                             THEN 'above ' || step.previous_transaction_id::text || ' ' || step.previous_leg::text END,
            CASE WHEN NOT step.order_fits THEN step.transaction_id::text || ' ' || step.leg::text END),
        ('entry_time', step.created_at::text, step.transaction_time::text),
        ('entry_user_id', step.expected_user_id, step.user_id),
        ('entry_currency', step.expected_currency, step.currency),
        ('entry_without_wallet', CASE WHEN NOT step.has_wallet THEN 'a wallet' END, NULL)
    ) AS finding (check_name, expected, actual)
    WHERE ((step.version, step.balance, step.held, step.status, step.transaction_time,
            step.user_id, step.currency, step.kind_fits, step.amount_fits, step.order_fits, step.has_wallet)
           IS DISTINCT FROM
           (step.expected_version, step.expected_balance, step.expected_held, step.expected_status, step.created_at,
            step.expected_user_id, step.expected_currency, true, true, true, true))
      AND finding.expected IS DISTINCT FROM finding.actual;
END;
COMMENT ON FUNCTION wallet_check_entries(uuid, uuid) IS
    'Internal, part of wallet_check: each entry against the one before it, its own id and its kind; the first one needs a wallet.';

CREATE FUNCTION wallet_check_limits(first_id uuid, last_id uuid)
    RETURNS TABLE (wallet_id uuid, since bigint, until bigint, credit_limit numeric, max_balance numeric)
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT movement.to_wallet_id, movement.to_version, pg_catalog.lead(movement.to_version) OVER changes,
           coalesce(movement.credit_limit, 0)::numeric(19,4), movement.max_balance
    FROM wallet_ledger AS movement
    WHERE movement.to_wallet_id BETWEEN first_id AND last_id AND movement.kind IN ('CREATED', 'LIMITS')
    WINDOW changes AS (PARTITION BY movement.to_wallet_id ORDER BY movement.to_version);
END;
COMMENT ON FUNCTION wallet_check_limits(uuid, uuid) IS
    'Internal, part of wallet_check: from the entry of which version, until the one of which (NULL: still), a wallet had which limits.';

CREATE FUNCTION wallet_check_floors(first_id uuid, last_id uuid) RETURNS SETOF wallet_divergence
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT finding.check_name, entry.wallet_id, entry.version, finding.expected, finding.actual
    FROM wallet_check_sides(first_id, last_id) AS entry
    JOIN wallet_check_limits(first_id, last_id) AS limits
      ON limits.wallet_id = entry.wallet_id AND limits.since < entry.version
     AND (limits.until IS NULL OR entry.version < limits.until)
    CROSS JOIN LATERAL (
        SELECT entry.balance - entry.held
               + CASE entry.kind WHEN 'HOLD' THEN 0::numeric ELSE limits.credit_limit END AS with_all_holds
    ) AS available
    CROSS JOIN LATERAL (
        -- Holds that had expired by then count no more, released or not.
        SELECT CASE WHEN entry.side = 'from' AND entry.kind IN ('WITHDRAW', 'TRANSFER', 'REVERSAL', 'HOLD')
                         AND available.with_all_holds < 0::numeric
            THEN available.with_all_holds + (
                SELECT coalesce(sum(CASE change.kind WHEN 'HOLD' THEN change.amount ELSE -change.amount END), 0::numeric)
                FROM wallet_check_sides(entry.wallet_id, entry.wallet_id) AS change
                JOIN wallet_ledger AS hold ON hold.transaction_id = change.hold_id AND hold.kind = 'HOLD'
                WHERE change.version <= entry.version AND hold.expires_at <= entry.created_at
                  AND (change.kind IN ('RELEASE', 'EXPIRE')
                       OR change.side = 'from' AND change.kind IN ('HOLD', 'CAPTURE')))
            ELSE 0::numeric END AS amount
    ) AS floor
    CROSS JOIN LATERAL (VALUES
        ('entry_floor', floor.amount < 0::numeric, 'at least 0.0000 available', floor.amount::text),
        ('entry_max_balance', entry.side = 'to' AND entry.balance > limits.max_balance
             AND entry.kind IN ('FUND', 'TRANSFER', 'CAPTURE', 'REVERSAL'),
            'at most ' || limits.max_balance::text, entry.balance::text)
    ) AS finding (check_name, is_broken, expected, actual)
    WHERE (entry.balance < entry.held OR limits.max_balance IS NOT NULL)
      AND NOT entry.forced AND finding.is_broken;
END;
COMMENT ON FUNCTION wallet_check_floors(uuid, uuid) IS
    'Internal, part of wallet_check: each debit and hold against the credit limit of its time, each credit against the maximum of its time (INV-3).';

CREATE FUNCTION wallet_check_wallets(first_id uuid, last_id uuid) RETURNS SETOF wallet_divergence
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT finding.check_name, wallet.id, wallet.version, finding.expected, finding.actual
    FROM wallets AS wallet
    LEFT JOIN LATERAL (
        SELECT entry.version, entry.balance_after, entry.held_after, entry.status_after, entry.user_id,
               entry.currency, entry.created_at
        FROM wallet_transactions AS entry
        WHERE entry.wallet_id = wallet.id
        ORDER BY entry.version DESC
        LIMIT 1
    ) AS newest ON true
    LEFT JOIN wallet_check_limits(first_id, last_id) AS limits
           ON limits.wallet_id = wallet.id AND limits.until IS NULL
    LEFT JOIN wallet_ledger AS created ON created.to_wallet_id = wallet.id AND created.to_version = 0
          AND created.to_wallet_id BETWEEN first_id AND last_id
    LEFT JOIN (
        SELECT hold.wallet_id, sum(hold.amount - hold.captured - hold.released) AS rest
        FROM wallet_holds AS hold
        WHERE hold.status = 'open' AND hold.wallet_id BETWEEN first_id AND last_id
        GROUP BY hold.wallet_id
    ) AS holds ON holds.wallet_id = wallet.id
    CROSS JOIN LATERAL (VALUES
        ('wallet_without_entry', newest.version IS NULL, 'an entry', NULL),
        ('wallet_version', newest.version <> wallet.version, newest.version::text, wallet.version::text),
        ('wallet_balance', newest.balance_after <> wallet.balance,
            newest.balance_after::text, wallet.balance::text),
        ('wallet_held', newest.held_after <> wallet.held, newest.held_after::text, wallet.held::text),
        ('wallet_status', newest.status_after <> wallet.status, newest.status_after, wallet.status),
        ('wallet_user_id', newest.user_id <> wallet.user_id, newest.user_id, wallet.user_id),
        ('wallet_currency', newest.currency <> wallet.currency, newest.currency, wallet.currency),
        ('wallet_updated_at', newest.created_at <> wallet.updated_at,
            newest.created_at::text, wallet.updated_at::text),
        ('wallet_created_at', created.created_at <> wallet.created_at,
            created.created_at::text, wallet.created_at::text),
        ('wallet_credit_limit', limits.credit_limit <> wallet.credit_limit,
            limits.credit_limit::text, wallet.credit_limit::text),
        ('wallet_max_balance', limits.since IS NOT NULL AND limits.max_balance IS DISTINCT FROM wallet.max_balance,
            limits.max_balance::text, wallet.max_balance::text),
        ('hold_sum', coalesce(holds.rest, 0) <> wallet.held,
            round(coalesce(holds.rest, 0), 4)::text, wallet.held::text)
    ) AS finding (check_name, is_broken, expected, actual)
    WHERE wallet.id BETWEEN first_id AND last_id AND finding.is_broken;
END;
COMMENT ON FUNCTION wallet_check_wallets(uuid, uuid) IS
    'Internal, part of wallet_check: each wallet against its newest entry, its first one, its limits and its open holds.';

CREATE FUNCTION wallet_check_holds(first_id uuid, last_id uuid) RETURNS SETOF wallet_divergence
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    -- Each entry that changes what is held belongs to a hold of the same wallet.
    SELECT 'entry_hold', entry.wallet_id, entry.version, 'a hold of this wallet',
           CASE WHEN hold.hold_id IS NULL THEN 'no hold ' || entry.hold_id::text
                WHEN hold.wallet_id = entry.wallet_id THEN 'hold ' || entry.hold_id::text
                ELSE 'a hold of ' || hold.wallet_id::text END
    FROM wallet_check_sides(first_id, last_id) AS entry
    LEFT JOIN wallet_holds AS hold ON hold.hold_id = entry.hold_id
    WHERE (entry.side = 'from' AND entry.kind IN ('HOLD', 'CAPTURE')
           OR entry.side = 'to' AND entry.kind IN ('RELEASE', 'EXPIRE'))
      AND (hold.wallet_id IS DISTINCT FROM entry.wallet_id
           OR entry.kind = 'HOLD' AND entry.hold_id <> entry.transaction_id)

    UNION ALL
    -- Each hold against its HOLD entry, and against what was captured and given back since.
    SELECT finding.check_name, entry.from_wallet_id, entry.from_version, finding.expected, finding.actual
    FROM wallet_ledger AS entry
    JOIN wallet_holds AS hold ON hold.hold_id = entry.transaction_id
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(used.amount) FILTER (WHERE used.kind = 'CAPTURE'), 0)::numeric(19,4) AS captured,
               coalesce(sum(used.amount) FILTER (WHERE used.kind <> 'CAPTURE'), 0)::numeric(19,4) AS released,
               count(*) FILTER (WHERE used.kind = 'EXPIRE') > 0 AS is_expired
        FROM wallet_ledger AS used
        WHERE used.hold_id = hold.hold_id AND used.kind IN ('CAPTURE', 'RELEASE', 'EXPIRE')
    ) AS ledger
    CROSS JOIN LATERAL (VALUES
        ('hold_amount', entry.amount::text, hold.amount::text),
        ('hold_captured', ledger.captured::text, hold.captured::text),
        ('hold_released', ledger.released::text, hold.released::text),
        ('hold_expires_at', entry.expires_at::text, hold.expires_at::text),
        ('hold_status', CASE WHEN ledger.captured + ledger.released < entry.amount THEN 'open'
                             WHEN ledger.is_expired THEN 'expired'
                             WHEN ledger.captured = 0::numeric THEN 'released'
                             WHEN ledger.released > 0::numeric AND hold.status = 'released' THEN 'released'
                             ELSE 'captured' END, hold.status)
    ) AS finding (check_name, expected, actual)
    WHERE entry.from_wallet_id BETWEEN first_id AND last_id AND entry.kind = 'HOLD'
      AND finding.expected IS DISTINCT FROM finding.actual;
END;
COMMENT ON FUNCTION wallet_check_holds(uuid, uuid) IS
    'Internal, part of wallet_check: entries against the holds they name, holds against their entries.';

CREATE FUNCTION wallet_check_history(first_id uuid, last_id uuid) RETURNS SETOF wallet_divergence
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT 'history_gap', gap.wallet_id, gap.from_version, 'events ' || gap.from_version::text || ' to ' || gap.to_version::text, NULL
    FROM wallet_history_gaps AS gap
    WHERE gap.wallet_id BETWEEN first_id AND last_id

    UNION ALL
    SELECT 'history_conflict', conflict.wallet_id, conflict.version, conflict.stored::text, conflict.received::text
    FROM wallet_history_conflicts AS conflict
    WHERE conflict.wallet_id BETWEEN first_id AND last_id

    UNION ALL
    -- Each entry against its event, up to the newest event of the wallet, and as far as all events were read.
    SELECT finding.check_name, pair.wallet_id, pair.version, finding.expected, finding.actual
    FROM (
        SELECT coalesce(entry.wallet_id, event.wallet_id) AS wallet_id,
               coalesce(entry.version, event.version) AS version,
               max(event.version) OVER (PARTITION BY coalesce(entry.wallet_id, event.wallet_id)) AS newest_event,
               entry.version IS NOT NULL AS has_entry, event.version IS NOT NULL AS has_event,
               entry.transaction_id, entry.type, entry.amount, entry.user_id, entry.balance_after,
               entry.held_after, entry.created_at, event.transaction_id AS event_transaction_id,
               event.event_type, event.amount AS event_amount, event.user_id AS event_user_id,
               event.created_at AS event_created_at, event.event_data
        FROM (
            SELECT * FROM wallet_transactions AS entry WHERE entry.wallet_id BETWEEN first_id AND last_id
        ) AS entry
        FULL JOIN (
            SELECT * FROM transaction_events AS event WHERE event.wallet_id BETWEEN first_id AND last_id
        ) AS event ON event.wallet_id = entry.wallet_id AND event.version = entry.version
    ) AS pair
    CROSS JOIN LATERAL (VALUES
        ('history_missing', NOT pair.has_event AND NOT EXISTS (
             SELECT FROM wallet_history_gaps AS gap
             WHERE gap.wallet_id = pair.wallet_id AND pair.version BETWEEN gap.from_version AND gap.to_version),
            'event ' || pair.type, NULL),
        ('history_unknown', NOT pair.has_entry, NULL, 'event ' || pair.event_type),
        ('history_transaction_id', pair.event_transaction_id <> pair.transaction_id,
            pair.transaction_id::text, pair.event_transaction_id::text),
        ('history_type', pair.event_type <> pair.type, pair.type, pair.event_type),
        ('history_amount', pair.event_amount <> pair.amount, pair.amount::text, pair.event_amount::text),
        ('history_user_id', pair.event_user_id <> pair.user_id, pair.user_id, pair.event_user_id),
        ('history_created_at', pair.event_created_at <> pair.created_at,
            pair.created_at::text, pair.event_created_at::text),
        ('history_balance', pair.event_data ->> 'balance'::text <> pair.balance_after::text,
            pair.balance_after::text, pair.event_data ->> 'balance'::text),
        ('history_held', pair.event_data ->> 'held'::text <> pair.held_after::text,
            pair.held_after::text, pair.event_data ->> 'held'::text)
    ) AS finding (check_name, is_broken, expected, actual)
    WHERE EXISTS (SELECT FROM wallet_history_offsets) AND EXISTS (SELECT FROM wallet_ledger)
      AND (pair.version <= pair.newest_event
           OR pair.transaction_id < (SELECT mark.checked_to FROM wallet_history_mark AS mark))
      AND finding.is_broken;
END;
COMMENT ON FUNCTION wallet_check_history(uuid, uuid) IS
    'Internal, part of wallet_check: recorded gaps and conflicts, and the history against the ledger.';

CREATE FUNCTION wallet_check_ledger() RETURNS SETOF wallet_divergence
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT 'currency_sum', NULL::uuid, NULL::bigint,
           totals.currency || ' ' || (totals.outside_in - totals.outside_out)::text,
           totals.currency || ' ' || totals.balance::text
    FROM wallet_totals() AS totals
    WHERE totals.difference <> 0::numeric

    UNION ALL
    SELECT 'hold_without_entry', hold.wallet_id, NULL, 'a HOLD entry of ' || hold.hold_id::text, NULL
    FROM wallet_holds AS hold
    WHERE NOT EXISTS (SELECT FROM wallet_ledger AS entry
                      WHERE entry.transaction_id = hold.hold_id AND entry.kind = 'HOLD'
                        AND entry.from_wallet_id = hold.wallet_id)

    UNION ALL
    SELECT 'reversal_sum', NULL, NULL, 'at most ' || original.amount::text || ' of ' || reversal.reverses::text,
           reversal.amount::text
    FROM (
        SELECT movement.reverses, sum(movement.amount) AS amount
        FROM wallet_ledger AS movement
        WHERE movement.reverses IS NOT NULL
        GROUP BY movement.reverses
    ) AS reversal
    CROSS JOIN LATERAL (
        -- The sum of many legs may be more than a numeric(19,4).
        SELECT round(coalesce(sum(movement.amount), 0), 4) AS amount
        FROM wallet_ledger AS movement
        WHERE movement.transaction_id = reversal.reverses
          AND movement.kind IN ('FUND', 'WITHDRAW', 'TRANSFER', 'CAPTURE')
    ) AS original
    WHERE reversal.amount > original.amount;
END;
COMMENT ON FUNCTION wallet_check_ledger() IS
    'Internal, part of wallet_check: what only the whole ledger shows: the sums of each currency (INV-1), holds without an entry, operations reversed by more than they moved.';

CREATE FUNCTION wallet_check(wallet_id uuid DEFAULT NULL) RETURNS SETOF wallet_divergence
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER COST 100000 ROWS 10
    SET row_security = off
    -- So many expressions take seconds to compile, and milliseconds to evaluate for one wallet.
    SET jit = off
BEGIN ATOMIC
    WITH divergence AS (
        SELECT * FROM wallet_check_entries(
            coalesce(wallet_check.wallet_id, '00000000-0000-0000-0000-000000000000'),
            coalesce(wallet_check.wallet_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
        UNION ALL
        SELECT * FROM wallet_check_floors(
            coalesce(wallet_check.wallet_id, '00000000-0000-0000-0000-000000000000'),
            coalesce(wallet_check.wallet_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
        UNION ALL
        SELECT * FROM wallet_check_wallets(
            coalesce(wallet_check.wallet_id, '00000000-0000-0000-0000-000000000000'),
            coalesce(wallet_check.wallet_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
        UNION ALL
        SELECT * FROM wallet_check_holds(
            coalesce(wallet_check.wallet_id, '00000000-0000-0000-0000-000000000000'),
            coalesce(wallet_check.wallet_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
        UNION ALL
        SELECT * FROM wallet_check_history(
            coalesce(wallet_check.wallet_id, '00000000-0000-0000-0000-000000000000'),
            coalesce(wallet_check.wallet_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
        UNION ALL
        SELECT * FROM wallet_check_guards()
        UNION ALL
        SELECT * FROM wallet_check_grants()
        UNION ALL
        SELECT * FROM wallet_check_rules()
        UNION ALL
        SELECT * FROM wallet_check_ledger() WHERE wallet_check.wallet_id IS NULL
    )
    SELECT divergence.check_name, divergence.wallet_id, divergence.version, divergence.expected,
           divergence.actual
    FROM divergence
    ORDER BY divergence.check_name, divergence.wallet_id, divergence.version, divergence.expected;
END;
COMMENT ON FUNCTION wallet_check(uuid) IS
$$Returns every divergence between wallets, ledger, holds and history, all seen in one snapshot, of one wallet or (NULL) of all; no row means consistent. One wallet is read by index; all wallets take a scan of the ledger.
check_name is one of
entry_missing (from this version on, versions without an entry), entry_duplicate (a version with two, on one side or on both), entry_kind (a kind on a side it can't have), entry_amount, entry_balance, entry_held, entry_status, entry_user_id, entry_currency (the entry doesn't follow from the one before it), entry_order (ids don't ascend with versions), entry_time (created_at isn't the time in transaction_id, a UUID version 7), entry_without_wallet, entry_floor (a debit or hold below 0 available), entry_max_balance (a credit above the maximum), entry_hold (an entry of no hold of its wallet);
wallet_without_entry, wallet_version, wallet_balance, wallet_held, wallet_status, wallet_user_id, wallet_currency, wallet_updated_at (not those of the newest entry), wallet_created_at (not that of the first), wallet_credit_limit, wallet_max_balance (not those of the newest entry that sets them);
hold_sum (held isn't the rest of the open holds), hold_amount, hold_captured, hold_released, hold_expires_at, hold_status (the hold isn't what its entries say);
history_gap, history_conflict (recorded by the history consumer); where wallet_history_offsets has rows, for each wallet up to its newest event, and up to the point where every partition was read after the bridge had published it: history_missing (also of a wallet without any event), history_unknown (an event without an entry; not compared where the ledger is empty because the history lives in a database of its own), history_transaction_id, history_type, history_amount, history_user_id, history_created_at, history_balance, history_held;
guard (a trigger that protects wallets, wallet_ledger or wallet_holds is missing, disabled or replaced; the table has a parent, a child or a rule, is UNLOGGED or not stored as a heap; another function in the extension's schema has the name of one of the extension's), grant (somebody but the owner may write such a table or put triggers on it), index (an index that keeps versions or keys unique, or finds holds and reversals, is missing or not valid), shape (a column is missing or of another type, a CHECK or NOT NULL of the extension is missing or not valid, or something is on a table that the operations cannot honour);
only for all wallets: currency_sum (INV-1: balances against what came from outside minus what went there), hold_without_entry, reversal_sum (more paid back than was moved).$$;
