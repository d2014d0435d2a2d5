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
    wallet_id uuid, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL
) RETURNS TABLE (version bigint, type text, amount numeric(19,4), balance_after numeric(19,4),
                 held_after numeric(19,4), transaction_id uuid, counterparty_wallet_id uuid,
                 created_at timestamptz, metadata jsonb)
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 100
    SET row_security = off
BEGIN ATOMIC
    WITH period AS MATERIALIZED (
        -- Moments have microseconds: one earlier is the newest that is before.
        SELECT wallet_read_argument(wallet_statement.wallet_id, 'wallet_id') AS wallet_id,
               coalesce(wallet_statement.since, '-infinity') - interval '1 microsecond' AS before_since,
               coalesce(wallet_statement_until(wallet_statement.since, wallet_statement.until), 'infinity')
                   - interval '1 microsecond' AS before_until
    ), opening AS MATERIALIZED (
        SELECT period.wallet_id, period.before_until, state.version,
               coalesce(state.balance, 0)::numeric(19,4) AS balance, coalesce(state.held, 0)::numeric(19,4) AS held
        FROM period
        LEFT JOIN LATERAL wallet_balance_at(period.wallet_id, period.before_since) AS state ON true
    ), closing AS MATERIALIZED (
        SELECT state.version, coalesce(state.balance, 0)::numeric(19,4) AS balance,
               coalesce(state.held, 0)::numeric(19,4) AS held
        FROM opening
        LEFT JOIN LATERAL wallet_balance_at(opening.wallet_id, opening.before_until) AS state ON true
    ), line AS (
        SELECT 1 AS part, opening.version, 'OPENING' AS type, 0::numeric(19,4) AS amount,
               opening.balance AS balance_after, opening.held AS held_after, NULL::uuid AS transaction_id,
               NULL::uuid AS counterparty_wallet_id, wallet_statement.since AS created_at, NULL::jsonb AS metadata
        FROM opening

        UNION ALL
        SELECT 2, entry.version, entry.type, entry.amount, entry.balance_after, entry.held_after,
               entry.transaction_id, entry.counterparty_wallet_id, entry.created_at, entry.metadata
        FROM opening
        CROSS JOIN closing
        JOIN wallet_transactions AS entry
          ON entry.wallet_id = opening.wallet_id
         AND entry.version > coalesce(opening.version, -1) AND entry.version <= closing.version

        UNION ALL
        SELECT 3, closing.version, 'CLOSING', 0::numeric(19,4), closing.balance, closing.held, NULL, NULL,
               wallet_statement.until, NULL
        FROM closing
    )
    SELECT line.version, line.type, line.amount, line.balance_after, line.held_after, line.transaction_id,
           line.counterparty_wallet_id, line.created_at, line.metadata
    FROM line
    ORDER BY line.part, line.version;
END;
COMMENT ON FUNCTION wallet_statement(uuid, timestamptz, timestamptz) IS
$$Returns a wallet's statement from the ledger, oldest entry first, between a first row of type OPENING and a last one of type CLOSING, which are always there and state balance, held and version before and after the period (version NULL before the wallet's creation).
since: inclusive; from the wallet's creation when NULL. until: exclusive; to the newest entry when NULL.
Errors: 22004, 22023 (until is before since), WL001 (wallet_not_found).$$;
