-- INV-6: what a savepoint takes back leaves no money moved, no version, no key, no lock.
\set alice '''a0000000-0000-0000-0000-000000000001'''
\set bob '''b0000000-0000-0000-0000-000000000001'''
SELECT wallet_create('alice', 'USD', :alice), wallet_create('bob', 'USD', :bob);
SELECT wallet_fund(:alice, 100) IS NOT NULL AS funded;

-- Written before, in, and after a savepoint that is rolled back; the versions have no gap.
BEGIN;
SELECT wallet_transfer(:alice, :bob, 1) IS NOT NULL AS before;
SAVEPOINT one;
SELECT wallet_transfer(:bob, :alice, 1, 'key') IS NOT NULL AS inside;
SAVEPOINT two;
SELECT wallet_fund(:bob, 50) IS NOT NULL AS inside;
SELECT balance, version FROM wallets ORDER BY id;
ROLLBACK TO one;
SELECT balance, version FROM wallets ORDER BY id;
SELECT wallet_transfer(:alice, :bob, 2, 'key') IS NOT NULL AS after;
SAVEPOINT three;
SELECT wallet_withdraw(:bob, 3) IS NOT NULL AS kept;
RELEASE three;
SELECT wallet_fund(:bob, 0.5) IS NOT NULL AS kept;
COMMIT;
SELECT balance, version FROM wallets ORDER BY id;
SELECT user_id, version, type, amount FROM wallet_transactions ORDER BY user_id, version;

-- A wallet made in a savepoint that is rolled back can be made again.
BEGIN;
SAVEPOINT one;
SELECT wallet_create('carol', 'USD', 'c0000000-0000-0000-0000-000000000001', 'carol');
SELECT wallet_fund('c0000000-0000-0000-0000-000000000001', 1) IS NOT NULL AS funded;
ROLLBACK TO one;
SELECT wallet_fund('c0000000-0000-0000-0000-000000000001', 1);
ROLLBACK TO one;
SELECT wallet_create('carol', 'EUR', 'c0000000-0000-0000-0000-000000000001', 'carol');
COMMIT;
SELECT user_id, currency, version FROM wallets WHERE user_id = 'carol';

-- An error inside a block takes back the block alone; a thousand of them; locks of a block too.
DO $$
BEGIN
    FOR i IN 1 .. 1000 LOOP
        BEGIN
            PERFORM wallet_transfer('a0000000-0000-0000-0000-000000000001', 'b0000000-0000-0000-0000-000000000001', 0.01, 'block ' || i);
            IF i % 2 = 0 THEN
                PERFORM wallet_withdraw('b0000000-0000-0000-0000-000000000001', 1000000);
            END IF;
        EXCEPTION WHEN SQLSTATE 'WL002' THEN NULL;
        END;
    END LOOP;
END
$$;
SELECT balance, version FROM wallets WHERE id IN (:alice, :bob) ORDER BY id;
SELECT count(*) FROM wallet_ledger WHERE idempotency_key LIKE 'block %';
BEGIN;
SAVEPOINT one;
SELECT wallet_lock(ARRAY[:alice, :bob]::uuid[]);
ROLLBACK TO one;
SELECT wallet_fund(:alice, 1) IS NOT NULL AS funded;
ROLLBACK TO one;
SELECT wallet_lock(ARRAY[:alice]::uuid[]);
SAVEPOINT two;
SELECT wallet_fund(:alice, 1) IS NOT NULL AS funded;
ROLLBACK TO two;
SELECT wallet_fund(:alice, 7) IS NOT NULL AS funded;
COMMIT;
SELECT balance, version FROM wallets WHERE id = :alice;

-- Above READ COMMITTED a savepoint changes nothing about that.
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT wallet_fund(:alice, 1) IS NOT NULL AS funded;
SAVEPOINT one;
SELECT wallet_fund(:alice, 1, 'level') IS NOT NULL AS funded;
ROLLBACK TO one;
SELECT wallet_fund(:alice, 1, 'level') = wallet_fund(:alice, 1, 'level') AS same;
COMMIT;
SELECT balance, version FROM wallets WHERE id = :alice;
SELECT count(*) AS divergences FROM wallet_check();
