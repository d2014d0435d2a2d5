-- wallet.seal and wallet_seal_verify: whatever is changed, removed or inserted behind the functions' back shows.
\set alice '''a0000000-0000-0000-0000-000000000001'''
\set bob '''b0000000-0000-0000-0000-000000000001'''
\set carol '''c0000000-0000-0000-0000-000000000001'''
SELECT count(wallet_create(name, wallet_id => id::uuid)) AS created
FROM (VALUES ('alice', :alice), ('bob', :bob), ('carol', :carol)) AS wallet (name, id);
SELECT wallet_fund(:alice, 1000) IS NOT NULL AS funded;
SELECT count(*) AS without_seals FROM wallet_seal_verify();

-- A chain begins with the next entry of each wallet ...
SET wallet.seal = on;
DO $$
DECLARE
    alice uuid := 'a0000000-0000-0000-0000-000000000001';
    bob uuid := 'b0000000-0000-0000-0000-000000000001';
    hold uuid;
BEGIN
    PERFORM wallet_transfer(alice, bob, 100, 'key', metadata => '{"n": 1.50, "list": [1, null]}');
    hold := wallet_hold(alice, 100, '1 day 2 hours');
    PERFORM wallet_capture(hold, bob, 60, metadata => '{}');
    PERFORM wallet_reverse(wallet_withdraw(bob, 10), 4);
    PERFORM wallet_set_limits(alice, 10, 5000);
    PERFORM wallet_set_limits(alice, NULL, 6000);
    PERFORM wallet_transfer_batch(ARRAY[alice, bob, alice], ARRAY[bob, alice, bob], ARRAY[1, 2, 3], ARRAY['k1', NULL, 'k2']);
    PERFORM wallet_post(ARRAY[ROW(alice, bob, 5), ROW(bob, alice, 6)]::wallet_leg[]);
END
$$;
-- ... and goes on whatever the setting; others begin none.
RESET wallet.seal;
SELECT wallet_freeze(:bob) IS NOT NULL AND wallet_unfreeze(:bob) IS NOT NULL AND wallet_fund(:carol, 1) IS NOT NULL AS done;
SELECT from_user_id, to_user_id, count(*), count(from_seal) AS from_seals, count(to_seal) AS to_seals
FROM wallet_ledger GROUP BY 1, 2 ORDER BY 1, 2;
SELECT w.user_id, w.seal IS NULL AS unsealed,
       w.seal IS NOT DISTINCT FROM coalesce((SELECT from_seal FROM wallet_ledger WHERE from_wallet_id = w.id AND from_version = w.version),
                                            (SELECT to_seal FROM wallet_ledger WHERE to_wallet_id = w.id AND to_version = w.version)) AS as_newest_entry
FROM wallets w ORDER BY user_id;
SELECT count(*) AS breaks FROM wallet_seal_verify();
SELECT count(*) AS divergences FROM wallet_check();

-- A wallet made while sealing is on is sealed from its creation.
SET wallet.seal = on;
SELECT wallet_create('dora', wallet_id => 'd0000000-0000-0000-0000-000000000001', metadata => '{"a": 1}') IS NOT NULL AS created;
RESET wallet.seal;
SELECT to_seal = (SELECT seal FROM wallets WHERE user_id = 'dora') AS sealed FROM wallet_ledger WHERE to_user_id = 'dora';

-- The event carries it.
SELECT bool_and(event::jsonb ->> 'seal' IS NOT DISTINCT FROM
           encode(CASE WHEN (event::jsonb ->> 'version')::bigint = from_version AND event::jsonb ->> 'wallet_id' = from_wallet_id::text
                       THEN from_seal ELSE to_seal END, 'hex')) AS carried
FROM wallet_ledger AS l, wallet_ledger_events(l);

-- Each kind of damage, undone after it was found.
ALTER TABLE wallet_ledger DISABLE TRIGGER wallet_guard, DISABLE TRIGGER wallet_guard_row;
ALTER TABLE wallets DISABLE TRIGGER wallet_guard, DISABLE TRIGGER wallet_guard_row;
CREATE FUNCTION breaks(damage text) RETURNS TABLE (break text) LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        EXECUTE damage;
        break := (SELECT string_agg(concat_ws(' ', check_name, left(wallet_id::text, 1), version,
                                              CASE WHEN actual IS NULL THEN 'without' END), ', ' ORDER BY wallet_id, version, check_name)
                  FROM wallet_seal_verify());
        RAISE EXCEPTION 'undo' USING ERRCODE = 'XX999';
    EXCEPTION WHEN SQLSTATE 'XX999' THEN
        RETURN NEXT;
    END;
END
$$;
SELECT column_name, breaks(format('UPDATE wallet_ledger SET %I = %s WHERE kind = ''HOLD''', column_name,
    CASE data_type WHEN 'text' THEN '''x''' WHEN 'integer' THEN '7' WHEN 'boolean' THEN 'true' WHEN 'numeric' THEN '7'
        WHEN 'uuid' THEN '''11111111-1111-7111-8111-111111111111''' WHEN 'jsonb' THEN '''{"x": 1}''' WHEN 'bytea' THEN 'sha256(''x'')'
        WHEN 'interval' THEN '''3 days''' WHEN 'bigint' THEN '7777' ELSE '''2030-01-01''' END))
FROM information_schema.columns
WHERE table_name = 'wallet_ledger' AND column_name !~ '^to_|^from_(wallet_id|status|user_id)$|^(kind|idempotency_key)$'
ORDER BY ordinal_position;
SELECT breaks($$UPDATE wallet_ledger SET kind = 'WITHDRAW' WHERE kind = 'HOLD'$$);
SELECT breaks($$UPDATE wallet_ledger SET from_status = 'frozen', from_user_id = 'mallory' WHERE kind = 'HOLD'$$);
SELECT breaks($$UPDATE wallet_ledger SET idempotency_key = NULL WHERE idempotency_key = 'key'$$);
SELECT breaks($$UPDATE wallet_ledger SET to_balance = 7 WHERE idempotency_key = 'key'$$);
SELECT breaks($$UPDATE wallet_ledger SET from_seal = NULL WHERE kind = 'HOLD'$$);
SELECT breaks($$DELETE FROM wallet_ledger WHERE kind = 'LIMITS'$$);
SELECT breaks($$DELETE FROM wallet_ledger WHERE kind = 'STATUS'$$);
SELECT breaks($$UPDATE wallets SET seal = sha256('x') WHERE user_id = 'alice'$$);
SELECT breaks($$UPDATE wallets SET seal = NULL WHERE user_id = 'alice'$$);
SELECT breaks($$INSERT INTO wallet_ledger (transaction_id, leg, kind, amount, currency, created_at, to_wallet_id, to_version, to_balance, to_held,
        to_status, to_user_id, session_user_name, current_user_name, application_name)
    SELECT '22222222-2222-7222-8222-222222222222', 0, 'FUND', 1, 'USD', now(), id, version + 1, balance + 1, held, status, user_id, '', '', ''
    FROM wallets WHERE user_id = 'alice'$$);
SELECT breaks('UPDATE wallets SET updated_at = updated_at');
-- One wallet of many.
UPDATE wallet_ledger SET amount = 7 WHERE idempotency_key = 'key';
SELECT check_name, version, expected <> actual AS differ, length(expected) FROM wallet_seal_verify(:alice);
SELECT check_name, version FROM wallet_seal_verify(:bob);
SELECT count(*) FROM wallet_seal_verify(:carol);
SELECT * FROM wallet_seal_verify('99999999-0000-0000-0000-000000000001');
