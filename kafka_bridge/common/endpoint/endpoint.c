/*
 * endpoint.c
 *		The routes: a request is parsed in the server's thread and becomes a job of a pool.
 */
#include "endpoint/endpoint.h"

#include <stdlib.h>

#include "endpoint/answer.h"
#include "endpoint/batch.h"
#include "endpoint/job.h"

/* As far as the request itself says what it needs. */
static bool
values_scope_check(const EndpointJob *job)
{
	const Endpoint *endpoint = job->binding->endpoint;
	size_t without = endpoint->outside_without;

	return without == 0 || http_request_may(job->request, job->values.items[without - 1] == NULL
															  ? HTTP_SCOPE_CASHIER
															  : (HttpScope) endpoint->scope);
}

static void
endpoint_handle(HttpRequest *request, HttpResponse *response, const void *context)
{
	const EndpointBinding *binding = context;
	const Endpoint *endpoint = binding->endpoint;
	EndpointJob *job = calloc(1, sizeof(EndpointJob));

	if (job == NULL)
		return;
	job->job.run = endpoint_job_run;
	job->job.refuse = endpoint_job_refuse;
	job->binding = binding;
	job->request = request;
	job->is_repeatable =
		!endpoint_writes(endpoint) || http_request_header(request, "Idempotency-Key") != NULL;
	if (!endpoint_request_parse(endpoint, request, response, &job->values) ||
		!values_scope_check(job))
	{
		endpoint_values_free(&job->values);
		free(job);
		return;
	}
	job->job.company = endpoint_company_of(endpoint, &job->values);
	http_request_defer(request);
	endpoint_rows_begin(&job->rows, request, endpoint_rows_most(endpoint, &job->values),
						endpoint_writes(endpoint));
	pg_pool_submit(endpoint_writes(endpoint) ? binding->pools->write : binding->pools->read,
				   &job->job);
}

/* What can be asked for before the body is looked at: one of them. */
static unsigned
scope_of_route(const Endpoint *endpoint)
{
	bool is_either = endpoint->outside != NULL || endpoint->outside_without > 0;

	return endpoint->scope | (is_either ? (unsigned) HTTP_SCOPE_CASHIER : 0);
}

static void
binding_fill(EndpointBinding *binding, const Endpoint *endpoint, const EndpointPools *pools)
{
	size_t count = 0;

	*binding = (EndpointBinding){.endpoint = endpoint, .pools = pools};
	for (size_t i = 0; i < endpoint->parameter_count; i++)
	{
		EndpointSource source = endpoint->parameters[i].source;

		if (source == SOURCE_QUERY || source == SOURCE_QUERY_OBJECT)
			binding->queries[count++] = endpoint->parameters[i].name;
	}
}

void
endpoint_routes_fill(const Endpoint *endpoints, size_t count, const EndpointPools *pools,
					 EndpointBinding *bindings, HttpRoute *routes, size_t first_label)
{
	for (size_t i = 0; i < count; i++)
	{
		binding_fill(&bindings[i], &endpoints[i], pools);
		routes[i] = (HttpRoute){
			.method = endpoints[i].method,
			.pattern = endpoints[i].pattern,
			.handler = endpoint_handle,
			.context = &bindings[i],
			.label = first_label + i,
			.scope = scope_of_route(&endpoints[i]),
			.queries = bindings[i].queries,
			.body_bytes_max = endpoints[i].body_bytes_max,
		};
	}
}
