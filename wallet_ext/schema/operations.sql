-- Operations: C with direct table access. Each returns one id.

CREATE FUNCTION wallet_create(
    user_id text, currency text DEFAULT 'USD', wallet_id uuid DEFAULT NULL,
    idempotency_key text DEFAULT NULL, metadata jsonb DEFAULT NULL
) RETURNS uuid
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'wallet_create';
COMMENT ON FUNCTION wallet_create(text, text, uuid, text, jsonb) IS
$$Creates a wallet with balance 0 and version 0 and returns its id.
user_id: 1 to 100 characters, no blank at either end, no control characters, no invisible marks of direction or width. currency: ^[A-Z][A-Z0-9]{2,9}$. wallet_id: the id to use, a new UUID version 7 when NULL. idempotency_key: 1 to 255 bytes, no control characters. metadata: a JSON object of at most wallet.max_metadata_bytes, nested at most 32 deep, with numbers of at most 100 digits.
Errors: 25006, 22004, 22023, WL005 (idempotency_conflict), 23505 (the wallet id exists).$$;

CREATE FUNCTION wallet_fund(
    wallet_id uuid, amount numeric,
    idempotency_key text DEFAULT NULL, expected_version bigint DEFAULT NULL, metadata jsonb DEFAULT NULL
) RETURNS uuid
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'wallet_fund';
COMMENT ON FUNCTION wallet_fund(uuid, numeric, text, bigint, jsonb) IS
$$Brings money from outside into a wallet and returns the transaction id.
amount: above 0, at most 999999999999999.9999, no more decimals than its currency has (4 unless set). expected_version: the version the wallet must have.
Errors: 25006, 22004, 22023, WL003 (invalid_amount), WL005 (idempotency_conflict), WL001 (wallet_not_found), WL004 (version_conflict), WL009 (wallet_closed), WL008 (wallet_frozen), WL010 (limit_exceeded).$$;

CREATE FUNCTION wallet_withdraw(
    wallet_id uuid, amount numeric,
    idempotency_key text DEFAULT NULL, expected_version bigint DEFAULT NULL, metadata jsonb DEFAULT NULL
) RETURNS uuid
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'wallet_withdraw';
COMMENT ON FUNCTION wallet_withdraw(uuid, numeric, text, bigint, jsonb) IS
$$Takes money out of a wallet to outside and returns the transaction id.
amount: above 0, at most 999999999999999.9999, no more decimals than its currency has (4 unless set). expected_version: the version the wallet must have.
Errors: 25006, 22004, 22023, WL003 (invalid_amount), WL005 (idempotency_conflict), WL001 (wallet_not_found), WL004 (version_conflict), WL009 (wallet_closed), WL008 (wallet_frozen), WL002 (insufficient_funds).$$;

CREATE FUNCTION wallet_transfer(
    from_wallet_id uuid, to_wallet_id uuid, amount numeric,
    idempotency_key text DEFAULT NULL, expected_version bigint DEFAULT NULL, metadata jsonb DEFAULT NULL
) RETURNS uuid
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'wallet_transfer';
COMMENT ON FUNCTION wallet_transfer(uuid, uuid, numeric, text, bigint, jsonb) IS
$$Moves money between two wallets of one currency and returns the transaction id.
amount: above 0, at most 999999999999999.9999, no more decimals than its currency has (4 unless set). expected_version: the version the wallet debited must have.
Errors: 25006, 22004, 22023, WL003 (invalid_amount), WL007 (same_wallet), WL005 (idempotency_conflict), WL001 (wallet_not_found), WL004 (version_conflict), WL009 (wallet_closed), WL008 (wallet_frozen), WL006 (currency_mismatch), WL002 (insufficient_funds), WL010 (limit_exceeded).$$;

CREATE FUNCTION wallet_lock(wallet_ids uuid[]) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'wallet_lock';
COMMENT ON FUNCTION wallet_lock(uuid[]) IS
$$Takes the row locks of the wallets in id order until the end of the transaction, for callers that make several calls in one transaction: such transactions then do not deadlock with each other.
wallet_ids: at most wallet.max_batch_items ids, none NULL.
Errors: 25006, 22004, 22023, WL001 (wallet_not_found).$$;
