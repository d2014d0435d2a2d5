-- wallet_hold: money reserved; each argument, each error, replays.
\getenv abs_srcdir PG_ABS_SRCDIR
\set helper :abs_srcdir '/sql/helpers/failure.sql'
\i :helper

\pset format unaligned
\set alice '''a0000000-0000-0000-0000-000000000001'''
\set bob '''b0000000-0000-0000-0000-000000000001'''
SELECT wallet_create('alice', 'USD', :alice), wallet_create('bob', 'USD', :bob);
SELECT keep('fund', wallet_fund(:alice, 100, 'fund'));

-- held up, balance stays; the hold's id is the operation's.
SELECT keep('hold', wallet_hold(:alice, 30));
SELECT keep('named', wallet_hold(wallet_id => :alice, amount => 0.0001, expires_in => '1 hour', idempotency_key => 'named', expected_version => 2, metadata => '{"order": 7}'));
SELECT balance, held, version, available FROM wallet_get(:alice);
\x on
SELECT kept.name, leg, kind, from_wallet_id, from_version, from_balance, from_held, from_status, from_user_id, to_wallet_id, amount, currency,
       idempotency_key, hold_id = transaction_id AS own_id, forced, expires_at - created_at AS lasts, operation, expires_in, metadata
FROM wallet_ledger JOIN kept ON id = transaction_id ORDER BY transaction_id;
\x off
SELECT kept.name, h.wallet_id, h.amount, h.captured, h.released, h.status, h.expires_at - h.created_at AS lasts, h.created_at = l.created_at AS same_time,
       h.expires_at = l.expires_at AS same_expiry, w.updated_at = l.created_at AS newest
FROM wallet_holds h JOIN kept ON id = hold_id JOIN wallet_ledger l ON transaction_id = h.hold_id JOIN wallets w ON w.id = h.wallet_id ORDER BY h.hold_id;
SELECT type, amount, balance_after, held_after, counterparty_wallet_id, hold_id = transaction_id AS own_id FROM wallet_receipt(id('named'));

-- NULL, malformed, amount, in this order.
SELECT failure('wallet_hold(' || arguments || ')')
FROM (VALUES ($$NULL, 1$$), ($$'a0000000-0000-0000-0000-000000000001', NULL$$), ($$'a0000000-0000-0000-0000-000000000001', 1, NULL$$),
             ($$NULL, 0, '-1 day', ''$$),
             ($$'00000000-0000-0000-0000-000000000000', 0$$),
             ($$'a0000000-0000-0000-0000-000000000001', 0, '0'$$),
             ($$'a0000000-0000-0000-0000-000000000001', 1, '-1 microsecond'$$),
             ($$'a0000000-0000-0000-0000-000000000001', 1, '1 month -40 days'$$),
             ($$'a0000000-0000-0000-0000-000000000001', 1, '8000 years'$$),
             ($$'a0000000-0000-0000-0000-000000000001', 1, '300000 years'$$),
             ($$'a0000000-0000-0000-0000-000000000001', 1, '-300000 years'$$),
             ($$'a0000000-0000-0000-0000-000000000001', 1, '2147483647 days 2562047788 hours'$$),
             ($$'a0000000-0000-0000-0000-000000000001', 1, '3600000 months -111600000 days'$$),
             ($$'a0000000-0000-0000-0000-000000000001', 1, '-111600000 days 3600000 months'$$),
             ($$'a0000000-0000-0000-0000-000000000001', 1, '107000000 days -2400000000 hours'$$),
             ($$'a0000000-0000-0000-0000-000000000001', 1, '-2147483648 months 2147483647 days'$$),
             ($$'a0000000-0000-0000-0000-000000000001', 1, '1 hour', ''$$),
             ($$'a0000000-0000-0000-0000-000000000001', 1, '1 hour', NULL, -1$$),
             ($$'a0000000-0000-0000-0000-000000000001', 0, '1 hour', NULL, NULL, '[]'$$),
             ($$'a0000000-0000-0000-0000-000000000001', 0$$), ($$'a0000000-0000-0000-0000-000000000001', 'NaN'$$),
             ($$'a0000000-0000-0000-0000-000000000001', 'Infinity'$$), ($$'a0000000-0000-0000-0000-000000000001', 0.00001$$)) AS request (arguments);
-- No wallet, another version, closed, frozen; nothing of it is written.
SELECT count(wallet_create(user_id, 'USD', id)) FROM (VALUES ('frozen', 'f0000000-0000-0000-0000-000000000001'::uuid),
    ('closed', 'c0000000-0000-0000-0000-000000000001'), ('credit', 'aa000000-0000-0000-0000-000000000001')) AS wallet (user_id, id);
SELECT keep('freeze f', wallet_freeze('f0000000-0000-0000-0000-000000000001')), keep('close c', wallet_close('c0000000-0000-0000-0000-000000000001')),
       keep('fund aa', wallet_fund('aa000000-0000-0000-0000-000000000001', 5)), keep('limit aa', wallet_set_limits('aa000000-0000-0000-0000-000000000001', 100));
SELECT failure('wallet_hold(' || arguments || ')')
FROM (VALUES ($$'d0000000-0000-0000-0000-000000000001', 1, expected_version => 9$$),
             ($$'a0000000-0000-0000-0000-000000000001', 1, expected_version => 2$$),
             ($$'c0000000-0000-0000-0000-000000000001', 1, expected_version => 9$$),
             ($$'c0000000-0000-0000-0000-000000000001', 99$$), ($$'f0000000-0000-0000-0000-000000000001', 99$$)) AS request (arguments);
-- balance - held covers it; the credit limit doesn't count.
SELECT failure('wallet_hold(' || arguments || ')')
FROM (VALUES ($$'a0000000-0000-0000-0000-000000000001', 70$$), ($$'aa000000-0000-0000-0000-000000000001', 5.0001$$)) AS request (arguments);
SELECT wallet_hold('aa000000-0000-0000-0000-000000000001', 5) IS NOT NULL AS held, failure($$wallet_hold('aa000000-0000-0000-0000-000000000001', 0.0001)$$);
SELECT keep('rest', wallet_hold(:alice, 69.9999, '1 microsecond'::interval + '100 years'));
SELECT balance, held, version, available FROM wallet_get(:alice);

-- What is held can't be spent; what is spent can't be held.
SELECT failure($$wallet_withdraw('a0000000-0000-0000-0000-000000000001', 0.0001)$$);
SELECT failure($$wallet_transfer('a0000000-0000-0000-0000-000000000001', 'b0000000-0000-0000-0000-000000000001', 100)$$);
SELECT wallet_fund(:alice, 1) IS NOT NULL AS funded, wallet_transfer(:alice, :bob, 1) IS NOT NULL AS paid;
SELECT failure($$wallet_hold('a0000000-0000-0000-0000-000000000001', 0.0001)$$);
-- Over the credit limit a debit may go into the red although money is held, and then nothing can be held.
SELECT keep('limits', wallet_set_limits(:alice, credit_limit => 50)), wallet_withdraw(:alice, 50) IS NOT NULL AS withdrawn;
SELECT balance, held, credit_limit, available FROM wallet_get(:alice);
SELECT failure($$wallet_withdraw('a0000000-0000-0000-0000-000000000001', 0.0001)$$), failure($$wallet_hold('a0000000-0000-0000-0000-000000000001', 0.0001)$$);

-- A replay: before the wallet's version, state and means, by value, whatever became of the hold.
SELECT wallet_hold(:alice, 0.00010, '60 minutes', 'named', 77, '{"order": 7.0}') = id('named') AS same;
SELECT keep('released', wallet_release(id('named')));
SELECT wallet_hold(:alice, 0.0001, '1 hour', 'named', metadata => '{"order": 7}') = id('named') AS same;
SELECT keep('freeze', wallet_freeze(:alice));
SELECT wallet_hold(:alice, 0.0001, '1 hour', 'named', metadata => '{"order": 7}') = id('named') AS same,
       failure($$wallet_hold('a0000000-0000-0000-0000-000000000001', 1)$$);
SELECT keep('unfreeze', wallet_unfreeze(:alice));
-- Each field, in the order in which they are compared.
SELECT failure('wallet_hold(' || arguments || ')')
FROM (VALUES ($$'a0000000-0000-0000-0000-000000000001', 30, '7 days', 'fund'$$),
             ($$'d0000000-0000-0000-0000-000000000001', 2, '2 hours', 'named'$$),
             ($$'a0000000-0000-0000-0000-000000000001', 2, '2 hours', 'named'$$),
             ($$'a0000000-0000-0000-0000-000000000001', 0.0001, '2 hours', 'named'$$),
             ($$'a0000000-0000-0000-0000-000000000001', 0.0001, idempotency_key => 'named'$$),
             ($$'a0000000-0000-0000-0000-000000000001', 0.0001, '1 hour', 'named'$$)) AS request (arguments);
SELECT failure($$wallet_fund('a0000000-0000-0000-0000-000000000001', 0.0001, 'named')$$);

-- Keys of what failed and of what was rolled back are free; so is their money.
SELECT failure($$wallet_hold('b0000000-0000-0000-0000-000000000001', 2, '1 day', 'free')$$);
BEGIN;
SAVEPOINT before;
SELECT wallet_hold(:bob, 1, '1 day', 'free') IS NOT NULL AS held;
ROLLBACK TO before;
SELECT keep('free', wallet_hold(:bob, 0.5, '2 days', 'free'));
SELECT wallet_hold(:bob, 0.5, '2 days', 'free') = id('free') AS same;
COMMIT;
-- Several in one statement; one key twice in one.
SELECT count(DISTINCT id) FROM (SELECT wallet_hold(:bob, 0.1) AS id FROM generate_series(1, 3)) AS calls;
SELECT wallet_hold(:bob, 0.1, '1 day', 'twice') = wallet_hold(:bob, 0.1, '1 day', 'twice') AS same;
SELECT user_id, balance, held, version FROM wallets ORDER BY id;
SELECT status, count(*), sum(amount - captured - released) AS rest FROM wallet_holds GROUP BY status ORDER BY status;

-- Parts that take each other back, within the calendar.
SELECT wallet_hold(:alice, 0.0001, '12000 months -365240 days') AS hold \gset
SELECT expires_at - created_at BETWEEN '2 days' AND '3 days' AS lasts FROM wallet_holds WHERE hold_id = :'hold';
SELECT wallet_release(:'hold') IS NOT NULL AS released;
-- As long as an event can say: to the end of the year 9999, in UTC whatever the session's time zone.
SET TimeZone = 'America/New_York';
SELECT failure(format('wallet_hold(%L, 1, %L)', 'b0000000-0000-0000-0000-000000000001', '10000-01-01 00:00Z'::timestamptz - clock_timestamp() + '1 second'::interval));
RESET TimeZone;
BEGIN;
SELECT keep('long', wallet_hold(:bob, 0.1, '9999-12-31 23:59Z'::timestamptz - clock_timestamp()));
SELECT count(*) AS events, count(error) AS errors FROM wallet_ledger l, wallet_ledger_events(l);
ROLLBACK;
BEGIN READ ONLY;
SELECT wallet_hold(NULL, 0);
ROLLBACK;
SELECT * FROM wallet_check();
SELECT currency, difference FROM wallet_totals();
