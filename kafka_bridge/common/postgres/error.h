/*
 * error.h
 *		What an error of PostgreSQL means for the program: SQLSTATE to Status. Pure.
 *
 * RETRY: 08, 40, 53, 57, 58, 55P03, 55006 (slot in use), 25006 (the server became a standby), and a
 * broken connection. FATAL with EXIT_CODE_CONFIGURATION: 28, 3D, 42, 55, WL, 53400 (all slots are
 * taken), 58P01 (a library or WAL segment is missing), a missing password. FATAL with
 * EXIT_CODE_BUG: 22 and 23 (the data), and everything else.
 */
#pragma once

#include <libpq-fe.h>
#include <stdbool.h>

#include "base/status.h"

/*
 * OK for a result that is not an error; else its class by SQLSTATE. what names the deed, or NULL.
 */
Status pg_result_check(const PGconn *connection, const PGresult *result, const char *what);

/* The Status of a libpq call that failed without a result: RETRY with the connection's message. */
Status pg_connection_error(const PGconn *connection, const char *what);

/* Class and exit code by SQLSTATE ("" or NULL: the connection broke). */
Status pg_sqlstate_classify(const char *sqlstate, const char *text);

/* Class 22 or 23: this row is at fault, not the server. */
bool pg_status_is_data_error(const Status *status);
