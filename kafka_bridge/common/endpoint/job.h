/*
 * job.h
 *		A request on its way through a pool: run by itself here, with others in batch.c. Used inside
 *		common/endpoint only.
 */
#pragma once

#include <stdbool.h>

#include "endpoint/endpoint.h"
#include "endpoint/request.h"
#include "endpoint/rows.h"

typedef struct EndpointJob
{
	PgJob job; /* first: the pool hands it back */
	const EndpointBinding *binding;
	HttpRequest *request;
	bool is_repeatable; /* does nothing twice: a read, or with a key */
	EndpointValues values;
	EndpointRows rows;
} EndpointJob;

/* "wallet_service:" and a caller's name. */
#define ENDPOINT_NAME_BYTES 128

/* Whether an endpoint changes something. */
bool endpoint_writes(const Endpoint *endpoint);

/* How a job is run by itself; PgJob's. */
void endpoint_job_run(PgJob *taken, PgSession *session);
void endpoint_job_refuse(PgJob *taken, PgRefusal refusal);

/* The caller's name as the ledger will show it; NULL: nobody's. */
const char *endpoint_job_name(const EndpointJob *job, char name[ENDPOINT_NAME_BYTES]);

/* Answers after pg_session_run() came to something else than PG_OUTCOME_KNOWN. */
void endpoint_job_break(const EndpointJob *job, PgOutcome outcome, const Status *status);
/* Frees the job and sends the answer. */
void endpoint_job_finish(EndpointJob *job);
