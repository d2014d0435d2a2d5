/*
 * routes.c
 *		The table. Each operation is one call of its function and, in the same transaction, a look
 *		at the wallet it leaves behind.
 */
#include "routes.h"

#include "endpoint/value.h"
#include "json/row.h"
#include "transfers.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/*
 * Runs a function that returns an id. A call that wrote nothing (no transaction id was assigned)
 * was a replay.
 */
#define CALL_AS(id, function)                                                        \
	"SELECT " id ", pg_current_xact_id_if_assigned() IS NULL FROM (SELECT " function \
	" AS id) AS called"
#define CALL(function) CALL_AS("called.id::text", function)
/* Keeps the id for the second statement, which only knows the request's values else. */
#define CALL_KEEPING_ID(function) \
	CALL_AS("set_config('wallet_service.id', called.id::text, true)", function)
#define CALLED_ID "current_setting('wallet_service.id')::uuid"

#define WALLET_COLUMNS                                                                                                    \
	"id, user_id, currency, " SQL_AMOUNT("balance") ", " SQL_AMOUNT("held") ", " SQL_AMOUNT("available") ", " SQL_AMOUNT( \
		"credit_limit") ", " SQL_AMOUNT("max_balance") ", status, version, " SQL_TIME("created_at") ", " SQL_TIME("updated_at") ", metadata"
#define WALLET_ROW(id)                                                                        \
	"SELECT row_to_json(wallet), version FROM (SELECT " WALLET_COLUMNS " FROM wallet_get(" id \
	")) AS wallet"
/* The first entry is of the wallet that was debited, or of the hold's wallet. */
#define WALLET_ROW_OF_CALL \
	WALLET_ROW("(SELECT wallet_id FROM wallet_receipt(" CALLED_ID ") LIMIT 1)")

#define ENTRY_COLUMNS                                                                     \
	"wallet_id, version, type, " SQL_AMOUNT(                                              \
		"amount") ", transaction_id, "                                                    \
				  "counterparty_wallet_id, " SQL_AMOUNT("balance_after") ", " SQL_AMOUNT( \
					  "held_after") ", status_after, user_id, currency, hold_id, forced, metadata, " SQL_TIME("created_at")
#define STATEMENT_COLUMNS                                                                    \
	"version, type, " SQL_AMOUNT("amount") ", " SQL_AMOUNT("balance_after") ", " SQL_AMOUNT( \
		"held_after") ", transaction_id, counterparty_wallet_id, " SQL_TIME("created_at") ", metadata"
#define HEALTH_COLUMNS                                                                   \
	"slot_name, slot_active, slot_lag_bytes, " SQL_TIME("ledger_last_at") ", " SQL_TIME( \
		"history_last_at") ", history_lag_seconds, expired_holds, history_gaps, "        \
						   "history_conflicts, status"
#define ROWS(columns, from) \
	"SELECT row_to_json(item), NULL FROM (SELECT " columns " FROM " from ") AS item"

#define PATH(member, kind)                                                        \
	{                                                                             \
		.name = member, .source = SOURCE_PATH, .parse = kind, .is_required = true \
	}
#define BODY(member, kind)                                   \
	{                                                        \
		.name = member, .source = SOURCE_BODY, .parse = kind \
	}
#define NEEDED(member, kind)                                                      \
	{                                                                             \
		.name = member, .source = SOURCE_BODY, .parse = kind, .is_required = true \
	}
#define QUERY(member, kind)                                   \
	{                                                         \
		.name = member, .source = SOURCE_QUERY, .parse = kind \
	}
#define KEY                                                                             \
	{                                                                                   \
		.name = "Idempotency-Key", .source = SOURCE_HEADER, .parse = endpoint_key_parse \
	}
#define IF_MATCH                                                                      \
	{                                                                                 \
		.name = "If-Match", .source = SOURCE_HEADER, .parse = endpoint_if_match_parse \
	}
#define METADATA BODY("metadata", endpoint_object_parse)
#define ID		 PATH("id", endpoint_uuid_parse)
#define AMOUNT	 NEEDED("amount", endpoint_amount_parse)

static const EndpointParameter create_parameters[] = {
	NEEDED("user_id", endpoint_text_parse),
	BODY("currency", endpoint_text_parse),
	BODY("wallet_id", endpoint_uuid_parse),
	KEY,
	METADATA,
};
static const EndpointParameter id_parameters[] = {ID};
static const EndpointParameter user_parameters[] = {PATH("id", endpoint_text_parse)};
static const EndpointParameter money_parameters[] = {ID, AMOUNT, KEY, IF_MATCH, METADATA};
static const EndpointParameter transfer_parameters[] = {
	ID, NEEDED("to_wallet_id", endpoint_uuid_parse), AMOUNT, KEY, IF_MATCH, METADATA,
};
static const EndpointParameter hold_parameters[] = {
	ID, AMOUNT, BODY("expires_in", endpoint_text_parse), KEY, IF_MATCH, METADATA,
};
static const EndpointParameter status_parameters[] = {ID, KEY, IF_MATCH, METADATA};
static const EndpointParameter limits_parameters[] = {
	ID,
	BODY("credit_limit", endpoint_amount_parse),
	BODY("max_balance", endpoint_amount_parse),
	KEY,
	IF_MATCH,
	METADATA,
};
static const EndpointParameter capture_parameters[] = {
	ID,
	BODY("to_wallet_id", endpoint_uuid_parse),
	BODY("amount", endpoint_amount_parse),
	BODY("final", endpoint_boolean_parse),
	KEY,
	IF_MATCH,
	METADATA,
};
static const EndpointParameter reverse_parameters[] = {
	ID, BODY("amount", endpoint_amount_parse), KEY, IF_MATCH, METADATA,
};
static const EndpointParameter batch_parameters[] = {
	{.name = "transfers",
	 .source = SOURCE_BODY,
	 .parse = transfers_parse,
	 .value_count = TRANSFERS_VALUE_COUNT,
	 .is_required = true},
	BODY("atomic", endpoint_boolean_parse),
	METADATA,
};
static const EndpointParameter lookup_parameters[] = {
	{.name = "idempotency_key",
	 .source = SOURCE_QUERY,
	 .parse = endpoint_text_parse,
	 .is_required = true},
};
static const EndpointParameter statement_parameters[] = {
	ID,
	QUERY("since", endpoint_time_parse),
	QUERY("until", endpoint_time_parse),
};

static const EndpointRefusedHeader no_version[] = {
	{"If-Match", "If-Match has no meaning here: there is no version yet"},
	{NULL, NULL},
};
static const EndpointRefusedHeader keys_in_body[] = {
	{"Idempotency-Key", "give each of the transfers its own idempotency_key"},
	{"If-Match", "If-Match has no meaning here: a batch names many wallets"},
	{NULL, NULL},
};

#define PARAMETERS(array) .parameters = array, .parameter_count = COUNT(array)
/* An operation on the wallet in the path. */
#define OPERATION(path, array, function)                                              \
	{                                                                                 \
		.method = "POST", .pattern = path, PARAMETERS(array), .call = CALL(function), \
		.read = WALLET_ROW("$1::uuid"), .read_values = 1, .answer = ANSWER_OPERATION  \
	}
/* One that names no wallet. */
#define OPERATION_ELSEWHERE(path, array, function)                                               \
	{                                                                                            \
		.method = "POST", .pattern = path, PARAMETERS(array), .call = CALL_KEEPING_ID(function), \
		.read = WALLET_ROW_OF_CALL, .answer = ANSWER_OPERATION                                   \
	}
#define MONEY_CALL(function)  function "($1::uuid, $2::numeric, $3, $4::bigint, $5::jsonb)"
#define STATUS_CALL(function) function "($1::uuid, $2, $3::bigint, $4::jsonb)"

const Endpoint service_endpoints[SERVICE_ENDPOINT_COUNT] = {
	{.method = "POST",
	 .pattern = "/wallets",
	 PARAMETERS(create_parameters),
	 .call = CALL_KEEPING_ID("wallet_create($1, coalesce($2, 'USD'), $3::uuid, $4, $5::jsonb)"),
	 .read = WALLET_ROW(CALLED_ID),
	 .answer = ANSWER_CREATED,
	 .location = "/wallets/",
	 .refused_headers = no_version},
	{.method = "GET",
	 .pattern = "/wallets/{id}",
	 PARAMETERS(id_parameters),
	 .read = WALLET_ROW("$1::uuid"),
	 .answer = ANSWER_ONE},
	{.method = "GET",
	 .pattern = "/users/{id}/wallets",
	 PARAMETERS(user_parameters),
	 .read = ROWS(WALLET_COLUMNS, "wallet_list($1) LIMIT 10001"),
	 .answer = ANSWER_ITEMS},
	OPERATION("/wallets/{id}/fund", money_parameters, MONEY_CALL("wallet_fund")),
	OPERATION("/wallets/{id}/withdraw", money_parameters, MONEY_CALL("wallet_withdraw")),
	OPERATION("/wallets/{id}/transfer", transfer_parameters,
			  "wallet_transfer($1::uuid, $2::uuid, $3::numeric, $4, $5::bigint, $6::jsonb)"),
	OPERATION(
		"/wallets/{id}/holds", hold_parameters,
		"wallet_hold($1::uuid, $2::numeric, coalesce($3, '7 days')::interval, $4, $5::bigint, "
		"$6::jsonb)"),
	OPERATION("/wallets/{id}/freeze", status_parameters, STATUS_CALL("wallet_freeze")),
	OPERATION("/wallets/{id}/unfreeze", status_parameters, STATUS_CALL("wallet_unfreeze")),
	OPERATION("/wallets/{id}/close", status_parameters, STATUS_CALL("wallet_close")),
	OPERATION("/wallets/{id}/limits", limits_parameters,
			  "wallet_set_limits($1::uuid, $2::numeric, $3::numeric, $4, $5::bigint, $6::jsonb)"),
	OPERATION_ELSEWHERE(
		"/holds/{id}/capture", capture_parameters,
		"wallet_capture($1::uuid, $2::uuid, $3::numeric, coalesce($4::boolean, true), "
		"$5, $6::bigint, $7::jsonb)"),
	OPERATION_ELSEWHERE("/holds/{id}/release", status_parameters, STATUS_CALL("wallet_release")),
	OPERATION_ELSEWHERE("/transactions/{id}/reverse", reverse_parameters,
						MONEY_CALL("wallet_reverse")),
	{.method = "POST",
	 .pattern = "/transfers",
	 PARAMETERS(batch_parameters),
	 .read = ROWS("index, transaction_id, sqlstate AS code, message",
				  "wallet_transfer_batch($1::uuid[], $2::uuid[], $3::numeric[], $4::text[], "
				  "coalesce($5::boolean, true), $6::jsonb)"),
	 .answer = ANSWER_ITEMS,
	 .is_write = true,
	 .refused_headers = keys_in_body},
	{.method = "GET",
	 .pattern = "/transactions/{id}",
	 PARAMETERS(id_parameters),
	 .read = ROWS(ENTRY_COLUMNS, "wallet_receipt($1::uuid) LIMIT 10001"),
	 .answer = ANSWER_RECEIPT,
	 .missing_code = "WL030"},
	{.method = "GET",
	 .pattern = "/operations",
	 PARAMETERS(lookup_parameters),
	 .read = ROWS("transaction_id, operation, " SQL_TIME("created_at"), "wallet_lookup($1)"),
	 .answer = ANSWER_ONE,
	 .missing_code = "WL030"},
	{.method = "GET",
	 .pattern = "/wallets/{id}/statement",
	 PARAMETERS(statement_parameters),
	 .read = ROWS(STATEMENT_COLUMNS,
				  "wallet_statement($1::uuid, $2::timestamptz, $3::timestamptz) LIMIT 10001"),
	 .answer = ANSWER_ITEMS},
	{.method = "GET",
	 .pattern = "/pipeline",
	 .read = ROWS(HEALTH_COLUMNS, "wallet_health()"),
	 .answer = ANSWER_ONE},
};

const char *const service_route_labels[] = {
	"other",   "create",   "get",		"list",		"fund",	   "withdraw", "transfer", "hold",
	"freeze",  "unfreeze", "close",		"limits",	"capture", "release",  "reverse",  "batch",
	"receipt", "lookup",   "statement", "pipeline", "live",	   NULL,
};
