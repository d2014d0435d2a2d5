-- Constraints, columns and defaults of the administrator hold for operations as for INSERT and UPDATE (INV-13).
\set alice '''a0000000-0000-0000-0000-000000000001'''
\set bob '''b0000000-0000-0000-0000-000000000001'''
\set VERBOSITY terse
CREATE TABLE users (id text PRIMARY KEY);
INSERT INTO users VALUES ('alice'), ('bob');
SELECT wallet_create('alice', 'USD', :alice), wallet_create('bob', 'USD', :bob);
SELECT wallet_fund(:alice, 1000) IS NOT NULL AS funded;

-- NOT NULL on a column that operations leave NULL: a query would trust it and read what isn't there.
BEGIN;
ALTER TABLE wallet_ledger ALTER to_user_id SET NOT NULL;
SELECT wallet_fund(:alice, 1) IS NOT NULL AS funded;
SELECT wallet_withdraw(:alice, 1);
ROLLBACK;

-- CHECKs on each table, before and after; NOT VALID ones hold for new rows.
ALTER TABLE wallets ADD CONSTRAINT at_most CHECK (balance <= 1500);
SELECT wallet_fund(:alice, 501, 'over');
SELECT wallet_fund(:alice, 500, 'over') IS NOT NULL AS funded;
SELECT index, sqlstate FROM wallet_transfer_batch(ARRAY[:alice]::uuid[], ARRAY[:bob]::uuid[], ARRAY[1]);
ALTER TABLE wallet_ledger ADD CONSTRAINT explained CHECK (metadata IS NOT NULL) NOT VALID;
SELECT wallet_transfer(:alice, :bob, 1);
SELECT wallet_transfer(:alice, :bob, 1, metadata => '{}') IS NOT NULL AS paid;
SELECT wallet_create('carol', metadata => NULL);
ALTER TABLE wallet_ledger DROP CONSTRAINT explained;
ALTER TABLE wallet_holds ADD CONSTRAINT small CHECK (amount < 100), ADD CONSTRAINT whole CHECK (captured = 0 OR captured = amount);
SELECT wallet_hold(:alice, 100);
SELECT wallet_hold(:alice, 99) AS hold \gset
SELECT wallet_capture(:'hold', :bob, 9);
SELECT wallet_capture(:'hold', :bob) IS NOT NULL AS captured;
ALTER TABLE wallet_holds DROP CONSTRAINT small, DROP CONSTRAINT whole;
ALTER TABLE wallets DROP CONSTRAINT at_most;
-- What asks which table it is gets an answer.
BEGIN;
ALTER TABLE wallets ADD CHECK (tableoid = 'wallets'::regclass), ADD place oid GENERATED ALWAYS AS (tableoid) STORED;
ALTER TABLE wallet_ledger ADD CHECK (tableoid = 'wallet_ledger'::regclass), ADD place oid GENERATED ALWAYS AS (tableoid) STORED;
ALTER TABLE wallet_holds ADD CHECK (tableoid = 'wallet_holds'::regclass), ADD place oid GENERATED ALWAYS AS (tableoid) STORED;
SELECT wallet_create('erin', 'USD', idempotency_key => 'of which table') IS NOT NULL AS created, wallet_release(wallet_hold(:alice, 1)) IS NOT NULL AS released;
SELECT count(*) FILTER (WHERE place = tableoid) AS right_place, count(*) FILTER (WHERE place <> tableoid) AS wrong_place
FROM (SELECT place, tableoid FROM wallets UNION ALL SELECT place, tableoid FROM wallet_ledger UNION ALL SELECT place, tableoid FROM wallet_holds) AS everything;
ROLLBACK;

-- Foreign keys, at once and at the commit; what refers to a wallet is not asked.
ALTER TABLE wallets ADD CONSTRAINT of_a_user FOREIGN KEY (user_id) REFERENCES users;
SELECT wallet_create('ghost');
INSERT INTO users VALUES ('dora');
SELECT wallet_create('dora') IS NOT NULL AS created;
ALTER TABLE wallets ALTER CONSTRAINT of_a_user DEFERRABLE INITIALLY DEFERRED;
BEGIN;
SELECT wallet_create('ghost') IS NOT NULL AS created;
COMMIT;
BEGIN;
SELECT wallet_create('eve') IS NOT NULL AS created;
INSERT INTO users VALUES ('eve');
COMMIT;
SELECT user_id FROM wallets ORDER BY user_id;
CREATE TABLE cards (wallet_id uuid REFERENCES wallets ON UPDATE CASCADE ON DELETE CASCADE);
INSERT INTO cards VALUES (:alice);
SELECT wallet_fund(:alice, 1) IS NOT NULL AS funded;
-- Whoever refers to what operations change holds them to it.
CREATE UNIQUE INDEX wallets_id_version ON wallets (id, version);
SELECT version AS seen FROM wallets WHERE id = :bob \gset
CREATE TABLE audited (wallet_id uuid, version bigint, FOREIGN KEY (wallet_id, version) REFERENCES wallets (id, version));
INSERT INTO audited VALUES (:bob, :seen);
\set VERBOSITY sqlstate
SELECT wallet_fund(:bob, 1);
\set VERBOSITY terse
SELECT wallet_fund(:alice, 1) IS NOT NULL AS funded;
DROP TABLE audited, cards;
DROP INDEX wallets_id_version;

-- Exclusion and deferrable uniqueness.
ALTER TABLE wallets ADD CONSTRAINT one_each EXCLUDE USING btree (user_id WITH =, currency WITH =);
SELECT wallet_create('dora');
SELECT wallet_create('dora', 'EUR') IS NOT NULL AS created;
ALTER TABLE wallets DROP CONSTRAINT one_each;
ALTER TABLE wallets ADD CONSTRAINT one_in_the_end UNIQUE (user_id, currency) DEFERRABLE INITIALLY DEFERRED;
BEGIN;
SELECT wallet_create('dora') IS NOT NULL AS created;
COMMIT;
SELECT wallet_create('bob', 'EUR') IS NOT NULL AS created;
ALTER TABLE wallets DROP CONSTRAINT one_in_the_end, DROP CONSTRAINT of_a_user;

-- Added columns: plain, with defaults, generated, identity; an update leaves them as they are.
CREATE SEQUENCE numbers;
ALTER TABLE wallets ADD note text, ADD number bigint DEFAULT nextval('numbers'), ADD since timestamptz DEFAULT '2026-01-01',
    ADD cents numeric GENERATED ALWAYS AS (balance * 100) STORED, ADD label text DEFAULT repeat('x', 3000);
ALTER TABLE wallet_ledger ADD row_id bigint GENERATED ALWAYS AS IDENTITY, ADD day date DEFAULT '2026-02-02' NOT NULL,
    ADD net numeric GENERATED ALWAYS AS (amount * CASE WHEN to_wallet_id IS NULL THEN -1 ELSE 1 END) STORED;
ALTER TABLE wallet_holds ADD rest numeric GENERATED ALWAYS AS (amount - captured - released) STORED, ADD reason text DEFAULT 'none given';
SELECT wallet_create('frank', 'USD', 'f0000000-0000-0000-0000-000000000001', 'frank') AS frank;
SELECT wallet_fund('f0000000-0000-0000-0000-000000000001', 10, 'fund frank') IS NOT NULL AS funded;
SELECT wallet_hold('f0000000-0000-0000-0000-000000000001', 3) AS hold \gset
SELECT wallet_capture(:'hold', :alice, 1, false) IS NOT NULL AS captured;
SELECT note, number IS NOT NULL AS numbered, since, cents, length(label) FROM wallets WHERE user_id = 'frank';
SELECT kind, row_id IS NOT NULL AS numbered, day, net FROM wallet_ledger WHERE 'frank' IN (from_user_id, to_user_id) ORDER BY transaction_id, leg;
SELECT amount, rest, reason FROM wallet_holds WHERE hold_id = :'hold';
SELECT wallet_fund('f0000000-0000-0000-0000-000000000001', 10, 'fund frank') IS NOT NULL AS replayed, balance, available FROM wallet_get('f0000000-0000-0000-0000-000000000001');
SELECT count(*) FROM wallet_receipt(wallet_transfer('f0000000-0000-0000-0000-000000000001', :bob, 1));
-- One that no operation can fill is refused where the row is written, and told of before.
BEGIN;
ALTER TABLE wallet_ledger ADD must text NOT NULL DEFAULT '';
ALTER TABLE wallet_ledger ALTER must DROP DEFAULT;
SELECT check_name, expected, actual FROM wallet_check();
SELECT wallet_fund(:alice, 1);
ROLLBACK;
SELECT * FROM wallet_check();
-- Domains: what they refuse, and a default of theirs.
CREATE DOMAIN explained AS text CHECK (VALUE IS NOT NULL);
CREATE DOMAIN channel AS text DEFAULT 'desk' NOT NULL;
BEGIN;
ALTER TABLE wallet_holds ADD explanation explained DEFAULT 'none';
ALTER TABLE wallet_holds ALTER explanation DROP DEFAULT;
SELECT wallet_hold(:alice, 1);
ROLLBACK;
BEGIN;
ALTER TABLE wallet_holds ADD by channel NOT NULL;
SELECT wallet_hold(:alice, 1) AS of_desk \gset
SELECT by FROM wallet_holds WHERE hold_id = :'of_desk';
SELECT * FROM wallet_check();
ROLLBACK;
ALTER TABLE wallets DROP note, DROP number, DROP since, DROP cents, DROP label;
ALTER TABLE wallet_ledger DROP row_id, DROP day, DROP net;
ALTER TABLE wallet_holds DROP rest, DROP reason;
SELECT wallet_release(:'hold') IS NOT NULL AS released;
SELECT balance, held, version FROM wallets WHERE user_id = 'frank';

-- What a refusal shows to whoever may not read the tables: nothing of another's wallet.
CREATE ROLE regress_constraints_payer;
GRANT EXECUTE ON FUNCTION wallet_transfer TO regress_constraints_payer;
\set VERBOSITY default
BEGIN;
ALTER TABLE wallets ADD CONSTRAINT not_so_much CHECK (user_id <> 'bob' OR balance < 200);
SET LOCAL ROLE regress_constraints_payer;
SELECT wallet_transfer(:alice, :bob, 200);
ROLLBACK;
BEGIN;
CREATE UNIQUE INDEX ON wallets (balance) WHERE user_id = 'bob' OR balance = 300;
SELECT wallet_transfer(:alice, 'f0000000-0000-0000-0000-000000000001', 300 - balance) IS NOT NULL AS paid FROM wallets WHERE user_id = 'frank';
SELECT 300 - balance AS missing FROM wallets WHERE id = :bob \gset
SET LOCAL ROLE regress_constraints_payer;
SELECT wallet_transfer(:alice, :bob, :missing);
ROLLBACK;
\set VERBOSITY terse
REVOKE EXECUTE ON FUNCTION wallet_transfer FROM regress_constraints_payer;
DROP ROLE regress_constraints_payer;

-- A publication refuses updates that its subscribers could not follow.
BEGIN;
CREATE PUBLICATION regress_constraints FOR TABLE wallets, wallet_holds;
SELECT wallet_fund(:alice, 1) IS NOT NULL AS funded, wallet_hold(:alice, 1) AS published_hold \gset
SAVEPOINT before;
ALTER TABLE wallets REPLICA IDENTITY NOTHING;
SELECT wallet_fund(:alice, 1);
ROLLBACK TO before;
ALTER TABLE wallet_holds REPLICA IDENTITY NOTHING;
SELECT wallet_release(:'published_hold');
ROLLBACK TO before;
ALTER PUBLICATION regress_constraints SET TABLE wallets WHERE (balance > 100);
SELECT wallet_fund(:alice, 1);
ROLLBACK TO before;
ALTER PUBLICATION regress_constraints SET TABLE wallets (user_id, balance);
SELECT wallet_fund(:alice, 1);
ROLLBACK TO before;
ALTER TABLE wallets REPLICA IDENTITY FULL;
SELECT wallet_fund(:alice, 1) IS NOT NULL AS funded;
ROLLBACK;
SELECT * FROM wallet_check();
SELECT currency, difference FROM wallet_totals();
