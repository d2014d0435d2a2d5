-- wallet_withdraw: money to outside; each argument, each error.
\getenv abs_srcdir PG_ABS_SRCDIR
\set helper :abs_srcdir '/sql/helpers/failure.sql'
\i :helper

\set alice '''a0000000-0000-0000-0000-000000000001'''
\set frozen '''a0000000-0000-0000-0000-000000000002'''
\set closed '''a0000000-0000-0000-0000-000000000003'''
\set credit '''a0000000-0000-0000-0000-000000000004'''
\set held '''a0000000-0000-0000-0000-000000000005'''
SELECT wallet_create('alice', 'USD', :alice);
SELECT wallet_fund(:alice, 100) IS NOT NULL AS funded;
-- States and limits are put in by hand: the guards leave INSERT open.
INSERT INTO wallets (id, user_id, currency, balance, held, credit_limit, status, max_balance, created_at, updated_at)
VALUES (:frozen, 'alice', 'USD', 5, 0, 0, 'frozen', NULL, now(), now()), (:closed, 'alice', 'USD', 5, 0, 0, 'closed', NULL, now(), now()),
       (:credit, 'alice', 'USD', 10, 0, 50.5, 'active', 5, now(), now()), (:held, 'alice', 'USD', 10, 9, 1, 'active', NULL, now(), now());

SELECT wallet_withdraw(:alice, 30) AS first \gset
SELECT wallet_withdraw(wallet_id => :alice, amount => 0.0001, idempotency_key => 'withdraw', expected_version => 2, metadata => '{"till": 7}') AS second \gset
SELECT balance, held, version FROM wallets WHERE id = :alice;
\x on
SELECT leg, kind, from_wallet_id, from_version, from_balance, from_held, from_status, from_user_id, to_wallet_id, to_version,
       to_balance, to_held, to_status, to_user_id, amount, currency, idempotency_key, forced, operation, metadata
FROM wallet_ledger WHERE transaction_id IN (:'first', :'second') ORDER BY from_version;
\x off
SELECT version, type, amount, balance_after, counterparty_wallet_id FROM wallet_transactions WHERE wallet_id = :alice ORDER BY version;

-- NULL before malformed before amount.
SELECT failure('wallet_withdraw(NULL, 1)');
SELECT failure('wallet_withdraw(' || quote_literal(:alice) || ', NULL)');
SELECT failure('wallet_withdraw(''00000000-0000-0000-0000-000000000000'', 1)');
SELECT failure('wallet_withdraw(' || quote_literal(:alice) || ', ' || rest || ')')
FROM (VALUES ('1, '''''), ('1, repeat(''k'', 256)'), ('1, expected_version => -1'), ('1, metadata => ''[]'''), ('0')) AS argument (rest);

SELECT failure('wallet_withdraw(''dddddddd-0000-0000-0000-000000000001'', 1)');
SELECT failure('wallet_withdraw(' || quote_literal(:alice) || ', 1, expected_version => 2)');
SELECT failure('wallet_withdraw(' || quote_literal(:frozen) || ', 1)');
SELECT failure('wallet_withdraw(' || quote_literal(:closed) || ', 1)');
SELECT failure('wallet_withdraw(' || quote_literal(:alice) || ', 70)');
SELECT failure('wallet_withdraw(' || quote_literal(:alice) || ', 70.0000)');
SELECT wallet_withdraw(:alice, 69.9999) IS NOT NULL AS emptied;
SELECT failure('wallet_withdraw(' || quote_literal(:alice) || ', 0.0001)');

-- available = balance - held + credit_limit; a highest balance below the balance hinders nothing.
SELECT failure('wallet_withdraw(' || quote_literal(:credit) || ', 60.5001)');
SELECT wallet_withdraw(:credit, 60.5) IS NOT NULL AS withdrawn;
SELECT failure('wallet_withdraw(' || quote_literal(:credit) || ', 0.0001)');
SELECT failure('wallet_withdraw(' || quote_literal(:held) || ', 2.0001)');
SELECT wallet_withdraw(:held, 2) IS NOT NULL AS withdrawn;
SELECT id, balance, held, version FROM wallets ORDER BY id;
SELECT from_balance, from_held FROM wallet_ledger WHERE from_wallet_id IN (:credit, :held) ORDER BY from_wallet_id;
SELECT DISTINCT check_name FROM wallet_check(:alice);
