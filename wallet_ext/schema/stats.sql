-- What the operations do and wait for, counted in shared memory.

CREATE FUNCTION wallet_stat_rows(
    OUT function text, OUT calls bigint, OUT replayed bigint, OUT items bigint, OUT largest bigint, OUT conflicts bigint,
    OUT waits bigint, OUT waited_ms double precision, OUT key_waits bigint, OUT key_waited_ms double precision
) RETURNS SETOF record
    LANGUAGE c VOLATILE PARALLEL SAFE ROWS 20 AS 'MODULE_PATHNAME', 'wallet_stat_rows';
COMMENT ON FUNCTION wallet_stat_rows() IS
$$Internal, for wallet_stat: its rows, of this database alone.$$;

CREATE VIEW wallet_stat AS
SELECT s.function, s.calls, s.replayed, s.items, s.largest, s.conflicts, s.waits, s.waited_ms, s.key_waits, s.key_waited_ms
FROM wallet_stat_rows() AS s;
COMMENT ON VIEW wallet_stat IS
    'What the operations have done in this database since the server started or wallet_stat_reset(), a row for each function that was called, whether its transaction committed or not: calls, replayed (its key was taken by the same request), items of arrays in all and largest of one call, conflicts (somebody was at a wallet when it was tried without the locks), waits for wallets and waited_ms, key_waits for keys that were being taken and key_waited_ms. Without the library in shared_preload_libraries there is no row.';

CREATE FUNCTION wallet_stat_wallets_rows(
    OUT wallet_id uuid, OUT waits bigint, OUT waited_ms double precision
) RETURNS SETOF record
    LANGUAGE c VOLATILE PARALLEL SAFE ROWS 100 AS 'MODULE_PATHNAME', 'wallet_stat_wallets_rows';
COMMENT ON FUNCTION wallet_stat_wallets_rows() IS
$$Internal, for wallet_stat_wallets: its rows, of this database alone.$$;

CREATE VIEW wallet_stat_wallets AS
SELECT w.wallet_id, w.waits, w.waited_ms FROM wallet_stat_wallets_rows() AS w;
COMMENT ON VIEW wallet_stat_wallets IS
    'The wallets of this database that were waited for most often, at most 128 in all databases: waits, and waited_ms. A wallet that comes in for another one takes over its waits, so that waits may be too high, never too low. Without the library in shared_preload_libraries there is no row.';

CREATE FUNCTION wallet_stat_reset() RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'wallet_stat_reset';
COMMENT ON FUNCTION wallet_stat_reset() IS
$$Begins the numbers of wallet_stat and wallet_stat_wallets of this database again with 0.$$;
