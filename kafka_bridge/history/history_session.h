/*
 * history_session.h
 *		A connection to PostgreSQL that is set up to write the history: where the extension's tables
 *		are, time limits, replication origin.
 *
 * Call order: history_session_open(); the stores' prepare functions; queries;
 * history_session_close(). One thread at a time.
 */
#pragma once

#include <stdbool.h>

#include "postgres/client.h"
#include "base/status.h"
#include "base/wait.h"

/* PostgreSQL cuts application_name to 63 bytes. */
#define HISTORY_OWNER_BYTES 64

typedef struct HistorySession
{
	PGconn *connection; /* NULL: closed */
	char *schema;		/* quoted, of the tables that are written */
	bool has_origin;	/* that it may reset */
} HistorySession;

/*
 * Connects and sets up; session is zero-initialised. owner becomes the application_name: another
 * process can find this session by it. Without the extension: FATAL, EXIT_CODE_CONFIGURATION.
 */
Status history_session_open(HistorySession *session, const PgOptions *options, const char *owner,
							const Wait *wait);

/*
 * Before a transaction: its rows' commit timestamp is that of its commit. PostgreSQL would give all
 * transactions of a replication origin the first one's.
 */
Status history_session_stamp(const HistorySession *session, const Wait *wait);

/* The same as a statement that can go over with others, with a semicolon; "": there is no need. */
const char *history_session_stamp_text(const HistorySession *session);

/* BEGIN of such a transaction. */
Status history_session_begin(const HistorySession *session, const Wait *wait);

/* Never blocks; fine on a closed session. */
void history_session_close(HistorySession *session);

/* The extension's schema, quoted, into session->schema, which is the caller's to free. */
Status history_schema_find(HistorySession *session, const Wait *wait);

/* Prints a statement with the schema in the place of each "%1$s". */
Status history_statement_print(char *text, size_t bytes, const char *sql, const char *schema);

/* Prepares a statement printed that way, of at most HISTORY_STATEMENT_BYTES. */
#define HISTORY_STATEMENT_BYTES 4096
Status history_statement_prepare(const HistorySession *session, const Wait *wait, const char *name,
								 const char *sql, int parameter_count, const Oid *types);

/* Ends other sessions of this role that go by this name. */
Status history_session_terminate(const HistorySession *session, const Wait *wait,
								 const char *owner);
