-- Ledger rows with an entry of every type; their events are wallet-event.v1.1.jsonl. Without the last
-- row and without the field seal they are wallet-event.v1.jsonl, the events of 1.0.
CREATE FUNCTION pg_temp.golden_id(prefix text, n integer) RETURNS uuid
    LANGUAGE sql AS $$ SELECT (prefix || '-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid $$;

-- Version, balance, held and status after the row, in this order, of one side.
CREATE TYPE pg_temp.golden_side AS (wallet integer, version bigint, balance numeric, held numeric, status text);

CREATE FUNCTION pg_temp.golden_row(
    n integer, kind text, amount numeric, from_side pg_temp.golden_side, to_side pg_temp.golden_side,
    leg integer DEFAULT 0, hold integer DEFAULT NULL, reverses integer DEFAULT NULL,
    credit_limit numeric DEFAULT NULL, max_balance numeric DEFAULT NULL,
    expires_at timestamptz DEFAULT NULL, metadata jsonb DEFAULT NULL, forced boolean DEFAULT false, seal bytea DEFAULT NULL
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO wallet_ledger (transaction_id, leg, kind, amount, currency, created_at, forced,
        from_wallet_id, from_version, from_balance, from_held, from_status, from_user_id,
        to_wallet_id, to_version, to_balance, to_held, to_status, to_user_id,
        hold_id, reverses, credit_limit, max_balance, expires_at, metadata, from_seal, to_seal,
        session_user_name, current_user_name, application_name)
    SELECT pg_temp.golden_id('10000000', n), leg, kind, amount, 'EUR',
        '2026-01-31 23:59:59.000001Z'::timestamptz + n * interval '1 hour 1.000001 seconds', forced,
        pg_temp.golden_id('20000000', (from_side).wallet), (from_side).version, (from_side).balance,
        (from_side).held, (from_side).status, users[(from_side).wallet],
        pg_temp.golden_id('20000000', (to_side).wallet), (to_side).version, (to_side).balance,
        (to_side).held, (to_side).status, users[(to_side).wallet],
        pg_temp.golden_id('10000000', hold), pg_temp.golden_id('10000000', reverses),
        credit_limit, max_balance, expires_at, metadata, NULL, seal, 'golden', 'golden', ''
    FROM (SELECT ARRAY['alice', E'bob "the \\ builder" / ü € 😀 \u2028 \x7f \t\r\n\b\f\x01\x1f']) AS list (users)
$$;

SELECT pg_temp.golden_row(1, 'CREATED', 0, NULL, (1, 0, 0, 0, 'active'), credit_limit => 0);
SELECT pg_temp.golden_row(2, 'CREATED', 0, NULL, (2, 0, 0, 0, 'active'), credit_limit => 0,
    metadata => '{"plan": "gold", "tags": ["a", 1, 1.50, -2e3, true, false, null, {}, []], "note": "\"q\" \\ / \n \u0001 é 😀", "": {"deep": [[{"x": [1]}]]}}');
SELECT pg_temp.golden_row(3, 'FUND', 999999999999999.9999, NULL, (1, 1, 999999999999999.9999, 0, 'active'));
SELECT pg_temp.golden_row(4, 'WITHDRAW', 999999999999899.9999, (1, 2, 100, 0, 'active'), NULL,
    metadata => '{"order": 17}');
SELECT pg_temp.golden_row(5, 'TRANSFER', 25.5, (1, 3, 74.5, 0, 'active'), (2, 1, 25.5, 0, 'active'),
    metadata => '{}');
SELECT pg_temp.golden_row(6, 'HOLD', 20, (1, 4, 74.5, 20, 'active'), NULL, hold => 6,
    expires_at => '2026-02-07 12:00:00.5Z');
-- A final capture in part: the rest is released by the same operation.
SELECT pg_temp.golden_row(7, 'CAPTURE', 5.0001, (1, 5, 69.4999, 14.9999, 'active'),
    (2, 2, 30.5001, 0, 'active'), hold => 6);
SELECT pg_temp.golden_row(7, 'RELEASE', 14.9999, NULL, (1, 6, 69.4999, 0, 'active'), leg => 1, hold => 6);
SELECT pg_temp.golden_row(8, 'HOLD', 9.4999, (1, 7, 69.4999, 9.4999, 'active'), NULL, hold => 8,
    expires_at => '2026-02-07 12:00:00Z');
SELECT pg_temp.golden_row(9, 'CAPTURE', 9.4999, (1, 8, 60, 0, 'active'), NULL, hold => 8);
SELECT pg_temp.golden_row(10, 'HOLD', 1, (1, 9, 60, 1, 'active'), NULL, hold => 10,
    expires_at => '2026-02-01 13:00:00Z');
SELECT pg_temp.golden_row(11, 'EXPIRE', 1, NULL, (1, 10, 60, 0, 'active'), hold => 10);
-- Between two wallets, to outside, and from outside.
SELECT pg_temp.golden_row(12, 'REVERSAL', 30.5001, (2, 3, 0, 0, 'active'), (1, 11, 90.5001, 0, 'active'),
    reverses => 5);
SELECT pg_temp.golden_row(13, 'REVERSAL', 100.5001, (1, 12, -10, 0, 'active'), NULL, reverses => 3,
    forced => true);
SELECT pg_temp.golden_row(14, 'REVERSAL', 0.0001, NULL, (1, 13, -9.9999, 0, 'active'), reverses => 4);
SELECT pg_temp.golden_row(15, 'STATUS', 0, NULL, (1, 14, -9.9999, 0, 'frozen'),
    metadata => '{"reason": "lost card"}');
SELECT pg_temp.golden_row(16, 'LIMITS', 0, NULL, (1, 15, -9.9999, 0, 'frozen'), credit_limit => 50.25,
    max_balance => 100000);
SELECT pg_temp.golden_row(17, 'LIMITS', 0, NULL, (2, 4, 0, 0, 'active'), credit_limit => 0);
SELECT pg_temp.golden_row(18, 'STATUS', 0, NULL, (2, 5, 0, 0, 'closed'));
-- In a chain of seals.
SELECT pg_temp.golden_row(19, 'FUND', 1, NULL, (1, 16, -8.9999, 0, 'frozen'),
    seal => decode(repeat('0123456789abcdef', 4), 'hex'));
