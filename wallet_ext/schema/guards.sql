-- INV-4: the money tables refuse UPDATE, DELETE and TRUNCATE from everybody, owner and
-- session_replication_role = replica included. The C functions pass by.
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

-- A statement that names a parent of the table fires no statement trigger here.
CREATE FUNCTION wallet_guard_row() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'wallet_guard_row';
COMMENT ON FUNCTION wallet_guard_row() IS
    'Refuses UPDATE and DELETE of rows of wallets, wallet_ledger and wallet_holds by way of a parent table with WL090 (ledger_append_only); logical replication passes.';

CREATE TRIGGER wallet_guard_row BEFORE UPDATE OR DELETE ON wallets
    FOR EACH ROW EXECUTE FUNCTION wallet_guard_row();
CREATE TRIGGER wallet_guard_row BEFORE UPDATE OR DELETE ON wallet_ledger
    FOR EACH ROW EXECUTE FUNCTION wallet_guard_row();
CREATE TRIGGER wallet_guard_row BEFORE UPDATE OR DELETE ON wallet_holds
    FOR EACH ROW EXECUTE FUNCTION wallet_guard_row();
ALTER TABLE wallets ENABLE ALWAYS TRIGGER wallet_guard_row;
ALTER TABLE wallet_ledger ENABLE ALWAYS TRIGGER wallet_guard_row;
ALTER TABLE wallet_holds ENABLE ALWAYS TRIGGER wallet_guard_row;

-- No statement comes by way of a parent at all: PostgreSQL lets no table become a child or partition
-- that has a row trigger with a transition table. It never fires.
CREATE TRIGGER wallet_guard_kin AFTER DELETE ON wallets
    REFERENCING OLD TABLE AS deleted FOR EACH ROW WHEN (false) EXECUTE FUNCTION wallet_guard_row();
CREATE TRIGGER wallet_guard_kin AFTER DELETE ON wallet_ledger
    REFERENCING OLD TABLE AS deleted FOR EACH ROW WHEN (false) EXECUTE FUNCTION wallet_guard_row();
CREATE TRIGGER wallet_guard_kin AFTER DELETE ON wallet_holds
    REFERENCING OLD TABLE AS deleted FOR EACH ROW WHEN (false) EXECUTE FUNCTION wallet_guard_row();
ALTER TABLE wallets ENABLE ALWAYS TRIGGER wallet_guard_kin;
ALTER TABLE wallet_ledger ENABLE ALWAYS TRIGGER wallet_guard_kin;
ALTER TABLE wallet_holds ENABLE ALWAYS TRIGGER wallet_guard_kin;

-- INSERT is the owner's, for restores; whatever was granted, pg_write_all_data included.
CREATE FUNCTION wallet_guard_insert() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'wallet_guard_insert';
COMMENT ON FUNCTION wallet_guard_insert() IS
    'Refuses INSERT into wallets, wallet_ledger and wallet_holds, and any write to wallet_currency_scales, with 42501 to everybody but the table''s owner and superusers, who restore dumps.';

CREATE TRIGGER wallet_guard_insert BEFORE INSERT ON wallets
    FOR EACH STATEMENT EXECUTE FUNCTION wallet_guard_insert();
CREATE TRIGGER wallet_guard_insert BEFORE INSERT ON wallet_ledger
    FOR EACH STATEMENT EXECUTE FUNCTION wallet_guard_insert();
CREATE TRIGGER wallet_guard_insert BEFORE INSERT ON wallet_holds
    FOR EACH STATEMENT EXECUTE FUNCTION wallet_guard_insert();
ALTER TABLE wallets ENABLE ALWAYS TRIGGER wallet_guard_insert;
ALTER TABLE wallet_ledger ENABLE ALWAYS TRIGGER wallet_guard_insert;
ALTER TABLE wallet_holds ENABLE ALWAYS TRIGGER wallet_guard_insert;

-- The scales decide what every operation may move; wallet_set_currency writes them as their owner.
CREATE TRIGGER wallet_guard_insert BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON wallet_currency_scales
    FOR EACH STATEMENT EXECUTE FUNCTION wallet_guard_insert();
ALTER TABLE wallet_currency_scales ENABLE ALWAYS TRIGGER wallet_guard_insert;
