/*
 * client.c
 *		Connecting, and queries whose results are waited for with poll(2).
 *
 * Passwords stay inside libpq: texts of errors come from the server or from libpq's transport,
 * never from a parser that quotes its input.
 */
#include "postgres/client.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

const ConfigOption pg_options[] = {
	{
		.flag = "database-url",
		.environment = "DATABASE_URL",
		.type = CONFIG_URL,
		.offset = offsetof(PgOptions, url),
		.default_text = "postgresql://wallet_user@localhost:5432/wallet_db",
		.help = "PostgreSQL, as a URI or as key=value pairs.",
	},
	{
		.flag = "database-connect-timeout",
		.environment = "DATABASE_CONNECT_TIMEOUT",
		.type = CONFIG_DURATION,
		.offset = offsetof(PgOptions, connect_timeout_ms),
		.default_text = "10s",
		.minimum = 100,
		.maximum = 600000,
		.help = "Longest one attempt to connect may take.",
	},
	{
		.flag = "database-tcp-timeout",
		.environment = "DATABASE_TCP_TIMEOUT",
		.type = CONFIG_DURATION,
		.offset = offsetof(PgOptions, tcp_user_timeout_ms),
		.default_text = "15s",
		.minimum = 1000,
		.maximum = 3600000,
		.help = "Data or keepalives without an answer for so long mean that the server is gone.",
	},
	CONFIG_OPTIONS_END,
};

/* Parameters for PQconnectStartParams(); the values belong to others. */
typedef struct ConnectionParameters
{
	const char **keywords; /* room for every keyword that libpq knows, and the NULL behind them */
	const char **values;
	size_t count;
	size_t capacity;
} ConnectionParameters;

/* For the keywords of libpq's own table, of which parsed has one entry each. False: no memory. */
static bool
parameters_begin(ConnectionParameters *parameters, const PQconninfoOption *parsed)
{
	size_t capacity = 0;

	while (parsed[capacity].keyword != NULL)
		capacity++;
	*parameters = (ConnectionParameters){
		.keywords = calloc(capacity + 1, sizeof(*parameters->keywords)),
		.values = calloc(capacity + 1, sizeof(*parameters->values)),
		.capacity = capacity,
	};
	return parameters->keywords != NULL && parameters->values != NULL;
}

static void
parameters_free(ConnectionParameters *parameters)
{
	free(parameters->keywords);
	free(parameters->values);
}

static void
parameter_set(ConnectionParameters *parameters, const char *keyword, const char *value)
{
	size_t i = 0;

	while (i < parameters->count && strcmp(parameters->keywords[i], keyword) != 0)
		i++;
	/* One that libpq does not know would be dropped by it, too: nobody may give such a one. */
	assert(i < parameters->capacity);
	parameters->keywords[i] = keyword;
	parameters->values[i] = value;
	if (i == parameters->count)
		parameters->count++;
}

static bool
parameter_exists(const ConnectionParameters *parameters, const char *keyword)
{
	for (size_t i = 0; i < parameters->count; i++)
		if (strcmp(parameters->keywords[i], keyword) == 0)
			return true;
	return false;
}

/*
 * A password with a bare @ or / in it ends up half in the host or the port; libpq would quote that
 * half when it fails to resolve it.
 */
static bool
host_and_port_are_fit(const PQconninfoOption *parsed)
{
	for (const PQconninfoOption *option = parsed; option->keyword != NULL; option++)
	{
		if (option->val == NULL)
			continue;
		if (strcmp(option->keyword, "port") == 0 &&
			option->val[strspn(option->val, "0123456789,")] != '\0')
			return false;
		if (strcmp(option->keyword, "host") == 0 && strchr(option->val, '@') != NULL &&
			option->val[0] != '@')
			return false;
	}
	return true;
}

/* libpq's own text would quote the part it stumbled over, which may be the password. */
static Status
url_parse(const char *url, PQconninfoOption **parsed)
{
	char *message = NULL;

	*parsed = PQconninfoParse(url, &message);
	PQfreemem(message);
	if (*parsed != NULL && host_and_port_are_fit(*parsed))
		return status_ok();
	PQconninfoFree(*parsed);
	*parsed = NULL;
	return status_fatal(
		EXIT_CODE_CONFIGURATION,
		"DATABASE_URL is neither postgresql://user:password@host:port/database nor "
		"key=value pairs; letters like @ : / in a password are written as %%40 %%3A "
		"%%2F");
}

Status
pg_url_check(const char *url)
{
	PQconninfoOption *parsed = NULL;
	Status status = url_parse(url, &parsed);

	PQconninfoFree(parsed);
	return status_about(status, "DATABASE_URL");
}

/* What neither the URL nor the environment says. */
static void
parameters_default(ConnectionParameters *parameters)
{
	bool has_service = parameter_exists(parameters, "service") || getenv("PGSERVICE") != NULL;

	if (has_service)
		return;
	if (!parameter_exists(parameters, "dbname") && getenv("PGDATABASE") == NULL)
		parameter_set(parameters, "dbname", "wallet_db");
	if (!parameter_exists(parameters, "user") && getenv("PGUSER") == NULL)
		parameter_set(parameters, "user", "wallet_user");
}

static void
parameters_fill(ConnectionParameters *parameters, const PQconninfoOption *parsed, PgMode mode,
				const char *application_name, const char *tcp_user_timeout)
{
	parameter_set(parameters, "application_name", application_name);
	parameter_set(parameters, "keepalives", "1");
	parameter_set(parameters, "keepalives_idle", "10");
	parameter_set(parameters, "keepalives_interval", "5");
	parameter_set(parameters, "keepalives_count", "3");
	parameter_set(parameters, "tcp_user_timeout", tcp_user_timeout);
	parameter_set(parameters, "client_encoding", "UTF8");
	for (const PQconninfoOption *option = parsed; option->keyword != NULL; option++)
		if (option->val != NULL)
			parameter_set(parameters, option->keyword, option->val);
	parameters_default(parameters);
	if (mode == PG_MODE_REPLICATION)
		parameter_set(parameters, "replication", "database");
}

/*
 * libpq keeps no SQLSTATE of a refused connection, but with verbose errors it stands in the text:
 * "FATAL:  28P01: password ...\nLOCATION: ...". Cuts the text behind the message.
 */
static void
connect_message_parse(const char *message, char *sqlstate, char *text, size_t bytes)
{
	const char *location = strstr(message, "\nLOCATION:");
	size_t length = location != NULL ? (size_t) (location - message) : strlen(message);

	sqlstate[0] = '\0';
	snprintf(text, bytes, "%.*s", (int) length, message);
	for (const char *at = strstr(text, ":  "); at != NULL; at = strstr(at + 1, ":  "))
	{
		const char *code = at + 3;

		if (strspn(code, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5 && code[5] == ':')
		{
			memcpy(sqlstate, code, 5);
			sqlstate[5] = '\0';
			return;
		}
	}
}

static Status
connect_error(const PGconn *connection)
{
	char sqlstate[STATUS_SQLSTATE_BYTES];
	char text[STATUS_TEXT_BYTES];

	if (connection == NULL)
		return status_bug("out of memory");
	connect_message_parse(PQerrorMessage(connection), sqlstate, text, sizeof(text));
	if (strstr(text, "unsupported startup parameter") != NULL &&
		strstr(text, "replication") != NULL)
		return status_fatal(EXIT_CODE_CONFIGURATION,
							"DATABASE_URL leads to a connection pooler, which lets no replication "
							"through: it must name the PostgreSQL server itself (%s)",
							text);
	if (sqlstate[0] == '\0' && PQconnectionNeedsPassword(connection))
		return status_fatal(EXIT_CODE_CONFIGURATION,
							"cannot connect to PostgreSQL: the server asks for a password");
	if (strstr(text, "walsender") != NULL || strstr(text, "WAL sender") != NULL)
		return status_prefix(pg_sqlstate_classify(sqlstate, text),
							 "the role of DATABASE_URL lacks REPLICATION: it must be the bridge's");
	return status_prefix(pg_sqlstate_classify(sqlstate, text), "cannot connect to PostgreSQL");
}

/* Takes the steps of a connection that PQconnectStartParams() began. */
static Status
connect_poll(PGconn *connection, const Wait *wait)
{
	PostgresPollingStatusType next = PGRES_POLLING_WRITING;

	if (connection == NULL || PQstatus(connection) == CONNECTION_BAD)
		return connect_error(connection);
	PQsetErrorVerbosity(connection, PQERRORS_VERBOSE);
	while (next != PGRES_POLLING_OK)
	{
		short events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT;
		WaitResult result = wait_for_fd(wait, PQsocket(connection), events);

		if (result != WAIT_READY)
			return wait_status(result, "connecting to PostgreSQL");
		next = PQconnectPoll(connection);
		if (next == PGRES_POLLING_FAILED)
			return connect_error(connection);
	}
	PQsetErrorVerbosity(connection, PQERRORS_DEFAULT);
	if (PQsetnonblocking(connection, 1) != 0)
		return pg_connection_error(connection, "cannot set up the connection");
	return status_ok();
}

/* The sooner of the caller's deadline and the one of a single attempt. */
static Wait
connect_wait(const PgOptions *options, const Wait *wait)
{
	Wait attempt = wait_begin(wait->stop_fd, options->connect_timeout_ms);

	if (wait->deadline_ms >= 0 && wait->deadline_ms < attempt.deadline_ms)
		attempt.deadline_ms = wait->deadline_ms;
	return attempt;
}

/* Server notices go through the caller's own log or nowhere, not to standard error. */
static void
notice_ignore(void *context, const PGresult *result)
{
	(void) context;
	(void) result;
}

Status
pg_connection_open(const PgOptions *options, PgMode mode, const char *application_name,
				   const Wait *wait, PGconn **connection)
{
	PQconninfoOption *parsed = NULL;
	ConnectionParameters parameters;
	char tcp_user_timeout[32];
	Wait attempt = connect_wait(options, wait);

	*connection = NULL;

	Status status = url_parse(options->url, &parsed);

	if (!status_is_ok(&status))
		return status;
	snprintf(tcp_user_timeout, sizeof(tcp_user_timeout), "%" PRId64, options->tcp_user_timeout_ms);
	if (parameters_begin(&parameters, parsed))
	{
		parameters_fill(&parameters, parsed, mode, application_name, tcp_user_timeout);
		/* expand_dbname is off: a dbname in the URL is a name, not another URL. */
		*connection = PQconnectStartParams(parameters.keywords, parameters.values, 0);
		status = connect_poll(*connection, &attempt);
	}
	else
		status = status_bug("out of memory");
	parameters_free(&parameters);
	PQconninfoFree(parsed);
	if (!status_is_ok(&status))
		pg_connection_close(connection);
	else
		PQsetNoticeReceiver(*connection, notice_ignore, NULL);
	return status;
}

void
pg_connection_close(PGconn **connection)
{
	if (*connection != NULL)
		PQfinish(*connection);
	*connection = NULL;
}
