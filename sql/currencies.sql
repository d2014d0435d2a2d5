-- wallet_set_currency: how many decimals the amounts of a currency may have, in every function that takes one.
\getenv abs_srcdir PG_ABS_SRCDIR
\set helper :abs_srcdir '/sql/helpers/failure.sql'
\i :helper

\pset format unaligned
\set alice '''a0000000-0000-0000-0000-000000000001'''
\set bob '''b0000000-0000-0000-0000-000000000001'''
\set euro '''e0000000-0000-0000-0000-000000000001'''
SELECT wallet_create('alice', 'JPY', :alice), wallet_create('bob', 'JPY', :bob), wallet_create('euro', 'EUR', :euro);

-- Nothing is preset.
SELECT * FROM wallet_currencies();
SELECT keep('before', wallet_fund(:euro, 0.0001, 'before'));

-- NULL, malformed, read-only.
SELECT failure('wallet_set_currency(NULL, 0)');
SELECT failure('wallet_set_currency(''JPY'', NULL)');
SELECT failure('wallet_set_currency(''jpy'', 0)');
SELECT failure('wallet_set_currency(''JPY'', -1)');
SELECT failure('wallet_set_currency(''JPY'', 5)');
BEGIN READ ONLY;
SELECT wallet_set_currency('JPY', 0);
ROLLBACK;

SELECT wallet_set_currency('JPY', 0), wallet_set_currency('BHD', 3), wallet_set_currency('EUR', 4);
SELECT * FROM wallet_currencies();
SELECT * FROM wallet_currency_scales ORDER BY currency;

-- Every amount keeps to it; the value counts, not how it is written.
SELECT failure(format('wallet_fund(%L, 0.5)', :alice));
SELECT keep('fund', wallet_fund(wallet_id => :alice, amount => 1000.0000, idempotency_key => 'fund'));
SELECT failure(format('wallet_withdraw(%L, 0.0001)', :alice));
SELECT failure(format('wallet_transfer(%L, %L, 10.1)', :alice, :bob));
SELECT failure(format('wallet_hold(%L, 1.5)', :alice));
SELECT keep('hold', wallet_hold(:alice, 100));
SELECT failure(format('wallet_capture(%L, NULL, 0.25)', id('hold')));
SELECT keep('capture', wallet_capture(id('hold'), :bob, 40, final => false));
SELECT failure(format('wallet_set_limits(%L, credit_limit => 0.5, max_balance => 0.25)', :alice));
SELECT failure(format('wallet_set_limits(%L, max_balance => 0.25)', :alice));
SELECT keep('limits', wallet_set_limits(:alice, 10, 5000));
SELECT keep('transfer', wallet_transfer(:alice, :bob, 30));
SELECT failure(format('wallet_reverse(%L, 0.1)', id('transfer')));
SELECT failure(format('wallet_reverse_force(%L, 0.1)', id('transfer')));
SELECT failure(format('wallet_reverse(%L, 0.1)', id('fund')));
SELECT keep('reverse', wallet_reverse(id('transfer'), 10));
SELECT failure(format('wallet_post(ARRAY[(%1$L, %2$L, 1), (%1$L, %2$L, 1.5)]::wallet_leg[])', :alice, :bob));
SELECT failure(format('wallet_transfer_batch(ARRAY[%1$L, %1$L]::uuid[], ARRAY[%2$L, %2$L]::uuid[], ARRAY[1, 1.5])', :alice, :bob));
SELECT index, sqlstate, message
FROM wallet_transfer_batch(ARRAY[:alice, :alice]::uuid[], ARRAY[:bob, :bob]::uuid[], ARRAY[1.5, 1], atomic => false);
-- The shares of a reversal of several legs are rounded to it, half away from zero; the last step completes each leg.
SELECT keep('fees', wallet_create('fees', 'JPY'));
SELECT keep('sale', wallet_post(ARRAY[(:alice, :bob, 100), (:bob, id('fees'), 3)]::wallet_leg[]));
SELECT keep('half', wallet_reverse(id('sale'), 50)), keep('rest', wallet_reverse(id('sale')));
SELECT name, type, user_id, amount FROM kept, wallet_receipt(id) WHERE name IN ('half', 'rest') ORDER BY name, entry;
-- Other currencies keep to theirs.
SELECT failure(format('wallet_fund(%L, 0.0001)', :euro));

-- Directly after WL001, before the version, the state and the currencies of two wallets; a replay wins.
SELECT failure(format('wallet_transfer(%L, ''d0000000-0000-0000-0000-000000000001'', 0.5)', :alice));
SELECT failure(format('wallet_transfer(%L, %L, 0.5, expected_version => 0)', :alice, :bob));
SELECT keep('freeze', wallet_freeze(:bob));
SELECT failure(format('wallet_transfer(%L, %L, 0.5)', :bob, :euro));
SELECT failure(format('wallet_transfer(%L, %L, 0.5)', :euro, :alice));
SELECT failure(format('wallet_withdraw(%L, 99999.5)', :alice));
SELECT failure(format('wallet_fund(%L, 0.5, ''fund'')', :alice));

-- A scale is raised at any time, and lowered while no stored amount has more decimals.
SELECT wallet_set_currency('JPY', 2);
SELECT keep('sen', wallet_fund(:alice, 0.25, 'sen'));
SELECT failure('wallet_set_currency(''JPY'', 1)');
SELECT failure('wallet_set_currency(''EUR'', 3)');
SELECT failure('wallet_set_currency(''JPY'', 2)');
SELECT wallet_set_currency('JPY', 3), wallet_set_currency('JPY', 2), wallet_set_currency('CHF', 2);
SELECT keep('chf', wallet_create('chf', 'CHF'));
SELECT keep('max', wallet_set_limits(id('chf'), max_balance => 99.5));
SELECT failure('wallet_set_currency(''CHF'', 0)');
SELECT * FROM wallet_currencies();

-- A rolled back change counts until then, and no longer.
BEGIN;
SELECT wallet_set_currency('JPY', 4);
SELECT keep('more', wallet_fund(:alice, 0.0001));
ROLLBACK;
SELECT failure(format('wallet_fund(%L, 0.0001)', :alice));
BEGIN;
SAVEPOINT before;
SELECT wallet_set_currency('BTC', 0);
ROLLBACK TO before;
SELECT keep('btc', wallet_create('btc', 'BTC')), keep('satoshi', wallet_fund(id('btc'), 0.0001));
COMMIT;

-- A retry finds its operation, whatever the scale has become since.
SELECT keep('whole', wallet_create('whole', 'XAU')), keep('ounce', wallet_fund(id('whole'), 1, 'ounce'));
SELECT wallet_set_currency('XAU', 0);
SELECT wallet_fund(id('whole'), 1.0000, 'ounce') = id('ounce') AS replayed;

-- Every session learns of what is written by hand as well; only the owner may.
UPDATE wallet_currency_scales SET scale = 1 WHERE currency = 'XAU';
SELECT keep('tenth', wallet_fund(id('whole'), 0.1));
UPDATE wallet_currency_scales SET scale = 5 WHERE currency = 'XAU';
DELETE FROM wallet_currency_scales WHERE currency = 'XAU';
SELECT keep('fraction', wallet_fund(id('whole'), 0.0001));
SELECT failure('wallet_currency_changed()');

-- A scale that somebody's trigger leaves out is not said to be set.
BEGIN;
CREATE FUNCTION leave_out() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER leave_out BEFORE INSERT ON wallet_currency_scales FOR EACH ROW EXECUTE FUNCTION leave_out();
SELECT failure($$wallet_set_currency('XAG', 1)$$);
ROLLBACK;
SELECT count(*) AS divergences FROM wallet_check();
