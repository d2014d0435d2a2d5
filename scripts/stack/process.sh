# The processes of the private stack: who is who, although pids are used again and machines restart.
# Sourced by bash scripts; needs run_dir.
#
# state/<name> holds pid, start time and boot id: a pid alone may be somebody else's by now.
# <name>.pid holds the pid alone, for people and tools; a supervisor has none.

# The start time of a process in clock ticks since boot; nothing for one that is gone or a zombie.
process_start_time()
{
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    # The command name may hold spaces and parentheses: what counts stands after the last one.
    # shellcheck disable=SC2086
    set -- ${stat##*) }
    case $1 in Z | X) return 1 ;; esac
    echo "${20}"
}

process_record()
{
    local name=$1 pid=$2 start
    start=$(process_start_time "$pid") || return 1
    echo "$pid $start $(cat /proc/sys/kernel/random/boot_id)" >"$run_dir/state/$name.new"
    mv "$run_dir/state/$name.new" "$run_dir/state/$name"
    case $name in
        *.supervisor) ;;
        *)
            echo "$pid" >"$run_dir/$name.pid.new"
            mv "$run_dir/$name.pid.new" "$run_dir/$name.pid"
            ;;
    esac
}

process_forget()
{
    rm -f "$run_dir/state/$1" "$run_dir/$1.pid"
}

# Prints the pid if the process that was recorded still runs.
process_pid()
{
    local pid start boot
    read -r pid start boot 2>/dev/null <"$run_dir/state/$1" || return 1
    [ "$boot" = "$(cat /proc/sys/kernel/random/boot_id)" ] || return 1
    [ "$(process_start_time "$pid")" = "$start" ] || return 1
    echo "$pid"
}

# process_wait_end PID SECONDS
process_wait_end()
{
    local deadline=$((SECONDS + $2))
    while process_start_time "$1" >/dev/null; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.05
    done
}

# process_stop NAME SIGNAL SECONDS: asks, waits, kills what does not go. Fails where it had to kill.
process_stop()
{
    local name=$1 signal=$2 seconds=$3 pid
    pid=$(process_pid "$name") || {
        process_forget "$name"
        return 0
    }
    kill -s "$signal" "$pid" 2>/dev/null || true
    if ! process_wait_end "$pid" "$seconds"; then
        kill -s KILL "$pid" 2>/dev/null || true
        process_wait_end "$pid" 5 || true
        process_forget "$name"
        return 1
    fi
    process_forget "$name"
}

# Our daemons run from the build folder: a rebuilt program is a deleted file to the one that runs.
process_is_outdated()
{
    case $(readlink "/proc/$1/exe" 2>/dev/null) in *' (deleted)') return 0 ;; esac
    return 1
}
