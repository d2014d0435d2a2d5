-- Whether a request for limits named a maximum or none.
ALTER TABLE wallet_ledger ADD COLUMN max_balance_given boolean;

-- The rows of a batch have more columns, and its items more arguments.
DROP FUNCTION wallet_transfer_batch(uuid[], uuid[], numeric[], text[], boolean, jsonb);

-- How many decimals the amounts of a currency may have; one that isn't here has the 4 of every amount.
CREATE TABLE wallet_currency_scales (
    currency text    NOT NULL,
    scale    integer NOT NULL,
    CONSTRAINT wallet_currency_scales_pkey PRIMARY KEY (currency),
    CONSTRAINT wallet_currency_scales_scale_check CHECK (scale BETWEEN 0 AND 4)
);

SELECT pg_catalog.pg_extension_config_dump('wallet_currency_scales', '');
