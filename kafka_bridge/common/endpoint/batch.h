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

/* The company of jobs whose endpoint has a batch. */
extern const PgCompany endpoint_company;
