-- INV-4: the money tables refuse UPDATE, DELETE and TRUNCATE from everybody, owner and
-- session_replication_role = replica included. The C functions pass by; INSERT stays open for restore.
CREATE FUNCTION wallet_guard() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'wallet_guard';
COMMENT ON FUNCTION wallet_guard() IS
    'Refuses UPDATE, DELETE and TRUNCATE of wallets, wallet_ledger and wallet_holds with WL090 (ledger_append_only).';

CREATE TRIGGER wallet_guard BEFORE UPDATE OR DELETE OR TRUNCATE ON wallets
    FOR EACH STATEMENT EXECUTE FUNCTION wallet_guard();
CREATE TRIGGER wallet_guard BEFORE UPDATE OR DELETE OR TRUNCATE ON wallet_ledger
    FOR EACH STATEMENT EXECUTE FUNCTION wallet_guard();
CREATE TRIGGER wallet_guard BEFORE UPDATE OR DELETE OR TRUNCATE ON wallet_holds
    FOR EACH STATEMENT EXECUTE FUNCTION wallet_guard();
ALTER TABLE wallets ENABLE ALWAYS TRIGGER wallet_guard;
ALTER TABLE wallet_ledger ENABLE ALWAYS TRIGGER wallet_guard;
ALTER TABLE wallet_holds ENABLE ALWAYS TRIGGER wallet_guard;
