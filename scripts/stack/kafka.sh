# The private Kafka node of the stack. Sourced by bash scripts after settings.sh.

kafka_log=$run_dir/log/kafka.log
kafka_pid=''

# Only begins: it takes seconds, in which PostgreSQL can start as well.
kafka_begin()
{
    port_choose kafka
    port_choose kafka_controller
    start_detached "$kafka_log" env KAFKA_JARS="$kafka_jars" "$root/scripts/kafka/run" \
        "$run_dir/kafka" "${port_chosen[kafka]}" "${port_chosen[kafka_controller]}"
    kafka_pid=$detached_pid
    process_record kafka "$kafka_pid" || true
}

kafka_wait()
{
    local deadline=$((SECONDS + 120))
    until kcat -L -b "127.0.0.1:${port_chosen[kafka]}" -m 1 >/dev/null 2>&1; do
        process_start_time "$kafka_pid" >/dev/null || report_fail "Kafka did not start" "$kafka_log"
        [ "$SECONDS" -lt "$deadline" ] || report_fail "Kafka does not answer" "$kafka_log"
        sleep 0.1
    done
}
