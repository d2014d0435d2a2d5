/*
 * request.h
 *		What a caller asked for: the checked arguments of an operation.
 *
 * The checks here need no table and no lock, and come in the order of the error table: NULL, then
 * malformed, then the amount. A Request is also what a stored operation of the same idempotency key
 * is compared with.
 *
 * Order of calls: request_begin, request_check_not_null, then one reader for each argument in the
 * order of the function's arguments, with request_read_amount last.
 */
#pragma once

#include "fmgr.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

#include "ledger.h"
#include "money.h"

#define USER_ID_CHARACTERS_MAX	  100
#define IDEMPOTENCY_KEY_BYTES_MAX 255
#define CURRENCY_CHARACTERS_MIN	  3
#define CURRENCY_CHARACTERS_MAX	  10

typedef struct Request
{
	const char *operation; /* name of the SQL function */
	LedgerKind kind;
	/* Names of the arguments that hold the sides; NULL: the side is the world outside. */
	const char *from_argument;
	const char *to_argument;
	pg_uuid_t *from_wallet_id;
	pg_uuid_t *to_wallet_id;
	pg_uuid_t *new_wallet_id; /* wallet_create's; NULL: make one */
	text *user_id;
	text *currency;
	Money amount;
	text *idempotency_key; /* NULL: none */
	bool has_expected_version;
	int64 expected_version; /* of the first wallet named */
	Jsonb *metadata;		/* NULL: none */
} Request;

/* Refuses with 25006 what may not write, and makes earlier calls of the same statement visible. */
extern void request_begin(const char *function);

/* 22004 where one of the first `count` arguments is NULL; names in argument order. */
extern void request_check_not_null(FunctionCallInfo fcinfo, const char *const *names, int count);

/* A wallet id; the nil UUID is malformed. */
extern pg_uuid_t *request_read_wallet_id(FunctionCallInfo fcinfo, int argument, const char *name);

extern text *request_read_user_id(FunctionCallInfo fcinfo, int argument);
extern text *request_read_currency(FunctionCallInfo fcinfo, int argument);

/* The optional arguments; NULL leaves the request's field empty. */
extern void request_read_key(Request *request, FunctionCallInfo fcinfo, int argument);
extern void request_read_expected_version(Request *request, FunctionCallInfo fcinfo, int argument);
extern void request_read_metadata(Request *request, FunctionCallInfo fcinfo, int argument);
