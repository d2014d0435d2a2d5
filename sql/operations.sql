-- wallet_operations: entries of all wallets by period, type, currency, user, amount and metadata; pages end with an
-- operation. And pages of wallet_list, wallet_receipt and wallet_statement.
\getenv abs_srcdir PG_ABS_SRCDIR
\set helper :abs_srcdir '/sql/helpers/failure.sql'
\i :helper

\pset format unaligned
\set alice '''a0000000-0000-0000-0000-000000000001'''
\set bob '''b0000000-0000-0000-0000-000000000001'''
\set euro '''e0000000-0000-0000-0000-000000000001'''
SELECT wallet_create('alice', 'USD', :alice), wallet_create('bob', 'USD', :bob), wallet_create('alice', 'EUR', :euro);
SELECT keep('fund', wallet_fund(:alice, 100, metadata => '{"order": 1, "by": {"desk": 7}}')), keep('euro', wallet_fund(:euro, 50));
SELECT keep('pay', wallet_transfer(:alice, :bob, 10, metadata => '{"order": 2}'));
SELECT keep('hold', wallet_hold(:alice, 20)), keep('capture', wallet_capture(id('hold'), :bob, 12));
SELECT keep('post', wallet_post(ARRAY[(:alice, :bob, 1), (:bob, :alice, 2), (:alice, :bob, 3)]::wallet_leg[], metadata => '{"order": 2, "legs": 3}'));
CREATE VIEW everything AS SELECT coalesce(name, 'create') AS operation, page.* FROM wallet_operations() WITH ORDINALITY AS page
LEFT JOIN kept ON id = transaction_id;

-- All of it, newest first, each entry as the view has it.
SELECT operation, type, user_id, currency, version, amount FROM everything ORDER BY ordinality;
SELECT count(*) AS differences FROM ((TABLE wallet_transactions EXCEPT SELECT * FROM wallet_operations())
    UNION ALL (SELECT * FROM wallet_operations() EXCEPT TABLE wallet_transactions)) AS difference;

-- Everything that is given must match.
CREATE FUNCTION found(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found text;
BEGIN
    EXECUTE format($q$SELECT string_agg(coalesce(kept.name, 'create') || ':' || type, ' ' ORDER BY ordinality)
        FROM wallet_operations(%s) WITH ORDINALITY LEFT JOIN kept ON kept.id = transaction_id$q$, call) INTO found;
    RETURN found;
END
$$;
SELECT found($$types => '{FUND,HOLD}'$$);
SELECT found($$types => '{TRANSFER_IN}'$$);
SELECT found($$types => '{}'$$);
SELECT found($$currency => 'EUR'$$);
SELECT found($$user_id => 'bob'$$);
SELECT found($$user_id => 'alice', types => '{TRANSFER_IN,CAPTURE_OUT}'$$);
SELECT found($$user_id => 'nobody'$$);
SELECT found($$min_amount => 12, max_amount => 50$$);
SELECT found($$min_amount => 2.0001, max_amount => 9.9999$$);
SELECT found($$metadata => '{"order": 2}'$$);
SELECT found($$metadata => '{"by": {"desk": 7}}', user_id => 'alice'$$);
SELECT found($$metadata => '{"order": 2}', user_id => 'bob', types => '{TRANSFER_OUT}'$$);
-- since is inclusive, until exclusive, to the microsecond, with and without a user.
SELECT created_at AS paid_at, created_at - interval '1 microsecond' AS before, created_at + interval '1 microsecond' AS behind
FROM wallet_lookup('none') RIGHT JOIN (SELECT created_at FROM wallet_receipt(id('pay')) LIMIT 1) AS pay (created_at) USING (created_at) \gset
SELECT found(format('%L, %L', :'paid_at', :'behind')) AS inclusive, found(format('%L, %L', :'before', :'paid_at')) AS exclusive,
       found(format('%L, %L, user_id => ''bob''', :'paid_at', :'behind')) AS of_bob, found(format('%L, %L, user_id => ''bob''', :'before', :'paid_at')) AS none_of_bob;
SELECT found(format('until => %L', :'paid_at'));
SELECT found(format('since => %L, types => ''{TRANSFER_OUT,CAPTURE_OUT}''', :'paid_at'));
SELECT found($$'-infinity', 'infinity', types => '{CREATED}'$$), found($$'-infinity', 'infinity', user_id => 'bob', types => '{CREATED}'$$);
SELECT found($$'1000-01-01', '1969-12-31'$$), found($$until => '1000-01-01', user_id => 'bob'$$), found($$since => '20000-01-01'$$);
-- A page runs over to end its last operation; the next begins behind it.
SELECT found($$max_rows => 1$$);
SELECT found(format('max_rows => 1, before_transaction_id => %L', id('post')));
SELECT found(format('max_rows => 3, before_transaction_id => %L', id('capture')));
SELECT found($$user_id => 'bob', max_rows => 1$$);
SELECT found(format('user_id => ''bob'', max_rows => 1, before_transaction_id => %L', id('post')));
SELECT found(format('user_id => ''alice'', max_rows => 2, before_transaction_id => %L', id('hold')));
SELECT found(format('before_transaction_id => %L, until => %L', id('post'), :'paid_at'));
SELECT found($$max_rows => 0$$), found($$max_rows => 0, user_id => 'bob'$$);

SELECT failure('wallet_operations(max_rows => NULL)');
SELECT failure('wallet_operations(max_rows => -1)');
SELECT failure('wallet_operations(types => ''{FUND,NULL}'')');
SELECT failure('wallet_operations(types => ''{TRANSFER}'')');
SELECT failure('wallet_operations(currency => ''usd'')');
SELECT failure('wallet_operations(''2024-01-02'', ''2024-01-01'')');
-- It sees the snapshot of the statement that calls it.
SELECT wallet_fund(:bob, 1) IS NOT NULL AS funded, (SELECT count(*) FROM wallet_operations(types => '{FUND}')) AS before;
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT count(*) FROM wallet_operations(types => '{FUND}');
COMMIT;

-- wallet_list: by the time of creation, whatever the ids are.
SELECT keep('first', wallet_create('carol', wallet_id => 'ffffffff-0000-0000-0000-000000000001')),
       keep('second', wallet_create('carol', wallet_id => '10000000-0000-0000-0000-000000000001')), keep('third', wallet_create('carol'));
SELECT name FROM wallet_list('carol', max_rows => 2) WITH ORDINALITY AS page JOIN kept ON kept.id = page.id ORDER BY ordinality;
SELECT name FROM wallet_list('carol', id('second'), 2) WITH ORDINALITY AS page JOIN kept ON kept.id = page.id ORDER BY ordinality;
SELECT name FROM wallet_list('carol', after_id => id('first')) WITH ORDINALITY AS page JOIN kept ON kept.id = page.id ORDER BY ordinality;
SELECT count(*) FROM wallet_list('carol', :alice);
SELECT count(*) FROM wallet_list('carol', 'd0000000-0000-0000-0000-000000000001');
SELECT count(*) FROM wallet_list('carol', max_rows => 0);
SELECT failure('wallet_list(NULL, max_rows => 1)');
SELECT failure('wallet_list(''carol'', max_rows => -1)');

-- wallet_receipt: entries by their number.
SELECT entry, type, user_id, amount, version FROM wallet_receipt(id('post'));
SELECT entry, type FROM wallet_receipt(id('post'), max_rows => 3);
SELECT entry, type FROM wallet_receipt(id('post'), 1, 2);
SELECT entry, type FROM wallet_receipt(id('post'), after_entry => 5);
SELECT entry, type FROM wallet_receipt(id('post'), 4);
SELECT count(*) FROM wallet_receipt(id('post'), 6);
SELECT entry, type FROM wallet_receipt(id('capture'));
SELECT entry, type FROM wallet_receipt(id('capture'), 2, 5);
SELECT entry, type FROM wallet_receipt(id('fund'), 0, 5);
SELECT count(*) FROM wallet_receipt(id('fund'), 1);
SELECT count(*) FROM wallet_receipt(id('post'), max_rows => 0);
SELECT failure(format('wallet_receipt(%L, -1)', id('post')));
SELECT failure(format('wallet_receipt(%L, max_rows => -1)', id('post')));

-- wallet_statement: each page has an opening and a closing of its own, which meet.
SELECT version, type, amount, balance_after, held_after, created_at IS NULL AS no_time FROM wallet_statement(:alice, max_rows => 3);
SELECT version, type, amount, balance_after, held_after, created_at IS NULL AS no_time FROM wallet_statement(:alice, after_version => 2, max_rows => 3);
SELECT version, type, amount, balance_after, held_after, created_at IS NULL AS no_time FROM wallet_statement(:alice, after_version => 5);
SELECT version, type, balance_after FROM wallet_statement(:alice, after_version => 7, max_rows => 3);
SELECT version, type, balance_after FROM wallet_statement(:alice, after_version => 77, max_rows => 3);
SELECT version, type, balance_after FROM wallet_statement(:alice, max_rows => 0);
-- Inside a period: what is before it is never on a page, and the edges of the period are the times.
SELECT version, type, balance_after, created_at = :'paid_at' AS at_since, created_at = :'behind' AS at_until
FROM wallet_statement(:alice, :'paid_at', :'behind', 0, 1);
SELECT version, type, balance_after, created_at = :'paid_at' AS at_since
FROM wallet_statement(:alice, :'paid_at', NULL, NULL, 2);
SELECT version, type FROM wallet_statement(:alice, NULL, '2020-01-01', NULL, 2);
SELECT failure(format('wallet_statement(%L, max_rows => -1)', :alice));
SELECT failure('wallet_statement(''d0000000-0000-0000-0000-000000000001'', max_rows => 1)');
