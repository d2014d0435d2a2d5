-- The event of an entry has one writer, the output plugin's library: backfill and checks call it here.
CREATE FUNCTION wallet_ledger_events(entry wallet_ledger)
RETURNS TABLE (ordinal integer, wallet_id uuid, event_id uuid, created_at timestamptz, event text, error text)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 2 COST 10
    AS '$libdir/wallet_decoder', 'wallet_ledger_events';
COMMENT ON FUNCTION wallet_ledger_events(wallet_ledger) IS
$$The events of a ledger row, byte for byte as the output plugin wallet_decoder sends them: one for each side the row has, the from side first.
entry: a row of wallet_ledger, whole. event is NULL, and error says why, where the row can't be rendered.
Example: SELECT e.event FROM wallet_ledger AS l, wallet_ledger_events(l) AS e ORDER BY l.transaction_id, l.leg, e.ordinal$$;
