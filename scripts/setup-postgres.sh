#!/bin/bash
# Prepares a PostgreSQL server for the wallet: the extension's files, the settings, the database, the roles. Changes
# only what lacks, so that it can be run again; asks for no restart that is not needed and makes none unasked.
#
#     setup-postgres.sh [--dry-run] [--restart] [--database NAME] [--max-slot-wal-keep-size SIZE]
#
#     --dry-run                    say what would be done, and do nothing
#     --restart                    restart the server where a setting needs it; without, it is only said
#     --database                   default: wallet_db
#     --max-slot-wal-keep-size     WAL that a dead bridge may keep from removal, where no limit is set yet (default: 8GB)
#
#     DATABASE_URL    the server, as a superuser; default: this machine's own, as system user postgres through its
#                     socket (PGHOST and PGPORT name another one)
#     WALLET_USER_PASSWORD WALLET_BRIDGE_PASSWORD and so on
#                     passwords of the roles in scripts/stack/roles.sql, or WALLET_USER_PASSWORD_FILE and so on: files
#                     with them; asked for on a terminal; where none is given a role keeps what it has, which is said
#                     where that is none
#
# Settings: wal_level, shared_preload_libraries and output_plugin_libraries (where the server knows it) keep what others
# have set there. Everything goes through ALTER SYSTEM. pg_hba.conf is yours.
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/stack/settings.sh"

dry_run='' restart='' keep_size=8GB
while [ $# -gt 0 ]; do
    case $1 in
        --help) report_help "$0" && exit 0 ;;
        --dry-run) dry_run=1 ;;
        --restart) restart=1 ;;
        --database)
            [[ ${2:-} =~ ^[a-z_][a-z0-9_]{0,62}$ ]] || report_usage "$0" "$1 needs a plain name"
            database=$2
            shift
            ;;
        --max-slot-wal-keep-size)
            [[ ${2:-} =~ ^[1-9][0-9]*(kB|MB|GB|TB)$ ]] || report_usage "$0" "$1 needs a size, as 8GB"
            keep_size=$2
            shift
            ;;
        *) report_usage "$0" "what is $1?" ;;
    esac
    shift
done

[ -n "$pg_bin" ] || report_fail "pg_config is missing" '' "run scripts/deps demo first"
mapfile -t roles < <(sed -n '/VALUES/,/AS list/p' "$stack/roles.sql" | grep -o "('[a-z_]*'" | tr -d "('")
error=$(mktemp)
trap 'rm -f "$error"' EXIT

# How to reach the server. A password goes through the environment: every user sees a command line.
find_server()
{
    local url=${DATABASE_URL:-}
    connection=("$pg_bin/psql" -X -q -A -t -v ON_ERROR_STOP=1)
    if [[ $url =~ ^(postgres(ql)?://[^:@/?]+):([^@/?]*)@(.*)$ ]]; then
        printf -v PGPASSWORD '%b' "${BASH_REMATCH[3]//%/\\x}"
        export PGPASSWORD
        url=${BASH_REMATCH[1]}@${BASH_REMATCH[4]}
    fi
    if [ -n "$url" ]; then
        connection+=(-d "$url")
        return
    fi
    [ -z "${PGHOST:-}" ] || connection+=(-h "$PGHOST")
    [ -z "${PGPORT:-}" ] || connection+=(-p "$PGPORT")
    connection+=(-U postgres -d postgres)
    case $(id -u):$(id -un) in
        0:*) connection=(runuser -u postgres -- "${connection[@]}") ;;
        *:postgres) ;;
        *) connection=(sudo -u postgres -- "${connection[@]}") ;;
    esac
}

# Statements on standard input. The folder is one that every user can enter.
run_sql()
{
    (cd / && PGOPTIONS='' "${connection[@]}" 2>"$error")
}

ask()
{
    run_sql <<<"$1" || report_fail "the server: $(cat "$error")" '' \
        "DATABASE_URL must be a superuser's; without it the machine's own cluster is used (pg_lsclusters)"
}

# perform TITLE OUTCOME: runs the statements on standard input, or shows them.
perform()
{
    local statements
    statements=$(cat)
    if [ -n "$dry_run" ]; then
        report_line "$1" "would run:"
        printf '      %s\n' "${statements//$'\n'/$'\n'      }"
        return
    fi
    report_begin "$1"
    run_sql <<<"$statements" >/dev/null || report_fail "$1: $(cat "$error")"
    report_end "$2"
}

check_server()
{
    local facts
    facts=$(ask "SELECT current_setting('is_superuser'), current_setting('server_version_num')::int / 10000,
                     pg_is_in_recovery(), current_setting('data_directory')")
    IFS='|' read -r superuser major recovery data_directory <<<"$facts"
    report_line server "PostgreSQL $major, $data_directory"
    [ "$superuser" = on ] || report_fail "this role is no superuser" '' "give a superuser's DATABASE_URL"
    [ "$major" -ge 15 ] || report_fail "PostgreSQL $major is too old: 15 or later"
    [ "$recovery" = f ] || report_fail "the server is a standby: prepare its primary"
}

available_version()
{
    ask "SELECT default_version FROM pg_available_extensions WHERE name = 'wallet'"
}

install_files()
{
    local version own
    version=$(sed -n "s/^default_version = '\(.*\)'/\1/p" "$root/wallet_ext/wallet.control")
    if [ "$(available_version)" = "$version" ]; then
        report_line files "extension wallet $version is installed"
        return
    fi
    own=$("${PG_CONFIG:-pg_config}" --version | sed -n 's/^PostgreSQL \([0-9]*\).*/\1/p')
    [ "$own" = "$major" ] || report_fail "pg_config is of PostgreSQL $own, the server is $major" '' \
        "PG_CONFIG=/usr/lib/postgresql/$major/bin/pg_config"
    if [ -n "$dry_run" ]; then
        report_line files "would run: make install"
        return
    fi
    report_line files "make install ..."
    make -s -C "$root" install
    [ "$(available_version)" = "$version" ] || report_fail "the server does not see the extension's files" '' \
        "it runs elsewhere: run make install there"
}

# What a setting will be after the next restart: the last line in the files that names it, or what it is.
file_setting()
{
    ask "SELECT coalesce((SELECT setting FROM pg_file_settings WHERE lower(name) = '$1' ORDER BY seqno DESC LIMIT 1),
                         current_setting('$1', true))"
}

# set_in_file NAME VALUE ...: several values make a list.
set_in_file()
{
    local name=$1 value literals=''
    shift
    for value in "$@"; do
        literals+="${literals:+, }'${value//\'/\'\'}'"
    done
    [ "$(ask "SELECT source FROM pg_settings WHERE name = '$name'")" != 'command line' ] ||
        report_fail "$name is set on the server's command line" '' "change it there"
    perform "$name" "$literals" <<<"ALTER SYSTEM SET $name = $literals;"
    changed=1
    [ "$(ask "SELECT context FROM pg_settings WHERE name = '$name'")" != postmaster ] || needs_restart=1
}

# add_to_list NAME ELEMENT: behind what others have put there.
add_to_list()
{
    local elements element
    IFS=, read -r -a elements <<<"$(file_setting "$1")"
    for n in "${!elements[@]}"; do
        element=${elements[n]//[[:space:]\"]/}
        [ "$element" != "$2" ] || return 0
        elements[n]=$element
    done
    set_in_file "$1" "${elements[@]}" "$2"
}

change_settings()
{
    changed='' needs_restart=''
    [ "$(file_setting wal_level)" = logical ] || set_in_file wal_level logical
    add_to_list shared_preload_libraries wallet
    [ "$(file_setting max_slot_wal_keep_size)" != -1 ] || set_in_file max_slot_wal_keep_size "$keep_size"
    # Some minor releases refuse a decoder that is not named there, others do not know it.
    [ -z "$(ask "SELECT current_setting('output_plugin_libraries', true)")" ] ||
        add_to_list output_plugin_libraries wallet_decoder
    if [ -z "$changed" ]; then
        report_line settings "nothing to change"
    elif [ -z "$dry_run" ]; then
        ask "SELECT pg_reload_conf()" >/dev/null
    fi
}

ask_passwords()
{
    local role variable file
    for role in "${roles[@]}"; do
        variable=${role^^}_PASSWORD
        file=${variable}_FILE
        if [ -n "${!file:-}" ]; then
            [ -r "${!file}" ] || report_fail "$file: ${!file} can't be read"
            IFS= read -r "${variable?}" <"${!file}" || [ -n "${!variable:-}" ] || report_fail "$file: ${!file} is empty"
        fi
        if [ -z "${!variable:-}" ] && [ -t 0 ] && [ -z "$dry_run" ]; then
            read -r -s -p "  password of $role (empty: as it is): " "${variable?}"
            echo
        fi
    done
}

create_database()
{
    local role variable
    if [ -n "$dry_run" ]; then
        { database_create_sql && echo "\\i scripts/stack/roles.sql"; } | perform database ''
    else
        database_sql | perform database "$database with extension and roles"
    fi
    for role in "${roles[@]}"; do
        variable=${role^^}_PASSWORD
        if [ -n "${!variable:-}" ]; then
            database_password_sql "$role" "$([ -n "$dry_run" ] && echo '***' || echo "${!variable}")" |
                perform "$role" "password set"
        fi
    done
}

# Of this run, or of an earlier one after which nobody did it.
restart_is_needed()
{
    [ -n "$needs_restart" ] || [ "$(ask "SELECT bool_or(pending_restart) FROM pg_settings
        WHERE name IN ('wal_level', 'shared_preload_libraries', 'output_plugin_libraries')")" = t ]
}

restart_server()
{
    local version name directory owner as_owner
    if [ -n "$dry_run" ]; then
        report_line restart "would be made"
        return
    fi
    report_begin restart
    while read -r version name _ _ _ directory _; do
        if [ "$directory" = "$data_directory" ]; then
            pg_ctlcluster "$version" "$name" restart >/dev/null 2>"$error" || report_fail "restart: $(cat "$error")"
            report_end "cluster $version/$name"
            return
        fi
    done < <(pg_lsclusters -h 2>/dev/null)
    owner=$(stat -c %U "$data_directory" 2>/dev/null) ||
        report_fail "the server does not run on this machine: restart it there"
    as_owner=()
    [ "$owner" = "$(id -un)" ] || as_owner=(runuser -u "$owner" --)
    (cd / && "${as_owner[@]}" "$pg_bin/pg_ctl" -D "$data_directory" -l "$data_directory/startup.log" -m fast -w -t 120 restart) \
        </dev/null >"$error" 2>&1 || report_fail "restart: $(cat "$error")"
    report_end "$data_directory"
}

say_addresses()
{
    local address role with_password
    address=$(ask "SELECT coalesce(host(inet_server_addr()), 'localhost') || ':' || current_setting('port')")
    with_password=$(ask "SELECT string_agg(rolname, ' ') FROM pg_authid WHERE rolpassword IS NOT NULL")
    for role in "${roles[@]}"; do
        report_line "$role" "DATABASE_URL=postgresql://$role:PASSWORD@$address/$database"
        [[ $dry_run || " $with_password " == *" $role "* ]] ||
            report_line '' "it has no password: where one is asked for, run this again with ${role^^}_PASSWORD"
    done
}

report_title "Preparing PostgreSQL"
find_server
check_server
install_files
change_settings
ask_passwords
create_database
if ! restart_is_needed; then
    report_line restart "not needed"
elif [ -n "$restart" ]; then
    restart_server
else
    report_line restart "needed: restart the server, or run this again with --restart"
fi
say_addresses
