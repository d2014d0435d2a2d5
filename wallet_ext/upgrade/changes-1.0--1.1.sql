\echo Use "ALTER EXTENSION wallet UPDATE" to load this file. \quit

-- Which leg of the operation in reverses is paid back.
ALTER TABLE wallet_ledger ADD COLUMN reverses_leg integer;
-- The chain of seals.
ALTER TABLE wallet_ledger ADD COLUMN from_seal bytea;
ALTER TABLE wallet_ledger ADD COLUMN to_seal bytea;
ALTER TABLE wallets ADD COLUMN seal bytea;

