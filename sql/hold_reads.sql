-- wallet_hold_get and wallet_hold_list: what a hold is by the clock, page by page.
\getenv abs_srcdir PG_ABS_SRCDIR
\set helper :abs_srcdir '/sql/helpers/failure.sql'
\i :helper

\pset format unaligned
\set alice '''a0000000-0000-0000-0000-000000000001'''
\set bob '''b0000000-0000-0000-0000-000000000001'''
SELECT wallet_create('alice', 'USD', :alice), wallet_create('bob', 'USD', :bob), wallet_fund(:alice, 100) IS NOT NULL AS funded;
SELECT keep('open', wallet_hold(:alice, 10)), keep('part', wallet_hold(:alice, 20)), keep('taken', wallet_hold(:alice, 30)),
       keep('given_back', wallet_hold(:alice, 5)), keep('late', wallet_hold(:alice, 1, '1 second')),
       keep('swept', wallet_hold(:alice, 2, '1 microsecond'));
SELECT keep('capture_part', wallet_capture(id('part'), :bob, 8, final => false)), keep('capture', wallet_capture(id('taken'), :bob, 25)),
       keep('release', wallet_release(id('given_back')));
DO $$
BEGIN
    WHILE clock_timestamp() <= (SELECT max(expires_at) FROM wallet_holds WHERE expires_at < created_at + '1 minute'::interval) LOOP
        NULL;
    END LOOP;
END
$$;

-- An expired one is expired whether it is swept or not; what is stored is swept by the next debit.
SELECT name, hold.amount, captured, released, remaining, hold.status, stored.status = 'open' AS stored_open,
       hold.expires_at = stored.expires_at AND hold.created_at = stored.created_at AND hold.wallet_id = stored.wallet_id AS same
FROM kept, LATERAL wallet_hold_get(id) AS hold JOIN wallet_holds AS stored USING (hold_id, amount, captured, released) ORDER BY hold_id;
SELECT released FROM wallet_hold_get(hold_id => id('late'));
SELECT count(*) FROM wallet_hold_get('d0000000-0000-0000-0000-000000000001');
SELECT failure('wallet_hold_get(NULL)');

SELECT name, amount, remaining, status FROM wallet_hold_list(:alice) JOIN kept ON id = hold_id ORDER BY hold_id;
SELECT wanted, string_agg(name, ' ' ORDER BY hold_id) FROM unnest(ARRAY['open', 'captured', 'released', 'expired']) AS wanted
LEFT JOIN LATERAL wallet_hold_list(:alice, wanted) ON true LEFT JOIN kept ON id = hold_id GROUP BY wanted ORDER BY wanted;
SELECT keep('paid', wallet_transfer(:alice, :bob, 1));
SELECT name, released, remaining, status FROM wallet_hold_list(wallet_id => :alice, status => 'expired') JOIN kept ON id = hold_id ORDER BY hold_id;
-- Pages, oldest first.
SELECT name FROM wallet_hold_list(:alice, max_rows => 2) WITH ORDINALITY JOIN kept ON id = hold_id ORDER BY ordinality;
SELECT name FROM wallet_hold_list(:alice, after_id => id('part'), max_rows => 3) WITH ORDINALITY JOIN kept ON id = hold_id ORDER BY ordinality;
SELECT count(*) FROM wallet_hold_list(:alice, after_id => id('swept'));
SELECT count(*) FROM wallet_hold_list(:alice, max_rows => 0);
SELECT count(*) FROM wallet_hold_list(:bob);
SELECT count(*) FROM wallet_hold_list('d0000000-0000-0000-0000-000000000001');
SELECT failure('wallet_hold_list(NULL)');
SELECT failure(format('wallet_hold_list(%L, ''gone'')', :alice));
SELECT failure(format('wallet_hold_list(%L, max_rows => NULL)', :alice));
SELECT failure(format('wallet_hold_list(%L, max_rows => -1)', :alice));
-- A read-only transaction reads them at its snapshot.
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT count(*) FROM wallet_hold_list(:alice);
COMMIT;
