-- The baseline of bench-transfer: wallet_transfer() as a good PL/pgSQL programmer writes it, over the
-- same tables (columns, constraints, indexes, fillfactor, copied from the extension's), with the same
-- checks in the same order, the same ledger row and the same rules for keys, versions and the clock.
CREATE SCHEMA bench_plpgsql;

-- LIKE copies everything but the storage parameters.
DO $$
DECLARE
    source record;
BEGIN
    FOR source IN
        SELECT c.oid::regclass AS name, c.relname,
               coalesce('WITH (' || array_to_string(c.reloptions, ', ') || ')', '') AS parameters
        FROM pg_class AS c
        JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
        JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'wallet'
        WHERE c.relname IN ('wallets', 'wallet_ledger')
    LOOP
        EXECUTE format('CREATE TABLE bench_plpgsql.%I (LIKE %s INCLUDING ALL) %s',
                       source.relname, source.name, source.parameters);
    END LOOP;
END
$$;

CREATE FUNCTION bench_plpgsql.fail(state text, problem text, detail jsonb DEFAULT '{}') RETURNS void
    LANGUAGE plpgsql AS
$$
BEGIN
    RAISE EXCEPTION USING errcode = state, message = problem, detail = detail::text;
END
$$;

-- What is wrong with the arguments, the first that applies. Asked only when something is.
CREATE FUNCTION bench_plpgsql.fail_arguments(
    from_wallet_id uuid, to_wallet_id uuid, amount numeric, idempotency_key text,
    expected_version bigint, metadata jsonb
) RETURNS void
    LANGUAGE plpgsql AS
$$
DECLARE
    nil constant uuid := '00000000-0000-0000-0000-000000000000';
BEGIN
    IF from_wallet_id IS NULL OR to_wallet_id IS NULL OR amount IS NULL THEN
        PERFORM bench_plpgsql.fail('22004', 'an argument must not be null');
    ELSIF from_wallet_id = nil OR to_wallet_id = nil THEN
        PERFORM bench_plpgsql.fail('22023', 'a wallet id must not be the nil UUID');
    ELSIF octet_length(idempotency_key) NOT BETWEEN 1 AND 255 THEN
        PERFORM bench_plpgsql.fail('22023', 'idempotency_key must have 1 to 255 bytes');
    ELSIF expected_version < 0 THEN
        PERFORM bench_plpgsql.fail('22023', 'expected_version must not be negative');
    ELSIF jsonb_typeof(metadata) <> 'object' THEN
        PERFORM bench_plpgsql.fail('22023', 'metadata must be a JSON object');
    ELSIF octet_length(metadata::text) > 8192 THEN
        PERFORM bench_plpgsql.fail('22023', 'metadata must not have more than 8192 bytes as text');
    ELSIF NOT (amount > 0 AND amount <= 999999999999999.9999 AND amount = trunc(amount, 4)) THEN
        PERFORM bench_plpgsql.fail('WL003', 'invalid amount',
            jsonb_build_object('argument', 'amount', 'value', amount::text));
    ELSE
        PERFORM bench_plpgsql.fail('WL007', 'cannot move money from a wallet to itself',
            jsonb_build_object('wallet_id', from_wallet_id));
    END IF;
END
$$;

-- The first operation's id if the request is the same, else the first field that differs.
CREATE FUNCTION bench_plpgsql.replay(
    owner bench_plpgsql.wallet_ledger, from_wallet_id uuid, to_wallet_id uuid, amount numeric,
    metadata jsonb
) RETURNS uuid
    LANGUAGE plpgsql AS
$$
DECLARE
    field constant text := CASE
        WHEN owner.kind <> 'TRANSFER' OR owner.operation IS NOT NULL THEN 'operation'
        WHEN owner.from_wallet_id <> from_wallet_id THEN 'from_wallet_id'
        WHEN owner.to_wallet_id <> to_wallet_id THEN 'to_wallet_id'
        WHEN owner.amount <> amount THEN 'amount'
        WHEN owner.metadata IS DISTINCT FROM metadata THEN 'metadata'
    END;
BEGIN
    IF field IS NOT NULL THEN
        PERFORM bench_plpgsql.fail('WL005', 'idempotency key was used for another request',
            jsonb_build_object('idempotency_key', owner.idempotency_key, 'field', field,
                               'transaction_id', owner.transaction_id));
    END IF;
    RETURN owner.transaction_id;
END
$$;

-- What forbids the transfer, the first that applies. Asked only when something does.
CREATE FUNCTION bench_plpgsql.fail_rules(
    from_wallet_id uuid, to_wallet_id uuid, payer bench_plpgsql.wallets, payee bench_plpgsql.wallets,
    amount numeric, expected_version bigint
) RETURNS void
    LANGUAGE plpgsql AS
$$
BEGIN
    IF payer.id IS NULL OR payee.id IS NULL THEN
        PERFORM bench_plpgsql.fail('WL001', 'wallet does not exist', jsonb_build_object('wallet_id',
            CASE WHEN payer.id IS NULL THEN from_wallet_id ELSE to_wallet_id END));
    ELSIF payer.version <> expected_version THEN
        PERFORM bench_plpgsql.fail('WL004', 'wallet is at another version', jsonb_build_object(
            'wallet_id', payer.id, 'expected', expected_version, 'actual', payer.version));
    ELSIF payer.status <> 'active' THEN
        PERFORM bench_plpgsql.fail(CASE payer.status WHEN 'closed' THEN 'WL009' ELSE 'WL008' END,
            'wallet is ' || payer.status, jsonb_build_object('wallet_id', payer.id));
    ELSIF payee.status <> 'active' THEN
        PERFORM bench_plpgsql.fail(CASE payee.status WHEN 'closed' THEN 'WL009' ELSE 'WL008' END,
            'wallet is ' || payee.status, jsonb_build_object('wallet_id', payee.id));
    ELSIF payer.currency <> payee.currency THEN
        PERFORM bench_plpgsql.fail('WL006', 'wallet holds another currency', jsonb_build_object(
            'wallet_id', payee.id, 'expected', payer.currency, 'actual', payee.currency));
    ELSIF payer.balance - payer.held + payer.credit_limit < amount THEN
        PERFORM bench_plpgsql.fail('WL002', 'insufficient funds', jsonb_build_object(
            'wallet_id', payer.id, 'requested', amount::text,
            'available', (payer.balance - payer.held + payer.credit_limit)::text));
    ELSE
        PERFORM bench_plpgsql.fail('WL010', 'balance limit exceeded',
            jsonb_build_object('wallet_id', payee.id));
    END IF;
END
$$;

CREATE FUNCTION bench_plpgsql.wallet_transfer(
    from_wallet_id uuid, to_wallet_id uuid, amount numeric, idempotency_key text DEFAULT NULL,
    expected_version bigint DEFAULT NULL, metadata jsonb DEFAULT NULL
) RETURNS uuid
    LANGUAGE plpgsql AS
$$
#variable_conflict use_variable
DECLARE
    nil constant uuid := '00000000-0000-0000-0000-000000000000';
    key constant text := idempotency_key;
    payer bench_plpgsql.wallets;
    payee bench_plpgsql.wallets;
    made_at timestamptz;
    us bigint;
    id uuid;
BEGIN
    -- One expression for all rules: PL/pgSQL pays for each statement.
    IF (from_wallet_id <> nil AND to_wallet_id <> nil
        AND (key IS NULL OR octet_length(key) BETWEEN 1 AND 255)
        AND (expected_version IS NULL OR expected_version >= 0)
        AND (metadata IS NULL
             OR (jsonb_typeof(metadata) = 'object' AND octet_length(metadata::text) <= 8192))
        AND amount > 0 AND amount <= 999999999999999.9999 AND amount = trunc(amount, 4)
        AND from_wallet_id <> to_wallet_id) IS NOT TRUE
    THEN
        PERFORM bench_plpgsql.fail_arguments(from_wallet_id, to_wallet_id, amount, key,
                                             expected_version, metadata);
    END IF;

    -- In id order, so that opposite transfers do not deadlock.
    IF from_wallet_id < to_wallet_id THEN
        SELECT * INTO payer FROM bench_plpgsql.wallets AS w WHERE w.id = from_wallet_id FOR NO KEY UPDATE;
        SELECT * INTO payee FROM bench_plpgsql.wallets AS w WHERE w.id = to_wallet_id FOR NO KEY UPDATE;
    ELSE
        SELECT * INTO payee FROM bench_plpgsql.wallets AS w WHERE w.id = to_wallet_id FOR NO KEY UPDATE;
        SELECT * INTO payer FROM bench_plpgsql.wallets AS w WHERE w.id = from_wallet_id FOR NO KEY UPDATE;
    END IF;

    -- One look is enough: an equal request locks the same wallets, and any other request that takes
    -- the key meanwhile runs into the unique index.
    IF key IS NOT NULL THEN
        SELECT bench_plpgsql.replay(l, from_wallet_id, to_wallet_id, amount, metadata) INTO id
        FROM bench_plpgsql.wallet_ledger AS l WHERE l.idempotency_key COLLATE "C" = key;
        IF FOUND THEN
            RETURN id;
        END IF;
    END IF;

    IF (payer.status = 'active' AND payee.status = 'active'
        AND (expected_version IS NULL OR payer.version = expected_version)
        AND payer.currency = payee.currency
        AND payer.balance - payer.held + payer.credit_limit >= amount
        AND payee.balance + amount <= coalesce(payee.max_balance, 999999999999999.9999)) IS NOT TRUE
    THEN
        PERFORM bench_plpgsql.fail_rules(from_wallet_id, to_wallet_id, payer, payee, amount,
                                         expected_version);
    END IF;

    -- The clock after the last lock, after the newest entry of either wallet. The id's 60 time bits
    -- are that time: 48 bits of milliseconds, 12 of the fraction of a millisecond in 1/4096.
    made_at := greatest(clock_timestamp(), payer.updated_at + interval '1 microsecond',
                        payee.updated_at + interval '1 microsecond');
    us := extract(epoch FROM made_at) * 1000000;
    id := '0' || to_hex((us / 1000 << 16) | 28672 | (us % 1000 * 4096 / 1000))
        || substr(gen_random_uuid()::text, 20);

    UPDATE bench_plpgsql.wallets AS w
    SET balance = payer.balance - amount, version = payer.version + 1, updated_at = made_at
    WHERE w.id = from_wallet_id;
    UPDATE bench_plpgsql.wallets AS w
    SET balance = payee.balance + amount, version = payee.version + 1, updated_at = made_at
    WHERE w.id = to_wallet_id;
    INSERT INTO bench_plpgsql.wallet_ledger (
        transaction_id, from_wallet_id, to_wallet_id, from_version, to_version, created_at, leg, kind,
        amount, currency, from_balance, from_held, from_status, from_user_id,
        to_balance, to_held, to_status, to_user_id, idempotency_key,
        session_user_name, current_user_name, application_name, metadata)
    VALUES (
        id, from_wallet_id, to_wallet_id, payer.version + 1, payee.version + 1, made_at, 0, 'TRANSFER',
        amount, payer.currency, payer.balance - amount, payer.held, payer.status, payer.user_id,
        payee.balance + amount, payee.held, payee.status, payee.user_id, key,
        session_user, current_user, current_setting('application_name'), metadata);
    RETURN id;
END
$$;
