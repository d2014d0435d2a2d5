/*
 * service_config.h
 *		What wallet_service can be told.
 */
#pragma once

#include <stdint.h>

#include "config/config.h"
#include "daemon/daemon.h"
#include "postgres/client.h"
#include "postgres/pool.h"

typedef struct ServiceOptions
{
	char *read_url;				/* NULL: reads go where operations go */
	int64_t client_streams_max; /* live histories of one address */
	int64_t batch_max;			/* transfers that go together; 1: each by itself */
	int64_t batch_lanes;		/* transactions of transfers before others wait */
	int64_t drain_timeout_ms;	/* for requests that are being worked on when a stop is asked for */
} ServiceOptions;

typedef struct ServiceConfig
{
	DaemonOptions daemon;
	PgOptions pg;
	PgPoolOptions pool;
	ServiceOptions service;
} ServiceConfig;

extern const ConfigProgram service_program;
