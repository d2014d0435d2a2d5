-- Expired holds: they count no more, swept or not; who releases them, and wallet_expire_holds.
\getenv abs_srcdir PG_ABS_SRCDIR
\set helper :abs_srcdir '/sql/helpers/failure.sql'
\i :helper
-- Waits until the clock has passed the expiry of all kept holds.
CREATE FUNCTION wait_expiry() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    deadline timestamptz := clock_timestamp() + '1 minute';
    last timestamptz := (SELECT max(expires_at) FROM wallet_holds WHERE status = 'open' AND expires_at < created_at + '1 minute'::interval);
BEGIN
    WHILE clock_timestamp() <= last AND clock_timestamp() < deadline LOOP
        NULL;
    END LOOP;
    RETURN clock_timestamp() > last;
END
$$;
CREATE VIEW movements AS
SELECT kept.name, kind, leg, to_user_id AS user_id, to_version AS version, to_balance AS balance, to_held AS held, amount, idempotency_key, operation,
       metadata, wallet_ledger.transaction_id <> hold_id AS own_operation
FROM wallet_ledger JOIN kept ON id = hold_id WHERE kind <> 'HOLD' ORDER BY transaction_id, leg;
CREATE VIEW holds AS
SELECT name, amount, captured, released, status FROM wallet_holds JOIN kept ON id = hold_id ORDER BY hold_id;

\pset format unaligned
\set alice '''a0000000-0000-0000-0000-000000000001'''
\set bob '''b0000000-0000-0000-0000-000000000001'''
SELECT wallet_create('alice', 'USD', :alice), wallet_create('bob', 'USD', :bob);
SELECT keep('fund', wallet_fund(:alice, 100)), wallet_expire_holds();
-- Where several calls are made before the holds expire, they have seconds for it.
SELECT keep('long', wallet_hold(:alice, 1)), keep('short 1', wallet_hold(:alice, 10, '4 seconds', 'short')),
       keep('short 2', wallet_hold(:alice, 20, '5 seconds')), keep('rest', wallet_capture(id('short 2'), NULL, 5, false)),
       keep('short 3', wallet_hold(:alice, 30, '1 microsecond')), wait_expiry();

-- Not swept: still in held, no longer out of available; capture fails, release works and is a RELEASE.
SELECT balance, held, available, version FROM wallet_get(:alice);
SELECT failure($$wallet_capture(id('short 1'))$$), failure($$wallet_capture(id('short 2'), amount => 99)$$);
SELECT keep('release', wallet_release(id('short 3')));
SELECT wallet_hold(:alice, 10, '4 seconds', 'short') = id('short 1') AS same_by_its_key;
-- A hold of all there is releases the expired ones first, each by an operation of its own, the first to expire first.
SELECT keep('all', wallet_hold(:alice, 94, '1 day', 'all', 7, '{"order": 7}'));
SELECT * FROM movements;
SELECT * FROM holds;
SELECT balance, held, available, version FROM wallet_get(:alice);
SELECT count(DISTINCT transaction_id) AS operations, count(*) AS entries, bool_and(created_at > before) AS created_at_rises
FROM (SELECT *, lag(created_at) OVER (ORDER BY version) AS before FROM wallet_transactions WHERE wallet_id = :alice) AS entry WHERE version > 7;
-- Swept: expired, whatever is asked of it, and not before what stands before it.
SELECT failure($$wallet_capture(id('short 1'))$$), failure($$wallet_release(id('short 1'))$$);
SELECT failure($$wallet_capture(id('short 1'), 'a0000000-0000-0000-0000-000000000001')$$), failure($$wallet_release(id('short 1'), expected_version => 1)$$);
SELECT keep('release all', wallet_release(id('all'))), keep('release long', wallet_release(id('long')));

-- A withdrawal, a transfer either way, a post, a batch and a reversal do it too, after the version was compared.
SELECT keep('w', wallet_hold(:alice, 95, '1 microsecond')), wait_expiry(), version FROM wallets WHERE id = :alice;
SELECT failure($$wallet_withdraw('a0000000-0000-0000-0000-000000000001', 1, expected_version => 14)$$);
SELECT keep('withdraw', wallet_withdraw(:alice, 5, expected_version => 13));
SELECT keep('t', wallet_hold(:alice, 90, '1 microsecond')), wait_expiry(), keep('pay', wallet_transfer(:alice, :bob, 40));
SELECT keep('b', wallet_hold(:bob, 40, '1 microsecond')), wait_expiry(), keep('pay back', wallet_transfer(:bob, :alice, 40));
SELECT keep('p', wallet_hold(:alice, 90, '1 microsecond')), wait_expiry(),
       keep('post', wallet_post(ARRAY[(:alice, :bob, 40), (:bob, :alice, 1)]::wallet_leg[]));
SELECT keep('i', wallet_hold(:bob, 39, '1 microsecond')), wait_expiry(), (SELECT sqlstate FROM wallet_transfer_batch(ARRAY[:bob]::uuid[], ARRAY[:alice]::uuid[], '{9}'));
SELECT keep('r', wallet_hold(:bob, 30, '1 microsecond')), wait_expiry(), keep('reverse', wallet_reverse(id('post'), 10));
SELECT * FROM movements WHERE kind = 'EXPIRE' AND length(name) = 1;
SELECT user_id, balance, held, version FROM wallets ORDER BY id;
-- Closing is not kept from it by what has expired.
SELECT wallet_create('carol', 'USD', 'c0000000-0000-0000-0000-000000000001'), keep('fund c', wallet_fund('c0000000-0000-0000-0000-000000000001', 5)),
       keep('c', wallet_hold('c0000000-0000-0000-0000-000000000001', 5, '1 microsecond')), wait_expiry(),
       keep('empty c', wallet_reverse(id('fund c'))), keep('close c', wallet_close('c0000000-0000-0000-0000-000000000001'));
SELECT balance, held, status, version FROM wallets WHERE user_id = 'carol';
-- What comes in sweeps nothing, and neither does a refusal: the call as a whole is undone.
SELECT keep('s', wallet_hold(:bob, 20, '1 microsecond')), wait_expiry(), keep('fund b', wallet_fund(:bob, 1));
SELECT failure($$wallet_withdraw('b0000000-0000-0000-0000-000000000001', 1000)$$), failure($$wallet_hold('b0000000-0000-0000-0000-000000000001', 1000)$$);
SELECT * FROM holds WHERE name = 's';
SELECT balance, held, available, version FROM wallet_get(:bob);

-- wallet_expire_holds: the oldest expiry first, at most max, on frozen wallets as well; it returns how many.
SELECT failure('wallet_expire_holds(NULL)'), failure('wallet_expire_holds(-1)');
BEGIN READ ONLY;
SELECT wallet_expire_holds();
ROLLBACK;
SELECT keep('x4', wallet_hold(:alice, 1, '1 hour')), keep('x1', wallet_hold(:alice, 1, '5 seconds')), keep('x2', wallet_hold(:alice, 1, '2 seconds')),
       keep('x3', wallet_hold(:bob, 1, '1 microsecond'));
SELECT wait_expiry();
SELECT keep('freeze', wallet_freeze(:alice)), wallet_expire_holds(0), wallet_expire_holds(2);
SELECT * FROM holds WHERE name ~ '^(s|x.)$';
SELECT wallet_expire_holds(max => 1000), wallet_expire_holds();
SELECT * FROM holds WHERE name ~ '^(s|x.)$';
SELECT * FROM movements WHERE name ~ '^(s|x.)$' ORDER BY name;
SELECT count(DISTINCT transaction_id) = count(*) AS an_operation_each FROM wallet_ledger WHERE kind = 'EXPIRE';
SELECT keep('unfreeze', wallet_unfreeze(:alice));
SELECT failure($$wallet_reverse((SELECT transaction_id FROM wallet_ledger WHERE kind = 'EXPIRE' AND hold_id = id('x1')))$$)
    LIKE 'WL031 %"type": "EXPIRE"}' AS not_reversible;
-- Rolled back, they are as they were; in the same transaction they are found again.
SELECT keep('y1', wallet_hold(:alice, 1, '1 microsecond')), keep('y2', wallet_hold(:bob, 1, '1 microsecond')), wait_expiry();
BEGIN;
SAVEPOINT before;
SELECT wallet_expire_holds();
ROLLBACK TO before;
SELECT wallet_expire_holds(1), wallet_expire_holds();
COMMIT;
SELECT sum(wallet_expire_holds()) AS none FROM generate_series(1, 3);

-- A call releases at most 100, the oldest; the others don't count either, and a later call goes on. A batch is one call.
SELECT wallet_create('dave', 'USD', 'd0000000-0000-0000-0000-000000000001'), wallet_create('eve', 'USD', 'e0000000-0000-0000-0000-000000000001'),
       keep('fund d', wallet_fund('d0000000-0000-0000-0000-000000000001', 250)), keep('fund e', wallet_fund('e0000000-0000-0000-0000-000000000001', 90));
CREATE FUNCTION left_of(text) RETURNS text LANGUAGE sql AS $$
    SELECT format('balance %s, held %s, available %s, %s expired, %s open', now.balance, now.held, now.available,
                  count(*) FILTER (WHERE hold.status = 'expired'), count(*) FILTER (WHERE hold.status = 'open'))
    FROM wallets, LATERAL wallet_get(wallets.id) AS now, wallet_holds AS hold
    WHERE wallets.user_id = $1 AND hold.wallet_id = wallets.id GROUP BY now.balance, now.held, now.available
$$;
SELECT count(wallet_hold('d0000000-0000-0000-0000-000000000001', 1, '5 seconds')) AS dave FROM generate_series(1, 250);
SELECT count(wallet_hold('e0000000-0000-0000-0000-000000000001', 0.25, '5 seconds')) AS eve FROM generate_series(1, 350);
SELECT wait_expiry(), left_of('dave'), left_of('eve');
SELECT failure($$wallet_withdraw('d0000000-0000-0000-0000-000000000001', 250.0001)$$), failure($$wallet_hold('d0000000-0000-0000-0000-000000000001', 250.0001)$$);
SELECT keep('d1', wallet_hold('d0000000-0000-0000-0000-000000000001', 240)), left_of('dave');
SELECT * FROM wallet_check('d0000000-0000-0000-0000-000000000001');
SELECT sqlstate, detail FROM wallet_transfer_batch('{d0000000-0000-0000-0000-000000000001,e0000000-0000-0000-0000-000000000001,e0000000-0000-0000-0000-000000000001,d0000000-0000-0000-0000-000000000001}',
    '{e0000000-0000-0000-0000-000000000001,d0000000-0000-0000-0000-000000000001,d0000000-0000-0000-0000-000000000001,e0000000-0000-0000-0000-000000000001}', '{11, 80, 10.0001, 90}', atomic => false);
SELECT left_of('dave'), left_of('eve');
-- Closing needs all of them released, and says so.
SELECT keep('out e', wallet_withdraw('e0000000-0000-0000-0000-000000000001', 100)), left_of('eve');
SELECT * FROM wallet_check();
SELECT wallet_close('e0000000-0000-0000-0000-000000000001');
SELECT wallet_expire_holds(), keep('close e', wallet_close('e0000000-0000-0000-0000-000000000001')), left_of('eve');
SELECT left_of('dave'), count(*) FROM wallet_check();

SELECT user_id, balance, held, version FROM wallets ORDER BY id;
SELECT expired_holds FROM wallet_health();
SELECT * FROM wallet_check();
SELECT currency, difference FROM wallet_totals();
