# The database, the extension and the roles of the programs, on any server. Sourced by bash scripts after settings.sh.

# Prints what psql does for it as superuser, connected to any database; running it again changes nothing.
database_sql()
{
    database_create_sql
    cat "$stack/roles.sql"
}

database_create_sql()
{
    cat <<SQL
SET client_min_messages = warning;
SELECT 'CREATE DATABASE $database'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '$database') \gexec
\connect $database
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS wallet;
ALTER EXTENSION wallet UPDATE;
SQL
}

# database_password_sql ROLE PASSWORD: with all off that would keep the statement, and so the password.
database_password_sql()
{
    cat <<SQL
SET pg_stat_statements.track_utility = off;
SET pgaudit.log = none;
SET log_statement = none;
SET log_min_duration_statement = -1;
SET log_min_error_statement = panic;
ALTER ROLE $1 PASSWORD '${2//\'/\'\'}';
SQL
}
