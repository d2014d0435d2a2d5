-- INV-10: which amounts are accepted, and what is stored; balances at their bounds.
\getenv abs_srcdir PG_ABS_SRCDIR
\set helper :abs_srcdir '/sql/helpers/failure.sql'
\i :helper

\set alice '''a0000000-0000-0000-0000-000000000001'''
\set bob '''b0000000-0000-0000-0000-000000000001'''
\set low '''10000000-0000-0000-0000-000000000001'''
SELECT wallet_create('alice', 'USD', :alice), wallet_create('bob', 'USD', :bob);

-- Accepted: by value, not by the way it is written.
SELECT text, amount, to_balance
FROM unnest('{1, 1.0, 1.00000, 1.000000000000000000000000000000, 0.0001, 1e-4, 1E+2, 1e14, 123456789.0120, 0001, 9999.9999, 10000, 10000.0001,
              99999999.9999, 922337203685477.5807, 922337203685477.5808, 999999999999999.9999, 999999999999999.99990000, 100000000000000}'::text[]) WITH ORDINALITY AS given (text, n),
     LATERAL (SELECT * FROM wallet_create('taker of ' || text, wallet_id => ('c0000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid)) AS taker (id),
     LATERAL (SELECT * FROM wallet_fund(taker.id, text::numeric)) AS fund (id),
     LATERAL (SELECT * FROM wallet_receipt(fund.id)) AS entry,
     LATERAL (SELECT balance_after AS to_balance) AS stored
ORDER BY n;
SELECT bool_and(balance = substr(user_id, 10)::numeric) AS exact, bool_and(scale(balance) = 4) AS four_decimals
FROM wallets WHERE user_id LIKE 'taker of %';

-- Refused before any lock, by every operation; DETAIL repeats what was sent, cut where it is long.
SELECT left(failure(format('wallet_fund(%L, %L)', :alice, amount)), 140)
FROM unnest('{NaN, Infinity, -Infinity, 0, 0.0000, -0.0001, -1, 0.00001, 1e-5, 1.00001, 1.00009999, 999999999999999.99991, 1000000000000000,
              1e15, 1e16, 1e20, 1e1000, -1e1000, 1e-1000}'::numeric[]) AS amount;
SELECT failure(format('wallet_fund(%L, 10::numeric ^ 131071)', :alice)) LIKE 'WL003 invalid amount: 1000%0... {"argument": "amount", "value": "1000%0..."}' AS refused,
       length(failure(format('wallet_fund(%L, 10::numeric ^ 131071)', :alice)));
SELECT left(failure(format('wallet_fund(%L, (repeat(''9'', 131072) || ''.'' || repeat(''9'', 16383))::numeric)', :alice)), 40);
SELECT left(failure(format('wallet_fund(%L, (''0.'' || repeat(''0'', 16382) || ''1'')::numeric)', :alice)), 40);
SELECT left(failure(format('wallet_fund(%L, (''1.'' || repeat(''0'', 16382) || ''1'')::numeric)', :alice)), 40);
SELECT wallet_fund(:alice, ('1.' || repeat('0', 16383))::numeric) IS NOT NULL AS funded;
SELECT failure(format('%s, %L)', call, amount))
FROM (VALUES ('wallet_withdraw(''a0000000-0000-0000-0000-000000000001'''),
             ('wallet_transfer(''a0000000-0000-0000-0000-000000000001'', ''b0000000-0000-0000-0000-000000000001''')) AS operation (call),
     unnest('{NaN, Infinity, 0, -1, 0.00005, 1e15}'::numeric[]) AS amount;

-- Types that become numeric: an integer, a double with its binary digits, a string that is none.
SELECT wallet_fund(:alice, 7::smallint) IS NOT NULL AS smallint, wallet_fund(:alice, 7::bigint) IS NOT NULL AS bigint, wallet_fund(:alice, '7') IS NOT NULL AS literal;
SELECT failure(format('wallet_fund(%L, 0.1::float8)', :alice));
SELECT failure(format('wallet_fund(%L, ''1,000'')', :alice));
SELECT failure(format('wallet_fund(%L, '''')', :alice));
SELECT balance, version FROM wallets WHERE id = :alice;

-- The largest balance is reached exactly; nothing goes beyond, from outside or from a wallet.
SELECT wallet_fund(:bob, 999999999999999.9999) IS NOT NULL AS funded;
SELECT failure(format('wallet_fund(%L, 0.0001)', :bob));
SELECT failure(format('wallet_fund(%L, 999999999999999.9999)', :bob));
SELECT failure(format('wallet_transfer(%L, %L, 0.0001)', :alice, :bob));
SELECT wallet_transfer(:bob, :alice, 999999999999977.9999) IS NOT NULL AS transferred;
SELECT failure(format('wallet_transfer(%L, %L, 0.0001)', :bob, :alice));
SELECT balance FROM wallets WHERE id IN (:alice, :bob) ORDER BY id;
SELECT wallet_transfer(:alice, :bob, 999999999999977.9999) IS NOT NULL AS back;
SELECT balance FROM wallets WHERE id IN (:alice, :bob) ORDER BY id;
SELECT wallet_withdraw(:bob, 999999999999999.9999) IS NOT NULL AS emptied;

-- The lowest: as far as the largest credit limit goes.
INSERT INTO wallets (id, user_id, currency, credit_limit, created_at, updated_at)
VALUES (:low, 'low', 'USD', 999999999999999.9999, now(), now());
SELECT wallet_withdraw(:low, 999999999999999.9999) IS NOT NULL AS withdrawn;
SELECT failure(format('wallet_withdraw(%L, 0.0001)', :low));
SELECT balance FROM wallets WHERE id = :low;
SELECT wallet_fund(:low, 999999999999999.9999) IS NOT NULL AS funded;
SELECT wallet_fund(:low, 999999999999999.9999) IS NOT NULL AS funded;
SELECT wallet_transfer(:low, :bob, 999999999999999.9999) IS NOT NULL AS paid;
SELECT failure(format('wallet_transfer(%L, %L, 999999999999999.9999)', :low, :bob));
SELECT wallet_withdraw(:low, 999999999999999.9999) IS NOT NULL AS withdrawn;
SELECT failure(format('wallet_transfer(%L, %L, 0.0001)', :low, :bob));
SELECT id, balance, version FROM wallets WHERE id IN (:alice, :bob, :low) ORDER BY id;
SELECT from_balance FROM wallet_ledger WHERE from_wallet_id = :low ORDER BY from_version;

-- Many small ones add up exactly.
SELECT wallet_create('cents', 'EUR', 'c1000000-0000-0000-0000-000000000001') IS NOT NULL AS created;
SELECT count(wallet_fund('c1000000-0000-0000-0000-000000000001', 0.1)) FROM generate_series(1, 500);
SELECT count(wallet_withdraw('c1000000-0000-0000-0000-000000000001', 0.0001)) FROM generate_series(1, 500);
SELECT balance FROM wallets WHERE id = 'c1000000-0000-0000-0000-000000000001';
SELECT difference FROM wallet_totals() WHERE currency = 'EUR';
SELECT DISTINCT check_name FROM wallet_check(:alice);

-- What is stored is the numeric that PostgreSQL itself would have made, digit for digit.
CREATE TABLE sample AS
SELECT wallet_create('sample ' || n) AS wallet, amount
FROM unnest(ARRAY[0.0001, 0.0010, 0.0100, 0.1000, 0.9999, 1, 1.0001, 9999, 9999.9999, 10000, 10000.0001, 12345.6789, 99990000, 99999999.9999,
                  100000000, 100000000.0001, 999999999999, 123456789012345.6789, 900000000000000, 999999999999999.9999]) WITH ORDINALITY AS value (amount, n);
SELECT count(wallet_fund(wallet, amount)) FROM sample;
SELECT amount, balance FROM sample JOIN wallets ON id = wallet
WHERE numeric_send(balance) <> numeric_send(amount::numeric(19, 4)) OR balance::text <> amount::numeric(19, 4)::text OR hash_numeric(balance) <> hash_numeric(amount);
SELECT count(wallet_set_limits(wallet, credit_limit => amount)) FROM sample;
SELECT count(wallet_withdraw(wallet, amount)) FROM sample;
SELECT count(wallet_withdraw(wallet, amount)) FROM sample;
SELECT amount, balance FROM sample JOIN wallets ON id = wallet
WHERE numeric_send(balance) <> numeric_send((-amount)::numeric(19, 4)) OR balance::text <> (-amount)::numeric(19, 4)::text;
-- Stored in other forms: with more decimals than needed, out of line, compressed.
CREATE TABLE stored (amount numeric);
INSERT INTO stored VALUES (1.0000000000000000), (2), (('3.' || repeat('0', 8000))::numeric), (('4.' || repeat('0', 4000) || '1')::numeric);
SELECT left(amount::text, 3) AS amount, failure(format('wallet_fund(%L, (SELECT amount FROM stored WHERE trunc(amount) = %s))', (SELECT min(wallet::text) FROM sample), trunc(amount)))
FROM stored ORDER BY stored.amount;
