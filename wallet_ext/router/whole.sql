-- Calls that are more than one call of a shard.

-- Each shard makes its own items in their order. A shard that fails as a whole fails its items.
CREATE FUNCTION wallet_router_do_wallet_transfer_batch(uuid[], uuid[], numeric[], text[], boolean, jsonb, jsonb[], bigint[])
    RETURNS TABLE (index integer, transaction_id uuid, sqlstate text, message text, detail jsonb, replayed boolean)
    LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    shards integer := (SELECT count(*) FROM @extschema@.wallet_router_shards);
    parts  integer;
    part   record;
    done   record;
    -- What the shards said, by item. No table: a temporary one may be the caller's, with triggers that would run as the owner.
    numbers integer[] := '{}'; ids uuid[] := '{}'; states text[] := '{}'; messages text[] := '{}'; details jsonb[] := '{}';
    replays boolean[] := '{}';
    state text; said text; told text; hinted text;
BEGIN
    PERFORM @extschema@.wallet_router_alone();
    SELECT count(DISTINCT @extschema@.wallet_bucket(payer) % shards) INTO parts FROM unnest($1) AS payer;
    IF parts <= 1 OR cardinality($1) <> coalesce(cardinality($2), -1) OR cardinality($1) <> coalesce(cardinality($3), -1)
       OR cardinality($1) <> coalesce(cardinality($4), cardinality($1))
       OR cardinality($1) <> coalesce(cardinality($7), cardinality($1))
       OR cardinality($1) <> coalesce(cardinality($8), cardinality($1)) THEN
        BEGIN
            RETURN QUERY SELECT * FROM @extschema@.wallet_router_at_wallet_transfer_batch(
                $1, $2, $3, $4, $5, $6, $7, $8, @extschema@.wallet_bucket($1[1]));
            RETURN;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, said = MESSAGE_TEXT, told = PG_EXCEPTION_DETAIL, hinted = PG_EXCEPTION_HINT;
            PERFORM @extschema@.wallet_router_raise(state, said, told, hinted);
        END;
    END IF;
    IF $5 IS DISTINCT FROM false THEN
        RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = 'an atomic batch cannot have payers of several shards',
            HINT = 'Pass atomic => false, or one batch for each shard.';
    END IF;
    FOR part IN
        SELECT @extschema@.wallet_bucket($1[i]) % shards AS shard, array_agg(i ORDER BY i) AS numbers,
               array_agg($1[i] ORDER BY i) AS payers, array_agg($2[i] ORDER BY i) AS payees,
               array_agg($3[i] ORDER BY i) AS amounts,
               CASE WHEN $4 IS NOT NULL THEN array_agg($4[i] ORDER BY i) END AS keys,
               CASE WHEN $7 IS NOT NULL THEN array_agg($7[i] ORDER BY i) END AS metadata,
               CASE WHEN $8 IS NOT NULL THEN array_agg($8[i] ORDER BY i) END AS versions
        FROM generate_subscripts($1, 1) AS i GROUP BY 1 ORDER BY 1
    LOOP
        BEGIN
            SELECT array_agg(part.numbers[item.index]) AS numbers, array_agg(item.transaction_id) AS ids,
                   array_agg(item.sqlstate) AS states, array_agg(item.message) AS messages, array_agg(item.detail) AS details,
                   array_agg(item.replayed) AS replays
            INTO done
            FROM @extschema@.wallet_router_at_wallet_transfer_batch(part.payers, part.payees, part.amounts, part.keys,
                false, $6, part.metadata, part.versions, part.shard) AS item;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, said = MESSAGE_TEXT;
            SELECT part.numbers AS numbers, array_agg(NULL::uuid) AS ids, array_agg(state) AS states, array_agg(said) AS messages,
                   array_agg(NULL::jsonb) AS details, array_agg(false) AS replays
            INTO done
            FROM unnest(part.numbers) AS number;
        END;
        numbers := numbers || done.numbers;
        ids := ids || done.ids;
        states := states || done.states;
        messages := messages || done.messages;
        details := details || done.details;
        replays := replays || done.replays;
    END LOOP;
    RETURN QUERY SELECT item.number, item.id, item.state, item.message, item.detail, item.replayed
                 FROM unnest(numbers, ids, states, messages, details, replays)
                     AS item (number, id, state, message, detail, replayed)
                 ORDER BY item.number;
END $$;
