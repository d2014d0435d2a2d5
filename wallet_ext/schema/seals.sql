-- Seals: a chain of hashes that makes a changed, removed or inserted entry show.

CREATE FUNCTION wallet_seal_verify(wallet_id uuid DEFAULT NULL) RETURNS SETOF wallet_divergence
    LANGUAGE c STABLE PARALLEL SAFE COST 10000 ROWS 10 AS 'MODULE_PATHNAME', 'wallet_seal_verify';
COMMENT ON FUNCTION wallet_seal_verify(uuid) IS
$$Follows the chain of SHA-256 seals of one wallet or (NULL) of all and returns each break; no row means that no sealed entry was changed, removed or inserted. Only entries from the first sealed one on are looked at (setting wallet.seal).
check_name is one of seal_entry (the entry's seal is not that of what it says behind the entry before; actual NULL: it has none), seal_entry_missing (from this version on, entries of the chain are missing), seal_wallet (the wallet's own seal is not that of its newest entry). expected and actual: seals in hexadecimal.
Errors: WL001 (wallet_not_found).$$;
