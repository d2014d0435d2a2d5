-- Transfers of many sessions in one transaction.

CREATE FUNCTION wallet_transfer_grouped(
    from_wallet_id uuid, to_wallet_id uuid, amount numeric,
    idempotency_key text DEFAULT NULL, expected_version bigint DEFAULT NULL, metadata jsonb DEFAULT NULL
) RETURNS uuid
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'wallet_transfer_grouped';
COMMENT ON FUNCTION wallet_transfer_grouped(uuid, uuid, numeric, text, bigint, jsonb) IS
$$Does what wallet_transfer does, and commits it before it returns, together with those that other sessions ask for at the same moment: for wallets that many sessions want at once. It is outside of the caller's transaction: a ROLLBACK does not take it back. For its idempotency key it is a wallet_transfer. Needs the library in shared_preload_libraries.
from_wallet_id, to_wallet_id, amount, idempotency_key, expected_version, metadata: as for wallet_transfer.
Errors: 25006, 55000 (not preloaded; a table has something added that runs), 25001 (the transaction has written, is not READ COMMITTED, or holds a lock on a table of wallets), 22004, 22023, WL003 (invalid_amount), WL007 (same_wallet), WL005 (idempotency_conflict), WL001 (wallet_not_found), WL004 (version_conflict), WL009 (wallet_closed), WL008 (wallet_frozen), WL006 (currency_mismatch), WL002 (insufficient_funds), WL010 (limit_exceeded), 53400 (no room), 53000 (no worker), 55P03, 40003 (the wait ended while it was being made: its key tells what became of it).$$;

CREATE FUNCTION wallet_stat_groups_rows(
    OUT datid oid, OUT worker_pid integer, OUT groups bigint, OUT transfers bigint, OUT failed bigint, OUT held_up bigint,
    OUT alone bigint, OUT abandoned bigint, OUT full bigint, OUT largest bigint, OUT waited_ms double precision
) RETURNS SETOF record
    LANGUAGE c VOLATILE PARALLEL SAFE ROWS 10 AS 'MODULE_PATHNAME', 'wallet_stat_groups_rows';
COMMENT ON FUNCTION wallet_stat_groups_rows() IS
$$Internal, for wallet_stat_groups: its rows, with the databases' oids.$$;

CREATE VIEW wallet_stat_groups AS
SELECT d.datname, g.worker_pid, g.groups, g.transfers, g.failed, g.held_up, g.alone, g.abandoned, g.full, g.largest, g.waited_ms
FROM wallet_stat_groups_rows() AS g
LEFT JOIN pg_catalog.pg_database AS d ON d.oid OPERATOR(pg_catalog.=) g.datid;
COMMENT ON VIEW wallet_stat_groups IS
    'What grouped transfers have done since the server started, a row for each database that made some: worker_pid (NULL: none runs), groups (transactions), transfers (done, replays among them), failed, held_up (somebody was in the way: asked again after the wait), alone (tried once more by themselves, since their group failed), abandoned (by callers that did not wait for the end), full (waits for room), largest (group), waited_ms (from asking to the answer, in all).';
