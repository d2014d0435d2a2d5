/*
 * pipeline.h
 *		Several queries in one round trip and one transaction (libpq's pipeline mode).
 *
 * The server runs them in order as one implicit transaction, which commits after the last one; the
 * first error undoes all. Each query sees what those before it did.
 */
#pragma once

#include <libpq-fe.h>
#include <stddef.h>

#include "postgres/query.h"
#include "base/status.h"
#include "base/wait.h"

/*
 * OK: every results[i] is the caller's, for PQclear(); of a failed query it is the error, of those
 * behind it PGRES_PIPELINE_ABORTED. RETRY: the connection broke or the wait ended: nothing is known
 * of what was done, close the connection; all results are NULL. What the server said before it hung
 * up has its SQLSTATE in the status: then the transaction was not committed.
 */
Status pg_pipeline_run(PGconn *connection, const Wait *wait, const PgQuery *queries, size_t count,
					   PGresult **results);
