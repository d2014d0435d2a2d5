-- Tens of thousands of calls in one transaction keep no lock each: the server's lock table is small, and others need it.
CREATE FUNCTION locks() RETURNS text LANGUAGE sql AS
    $$SELECT CASE WHEN count(*) < 100 THEN 'few' ELSE count(*)::text END FROM pg_locks WHERE pid = pg_backend_pid()$$;
CREATE TABLE many AS SELECT wallet_create('many') AS id FROM generate_series(1, 20000) AS n;
CREATE TABLE few AS SELECT id FROM many ORDER BY id LIMIT 300;
SELECT count(wallet_fund(id, 100)) FROM many;
BEGIN;
SELECT count(wallet_hold(id, 1, '1 day', 'hold ' || id)) AS holds, locks() FROM many;
-- The others by some wallets: a lock each would show as well.
SELECT count(wallet_freeze(id)) AS freezes, locks() FROM few;
SELECT count(wallet_unfreeze(id)) AS unfreezes, locks() FROM few;
SELECT count(wallet_set_limits(id, 5)) AS limits, locks() FROM few;
SELECT count(wallet_capture(hold_id, amount => 0.5, final => false)) AS captures, locks() FROM wallet_holds WHERE wallet_id IN (TABLE few);
SELECT count(wallet_withdraw(id, 1)) AS withdrawals, locks() FROM few;
SELECT count(wallet_transfer(id, (SELECT max(id::text)::uuid FROM many), 1)) AS transfers, locks() FROM few;
SELECT count(wallet_reverse(transaction_id)) AS reversals, locks() FROM wallet_ledger WHERE kind = 'TRANSFER';
SELECT count(wallet_release(hold_id)) AS releases, locks() FROM wallet_holds WHERE wallet_id IN (TABLE few);
SELECT count(wallet_hold(id, 1, '1 microsecond')) AS expiring, locks() FROM few;
SELECT wallet_expire_holds() AS expired, locks();
SELECT count(wallet_close(id)) AS closed, locks() FROM (SELECT wallet_create('closed') AS id FROM few) AS new;
ROLLBACK;
SELECT currency, difference FROM wallet_totals();
-- The place at the head of a wallet's line of waiters is kept for a transfer's two wallets, and given up with the transaction.
CREATE FUNCTION heads_of_lines() RETURNS bigint LANGUAGE sql AS
    $$SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory' AND objsubid = x'5701'::int$$;
CREATE TABLE three AS SELECT id, row_number() OVER (ORDER BY id) AS n FROM (SELECT id FROM many LIMIT 3) AS first;
-- A wallet that nobody holds is written without a place in line, unless its table has additions.
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER addition AFTER UPDATE ON wallets FOR EACH ROW EXECUTE FUNCTION nothing();
BEGIN;
SELECT count(wallet_withdraw(id, 1)) AS withdrawals, heads_of_lines() FROM three WHERE n = 1;
SELECT count(wallet_withdraw(id, 1)) AS again, heads_of_lines() FROM three WHERE n = 1;
SELECT count(wallet_withdraw(id, 1)) AS others, heads_of_lines() FROM three WHERE n > 1;
ROLLBACK;
BEGIN;
SELECT count(wallet_withdraw(id, 1)) AS withdrawals, heads_of_lines() FROM three WHERE n = 3;
ROLLBACK;
