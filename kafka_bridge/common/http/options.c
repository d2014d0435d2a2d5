/*
 * options.c
 *		What a program can be told of its HTTP endpoints.
 */
#include <stddef.h>

#include "http/admission.h"
#include "http/host.h"
#include "http/server.h"

static const ConfigChoice access_log_choices[] = {
	{"operations", HTTP_ACCESS_LOG_OPERATIONS},
	{"all", HTTP_ACCESS_LOG_ALL},
	{"off", HTTP_ACCESS_LOG_OFF},
	{NULL, 0},
};

const ConfigOption http_options[] = {
	{
		.flag = "listen-address",
		.environment = "LISTEN_ADDRESS",
		.type = CONFIG_STRING,
		.offset = offsetof(HttpOptions, listen_address),
		.default_text = "127.0.0.1",
		.value_name = "ADDRESS",
		.help = "Address of the HTTP endpoints; 0.0.0.0 or :: for all interfaces.",
	},
	{
		.flag = "http-hosts",
		.environment = "HTTP_HOSTS",
		.type = CONFIG_STRING,
		.offset = offsetof(HttpOptions, hosts),
		.value_name = "NAMES",
		.help = "Names and addresses, separated by commas, under which clients reach the HTTP "
				"endpoints, beside localhost and the address a connection came to; * for any. "
				"Requests for others are answered 421.",
	},
	{
		.flag = "access-log",
		.environment = "ACCESS_LOG",
		.type = CONFIG_ENUM,
		.offset = offsetof(HttpOptions, access_log),
		.default_text = "operations",
		.choices = access_log_choices,
		.help = "HTTP requests that the log has a line of: operations (POST) and refused callers, "
				"all, or off.",
	},
	{
		.flag = "http-connections-max",
		.environment = "HTTP_CONNECTIONS_MAX",
		.type = CONFIG_INTEGER,
		.offset = offsetof(HttpOptions, connections_max),
		.default_text = "1000",
		.minimum = 2,
		.maximum = 10000,
		.help =
			"More HTTP clients than these wait; where nearly so many are connected, those that have "
			"been silent for longest make room. /health, /live and /metrics have places of their "
			"own.",
	},
	{
		.flag = "http-client-connections-max",
		.environment = "HTTP_CLIENT_CONNECTIONS_MAX",
		.type = CONFIG_INTEGER,
		.offset = offsetof(HttpOptions, client_connections_max),
		.default_text = "0",
		.minimum = 0,
		.maximum = 10000,
		.help = "Most connections of one address; a further one takes the place of one that is "
				"silent, or is closed. /health, /live and /metrics have places of their own. 0: no "
				"bound. Not for one that a proxy stands before.",
	},
	{
		.flag = "http-client-requests-max",
		.environment = "HTTP_CLIENT_REQUESTS_MAX",
		.type = CONFIG_INTEGER,
		.offset = offsetof(HttpOptions, client_requests_max),
		.default_text = "0",
		.minimum = 0,
		.maximum = 10000,
		.help = "Most requests of one address that are worked on, live histories among them; a "
				"further one is answered 503. 0: no bound. Not for one that a proxy stands before.",
	},
	{
		.flag = "http-idle-timeout",
		.environment = "HTTP_IDLE_TIMEOUT",
		.type = CONFIG_DURATION,
		.offset = offsetof(HttpOptions, idle_timeout_ms),
		.default_text = "15s",
		.minimum = 1000,
		.maximum = 3600000,
		.help = "A connection without traffic for so long is closed.",
	},
	{
		.flag = "http-request-timeout",
		.environment = "HTTP_REQUEST_TIMEOUT",
		.type = CONFIG_DURATION,
		.offset = offsetof(HttpOptions, request_timeout_ms),
		.default_text = "10s",
		.minimum = 1000,
		.maximum = 3600000,
		.help = "A request that is not there whole after so long is cut off.",
	},
	CONFIG_OPTIONS_END,
};

const ConfigOption http_token_options[] = {
	{
		.flag = "bearer-token",
		.environment = "BEARER_TOKEN",
		.type = CONFIG_SECRET,
		.offset = offsetof(HttpOptions, bearer_tokens),
		.value_name = "TOKEN",
		.help = "Clients must send it as 'Authorization: Bearer TOKEN', but for /health, /live, "
				"/metrics and static files. Several separated by commas are all good, for "
				"everything; each has at least 16 characters. Without any token everybody who can "
				"connect may ask.",
	},
	{
		.flag = "bearer-token-file",
		.environment = "BEARER_TOKEN_FILE",
		.type = CONFIG_STRING,
		.offset = offsetof(HttpOptions, bearer_token_file),
		.value_name = "FILE",
		.help = "A file whose first line is as BEARER_TOKEN. Read again at HUP.",
	},
	{
		.flag = "tokens-file",
		.environment = "TOKENS_FILE",
		.type = CONFIG_STRING,
		.offset = offsetof(HttpOptions, tokens_file),
		.value_name = "FILE",
		.help = "A JSON list of tokens with a name and scopes: "
				"[{\"name\":\"shop\",\"sha256\":\"..\",\"scopes\":[\"read\",\"transfer\"]}]. "
				"Scopes: read, transfer, cashier, operator. Read again at HUP.",
	},
	CONFIG_OPTIONS_END,
};

Status
http_options_check(const HttpOptions *options)
{
	HttpTokens *tokens = NULL;
	const char *reason = options->hosts != NULL ? http_hosts_check(options->hosts) : NULL;

	if (reason != NULL)
		return status_about(status_fatal(EXIT_CODE_CONFIGURATION, "HTTP_HOSTS %s", reason),
							"HTTP_HOSTS");

	Status status = http_options_tokens_read(options, &tokens);

	http_tokens_free(tokens);
	return status;
}
