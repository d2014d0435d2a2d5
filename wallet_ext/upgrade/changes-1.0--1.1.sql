\echo Use "ALTER EXTENSION wallet UPDATE" to load this file. \quit

-- Which leg of the operation in reverses is paid back.
ALTER TABLE wallet_ledger ADD COLUMN reverses_leg integer;

