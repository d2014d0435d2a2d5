-- Holds: money reserved, captured, given back.

CREATE FUNCTION wallet_hold(
    wallet_id uuid, amount numeric, expires_in interval DEFAULT '7 days',
    idempotency_key text DEFAULT NULL, expected_version bigint DEFAULT NULL, metadata jsonb DEFAULT NULL
) RETURNS uuid
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'wallet_hold';
COMMENT ON FUNCTION wallet_hold(uuid, numeric, interval, text, bigint, jsonb) IS
$$Reserves money of a wallet and returns the hold's id: held grows, balance stays.
amount: above 0, at most 999999999999999.9999, no more decimals than its currency has (4 unless set); balance - held must cover it, the credit limit doesn't count. expires_in: above 0 and ending before the year 10000; from then on the hold counts no more, whether swept or not. expected_version: the version the wallet must have.
Errors: 25006, 22004, 22023, WL003 (invalid_amount), WL005 (idempotency_conflict), WL001 (wallet_not_found), WL004 (version_conflict), WL009 (wallet_closed), WL008 (wallet_frozen), WL002 (insufficient_funds).$$;

CREATE FUNCTION wallet_capture(
    hold_id uuid, to_wallet_id uuid DEFAULT NULL, amount numeric DEFAULT NULL, final boolean DEFAULT true,
    idempotency_key text DEFAULT NULL, expected_version bigint DEFAULT NULL, metadata jsonb DEFAULT NULL
) RETURNS uuid
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'wallet_capture';
COMMENT ON FUNCTION wallet_capture(uuid, uuid, numeric, boolean, text, bigint, jsonb) IS
$$Takes held money, to a wallet or, where to_wallet_id is NULL, to outside, and returns the transaction id.
amount: at most what remains of the hold; all of it when NULL. final: what remains after it is released as a second row of the same operation; while not final, a hold can be captured any number of times. expected_version: the version the hold's wallet must have.
Errors: 25006, 22004, 22023, WL003 (invalid_amount), WL005 (idempotency_conflict), WL020 (hold_not_found), 42501 (to outside, for whom may not execute wallet_withdraw), WL007 (same_wallet), WL001 (wallet_not_found), WL004 (version_conflict), WL009 (wallet_closed), WL008 (wallet_frozen), WL006 (currency_mismatch), WL021 (hold_expired), WL022 (hold_not_open), WL023 (exceeds_hold), WL010 (limit_exceeded).$$;

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
