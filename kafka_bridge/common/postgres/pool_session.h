/*
 * pool_session.h
 *		A session of the pool and how it is set up. Used inside common/postgres only.
 */
#pragma once

#include <stdbool.h>

#include "postgres/pool.h"
#include "postgres/statement.h"

/* A power of two: statements are found by the address of their text. */
#define PG_SESSION_STATEMENTS_MAX 256

typedef struct PgStatement
{
	const char *sql; /* NULL: a free place */
	char name[PG_STATEMENT_NAME_BYTES];
	bool is_prepared; /* as far as is known: behind a pooler the next session may differ */
} PgStatement;

struct PgSession
{
	const PgPoolPlan *plan;
	PGconn *connection; /* NULL: none */
	bool is_broken;
	char search_path[256];
	PgStatement statements[PG_SESSION_STATEMENTS_MAX];
};

/* Connects and finds the extension; on any error there is no connection. */
Status pg_session_open(PgSession *session, const Wait *wait);
void pg_session_close(PgSession *session);

/* The session's statement of this text; NULL: there are too many. */
PgStatement *pg_session_statement(PgSession *session, const char *sql);

/* Whether an idle connection is still there; takes in what the server sent meanwhile. */
bool pg_session_is_alive(PgSession *session);
