# Ports of the private stack: the usual ones unless they are taken; once chosen they stay, in
# state/ports. Sourced by bash scripts; needs run_dir.
#
# Between the choice of a port and the process that listens on it somebody else may take it. The
# stacks of a machine take turns: from port_choose to ports_unlock. Against all others a start that
# found its port taken is repeated with another one, and a process counts only once it listens itself.

declare -A port_usual=([postgres]=5432 [kafka]=9092 [kafka_controller]=9093 [wallet_service]=3000
    [wallet_history]=3001 [wallet_bridge]=3002)
declare -A port_chosen=()
# How many more starts are repeated that find their port taken.
port_tries=10
ports_locked=''

port_load()
{
    local name number
    [ -f "$run_dir/state/ports" ] || return 0
    while read -r name number; do
        port_chosen[$name]=$number
    done <"$run_dir/state/ports"
}

port_save()
{
    local name
    for name in "${!port_chosen[@]}"; do
        echo "$name ${port_chosen[$name]}"
    done | sort >"$run_dir/state/ports.new"
    mv "$run_dir/state/ports.new" "$run_dir/state/ports"
}

# The lock is on a folder that every user may open. Whoever keeps it too long is not waited for.
ports_lock()
{
    [ -z "$ports_locked" ] || return 0
    exec 7</tmp
    flock -w 60 7 || true
    ports_locked=1
}

ports_unlock()
{
    exec 7>&-
    ports_locked=''
}

# Free means that we could listen there, on the loopback and on all addresses.
port_is_free()
{
    /usr/bin/perl -MIO::Socket::INET -e '
        for my $host ("127.0.0.1", "0.0.0.0") {
            IO::Socket::INET->new(LocalAddr => $host, LocalPort => $ARGV[0], Listen => 1,
                ReuseAddr => 1) or exit 1;
        }' "$1"
}

# port_is_held_by PORT PID [COMMAND ...]: whether the process itself listens there; COMMAND runs the look
# as somebody who may see the process's files.
port_is_held_by()
{
    local hex pid=$2 inode inodes
    hex=$(printf ':%04X' "$1")
    shift 2
    inodes=$(awk -v port="$hex" '$4 == "0A" && substr($2, length($2) - 4) == port { print $10 }' \
        /proc/net/tcp /proc/net/tcp6 2>/dev/null) || true
    for inode in $inodes; do
        [ -z "$("$@" find "/proc/$pid/fd" -lname "socket:[[]$inode]" 2>/dev/null)" ] || return 0
    done
    return 1
}

# port_retry NAME ...: for a process that ended at its start: whether that was since somebody else has one of
# its ports, so that another start is worth it.
port_retry()
{
    local name
    for name in "$@"; do
        port_is_free "${port_chosen[$name]}" && continue
        [ $((port_tries--)) -gt 0 ]
        return
    done
    return 1
}

port_is_spoken_for()
{
    local name
    for name in "${!port_usual[@]}"; do
        [ "$name" = "$1" ] || [ "${port_chosen[$name]:-${port_usual[$name]}}" != "$2" ] || return 0
    done
    return 1
}

# For a process that does not run: port_choose NAME leaves the port in port_chosen[NAME]. Other stacks
# choose none before ports_unlock.
port_choose()
{
    local name=$1 port=${port_chosen[$1]:-${port_usual[$1]}} tries
    ports_lock
    if ! port_is_free "$port"; then
        port=${port_usual[$name]}
        for ((tries = 0; tries < 1000; tries++)); do
            ! port_is_spoken_for "$name" "$port" && port_is_free "$port" && break
            port=$((port + 1))
        done
    fi
    port_chosen[$name]=$port
    port_save
}
