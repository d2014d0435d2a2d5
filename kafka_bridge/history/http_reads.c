/*
 * http_reads.c
 *		The endpoints: newest first, a page at a time.
 *
 * The cursor of a wallet's page is the version of its last event; that of a user's page the moment
 * and the id, for several wallets' events can have the same moment.
 */
#include "http_reads.h"

#include <stdlib.h>
#include <string.h>

#include "endpoint/endpoint.h"
#include "endpoint/value.h"
#include "history_files.h"
#include "history_metrics.h"
#include "postgres/pool.h"
#include "json/row.h"

#define ENDPOINT_COUNT	 2
#define ROUTES_MAX		 (ENDPOINT_COUNT + 1)
#define DRAIN_TIMEOUT_MS 10000
#define CURSOR_SEPARATOR '_'

struct HttpReads
{
	PgPoolPlan plan;
	PgPool *pool;
	EndpointPools pools;
	EndpointBinding bindings[ENDPOINT_COUNT];
	HttpRoute routes[ROUTES_MAX];
	size_t route_count;
};

/* "<time>_<id>": two values. */
static const char *
activity_cursor_parse(const EndpointInput *input, char **values)
{
	const char *separator = strchr(input->text, CURSOR_SEPARATOR);
	EndpointInput time = {JSON_STRING_VALUE, NULL, 0};
	const char *wrong = "must be what an answer had as next";
	char *copy = NULL;

	if (separator == NULL)
		return wrong;
	time.length = (size_t) (separator - input->text);
	copy = strndup(input->text, time.length);
	time.text = copy;
	if (copy != NULL && endpoint_time_parse(&time, &values[0]) == NULL &&
		endpoint_uuid_parse(&(const EndpointInput){JSON_STRING_VALUE, separator + 1,
												   strlen(separator + 1)},
							&values[1]) == NULL)
		wrong = NULL;
	free(copy);
	return wrong;
}

static const EndpointParameter history_parameters[] = {
	{.name = "id", .source = SOURCE_PATH, .parse = endpoint_uuid_parse, .is_required = true},
	{.name = "before", .source = SOURCE_QUERY, .parse = endpoint_version_parse},
	{.name = "limit", .source = SOURCE_QUERY, .parse = endpoint_limit_parse, .default_text = "50"},
};
static const EndpointParameter activity_parameters[] = {
	{.name = "id", .source = SOURCE_PATH, .parse = endpoint_text_parse, .is_required = true},
	{.name = "before", .source = SOURCE_QUERY, .parse = activity_cursor_parse, .value_count = 2},
	{.name = "limit", .source = SOURCE_QUERY, .parse = endpoint_limit_parse, .default_text = "50"},
};

#define EVENT_ROWS(cursor, from)                                                          \
	"SELECT row_to_json(event), " cursor " FROM (SELECT " SQL_EVENT_COLUMNS " FROM " from \
	") AS event"

static const Endpoint endpoints[ENDPOINT_COUNT] = {
	{.method = "GET",
	 .pattern = "/wallets/{id}/history",
	 .parameters = history_parameters,
	 .parameter_count = 3,
	 .read = EVENT_ROWS("version", "wallet_history($1::uuid, $2::bigint, $3::integer)"),
	 .answer = ANSWER_PAGE,
	 .scope = HTTP_SCOPE_READ},
	{.method = "GET",
	 .pattern = "/users/{id}/activity",
	 .parameters = activity_parameters,
	 .parameter_count = 3,
	 .read = EVENT_ROWS("created_at || '_' || id",
						"wallet_activity($1, $2::timestamptz, $3::uuid, $4::integer)"),
	 .answer = ANSWER_PAGE,
	 .scope = HTTP_SCOPE_READ},
};

const char *const http_reads_labels[] = {"other", "history", "activity", NULL};

HttpReads *
http_reads_new(const HistoryConfig *config)
{
	HttpReads *reads = calloc(1, sizeof(HttpReads));

	if (reads == NULL)
		return NULL;
	reads->plan = (PgPoolPlan){
		.name = "postgresql_reads",
		.application_name = "wallet_history",
		.pg = &config->pg,
		.options = &config->pool,
	};
	reads->pool = pg_pool_new(&reads->plan);
	if (reads->pool == NULL)
	{
		free(reads);
		return NULL;
	}
	reads->pools = (EndpointPools){.write = reads->pool,
								   .read = reads->pool,
								   .application_name = reads->plan.application_name,
								   .retries = HISTORY_HTTP_RETRIES};
	endpoint_routes_fill(endpoints, ENDPOINT_COUNT, &reads->pools, reads->bindings, reads->routes,
						 1);
	reads->route_count =
		ENDPOINT_COUNT + static_files_routes_fill(history_files, reads->routes + ENDPOINT_COUNT,
												  ROUTES_MAX - ENDPOINT_COUNT);
	return reads;
}

void
http_reads_free(HttpReads *reads)
{
	if (reads == NULL)
		return;
	pg_pool_free(reads->pool);
	free(reads);
}

const HttpRoute *
http_reads_routes(const HttpReads *reads, size_t *count)
{
	*count = reads->route_count;
	return reads->routes;
}

Status
http_reads_start(HttpReads *reads, Daemon *daemon)
{
	reads->pools.metrics = daemon->metrics;
	return pg_pool_start(reads->pool, daemon->health, daemon->metrics, &history_pool_metrics);
}

void
http_reads_stop(HttpReads *reads, Daemon *daemon)
{
	http_server_drain(daemon->server, DRAIN_TIMEOUT_MS);
	pg_pool_stop(reads->pool);
}
