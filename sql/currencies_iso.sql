-- docs/currencies.sql runs as it stands and sets what ISO 4217 says; setting it again changes nothing.
\getenv abs_srcdir PG_ABS_SRCDIR
\set script :abs_srcdir '/docs/currencies.sql'
\set ECHO none
\o /dev/null
\i :script
\i :script
\o
\set ECHO all
SELECT scale, count(*), min(currency), max(currency) FROM wallet_currency_scales GROUP BY scale ORDER BY scale;
SELECT currency, scale FROM wallet_currency_scales WHERE currency IN ('USD', 'EUR', 'JPY', 'KWD', 'CLF') ORDER BY currency;
