"""The invariants as plain SQL, without a function of the extension: each query's rows are its breaks."""
import psycopg2

SIDES = """
    SELECT from_wallet_id AS wallet_id, from_version AS version, kind, amount, from_balance AS balance,
           from_held AS held, from_status AS status, forced, credit_limit, max_balance, hold_id, created_at,
           CASE WHEN kind IN ('WITHDRAW', 'TRANSFER', 'CAPTURE', 'REVERSAL') THEN -amount ELSE 0 END AS moved,
           CASE kind WHEN 'HOLD' THEN amount WHEN 'CAPTURE' THEN -amount ELSE 0 END AS reserved,
           true AS is_payer
    FROM wallet_ledger WHERE from_wallet_id IS NOT NULL
    UNION ALL
    SELECT to_wallet_id, to_version, kind, amount, to_balance, to_held, to_status, forced, credit_limit,
           max_balance, hold_id, created_at,
           CASE WHEN kind IN ('FUND', 'TRANSFER', 'CAPTURE', 'REVERSAL') THEN amount ELSE 0 END,
           CASE WHEN kind IN ('RELEASE', 'EXPIRE') THEN -amount ELSE 0 END, false
    FROM wallet_ledger WHERE to_wallet_id IS NOT NULL"""

# What a wallet's limits were at each version: set by CREATED and LIMITS, valid until they are set again.
WITH_LIMITS = f"""
    SELECT *, count(*) FILTER (WHERE kind = 'LIMITS') OVER earlier AS max_period,
           count(credit_limit) OVER earlier AS credit_period
    FROM ({SIDES}) AS side
    WINDOW earlier AS (PARTITION BY wallet_id ORDER BY version)"""

INVARIANTS = {
    "INV-1, sums per currency": """
        SELECT currency, balance, outside FROM (
            SELECT currency, sum(balance) AS balance FROM wallets GROUP BY currency) AS inside
        FULL JOIN (
            SELECT currency, sum(CASE WHEN kind IN ('HOLD', 'CREATED', 'RELEASE', 'EXPIRE', 'STATUS', 'LIMITS') THEN 0
                                      WHEN from_wallet_id IS NULL THEN amount
                                      WHEN to_wallet_id IS NULL THEN -amount ELSE 0 END) AS outside
            FROM wallet_ledger GROUP BY currency) AS moved USING (currency)
        WHERE balance IS DISTINCT FROM outside""",
    "INV-2, versions 0 to n, each once, on one side only": f"""
        SELECT wallet.id, wallet.version, count(side.version), min(side.version), max(side.version)
        FROM wallets AS wallet LEFT JOIN ({SIDES}) AS side ON side.wallet_id = wallet.id
        GROUP BY wallet.id
        HAVING count(side.version) <> wallet.version + 1 OR count(DISTINCT side.version) <> wallet.version + 1
            OR min(side.version) <> 0 OR max(side.version) <> wallet.version""",
    "INV-2, a wallet is its newest entry": f"""
        SELECT wallet.id, wallet.version FROM wallets AS wallet
        LEFT JOIN ({SIDES}) AS side ON side.wallet_id = wallet.id AND side.version = wallet.version
        WHERE (side.balance, side.held, side.status, side.created_at)
            IS DISTINCT FROM (wallet.balance, wallet.held, wallet.status, wallet.updated_at)""",
    "INV-2, each entry follows from the one below it": f"""
        SELECT * FROM (
            SELECT wallet_id, version, balance, held,
                   coalesce(lag(balance) OVER earlier, 0) + moved AS should_balance,
                   coalesce(lag(held) OVER earlier, 0) + reserved AS should_held
            FROM ({SIDES}) AS side WINDOW earlier AS (PARTITION BY wallet_id ORDER BY version)) AS entry
        WHERE (balance, held) IS DISTINCT FROM (should_balance, should_held)""",
    "INV-3, no debit or hold below the floor": f"""
        SELECT * FROM (
            SELECT wallet_id, version, kind, balance, held, forced, is_payer, created_at,
                   CASE kind WHEN 'HOLD' THEN 0 ELSE coalesce(first_value(credit_limit) OVER since, 0) END AS credit
            FROM ({WITH_LIMITS}) AS side
            WINDOW since AS (PARTITION BY wallet_id, credit_period ORDER BY version)) AS entry
        WHERE is_payer AND NOT forced AND kind IN ('WITHDRAW', 'TRANSFER', 'REVERSAL', 'HOLD')
            AND balance - held + credit < 0
            -- Holds that had expired count no more, released or not.
            AND balance - held + credit < -(
                SELECT coalesce(sum(reserved), 0) FROM ({SIDES}) AS side JOIN wallet_holds AS hold USING (hold_id)
                WHERE side.wallet_id = entry.wallet_id AND side.version <= entry.version
                  AND hold.expires_at <= entry.created_at)""",
    "INV-3, no credit above the limit": f"""
        SELECT * FROM (
            SELECT wallet_id, version, kind, balance, is_payer,
                   first_value(max_balance) OVER since AS highest
            FROM ({WITH_LIMITS}) AS side
            WINDOW since AS (PARTITION BY wallet_id, max_period ORDER BY version)) AS entry
        WHERE NOT is_payer AND kind IN ('FUND', 'TRANSFER', 'CAPTURE', 'REVERSAL') AND balance > highest""",
    "INV-5, a key has one operation": """
        SELECT idempotency_key, count(*) FROM wallet_ledger WHERE idempotency_key IS NOT NULL
        GROUP BY idempotency_key HAVING count(*) > 1""",
    "held is the sum of the open holds": """
        SELECT wallet.id, wallet.held, coalesce(sum(hold.amount - hold.captured - hold.released), 0) AS open
        FROM wallets AS wallet LEFT JOIN wallet_holds AS hold ON hold.wallet_id = wallet.id AND hold.status = 'open'
        GROUP BY wallet.id
        HAVING wallet.held <> coalesce(sum(hold.amount - hold.captured - hold.released), 0)""",
    "a hold is what its rows say": """
        SELECT hold.hold_id FROM wallet_holds AS hold
        LEFT JOIN wallet_ledger AS entry ON entry.hold_id = hold.hold_id AND entry.kind <> 'HOLD'
        GROUP BY hold.hold_id
        HAVING hold.captured <> coalesce(sum(entry.amount) FILTER (WHERE entry.kind = 'CAPTURE'), 0)
            OR hold.released <> coalesce(sum(entry.amount) FILTER (WHERE entry.kind IN ('RELEASE', 'EXPIRE')), 0)""",
    "no leg is reversed beyond its amount, and all are where the first is": """
        SELECT original.transaction_id, original.leg, original.amount, sum(reversal.amount) AS reversed
        FROM wallet_ledger AS original
        LEFT JOIN wallet_ledger AS reversal
            ON reversal.reverses = original.transaction_id AND reversal.reverses_leg = original.leg
        WHERE original.kind IN ('FUND', 'WITHDRAW', 'TRANSFER', 'CAPTURE')
        GROUP BY original.transaction_id, original.leg, original.amount
        HAVING sum(reversal.amount) > original.amount
            OR coalesce(sum(reversal.amount), 0) < original.amount
               AND (SELECT sum(amount) FROM wallet_ledger WHERE reverses = original.transaction_id AND reverses_leg = 0)
                   = (SELECT amount FROM wallet_ledger WHERE transaction_id = original.transaction_id AND leg = 0)""",
    "wallet_check finds nothing": "SELECT * FROM wallet_check()",
    "wallet_totals balances": "SELECT * FROM wallet_totals() WHERE difference <> 0",
}


def broken(session):
    """[(invariant, up to 5 rows, or the error)] of those that do not hold."""
    found = []
    for name, query in INVARIANTS.items():
        try:
            rows = session.execute(query)
        except psycopg2.Error as error:
            rows = [f"{error.pgcode} {error}"]
        if rows:
            found.append((name, rows[:5]))
    return found
