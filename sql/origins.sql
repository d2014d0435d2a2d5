-- Nobody hides a movement: the ledger is not written under a replication origin of the history's, which
-- the output plugin leaves out, whenever it is set.
\set alice '''a0000000-0000-0000-0000-000000000001'''
\set bob '''b0000000-0000-0000-0000-000000000001'''
SELECT wallet_create('alice', 'USD', :alice), wallet_create('bob', 'USD', :bob);
SELECT wallet_fund(:alice, 100, 'before') AS before \gset
SELECT slot_name FROM pg_create_logical_replication_slot('regress_origins', 'wallet_decoder');
CREATE FUNCTION events_get() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT data::jsonb ->> 'amount' FROM pg_logical_slot_get_changes('regress_origins', NULL, NULL)
$$;
SELECT count(pg_replication_origin_create(name)) FROM unnest('{regress_origins,wallet_history_origins}'::text[]) AS name;

SELECT pg_replication_origin_session_setup('wallet_history_origins');
SELECT wallet_fund(:alice, 1);
\set VERBOSITY sqlstate
SELECT wallet_create('carol');
SELECT wallet_transfer(:alice, :bob, 1), wallet_withdraw(:alice, 1);
SELECT wallet_hold(:alice, 1);
SELECT wallet_freeze(:alice);
SELECT wallet_post(ARRAY[(:alice, :bob, 1)]::wallet_leg[]);
SELECT * FROM wallet_transfer_batch(ARRAY[:alice]::uuid[], ARRAY[:bob]::uuid[], '{1}', atomic => false);
-- What writes nothing is as ever.
SELECT wallet_fund(:alice, 100, 'before') = :'before' AS replayed, wallet_expire_holds(), wallet_lock(ARRAY[:alice]::uuid[]);
SELECT balance, version FROM wallet_get(:alice);
SELECT pg_replication_origin_session_reset();

-- Set after the call, but before the commit.
BEGIN;
SELECT wallet_fund(:alice, 2) IS NOT NULL AS funded;
SELECT pg_replication_origin_session_setup('wallet_history_origins');
COMMIT;
SELECT pg_replication_origin_session_reset();
BEGIN;
SELECT wallet_fund(:alice, 3) IS NOT NULL AS funded;
SELECT pg_replication_origin_session_setup('wallet_history_origins');
PREPARE TRANSACTION 'regress_origins';
SELECT pg_replication_origin_session_reset();
SELECT balance, version FROM wallet_get(:alice);
SELECT * FROM events_get();

-- Committed by a session that has such an origin: the rows were written without, and are events.
BEGIN;
SELECT wallet_fund(:alice, 4) IS NOT NULL AS funded;
PREPARE TRANSACTION 'regress_origins';
SELECT pg_replication_origin_session_setup('wallet_history_origins');
COMMIT PREPARED 'regress_origins';
-- The history's own transactions go on.
BEGIN;
INSERT INTO wallet_history_gaps (wallet_id, from_version, to_version, topic, partition, kafka_offset) VALUES (:alice, 1, 2, 'topic', 0, 1);
COMMIT;
SELECT pg_replication_origin_session_reset();
BEGIN;
SELECT wallet_fund(:alice, 5) IS NOT NULL AS funded;
SELECT pg_replication_origin_session_setup('wallet_history_origins');
SELECT pg_replication_origin_session_reset();
COMMIT;

-- Another origin hides nothing.
SELECT pg_replication_origin_session_setup('regress_origins');
SELECT wallet_fund(:alice, 6) IS NOT NULL AS funded;
SELECT pg_replication_origin_session_reset();
SELECT * FROM events_get();
SELECT balance, version FROM wallet_get(:alice);

SELECT pg_drop_replication_slot('regress_origins');
SELECT pg_replication_origin_drop(name) FROM unnest('{regress_origins,wallet_history_origins}'::text[]) AS name;
