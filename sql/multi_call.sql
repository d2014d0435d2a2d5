-- Several calls in one statement, function, trigger, cursor: each sees what the earlier ones did.
\getenv abs_srcdir PG_ABS_SRCDIR
\set helper :abs_srcdir '/sql/helpers/failure.sql'
\i :helper

\set alice '''a0000000-0000-0000-0000-000000000001'''
\set bob '''b0000000-0000-0000-0000-000000000001'''
\set carol '''c0000000-0000-0000-0000-000000000001'''
SELECT wallet_create('alice', 'USD', :alice), wallet_create('bob', 'USD', :bob), wallet_create('carol', 'USD', :carol);

-- In one statement: rows, columns, nested, in common table expressions, in a condition.
SELECT count(wallet_fund(:alice, 1)) FROM generate_series(1, 300);
SELECT wallet_fund(:alice, 1) <> wallet_fund(:alice, 1) AS differ, wallet_transfer(:alice, :bob, 302) IS NOT NULL AS paid, wallet_withdraw(:bob, 2) IS NOT NULL AS withdrawn;
SELECT wallet_fund(wallet_create('dora', 'USD', 'd0000000-0000-0000-0000-000000000001'), 7) IS NOT NULL AS funded;
WITH there AS MATERIALIZED (SELECT wallet_transfer(:bob, :alice, 100) AS id), back AS MATERIALIZED (SELECT wallet_transfer(:alice, :bob, 50), id FROM there)
SELECT count(*) FROM back;
SELECT count(*) FROM generate_series(1, 3) AS n WHERE wallet_fund(:carol, n) IS NOT NULL;
SELECT wallet_transfer(CASE n % 2 WHEN 0 THEN :alice::uuid ELSE :bob::uuid END, CASE n % 2 WHEN 0 THEN :bob::uuid ELSE :alice::uuid END, n) IS NOT NULL AS paid
FROM generate_series(1, 4) AS n;
SELECT user_id, balance, version FROM wallets ORDER BY user_id;
-- A statement does not see what it does itself; what it calls does.
SELECT wallet_fund(:carol, 1) IS NOT NULL AS funded, (SELECT balance FROM wallets WHERE id = :carol) AS of_the_statement;
-- One fails, all are gone.
SELECT failure('wallet_withdraw(''c0000000-0000-0000-0000-000000000001'', n) FROM generate_series(1, 10) AS n');
SELECT balance, version FROM wallets WHERE id = :carol;
-- The wallets of a scan that is running.
SELECT count(wallet_fund(id, 1)) FROM wallets;
INSERT INTO wallets (id, user_id, currency, created_at, updated_at) SELECT wallet_create('eve', 'USD', 'e0000000-0000-0000-0000-000000000001'), 'eve', 'USD', now(), now();
CREATE TABLE note AS SELECT user_id, wallet_fund(id, 1) AS id FROM wallets;
SELECT user_id, count(*) FROM note JOIN wallet_ledger ON transaction_id = id GROUP BY 1 ORDER BY 1;

-- Functions of every kind and label.
CREATE FUNCTION as_sql(uuid) RETURNS uuid LANGUAGE sql AS 'SELECT wallet_fund($1, 1); SELECT wallet_fund($1, 2)';
CREATE FUNCTION as_stable(uuid) RETURNS uuid LANGUAGE sql STABLE AS 'SELECT wallet_fund($1, 4)';
CREATE FUNCTION as_immutable(uuid) RETURNS uuid LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM wallet_fund($1, 8); RETURN wallet_fund($1, 16); END';
CREATE FUNCTION as_definer(uuid) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS 'BEGIN RETURN public.wallet_fund($1, 32); END';
CREATE PROCEDURE as_procedure(uuid) LANGUAGE plpgsql AS 'BEGIN FOR n IN 1 .. 3 LOOP PERFORM wallet_fund($1, 64); IF n = 2 THEN ROLLBACK; ELSE COMMIT; END IF; END LOOP; END';
SELECT as_sql(:carol) IS NOT NULL AS sql, as_stable(:carol) IS NOT NULL AS stable, as_definer(:carol) IS NOT NULL AS definer;
SELECT as_stable(id) IS NOT NULL AS stable, as_immutable(id) IS NOT NULL AS immutable FROM wallets WHERE id = :carol;
CALL as_procedure(:carol);
SELECT balance, version FROM wallets WHERE id = :carol;
PREPARE fund(uuid, numeric) AS SELECT wallet_fund($1, $2) IS NOT NULL AS funded;
EXECUTE fund(:carol, 0.25);
EXECUTE fund(:carol, 0.25);
EXECUTE fund(:carol, 0.25);
EXECUTE fund(:carol, 0.25);
EXECUTE fund(:carol, 0.25);
EXECUTE fund(:carol, 0.25);

-- Cursors: what is fetched is done; held ones at the commit.
BEGIN;
DECLARE step CURSOR FOR SELECT n, wallet_fund(:carol, 0.01) IS NOT NULL AS funded FROM generate_series(1, 100) AS n;
FETCH 2 FROM step;
SELECT wallet_withdraw(:carol, 0.02) IS NOT NULL AS withdrawn;
FETCH 1 FROM step;
SELECT balance FROM wallets WHERE id = :carol;
CLOSE step;
DECLARE kept CURSOR WITH HOLD FOR SELECT n, wallet_fund(:carol, 0.01) IS NOT NULL AS funded FROM generate_series(1, 5) AS n;
COMMIT;
FETCH 1 FROM kept;
CLOSE kept;
SELECT balance, version FROM wallets WHERE id = :carol;

-- Triggers of an application's tables, immediate and deferred to the commit.
CREATE TABLE sale (id integer PRIMARY KEY, payer uuid REFERENCES wallets (id), payee uuid REFERENCES wallets (id), price numeric);
CREATE FUNCTION sale_pay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM wallet_transfer(NEW.payer, NEW.payee, NEW.price, 'sale ' || NEW.id);
    RETURN NEW;
END
$$;
CREATE TRIGGER pay BEFORE INSERT ON sale FOR EACH ROW EXECUTE FUNCTION sale_pay();
INSERT INTO sale SELECT n, :bob, :carol, n FROM generate_series(1, 5) AS n;
INSERT INTO sale VALUES (6, :bob, :carol, 1000000);
INSERT INTO sale VALUES (7, :bob, 'f0000000-0000-0000-0000-000000000001', 1);
DROP TRIGGER pay ON sale;
CREATE CONSTRAINT TRIGGER pay AFTER INSERT ON sale DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sale_pay();
BEGIN;
INSERT INTO sale VALUES (8, :bob, :carol, 1), (9, :carol, :bob, 2);
SELECT balance FROM wallets WHERE id = :bob;
COMMIT;
BEGIN;
INSERT INTO sale VALUES (10, :bob, :carol, 1), (11, :bob, :carol, 1000000);
COMMIT;
SELECT count(*) FROM sale;
SELECT user_id, balance, version FROM wallets ORDER BY user_id;

-- A user's own triggers on the wallet's tables fire for each of the calls.
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'told'; RETURN NULL; END $$;
CREATE TRIGGER tell AFTER INSERT OR UPDATE ON wallets FOR EACH ROW EXECUTE FUNCTION tell();
SELECT count(wallet_fund(:carol, 1)) FROM generate_series(1, 2);
DROP TRIGGER tell ON wallets;
SELECT check_name, wallet_id FROM wallet_check() WHERE wallet_id <> 'e0000000-0000-0000-0000-000000000001';
