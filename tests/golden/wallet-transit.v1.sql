-- What the golden messages of transits are made from: the tables' columns that the decoder reads.
INSERT INTO wallet_transits (transit_id, from_wallet_id, to_wallet_id, amount, currency, metadata, state, created_at) VALUES
    ('01890000-0000-7000-8000-000000000001', 'aaaaaaaa-0000-0000-0000-000000000000', 'bbbbbbbb-0000-0000-0000-000000000fff',
     1.5, 'EUR', '{"order": 17, "note": "a \"b\""}', 'sent', '2026-01-31 23:59:59.123456+00'),
    ('01890000-0000-7000-8000-000000000002', 'aaaaaaaa-0000-0000-0000-000000000000', 'bbbbbbbb-0000-0000-0000-000000000001',
     999999999999999.9999, 'USD', NULL, 'sent', '2026-01-31 23:59:59+00');
UPDATE wallet_transits SET state = 'cancelling' WHERE transit_id = '01890000-0000-7000-8000-000000000001';
UPDATE wallet_transits SET state = 'settled' WHERE transit_id = '01890000-0000-7000-8000-000000000002';
INSERT INTO wallet_transits_received (transit_id, from_wallet_id, to_wallet_id, amount, currency, outcome, reason, detail, received_at) VALUES
    ('01890000-0000-7000-8000-000000000003', 'cccccccc-0000-0000-0000-000000000002', 'aaaaaaaa-0000-0000-0000-000000000000',
     0.0001, 'EUR', 'credited', NULL, NULL, '2026-02-01 00:00:00+00'),
    ('01890000-0000-7000-8000-000000000004', 'cccccccc-0000-0000-0000-000000000002', 'aaaaaaaa-0000-0000-0000-000000000000',
     2, 'EUR', 'refused', 'WL006', '{"status": "frozen"}', '2026-02-01 00:00:01+00');
UPDATE wallet_transits_received SET outcome = 'cancelled';
DELETE FROM wallet_transits;
