-- INV-4: wallets, wallet_ledger and wallet_holds refuse UPDATE, DELETE and TRUNCATE from everybody.
CREATE EXTENSION wallet;
\set alice '''a0000000-0000-0000-0000-000000000001'''
SELECT wallet_create('alice', 'USD', :alice);
SELECT wallet_fund(:alice, 5) IS NOT NULL AS funded;

-- The message, once; then the codes.
\set VERBOSITY default
UPDATE wallets SET balance = 1000000;
\set VERBOSITY sqlstate
UPDATE wallets SET balance = 1000000 WHERE id = :alice;
UPDATE wallets SET balance = 1000000 WHERE false;
UPDATE ONLY wallets SET updated_at = now();
DELETE FROM wallets;
TRUNCATE wallets;
TRUNCATE wallets CASCADE;
UPDATE wallet_ledger SET amount = amount + 1;
UPDATE wallet_ledger SET metadata = '{"note": "corrected"}' WHERE kind = 'FUND';
DELETE FROM wallet_ledger WHERE kind = 'FUND';
TRUNCATE wallet_ledger;
UPDATE wallet_holds SET status = 'open';
DELETE FROM wallet_holds;
TRUNCATE wallet_holds, wallets, wallet_ledger;

-- By ways around: upserts, MERGE, data-modifying CTEs, a view, a function of the owner's.
INSERT INTO wallets (id, user_id, currency, created_at, updated_at) VALUES (:alice, 'alice', 'USD', now(), now())
    ON CONFLICT (id) DO UPDATE SET balance = 1000000;
INSERT INTO wallet_ledger SELECT * FROM wallet_ledger ON CONFLICT (transaction_id, leg) DO UPDATE SET amount = 7;
MERGE INTO wallets USING (SELECT 1) AS one ON true WHEN MATCHED THEN UPDATE SET balance = 1000000;
MERGE INTO wallet_ledger USING (SELECT 1) AS one ON true WHEN MATCHED THEN DELETE;
WITH gone AS (DELETE FROM wallet_ledger RETURNING *) SELECT count(*) FROM gone;
CREATE VIEW mine AS SELECT * FROM wallets;
UPDATE mine SET balance = 1000000;
CREATE FUNCTION enrich() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'UPDATE wallets SET balance = 1000000';
SELECT enrich();
UPDATE wallet_transactions SET amount = 7;
DELETE FROM wallet_transactions;

-- Replication's role does not disable them, nor does another owner or another row security.
SET session_replication_role = replica;
UPDATE wallets SET balance = 1000000;
DELETE FROM wallet_ledger;
TRUNCATE wallet_holds;
RESET session_replication_role;
CREATE ROLE regress_guards_owner;
BEGIN;
ALTER TABLE wallets OWNER TO regress_guards_owner;
SET LOCAL ROLE regress_guards_owner;
DELETE FROM wallets;
ROLLBACK;
DROP ROLE regress_guards_owner;

-- They can't have a parent: its statements' triggers are others, and through a partitioned one come INSERTs.
CREATE TABLE parent (LIKE wallets);
CREATE TABLE partitioned (LIKE wallet_ledger) PARTITION BY RANGE (transaction_id);
CREATE TABLE holds_by_wallet (LIKE wallet_holds) PARTITION BY HASH (wallet_id);
\set VERBOSITY terse
ALTER TABLE wallets INHERIT parent;
ALTER TABLE partitioned ATTACH PARTITION wallet_ledger DEFAULT;
ALTER TABLE holds_by_wallet ATTACH PARTITION wallet_holds FOR VALUES WITH (MODULUS 1, REMAINDER 0);
\set VERBOSITY sqlstate
DROP TABLE parent, partitioned, holds_by_wallet;

-- Nor does a parent's statement pass where it became one all the same.
BEGIN;
DROP TRIGGER wallet_guard_kin ON wallets;
CREATE TABLE parent (LIKE wallets);
ALTER TABLE wallets INHERIT parent;
SAVEPOINT before;
UPDATE parent SET balance = 1000000;
ROLLBACK TO before;
DELETE FROM parent;
ROLLBACK TO before;
MERGE INTO parent USING (SELECT 1) AS one ON true WHEN MATCHED THEN UPDATE SET balance = 1000000;
ROLLBACK TO before;
TRUNCATE parent;
ROLLBACK;
BEGIN;
DROP TRIGGER wallet_guard_kin ON wallet_ledger;
CREATE TABLE partitioned (LIKE wallet_ledger) PARTITION BY RANGE (transaction_id);
ALTER TABLE partitioned ATTACH PARTITION wallet_ledger DEFAULT;
SAVEPOINT before;
SET LOCAL session_replication_role = replica;
UPDATE partitioned SET amount = 7;
ROLLBACK TO before;
DELETE FROM partitioned;
ROLLBACK TO before;
TRUNCATE partitioned;
ROLLBACK;

-- INSERT is for the owner and superusers, whatever was granted.
CREATE ROLE regress_guards_writer;
CREATE ROLE regress_guards_granted;
CREATE ROLE regress_guards_owner;
GRANT pg_write_all_data TO regress_guards_writer;
GRANT ALL ON wallets, wallet_ledger, wallet_holds, wallet_currency_scales TO regress_guards_granted;
SET ROLE regress_guards_granted;
\set VERBOSITY default
INSERT INTO wallets SELECT * FROM wallets;
\set VERBOSITY sqlstate
INSERT INTO wallet_ledger SELECT * FROM wallet_ledger ON CONFLICT DO NOTHING;
MERGE INTO wallets USING (SELECT 1) AS one ON false WHEN NOT MATCHED THEN INSERT VALUES (gen_random_uuid());
DELETE FROM wallet_currency_scales;
\set VERBOSITY default
TRUNCATE wallet_currency_scales;
\set VERBOSITY sqlstate
COPY wallet_holds FROM stdin;
\.
UPDATE wallets SET balance = 1000000;
SET ROLE regress_guards_writer;
INSERT INTO wallets DEFAULT VALUES;
INSERT INTO wallet_ledger DEFAULT VALUES;
INSERT INTO wallet_holds DEFAULT VALUES;
-- The scales are written by wallet_set_currency alone.
INSERT INTO wallet_currency_scales VALUES ('USD', 0);
UPDATE wallet_currency_scales SET scale = 0;
DELETE FROM wallet_currency_scales;
RESET ROLE;
BEGIN;
ALTER TABLE wallet_holds OWNER TO regress_guards_owner;
SET LOCAL ROLE regress_guards_owner;
INSERT INTO wallet_holds (hold_id, wallet_id, amount, expires_at, created_at) VALUES (:alice, :alice, 1, now(), now());
SELECT count(*) FROM wallet_holds;
ROLLBACK;
DROP OWNED BY regress_guards_granted;
DROP ROLE regress_guards_writer, regress_guards_granted, regress_guards_owner;

-- The functions are of use as triggers only.
SELECT wallet_guard();
SELECT wallet_guard_row();
SELECT wallet_guard_insert();

-- Nothing has changed; reading, locking and the operations go on, and so does the owner's INSERT, which restores need.
\set VERBOSITY default
SELECT balance, version FROM wallets;
SELECT kind, amount FROM wallet_ledger ORDER BY transaction_id;
SELECT balance FROM wallets FOR UPDATE;
SELECT wallet_withdraw(:alice, 2) IS NOT NULL AS withdrawn;
BEGIN;
CREATE TEMPORARY TABLE saved AS SELECT * FROM wallets;
INSERT INTO wallets SELECT 'b0000000-0000-0000-0000-000000000001', 'bob', currency, 0, 0, 0, NULL, 'active', 0, created_at, updated_at FROM saved;
INSERT INTO wallets SELECT * FROM saved ON CONFLICT DO NOTHING;
SELECT id, balance, version FROM wallets ORDER BY id;
ROLLBACK;
SELECT * FROM wallet_check();

-- A guard can't be dropped alone by accident; the extension goes as a whole.
\set VERBOSITY terse
DROP FUNCTION wallet_guard();
DROP TABLE wallets;
-- The latch of docs/security.md.
CREATE VIEW wallet_latch AS SELECT FROM wallets;
DROP EXTENSION wallet;
SELECT balance FROM wallets;
DROP EXTENSION wallet CASCADE;
SELECT count(*) FROM pg_class WHERE relname LIKE 'wallet%';
