/*
 * problem.h
 *		What an HTTP client is told about an error: application/problem+json (RFC 9457) with the
 *		SQLSTATE as code and, of the extension's errors, the keys of its DETAIL as members (WL031's
 *		type as operation_type and WL022's status as hold_status: a problem has its own of these).
 *
 *		400	22xxx, and malformed requests		409	WL005 WL008 WL009 WL011 WL012 WL021 WL022, 23505
 *		403	42501: the database role may not	412	WL004
 *		404	WL001 WL020 WL030					422	the other WL errors
 *		503 with Retry-After: 08, 40, 53, 55P03, 57, 25006, a lost connection, and PgRefusal
 *		500	everything else; its text goes to the log, not to the client
 */
#pragma once

#include <libpq-fe.h>
#include <stdbool.h>

#include "http/server.h"
#include "postgres/pool.h"

/* The status for a SQLSTATE. Pure. */
unsigned problem_status(const char *sqlstate);

/* Whether the same statement may succeed when it is run again: 40001, 40P01, 55P03, 57014. Pure. */
bool problem_is_transient(const char *sqlstate);

/* result is an error with a SQLSTATE. */
void problem_from_result(HttpResponse *response, const PGresult *result);

/* A status and SQLSTATE of our own making; detail is for the client. */
void problem_from_code(HttpResponse *response, const char *sqlstate, const char *detail);

/* 503: nothing is known of the call, or it was not begun. */
void problem_unavailable(HttpResponse *response, const char *detail);
void problem_from_refusal(HttpResponse *response, PgRefusal refusal);
