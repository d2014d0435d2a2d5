-- Statements: what a wallet had, and what happened to it in between. From the ledger.

CREATE FUNCTION wallet_balance_at(wallet_id uuid, at timestamptz)
    RETURNS TABLE (balance numeric(19,4), held numeric(19,4), version bigint)
    LANGUAGE c STABLE PARALLEL SAFE ROWS 1 COST 200 AS 'MODULE_PATHNAME', 'wallet_balance_at';
COMMENT ON FUNCTION wallet_balance_at(uuid, timestamptz) IS
$$Returns what a wallet had at a moment: balance, held and version as of its newest entry that is not later; no row before its creation. By binary search over versions, however many entries there are.
at: for a moment after the start of the oldest open transaction the answer may still change. held counts expired holds until they are swept.
Errors: 22004, WL001 (wallet_not_found).$$;

CREATE FUNCTION wallet_statement_until(since timestamptz, until timestamptz) RETURNS timestamptz
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'wallet_statement_until';
COMMENT ON FUNCTION wallet_statement_until(timestamptz, timestamptz) IS
$$Internal, for wallet_statement: returns until.
Errors: 22023 (until is before since).$$;

CREATE FUNCTION wallet_statement(
    wallet_id uuid, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    after_version bigint DEFAULT NULL, max_rows integer DEFAULT NULL
) RETURNS TABLE (version bigint, type text, amount numeric(19,4), balance_after numeric(19,4),
                 held_after numeric(19,4), transaction_id uuid, counterparty_wallet_id uuid,
                 created_at timestamptz, metadata jsonb)
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 100
    SET row_security = off
BEGIN ATOMIC
    WITH period AS MATERIALIZED (
        -- Moments have microseconds: one earlier is the newest that is before. The first of all has none before.
        SELECT wallet_read_argument(wallet_statement.wallet_id, 'wallet_id') AS wallet_id,
               greatest(wallet_statement.since, timestamptz '4714-11-24 00:00:00.000001+00 BC')
                   - interval '1 microsecond' AS before_since,
               greatest(coalesce(wallet_statement_until(wallet_statement.since, wallet_statement.until), 'infinity'),
                        timestamptz '4714-11-24 00:00:00.000001+00 BC') - interval '1 microsecond' AS before_until,
               CASE WHEN wallet_statement.max_rows IS NOT NULL
                    THEN wallet_read_rows(wallet_statement.wallet_id, 'wallet_id', wallet_statement.max_rows)
               END AS max_rows
    ), edge AS MATERIALIZED (
        -- The newest versions before the period and within it; -1 before the wallet's creation.
        SELECT period.wallet_id, period.max_rows, coalesce(opening.version, -1) AS first,
               coalesce(closing.version, -1) AS last
        FROM period
        LEFT JOIN LATERAL wallet_balance_at(period.wallet_id, period.before_since) AS opening ON true
        LEFT JOIN LATERAL wallet_balance_at(period.wallet_id, period.before_until) AS closing ON true
    ), page AS MATERIALIZED (
        -- Versions have no gap: the page's last one is known without reading it.
        SELECT start.*, least(start.last, start.after + start.max_rows) AS through
        FROM (SELECT edge.*, least(greatest(edge.first, wallet_statement.after_version), edge.last) AS after
              FROM edge) AS start
    ), line AS (
        SELECT 1 AS part, entry.version, 'OPENING' AS type, 0::numeric(19,4) AS amount,
               coalesce(entry.balance_after, 0)::numeric(19,4) AS balance_after,
               coalesce(entry.held_after, 0)::numeric(19,4) AS held_after, NULL::uuid AS transaction_id,
               NULL::uuid AS counterparty_wallet_id,
               CASE WHEN page.after = page.first THEN wallet_statement.since ELSE entry.created_at END AS created_at,
               NULL::jsonb AS metadata
        FROM page
        LEFT JOIN LATERAL (
            SELECT before.version, before.balance_after, before.held_after, before.created_at
            FROM wallet_transactions AS before
            WHERE before.wallet_id = page.wallet_id AND before.version = page.after
            LIMIT 1
        ) AS entry ON true

        UNION ALL
        SELECT 2, entry.version, entry.type, entry.amount, entry.balance_after, entry.held_after,
               entry.transaction_id, entry.counterparty_wallet_id, entry.created_at, entry.metadata
        FROM page
        JOIN wallet_transactions AS entry
          ON entry.wallet_id = page.wallet_id AND entry.version > page.after AND entry.version <= page.through

        UNION ALL
        SELECT 3, entry.version, 'CLOSING', 0::numeric(19,4), coalesce(entry.balance_after, 0)::numeric(19,4),
               coalesce(entry.held_after, 0)::numeric(19,4), NULL, NULL,
               CASE WHEN page.through = page.last THEN wallet_statement.until ELSE entry.created_at END, NULL
        FROM page
        LEFT JOIN LATERAL (
            SELECT newest.version, newest.balance_after, newest.held_after, newest.created_at
            FROM wallet_transactions AS newest
            WHERE newest.wallet_id = page.wallet_id AND newest.version = page.through
            LIMIT 1
        ) AS entry ON true
    )
    SELECT line.version, line.type, line.amount, line.balance_after, line.held_after, line.transaction_id,
           line.counterparty_wallet_id, line.created_at, line.metadata
    FROM line
    ORDER BY line.part, line.version;
END;
COMMENT ON FUNCTION wallet_statement(uuid, timestamptz, timestamptz, bigint, integer) IS
$$Returns a wallet's statement from the ledger, oldest entry first, between a first row of type OPENING and a last one of type CLOSING, which are always there and state balance, held and version before and after what is returned (version NULL before the wallet's creation).
since: inclusive; from the wallet's creation when NULL. until: exclusive; to the newest entry when NULL. after_version: the last version of the page before, or that of its CLOSING; from the period's first entry when NULL. max_rows: entries of the page, 0 or more; all when NULL. Where a page begins or ends inside the period, the created_at of its OPENING or CLOSING is that of the entry it states.
Errors: 22004, 22023 (until is before since, max_rows is negative), WL001 (wallet_not_found).$$;
