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
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "ledger.h"
#include "money.h"
#include "optional.h"

#define USER_ID_CHARACTERS_MAX	  100
#define IDEMPOTENCY_KEY_BYTES_MAX 255
#define METADATA_DEPTH_MAX		  32
#define METADATA_DIGITS_MAX		  100
#define CURRENCY_CHARACTERS_MIN	  3
#define CURRENCY_CHARACTERS_MAX	  10

/* How a request gives its amount. */
typedef enum AmountRule
{
	AMOUNT_NONE,
	AMOUNT_REQUIRED,
	AMOUNT_OPTIONAL, /* NULL: all there is */
} AmountRule;

/* A movement of wallet_post. */
typedef struct Leg
{
	const pg_uuid_t *from_wallet_id;
	const pg_uuid_t *to_wallet_id;
	Money amount;
} Leg;

typedef struct Request
{
	const char *operation; /* name of the SQL function */
	LedgerKind kind;
	/* Names of the arguments that hold the sides; NULL: none does. */
	const char *from_argument;
	const char *to_argument;
	const pg_uuid_t *from_wallet_id;
	const pg_uuid_t *to_wallet_id;	/* NULL: outside */
	const pg_uuid_t *new_wallet_id; /* wallet_create's; NULL: make one */
	const pg_uuid_t *hold_id;		/* of a capture and a release; else NULL */
	const pg_uuid_t *reverses;		/* of a reversal; else NULL */
	text *user_id;
	text *currency;
	AmountRule amount_rule;
	OptionalMoney amount;
	Interval *expires_in;
	OptionalBool final;
	OptionalMoney credit_limit;
	OptionalMoney max_balance;
	bool lifts_max_balance; /* asks for no maximum */
	const Leg *legs;		/* of wallet_post */
	int leg_count;
	/* Compares the legs with those of the stored operation; NULL: there are none. */
	void (*compare_legs)(const LedgerRow *owner, const struct Request *request);
	text *idempotency_key;			  /* NULL: none */
	OptionalInteger expected_version; /* of the first wallet named */
	Jsonb *metadata;				  /* NULL: none */
} Request;

/* Refuses with 25006 what may not write, and makes earlier calls of the same statement visible.
 * Until its end a call is no replay. */
extern void request_begin(const char *function);

/* 22004 where one of the first `count` arguments is NULL; names in argument order. */
extern void request_check_not_null(FunctionCallInfo fcinfo, const char *const *names, int count);

extern text *request_read_user_id(FunctionCallInfo fcinfo, int argument);
extern text *request_read_currency(FunctionCallInfo fcinfo, int argument);

/* Checks of values that stand in an array or a composite. */
extern void request_check_id(const pg_uuid_t *id, const char *name);
extern void request_check_key(const text *key);
extern Jsonb *request_check_metadata(Jsonb *metadata);
extern void request_set_expected_version(Request *request, int64 version);

/* WL003 with the argument's name for a value that is no amount, or no limit, which may be 0. */
extern Money request_check_amount(Datum value, const char *argument);
extern Money request_check_limit(Datum value, const char *argument);

/* The ids that several functions take; the nil UUID is malformed. */
extern pg_uuid_t *request_read_id(FunctionCallInfo fcinfo, int argument, const char *name);

/* The amount, judged last; NULL only where the request's rule lets it be. */
extern void request_read_amount(Request *request, FunctionCallInfo fcinfo, int argument);

/* The optional arguments; NULL leaves the request's field empty. */
extern void request_read_key(Request *request, FunctionCallInfo fcinfo, int argument);
extern void request_read_expected_version(Request *request, FunctionCallInfo fcinfo, int argument);
extern void request_read_metadata(Request *request, FunctionCallInfo fcinfo, int argument);

/* The last three arguments of most operations: idempotency_key, expected_version, metadata. */
extern void request_read_last(Request *request, FunctionCallInfo fcinfo, int first_argument);
