-- wallet_transfer() of a schema for search_path: the planner puts the grouped call in its place.
CREATE SCHEMA bench_grouped;
CREATE FUNCTION bench_grouped.wallet_transfer(
    from_wallet_id uuid, to_wallet_id uuid, amount numeric, idempotency_key text
) RETURNS uuid LANGUAGE sql AS 'SELECT public.wallet_transfer_grouped($1, $2, $3, $4)';
