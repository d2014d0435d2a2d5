# Ports of the private stack: the usual ones unless they are taken; once chosen they stay, in
# state/ports. Sourced by bash scripts; needs run_dir.

declare -A port_usual=([postgres]=5432 [kafka]=9092 [kafka_controller]=9093 [wallet_service]=3000
    [wallet_history]=3001 [wallet_bridge]=3002)
declare -A port_chosen=()

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

# Free means that we could listen there, on the loopback and on all addresses.
port_is_free()
{
    /usr/bin/perl -MIO::Socket::INET -e '
        for my $host ("127.0.0.1", "0.0.0.0") {
            IO::Socket::INET->new(LocalAddr => $host, LocalPort => $ARGV[0], Listen => 1,
                ReuseAddr => 1) or exit 1;
        }' "$1"
}

port_is_spoken_for()
{
    local name
    for name in "${!port_usual[@]}"; do
        [ "$name" = "$1" ] || [ "${port_chosen[$name]:-${port_usual[$name]}}" != "$2" ] || return 0
    done
    return 1
}

# For a process that does not run: port_choose NAME leaves the port in port_chosen[NAME].
port_choose()
{
    local name=$1 port=${port_chosen[$1]:-${port_usual[$1]}} tries
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
