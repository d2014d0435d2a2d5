/*
 * routes.h
 *		Every endpoint of wallet_service: the table of method, path, parameters and SQL.
 */
#pragma once

#include "endpoint/endpoint.h"

#define SERVICE_ENDPOINT_COUNT 26

/* As many transfers as wallet.max_batch_items allows, with long keys. */
#define SERVICE_BATCH_BYTES_MAX (4 * 1024 * 1024)

extern const Endpoint service_endpoints[SERVICE_ENDPOINT_COUNT];

/* Names for the metrics: "other", one for each endpoint in the order of the table, "live". */
extern const char *const service_route_labels[];
#define SERVICE_LABEL_ENDPOINTS 1
#define SERVICE_LABEL_LIVE		(SERVICE_LABEL_ENDPOINTS + SERVICE_ENDPOINT_COUNT)
