/*
 * answer.h
 *		Makes the answer of an endpoint from its rows. Used inside common/endpoint only.
 */
#pragma once

#include <libpq-fe.h>

#include "endpoint/endpoint.h"
#include "endpoint/request.h"
#include "endpoint/rows.h"

/* How many rows the answer shows at most; a page asks for one more. */
int endpoint_rows_most(const Endpoint *endpoint, const EndpointValues *values);

/* call is NULL where the endpoint has none, else a result without an error; rows are those read. */
void endpoint_answer_fill(const Endpoint *endpoint, const EndpointValues *values,
						  const PGresult *call, EndpointRows *rows, HttpResponse *response);
