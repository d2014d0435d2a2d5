/*
 * problem.c
 *		The table of SQLSTATE to HTTP status.
 */
#include "endpoint/problem.h"

#include <string.h>

#include "observe/log.h"

#define RETRY_AFTER_SECONDS "1"

typedef struct ProblemRule
{
	const char *code; /* or class */
	unsigned status;
} ProblemRule;

/* The first that fits decides. */
static const ProblemRule rules[] = {
	{"WL001", 404},
	{"WL020", 404},
	{"WL030", 404},
	{"WL004", 412},
	{"WL005", 409},
	{"WL008", 409},
	{"WL009", 409},
	{"WL011", 409},
	{"WL012", 409},
	{"WL021", 409},
	{"WL022", 409},
	{"WL090", 500},
	{PG_CLASS_WALLET, 422},
	{PG_CLASS_DATA, 400},
	{PG_CLASS_LIMIT, 400},
	{PG_UNIQUE_VIOLATION, 409},
	{PG_INSUFFICIENT_PRIVILEGE, 403},
	{PG_CLASS_ROLLBACK, 503},
	{PG_LOCK_NOT_AVAILABLE, 503},
	{PG_CLASS_OPERATOR, 503},
	{PG_CLASS_RESOURCES, 503},
	{PG_CLASS_CONNECTION, 503},
	{PG_READ_ONLY_TRANSACTION, 503},
};

unsigned
problem_status(const char *sqlstate)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (pg_sqlstate_is(sqlstate, rules[i].code))
			return rules[i].status;
	return 500;
}

bool
problem_is_transient(const char *sqlstate)
{
	static const char *const transient[] = {PG_SERIALIZATION_FAILURE, PG_DEADLOCK_DETECTED,
											PG_LOCK_NOT_AVAILABLE, PG_QUERY_CANCELED};

	for (size_t i = 0; i < sizeof(transient) / sizeof(transient[0]); i++)
		if (pg_sqlstate_is(sqlstate, transient[i]))
			return true;
	return false;
}

static void
problem_fill(HttpResponse *response, unsigned status, const char *sqlstate, const char *detail,
			 json_t *members)
{
	json_t *all = members != NULL ? members : json_object();

	json_object_set_new(all, "code", json_string(sqlstate));
	http_response_problem_members(response, status, detail, all);
	if (status == 503)
		http_response_header(response, "Retry-After", RETRY_AFTER_SECONDS);
}

/* A key of DETAIL whose name means something else in a problem gets another one. */
static void
member_rename(json_t *members, const char *from, const char *to)
{
	json_t *value = json_object_get(members, from);

	if (value == NULL)
		return;
	json_object_set(members, to, value);
	json_object_del(members, from);
}

/* The keys of an error of the extension; NULL for another DETAIL. */
static json_t *
detail_members(const PGresult *result)
{
	const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
	json_t *members = detail != NULL ? json_loads(detail, JSON_REJECT_DUPLICATES, NULL) : NULL;

	if (!json_is_object(members))
	{
		json_decref(members);
		return NULL;
	}
	member_rename(members, "type", "operation_type");
	member_rename(members, "status", "hold_status");
	return members;
}

void
problem_from_result(HttpResponse *response, const PGresult *result)
{
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	unsigned status = problem_status(sqlstate);
	bool is_ours =
		pg_sqlstate_is(sqlstate, PG_CLASS_WALLET) || pg_sqlstate_is(sqlstate, PG_CLASS_DATA);

	if (status == 500)
	{
		log_error("PostgreSQL refused a statement", log_text("sqlstate", sqlstate),
				  log_text("error", message),
				  log_text("request_id", http_response_request_id(response)));
		message = "internal error";
	}
	problem_fill(response, status, sqlstate, message, is_ours ? detail_members(result) : NULL);
}

void
problem_from_code(HttpResponse *response, const char *sqlstate, const char *detail)
{
	problem_fill(response, problem_status(sqlstate), sqlstate, detail, NULL);
}

void
problem_unavailable(HttpResponse *response, const char *detail)
{
	http_response_problem(response, 503, detail);
	http_response_header(response, "Retry-After", RETRY_AFTER_SECONDS);
}

void
problem_from_refusal(HttpResponse *response, PgRefusal refusal)
{
	static const char *const details[] = {
		[PG_REFUSAL_FULL] = "too many requests wait already",
		[PG_REFUSAL_LATE] = "the request waited too long for a connection to PostgreSQL",
		[PG_REFUSAL_GONE] = "PostgreSQL cannot be reached at the moment",
		[PG_REFUSAL_STOPPING] = "the service is stopping",
	};

	problem_unavailable(response, details[refusal]);
}
