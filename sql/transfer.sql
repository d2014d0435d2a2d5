-- wallet_transfer: money between two wallets; each argument, each error.
\getenv abs_srcdir PG_ABS_SRCDIR
\set helper :abs_srcdir '/sql/helpers/failure.sql'
\i :helper

\set alice '''a0000000-0000-0000-0000-000000000001'''
\set bob '''b0000000-0000-0000-0000-000000000001'''
\set euro '''e0000000-0000-0000-0000-000000000001'''
\set nobody '''d0000000-0000-0000-0000-000000000001'''
SELECT wallet_create('alice', 'USD', :alice), wallet_create('bob', 'USD', :bob), wallet_create('eve', 'EUR', :euro);
SELECT wallet_fund(:alice, 100) IS NOT NULL AS funded;

-- Up and down the order of ids.
SELECT wallet_transfer(:alice, :bob, 30) AS first \gset
SELECT wallet_transfer(from_wallet_id => :bob, to_wallet_id => :alice, amount => 0.0001, idempotency_key => 'pay', expected_version => 1, metadata => '{"order": 7}') AS second \gset
SELECT user_id, balance, held, version FROM wallets ORDER BY id;
\x on
SELECT leg, kind, from_wallet_id, from_version, from_balance, from_held, from_status, from_user_id, to_wallet_id, to_version,
       to_balance, to_held, to_status, to_user_id, amount, currency, idempotency_key, forced, operation, metadata
FROM wallet_ledger WHERE transaction_id IN (:'first', :'second') ORDER BY created_at;
\x off
SELECT user_id, version, type, amount, balance_after, counterparty_wallet_id FROM wallet_transactions
WHERE transaction_id IN (:'first', :'second') ORDER BY created_at, type;
SELECT count(DISTINCT created_at) AS times, count(*) AS entries FROM wallet_receipt(:'first');

-- NULL, malformed, amount, same wallet.
SELECT failure('wallet_transfer(' || arguments || ')')
FROM (VALUES ($$NULL, 'b0000000-0000-0000-0000-000000000001', 1$$),
             ($$'a0000000-0000-0000-0000-000000000001', NULL, 1$$),
             ($$'a0000000-0000-0000-0000-000000000001', 'b0000000-0000-0000-0000-000000000001', NULL$$),
             ($$'00000000-0000-0000-0000-000000000000', NULL, 1$$),
             ($$'00000000-0000-0000-0000-000000000000', 'b0000000-0000-0000-0000-000000000001', 1$$),
             ($$'a0000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000000', 1$$),
             ($$'a0000000-0000-0000-0000-000000000001', 'b0000000-0000-0000-0000-000000000001', 1, ''$$),
             ($$'a0000000-0000-0000-0000-000000000001', 'b0000000-0000-0000-0000-000000000001', 1, expected_version => -1$$),
             ($$'a0000000-0000-0000-0000-000000000001', 'b0000000-0000-0000-0000-000000000001', 1, metadata => '"x"'$$),
             ($$'a0000000-0000-0000-0000-000000000001', 'b0000000-0000-0000-0000-000000000001', 0$$),
             ($$'a0000000-0000-0000-0000-000000000001', 'a0000000-0000-0000-0000-000000000001', 1$$)) AS request (arguments);

-- Either wallet unknown; the payer's version; other currency; too little.
SELECT failure('wallet_transfer(' || arguments || ')')
FROM (VALUES ($$'d0000000-0000-0000-0000-000000000001', 'b0000000-0000-0000-0000-000000000001', 1$$),
             ($$'a0000000-0000-0000-0000-000000000001', 'd0000000-0000-0000-0000-000000000001', 1$$),
             ($$'a0000000-0000-0000-0000-000000000001', 'b0000000-0000-0000-0000-000000000001', 1, expected_version => 2$$),
             ($$'b0000000-0000-0000-0000-000000000001', 'a0000000-0000-0000-0000-000000000001', 1, expected_version => 3$$),
             ($$'a0000000-0000-0000-0000-000000000001', 'e0000000-0000-0000-0000-000000000001', 1$$),
             ($$'e0000000-0000-0000-0000-000000000001', 'a0000000-0000-0000-0000-000000000001', 1$$),
             ($$'a0000000-0000-0000-0000-000000000001', 'b0000000-0000-0000-0000-000000000001', 70.0002$$)) AS request (arguments);

-- Each side frozen, closed or full, one after the other.
INSERT INTO wallets (id, user_id, currency, balance, status, max_balance, created_at, updated_at)
VALUES ('f0000000-0000-0000-0000-000000000001', 'f', 'USD', 5, 'frozen', NULL, now(), now()),
       ('c0000000-0000-0000-0000-000000000001', 'c', 'USD', 5, 'closed', NULL, now(), now()),
       ('aa000000-0000-0000-0000-000000000001', 'm', 'USD', 5, 'active', 7, now(), now());
SELECT failure('wallet_transfer(' || arguments || ')')
FROM (VALUES ($$'a0000000-0000-0000-0000-000000000001', 'f0000000-0000-0000-0000-000000000001', 1$$),
             ($$'f0000000-0000-0000-0000-000000000001', 'a0000000-0000-0000-0000-000000000001', 1$$),
             ($$'a0000000-0000-0000-0000-000000000001', 'c0000000-0000-0000-0000-000000000001', 1$$),
             ($$'c0000000-0000-0000-0000-000000000001', 'a0000000-0000-0000-0000-000000000001', 1$$),
             ($$'f0000000-0000-0000-0000-000000000001', 'c0000000-0000-0000-0000-000000000001', 1$$),
             ($$'c0000000-0000-0000-0000-000000000001', 'f0000000-0000-0000-0000-000000000001', 1$$),
             ($$'a0000000-0000-0000-0000-000000000001', 'aa000000-0000-0000-0000-000000000001', 2.0001$$)) AS request (arguments);
SELECT wallet_transfer(:alice, 'aa000000-0000-0000-0000-000000000001', 2) IS NOT NULL AS filled;

-- All of it, there and back; nobody's balance or version is changed by a refusal.
SELECT wallet_transfer(:bob, :alice, balance) IS NOT NULL AS emptied FROM wallets WHERE id = :bob;
SELECT wallet_transfer(:alice, :bob, 68) IS NOT NULL AS paid;
SELECT user_id, balance, version FROM wallets ORDER BY id;
SELECT check_name, wallet_id FROM wallet_check(:alice) UNION ALL SELECT check_name, wallet_id FROM wallet_check(:bob);
