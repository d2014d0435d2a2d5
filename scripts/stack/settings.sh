# Where the private stack lives and what it is made of. Sourced by bash scripts.

stack=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$stack/../.." && pwd)
run_dir=${WALLET_RUN_DIR:-$root/.run}
export WALLET_RUN_DIR=$run_dir
bin_dir=${WALLET_BIN:-$root/kafka_bridge/build}
pg_bin=$("${PG_CONFIG:-pg_config}" --bindir 2>/dev/null) || pg_bin=''

# In the order of their start; the service only once it is built.
daemons=(wallet_bridge wallet_history wallet_service)
database=wallet_db
topic=${KAFKA_TOPIC:-wallet-events}
group=${KAFKA_GROUP_ID:-history-service-group}
slot=${BRIDGE_SLOT:-wallet_bridge}

. "$stack/report.sh"
. "$stack/process.sh"
. "$stack/port.sh"
. "$stack/database.sh"

settings_prepare()
{
    mkdir -p "$run_dir/state" "$run_dir/log"
    # One up or down at a time; the daemons must not inherit the lock.
    exec 9>"$run_dir/lock"
    if ! flock -n 9; then
        echo "another make up, down or demo is at work on $run_dir; waiting for it ..."
        flock -w 600 9 || report_fail "it did not end within ten minutes"
    fi
    port_load
}

# A program in a session of its own, with nothing of ours open: it outlives make and its pipes.
# start_detached LOG COMMAND ...; the pid is in detached_pid.
start_detached()
{
    local log=$1
    shift
    setsid "$@" </dev/null >>"$log" 2>&1 3>&- 4>&- 7>&- 9>&- &
    detached_pid=$!
    disown
}
