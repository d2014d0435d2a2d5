/*
 * answer.h
 *		Makes the answer of an endpoint from its rows. Used inside common/endpoint only.
 */
#pragma once

#include <stdbool.h>

#include "endpoint/endpoint.h"
#include "endpoint/request.h"
#include "endpoint/rows.h"

/* What came of an operation. */
typedef struct EndpointCall
{
	const char *id;
	bool is_replayed;
	const char *entry; /* JSON, or NULL */
} EndpointCall;

/* How many rows the answer shows at most; a page asks for one more. */
int endpoint_rows_most(const Endpoint *endpoint, const EndpointValues *values);

/* call is NULL where the endpoint has none; rows are those read. */
void endpoint_answer_fill(const Endpoint *endpoint, const EndpointValues *values,
						  const EndpointCall *call, EndpointRows *rows, HttpResponse *response);
