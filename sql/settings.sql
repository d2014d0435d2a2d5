-- The settings are the superuser's: an ordinary user can neither set them nor have set them before the library came.
\getenv abs_srcdir PG_ABS_SRCDIR
\set helper :abs_srcdir '/sql/helpers/failure.sql'
\i :helper

CREATE ROLE regress_settings_clerk;
GRANT EXECUTE ON FUNCTION wallet_create TO regress_settings_clerk;
GRANT EXECUTE ON FUNCTION wallet_fund TO regress_settings_clerk;
-- A new session, in which the library is not loaded yet.
\c -
SET ROLE regress_settings_clerk;
SET wallet.max_metadata_bytes = 100000;
SET wallet.anything = 'x';
SELECT wallet_create('alice', wallet_id => 'a0000000-0000-0000-0000-000000000001', metadata => jsonb_build_object('a', repeat('x', 10000)));
SHOW wallet.max_metadata_bytes;
SET wallet.max_metadata_bytes = 100000;
SET wallet.max_batch_items = 3;
SELECT set_config('wallet.max_batch_items', '3', true);
SET wallet.other = 1;
ALTER ROLE regress_settings_clerk SET wallet.max_metadata_bytes = 100000;
RESET ROLE;

SELECT name, setting, unit, context, min_val, max_val, boot_val FROM pg_settings WHERE name LIKE 'wallet.%' ORDER BY name;
SELECT wallet_create('alice', wallet_id => 'a0000000-0000-0000-0000-000000000001') IS NOT NULL AS created;
SET wallet.max_metadata_bytes = 20;
SELECT wallet_fund('a0000000-0000-0000-0000-000000000001', 1, metadata => '{"a": "123456789012"}');
SELECT wallet_fund('a0000000-0000-0000-0000-000000000001', 1, metadata => '{"a": "12345678901"}') IS NOT NULL AS funded;
SET wallet.max_metadata_bytes = 2;
SELECT wallet_fund('a0000000-0000-0000-0000-000000000001', 1, metadata => '{}') IS NOT NULL AS funded;
-- Before PostgreSQL 17 the text names the bounds without their unit.
\set VERBOSITY sqlstate
SET wallet.max_metadata_bytes = 1;
SET wallet.max_metadata_bytes = '2MB';
\set VERBOSITY default
SET wallet.max_metadata_bytes = '1MB';
SELECT wallet_fund('a0000000-0000-0000-0000-000000000001', 1, metadata => jsonb_build_object('a', (SELECT string_agg(md5(n::text), '') FROM generate_series(1, 30000) AS n))) IS NOT NULL AS funded;
SET wallet.max_batch_items = 1;
SELECT wallet_lock('{a0000000-0000-0000-0000-000000000001}');
SELECT wallet_lock('{a0000000-0000-0000-0000-000000000001, a0000000-0000-0000-0000-000000000001}');
SET wallet.max_batch_items = 0;
RESET wallet.max_batch_items;
RESET wallet.max_metadata_bytes;
SELECT length(metadata ->> 'a') FROM wallet_transactions WHERE metadata IS NOT NULL ORDER BY version;
SELECT count(*) AS divergences FROM wallet_check();
DROP OWNED BY regress_settings_clerk;
DROP ROLE regress_settings_clerk;
