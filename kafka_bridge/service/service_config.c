/*
 * service_config.c
 *		The configuration of wallet_service: one struct, one option table.
 */
#include "service_config.h"

#include "postgres/job_queue.h"
#include "service_metrics.h"

static const ConfigOption service_options[] = {
	{.flag = "database-read-url",
	 .environment = "DATABASE_READ_URL",
	 .type = CONFIG_URL,
	 .offset = offsetof(ServiceOptions, read_url),
	 .help =
		 "PostgreSQL for the GET endpoints, as a standby; by default that of DATABASE_URL. What "
		 "was just done may not be seen there yet."},
	{.flag = "http-client-streams-max",
	 .environment = "HTTP_CLIENT_STREAMS_MAX",
	 .type = CONFIG_INTEGER,
	 .offset = offsetof(ServiceOptions, client_streams_max),
	 .default_text = "128",
	 .minimum = 1,
	 .maximum = 256,
	 .help = "Most live histories that one address follows; all together follow 256."},
	{.flag = "transfer-batch-max",
	 .environment = "TRANSFER_BATCH_MAX",
	 .type = CONFIG_INTEGER,
	 .offset = offsetof(ServiceOptions, batch_max),
	 .default_text = "128",
	 .minimum = 1,
	 .maximum = 1000,
	 .help = "Most transfers that go together in one transaction; 1: each goes by itself."},
	{.flag = "transfer-batch-lanes",
	 .environment = "TRANSFER_BATCH_LANES",
	 .type = CONFIG_INTEGER,
	 .offset = offsetof(ServiceOptions, batch_lanes),
	 .default_text = "2",
	 .minimum = 1,
	 .maximum = PG_LANES_MAX,
	 .help = "Transactions of transfers that may be under way; transfers that come meanwhile go "
			 "together in the next one."},
	{.flag = "drain-timeout",
	 .environment = "DRAIN_TIMEOUT",
	 .type = CONFIG_DURATION,
	 .offset = offsetof(ServiceOptions, drain_timeout_ms),
	 .default_text = "10s",
	 .minimum = 0,
	 .maximum = 600000,
	 .help = "Longest wait for requests that are being worked on when a stop is asked for."},
	CONFIG_OPTIONS_END,
};

static const ConfigOption pool_size_options[] = {
	PG_POOL_SIZE_OPTION(PgPoolOptions, size, "16"),
	CONFIG_OPTIONS_END,
};

static const ConfigOption port_options[] = {
	HTTP_PORT_OPTION(HttpOptions, port, "SERVICE_PORT", "3000"),
	CONFIG_OPTIONS_END,
};

static const ConfigGroup groups[] = {
	{"PostgreSQL", pg_options, offsetof(ServiceConfig, pg)},
	{NULL, service_options, offsetof(ServiceConfig, service)},
	{"Connections to PostgreSQL", pool_size_options, offsetof(ServiceConfig, pool)},
	{NULL, pg_pool_options, offsetof(ServiceConfig, pool)},
	{"HTTP port", port_options, offsetof(ServiceConfig, daemon.http)},
	{"HTTP", http_options, offsetof(ServiceConfig, daemon.http)},
	{NULL, http_token_options, offsetof(ServiceConfig, daemon.http)},
	{"Log", log_options, offsetof(ServiceConfig, daemon.log)},
	{NULL, NULL, 0},
};

static const ConfigCommand commands[] = {
	{"run", "answer requests until asked to stop", NULL},
	{NULL, NULL, NULL},
};

static Status
config_check(const void *checked, const ConfigCommand *command)
{
	const ServiceConfig *config = checked;
	Status status = pg_url_check(config->pg.url);

	(void) command;
	if (status_is_ok(&status) && config->service.read_url != NULL)
		status =
			status_about(status_prefix(pg_url_check(config->service.read_url), "DATABASE_READ_URL"),
						 "DATABASE_READ_URL");
	if (status_is_ok(&status))
		status = http_options_check(&config->daemon.http);
	return status;
}

const ConfigProgram service_program = {
	.name = "wallet_service",
	.summary =
		"HTTP over the wallet functions: creates wallets, moves money, reads; with a console.",
	.groups = groups,
	.commands = commands,
	.config_bytes = sizeof(ServiceConfig),
	.check = config_check,
	.metrics = service_metrics,
	.metric_count = SERVICE_METRIC_COUNT,
};
