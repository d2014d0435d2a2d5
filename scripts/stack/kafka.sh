# The private Kafka node of the stack. Sourced by bash scripts after settings.sh.

kafka_log=$run_dir/log/kafka.log
kafka_data=$(realpath -m "${KAFKA_DATA:-$run_dir/kafka}")
kafka_pid='' kafka_jars=''
external_brokers=''

# A shell that has read .run/env has our own address set: that names no other cluster.
kafka_find_external()
{
    external_brokers=${KAFKA_BROKERS:-}
    if [ "$external_brokers" = "127.0.0.1:${port_chosen[kafka]:-}" ]; then
        external_brokers=''
    fi
}

# Only begins: it takes seconds, in which PostgreSQL can start as well.
kafka_begin()
{
    port_choose kafka
    port_choose kafka_controller
    start_detached "$kafka_log" env KAFKA_JARS="$kafka_jars" "$root/scripts/kafka/run" \
        "$kafka_data" "${port_chosen[kafka]}" "${port_chosen[kafka_controller]}"
    kafka_pid=$detached_pid
    process_record kafka "$kafka_pid" || true
}

# Not who answers on the port, but whether it is the process that was started, with the data that is ours.
kafka_is_ready()
{
    local port=${port_chosen[kafka]} own
    own=$(sed -n 's/^cluster\.id=//p' "$kafka_data/data/meta.properties" 2>/dev/null) || return 1
    port_is_held_by "$port" "$kafka_pid" &&
        [ "$("$root/scripts/kafka/cluster_id" "127.0.0.1:$port" 2>/dev/null)" = "$own" ] &&
        process_start_time "$kafka_pid" >/dev/null
}

# Until it answers, after which other stacks may choose ports.
kafka_wait()
{
    local deadline=$((SECONDS + 120))
    until kafka_is_ready; do
        if ! process_start_time "$kafka_pid" >/dev/null; then
            port_retry kafka kafka_controller || report_fail "Kafka did not start" "$kafka_log"
            kafka_begin
        fi
        [ "$SECONDS" -lt "$deadline" ] || report_fail "Kafka does not answer" "$kafka_log"
        sleep 0.1
    done
    ports_unlock
}

# Starts it if it is down, and waits until it answers.
kafka_start()
{
    if kafka_pid=$(process_pid kafka); then
        report_begin kafka
        kafka_wait
        report_end "runs already on 127.0.0.1:${port_chosen[kafka]}"
        return
    fi
    kafka_jars=$("$root/scripts/kafka/fetch")
    report_begin kafka
    kafka_begin
    kafka_wait
    report_end "started on 127.0.0.1:${port_chosen[kafka]}"
}

kafka_tool()
{
    local class=$1
    shift
    "$root/scripts/kafka/tool" "$class" --bootstrap-server "$kafka_brokers" "$@" 2>"$run_dir/state/error"
}

# kafka_topic_prepare TOPIC PARTITIONS REPLICATION: created if missing; what is there keeps its partitions, since
# another number would send a wallet's later events past its earlier ones.
kafka_topic_prepare()
{
    local topic=$1 found count
    report_begin "$topic"
    kafka_tool org.apache.kafka.tools.TopicCommand --create --if-not-exists --topic "$topic" --partitions "$2" \
        --replication-factor "$3" --config cleanup.policy=delete --config retention.ms=-1 >/dev/null ||
        report_fail "topic $topic: $(cat "$run_dir/state/error")"
    found=$(kafka_tool org.apache.kafka.tools.TopicCommand --describe --topic "$topic") ||
        report_fail "topic $topic: $(cat "$run_dir/state/error")"
    if [[ $found != *cleanup.policy=delete* || $found != *retention.ms=-1* ]]; then
        kafka_tool kafka.admin.ConfigCommand --alter --entity-type topics --entity-name "$topic" \
            --add-config cleanup.policy=delete,retention.ms=-1 >/dev/null ||
            report_fail "topic $topic: $(cat "$run_dir/state/error")"
    fi
    count=$(sed -n 's/.*PartitionCount: *\([0-9]*\).*/\1/p' <<<"$found" | head -n 1)
    report_end "$count partitions, kept for ever"
    [ "$count" = "$2" ] ||
        report_line note "it has $count partitions, not $2, and keeps them: another number would break the order"
}
