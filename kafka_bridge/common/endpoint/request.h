/*
 * request.h
 *		Turns a request into the values of an endpoint's statements. Used inside common/endpoint
 *		only.
 */
#pragma once

#include <stdbool.h>

#include "endpoint/endpoint.h"

typedef struct EndpointValues
{
	char *items[ENDPOINT_VALUES_MAX]; /* from malloc(), or NULL for SQL's NULL */
	size_t count;
} EndpointValues;

/* False: the request is malformed, and the response says how (400 or 415). */
bool endpoint_request_parse(const Endpoint *endpoint, const HttpRequest *request,
							HttpResponse *response, EndpointValues *values);
void endpoint_values_free(EndpointValues *values);
