-- The tables of transits, before the extension has them: it is made to own these.
CREATE TABLE wallet_transits (
    transit_id uuid PRIMARY KEY, from_wallet_id uuid, to_wallet_id uuid, amount numeric(19, 4), currency text,
    metadata jsonb, state text, reason text, detail text, return_id uuid, created_at timestamptz, updated_at timestamptz);
CREATE TABLE wallet_transits_received (
    transit_id uuid PRIMARY KEY, from_wallet_id uuid, to_wallet_id uuid, amount numeric(19, 4), currency text,
    outcome text, reason text, detail text, transaction_id uuid, received_at timestamptz);
