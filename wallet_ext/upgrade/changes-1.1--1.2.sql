-- Whether a request for limits named a maximum or none.
ALTER TABLE wallet_ledger ADD COLUMN max_balance_given boolean;

-- The rows of a batch have more columns, and its items more arguments.
DROP FUNCTION wallet_transfer_batch(uuid[], uuid[], numeric[], text[], boolean, jsonb);

-- Earlier versions bound these to whatever the schema offered beforehand; what is bound to PostgreSQL's
-- own stays, since a new CHECK reads the whole table.
DO $$
DECLARE
    bound record;
BEGIN
    FOR bound IN
        SELECT DISTINCT needed.relation, needed.name, needed.definition
        FROM (VALUES
            ('wallets'::pg_catalog.regclass, 'wallets_held_check', 'held >= 0::numeric'),
            ('wallet_ledger'::pg_catalog.regclass, 'wallet_ledger_amount_check', 'amount >= 0::numeric'),
            ('wallet_ledger'::pg_catalog.regclass, 'wallet_ledger_from_check', 'pg_catalog.num_nonnulls('
                'from_wallet_id, from_version, from_balance, from_held, from_status, from_user_id) IN (0, 6)'),
            ('wallet_ledger'::pg_catalog.regclass, 'wallet_ledger_to_check', 'pg_catalog.num_nonnulls('
                'to_wallet_id, to_version, to_balance, to_held, to_status, to_user_id) IN (0, 6)'),
            ('wallet_holds'::pg_catalog.regclass, 'wallet_holds_amount_check', 'amount > 0::numeric AND captured >= 0::numeric '
                'AND released >= 0::numeric AND captured + released <= amount')) AS needed (relation, name, definition)
        JOIN pg_catalog.pg_constraint AS c ON c.conrelid = needed.relation::pg_catalog.oid AND c.conname = needed.name
        JOIN pg_catalog.pg_depend AS d ON d.objid = c.oid
             AND d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass::pg_catalog.oid
        WHERE d.refclassid IN ('pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid,
                               'pg_catalog.pg_operator'::pg_catalog.regclass::pg_catalog.oid)
    LOOP
        EXECUTE pg_catalog.format('ALTER TABLE %s DROP CONSTRAINT %I, ADD CONSTRAINT %I CHECK (%s)',
            bound.relation, bound.name, bound.name, bound.definition);
    END LOOP;
END
$$;

-- How many decimals the amounts of a currency may have; one that isn't here has the 4 of every amount.
CREATE TABLE wallet_currency_scales (
    currency text    NOT NULL,
    scale    integer NOT NULL,
    CONSTRAINT wallet_currency_scales_pkey PRIMARY KEY (currency),
    CONSTRAINT wallet_currency_scales_scale_check CHECK (scale BETWEEN 0 AND 4)
);

SELECT pg_catalog.pg_extension_config_dump('wallet_currency_scales', '');

-- Reads that come in pages.
DROP FUNCTION wallet_list(text);
DROP FUNCTION wallet_receipt(uuid);
DROP FUNCTION wallet_statement(uuid, timestamptz, timestamptz);
CREATE INDEX wallet_holds_wallet_idx ON wallet_holds (wallet_id, status, hold_id);

-- The way of the events: how far it is complete, and what went to the dead letters.
DROP FUNCTION wallet_health();
ALTER TABLE wallet_history_offsets ADD COLUMN complete_at timestamptz,
    ADD COLUMN claimed_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN source text,
    ADD COLUMN mark_offset bigint,
    ADD COLUMN mark bigint,
    ADD COLUMN anchor_offset bigint,
    ADD COLUMN anchor bigint,
    ADD COLUMN topic_id text;
-- One row, of the database's own: every entry before complete_to has its event, or stands in a recorded gap.
-- noted is the next point, noted_before the transactions that may write before it. Every entry before checked_to
-- was in the topic when all partitions were read: check_to is the next such point, check_lsn what the slot must
-- have confirmed for it, check_at when it had.
CREATE TABLE wallet_history_mark (
    id           boolean     NOT NULL DEFAULT true,
    complete_to  uuid        NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    noted        uuid,
    noted_before xid8,
    checked_to   uuid        NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    check_to     uuid,
    check_lsn    pg_lsn,
    check_at     timestamptz,
    has_more     boolean     NOT NULL DEFAULT false,
    CONSTRAINT wallet_history_mark_pkey PRIMARY KEY (id),
    CONSTRAINT wallet_history_mark_id_check CHECK (id)
) WITH (fillfactor = 50);
INSERT INTO wallet_history_mark DEFAULT VALUES;

-- Records that are no events of this ledger: they are in the dead letter topic. Whoever has dealt with one
-- deletes its row.
CREATE TABLE wallet_history_dead_letters (
    topic        text        NOT NULL,
    partition    integer     NOT NULL,
    kafka_offset bigint      NOT NULL,
    reason       text        NOT NULL,
    detail       text        NOT NULL,
    seen_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT wallet_history_dead_letters_pkey PRIMARY KEY (topic, partition, kafka_offset)
);

SELECT pg_catalog.pg_extension_config_dump('wallet_history_dead_letters', '');
