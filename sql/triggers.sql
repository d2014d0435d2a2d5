-- Triggers of the administrator act on the rows of operations as on those of INSERT and UPDATE (INV-13).
\set alice '''a0000000-0000-0000-0000-000000000001'''
\set bob '''b0000000-0000-0000-0000-000000000001'''
\set carol '''c0000000-0000-0000-0000-000000000001'''
SELECT wallet_create('alice', 'USD', :alice), wallet_create('bob', 'USD', :bob);
SELECT wallet_fund(:alice, 100) IS NOT NULL AS funded;

CREATE TABLE heard (place serial, what text);
CREATE FUNCTION hear_row() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    new_row jsonb := to_jsonb(NEW);
    old_row jsonb := to_jsonb(OLD);
BEGIN
    INSERT INTO heard (what) VALUES (concat_ws(' ', tg_when, tg_op, tg_table_name, CASE tg_table_name
        WHEN 'wallets' THEN concat_ws(' ', new_row ->> 'user_id', (old_row ->> 'balance') || ' to', new_row ->> 'balance')
        WHEN 'wallet_ledger' THEN concat_ws(' ', new_row ->> 'kind', new_row ->> 'amount', 'key ' || (new_row ->> 'idempotency_key'))
        ELSE concat_ws(' ', new_row ->> 'status', new_row ->> 'amount', 'less', new_row ->> 'captured', 'and', new_row ->> 'released') END));
    RETURN NEW;
END
$$;
CREATE FUNCTION hear_statement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO heard (what) VALUES (concat_ws(' ', tg_when, tg_op, tg_table_name, 'STATEMENT', tg_argv[0]));
    RETURN NULL;
END
$$;
CREATE FUNCTION hear_tables() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO heard (what) SELECT concat_ws(' ', tg_op, tg_table_name, 'rows:', count(*)) FROM new_rows;
    RETURN NULL;
END
$$;
CREATE FUNCTION heard() RETURNS SETOF text LANGUAGE sql AS $$
    WITH gone AS (DELETE FROM heard RETURNING place, what) SELECT what FROM gone ORDER BY place
$$;

-- Rows and statements of all three tables, by every operation that writes them.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['wallets', 'wallet_ledger', 'wallet_holds'] LOOP
        EXECUTE format('CREATE TRIGGER hear_row AFTER INSERT OR UPDATE ON %I FOR EACH ROW EXECUTE FUNCTION hear_row()', name);
        EXECUTE format('CREATE TRIGGER hear_before BEFORE INSERT OR UPDATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION hear_statement()', name);
        EXECUTE format('CREATE TRIGGER hear_inserted AFTER INSERT ON %I REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION hear_tables()', name);
        EXECUTE format('CREATE TRIGGER hear_updated AFTER UPDATE ON %I REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION hear_tables()', name);
    END LOOP;
END
$$;
SELECT wallet_create('carol', 'USD', :carol, 'create carol');
SELECT heard();
SELECT wallet_transfer(:alice, :bob, 5, 'pay bob') IS NOT NULL AS paid;
SELECT heard();
SELECT wallet_hold(:alice, 10, '1 day', 'hold') AS hold \gset
SELECT heard();
SELECT wallet_capture(:'hold', :bob, 4) IS NOT NULL AS captured;
SELECT heard();
-- Each wallet once and one statement, however many transfers.
SELECT index, sqlstate FROM wallet_transfer_batch(ARRAY[:alice, :alice, :bob]::uuid[], ARRAY[:bob, :carol, :carol]::uuid[], ARRAY[1, 2, 3],
                                                  ARRAY['batch 1', 'batch 2', 'batch 3']);
SELECT heard();
-- What changes nothing fires nothing: a replay, a refusal.
SELECT wallet_transfer(:alice, :bob, 5, 'pay bob') IS NOT NULL AS replayed;
\set VERBOSITY terse
SELECT wallet_transfer(:alice, :bob, 5000, 'too much');
SELECT heard();
SELECT count(wallet_hold(:alice, 1, '1 microsecond')) FROM generate_series(1, 2);
SELECT wallet_expire_holds() > 0 AS expired, wallet_freeze(:carol) IS NOT NULL AS frozen, wallet_set_limits(:carol, 5) IS NOT NULL AS limited;
SELECT what, count(*) FROM heard() AS what WHERE what LIKE 'AFTER%' AND what NOT LIKE '%wallets%' GROUP BY what ORDER BY what;
SELECT wallet_unfreeze(:carol) IS NOT NULL AS active,
       wallet_reverse((SELECT transaction_id FROM wallet_ledger WHERE idempotency_key = 'pay bob')) IS NOT NULL AS reversed,
       wallet_post(ARRAY[ROW(:alice, :bob, 1)::wallet_leg, ROW(:bob, :carol, 2)::wallet_leg]) IS NOT NULL AS posted;
SELECT heard();
-- What is rolled back was never heard.
BEGIN;
SAVEPOINT before;
SELECT wallet_fund(:alice, 1) IS NOT NULL AS funded;
ROLLBACK TO before;
SELECT heard();
COMMIT;
-- Disabled ones don't fire; in the role replica those that always fire do.
ALTER TABLE wallets DISABLE TRIGGER hear_row;
ALTER TABLE wallet_ledger DISABLE TRIGGER USER;
ALTER TABLE wallet_ledger ENABLE ALWAYS TRIGGER wallet_guard, ENABLE ALWAYS TRIGGER wallet_guard_row, ENABLE ALWAYS TRIGGER wallet_guard_kin,
    ENABLE ALWAYS TRIGGER wallet_guard_insert;
SELECT wallet_fund(:alice, 1) IS NOT NULL AS funded;
SELECT heard();
ALTER TABLE wallet_ledger ENABLE ALWAYS TRIGGER hear_row;
SET session_replication_role = replica;
SELECT wallet_fund(:alice, 1) IS NOT NULL AS funded;
RESET session_replication_role;
SELECT heard();
DROP TRIGGER hear_before ON wallets;
DROP TRIGGER hear_before ON wallet_ledger;
DROP TRIGGER hear_before ON wallet_holds;
DROP FUNCTION hear_tables() CASCADE;
DROP FUNCTION hear_row() CASCADE;

-- On columns and conditions: only what changes.
CREATE TRIGGER hear_status AFTER UPDATE OF status ON wallets FOR EACH STATEMENT EXECUTE FUNCTION hear_statement('of status');
CREATE TRIGGER hear_version AFTER UPDATE OF version ON wallets FOR EACH STATEMENT EXECUTE FUNCTION hear_statement('of version');
CREATE TRIGGER hear_large AFTER INSERT ON wallet_ledger FOR EACH ROW WHEN (NEW.amount >= 50) EXECUTE FUNCTION hear_statement('of 50 or more');
SELECT wallet_fund(:alice, 1) IS NOT NULL AS funded;
SELECT heard();
SELECT wallet_freeze(:bob) IS NOT NULL AS frozen, wallet_unfreeze(:bob) IS NOT NULL AS active;
SELECT heard();
SELECT wallet_fund(:alice, 50) IS NOT NULL AS funded;
SELECT heard();
DROP FUNCTION hear_statement() CASCADE;

-- A BEFORE trigger may refuse, and set added columns; it may not leave out a row or change what the operation sets.
\set VERBOSITY default
CREATE FUNCTION before_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    CASE current_setting('test.before')
        WHEN 'leave out' THEN RETURN NULL;
        WHEN 'change' THEN IF tg_table_name = 'wallet_holds' THEN NEW.amount := NEW.amount + 1;
                           ELSIF tg_table_name = 'wallets' THEN NEW.balance := NEW.balance + 1;
                           ELSE NEW.metadata := '{"changed": true}'; END IF;
        WHEN 'refuse' THEN RAISE 'not on Sundays' USING ERRCODE = 'P0042';
        WHEN 'note' THEN NEW.note := 'noted ' || tg_op;
        WHEN 'call' THEN PERFORM wallet_fund('b0000000-0000-0000-0000-000000000001', 1);
        WHEN 'read' THEN PERFORM wallet_get('a0000000-0000-0000-0000-000000000001'), wallet_receipt(NEW.transaction_id), wallet_lookup('nothing');
        WHEN 'read entries' THEN PERFORM wallet_statement('a0000000-0000-0000-0000-000000000001');
        ELSE NULL;
    END CASE;
    RETURN NEW;
END
$$;
ALTER TABLE wallets ADD note text;
ALTER TABLE wallet_ledger ADD note text;
ALTER TABLE wallet_holds ADD note text;
CREATE TRIGGER before_row BEFORE INSERT OR UPDATE ON wallets FOR EACH ROW EXECUTE FUNCTION before_row();
SET test.before = 'leave out';
SELECT wallet_fund(:alice, 1);
SELECT wallet_create('dora');
SET test.before = 'change';
SELECT wallet_fund(:alice, 1);
SET test.before = 'refuse';
SELECT wallet_fund(:alice, 1);
SET test.before = 'call';
SELECT wallet_fund(:alice, 1);
DROP TRIGGER before_row ON wallets;
CREATE TRIGGER before_row BEFORE INSERT OR UPDATE ON wallet_ledger FOR EACH ROW EXECUTE FUNCTION before_row();
\set VERBOSITY terse
SET test.before = 'leave out';
SELECT wallet_fund(:alice, 1);
SET test.before = 'change';
SELECT wallet_fund(:alice, 1);
SET test.before = 'call';
SELECT wallet_fund(:alice, 1);
-- Reads go on, but for those that need each wallet's newest entry.
SET test.before = 'read';
SELECT wallet_fund(:alice, 1) IS NOT NULL AS funded;
SET test.before = 'read entries';
SELECT wallet_fund(:alice, 1);
DROP TRIGGER before_row ON wallet_ledger;
CREATE TRIGGER before_row BEFORE INSERT OR UPDATE ON wallet_holds FOR EACH ROW EXECUTE FUNCTION before_row();
SET test.before = 'leave out';
SELECT wallet_hold(:alice, 1);
SET test.before = 'change';
SELECT wallet_hold(:alice, 1);
-- All of them, and each refused call has left nothing behind, not even a place in the statement.
CREATE TRIGGER before_row BEFORE INSERT OR UPDATE ON wallets FOR EACH ROW EXECUTE FUNCTION before_row();
CREATE TRIGGER before_row BEFORE INSERT OR UPDATE ON wallet_ledger FOR EACH ROW EXECUTE FUNCTION before_row();
SET test.before = 'note';
SELECT wallet_hold(:alice, 1, '1 day', 'noted') AS hold \gset
SELECT wallet_release(:'hold') IS NOT NULL AS released;
SELECT l.note AS of_ledger, h.note AS of_hold, w.note AS of_wallet
FROM wallet_ledger l JOIN wallet_holds h USING (hold_id) JOIN wallets w ON w.id = h.wallet_id WHERE l.idempotency_key = 'noted';
SET test.before = 'nothing';
SELECT wallet_fund(:alice, 1) IS NOT NULL AS funded;
SELECT note FROM wallets WHERE id = :alice;
DROP FUNCTION before_row() CASCADE;

-- An AFTER trigger may call an operation: a fee for each transfer, once.
CREATE FUNCTION take_fee() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM wallet_transfer(NEW.from_wallet_id, 'c0000000-0000-0000-0000-000000000001', 0.1, 'fee ' || NEW.idempotency_key);
    RETURN NULL;
END
$$;
CREATE TRIGGER take_fee AFTER INSERT ON wallet_ledger FOR EACH ROW WHEN (NEW.kind = 'TRANSFER' AND NEW.idempotency_key LIKE 'pay%') EXECUTE FUNCTION take_fee();
SELECT wallet_transfer(:alice, :bob, 2, 'pay with fee') IS NOT NULL AS paid, wallet_transfer(:alice, :bob, 2, 'pay with fee') IS NOT NULL AS replayed;
SELECT count(sqlstate) FROM wallet_transfer_batch(ARRAY[:alice, :bob]::uuid[], ARRAY[:bob, :alice]::uuid[], ARRAY[1, 1], ARRAY['pay batch 1', 'pay batch 2']);
SELECT idempotency_key, amount FROM wallet_ledger WHERE idempotency_key ~ 'fee|pay batch' ORDER BY transaction_id;
-- wallet.replayed tells of the call that fired it, not of what the trigger has called.
CREATE OR REPLACE FUNCTION take_fee() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM wallet_fund('c0000000-0000-0000-0000-000000000001', 1, 'noticed');
    RAISE NOTICE 'replayed: %', current_setting('wallet.replayed');
    IF NEW.idempotency_key = 'pay refused' THEN RAISE 'refused'; END IF;
    RETURN NULL;
END
$$;
SELECT wallet_fund(:carol, 1, 'noticed') IS NOT NULL AS funded;
SELECT wallet_transfer(:alice, :bob, 0.1, 'pay noticed') IS NOT NULL AS paid, current_setting('wallet.replayed') AS replayed;
SELECT count(*), current_setting('wallet.replayed') AS replayed FROM wallet_transfer_batch(ARRAY[:bob]::uuid[], ARRAY[:alice]::uuid[], '{0.1}', '{pay in batch}');
SELECT wallet_transfer(:alice, :bob, 0.1, 'pay refused');
SHOW wallet.replayed;
DROP TRIGGER take_fee ON wallet_ledger;

-- Deferred to the commit.
CREATE FUNCTION refuse_late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused at the end'; END $$;
CREATE CONSTRAINT TRIGGER refuse_late AFTER INSERT ON wallet_ledger DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.kind = 'WITHDRAW') EXECUTE FUNCTION refuse_late();
BEGIN;
SELECT wallet_withdraw(:alice, 1, 'late') IS NOT NULL AS withdrawn;
COMMIT;
SELECT * FROM wallet_lookup('late');
CREATE OR REPLACE FUNCTION refuse_late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM wallet_fund(NEW.from_wallet_id, NEW.amount, 'back'); RETURN NULL; END $$;
BEGIN;
SELECT wallet_withdraw(:alice, 1, 'late') IS NOT NULL AS withdrawn;
COMMIT;
SELECT operation FROM wallet_lookup('back');
DROP TRIGGER refuse_late ON wallet_ledger;

-- As whom: the caller, whose own columns the row has too.
CREATE ROLE regress_triggers_caller;
GRANT EXECUTE ON FUNCTION wallet_fund TO regress_triggers_caller;
CREATE FUNCTION hear_caller() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE 'as %, called by %', current_user, NEW.current_user_name;
    RETURN NULL;
END
$$;
CREATE TRIGGER hear_caller AFTER INSERT ON wallet_ledger FOR EACH ROW EXECUTE FUNCTION hear_caller();
SET ROLE regress_triggers_caller;
SELECT wallet_fund(:alice, 1) IS NOT NULL AS funded;
RESET ROLE;
DROP TRIGGER hear_caller ON wallet_ledger;

CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused'; END $$;

-- A guard on other events is a trigger like others, and one with another name is still the guard.
CREATE TRIGGER closed_today BEFORE INSERT ON wallet_ledger FOR EACH STATEMENT EXECUTE FUNCTION wallet_guard();
SELECT wallet_fund(:alice, 1);
DROP TRIGGER closed_today ON wallet_ledger;
BEGIN;
ALTER TRIGGER wallet_guard ON wallets RENAME TO another_name;
SELECT wallet_fund(:alice, 1) IS NOT NULL AS funded;
SELECT check_name, expected, actual FROM wallet_check();
ROLLBACK;

-- A BEFORE trigger that writes the row of an operation, or another that it is to write, where the guards are off: as in an UPDATE.
BEGIN;
ALTER TABLE wallets DISABLE TRIGGER USER;
ALTER TABLE wallet_holds DISABLE TRIGGER USER;
ALTER TABLE wallets DROP IF EXISTS note, ADD note text;
CREATE FUNCTION write_before() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() = 1 THEN
        IF tg_argv[0] = 'wallets' THEN UPDATE wallets SET note = 'written' WHERE id = NEW.id;
        ELSE UPDATE wallet_holds SET created_at = created_at WHERE status = 'open'; END IF;
    END IF;
    RETURN NEW;
END
$$;
SELECT wallet_hold(:alice, 1) AS hold \gset
CREATE TRIGGER write_before BEFORE UPDATE ON wallets FOR EACH ROW EXECUTE FUNCTION write_before('wallets');
SAVEPOINT before;
\set VERBOSITY default
SELECT wallet_fund(:alice, 1);
\set VERBOSITY terse
ROLLBACK TO before;
DROP TRIGGER write_before ON wallets;
CREATE TRIGGER write_before BEFORE UPDATE ON wallets FOR EACH ROW EXECUTE FUNCTION write_before('holds');
SAVEPOINT before;
SELECT wallet_release(:'hold');
ROLLBACK TO before;
DROP TRIGGER write_before ON wallets;
CREATE TRIGGER write_before BEFORE UPDATE ON wallet_holds FOR EACH ROW EXECUTE FUNCTION write_before('holds');
SAVEPOINT before;
SELECT wallet_capture(:'hold');
ROLLBACK TO before;
ROLLBACK;

-- Whatever else of the administrator's runs between the rows of a call may not call an operation either.
CREATE FUNCTION pay_again(amount numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF amount = 13 THEN
        PERFORM wallet_fund('b0000000-0000-0000-0000-000000000001', 13);
    END IF;
    RETURN amount;
END
$$;
BEGIN;
CREATE INDEX ON wallet_ledger (pay_again(amount));
SAVEPOINT before;
SELECT wallet_fund(:alice, 13);
ROLLBACK TO before;
SELECT wallet_fund(:alice, 12) IS NOT NULL AS funded;
ROLLBACK;
BEGIN;
CREATE INDEX ON wallets (balance) WHERE pay_again(held) <> 13;
SAVEPOINT before;
SELECT wallet_hold(:alice, 13);
ROLLBACK TO before;
SELECT wallet_hold(:alice, 12) IS NOT NULL AS held;
ROLLBACK;
BEGIN;
ALTER TABLE wallet_ledger ADD CHECK (pay_again(amount) > 0) NOT VALID;
SELECT wallet_fund(:alice, 13);
ROLLBACK;
BEGIN;
ALTER TABLE wallet_ledger ADD fee numeric;
ALTER TABLE wallet_ledger ALTER fee SET DEFAULT pay_again(13);
SELECT wallet_transfer(:alice, :bob, 1);
ROLLBACK;

-- Put on, taken off and put on again in the transaction that has written already.
BEGIN;
SELECT wallet_fund(:alice, 1) IS NOT NULL AS funded;
CREATE TRIGGER hear_caller AFTER UPDATE ON wallets FOR EACH ROW EXECUTE FUNCTION refuse();
SAVEPOINT before;
SELECT wallet_fund(:alice, 1);
ROLLBACK TO before;
DROP TRIGGER hear_caller ON wallets;
SELECT wallet_fund(:alice, 1) IS NOT NULL AS funded;
COMMIT;
SELECT * FROM wallet_check();
SELECT currency, difference FROM wallet_totals();
REVOKE ALL ON FUNCTION wallet_fund FROM regress_triggers_caller;
DROP ROLE regress_triggers_caller;
