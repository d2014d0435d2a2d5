-- The extension itself: made, dropped and made again in one session, in any schema, whatever the caller's search_path is.
CREATE EXTENSION wallet;
\set alice '''a0000000-0000-0000-0000-000000000001'''
\set bob '''b0000000-0000-0000-0000-000000000001'''
SELECT wallet_create('alice', 'USD', :alice);
SELECT wallet_fund(:alice, 1, 'key') IS NOT NULL AS funded;
DROP EXTENSION wallet;
SELECT to_regclass('wallets'), to_regclass('wallet_ledger'), to_regprocedure('wallet_lock(uuid[])');

-- Made again, here and in a schema of its own: nothing of before is remembered.
CREATE EXTENSION wallet;
SELECT wallet_fund(:alice, 1, 'key');
SELECT wallet_create('alice', 'EUR', :alice);
SELECT wallet_fund(:alice, 2, 'key') IS NOT NULL AS funded;
BEGIN;
DROP EXTENSION wallet;
CREATE SCHEMA bank;
CREATE EXTENSION wallet SCHEMA bank;
SELECT bank.wallet_create('alice', 'USD', :alice), bank.wallet_fund(:alice, 3, 'key') IS NOT NULL AS funded;
ROLLBACK;
SELECT wallet_fund(:alice, 2, 'key') IS NOT NULL AS same, balance, currency FROM wallets;
BEGIN;
SELECT wallet_fund(:alice, 5) IS NOT NULL AS funded;
DROP EXTENSION wallet;
ROLLBACK;
SELECT wallet_fund(:alice, 0.5) IS NOT NULL AS funded;
SELECT balance, version FROM wallets;
DROP EXTENSION wallet;
CREATE SCHEMA bank;
CREATE EXTENSION wallet SCHEMA bank;
SELECT bank.wallet_create('alice', 'USD', :alice), bank.wallet_create('bob', 'USD', :bob);

-- It does not move, but its schema may be renamed.
ALTER EXTENSION wallet SET SCHEMA public;
SELECT bank.wallet_fund(:alice, 10) IS NOT NULL AS funded;
ALTER SCHEMA bank RENAME TO "Bank of ""Alice""";
SELECT "Bank of ""Alice""".wallet_fund(:alice, 10) IS NOT NULL AS funded;
ALTER SCHEMA "Bank of ""Alice""" RENAME TO bank;

-- A search_path full of traps: tables, temporary tables, functions and operators of the same names.
CREATE SCHEMA trap;
CREATE TABLE trap.wallets AS SELECT * FROM bank.wallets WITH NO DATA;
CREATE TABLE trap.wallet_ledger AS SELECT * FROM bank.wallet_ledger WITH NO DATA;
CREATE FUNCTION trap.spring() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'the trap'; END $$;
CREATE TRIGGER spring BEFORE INSERT OR UPDATE ON trap.wallets EXECUTE FUNCTION trap.spring();
CREATE FUNCTION trap.equal(uuid, uuid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'the trap'; END $$;
CREATE OPERATOR trap.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = trap.equal);
CREATE FUNCTION trap.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RAISE 'the trap'; END $$;
CREATE TEMPORARY TABLE wallets (id uuid, balance text);
CREATE TEMPORARY TABLE wallet_ledger (transaction_id uuid);
CREATE TEMPORARY TABLE wallet_holds (hold_id uuid);
SET search_path = trap, pg_temp, pg_catalog;
SELECT bank.wallet_transfer(:alice, :bob, 5, 'in a trap') IS NOT NULL AS paid;
SELECT bank.wallet_transfer(:alice, :bob, 5, 'in a trap') IS NOT NULL AS same;
SELECT bank.wallet_lock(ARRAY[:alice]::uuid[]);
SELECT balance, available FROM bank.wallet_get(:bob);
SELECT count(*) FROM bank.wallet_check();
SET search_path = '';
SELECT bank.wallet_withdraw(:bob, 1) IS NOT NULL AS withdrawn;
SELECT bank.wallet_create('carol', wallet_id => 'c0000000-0000-0000-0000-000000000001');
SELECT user_id, balance, version FROM bank.wallets ORDER BY user_id;
SELECT count(*) FROM pg_temp.wallets;
RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA trap CASCADE;
RESET client_min_messages;
DISCARD TEMP;

-- Tables that are not those of the library: refused, nothing written.
\set VERBOSITY terse
BEGIN;
ALTER TABLE bank.wallets ADD COLUMN nickname text;
SELECT bank.wallet_fund(:alice, 1) IS NOT NULL AS funded;
ROLLBACK;
BEGIN;
ALTER TABLE bank.wallets RENAME TO purses;
SELECT bank.wallet_fund(:alice, 1);
ROLLBACK;
BEGIN;
UPDATE pg_extension SET extversion = '0.9' WHERE extname = 'wallet';
ALTER TABLE bank.wallets SET (fillfactor = 60);
SELECT bank.wallet_fund(:alice, 1);
ROLLBACK;
\set VERBOSITY default
SELECT bank.wallet_fund(:alice, 1) IS NOT NULL AS funded;

-- The tables written anew, emptied of dead rows, their indexes rebuilt.
VACUUM FULL bank.wallets;
CLUSTER bank.wallet_ledger USING wallet_ledger_pkey;
REINDEX TABLE bank.wallets;
SELECT bank.wallet_transfer(:alice, :bob, 1, 'after') IS NOT NULL AS paid;
VACUUM (FREEZE) bank.wallets, bank.wallet_ledger;
SELECT bank.wallet_transfer(:alice, :bob, 1, 'after') IS NOT NULL AS same;
SELECT bank.wallet_transfer(:bob, :alice, 1) IS NOT NULL AS paid;
SELECT user_id, balance, version FROM bank.wallets ORDER BY user_id;
SELECT count(*) AS divergences FROM bank.wallet_check();

-- Only UTF8.
\set DBNAME_BEFORE :DBNAME
CREATE DATABASE check_extension_latin TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C';
\c check_extension_latin
\set VERBOSITY terse
CREATE EXTENSION wallet;
\set VERBOSITY default
SELECT count(*) FROM pg_extension WHERE extname = 'wallet';
\c :DBNAME_BEFORE
DROP DATABASE check_extension_latin;
