-- Currencies: how many decimals their amounts may have.

CREATE FUNCTION wallet_currency_changed() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'wallet_currency_changed';
COMMENT ON FUNCTION wallet_currency_changed() IS
    'Internal, trigger of wallet_currency_scales: every session reads the scales anew after a change.';

CREATE OR REPLACE TRIGGER wallet_currency_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON wallet_currency_scales
    FOR EACH STATEMENT EXECUTE FUNCTION wallet_currency_changed();
ALTER TABLE wallet_currency_scales ENABLE ALWAYS TRIGGER wallet_currency_changed;

CREATE FUNCTION wallet_set_currency(currency text, scale integer) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = off
    AS 'MODULE_PATHNAME', 'wallet_set_currency';
COMMENT ON FUNCTION wallet_set_currency(text, integer) IS
$$Sets how many decimals the amounts and limits of a currency may have from now on; 4 where nothing is set. Raising the scale is always possible. Lowering it reads the whole ledger while no operation runs, and is possible only while no stored amount of the currency has more decimals.
currency: ^[A-Z][A-Z0-9]{2,9}$. scale: 0 to 4.
Errors: 25006, 22004, 22023, 55000 (a stored amount has more decimals).$$;

CREATE FUNCTION wallet_currencies() RETURNS TABLE (currency text, scale integer, wallets bigint)
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 20 COST 1000
    SET row_security = off
BEGIN ATOMIC
    WITH held AS (
        SELECT wallet.currency, count(*) AS wallets
        FROM wallets AS wallet
        GROUP BY wallet.currency
    )
    SELECT currency, coalesce(known.scale, 4), coalesce(held.wallets, 0)
    FROM wallet_currency_scales AS known
    FULL JOIN held USING (currency)
    ORDER BY currency;
END;
COMMENT ON FUNCTION wallet_currencies() IS
$$Returns every currency that has a scale of its own or a wallet, by name: how many decimals its amounts may have (4 where nothing is set) and how many wallets hold it.
Counts all wallets.$$;
