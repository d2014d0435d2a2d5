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

/* Every SQLSTATE that a program looks at, by its name in PostgreSQL's errcodes.txt. */
#define PG_NULL_NOT_ALLOWED		  "22004"
#define PG_INVALID_PARAMETER	  "22023"
#define PG_INVALID_TEXT			  "22P02"
#define PG_READ_ONLY_TRANSACTION  "25006" /* the server is a standby now */
#define PG_UNIQUE_VIOLATION		  "23505"
#define PG_NO_SUCH_STATEMENT	  "26000" /* of a pooler: it was prepared in another session */
#define PG_SERIALIZATION_FAILURE  "40001"
#define PG_DEADLOCK_DETECTED	  "40P01"
#define PG_INSUFFICIENT_PRIVILEGE "42501"
#define PG_UNDEFINED_OBJECT		  "42704"
#define PG_DUPLICATE_OBJECT		  "42710"
#define PG_DUPLICATE_STATEMENT	  "42P05" /* of a pooler: another client has prepared it */
#define PG_CONFIGURATION_LIMIT	  "53400" /* all replication slots are taken */
#define PG_OBJECT_IN_USE		  "55006" /* a slot or an origin */
#define PG_LOCK_NOT_AVAILABLE	  "55P03" /* lock_timeout */
#define PG_QUERY_CANCELED		  "57014"
#define PG_UNDEFINED_FILE		  "58P01" /* a library or a WAL segment is missing */

/* Classes: the first two, or three, characters. */
#define PG_CLASS_CONNECTION	   "08"
#define PG_CLASS_UNSUPPORTED   "0A"
#define PG_CLASS_DATA		   "22"
#define PG_CLASS_INTEGRITY	   "23"
#define PG_CLASS_STATEMENT	   "26" /* a prepared statement that is not there */
#define PG_CLASS_AUTHORIZATION "28"
#define PG_CLASS_DATABASE	   "3D" /* there is no such database */
#define PG_CLASS_ROLLBACK	   "40"
#define PG_CLASS_SYNTAX		   "42" /* and access rules, undefined names */
#define PG_CLASS_RESOURCES	   "53"
#define PG_CLASS_LIMIT		   "54"
#define PG_CLASS_STATE		   "55"
#define PG_CLASS_OPERATOR	   "57"
#define PG_CLASS_SHUTDOWN	   "57P"
#define PG_CLASS_SYSTEM		   "58"
#define PG_CLASS_INTERNAL	   "XX"
#define PG_CLASS_WALLET		   "WL" /* the extension's own: wallet_ext/src/errors.h */

/* Whether a SQLSTATE is a code, or of a class, named above. */
bool pg_sqlstate_is(const char *sqlstate, const char *code);
bool pg_status_is(const Status *status, const char *code);

/* OK for a result that is not an error; else its class by SQLSTATE. what names the deed. */
Status pg_result_check(const PGconn *connection, const PGresult *result, const char *what);

/* The Status of a libpq call that failed without a result: RETRY with the connection's message. */
Status pg_connection_error(const PGconn *connection, const char *what);

/* Class and exit code by SQLSTATE ("" or NULL: the connection broke). */
Status pg_sqlstate_classify(const char *sqlstate, const char *text);

/* Class 22 or 23: this row is at fault, not the server. */
bool pg_status_is_data_error(const Status *status);
