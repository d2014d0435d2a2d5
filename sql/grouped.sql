-- Grouped transfers where the library is not preloaded: refused before anything else but what may not write. With it:
-- tests/system/operation/grouped.t.
\getenv abs_srcdir PG_ABS_SRCDIR
\set helper :abs_srcdir '/sql/helpers/failure.sql'
\i :helper

\set alice '''a0000000-0000-0000-0000-000000000001'''
\set bob '''b0000000-0000-0000-0000-000000000001'''
SELECT wallet_create('alice', 'USD', :alice), wallet_create('bob', 'USD', :bob);
SELECT wallet_transfer_grouped(:alice, :bob, 1);
SELECT failure($$wallet_transfer_grouped(NULL, NULL, NULL)$$);
BEGIN READ ONLY;
SELECT wallet_transfer_grouped(:alice, :bob, 1);
ROLLBACK;
SELECT count(*) FROM wallet_stat_groups;
SET wallet.group_memory = '2MB';
SHOW wallet.group_memory;
