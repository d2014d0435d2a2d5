/*
 * pool_session.h
 *		A session of the pool and how it is set up. Used inside common/postgres only.
 */
#pragma once

#include <stdbool.h>

#include "postgres/pool.h"

struct PgSession
{
	const PgPoolPlan *plan;
	PGconn *connection; /* NULL: none */
	bool is_broken;
	bool is_prepared[PG_SESSION_STATEMENTS_MAX];
};

/* Connects and sets the session up; on any error there is no connection. */
Status pg_session_open(PgSession *session, const Wait *wait);
void pg_session_close(PgSession *session);

/* Whether an idle connection is still there; takes in what the server sent meanwhile. */
bool pg_session_is_alive(PgSession *session);
