/*
 * batch.h
 *		Requests of one endpoint that are done in one transaction. Used inside common/endpoint only.
 *
 * A batch answers what it has done, and leaves the rest, untouched, to be run by itself: whatever
 * a client is told about an error comes from a call of its own. Together go those of one caller,
 * whose name the ledger shows, and either those with an Idempotency-Key, which may be repeated on
 * another connection, or those without.
 */
#pragma once

#include "endpoint/job.h"

/*
 * The company of a job with these values, or NULL: it goes by itself. So does each of an endpoint
 * that asks PostgreSQL which scope is needed (outside), since a batch asks nothing beforehand.
 */
const PgCompany *endpoint_company_of(const Endpoint *endpoint, const EndpointValues *values);
