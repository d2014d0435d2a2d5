-- wallet_statement and wallet_balance_at: what a wallet had at a moment, and what happened in between.
\getenv abs_srcdir PG_ABS_SRCDIR
\set helper :abs_srcdir '/sql/helpers/failure.sql'
\i :helper
\set alice '''a0000000-0000-0000-0000-000000000001'''
\set bob '''b0000000-0000-0000-0000-000000000001'''
\set nobody '''c0000000-0000-0000-0000-000000000001'''
SELECT wallet_create('alice', wallet_id => :alice) IS NOT NULL AND wallet_create('bob', wallet_id => :bob) IS NOT NULL AS created;
-- Alice's entries on both sides of the ledger, some of them of one call.
DO $$
DECLARE
    alice uuid := 'a0000000-0000-0000-0000-000000000001';
    bob uuid := 'b0000000-0000-0000-0000-000000000001';
    hold uuid;
BEGIN
    PERFORM wallet_fund(alice, n, metadata => jsonb_build_object('n', n)) FROM generate_series(1, 40) AS n;
    PERFORM wallet_transfer(alice, bob, n) FROM generate_series(1, 20) AS n;
    hold := wallet_hold(alice, 100);
    PERFORM wallet_capture(hold, bob, 60);
    PERFORM wallet_transfer(bob, alice, 5);
    PERFORM wallet_freeze(alice);
END
$$;

-- At the moment of each entry, and a microsecond before it.
SELECT count(*) AS entries,
       count(*) FILTER (WHERE at = (balance_after, held_after, entry.version)) AS at_its_moment,
       count(*) FILTER (WHERE before.version = entry.version - 1) AS before_it
FROM wallet_transactions AS entry,
     LATERAL (SELECT (balance, held, version) AS at FROM wallet_balance_at(entry.wallet_id, entry.created_at)) AS moment
     LEFT JOIN LATERAL wallet_balance_at(:alice, entry.created_at - interval '1 microsecond') AS before ON true
WHERE wallet_id = :alice;
SELECT count(*) AS before_creation FROM wallet_balance_at(:alice, '2020-01-01');
SELECT count(*) AS before_all FROM wallet_balance_at(:alice, '-infinity');
SELECT * FROM wallet_balance_at(:alice, 'infinity');
SELECT failure(format('wallet_balance_at(%s)', arguments)) AS failure
FROM (VALUES (1, 'NULL, now()'), (2, '''a0000000-0000-0000-0000-000000000001'', NULL'),
             (3, '''c0000000-0000-0000-0000-000000000001'', now()')) AS call (n, arguments) ORDER BY n;

-- From the beginning to the end: an opening of nothing, every entry, the closing.
SELECT count(*), min(version), max(version), bool_and(type = 'OPENING') FILTER (WHERE row = 1) AS opens,
       bool_and(type = 'CLOSING') FILTER (WHERE row = count) AS closes
FROM (SELECT *, row_number() OVER () AS row, count(*) OVER () FROM wallet_statement(:alice)) AS line;
SELECT version, type, amount, balance_after, held_after, counterparty_wallet_id, metadata,
       transaction_id IS NULL AS no_transaction, created_at IS NULL AS no_time
FROM wallet_statement(:alice) WHERE version IS NULL OR version IN (0, 2, 61, 62, 63, 64) OR version >= 65 OR type IN ('OPENING', 'CLOSING');

-- since is inclusive, until exclusive.
SELECT line.version, line.type, line.amount, line.balance_after, line.held_after, line.created_at = entry.created_at AS at_since
FROM wallet_transactions AS entry, wallet_statement(:alice, entry.created_at, entry.created_at + interval '1 microsecond') AS line
WHERE entry.wallet_id = :alice AND entry.version = 41;
SELECT line.version, line.type, line.amount, line.balance_after, line.held_after
FROM wallet_transactions AS entry, wallet_statement(:alice, entry.created_at, entry.created_at) AS line
WHERE entry.wallet_id = :alice AND entry.version = 41;
SELECT * FROM wallet_statement(:alice, '2020-01-01', '2021-01-01');
SELECT version, type, balance_after, held_after FROM wallet_statement(:alice, '2100-01-01');
SELECT version, type, balance_after, held_after FROM wallet_statement(:alice, until => 'infinity') WHERE type IN ('OPENING', 'CLOSING');
SELECT version, type, balance_after, held_after FROM wallet_statement(:alice, '-infinity', '-infinity');
-- The first moment that PostgreSQL knows, and the last.
SELECT count(*) FROM wallet_statement(:alice, '4714-11-24 00:00+00 BC', '294276-12-31 23:59:59.999999+00');
SELECT version, balance_after FROM wallet_statement(:alice, NULL, '4714-11-24 00:00+00 BC');
-- The sums agree: opening + what came - what went = closing.
SELECT sum(CASE WHEN type IN ('FUND', 'TRANSFER_IN', 'CAPTURE_IN', 'REVERSAL_IN') THEN amount
                WHEN type IN ('WITHDRAW', 'TRANSFER_OUT', 'CAPTURE_OUT', 'REVERSAL_OUT') THEN -amount ELSE 0 END)
       = max(balance_after) FILTER (WHERE type = 'CLOSING') AS balances
FROM wallet_statement(:bob);
SELECT failure(format('wallet_statement(%s)', arguments)) AS failure
FROM (VALUES (1, 'NULL'), (2, '''a0000000-0000-0000-0000-000000000001'', ''2021-01-01'', ''2020-01-01'''),
             (3, '''c0000000-0000-0000-0000-000000000001''')) AS call (n, arguments) ORDER BY n;

-- What a call has just done is there for the next statement; a statement reads its own snapshot.
BEGIN;
SELECT wallet_fund(:bob, 1) IS NOT NULL AS funded;
SELECT version, balance FROM wallet_balance_at(:bob, 'infinity');
ROLLBACK;
SELECT version, balance FROM wallet_balance_at(:bob, 'infinity');

-- An entry that is missing is named, not guessed.
ALTER TABLE wallet_ledger DISABLE TRIGGER wallet_guard, DISABLE TRIGGER wallet_guard_row;
DELETE FROM wallet_ledger WHERE to_wallet_id = :alice AND to_version = 20;
SELECT failure('wallet_balance_at(''a0000000-0000-0000-0000-000000000001'', created_at) FROM wallet_transactions
                WHERE wallet_id = ''a0000000-0000-0000-0000-000000000001'' AND version = 19') AS failure;
