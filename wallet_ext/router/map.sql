-- Where the shards are, and how an error of a shard comes back as the caller knows it.

CREATE TABLE wallet_router_shards (
    shard    integer NOT NULL PRIMARY KEY CHECK (shard >= 0),
    conninfo text    NOT NULL
);
COMMENT ON TABLE wallet_router_shards IS
    'The shards: 0 to a power of two - 1, each with the connection string of its database. Change it in one transaction: sessions take the new map with their next call.';
CREATE TABLE wallet_router_map (version integer NOT NULL);
COMMENT ON TABLE wallet_router_map IS 'One row: how often wallet_router_shards was changed.';
INSERT INTO wallet_router_map VALUES (1);
SELECT pg_catalog.pg_extension_config_dump('wallet_router_shards', '');

CREATE FUNCTION wallet_router_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE @extschema@.wallet_router_map SET version = version + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER wallet_router_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON wallet_router_shards
    FOR EACH STATEMENT EXECUTE FUNCTION wallet_router_changed();

CREATE SCHEMA plproxy;
GRANT USAGE ON SCHEMA plproxy TO PUBLIC;
CREATE FUNCTION plproxy.get_cluster_version(cluster_name text) RETURNS integer
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'SELECT version FROM @extschema@.wallet_router_map';
-- PL/Proxy refuses a number of parts that is no power of two; a hole in the numbers is refused here. The login
-- is named in each connection string: PL/Proxy's own default is the owner of these functions at the first call.
CREATE FUNCTION plproxy.get_cluster_partitions(cluster_name text) RETURNS SETOF text
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF (SELECT count(*) = 0 OR max(shard) + 1 <> count(*) FROM @extschema@.wallet_router_shards) THEN
        RAISE EXCEPTION USING ERRCODE = '55000', MESSAGE = 'wallet_router_shards has a hole or no row',
            HINT = 'Its shards are numbered from 0, without a gap.';
    END IF;
    RETURN QUERY SELECT conninfo || ' user=''' || replace(replace(session_user::text, '\', '\\'), '''', '\''') || ''''
                 FROM @extschema@.wallet_router_shards ORDER BY shard;
END $$;
CREATE FUNCTION plproxy.get_cluster_config(cluster_name text, OUT key text, OUT val text) RETURNS SETOF record
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$VALUES ('connection_lifetime', '3600')$$;

CREATE FUNCTION wallet_router_alone() RETURNS void
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'wallet_router_alone';

CREATE FUNCTION wallet_bucket(wallet_id uuid) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(pg_catalog.get_byte(pg_catalog.uuid_send(wallet_id), 14) % 16 * 256
                    + pg_catalog.get_byte(pg_catalog.uuid_send(wallet_id), 15), 0);
COMMENT ON FUNCTION wallet_bucket(uuid) IS 'The last three hexadecimal digits of the id; the shard is this modulo the number of shards.';
CREATE FUNCTION wallet_user_bucket(user_id text) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(pg_catalog.get_byte(pg_catalog.sha256(pg_catalog.convert_to(user_id, 'UTF8')), 0) * 16
                    + pg_catalog.get_byte(pg_catalog.sha256(pg_catalog.convert_to(user_id, 'UTF8')), 1) / 16, 0);
COMMENT ON FUNCTION wallet_user_bucket(text) IS 'The first 12 bits of the SHA-256 of the user id in UTF-8.';

-- The id of a new wallet ends in its user's bucket. With a key it is made of the key, so that a retry asks
-- for the same wallet; else it is a UUID version 7.
CREATE FUNCTION wallet_router_new_id(user_id text, idempotency_key text) RETURNS uuid
    LANGUAGE sql VOLATILE AS $$
    SELECT (pg_catalog.substr(made.hex, 1, 12) || made.kind || pg_catalog.substr(made.hex, 14, 3) || 'b'
        || pg_catalog.substr(made.hex, 18) || pg_catalog.lpad(pg_catalog.to_hex(@extschema@.wallet_user_bucket($1)), 3, '0'))::uuid
    FROM (SELECT CASE WHEN $2 IS NULL
                 THEN pg_catalog.lpad(pg_catalog.to_hex((extract(epoch FROM pg_catalog.clock_timestamp()) * 1000)::bigint), 12, '0')
                      || pg_catalog.substr(pg_catalog.replace(pg_catalog.gen_random_uuid()::text, '-', ''), 1, 17)
                 ELSE pg_catalog.substr(pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to($2, 'UTF8')), 'hex'), 1, 29) END AS hex,
                 CASE WHEN $2 IS NULL THEN '7' ELSE '8' END AS kind) AS made
$$;

-- PL/Proxy writes its own words before a shard's message, DETAIL and HINT.
CREATE FUNCTION wallet_router_raise(state text, message text, detail text, hint text) RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    message := pg_catalog.regexp_replace(message, '^[^ ]+\(\d+\): \[[^]]*\] REMOTE [A-Z]+: ', '');
    detail := pg_catalog.regexp_replace(detail, '^Remote detail: ', '');
    hint := pg_catalog.regexp_replace(hint, '^Remote hint: ', '');
    IF detail = '' AND hint = '' THEN
        RAISE EXCEPTION USING ERRCODE = state, MESSAGE = message;
    ELSIF hint = '' THEN
        RAISE EXCEPTION USING ERRCODE = state, MESSAGE = message, DETAIL = detail;
    ELSIF detail = '' THEN
        RAISE EXCEPTION USING ERRCODE = state, MESSAGE = message, HINT = hint;
    END IF;
    RAISE EXCEPTION USING ERRCODE = state, MESSAGE = message, DETAIL = detail, HINT = hint;
END $$;

CREATE FUNCTION wallet_router_replayed(replayed text) RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(pg_catalog.current_setting('wallet.replayed', true), '') <> coalesce(replayed, '') THEN
        PERFORM pg_catalog.set_config('wallet.replayed', coalesce(replayed, ''), false);
    END IF;
EXCEPTION WHEN cant_change_runtime_param THEN
    -- Where the wallet library is loaded too, the setting is its own.
    NULL;
END $$;

-- Where a hold or an operation is; NULL where there is none.
CREATE FUNCTION wallet_router_find_hold(id uuid) RETURNS SETOF uuid
    LANGUAGE plproxy AS $$CLUSTER 'wallets'; RUN ON ALL; SELECT wallet_id FROM wallet_hold_get($1::uuid);$$;
CREATE FUNCTION wallet_router_find_operation(id uuid) RETURNS SETOF uuid
    LANGUAGE plproxy AS $$CLUSTER 'wallets'; RUN ON ALL; SELECT wallet_id FROM wallet_receipt($1::uuid, NULL, 1);$$;

CREATE FUNCTION wallet_router_ages() RETURNS TABLE (shard_database text, is_standby boolean, age interval)
    LANGUAGE plproxy AS $$CLUSTER 'wallets'; RUN ON ALL;
    SELECT pg_catalog.current_database()::text AS shard_database, pg_catalog.pg_is_in_recovery() AS is_standby,
           CASE WHEN pg_catalog.pg_is_in_recovery() AND pg_catalog.pg_last_wal_receive_lsn() IS DISTINCT FROM pg_catalog.pg_last_wal_replay_lsn()
                THEN pg_catalog.clock_timestamp() - pg_catalog.pg_last_xact_replay_timestamp()
                ELSE interval '0' END AS age;$$;
COMMENT ON FUNCTION wallet_router_ages() IS
    'How old what each shard answers is: 0 for a primary, how far a standby is behind. Reads of all shards are no snapshot: each part is of its own moment.';

