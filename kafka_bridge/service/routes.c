/*
 * routes.c
 *		The table. Each operation is one call of its function and, in the same transaction, a look
 *		at the wallet it leaves behind.
 */
#include "routes.h"

#include "endpoint/value.h"
#include "transfers.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/*
 * The columns that answers show: amounts as strings, times as RFC 3339 in UTC, which is the time
 * zone of the pool's sessions.
 */
#define WALLET_COLUMNS                                                         \
	"id, user_id, currency, balance::text AS balance, held::text AS held, "    \
	"available::text AS available, credit_limit::text AS credit_limit, "       \
	"max_balance::text AS max_balance, status, version, "                      \
	"to_char(created_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS created_at, " \
	"to_char(updated_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS updated_at, metadata"

#define ENTRY_COLUMNS                                                                              \
	"wallet_id, version, type, amount::text AS amount, transaction_id, "                           \
	"counterparty_wallet_id, balance_after::text AS balance_after, "                               \
	"held_after::text AS held_after, status_after, user_id, currency, hold_id, forced, metadata, " \
	"to_char(created_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS created_at"

#define STATEMENT_COLUMNS                                                           \
	"version, type, amount::text AS amount, balance_after::text AS balance_after, " \
	"held_after::text AS held_after, transaction_id, counterparty_wallet_id, "      \
	"to_char(created_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS created_at, metadata"

#define HEALTH_COLUMNS                                                                   \
	"slot_name, slot_active, slot_lag_bytes, "                                           \
	"to_char(ledger_last_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS ledger_last_at, "   \
	"to_char(history_last_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS history_last_at, " \
	"history_lag_seconds, expired_holds, history_gaps, history_conflicts, "              \
	"history_dead_letters, status"

/*
 * A call is a function that returns an id, between these. One that wrote nothing (no transaction id
 * was assigned) was a replay.
 */
#define CALL   "SELECT called.id::text, pg_current_xact_id_if_assigned() IS NULL FROM (SELECT "
#define CALLED " AS id) AS called"
/* Instead of CALL: keeps the id for the second statement, which else knows the request only. */
#define CALL_KEEPING_ID                                               \
	"SELECT set_config('wallet_service.id', called.id::text, true), " \
	"pg_current_xact_id_if_assigned() IS NULL FROM (SELECT "

/* Rows that are shown: ITEMS, columns, " FROM ", function, LISTED. */
#define ITEMS  "SELECT row_to_json(item), NULL FROM (SELECT "
#define LISTED ") AS item"

#define WALLET_BEGIN \
	"SELECT row_to_json(wallet), version FROM (SELECT " WALLET_COLUMNS " FROM wallet_get("
#define WALLET_END ")) AS wallet"

/* The wallet in the path; the one that was created; the one of a call that names none: of the first
 * entry, which is of the wallet that was debited, or of the hold's wallet. */
#define WALLET_IN_PATH WALLET_BEGIN "$1::uuid" WALLET_END
#define WALLET_CREATED WALLET_BEGIN "current_setting('wallet_service.id')::uuid" WALLET_END
#define WALLET_OF_CALL                                    \
	WALLET_BEGIN "(SELECT wallet_id FROM wallet_receipt(" \
				 "current_setting('wallet_service.id')::uuid) LIMIT 1)" WALLET_END

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
	BODY("max_balance", endpoint_cap_parse),
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

const Endpoint service_endpoints[SERVICE_ENDPOINT_COUNT] = {
	{.method = "POST",
	 .pattern = "/wallets",
	 PARAMETERS(create_parameters),
	 .call =
		 CALL_KEEPING_ID "wallet_create($1, coalesce($2, 'USD'), $3::uuid, $4, $5::jsonb)" CALLED,
	 .read = WALLET_CREATED,
	 .answer = ANSWER_CREATED,
	 .location = "/wallets/",
	 .refused_headers = no_version},
	{.method = "GET",
	 .pattern = "/wallets/{id}",
	 PARAMETERS(id_parameters),
	 .read = WALLET_IN_PATH,
	 .answer = ANSWER_ONE},
	{.method = "GET",
	 .pattern = "/users/{id}/wallets",
	 PARAMETERS(user_parameters),
	 .read = ITEMS WALLET_COLUMNS " FROM wallet_list($1) LIMIT 10001" LISTED,
	 .answer = ANSWER_ITEMS},
	{.method = "POST",
	 .pattern = "/wallets/{id}/fund",
	 PARAMETERS(money_parameters),
	 .call = CALL "wallet_fund($1::uuid, $2::numeric, $3, $4::bigint, $5::jsonb)" CALLED,
	 .read = WALLET_IN_PATH,
	 .read_values = 1,
	 .answer = ANSWER_OPERATION},
	{.method = "POST",
	 .pattern = "/wallets/{id}/withdraw",
	 PARAMETERS(money_parameters),
	 .call = CALL "wallet_withdraw($1::uuid, $2::numeric, $3, $4::bigint, $5::jsonb)" CALLED,
	 .read = WALLET_IN_PATH,
	 .read_values = 1,
	 .answer = ANSWER_OPERATION},
	{.method = "POST",
	 .pattern = "/wallets/{id}/transfer",
	 PARAMETERS(transfer_parameters),
	 .call =
		 CALL "wallet_transfer($1::uuid, $2::uuid, $3::numeric, $4, $5::bigint, $6::jsonb)" CALLED,
	 .read = WALLET_IN_PATH,
	 .read_values = 1,
	 .answer = ANSWER_OPERATION},
	{.method = "POST",
	 .pattern = "/wallets/{id}/holds",
	 PARAMETERS(hold_parameters),
	 .call = CALL
	 "wallet_hold($1::uuid, $2::numeric, coalesce($3, '7 days')::interval, $4, $5::bigint, "
	 "$6::jsonb)" CALLED,
	 .read = WALLET_IN_PATH,
	 .read_values = 1,
	 .answer = ANSWER_OPERATION},
	{.method = "POST",
	 .pattern = "/wallets/{id}/freeze",
	 PARAMETERS(status_parameters),
	 .call = CALL "wallet_freeze($1::uuid, $2, $3::bigint, $4::jsonb)" CALLED,
	 .read = WALLET_IN_PATH,
	 .read_values = 1,
	 .answer = ANSWER_OPERATION},
	{.method = "POST",
	 .pattern = "/wallets/{id}/unfreeze",
	 PARAMETERS(status_parameters),
	 .call = CALL "wallet_unfreeze($1::uuid, $2, $3::bigint, $4::jsonb)" CALLED,
	 .read = WALLET_IN_PATH,
	 .read_values = 1,
	 .answer = ANSWER_OPERATION},
	{.method = "POST",
	 .pattern = "/wallets/{id}/close",
	 PARAMETERS(status_parameters),
	 .call = CALL "wallet_close($1::uuid, $2, $3::bigint, $4::jsonb)" CALLED,
	 .read = WALLET_IN_PATH,
	 .read_values = 1,
	 .answer = ANSWER_OPERATION},
	{.method = "POST",
	 .pattern = "/wallets/{id}/limits",
	 PARAMETERS(limits_parameters),
	 .call = CALL
	 "wallet_set_limits($1::uuid, $2::numeric, $3::numeric, $4, $5::bigint, $6::jsonb)" CALLED,
	 .read = WALLET_IN_PATH,
	 .read_values = 1,
	 .answer = ANSWER_OPERATION},
	{.method = "POST",
	 .pattern = "/holds/{id}/capture",
	 PARAMETERS(capture_parameters),
	 .call = CALL_KEEPING_ID
	 "wallet_capture($1::uuid, $2::uuid, $3::numeric, coalesce($4::boolean, true), "
	 "$5, $6::bigint, $7::jsonb)" CALLED,
	 .read = WALLET_OF_CALL,
	 .answer = ANSWER_OPERATION},
	{.method = "POST",
	 .pattern = "/holds/{id}/release",
	 PARAMETERS(status_parameters),
	 .call = CALL_KEEPING_ID "wallet_release($1::uuid, $2, $3::bigint, $4::jsonb)" CALLED,
	 .read = WALLET_OF_CALL,
	 .answer = ANSWER_OPERATION},
	{.method = "POST",
	 .pattern = "/transactions/{id}/reverse",
	 PARAMETERS(reverse_parameters),
	 .call =
		 CALL_KEEPING_ID "wallet_reverse($1::uuid, $2::numeric, $3, $4::bigint, $5::jsonb)" CALLED,
	 .read = WALLET_OF_CALL,
	 .answer = ANSWER_OPERATION},
	{.method = "POST",
	 .pattern = "/transfers",
	 PARAMETERS(batch_parameters),
	 .read = ITEMS "index, transaction_id, sqlstate AS code, message FROM "
				   "wallet_transfer_batch($1::uuid[], $2::uuid[], $3::numeric[], $4::text[], "
				   "coalesce($5::boolean, true), $6::jsonb)" LISTED,
	 .answer = ANSWER_ITEMS,
	 .is_write = true,
	 .refused_headers = keys_in_body},
	{.method = "GET",
	 .pattern = "/transactions/{id}",
	 PARAMETERS(id_parameters),
	 .read = ITEMS ENTRY_COLUMNS " FROM wallet_receipt($1::uuid) LIMIT 10001" LISTED,
	 .answer = ANSWER_RECEIPT,
	 .missing_code = "WL030"},
	{.method = "GET",
	 .pattern = "/operations",
	 PARAMETERS(lookup_parameters),
	 .read = ITEMS "transaction_id, operation, "
				   "to_char(created_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS created_at "
				   "FROM wallet_lookup($1)" LISTED,
	 .answer = ANSWER_ONE,
	 .missing_code = "WL030"},
	{.method = "GET",
	 .pattern = "/wallets/{id}/statement",
	 PARAMETERS(statement_parameters),
	 .read = ITEMS STATEMENT_COLUMNS
	 " FROM wallet_statement($1::uuid, $2::timestamptz, $3::timestamptz) "
	 "LIMIT 10001" LISTED,
	 .answer = ANSWER_ITEMS},
	{.method = "GET",
	 .pattern = "/pipeline",
	 .read = ITEMS HEALTH_COLUMNS " FROM wallet_health()" LISTED,
	 .answer = ANSWER_ONE},
};

const char *const service_route_labels[] = {
	"other",   "create",   "get",		"list",		"fund",	   "withdraw", "transfer", "hold",
	"freeze",  "unfreeze", "close",		"limits",	"capture", "release",  "reverse",  "batch",
	"receipt", "lookup",   "statement", "pipeline", "live",	   NULL,
};
