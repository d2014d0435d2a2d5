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

-- The function is of use as a trigger only.
SELECT wallet_guard();

-- Nothing has changed; reading, locking and the operations go on, and so does INSERT, which restores need.
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
DROP EXTENSION wallet CASCADE;
SELECT count(*) FROM pg_class WHERE relname LIKE 'wallet%';
