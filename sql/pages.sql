-- Each read that comes in pages touches as many blocks as its page has, whatever stands beside it: with
-- 200,000 rows in the ledger here, and with as many as -v rows=10000000 says by hand.
\if :{?rows} \else \set rows 200000 \endif
-- Blocks that a query touches, when what it needs from the catalogs is at hand.
CREATE FUNCTION touched(query text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    FOR i IN 1..2 LOOP
        EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ' || query INTO plan;
    END LOOP;
    RETURN (plan -> 0 -> 'Plan' ->> 'Shared Hit Blocks')::integer + (plan -> 0 -> 'Plan' ->> 'Shared Read Blocks')::integer;
END
$$;

-- Two wallets that pay each other every second, one that was created before and is named once in between, a user
-- with many wallets, an operation of many legs, a wallet with many holds.
CREATE FUNCTION at_second(second integer) RETURNS timestamptz LANGUAGE sql STABLE AS
    $$SELECT '2024-01-01 00:00:00+00'::timestamptz + second * interval '1 second'$$;
CREATE FUNCTION id_at(second integer) RETURNS uuid LANGUAGE sql STABLE AS
    $$SELECT (lpad(to_hex(extract(epoch FROM at_second(second))::bigint * 1000), 12, '0') || '70008000' || lpad(to_hex(second), 12, '0'))::uuid$$;
INSERT INTO wallets (id, user_id, currency, balance, version, created_at, updated_at)
VALUES ('a0000000-0000-0000-0000-000000000001', 'alice', 'USD', 0, :rows, at_second(0), at_second(:rows)),
       ('b0000000-0000-0000-0000-000000000001', 'bob', 'USD', 0, :rows, at_second(0), at_second(:rows)),
       ('c0000000-0000-0000-0000-000000000001', 'carol', 'USD', 0, 1, at_second(0), at_second(100));
INSERT INTO wallets (id, user_id, currency, balance, version, created_at, updated_at)
SELECT ('d0000000-0000-0000-0000-' || lpad(to_hex(i), 12, '0'))::uuid, 'dave', 'USD', 0, 0, at_second(i), at_second(i)
FROM generate_series(1, :rows / 10) AS i;
INSERT INTO wallet_ledger (transaction_id, leg, kind, amount, currency, created_at, from_wallet_id, from_version, from_balance, from_held,
    from_status, from_user_id, to_wallet_id, to_version, to_balance, to_held, to_status, to_user_id, metadata,
    session_user_name, current_user_name, application_name)
SELECT id_at(i), 0, 'TRANSFER', 1 + i % 100, 'USD', at_second(i), pair[1 + i % 2], i, 0, 0, 'active', users[1 + i % 2],
       pair[2 - i % 2], i, 0, 0, 'active', users[2 - i % 2], CASE WHEN i % 1000 = 0 THEN jsonb_build_object('order', i) END, 'a', 'a', 'a'
FROM generate_series(1, :rows) AS i,
     (VALUES (ARRAY['a0000000-0000-0000-0000-000000000001', 'b0000000-0000-0000-0000-000000000001']::uuid[], ARRAY['alice', 'bob'])) AS two (pair, users);
INSERT INTO wallet_ledger (transaction_id, leg, kind, amount, currency, created_at, to_wallet_id, to_version, to_balance, to_held,
    to_status, to_user_id, session_user_name, current_user_name, application_name)
SELECT gen_random_uuid(), 0, 'CREATED', 0, 'USD', created_at, id, 0, 0, 0, 'active', user_id, 'a', 'a', 'a' FROM wallets
UNION ALL
SELECT '01900000-0000-7000-8000-000000000001', 0, 'FUND', 5, 'EUR', at_second(100), 'c0000000-0000-0000-0000-000000000001', 1, 5, 0, 'active', 'carol', 'a', 'a', 'a';
INSERT INTO wallet_ledger (transaction_id, leg, kind, amount, currency, created_at, from_wallet_id, from_version, from_balance, from_held,
    from_status, from_user_id, to_wallet_id, to_version, to_balance, to_held, to_status, to_user_id,
    session_user_name, current_user_name, application_name)
SELECT '01910000-0000-7000-8000-000000000001', i - 1, 'TRANSFER', 1, 'USD', at_second(0), 'e0000000-0000-0000-0000-000000000001', i, 0, 0, 'active', 'erin',
       'f0000000-0000-0000-0000-000000000001', i, 0, 0, 'active', 'frank', 'a', 'a', 'a'
FROM generate_series(1, 10000) AS i;
-- Of most wallets with entries the planner expects so few that it would rather sort them.
INSERT INTO wallet_ledger (transaction_id, leg, kind, amount, currency, created_at, from_wallet_id, from_version, from_balance, from_held,
    from_status, from_user_id, to_wallet_id, to_version, to_balance, to_held, to_status, to_user_id,
    session_user_name, current_user_name, application_name)
SELECT gen_random_uuid(), 0, 'TRANSFER', 1, 'USD', payer.created_at, payer.id, n, 0, 0, 'active', 'dave', payee.id, n, 0, 0, 'active', 'dave', 'a', 'a', 'a'
FROM wallets AS payer JOIN wallets AS payee ON payee.created_at = payer.created_at + interval '2500 seconds', generate_series(1, 5) AS n
WHERE payer.user_id = 'dave' AND payee.user_id = 'dave' AND payer.created_at <= at_second(2500) ORDER BY n;
INSERT INTO wallet_holds (hold_id, wallet_id, amount, captured, status, expires_at, created_at)
SELECT id_at(i), 'a0000000-0000-0000-0000-000000000001', 1, CASE WHEN i % 1000 = 0 THEN 0 ELSE 1 END, CASE WHEN i % 1000 = 0 THEN 'open' ELSE 'captured' END,
       'infinity', at_second(i)
FROM generate_series(1, :rows / 4) AS i;
-- Much reserved, nothing expired.
INSERT INTO wallets (id, user_id, currency, balance, held, version, created_at, updated_at)
VALUES ('10000000-0000-0000-0000-000000000001', 'gina', 'USD', :rows, :rows / 40, 0, at_second(0), at_second(0));
INSERT INTO wallet_holds (hold_id, wallet_id, amount, status, expires_at, created_at)
SELECT id_at(:rows + i), '10000000-0000-0000-0000-000000000001', 1, 'open', 'infinity', at_second(i) FROM generate_series(1, :rows / 40) AS i;
VACUUM ANALYZE wallets, wallet_ledger, wallet_holds;
SELECT id_at(:rows / 2) AS middle_id, at_second(:rows / 2) AS middle, at_second(:rows / 2 + 50) AS fifty_later, id_at(:rows / 8) AS middle_hold,
       id_at(:rows / 8000 * 1000) AS middle_open, ('d0000000-0000-0000-0000-' || lpad(to_hex(:rows / 20), 12, '0')) AS middle_wallet, :rows / 2 AS middle_version \gset

CREATE TABLE page (query text, blocks integer);
INSERT INTO page VALUES
    ($$SELECT * FROM wallet_get('10000000-0000-0000-0000-000000000001')$$, 50),
    ($$SELECT * FROM wallet_list('gina')$$, 100),
    ($$SELECT * FROM wallet_list('dave', max_rows => 50)$$, 500),
    (format($$SELECT * FROM wallet_list('dave', %L, 50)$$, :'middle_wallet'), 500),
    ($$SELECT * FROM wallet_receipt('01910000-0000-7000-8000-000000000001', max_rows => 50)$$, 100),
    ($$SELECT * FROM wallet_receipt('01910000-0000-7000-8000-000000000001', 15000, 50)$$, 100),
    ($$SELECT * FROM wallet_statement('a0000000-0000-0000-0000-000000000001', max_rows => 50)$$, 600),
    (format($$SELECT * FROM wallet_statement('a0000000-0000-0000-0000-000000000001', NULL, NULL, %s, 50)$$, :middle_version), 600),
    (format($$SELECT * FROM wallet_statement('a0000000-0000-0000-0000-000000000001', %L, %L)$$, :'middle', :'fifty_later'), 600),
    ($$SELECT * FROM wallet_hold_list('a0000000-0000-0000-0000-000000000001')$$, 50),
    (format($$SELECT * FROM wallet_hold_list('a0000000-0000-0000-0000-000000000001', after_id => %L)$$, :'middle_hold'), 50),
    ($$SELECT * FROM wallet_hold_list('a0000000-0000-0000-0000-000000000001', 'open', max_rows => 10)$$, 50),
    (format($$SELECT * FROM wallet_hold_list('a0000000-0000-0000-0000-000000000001', 'open', %L, 10)$$, :'middle_open'), 50),
    (format($$SELECT * FROM wallet_hold_get(%L)$$, :'middle_hold'), 20),
    ($$SELECT * FROM wallet_operations()$$, 100),
    (format($$SELECT * FROM wallet_operations(before_transaction_id => %L)$$, :'middle_id'), 100),
    (format($$SELECT * FROM wallet_operations(%L, %L)$$, :'middle', :'fifty_later'), 100),
    (format($$SELECT * FROM wallet_operations(until => %L, types => '{TRANSFER_IN}', currency => 'USD', min_amount => 10, max_amount => 90)$$, :'middle'), 100),
    ($$SELECT * FROM wallet_operations(user_id => 'alice')$$, 600),
    (format($$SELECT * FROM wallet_operations(user_id => 'alice', before_transaction_id => %L)$$, :'middle_id'), 900),
    (format($$SELECT * FROM wallet_operations(%L, %L, user_id => 'bob', types => '{FUND}')$$, :'middle', :'fifty_later'), 900),
    ($$SELECT * FROM wallet_operations(user_id => 'carol')$$, 300),
    (format($$SELECT * FROM wallet_operations(user_id => 'carol', before_transaction_id => %L)$$, :'middle_id'), 300);
\if :{?show}
SELECT query, touched(query), blocks FROM page;
\endif
SELECT replace(replace(query, :'middle_id', 'MIDDLE'), '0000-0000-0000-', '..') AS touches_too_much, touched(query) FROM page WHERE touched(query) > blocks;
-- Nor do a user's pages where the planner would rather read whole wallets and sort.
SET random_page_cost = 100;
SELECT replace(replace(query, :'middle_id', 'MIDDLE'), '0000-0000-0000-', '..') AS touches_too_much, touched(query) FROM page
WHERE query LIKE '%user_id =>%' AND touched(query) > blocks;
RESET random_page_cost;
SELECT count(*) AS queries, bool_and(blocks < 1000) AS bounded FROM page;

-- The optional index for metadata is used (docs/operation.md).
CREATE INDEX ledger_metadata_idx ON wallet_ledger USING gin (metadata jsonb_path_ops) WHERE metadata IS NOT NULL;
ANALYZE wallet_ledger;
SELECT amount, metadata FROM wallet_operations(metadata => '{"order": 5000}');
SELECT touched($$SELECT * FROM wallet_operations(metadata => '{"order": 5000}')$$) < 200 AS by_index;

-- Page after page is the whole, each row once, in its order.
CREATE FUNCTION pages_of(first text, next text, after text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    query text := first;
    line record;
    last text;
    found boolean;
BEGIN
    LOOP
        found := false;
        FOR line IN EXECUTE query LOOP
            RETURN NEXT line::text;
            last := to_json(line) ->> after;
            found := true;
        END LOOP;
        EXIT WHEN NOT found;
        query := format(next, last);
    END LOOP;
END
$$;
CREATE FUNCTION same_rows(whole text, first text, next text, after text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    expected text[];
    paged text[];
BEGIN
    EXECUTE format('SELECT array_agg(line::text) FROM (%s) AS line', whole) INTO expected;
    SELECT array_agg(line) INTO paged FROM pages_of(first, next, after) AS line;
    RETURN cardinality(expected) || CASE WHEN expected = paged THEN ' rows, the same' ELSE ' rows, others in pages: ' || cardinality(paged) END;
END
$$;
SELECT same_rows($$SELECT * FROM wallet_list('dave') LIMIT 300$$, $$SELECT * FROM wallet_list('dave', NULL, 7) WHERE created_at <= at_second(300)$$,
                 $$SELECT * FROM wallet_list('dave', %L, 7) WHERE created_at <= at_second(300)$$, 'id') AS list;
SELECT same_rows($$SELECT * FROM wallet_receipt('01910000-0000-7000-8000-000000000001') WHERE entry <= 501$$,
                 $$SELECT * FROM wallet_receipt('01910000-0000-7000-8000-000000000001', NULL, 7) WHERE entry <= 501$$,
                 $$SELECT * FROM wallet_receipt('01910000-0000-7000-8000-000000000001', %s, 7) WHERE entry <= 501$$, 'entry') AS receipt;
SELECT same_rows($$SELECT * FROM wallet_statement('a0000000-0000-0000-0000-000000000001', at_second(100), at_second(400)) WHERE type NOT IN ('OPENING', 'CLOSING')$$,
                 $$SELECT * FROM wallet_statement('a0000000-0000-0000-0000-000000000001', at_second(100), at_second(400), NULL, 7) WHERE type NOT IN ('OPENING', 'CLOSING')$$,
                 $$SELECT * FROM wallet_statement('a0000000-0000-0000-0000-000000000001', at_second(100), at_second(400), %s, 7) WHERE type NOT IN ('OPENING', 'CLOSING')$$, 'version') AS statement;
SELECT same_rows($$SELECT * FROM wallet_hold_list('a0000000-0000-0000-0000-000000000001', max_rows => 300)$$,
                 $$SELECT * FROM wallet_hold_list('a0000000-0000-0000-0000-000000000001', NULL, NULL, 7) WHERE created_at <= at_second(300)$$,
                 $$SELECT * FROM wallet_hold_list('a0000000-0000-0000-0000-000000000001', NULL, %L, 7) WHERE created_at <= at_second(300)$$, 'hold_id') AS holds;
SELECT same_rows($$SELECT * FROM wallet_operations(at_second(100), at_second(400), max_rows => 1000)$$,
                 $$SELECT * FROM wallet_operations(at_second(100), at_second(400), max_rows => 7)$$,
                 $$SELECT * FROM wallet_operations(at_second(100), at_second(400), before_transaction_id => %L, max_rows => 7)$$, 'transaction_id') AS operations;
SELECT same_rows($$SELECT * FROM wallet_operations(at_second(100), at_second(400), user_id => 'alice', min_amount => 20, max_rows => 1000)$$,
                 $$SELECT * FROM wallet_operations(at_second(100), at_second(400), user_id => 'alice', min_amount => 20, max_rows => 7)$$,
                 $$SELECT * FROM wallet_operations(at_second(100), at_second(400), user_id => 'alice', min_amount => 20, before_transaction_id => %L, max_rows => 7)$$,
                 'transaction_id') AS of_a_user;
