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
