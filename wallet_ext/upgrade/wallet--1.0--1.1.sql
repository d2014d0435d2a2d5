\echo Use "ALTER EXTENSION wallet UPDATE" to load this file. \quit

-- Which leg of the operation in reverses is paid back.
ALTER TABLE wallet_ledger ADD COLUMN reverses_leg integer;
-- The chain of seals.
ALTER TABLE wallet_ledger ADD COLUMN from_seal bytea;
ALTER TABLE wallet_ledger ADD COLUMN to_seal bytea;
ALTER TABLE wallets ADD COLUMN seal bytea;

-- Holds: money reserved, captured, given back.

CREATE FUNCTION wallet_hold(
    wallet_id uuid, amount numeric, expires_in interval DEFAULT '7 days',
    idempotency_key text DEFAULT NULL, expected_version bigint DEFAULT NULL, metadata jsonb DEFAULT NULL
) RETURNS uuid
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'wallet_hold';
COMMENT ON FUNCTION wallet_hold(uuid, numeric, interval, text, bigint, jsonb) IS
$$Reserves money of a wallet and returns the hold's id: held grows, balance stays.
amount: above 0, at most 999999999999999.9999, at most 4 decimals; balance - held must cover it, the credit limit doesn't count. expires_in: above 0 and ending before the year 10000; from then on the hold counts no more, whether swept or not. expected_version: the version the wallet must have.
Errors: 25006, 22004, 22023, WL003 (invalid_amount), WL005 (idempotency_conflict), WL001 (wallet_not_found), WL004 (version_conflict), WL009 (wallet_closed), WL008 (wallet_frozen), WL002 (insufficient_funds).$$;

CREATE FUNCTION wallet_capture(
    hold_id uuid, to_wallet_id uuid DEFAULT NULL, amount numeric DEFAULT NULL, final boolean DEFAULT true,
    idempotency_key text DEFAULT NULL, expected_version bigint DEFAULT NULL, metadata jsonb DEFAULT NULL
) RETURNS uuid
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'wallet_capture';
COMMENT ON FUNCTION wallet_capture(uuid, uuid, numeric, boolean, text, bigint, jsonb) IS
$$Takes held money, to a wallet or, where to_wallet_id is NULL, to outside, and returns the transaction id.
amount: at most what remains of the hold; all of it when NULL. final: what remains after it is released as a second row of the same operation; while not final, a hold can be captured any number of times. expected_version: the version the hold's wallet must have.
Errors: 25006, 22004, 22023, WL003 (invalid_amount), WL005 (idempotency_conflict), WL020 (hold_not_found), WL007 (same_wallet), WL001 (wallet_not_found), WL004 (version_conflict), WL009 (wallet_closed), WL008 (wallet_frozen), WL006 (currency_mismatch), WL021 (hold_expired), WL022 (hold_not_open), WL023 (exceeds_hold), WL010 (limit_exceeded).$$;

CREATE FUNCTION wallet_release(
    hold_id uuid,
    idempotency_key text DEFAULT NULL, expected_version bigint DEFAULT NULL, metadata jsonb DEFAULT NULL
) RETURNS uuid
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'wallet_release';
COMMENT ON FUNCTION wallet_release(uuid, text, bigint, jsonb) IS
$$Gives the rest of a hold back to its wallet, also on a frozen wallet and when the hold has expired but is not yet swept, and returns the transaction id.
expected_version: the version the hold's wallet must have.
Errors: 25006, 22004, 22023, WL005 (idempotency_conflict), WL020 (hold_not_found), WL004 (version_conflict), WL021 (hold_expired: swept already), WL022 (hold_not_open).$$;

CREATE FUNCTION wallet_expire_holds(max integer DEFAULT 1000) RETURNS integer
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'wallet_expire_holds';
COMMENT ON FUNCTION wallet_expire_holds(integer) IS
$$Releases expired holds, oldest expiry first, each by an operation of its own (EXPIRE), and returns how many. No amount depends on it: an expired hold counts no more anyway.
max: at most so many, 0 or more.
Errors: 25006, 22004, 22023.$$;
-- Reversals: paying an operation back.

CREATE FUNCTION wallet_reverse(
    transaction_id uuid, amount numeric DEFAULT NULL,
    idempotency_key text DEFAULT NULL, expected_version bigint DEFAULT NULL, metadata jsonb DEFAULT NULL
) RETURNS uuid
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'wallet_reverse';
COMMENT ON FUNCTION wallet_reverse(uuid, numeric, text, bigint, jsonb) IS
$$Pays a FUND, WITHDRAW, TRANSFER or CAPTURE operation back and returns the reversal's transaction id.
transaction_id: the operation. amount: in part; all that is left of it when NULL. Any number of times up to the operation's amount. An operation of several legs is paid back in proportion to what is left of each (largest remainder, ties in leg order). expected_version: the version of the wallet debited, or else credited, for the operation's first leg.
Errors: 25006, 22004, 22023, WL003 (invalid_amount), WL005 (idempotency_conflict), WL030 (operation_not_found), WL004 (version_conflict), WL009 (wallet_closed), WL008 (wallet_frozen: the wallet debited), WL031 (not_reversible), WL032 (exceeds_reversible), WL002 (insufficient_funds), WL010 (limit_exceeded).$$;

CREATE FUNCTION wallet_reverse_force(
    transaction_id uuid, amount numeric DEFAULT NULL,
    idempotency_key text DEFAULT NULL, expected_version bigint DEFAULT NULL, metadata jsonb DEFAULT NULL
) RETURNS uuid
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'wallet_reverse_force';
COMMENT ON FUNCTION wallet_reverse_force(uuid, numeric, text, bigint, jsonb) IS
$$Does what wallet_reverse does, for operators: may take the wallet debited below its floor; its entries have forced = true.
Errors: those of wallet_reverse but WL002.$$;
-- Many movements in one call.

CREATE TYPE wallet_leg AS (
    from_wallet_id uuid,
    to_wallet_id   uuid,
    amount         numeric
);
COMMENT ON TYPE wallet_leg IS
    'One movement of wallet_post, from a wallet to another of the same currency; no column is NULL.';

CREATE FUNCTION wallet_transfer_batch(
    from_wallet_ids uuid[], to_wallet_ids uuid[], amounts numeric[], idempotency_keys text[] DEFAULT NULL,
    atomic boolean DEFAULT true, metadata jsonb DEFAULT NULL
) RETURNS TABLE (index integer, transaction_id uuid, sqlstate text, message text)
    LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1000 AS 'MODULE_PATHNAME', 'wallet_transfer_batch';
COMMENT ON FUNCTION wallet_transfer_batch(uuid[], uuid[], numeric[], text[], boolean, jsonb) IS
$$Makes many transfers in input order, each an operation of its own that sees what the earlier ones did, and returns a row for each: its index from 1, its transaction id, 00000 or its error's SQLSTATE and message.
from_wallet_ids, to_wallet_ids, amounts: equally long, at most wallet.max_batch_items; an item's values are judged as wallet_transfer's arguments. idempotency_keys: as long, or NULL; a NULL element is an item without a key. atomic: any error aborts all, with the item's index in DETAIL; otherwise an item's own errors (class 22, WL) become its row and it changes nothing, and any other error aborts the call. metadata: of every item.
Errors: 25006, 22004, 22023; atomic also those of wallet_transfer.$$;

CREATE FUNCTION wallet_post(
    legs wallet_leg[],
    idempotency_key text DEFAULT NULL, expected_version bigint DEFAULT NULL, metadata jsonb DEFAULT NULL
) RETURNS uuid
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'wallet_post';
COMMENT ON FUNCTION wallet_post(wallet_leg[], text, bigint, jsonb) IS
$$Makes one operation of many legs, all or nothing, each seeing what the earlier ones did, and returns its transaction id: the sum of each currency can't change.
legs: 1 to wallet.max_batch_items, none NULL, each with both wallets and an amount as wallet_transfer's. expected_version: the version the payer of the first leg must have. DETAIL has the leg's index from 1.
Errors: those of wallet_transfer.$$;
-- What a wallet may do.

CREATE FUNCTION wallet_freeze(
    wallet_id uuid,
    idempotency_key text DEFAULT NULL, expected_version bigint DEFAULT NULL, metadata jsonb DEFAULT NULL
) RETURNS uuid
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'wallet_freeze';
COMMENT ON FUNCTION wallet_freeze(uuid, text, bigint, jsonb) IS
$$Freezes a wallet and returns the transaction id: nothing moves any more but releases and reversals to it.
expected_version: the version the wallet must have.
Errors: 25006, 22004, 22023, WL005 (idempotency_conflict), WL001 (wallet_not_found), WL004 (version_conflict), WL009 (wallet_closed), WL008 (wallet_frozen already).$$;

CREATE FUNCTION wallet_unfreeze(
    wallet_id uuid,
    idempotency_key text DEFAULT NULL, expected_version bigint DEFAULT NULL, metadata jsonb DEFAULT NULL
) RETURNS uuid
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'wallet_unfreeze';
COMMENT ON FUNCTION wallet_unfreeze(uuid, text, bigint, jsonb) IS
$$Lets a frozen wallet move money again and returns the transaction id.
expected_version: the version the wallet must have.
Errors: 25006, 22004, 22023, WL005 (idempotency_conflict), WL001 (wallet_not_found), WL004 (version_conflict), WL009 (wallet_closed), WL012 (wallet_not_frozen).$$;

CREATE FUNCTION wallet_close(
    wallet_id uuid,
    idempotency_key text DEFAULT NULL, expected_version bigint DEFAULT NULL, metadata jsonb DEFAULT NULL
) RETURNS uuid
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'wallet_close';
COMMENT ON FUNCTION wallet_close(uuid, text, bigint, jsonb) IS
$$Closes a wallet for ever, also a frozen one, and returns the transaction id. Needs balance 0 and no open hold; expired ones are released first.
expected_version: the version the wallet must have.
Errors: 25006, 22004, 22023, WL005 (idempotency_conflict), WL001 (wallet_not_found), WL004 (version_conflict), WL009 (wallet_closed already), WL011 (wallet_not_empty).$$;

CREATE FUNCTION wallet_set_limits(
    wallet_id uuid, credit_limit numeric DEFAULT NULL, max_balance numeric DEFAULT NULL,
    idempotency_key text DEFAULT NULL, expected_version bigint DEFAULT NULL, metadata jsonb DEFAULT NULL
) RETURNS uuid
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'wallet_set_limits';
COMMENT ON FUNCTION wallet_set_limits(uuid, numeric, numeric, text, bigint, jsonb) IS
$$Sets how far a wallet's debits may go below 0 and how far its credits may go up, and returns the transaction id. Lowering a limit is always allowed and only blocks later operations.
credit_limit: 0 or more, at most 4 decimals; unchanged when NULL. max_balance: 0 or more, at most 4 decimals; unlimited when NULL. expected_version: the version the wallet must have.
Errors: 25006, 22004, 22023, WL003 (invalid_amount), WL005 (idempotency_conflict), WL001 (wallet_not_found), WL004 (version_conflict), WL009 (wallet_closed).$$;
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
-- Seals: a chain of hashes that makes a changed, removed or inserted entry show.

CREATE FUNCTION wallet_seal_verify(wallet_id uuid DEFAULT NULL) RETURNS SETOF wallet_divergence
    LANGUAGE c STABLE PARALLEL SAFE COST 10000 ROWS 10 AS 'MODULE_PATHNAME', 'wallet_seal_verify';
COMMENT ON FUNCTION wallet_seal_verify(uuid) IS
$$Follows the chain of SHA-256 seals of one wallet or (NULL) of all and returns each break; no row means that no sealed entry was changed, removed or inserted. Only entries from the first sealed one on are looked at (setting wallet.seal).
check_name is one of seal_entry (the entry's seal is not that of what it says behind the entry before; actual NULL: it has none), seal_entry_missing (from this version on, entries of the chain are missing), seal_wallet (the wallet's own seal is not that of its newest entry). expected and actual: seals in hexadecimal.
Errors: WL001 (wallet_not_found).$$;
-- wallet_check: every divergence, in one statement and so in one snapshot. Its parts take a range of
-- wallet ids: all wallets are the range of all ids, one wallet is the range from its id to its id. So
-- one text serves both and always finds its rows by index; nothing costs more than a join of sorted
-- or hashed inputs. The parts are inlined into wallet_check and run with its owner's rights.

CREATE OR REPLACE FUNCTION wallet_check_sides(first_id uuid, last_id uuid)
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

CREATE OR REPLACE FUNCTION wallet_check_entries(first_id uuid, last_id uuid) RETURNS SETOF wallet_divergence
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
        SELECT entry.*, lag(entry.version) OVER steps AS previous_version,
               lag(entry.balance) OVER steps AS previous_balance,
               lag(entry.held) OVER steps AS previous_held,
               lag(entry.status) OVER steps AS previous_status,
               lag(entry.transaction_id) OVER steps AS previous_transaction_id,
               lag(entry.leg) OVER steps AS previous_leg,
               lag(entry.user_id) OVER steps AS previous_user_id,
               lag(entry.currency) OVER steps AS previous_currency,
               -- UUID version 7: 48 bits of ms, 4 of the UUID's version, 12 of the fraction of a ms.
               ('x' || encode(substr(uuid_send(entry.transaction_id), 1, 8), 'hex'))::bit(64)::bigint AS time_bits
        FROM wallet_check_sides(first_id, last_id) AS entry
        WINDOW steps AS (PARTITION BY entry.wallet_id
                         ORDER BY entry.version, entry.transaction_id, entry.leg)
    ), step AS (
        SELECT chain.*, rule.moves, coalesce(chain.previous_version + 1, 0) AS expected_version,
               CASE WHEN chain.version = 0 THEN 0
                    WHEN chain.previous_version = chain.version - 1
                    THEN chain.previous_balance + coalesce(rule.balance_sign, 0) * chain.amount
                    ELSE chain.balance END AS expected_balance,
               CASE WHEN chain.version = 0 THEN 0
                    WHEN chain.previous_version = chain.version - 1
                    THEN chain.previous_held + coalesce(rule.held_sign, 0) * chain.amount
                    ELSE chain.held END AS expected_held,
               CASE WHEN chain.version = 0 THEN 'active'
                    WHEN chain.kind = 'STATUS' AND chain.operation = 'wallet_freeze' THEN 'frozen'
                    WHEN chain.kind = 'STATUS' AND chain.operation = 'wallet_unfreeze' THEN 'active'
                    WHEN chain.kind = 'STATUS' AND chain.operation = 'wallet_close' THEN 'closed'
                    WHEN chain.previous_version = chain.version - 1 THEN chain.previous_status
                    ELSE chain.status END AS expected_status,
               rule.kind IS NOT NULL AND (chain.kind = 'CREATED') = (chain.version = 0)
                   AND (chain.counterparty_wallet_id IS NOT NULL OR NOT rule.needs_other_side) AS kind_fits,
               (chain.amount > 0) = coalesce(rule.moves, chain.amount > 0) AS amount_fits,
               coalesce((chain.transaction_id, chain.leg)
                        > (chain.previous_transaction_id, chain.previous_leg), true) AS order_fits,
               coalesce(chain.previous_user_id, chain.user_id) AS expected_user_id,
               coalesce(chain.previous_currency, chain.currency) AS expected_currency,
               -- A scalar subquery, because EXISTS would be answered by a scan of all wallets.
               chain.previous_version IS NOT NULL OR coalesce(
                   (SELECT true FROM wallets AS wallet WHERE wallet.id = chain.wallet_id), false) AS has_wallet,
               CASE WHEN chain.time_bits >> 12 & 15 = 7
                    THEN '1970-01-01 00:00:00+00'::timestamptz
                         + ((chain.time_bits >> 16) * 1000 + round((chain.time_bits & 4095) / 4.096::float8))
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
                               THEN 'version ' || step.expected_version END, NULL),
        ('entry_duplicate', CASE WHEN step.version = step.previous_version THEN 'one entry' END,
            CASE WHEN step.version = step.previous_version THEN 'another in ' || step.previous_transaction_id END),
        ('entry_kind', CASE WHEN step.kind_fits THEN step.kind WHEN step.version = 0 THEN 'CREATED'
                            ELSE 'a kind that has such sides' END,
            CASE WHEN step.kind_fits THEN step.kind ELSE step.kind || ' ' || step.side END),
        ('entry_amount', CASE WHEN step.amount_fits THEN step.amount::text
                              WHEN step.moves THEN 'above 0' ELSE '0.0000' END, step.amount::text),
        ('entry_balance', round(step.expected_balance, 4)::text, step.balance::text),
        ('entry_held', round(step.expected_held, 4)::text, step.held::text),
        ('entry_status', step.expected_status, step.status),
        ('entry_order', CASE WHEN NOT step.order_fits
                             THEN 'above ' || step.previous_transaction_id || ' ' || step.previous_leg END,
            CASE WHEN NOT step.order_fits THEN step.transaction_id || ' ' || step.leg END),
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

CREATE OR REPLACE FUNCTION wallet_check_limits(first_id uuid, last_id uuid)
    RETURNS TABLE (wallet_id uuid, since bigint, until bigint, credit_limit numeric, max_balance numeric)
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT movement.to_wallet_id, movement.to_version, lead(movement.to_version) OVER changes,
           coalesce(movement.credit_limit, 0)::numeric(19,4), movement.max_balance
    FROM wallet_ledger AS movement
    WHERE movement.to_wallet_id BETWEEN first_id AND last_id AND movement.kind IN ('CREATED', 'LIMITS')
    WINDOW changes AS (PARTITION BY movement.to_wallet_id ORDER BY movement.to_version);
END;
COMMENT ON FUNCTION wallet_check_limits(uuid, uuid) IS
    'Internal, part of wallet_check: from the entry of which version, until the one of which (NULL: still), a wallet had which limits.';

CREATE OR REPLACE FUNCTION wallet_check_floors(first_id uuid, last_id uuid) RETURNS SETOF wallet_divergence
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT finding.check_name, entry.wallet_id, entry.version, finding.expected, finding.actual
    FROM wallet_check_sides(first_id, last_id) AS entry
    JOIN wallet_check_limits(first_id, last_id) AS limits
      ON limits.wallet_id = entry.wallet_id AND limits.since < entry.version
     AND (limits.until IS NULL OR entry.version < limits.until)
    CROSS JOIN LATERAL (VALUES
        ('entry_floor', entry.side = 'from' AND (
             entry.kind IN ('WITHDRAW', 'TRANSFER', 'REVERSAL')
                 AND entry.balance - entry.held + limits.credit_limit < 0
             OR entry.kind = 'HOLD' AND entry.balance - entry.held < 0),
            'at least 0.0000 available',
            (entry.balance - entry.held
             + CASE entry.kind WHEN 'HOLD' THEN 0 ELSE limits.credit_limit END)::text),
        ('entry_max_balance', entry.side = 'to' AND entry.balance > limits.max_balance
             AND entry.kind IN ('FUND', 'TRANSFER', 'CAPTURE', 'REVERSAL'),
            'at most ' || limits.max_balance, entry.balance::text)
    ) AS finding (check_name, is_broken, expected, actual)
    WHERE (entry.balance < entry.held OR limits.max_balance IS NOT NULL)
      AND NOT entry.forced AND finding.is_broken;
END;
COMMENT ON FUNCTION wallet_check_floors(uuid, uuid) IS
    'Internal, part of wallet_check: each debit and hold against the credit limit of its time, each credit against the maximum of its time (INV-3).';

CREATE OR REPLACE FUNCTION wallet_check_wallets(first_id uuid, last_id uuid) RETURNS SETOF wallet_divergence
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

CREATE OR REPLACE FUNCTION wallet_check_holds(first_id uuid, last_id uuid) RETURNS SETOF wallet_divergence
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    -- Each entry that changes what is held belongs to a hold of the same wallet.
    SELECT 'entry_hold', entry.wallet_id, entry.version, 'a hold of this wallet',
           CASE WHEN hold.hold_id IS NULL THEN 'no hold ' || entry.hold_id
                WHEN hold.wallet_id = entry.wallet_id THEN 'hold ' || entry.hold_id
                ELSE 'a hold of ' || hold.wallet_id END
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
                             WHEN ledger.captured = 0 THEN 'released'
                             WHEN ledger.released > 0 AND hold.status = 'released' THEN 'released'
                             ELSE 'captured' END, hold.status)
    ) AS finding (check_name, expected, actual)
    WHERE entry.from_wallet_id BETWEEN first_id AND last_id AND entry.kind = 'HOLD'
      AND finding.expected IS DISTINCT FROM finding.actual;
END;
COMMENT ON FUNCTION wallet_check_holds(uuid, uuid) IS
    'Internal, part of wallet_check: entries against the holds they name, holds against their entries.';

CREATE OR REPLACE FUNCTION wallet_check_history(first_id uuid, last_id uuid) RETURNS SETOF wallet_divergence
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT 'history_gap', gap.wallet_id, gap.from_version, 'events ' || gap.from_version || ' to ' || gap.to_version, NULL
    FROM wallet_history_gaps AS gap
    WHERE gap.wallet_id BETWEEN first_id AND last_id

    UNION ALL
    SELECT 'history_conflict', conflict.wallet_id, conflict.version, conflict.stored::text, conflict.received::text
    FROM wallet_history_conflicts AS conflict
    WHERE conflict.wallet_id BETWEEN first_id AND last_id

    UNION ALL
    -- Each entry against its event, up to the newest event of the wallet.
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
        ('history_balance', pair.event_data ->> 'balance' <> pair.balance_after::text,
            pair.balance_after::text, pair.event_data ->> 'balance'),
        ('history_held', pair.event_data ->> 'held' <> pair.held_after::text,
            pair.held_after::text, pair.event_data ->> 'held')
    ) AS finding (check_name, is_broken, expected, actual)
    WHERE EXISTS (SELECT FROM wallet_history_offsets) AND EXISTS (SELECT FROM wallet_ledger)
      AND pair.version <= pair.newest_event AND finding.is_broken;
END;
COMMENT ON FUNCTION wallet_check_history(uuid, uuid) IS
    'Internal, part of wallet_check: recorded gaps and conflicts, and the history against the ledger.';

CREATE OR REPLACE FUNCTION wallet_check_ledger() RETURNS SETOF wallet_divergence
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT 'currency_sum', NULL::uuid, NULL::bigint,
           totals.currency || ' ' || totals.outside_in - totals.outside_out,
           totals.currency || ' ' || totals.balance
    FROM wallet_totals() AS totals
    WHERE totals.difference <> 0

    UNION ALL
    SELECT 'hold_without_entry', hold.wallet_id, NULL, 'a HOLD entry of ' || hold.hold_id, NULL
    FROM wallet_holds AS hold
    WHERE NOT EXISTS (SELECT FROM wallet_ledger AS entry
                      WHERE entry.transaction_id = hold.hold_id AND entry.kind = 'HOLD'
                        AND entry.from_wallet_id = hold.wallet_id)

    UNION ALL
    SELECT 'reversal_sum', NULL, NULL, 'at most ' || original.amount || ' of ' || reversal.reverses,
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

CREATE OR REPLACE FUNCTION wallet_check_guards() RETURNS SETOF wallet_divergence
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    -- The guards of INV-4. tgtype: BEFORE (2), DELETE (8), UPDATE (16), TRUNCATE (32), for each statement.
    SELECT 'guard', NULL::uuid, NULL::bigint, 'trigger wallet_guard on ' || guarded.name || ' enabled always',
           CASE WHEN guard.oid IS NULL THEN 'missing'
                WHEN guard.tgenabled = 'D' THEN 'disabled'
                WHEN guard.tgenabled <> 'A' THEN 'not always enabled'
                ELSE 'replaced' END
    FROM (VALUES ('wallets', 'wallets'::regclass), ('wallet_ledger', 'wallet_ledger'::regclass),
                 ('wallet_holds', 'wallet_holds'::regclass)) AS guarded (name, relation)
    LEFT JOIN pg_trigger AS guard ON guard.tgrelid = guarded.relation AND guard.tgname = 'wallet_guard'
    LEFT JOIN pg_proc AS code ON code.oid = guard.tgfoid AND code.prosrc = 'wallet_guard'
          AND code.probin = '$libdir/wallet'
    WHERE (guard.tgenabled = 'A' AND guard.tgtype = 58 AND guard.tgqual IS NULL AND guard.tgattr = ''
           AND code.oid IS NOT NULL) IS NOT TRUE

    UNION ALL
    -- The indexes that keep versions and keys unique. By name: REINDEX CONCURRENTLY changes their OIDs.
    SELECT 'index', NULL, NULL, 'unique index ' || needed.name,
           CASE WHEN found.indexrelid IS NULL THEN 'missing' ELSE 'not valid' END
    FROM (VALUES ('wallets_pkey', 'wallets'::regclass), ('wallet_ledger_pkey', 'wallet_ledger'::regclass),
                 ('wallet_ledger_from_idx', 'wallet_ledger'::regclass),
                 ('wallet_ledger_to_idx', 'wallet_ledger'::regclass),
                 ('wallet_ledger_key_idx', 'wallet_ledger'::regclass),
                 ('wallet_holds_pkey', 'wallet_holds'::regclass),
                 ('transaction_events_pkey', 'transaction_events'::regclass)) AS needed (name, relation)
    LEFT JOIN (pg_index AS found JOIN pg_class AS index ON index.oid = found.indexrelid)
           ON found.indrelid = needed.relation AND index.relname = needed.name
    WHERE (found.indisunique AND found.indisvalid AND found.indisready) IS NOT TRUE;
END;
COMMENT ON FUNCTION wallet_check_guards() IS
    'Internal, part of wallet_check: the guards and the unique indexes are there and at work.';

CREATE OR REPLACE FUNCTION wallet_check(wallet_id uuid DEFAULT NULL) RETURNS SETOF wallet_divergence
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER COST 100000 ROWS 10
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
history_gap, history_conflict (recorded by the history consumer); where wallet_history_offsets has rows, and for each wallet up to its newest event: history_missing, history_unknown (an event without an entry; not compared where the ledger is empty because the history lives in a database of its own), history_transaction_id, history_type, history_amount, history_user_id, history_created_at, history_balance, history_held;
guard (a trigger that protects the ledger is missing, disabled or replaced), index (an index that keeps versions or keys unique is missing or not valid);
only for all wallets: currency_sum (INV-1: balances against what came from outside minus what went there), hold_without_entry, reversal_sum (more paid back than was moved).$$;
-- Nobody but the owner may call anything until it is granted; the README has the GRANTs for each duty.
DO $$
DECLARE
    function regprocedure;
BEGIN
    FOR function IN
        SELECT d.objid::regprocedure
        FROM pg_catalog.pg_depend d
        JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
        WHERE d.classid = 'pg_catalog.pg_proc'::regclass::oid
          AND d.refclassid = 'pg_catalog.pg_extension'::regclass::oid
          AND d.deptype = 'e' AND e.extname = 'wallet'
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', function);
    END LOOP;
END
$$;
