-- Tables of the wallet. Money is numeric(19,4). Only the C functions write wallets, wallet_ledger
-- and wallet_holds; only the history consumer writes transaction_events and wallet_history_*.

-- One balance of one user in one currency. No index on a column that an operation changes, so that
-- every update stays heap-only (HOT); narrow, because wal_level=logical logs the whole new row.
CREATE TABLE wallets (
    id           uuid          NOT NULL,
    user_id      text          NOT NULL,
    currency     text          NOT NULL,
    balance      numeric(19,4) NOT NULL DEFAULT 0,
    held         numeric(19,4) NOT NULL DEFAULT 0,
    credit_limit numeric(19,4) NOT NULL DEFAULT 0,
    max_balance  numeric(19,4),
    status       text          NOT NULL DEFAULT 'active',
    version      bigint        NOT NULL DEFAULT 0,
    created_at   timestamptz   NOT NULL,
    updated_at   timestamptz   NOT NULL,
    -- Of the newest entry, where wallet.seal was on when the wallet's chain of seals began.
    seal         bytea,
    CONSTRAINT wallets_pkey PRIMARY KEY (id),
    CONSTRAINT wallets_status_check CHECK (status IN ('active', 'frozen', 'closed')),
    CONSTRAINT wallets_held_check CHECK (held >= 0::numeric),
    CONSTRAINT wallets_version_check CHECK (version >= 0)
) USING heap WITH (fillfactor = 70);
CREATE INDEX wallets_user_id_idx ON wallets (user_id, created_at);

-- One row per movement with both its sides; a NULL side is the world outside. Fixed-width columns
-- come first: rows stay small and the decoder finds them without walking the row.
CREATE TABLE wallet_ledger (
    transaction_id      uuid          NOT NULL,
    from_wallet_id      uuid,
    to_wallet_id        uuid,
    from_version        bigint,
    to_version          bigint,
    created_at          timestamptz   NOT NULL,
    leg                 integer       NOT NULL,
    forced              boolean       NOT NULL DEFAULT false,
    kind                text          NOT NULL,
    amount              numeric(19,4) NOT NULL,
    currency            text          NOT NULL,
    from_balance        numeric(19,4),
    from_held           numeric(19,4),
    from_status         text,
    from_user_id        text,
    to_balance          numeric(19,4),
    to_held             numeric(19,4),
    to_status           text,
    to_user_id          text,
    idempotency_key     text,
    session_user_name   text          NOT NULL,
    current_user_name   text          NOT NULL,
    application_name    text          NOT NULL,
    hold_id             uuid,
    reverses            uuid,
    -- What the entry sets: CREATED and LIMITS the limits, HOLD the expiry.
    credit_limit        numeric(19,4),
    max_balance         numeric(19,4),
    expires_at          timestamptz,
    -- The request as far as the row doesn't show it. NULL operation: the kind's own function.
    operation           text,
    requested_wallet_id uuid,
    requested_amount    numeric(19,4),
    expires_in          interval,
    final               boolean,
    metadata            jsonb,
    -- Which leg of the operation in reverses is paid back.
    reverses_leg        integer,
    -- SHA-256 of each side's entry and of the seal of the entry before it (wallet.seal).
    from_seal           bytea,
    to_seal             bytea,
    -- LIMITS: whether the request named a maximum or none; before 1.2 a NULL.
    max_balance_given   boolean,
    CONSTRAINT wallet_ledger_pkey PRIMARY KEY (transaction_id, leg),
    CONSTRAINT wallet_ledger_kind_check CHECK (kind IN ('CREATED', 'FUND', 'WITHDRAW', 'TRANSFER',
        'HOLD', 'RELEASE', 'EXPIRE', 'CAPTURE', 'REVERSAL', 'STATUS', 'LIMITS')),
    CONSTRAINT wallet_ledger_amount_check CHECK (amount >= 0::numeric),
    CONSTRAINT wallet_ledger_side_check CHECK (from_wallet_id IS NOT NULL OR to_wallet_id IS NOT NULL),
    CONSTRAINT wallet_ledger_from_check CHECK (
        pg_catalog.num_nonnulls(from_wallet_id, from_version, from_balance, from_held, from_status, from_user_id) IN (0, 6)),
    CONSTRAINT wallet_ledger_to_check CHECK (
        pg_catalog.num_nonnulls(to_wallet_id, to_version, to_balance, to_held, to_status, to_user_id) IN (0, 6))
) USING heap;
CREATE UNIQUE INDEX wallet_ledger_from_idx ON wallet_ledger (from_wallet_id, from_version)
    WHERE from_wallet_id IS NOT NULL;
CREATE UNIQUE INDEX wallet_ledger_to_idx ON wallet_ledger (to_wallet_id, to_version)
    WHERE to_wallet_id IS NOT NULL;
-- Byte order, whatever the database's collation: keys are entered in this order (INV-11).
CREATE UNIQUE INDEX wallet_ledger_key_idx ON wallet_ledger (idempotency_key COLLATE "C")
    WHERE idempotency_key IS NOT NULL;
CREATE INDEX wallet_ledger_hold_idx ON wallet_ledger (hold_id) WHERE hold_id IS NOT NULL;
CREATE INDEX wallet_ledger_reverses_idx ON wallet_ledger (reverses) WHERE reverses IS NOT NULL;

-- Money reserved: still in balance, no longer in available. hold_id is the HOLD's transaction_id.
CREATE TABLE wallet_holds (
    hold_id    uuid          NOT NULL,
    wallet_id  uuid          NOT NULL,
    amount     numeric(19,4) NOT NULL,
    captured   numeric(19,4) NOT NULL DEFAULT 0,
    released   numeric(19,4) NOT NULL DEFAULT 0,
    status     text          NOT NULL DEFAULT 'open',
    expires_at timestamptz   NOT NULL,
    created_at timestamptz   NOT NULL,
    CONSTRAINT wallet_holds_pkey PRIMARY KEY (hold_id),
    CONSTRAINT wallet_holds_status_check CHECK (status IN ('open', 'captured', 'released', 'expired')),
    CONSTRAINT wallet_holds_amount_check CHECK (amount > 0::numeric AND captured >= 0::numeric AND released >= 0::numeric
        AND captured + released <= amount)
) USING heap WITH (fillfactor = 80);
CREATE INDEX wallet_holds_wallet_idx ON wallet_holds (wallet_id, status, hold_id);
CREATE INDEX wallet_holds_open_idx ON wallet_holds (wallet_id, expires_at) WHERE status = 'open';
CREATE INDEX wallet_holds_expiry_idx ON wallet_holds (expires_at) WHERE status = 'open';

-- How many decimals the amounts of a currency may have; one that isn't here has the 4 of every amount.
CREATE TABLE wallet_currency_scales (
    currency text    NOT NULL,
    scale    integer NOT NULL,
    CONSTRAINT wallet_currency_scales_pkey PRIMARY KEY (currency),
    CONSTRAINT wallet_currency_scales_scale_check CHECK (scale BETWEEN 0 AND 4)
);

-- The history: every event as it came back through Kafka.
CREATE TABLE transaction_events (
    id             uuid          NOT NULL,
    wallet_id      uuid          NOT NULL,
    user_id        text          NOT NULL,
    amount         numeric(19,4) NOT NULL,
    event_type     text          NOT NULL,
    transaction_id uuid          NOT NULL,
    created_at     timestamptz   NOT NULL,
    event_data     jsonb         NOT NULL,
    version        bigint        NOT NULL,
    CONSTRAINT transaction_events_pkey PRIMARY KEY (wallet_id, version)
);
CREATE INDEX transaction_events_user_id_idx ON transaction_events (user_id, created_at, id);

-- How far each partition is applied. The fence is raised by every new owner of a partition, so that
-- a former owner's batch finds another fence and rolls back.
CREATE TABLE wallet_history_offsets (
    group_id      text        NOT NULL,
    topic         text        NOT NULL,
    partition     integer     NOT NULL,
    next_offset   bigint      NOT NULL,
    fence         bigint      NOT NULL DEFAULT 0,
    owner         text,
    last_event_at timestamptz,
    updated_at    timestamptz NOT NULL DEFAULT now(),
    -- Everything that the partition held at this time is applied; and when it was first claimed.
    complete_at   timestamptz,
    claimed_at    timestamptz NOT NULL DEFAULT now(),
    -- Whose events these are (ce_source): none of another source is applied.
    source        text,
    -- The newest applied record and one from a while before, their offsets and hashes; and Kafka's id of
    -- their topic, where that is known: one made anew under the same name is not read on in its middle.
    mark_offset   bigint,
    mark          bigint,
    anchor_offset bigint,
    anchor        bigint,
    topic_id      text,
    CONSTRAINT wallet_history_offsets_pkey PRIMARY KEY (group_id, topic, partition)
) WITH (fillfactor = 50);

-- Ranges of versions that should have come and did not; a row goes when the range is filled.
CREATE TABLE wallet_history_gaps (
    wallet_id    uuid        NOT NULL,
    from_version bigint      NOT NULL,
    to_version   bigint      NOT NULL,
    topic        text        NOT NULL,
    partition    integer     NOT NULL,
    kafka_offset bigint      NOT NULL,
    seen_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT wallet_history_gaps_pkey PRIMARY KEY (wallet_id, from_version),
    CONSTRAINT wallet_history_gaps_range_check CHECK (0 <= from_version AND from_version <= to_version)
);

-- Events that contradict one already stored under the same wallet and version.
CREATE TABLE wallet_history_conflicts (
    wallet_id    uuid        NOT NULL,
    version      bigint      NOT NULL,
    stored       jsonb       NOT NULL,
    received     jsonb       NOT NULL,
    topic        text        NOT NULL,
    partition    integer     NOT NULL,
    kafka_offset bigint      NOT NULL,
    seen_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT wallet_history_conflicts_pkey PRIMARY KEY (topic, partition, kafka_offset)
);
CREATE INDEX wallet_history_conflicts_wallet_idx ON wallet_history_conflicts (wallet_id, version);

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

-- One row per entry: what a movement did to one wallet. The filter stands outside the UNION ALL and
-- both branches have identical types, so that WHERE wallet_id = .. ORDER BY version DESC LIMIT ..
-- is a merge of two index scans, whatever the wallet's size.
CREATE VIEW wallet_transactions AS
SELECT wallet_id, version, type, amount, transaction_id, counterparty_wallet_id, balance_after,
       held_after, status_after, user_id, currency, hold_id, forced, metadata, created_at
FROM (
    SELECT from_wallet_id AS wallet_id, from_version AS version,
           CASE kind WHEN 'TRANSFER' THEN 'TRANSFER_OUT' WHEN 'CAPTURE' THEN 'CAPTURE_OUT'
                     WHEN 'REVERSAL' THEN 'REVERSAL_OUT' ELSE kind END AS type,
           amount, transaction_id, to_wallet_id AS counterparty_wallet_id,
           from_balance AS balance_after, from_held AS held_after, from_status AS status_after,
           from_user_id AS user_id, currency, hold_id, forced, metadata, created_at
    FROM wallet_ledger
    UNION ALL
    SELECT to_wallet_id, to_version,
           CASE kind WHEN 'TRANSFER' THEN 'TRANSFER_IN' WHEN 'CAPTURE' THEN 'CAPTURE_IN'
                     WHEN 'REVERSAL' THEN 'REVERSAL_IN' ELSE kind END,
           amount, transaction_id, from_wallet_id,
           to_balance, to_held, to_status,
           to_user_id, currency, hold_id, forced, metadata, created_at
    FROM wallet_ledger
) AS entry
WHERE wallet_id IS NOT NULL;

SELECT pg_catalog.pg_extension_config_dump('wallets', '');
SELECT pg_catalog.pg_extension_config_dump('wallet_ledger', '');
SELECT pg_catalog.pg_extension_config_dump('wallet_holds', '');
SELECT pg_catalog.pg_extension_config_dump('wallet_currency_scales', '');
SELECT pg_catalog.pg_extension_config_dump('transaction_events', '');
SELECT pg_catalog.pg_extension_config_dump('wallet_history_offsets', '');
SELECT pg_catalog.pg_extension_config_dump('wallet_history_gaps', '');
SELECT pg_catalog.pg_extension_config_dump('wallet_history_conflicts', '');
SELECT pg_catalog.pg_extension_config_dump('wallet_history_dead_letters', '');
