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
    atomic boolean DEFAULT true, metadata jsonb DEFAULT NULL, item_metadata jsonb[] DEFAULT NULL,
    expected_versions bigint[] DEFAULT NULL
) RETURNS TABLE (index integer, transaction_id uuid, sqlstate text, message text, detail jsonb, replayed boolean)
    LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1000 AS 'MODULE_PATHNAME', 'wallet_transfer_batch';
COMMENT ON FUNCTION wallet_transfer_batch(uuid[], uuid[], numeric[], text[], boolean, jsonb, jsonb[], bigint[]) IS
$$Makes many transfers in input order, each an operation of its own that sees what the earlier ones did, and returns a row for each: its index from 1, its transaction id, 00000 or its error's SQLSTATE, message and DETAIL, and whether its key had done it before (replayed), in another call or as an earlier item. For its key an item is a wallet_transfer: a retry may come singly or in a batch.
from_wallet_ids, to_wallet_ids, amounts: equally long, at most wallet.max_batch_items; an item's values are judged as wallet_transfer's arguments. idempotency_keys, item_metadata, expected_versions: as long, or NULL; a NULL element is an item without one. A version is compared with what the earlier items left. metadata: of every item; not beside item_metadata. atomic: any error aborts all, with the item's index in DETAIL; otherwise an item's own errors (class 22, WL) become its row and it changes nothing, and any other error aborts the call.
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
