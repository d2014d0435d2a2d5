-- Reversals: paying an operation back.

CREATE FUNCTION wallet_reverse(
    transaction_id uuid, amount numeric DEFAULT NULL,
    idempotency_key text DEFAULT NULL, expected_version bigint DEFAULT NULL, metadata jsonb DEFAULT NULL
) RETURNS uuid
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'wallet_reverse';
COMMENT ON FUNCTION wallet_reverse(uuid, numeric, text, bigint, jsonb) IS
$$Pays a FUND, WITHDRAW, TRANSFER or CAPTURE operation back and returns the reversal's transaction id.
transaction_id: the operation. amount: in part; all that is left of it when NULL. Any number of times up to the operation's amount. Of several legs the amount is what the payer of the first leg gets back, at most what is left of that leg; each other leg is paid back up to the same share of its own amount, counting earlier reversals, rounded half away from zero at its currency's scale, and the step that completes the first leg completes all. expected_version: the version of the wallet debited, or else credited, for the operation's first leg.
Errors: 25006, 22004, 22023, WL003 (invalid_amount), WL005 (idempotency_conflict), WL030 (operation_not_found), 42501 (money would go outside, for whom may not execute wallet_withdraw, or come from there, for whom may not execute wallet_fund), WL004 (version_conflict), WL009 (wallet_closed), WL008 (wallet_frozen: the wallet debited), WL031 (not_reversible), WL032 (exceeds_reversible), WL002 (insufficient_funds), WL010 (limit_exceeded).$$;

CREATE FUNCTION wallet_reverse_force(
    transaction_id uuid, amount numeric DEFAULT NULL,
    idempotency_key text DEFAULT NULL, expected_version bigint DEFAULT NULL, metadata jsonb DEFAULT NULL
) RETURNS uuid
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'wallet_reverse_force';
COMMENT ON FUNCTION wallet_reverse_force(uuid, numeric, text, bigint, jsonb) IS
$$Does what wallet_reverse does, for operators: may take the wallet debited below its floor; its entries have forced = true.
Errors: those of wallet_reverse but WL002.$$;
