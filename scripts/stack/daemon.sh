# wallet_bridge, wallet_history, wallet_service: our programs, each under a supervisor. Sourced by
# bash scripts after settings.sh.

# The variables a daemon runs with, one a line. They are kept in state/<name>.env: a daemon that runs
# with others (a server that moved to another port) is started anew.
daemon_environment()
{
    echo "DATABASE_URL=$(daemon_database_url "$1")"
    echo "KAFKA_BROKERS=$kafka_brokers"
    echo "KAFKA_TOPIC=$topic"
    echo "KAFKA_GROUP_ID=$group"
    echo "BRIDGE_SLOT=$slot"
    # A ledger that was written before its first bridge: publish that as well. Of a server that is
    # not ours the user decides.
    [ -n "$external_url" ] || echo "BRIDGE_START=${BRIDGE_START:-backfill}"
    echo "PORT=${port_chosen[$1]}"
}

# The same for a shell, or for --env-file: an address has an & in it.
daemon_env_file()
{
    daemon_environment "$1" | sed "s/'/'\\\\''/g; s/=\(.*\)/='\1'/"
}

daemon_database_url()
{
    if [ -n "$external_url" ]; then
        echo "$external_url"
    else
        pg_url "$1"
    fi
}

daemon_stop()
{
    local name=$1 clean=0
    process_stop "$name.supervisor" TERM 40 || clean=1
    # Left behind by a supervisor that was killed.
    process_stop "$name" TERM 40 || clean=1
    return "$clean"
}

# Whether it runs, supervised, with the program and the variables it should have.
daemon_is_up()
{
    local pid
    process_pid "$1.supervisor" >/dev/null && pid=$(process_pid "$1") || return 1
    ! process_is_outdated "$pid" && [ "$(daemon_env_file "$1")" = "$(cat "$run_dir/state/$1.env" 2>/dev/null)" ]
}

daemon_start()
{
    local name=$1 environment
    daemon_stop "$name" || true
    port_choose "$name"
    rm -f "$run_dir/state/$name.exit"
    (umask 077 && daemon_env_file "$name" >"$run_dir/state/$name.env")
    mapfile -t environment < <(daemon_environment "$name")
    (
        cd "$root" || exit
        start_detached "$run_dir/log/$name.log" env "${environment[@]}" \
            "$stack/supervise" "$name" "$bin_dir/$name"
    )
}

# Whether the process that was started, and nobody else, listens on its port.
daemon_listens()
{
    local pid
    pid=$(process_pid "$1") && port_is_held_by "${port_chosen[$1]}" "$pid"
}

daemon_has_ended()
{
    [ -f "$run_dir/state/$1.exit" ] && ! process_pid "$1.supervisor" >/dev/null
}

# After that other stacks may choose ports.
daemon_wait_listening()
{
    local name=$1 deadline=$((SECONDS + 20))
    until daemon_listens "$name" || [ "$SECONDS" -ge "$deadline" ]; do
        if daemon_has_ended "$name"; then
            port_retry "$name" || return 0
            daemon_start "$name"
        fi
        sleep 0.05
    done
}

# What the daemon itself says of its health; fails unless it is ready.
daemon_health()
{
    daemon_listens "$1" &&
        curl -sS --fail-with-body -m 2 "http://127.0.0.1:${port_chosen[$1]}/health" 2>&1 &&
        daemon_listens "$1"
}

daemon_wait_ready()
{
    local name=$1 log=$run_dir/log/$1.log deadline=$((SECONDS + 60)) said
    until said=$(daemon_health "$name"); do
        if daemon_has_ended "$name"; then
            report_fail "$name ended with exit code $(cat "$run_dir/state/$name.exit")" "$log"
        fi
        [ "$SECONDS" -lt "$deadline" ] || report_fail "$name is not ready after a minute: $said" "$log"
        sleep 0.05
    done
}
