-- wallet_fund: money from outside; each argument, each error.
\getenv abs_srcdir PG_ABS_SRCDIR
\set helper :abs_srcdir '/sql/helpers/failure.sql'
\i :helper

\set alice '''a0000000-0000-0000-0000-000000000001'''
\set frozen '''a0000000-0000-0000-0000-000000000002'''
\set closed '''a0000000-0000-0000-0000-000000000003'''
\set capped '''a0000000-0000-0000-0000-000000000004'''
SELECT wallet_create('alice', 'USD', :alice);
-- States and limits are put in by hand: the guards leave INSERT open.
INSERT INTO wallets (id, user_id, currency, status, max_balance, created_at, updated_at)
VALUES (:frozen, 'alice', 'USD', 'frozen', NULL, now(), now()), (:closed, 'alice', 'USD', 'closed', NULL, now(), now()),
       (:capped, 'alice', 'USD', 'active', 100.0001, now(), now());

SELECT wallet_fund(:alice, 100) AS first \gset
SELECT wallet_fund(wallet_id => :alice, amount => 0.5, idempotency_key => 'fund', expected_version => 1, metadata => '{"till": 7}') AS second \gset
SELECT balance, held, version FROM wallets WHERE id = :alice;
\x on
SELECT leg, kind, from_wallet_id, from_version, from_balance, from_held, from_status, from_user_id, to_wallet_id, to_version,
       to_balance, to_held, to_status, to_user_id, amount, currency, idempotency_key, hold_id, reverses, forced, credit_limit,
       max_balance, expires_at, operation, requested_wallet_id, requested_amount, expires_in, final, metadata
FROM wallet_ledger WHERE transaction_id IN (:'first', :'second') ORDER BY to_version;
\x off
SELECT version, type, amount, balance_after, counterparty_wallet_id FROM wallet_transactions WHERE wallet_id = :alice ORDER BY version;

-- Times: strictly rising per wallet, also in one transaction; the id has created_at in its time bits.
BEGIN;
SELECT count(wallet_fund(:alice, 1)) FROM generate_series(1, 200);
COMMIT;
SELECT bool_and(later) AS created_at_rises, bool_and(id_later) AS ids_rise
FROM (SELECT created_at > lag(created_at) OVER steps AS later, transaction_id > lag(transaction_id) OVER steps AS id_later
      FROM wallet_transactions WHERE wallet_id = :alice WINDOW steps AS (ORDER BY version)) AS entry;
SELECT w.updated_at = e.created_at AS updated_at_is_the_newest_entrys
FROM wallets w JOIN wallet_transactions e ON (e.wallet_id, e.version) = (w.id, w.version) WHERE w.id = :alice;

-- NULL before malformed before amount.
SELECT failure('wallet_fund(NULL, 1)');
SELECT failure('wallet_fund(' || quote_literal(:alice) || ', NULL)');
SELECT failure('wallet_fund(''00000000-0000-0000-0000-000000000000'', NULL)');
SELECT failure('wallet_fund(''00000000-0000-0000-0000-000000000000'', 1)');
SELECT failure('wallet_fund(' || quote_literal(:alice) || ', ' || rest || ')')
FROM (VALUES ('1, '''''), ('1, repeat(''k'', 256)'), ('1, expected_version => -1'), ('1, metadata => ''[]'''),
             ('1, metadata => jsonb_build_object(''a'', repeat(''x'', 8184))'), ('-1, '''''), ('0')) AS argument (rest);

SELECT failure('wallet_fund(''dddddddd-0000-0000-0000-000000000001'', 1)');
SELECT failure('wallet_fund(' || quote_literal(:alice) || ', 1, expected_version => 7)');
SELECT failure('wallet_fund(' || quote_literal(:frozen) || ', 1)');
SELECT failure('wallet_fund(' || quote_literal(:closed) || ', 1)');
-- The highest balance may be reached and not passed.
SELECT failure('wallet_fund(' || quote_literal(:capped) || ', 100.0002)');
SELECT wallet_fund(:capped, 100.0001) IS NOT NULL AS funded;
SELECT failure('wallet_fund(' || quote_literal(:capped) || ', 0.0001)');
SELECT balance, version FROM wallets WHERE id = :capped;

-- Nothing of a refused call is left.
SELECT count(*) FROM wallet_ledger WHERE to_wallet_id IN (:frozen, :closed, 'dddddddd-0000-0000-0000-000000000001');
SELECT DISTINCT check_name FROM wallet_check(:alice);

-- The caller: session, role and application at the time of the call.
CREATE ROLE regress_fund_clerk;
GRANT EXECUTE ON FUNCTION wallet_fund TO regress_fund_clerk;
SET application_name = 'till 7';
SET ROLE regress_fund_clerk;
SELECT wallet_fund(:alice, 1) AS by_clerk \gset
SELECT count(*) FROM wallets;
RESET ROLE;
SELECT session_user_name = session_user AS by_session_user, current_user_name, application_name
FROM wallet_ledger WHERE transaction_id = :'by_clerk';
DROP OWNED BY regress_fund_clerk;
DROP ROLE regress_fund_clerk;
