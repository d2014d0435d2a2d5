/*
 * answer.h
 *		Makes the answer of an endpoint from its rows. Used inside common/endpoint only.
 */
#pragma once

#include <libpq-fe.h>

#include "endpoint/endpoint.h"
#include "endpoint/request.h"

/* call is NULL where the endpoint has none. Both are results without an error. */
void endpoint_answer_fill(const Endpoint *endpoint, const EndpointValues *values,
						  const PGresult *call, const PGresult *read, HttpResponse *response);
