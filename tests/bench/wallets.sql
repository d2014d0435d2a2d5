-- The wallets of both candidates, equal to the byte: made by the extension, copied for the baseline.
-- Ids are UUIDs of version 7 that a number makes without formatting, so that the scripts of pgbench
-- cost next to nothing: '0195000000007000' || (9000000000000000 + n).
CREATE EXTENSION wallet;
CREATE EXTENSION pg_walinspect;
CREATE EXTENSION pg_prewarm;

SELECT count(wallet_create('user-' || n, 'USD', ('0195000000007000' || 9000000000000000 + n)::uuid))
FROM generate_series(1, :wallets) AS n;
SELECT count(wallet_fund(('0195000000007000' || 9000000000000000 + n)::uuid, 1000000))
FROM generate_series(1, :wallets) AS n;

\if :baseline
\ir plpgsql.sql
INSERT INTO bench_plpgsql.wallets SELECT * FROM wallets;
INSERT INTO bench_plpgsql.wallet_ledger SELECT * FROM wallet_ledger;
\endif
