# The private PostgreSQL cluster of the stack. Sourced by bash scripts after settings.sh.
#
# Everyone may connect through the socket without a password, but only its owner and root can enter
# the socket's folder; TCP on the loopback takes wallet_user's password. As root the server runs as
# the system user postgres, else as the caller.

pg_home=$run_dir/postgres
pg_log=$run_dir/log/postgres.log

pg_as_owner()
{
    if [ "$(id -u)" = 0 ]; then
        (cd / && runuser -u postgres -- "$@")
    else
        "$@"
    fi
}

# Where user postgres can't enter the work tree (a clone under /root), or a socket's name would be
# too long, the cluster lies in a folder of its own, named after the run folder.
pg_outside_home()
{
    echo "/var/tmp/wallet-postgres-$(echo "$run_dir" | sha256sum | cut -c 1-12)"
}

pg_home_create()
{
    local owner=postgres outside
    [ "$(id -u)" = 0 ] || owner=$(id -un)
    # A cluster outside without the link: somebody removed the run folder; it goes too.
    outside=$(pg_outside_home)
    if [ ! -e "$pg_home/data" ] && [ -d "$outside" ] && [ "$(stat -c %U "$outside")" = "$owner" ]; then
        pg_stop_leftover "$outside/data"
        rm -rf "$outside"
    fi
    [ ! -d "$pg_home" ] || return 0
    rm -f "$pg_home"
    if [ ${#pg_home} -gt 80 ] || ! pg_as_owner test -x "$run_dir"; then
        mkdir -m 0700 "$outside" || report_fail "$outside exists and is not ours"
        ln -s "$outside" "$pg_home"
    else
        mkdir -m 0700 "$pg_home"
    fi
    mkdir -m 0700 "$pg_home/socket"
    [ "$(id -u)" != 0 ] || chown -R postgres:postgres "$pg_home/"
}

# Processes that work in a data directory: the postmaster, or backends that lost theirs.
pg_processes()
{
    local entry
    for entry in /proc/[0-9]*; do
        if [ "$(readlink "$entry/cwd" 2>/dev/null)" = "$1" ]; then
            process_start_time "${entry#/proc/}" >/dev/null && echo "${entry#/proc/}"
        fi
    done
}

# After a kill -9 or a power cut: backends may still be ending, and the lock files may name a pid
# that is a zombie or somebody else's now, which would keep PostgreSQL from starting.
pg_stop_leftover()
{
    local data pid
    data=$(readlink -f "$1") || return 0
    [ -f "$data/postmaster.pid" ] || return 0
    for pid in $(pg_processes "$data"); do
        process_wait_end "$pid" 5 || kill -s QUIT "$pid" 2>/dev/null || true
        process_wait_end "$pid" 5 || kill -s KILL "$pid" 2>/dev/null || true
    done
    rm -f "$data/postmaster.pid" "${data%/*}"/socket/.s.PGSQL.*
}

pg_initdb()
{
    local data=$pg_home/data
    [ ! -f "$data/PG_VERSION" ] || return 0
    rm -rf "$data" "$data.new"
    pg_as_owner "$pg_bin/initdb" -D "$(readlink -f "$pg_home")/data.new" -U postgres -A trust -E UTF8 \
        --locale=C.UTF-8 >>"$pg_log" 2>&1 || report_fail "initdb failed" "$pg_log"
    cat >"$data.new/pg_hba.conf" <<HBA
# Whoever can enter the socket's folder is trusted; others need a password; nobody copies the whole cluster.
local all         all           trust
host  all         postgres all  reject
host  all         all      127.0.0.1/32 scram-sha-256
host  all         all      ::1/128      scram-sha-256
HBA
    echo "include_if_exists 'wallet.conf'" >>"$data.new/postgresql.conf"
    mv "$data.new" "$data"
}

pg_configure()
{
    local home
    home=$(readlink -f "$pg_home")
    cat >"$pg_home/data/wallet.conf" <<CONF
# Written at every start of the private stack; use ALTER SYSTEM to change a setting.
listen_addresses = '127.0.0.1'
port = ${port_chosen[postgres]}
unix_socket_directories = '$home/socket'
wal_level = logical
shared_preload_libraries = 'wallet'
max_wal_senders = 10
max_replication_slots = 10
max_prepared_transactions = 20
# A bridge that is down must not stop payments by a full disk: backfill repairs what it then lacks.
max_slot_wal_keep_size = '8GB'
max_wal_size = '2GB'
shared_buffers = '256MB'
password_encryption = 'scram-sha-256'
log_line_prefix = '%m [%p] %q%u@%d %a '
log_timezone = 'UTC'
timezone = 'UTC'
CONF
    # Some minor releases ask for this, others do not know it and would not start.
    if pg_as_owner "$pg_bin/postgres" -C output_plugin_libraries -D "$home/data" >/dev/null 2>&1; then
        echo "output_plugin_libraries = 'pgoutput, test_decoding, wallet_decoder'" \
            >>"$pg_home/data/wallet.conf"
    fi
    [ "$(id -u)" != 0 ] || chown postgres:postgres "$pg_home"/data/{wallet,pg_hba}.conf
}

# Whether the server that was started, and nobody else, listens on the port.
pg_is_ready()
{
    local pid
    pid=$(process_pid postgres) && port_is_held_by "${port_chosen[postgres]}" "$pid" pg_as_owner
}

pg_start()
{
    local home
    pg_home_create
    home=$(readlink -f "$pg_home")
    pg_stop_leftover "$home/data"
    pg_initdb
    port_choose postgres
    pg_configure
    # Without -l the server's output is ours: a file that user postgres need not be able to open.
    until pg_as_owner "$pg_bin/pg_ctl" -D "$home/data" -w -t 120 start </dev/null >>"$pg_log" 2>&1 7>&- 9>&-; do
        port_retry postgres || report_fail "PostgreSQL did not start" "$pg_log"
        port_choose postgres
        pg_configure
    done
    process_record postgres "$(head -n 1 "$pg_home/data/postmaster.pid")"
    pg_is_ready || report_fail "PostgreSQL does not listen on 127.0.0.1:${port_chosen[postgres]}" "$pg_log"
}

# psql as the superuser, through the socket.
pg_psql()
{
    PGOPTIONS='' "$pg_bin/psql" -X -q -A -t -v ON_ERROR_STOP=1 -h "$(readlink -f "$pg_home")/socket" \
        -p "${port_chosen[postgres]}" -U postgres "$@"
}

pg_create_database()
{
    local password_file=$run_dir/state/password error=$run_dir/state/error
    if [ ! -s "$password_file" ]; then
        (umask 077 && od -An -N 18 -t x1 /dev/urandom | tr -d ' \n' >"$password_file")
    fi
    {
        database_sql
        database_password_sql wallet_user "$(cat "$password_file")"
    } | pg_psql -d postgres >/dev/null 2>"$error" ||
        report_fail "the database, the extension or its roles: $(cat "$error")" "$pg_log"
}

# The URL of a role: ours come through the socket, the user's by TCP.
pg_url()
{
    case $1 in
        wallet_user) echo "postgresql://wallet_user:$(cat "$run_dir/state/password")@127.0.0.1:${port_chosen[postgres]}/$database" ;;
        *) echo "postgresql://$1@/$database?host=$(readlink -f "$pg_home")/socket&port=${port_chosen[postgres]}" ;;
    esac
}
