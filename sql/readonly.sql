-- What may not write is refused with 25006, before anything else.
\getenv abs_srcdir PG_ABS_SRCDIR
\set helper :abs_srcdir '/sql/helpers/failure.sql'
\i :helper

\set alice '''a0000000-0000-0000-0000-000000000001'''
SELECT wallet_create('alice', 'USD', :alice);
SELECT wallet_fund(:alice, 100, 'first') AS first \gset

CREATE VIEW operation AS SELECT * FROM (VALUES
    ('wallet_create(''x'')'),
    ('wallet_fund(''a0000000-0000-0000-0000-000000000001'', 1)'),
    ('wallet_withdraw(''a0000000-0000-0000-0000-000000000001'', 1)'),
    ('wallet_transfer(''a0000000-0000-0000-0000-000000000001'', ''b0000000-0000-0000-0000-000000000001'', 1)'),
    ('wallet_transfer_grouped(''a0000000-0000-0000-0000-000000000001'', ''b0000000-0000-0000-0000-000000000001'', 1)'),
    ('wallet_lock(''{a0000000-0000-0000-0000-000000000001}'')'),
    ('wallet_hold(''a0000000-0000-0000-0000-000000000001'', 1)'),
    ('wallet_capture(''a0000000-0000-0000-0000-000000000001'')'),
    ('wallet_release(''a0000000-0000-0000-0000-000000000001'')'),
    ('wallet_expire_holds()'),
    ('wallet_reverse(''a0000000-0000-0000-0000-000000000001'')'),
    ('wallet_reverse_force(''a0000000-0000-0000-0000-000000000001'')'),
    ('wallet_post(NULL)'),
    ('wallet_transfer_batch(NULL, NULL, NULL, atomic => false)'),
    ('wallet_freeze(''a0000000-0000-0000-0000-000000000001'')'),
    ('wallet_unfreeze(''a0000000-0000-0000-0000-000000000001'')'),
    ('wallet_close(''a0000000-0000-0000-0000-000000000001'')'),
    ('wallet_set_limits(''a0000000-0000-0000-0000-000000000001'')'),
    ('wallet_fund(''a0000000-0000-0000-0000-000000000001'', 100, ''first'')')) AS operation (call);

BEGIN READ ONLY;
SELECT failure(call) FROM operation;
SELECT balance FROM wallet_get(:alice);
COMMIT;
BEGIN;
SELECT wallet_fund(:alice, 1) IS NOT NULL AS funded;
SET TRANSACTION READ ONLY;
SELECT failure(call) FROM operation LIMIT 2;
COMMIT;
SET default_transaction_read_only = on;
SELECT failure(call) FROM operation LIMIT 2;
RESET default_transaction_read_only;
BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE;
SELECT failure(call) FROM operation LIMIT 2;
COMMIT;

-- A function wrongly called parallel safe, in a parallel worker and in its leader.
CREATE FUNCTION safe(call text) RETURNS text LANGUAGE plpgsql PARALLEL SAFE AS $$
BEGIN
    EXECUTE 'SELECT ' || call;
    RETURN 'no error';
END
$$;
CREATE TABLE many (call text);
INSERT INTO many SELECT call FROM operation, generate_series(1, 300);
ANALYZE many;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET parallel_leader_participation = off;
\set VERBOSITY terse
\set SHOW_CONTEXT never
SELECT count(safe(call)) FROM many WHERE call LIKE 'wallet_fund%';
SELECT count(safe(call)) FROM many WHERE call LIKE 'wallet_create%';
SET parallel_leader_participation = on;
SET max_parallel_workers = 0;
SELECT count(safe(call)) FROM many WHERE call LIKE 'wallet_withdraw%';
RESET ALL;
-- Rightly labelled, they are not run in parallel.
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT wallet_fund(:alice, 1) FROM many;
RESET ALL;
SELECT balance, version FROM wallets;
SELECT count(*) AS divergences FROM wallet_check();
