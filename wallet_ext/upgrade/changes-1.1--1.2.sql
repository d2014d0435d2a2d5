-- The rows of a batch have more columns, and its items more arguments.
DROP FUNCTION wallet_transfer_batch(uuid[], uuid[], numeric[], text[], boolean, jsonb);

