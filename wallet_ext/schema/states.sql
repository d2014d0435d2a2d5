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
$$Closes a wallet for ever, also a frozen one, and returns the transaction id. Needs balance 0 and no open hold; expired ones are released first, at most 100.
expected_version: the version the wallet must have.
Errors: 25006, 22004, 22023, WL005 (idempotency_conflict), WL001 (wallet_not_found), WL004 (version_conflict), WL009 (wallet_closed already), WL011 (wallet_not_empty).$$;

CREATE FUNCTION wallet_set_limits(
    wallet_id uuid, credit_limit numeric DEFAULT NULL, max_balance numeric DEFAULT NULL,
    idempotency_key text DEFAULT NULL, expected_version bigint DEFAULT NULL, metadata jsonb DEFAULT NULL
) RETURNS uuid
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'wallet_set_limits';
COMMENT ON FUNCTION wallet_set_limits(uuid, numeric, numeric, text, bigint, jsonb) IS
$$Sets how far a wallet's debits may go below 0, how far its credits may go up, or both, and returns the transaction id. Lowering a limit is always allowed and only blocks later operations.
credit_limit, max_balance: 0 or more, no more decimals than the currency has (4 unless set); unchanged when NULL, but not both. max_balance => 'Infinity' lifts the cap. expected_version: the version the wallet must have.
Errors: 25006, 22004, 22023, WL003 (invalid_amount), WL005 (idempotency_conflict), WL001 (wallet_not_found), WL004 (version_conflict), WL009 (wallet_closed).$$;
