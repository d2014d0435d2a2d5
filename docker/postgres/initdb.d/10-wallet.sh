#!/bin/bash
# Run by the image's entry script in a new cluster: the extension, the roles, and their passwords.
#
# The password of role wallet_bridge is WALLET_BRIDGE_PASSWORD, or what the file WALLET_BRIDGE_PASSWORD_FILE
# holds, and so on. A role without one cannot log in by TCP.
set -euo pipefail

run_psql()
{
    psql --no-psqlrc --no-password --quiet -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d "$POSTGRES_DB" "$@"
}

set_password()
{
    local role=$1 variable=${1^^}_PASSWORD file
    file=${variable}_FILE
    [ -z "${!file:-}" ] || printf -v "$variable" %s "$(cat "${!file}")"
    if [ -z "${!variable:-}" ]; then
        echo "$role has no password: neither $variable nor $file is set"
        return
    fi
    # By the environment: a command line is there for all to read. The server's log would keep it.
    export "${variable?}"
    run_psql -v role="$role" -v variable="$variable" <<'SQL'
\getenv password :variable
SET log_statement = none;
SET log_min_duration_statement = -1;
SET log_min_error_statement = panic;
ALTER ROLE :"role" PASSWORD :'password';
SQL
}

run_psql -c 'CREATE EXTENSION wallet' -f /usr/local/share/wallet/roles.sql
roles=$(run_psql -A -t -c "SELECT rolname FROM pg_roles WHERE rolcanlogin AND rolname ^@ 'wallet_'")
for role in $roles; do
    set_password "$role"
done
