-- Commit-to-history latency: single transfers one after the other, and for each the time from the
-- return of its commit until wallet_history() shows it, which has then been through the WAL, the
-- bridge, Kafka and the history consumer. Variables: payer, payee (wallet ids), rounds.

SELECT set_config('latency.payer', :'payer', false), set_config('latency.payee', :'payee', false),
       set_config('latency.rounds', :'rounds', false) \g /dev/null
CREATE TEMPORARY TABLE latency (ms numeric);

DO $$
DECLARE
    payer   uuid := current_setting('latency.payer');
    payee   uuid := current_setting('latency.payee');
    sent    uuid;
    begun   timestamptz;
    arrived boolean;
BEGIN
    FOR round IN 1 .. current_setting('latency.rounds')::integer LOOP
        sent := wallet_transfer(payer, payee, 0.01);
        COMMIT;
        begun := clock_timestamp();
        LOOP
            SELECT transaction_id = sent INTO arrived FROM wallet_history(payee, NULL, 1);
            EXIT WHEN arrived;
            IF clock_timestamp() > begun + interval '30 s' THEN
                RAISE EXCEPTION 'transfer % did not come back within 30 s', sent;
            END IF;
            PERFORM pg_sleep(0.0005);
        END LOOP;
        INSERT INTO latency VALUES (extract(epoch FROM clock_timestamp() - begun) * 1000);
    END LOOP;
END
$$;

SELECT count(*) AS transfers, round(min(ms), 1) AS min_ms,
       round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)::numeric, 1) AS p50_ms,
       round(percentile_cont(0.99) WITHIN GROUP (ORDER BY ms)::numeric, 1) AS p99_ms,
       round(max(ms), 1) AS max_ms
FROM latency;
