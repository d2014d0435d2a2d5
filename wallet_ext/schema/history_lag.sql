-- How far the history is behind the ledger: the age of the oldest entry that is committed and has no event.
-- wallet_history_mark keeps the search short: everything before it has its event.

CREATE FUNCTION wallet_history_bound(at timestamptz) RETURNS uuid
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT (lpad(to_hex(greatest(floor(extract(epoch FROM at) * 1000::numeric), 0::numeric)::bigint), 12, '0')
            || '00000000000000000000')::uuid;
END;
COMMENT ON FUNCTION wallet_history_bound(timestamptz) IS
    'Internal: below every transaction_id of this millisecond and later.';

-- Each look-up is a scalar subquery with a LIMIT: an EXISTS may be hashed, and then reads all events.
CREATE FUNCTION wallet_history_missing(since uuid, until uuid)
    RETURNS TABLE (transaction_id uuid, created_at timestamptz)
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
    SELECT entry.transaction_id, entry.created_at
    FROM wallet_ledger AS entry
    WHERE entry.transaction_id >= since AND entry.transaction_id < until
      AND (entry.from_wallet_id IS NOT NULL
           AND (SELECT true FROM transaction_events AS event
                WHERE event.wallet_id = entry.from_wallet_id AND event.version = entry.from_version LIMIT 1) IS NULL
           AND (SELECT true FROM wallet_history_gaps AS gap
                WHERE gap.wallet_id = entry.from_wallet_id
                  AND entry.from_version BETWEEN gap.from_version AND gap.to_version LIMIT 1) IS NULL
           OR entry.to_wallet_id IS NOT NULL
           AND (SELECT true FROM transaction_events AS event
                WHERE event.wallet_id = entry.to_wallet_id AND event.version = entry.to_version LIMIT 1) IS NULL
           AND (SELECT true FROM wallet_history_gaps AS gap
                WHERE gap.wallet_id = entry.to_wallet_id
                  AND entry.to_version BETWEEN gap.from_version AND gap.to_version LIMIT 1) IS NULL)
    ORDER BY entry.transaction_id
    LIMIT 1;
END;
COMMENT ON FUNCTION wallet_history_missing(uuid, uuid) IS
    'Internal: the oldest entry from since, before until, that has no event and stands in no recorded gap.';

-- Where the ledger is elsewhere, only the partitions can tell: a record that waits came after complete_at,
-- which a consumer that keeps up moves every few seconds.
CREATE FUNCTION wallet_history_lag() RETURNS numeric
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE
        WHEN NOT EXISTS (SELECT FROM wallet_history_offsets) THEN NULL
        WHEN EXISTS (SELECT FROM wallet_ledger) THEN coalesce((
            SELECT round(greatest(extract(epoch FROM clock_timestamp() - missing.created_at), 0.001), 3)
            FROM wallet_history_mark AS mark
            CROSS JOIN LATERAL wallet_history_missing(
                -- A clock that was set back makes ids below the mark.
                least(mark.complete_to, wallet_history_bound(clock_timestamp() - '00:00:01'::interval)),
                'ffffffff-ffff-ffff-ffff-ffffffffffff') AS missing
        ), 0)
        ELSE (
            SELECT round(greatest(extract(epoch FROM
                       clock_timestamp() - min(coalesce(position.complete_at, position.claimed_at))) - 5::numeric, 0), 3)
            FROM wallet_history_offsets AS position
        )
    END;
END;
COMMENT ON FUNCTION wallet_history_lag() IS
    'Internal: seconds that the oldest committed entry without its event has waited; NULL where no history is fed here.';

-- An entry may be committed long after its id was made: a point is passed only when every transaction that
-- ran when it was noted is over. At most so many entries a call: the first one may find a long ledger.
CREATE FUNCTION wallet_history_advance() RETURNS TABLE (lag_seconds numeric, has_more boolean)
    LANGUAGE sql VOLATILE SECURITY DEFINER ROWS 1 COST 1000
    SET row_security = off
BEGIN ATOMIC
    WITH mark AS (
        SELECT mark.*, pg_snapshot_xmin(pg_current_snapshot()) >= mark.noted_before AS is_settled
        FROM wallet_history_mark AS mark
        FOR UPDATE SKIP LOCKED
    ), reach AS (
        SELECT mark.*, CASE WHEN mark.is_settled THEN least(mark.noted, chunk.transaction_id) END AS until
        FROM mark
        LEFT JOIN LATERAL (
            SELECT entry.transaction_id
            FROM wallet_ledger AS entry
            WHERE entry.transaction_id >= mark.complete_to
            ORDER BY entry.transaction_id
            OFFSET 20000 LIMIT 1
        ) AS chunk ON true
    ), found AS (
        SELECT reach.*, coalesce((
                   SELECT missing.transaction_id
                   FROM wallet_history_missing(reach.complete_to, reach.until) AS missing
               ), reach.until, reach.complete_to) AS complete
        FROM reach
    )
    UPDATE wallet_history_mark AS mark
    SET complete_to = least(found.complete, now_bound.id),
        has_more = coalesce(found.is_settled AND found.complete = found.until AND found.until < found.noted, false),
        noted = CASE WHEN noting.is_due THEN now_bound.id ELSE found.noted END,
        noted_before = CASE WHEN noting.is_due THEN pg_snapshot_xmax(pg_current_snapshot())
                            ELSE found.noted_before END,
        checked_to = CASE WHEN checking.is_read THEN found.check_to ELSE found.checked_to END,
        check_to = CASE WHEN checking.is_read THEN NULL
                        WHEN found.check_to IS NULL AND found.is_settled THEN found.noted
                        ELSE found.check_to END,
        check_lsn = CASE WHEN found.check_to IS NULL AND found.is_settled THEN pg_current_wal_insert_lsn()
                         ELSE found.check_lsn END,
        check_at = CASE WHEN checking.is_read OR found.check_to IS NULL THEN NULL
                        ELSE coalesce(found.check_at, checking.published_at) END
    FROM found
    CROSS JOIN LATERAL (
        SELECT coalesce((SELECT bool_or(topic.is_read)
                         FROM (SELECT min(coalesce(position.complete_at, '-infinity')) > found.check_at AS is_read
                               FROM wallet_history_offsets AS position
                               GROUP BY position.group_id, position.topic) AS topic), false) AS is_read,
               (SELECT CASE WHEN min(slot.confirmed_flush_lsn) >= found.check_lsn THEN clock_timestamp() END
                FROM pg_replication_slots AS slot
                WHERE slot.plugin = 'wallet_decoder' AND slot.database = current_database()) AS published_at
    ) AS checking
    CROSS JOIN LATERAL (SELECT wallet_history_bound(clock_timestamp() - '00:00:01'::interval) AS id) AS now_bound
    CROSS JOIN LATERAL (
        SELECT found.is_settled IS NULL OR found.is_settled AND found.until IS NOT DISTINCT FROM found.noted
               OR found.noted_before > pg_snapshot_xmax(pg_current_snapshot()) AS is_due
    ) AS noting;

    SELECT wallet_history_lag(), (SELECT mark.has_more FROM wallet_history_mark AS mark);
END;
COMMENT ON FUNCTION wallet_history_advance() IS
$$For the history consumer, every few seconds: moves the point up to which every entry is known to have its event, and returns how long the oldest entry without one has waited (NULL: no history is fed here), and whether the point can be moved on at once.$$;
