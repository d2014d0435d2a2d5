/*
 * endpoint.h
 *		HTTP endpoints that are calls of SQL: a table says which parts of a request become which
 *		parameters, what is called, and how the answer is made of the rows.
 *
 * parameter	a part of the request: of the path, the query, a header or a member of the JSON
 *				body; becomes one value (or several) in the order of the table: $1, $2 ...
 * call			the statement of an operation; one row (id text, replayed boolean, entry JSON)
 * read			the statement whose rows are shown, in the transaction of the call
 *
 * A request is parsed in the server's thread and refused there where it is malformed (400, 415).
 * The rest is a job of a pool: 40001, 40P01, 55P03 and 57014 are tried again a few times; a
 * connection that breaks is renewed and the transaction run again where that does nothing twice: a
 * read, or with an Idempotency-Key. Else it means 503, and the client, which alone knows what it
 * wants, repeats.
 *
 * A body is one JSON object; unknown members and members given twice are refused, so that a
 * misspelt name cannot change what is paid; and so are parameters of the query.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "http/server.h"
#include "json/scanner.h"
#include "base/metrics.h"
#include "postgres/pool.h"

#define ENDPOINT_VALUES_MAX	  12
#define ENDPOINT_REASON_BYTES 256

typedef enum EndpointSource
{
	SOURCE_PATH,
	SOURCE_QUERY,
	SOURCE_QUERY_OBJECT, /* every parameter whose name begins so ("metadata."), as a JSON object */
	SOURCE_HEADER,
	SOURCE_BODY,
} EndpointSource;

/* What was given. A string without its escapes, other JSON as it stands; ends in NUL. */
typedef struct EndpointInput
{
	JsonKind kind; /* JSON_STRING_VALUE for what is not of the body */
	const char *text;
	size_t length;
	char *reason; /* room of ENDPOINT_REASON_BYTES for a reason that must be made up */
} EndpointInput;

/*
 * Turns an input into values, each from malloc() or NULL for SQL's NULL. Returns NULL, or why the
 * input is refused: static text, or input->reason.
 */
typedef const char *(*EndpointParse)(const EndpointInput *input, char **values);

typedef struct EndpointParameter
{
	const char *name; /* of the part of the path, the query, the header, the member */
	EndpointSource source;
	EndpointParse parse;	  /* value.h, or the program's own */
	size_t value_count;		  /* 0: one */
	bool is_required;		  /* 400 without it */
	const char *default_text; /* parsed where nothing is given */
	const char *null_text;	  /* value of a member that is null; NULL: null counts as absent */
} EndpointParameter;

/*
 * A header that would have no effect where a client counts on it: 400. A NULL name ends the array.
 */
typedef struct EndpointRefusedHeader
{
	const char *name;
	const char *reason;
} EndpointRefusedHeader;

typedef enum EndpointAnswer
{
	ANSWER_ONE,		  /* the row: 200, its JSON; 404 without a row */
	ANSWER_CREATED,	  /* the row: 201, its JSON, Location */
	ANSWER_OPERATION, /* {"transaction_id","entry": both of the call, "wallet": the row} */
	ANSWER_ITEMS,	  /* {"items":[the rows]} */
	ANSWER_PAGE,	  /* {"items":[the rows],"next":of the last} */
	ANSWER_RECEIPT,	  /* {"transaction_id": of the call, or the first value, "items","next"}; 404
					 * without a row */
} EndpointAnswer;

/*
 * How calls of an endpoint with ANSWER_OPERATION are done together, in one transaction. What a call
 * is answered must be what it would be by itself.
 */
typedef struct EndpointBatch
{
	/*
	 * For each value of the endpoint an array of those of all calls: $1, $2 ... One row, a letter
	 * for each: t for one that was done, f for one that was refused and changed nothing.
	 */
	const char *call;
	/*
	 * A row for each call that was done: its number from 1, id, replayed and entry as the
	 * endpoint's call, JSON and version as its read.
	 */
	const char *read;
	/* Whether the values may be elements of arrays: these must be readable as such. */
	bool (*can_join)(const char *const *values);
} EndpointBatch;

/* The columns of read: the JSON, and the version for ETag or the cursor of a page, or NULL. */
typedef struct Endpoint
{
	const char *method;
	const char *pattern;
	const EndpointParameter *parameters;
	size_t parameter_count;
	const char *call;			/* NULL: nothing is changed */
	const EndpointBatch *batch; /* NULL: each call goes by itself, as with outside */
	const char *read;
	size_t read_values; /* of the values read takes the first so many; without a call, all */
	EndpointAnswer answer;
	/*
	 * Of a page: whether the cursor of the last row is next as it stands, or NULL. Else a row more
	 * than is shown was asked for, and tells whether there is a next page.
	 */
	bool next_in_row;
	int page_rows;			  /* of a page: how many are shown; 0: the last value less one */
	bool is_write;			  /* without a call: read changes something all the same */
	const char *missing_code; /* of the 404 without a row, or NULL */
	const char *missing_detail;
	unsigned scope; /* HttpScope that a caller needs */
	/* Money that leaves the ledger, or comes back to it, needs the scope cashier instead. */
	size_t outside_without; /* it does without this value, counted from 1; 0: never */
	const char *outside;	/* SQL: whether it does, by the first value; NULL: never */
	size_t body_bytes_max;	/* 0: the server's */
	const char *location;	/* ANSWER_CREATED: format of the id's path */
	const EndpointRefusedHeader *refused_headers; /* or NULL */
} Endpoint;

typedef struct EndpointPools
{
	PgPool *write;
	PgPool *read; /* may be the same */
	const char *application_name;
	Metrics *metrics;
	size_t retries;		/* counter */
	size_t batch_sizes; /* histogram: calls in a batch */
	size_t batch_rest;	/* counter: calls that a batch did not do, run by themselves then */
} EndpointPools;

/* What a route of the server points to. */
typedef struct EndpointBinding
{
	const Endpoint *endpoint;
	const EndpointPools *pools;
	const char *queries[ENDPOINT_VALUES_MAX + 1]; /* names of its parameters of the query */
} EndpointBinding;

/*
 * Fills a binding and a route for each endpoint; the routes' labels count from first_label on. All
 * must outlive the server.
 */
void endpoint_routes_fill(const Endpoint *endpoints, size_t count, const EndpointPools *pools,
						  EndpointBinding *bindings, HttpRoute *routes, size_t first_label);
