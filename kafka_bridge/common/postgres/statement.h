/*
 * statement.h
 *		Names of prepared statements, made of their text.
 *
 * Behind a pooler several programs, and several versions of them, share the sessions of the server:
 * one name must mean one text. 128 bits of SHA-256; the types of parameters are always left to the
 * server, which infers them from the text.
 */
#pragma once

/* "w", 32 hexadecimal digits, NUL. */
#define PG_STATEMENT_NAME_BYTES 34

void pg_statement_name(const char *sql, char name[PG_STATEMENT_NAME_BYTES]);
