-- The examples of docs/functions.md, which is made from this file's output (make docs): a line "--- name" begins those of
-- a function, lines that begin with a backslash are left out. Where an error names an id of its own, its SQLSTATE stands alone.
\set alice '''a11ce000-0000-7000-8000-000000000001'''
\set bob '''b0b00000-0000-7000-8000-000000000002'''
\set shop '''5809f000-0000-7000-8000-000000000003'''
--- wallet_create
SELECT wallet_create('alice', 'USD', :alice, 'signup-alice', metadata => '{"plan": "gold"}') AS wallet_id;
SELECT wallet_create('bob', wallet_id => :bob), wallet_create('shop', wallet_id => :shop);
--- wallet_fund
SELECT wallet_fund(:alice, 100.00, 'deposit-1') AS deposit \gset
SELECT wallet_fund(:alice, 100.00, 'deposit-1') = :'deposit' AS a_retry_finds_it;
SELECT wallet_fund(:alice, 100.005001);
--- wallet_withdraw
SELECT version, type, amount, balance_after FROM wallet_receipt(wallet_withdraw(:alice, 10));
--- wallet_transfer
SELECT wallet_transfer(:alice, :bob, 25.50, 'order-17', metadata => '{"order": 17}') AS order_17 \gset
SELECT wallet_id, version, type, amount, balance_after FROM wallet_receipt(:'order_17');
\set VERBOSITY sqlstate
SELECT wallet_transfer(:alice, :bob, 26, 'order-17');
\set VERBOSITY default
SELECT wallet_transfer(:bob, :alice, 1000);
SELECT wallet_transfer(:alice, :bob, 1, expected_version => 1);
--- wallet_hold
SELECT wallet_hold(:alice, 30, '1 hour', 'ride-5') AS ride_5 \gset
SELECT balance, held, available FROM wallet_get(:alice);
--- wallet_capture
-- In part, and not for the last time; then the rest of the fare, and what is left goes back.
SELECT type, amount, balance_after, held_after FROM wallet_receipt(wallet_capture(:'ride_5', :shop, 12, final => false)) ORDER BY type DESC;
SELECT type, amount, balance_after, held_after FROM wallet_receipt(wallet_capture(:'ride_5', :shop, 10)) ORDER BY type DESC;
SELECT amount, captured, released, status FROM wallet_holds WHERE hold_id = :'ride_5';
\set VERBOSITY sqlstate
SELECT wallet_capture(:'ride_5', :shop, 1);
\set VERBOSITY default
--- wallet_release
SELECT wallet_hold(:bob, 5) AS parked \gset
SELECT type, amount, balance_after, held_after FROM wallet_receipt(wallet_release(:'parked'));
--- wallet_expire_holds
SELECT wallet_expire_holds();
--- wallet_reverse
SELECT type, amount, balance_after FROM wallet_receipt(wallet_reverse(:'order_17', 5.50));
SELECT type, amount, balance_after FROM wallet_receipt(wallet_reverse(:'order_17'));
\set VERBOSITY sqlstate
SELECT wallet_reverse(:'order_17', 0.01);
\set VERBOSITY default
--- wallet_reverse_force
-- Bob has spent it: his balance goes below 0, and the entry says so.
SELECT wallet_transfer(:alice, :bob, 8, 'mistake') AS mistake \gset
SELECT wallet_transfer(:bob, :shop, 8) IS NOT NULL AS spent;
SELECT user_id, type, amount, balance_after, forced FROM wallet_receipt(wallet_reverse_force(:'mistake')) ORDER BY type DESC;
--- wallet_transfer_batch
SELECT index, transaction_id IS NOT NULL AS done, sqlstate, detail ->> 'available' AS available, replayed
FROM wallet_transfer_batch(
    ARRAY[:alice, :shop, :alice]::uuid[], ARRAY[:bob, :bob, :bob]::uuid[], ARRAY[10, 1000, 10],
    ARRAY['payout-1', 'payout-2', 'payout-1'], atomic => false);
--- wallet_transfer_grouped
-- Here the library is not preloaded.
SELECT wallet_transfer_grouped(:alice, :bob, 1, 'order-18');
--- wallet_post
-- A sale with a fee, all or nothing.
SELECT user_id, type, amount, balance_after
FROM wallet_receipt(wallet_post(ARRAY[(:alice, :shop, 20), (:shop, :bob, 0.60)]::wallet_leg[], 'sale-9'));
--- wallet_stat_reset
SELECT wallet_stat_reset();
--- wallet_freeze
SELECT type, status_after FROM wallet_receipt(wallet_freeze(:bob, metadata => '{"ticket": 4711}'));
SELECT wallet_transfer(:bob, :alice, 1);
--- wallet_unfreeze
SELECT type, status_after FROM wallet_receipt(wallet_unfreeze(:bob));
--- wallet_set_limits
SELECT type, version FROM wallet_receipt(wallet_set_limits(:bob, credit_limit => 50, max_balance => 1000));
SELECT balance, credit_limit, available FROM wallet_get(:bob);
--- wallet_set_currency
SELECT wallet_set_currency('JPY', 0);
SELECT wallet_create('yuki', 'JPY') AS yen \gset
SELECT wallet_fund(:'yen', 100.5);
--- wallet_currencies
SELECT * FROM wallet_currencies();
--- wallet_close
SELECT wallet_close(:bob);
SELECT type, status_after FROM wallet_receipt(wallet_close(wallet_create('short-lived')));
--- wallet_lock
-- Two calls in one transaction: the locks up front, so that no two such transactions deadlock.
BEGIN;
SELECT wallet_lock(ARRAY[:alice, :bob]::uuid[]);
SELECT wallet_transfer(:alice, :bob, 1) IS NOT NULL AND wallet_transfer(:bob, :alice, 1) IS NOT NULL AS done;
COMMIT;
--- wallet_get
SELECT user_id, currency, balance, held, credit_limit, status, version, available, metadata FROM wallet_get(:alice);
--- wallet_list
SELECT id, balance, available FROM wallet_list('alice');
--- wallet_hold_get
SELECT amount, captured, released, remaining, status FROM wallet_hold_get(:'ride_5');
--- wallet_hold_list
SELECT amount, remaining, status FROM wallet_hold_list(:bob, 'released');
--- wallet_receipt
SELECT wallet_id, version, type, amount, counterparty_wallet_id FROM wallet_receipt(:'order_17');
--- wallet_lookup
SELECT transaction_id = :'order_17' AS found, operation FROM wallet_lookup('order-17');
--- wallet_history
-- What came back through Kafka; here no consumer runs.
SELECT version, event_type, amount FROM wallet_history(:alice, max_rows => 10);
--- wallet_activity
SELECT wallet_id, version, event_type FROM wallet_activity('alice', max_rows => 10);
--- wallet_statement
SELECT version, type, amount, balance_after FROM wallet_statement(:bob);
SELECT version, type, amount, balance_after FROM wallet_statement(:bob, after_version => 2, max_rows => 2);
--- wallet_balance_at
SELECT * FROM wallet_balance_at(:alice, 'infinity');
SELECT * FROM wallet_balance_at(:alice, '2020-01-01');
--- wallet_operations
SELECT type, user_id, amount FROM wallet_operations(types => '{TRANSFER_IN,CAPTURE_IN}', min_amount => 10, max_rows => 2);
SELECT type, user_id, amount FROM wallet_operations(metadata => '{"order": 17}', before_transaction_id => :'ride_5');
--- wallet_totals
SELECT * FROM wallet_totals();
--- wallet_check
SELECT * FROM wallet_check();
--- wallet_seal_verify
SELECT * FROM wallet_seal_verify();
--- wallet_health
SELECT slot_active, expired_holds, history_gaps, history_conflicts FROM wallet_health();
--- wallet_history_advance
SELECT lag_seconds, has_more FROM wallet_history_advance();
