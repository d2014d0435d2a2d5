-- docs/database.md, "Plain SQL that pays twice, or never": what is called how often. Two sessions: tests/isolation.
\set alice '''a0000000-0000-0000-0000-000000000001'''
\set bob '''b0000000-0000-0000-0000-000000000001'''
SELECT count(*) FROM (SELECT wallet_create('alice', 'USD', :alice), wallet_create('bob', 'USD', :bob), wallet_fund(:alice, 1000)) AS made;
CREATE VIEW calls AS SELECT count(*) AS transfers FROM wallet_ledger WHERE kind = 'TRANSFER';

-- Never called.
WITH pay AS (SELECT wallet_transfer(:alice, :bob, 1)) SELECT 1 AS one;
SELECT EXISTS (SELECT wallet_transfer(:alice, :bob, 1));
SELECT 1 AS one WHERE EXISTS (SELECT wallet_transfer(:alice, :bob, 1));
TABLE calls;

-- Once a row of the join; with a key once.
CREATE TABLE lines AS SELECT 17 AS order_id, n FROM generate_series(1, 3) AS n;
SELECT count(wallet_transfer(:alice, :bob, 1)) FROM lines;
TABLE calls;
SELECT count(wallet_transfer(:alice, :bob, 1, 'order-' || order_id)) FROM lines;
TABLE calls;

-- Paid without a row.
CREATE TABLE paid (order_id integer PRIMARY KEY, tx uuid);
INSERT INTO paid VALUES (17);
INSERT INTO paid VALUES (17, wallet_transfer(:alice, :bob, 1)) ON CONFLICT DO NOTHING;
TABLE calls;

-- A function of one's own around an operation: who may call that one only.
CREATE FUNCTION pay_rent(payee uuid, month date) RETURNS uuid
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT public.wallet_transfer('a0000000-0000-0000-0000-000000000001', payee, 500.00, 'rent-' || to_char(month, 'YYYY-MM'));
END;
REVOKE EXECUTE ON FUNCTION pay_rent FROM PUBLIC;
CREATE ROLE calling_tenant;
GRANT EXECUTE ON FUNCTION pay_rent TO calling_tenant;
SET ROLE calling_tenant;
SELECT pay_rent(:bob, '2026-11-01') = pay_rent(:bob, '2026-11-30') AS once;
SELECT wallet_transfer(:alice, :bob, 1);
RESET ROLE;
SELECT amount, idempotency_key, current_user_name = session_user_name AS of_the_owner FROM wallet_ledger WHERE idempotency_key LIKE 'rent-%';
DROP FUNCTION pay_rent;
DROP ROLE calling_tenant;

-- Settings of the tables.
ALTER TABLE wallets SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE wallet_holds SET (autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE wallet_ledger SET (autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE transaction_events SET (autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
SELECT wallet_transfer(:alice, :bob, 1) IS NOT NULL AS paid;
SELECT * FROM wallet_check();
