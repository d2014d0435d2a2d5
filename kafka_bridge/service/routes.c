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
 * Runs a function that returns a transaction id and takes the first of its entries, which is of the
 * wallet in the path, of the hold's wallet, or of the wallet that was debited. A call that wrote
 * nothing (no transaction id was assigned) was a replay.
 */
#define CALL(function)                                                                                                    \
	"SELECT called.transaction_id::text, pg_current_xact_id_if_assigned() IS NULL, (SELECT "                              \
	"row_to_json(entry) FROM (SELECT called.version, called.type, " SQL_AMOUNT_OF("called", "amount") ", " SQL_AMOUNT_OF( \
		"called",                                                                                                         \
		"balance_after") ", " SQL_AMOUNT_OF("called",                                                                     \
											"held_after") ") AS entry), set_config('wallet_service.wallet_id', "          \
														  "called.wallet_id::text, true) FROM wallet_receipt(" function   \
														  ") AS called LIMIT 1"
/* Runs a function that returns an id, and keeps it for the second statement. */
#define CALL_KEEPING_ID(function)                                     \
	"SELECT set_config('wallet_service.id', called.id::text, true), " \
	"pg_current_xact_id_if_assigned() IS NULL FROM (SELECT " function " AS id) AS called"
#define CALLED_ID	  "current_setting('wallet_service.id')::uuid"
#define CALLED_WALLET "current_setting('wallet_service.wallet_id')::uuid"

#define WALLET_COLUMNS                                                                                                    \
	"id, user_id, currency, " SQL_AMOUNT("balance") ", " SQL_AMOUNT("held") ", " SQL_AMOUNT("available") ", " SQL_AMOUNT( \
		"credit_limit") ", " SQL_AMOUNT("max_balance") ", status, version, " SQL_TIME("created_at") ", " SQL_TIME("updated_at") ", metadata"
#define WALLET_ROW(id)                                                                        \
	"SELECT row_to_json(wallet), version FROM (SELECT " WALLET_COLUMNS " FROM wallet_get(" id \
	")) AS wallet"
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
#define TOTALS_COLUMNS                                                          \
	"currency, " SQL_AMOUNT("balance") ", " SQL_AMOUNT("held") ", " SQL_AMOUNT( \
		"outside_in") ", " SQL_AMOUNT("outside_out") ", " SQL_AMOUNT("difference")
#define NO_OPERATION .missing_code = "WL030", .missing_detail = "there is no such operation"
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
#define AFTER(kind) QUERY("after", kind)
#define LIMIT                                                                   \
	{                                                                           \
		.name = "limit", .source = SOURCE_QUERY, .parse = endpoint_limit_parse, \
		.default_text = "50"                                                    \
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
	ID, AMOUNT, BODY("expires_in", endpoint_interval_parse), KEY, IF_MATCH, METADATA,
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

static const EndpointParameter post_parameters[] = {
	{.name = "legs",
	 .source = SOURCE_BODY,
	 .parse = legs_parse,
	 .value_count = LEGS_VALUE_COUNT,
	 .is_required = true},
	KEY,
	IF_MATCH,
	METADATA,
};
static const EndpointParameter balance_parameters[] = {
	ID,
	{.name = "at", .source = SOURCE_QUERY, .parse = endpoint_time_parse, .is_required = true},
};
static const EndpointParameter totals_parameters[] = {AFTER(endpoint_text_parse), LIMIT};

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
#define READ			  .scope = HTTP_SCOPE_READ
#define TRANSFER		  .scope = HTTP_SCOPE_TRANSFER
#define CASHIER			  .scope = HTTP_SCOPE_CASHIER
#define OPERATOR		  .scope = HTTP_SCOPE_OPERATOR
/* An operation; the rest is what it needs. */
#define OPERATION(path, array, function, ...)                                         \
	{                                                                                 \
		.method = "POST", .pattern = path, PARAMETERS(array), .call = CALL(function), \
		.read = WALLET_ROW(CALLED_WALLET), .answer = ANSWER_OPERATION, __VA_ARGS__    \
	}
/* Whether reversing an operation moves money between the ledger and the world outside. */
#define IS_OUTSIDE                                                                            \
	"SELECT EXISTS (SELECT FROM wallet_receipt($1::uuid) AS entry WHERE entry.type IN "       \
	"('FUND', 'WITHDRAW') OR entry.type = 'CAPTURE_OUT' AND entry.counterparty_wallet_id IS " \
	"NULL)"
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
	 .refused_headers = no_version,
	 TRANSFER},
	{.method = "GET",
	 .pattern = "/wallets/{id}",
	 PARAMETERS(id_parameters),
	 .read = WALLET_ROW("$1::uuid"),
	 .answer = ANSWER_ONE,
	 READ},
	{.method = "GET",
	 .pattern = "/users/{id}/wallets",
	 PARAMETERS(user_parameters),
	 .read = ROWS(WALLET_COLUMNS, "wallet_list($1) LIMIT 10001"),
	 .answer = ANSWER_ITEMS,
	 READ},
	OPERATION("/wallets/{id}/fund", money_parameters, MONEY_CALL("wallet_fund"), CASHIER),
	OPERATION("/wallets/{id}/withdraw", money_parameters, MONEY_CALL("wallet_withdraw"), CASHIER),
	OPERATION("/wallets/{id}/transfer", transfer_parameters,
			  "wallet_transfer($1::uuid, $2::uuid, $3::numeric, $4, $5::bigint, $6::jsonb)",
			  TRANSFER),
	OPERATION(
		"/wallets/{id}/holds", hold_parameters,
		"wallet_hold($1::uuid, $2::numeric, coalesce($3, '7 days')::interval, $4, $5::bigint, "
		"$6::jsonb)",
		TRANSFER),
	OPERATION("/wallets/{id}/freeze", status_parameters, STATUS_CALL("wallet_freeze"), OPERATOR),
	OPERATION("/wallets/{id}/unfreeze", status_parameters, STATUS_CALL("wallet_unfreeze"),
			  OPERATOR),
	OPERATION("/wallets/{id}/close", status_parameters, STATUS_CALL("wallet_close"), OPERATOR),
	OPERATION("/wallets/{id}/limits", limits_parameters,
			  "wallet_set_limits($1::uuid, $2::numeric, $3::numeric, $4, $5::bigint, $6::jsonb)",
			  OPERATOR),
	OPERATION("/holds/{id}/capture", capture_parameters,
			  "wallet_capture($1::uuid, $2::uuid, $3::numeric, coalesce($4::boolean, true), "
			  "$5, $6::bigint, $7::jsonb)",
			  TRANSFER, .outside_without = 2),
	OPERATION("/holds/{id}/release", status_parameters, STATUS_CALL("wallet_release"), TRANSFER),
	OPERATION("/transactions/{id}/reverse", reverse_parameters, MONEY_CALL("wallet_reverse"),
			  TRANSFER, .outside = IS_OUTSIDE),
	OPERATION("/transactions/{id}/reverse-force", reverse_parameters,
			  MONEY_CALL("wallet_reverse_force"), OPERATOR),
	{.method = "POST",
	 .pattern = "/transfers",
	 PARAMETERS(batch_parameters),
	 .read = ROWS("index, transaction_id, sqlstate AS code, message",
				  "wallet_transfer_batch($1::uuid[], $2::uuid[], $3::numeric[], $4::text[], "
				  "coalesce($5::boolean, true), $6::jsonb)"),
	 .answer = ANSWER_ITEMS,
	 .is_write = true,
	 .refused_headers = keys_in_body,
	 .body_bytes_max = SERVICE_BATCH_BYTES_MAX,
	 TRANSFER},
	{.method = "POST",
	 .pattern = "/operations",
	 PARAMETERS(post_parameters),
	 .call = CALL_KEEPING_ID(
		 "wallet_post(ARRAY(SELECT ROW(leg.payer, leg.payee, leg.amount)::wallet_leg FROM "
		 "unnest($1::uuid[], $2::uuid[], $3::numeric[]) WITH ORDINALITY AS leg(payer, payee, "
		 "amount, number) ORDER BY leg.number), $4, $5::bigint, $6::jsonb)"),
	 .read = ROWS(ENTRY_COLUMNS, "wallet_receipt(" CALLED_ID ") LIMIT 10001"),
	 .answer = ANSWER_RECEIPT,
	 .body_bytes_max = SERVICE_BATCH_BYTES_MAX,
	 TRANSFER},
	{.method = "GET",
	 .pattern = "/transactions/{id}",
	 PARAMETERS(id_parameters),
	 .read = ROWS(ENTRY_COLUMNS, "wallet_receipt($1::uuid) LIMIT 10001"),
	 .answer = ANSWER_RECEIPT,
	 NO_OPERATION,
	 READ},
	{.method = "GET",
	 .pattern = "/operations",
	 PARAMETERS(lookup_parameters),
	 .read = ROWS("transaction_id, operation, " SQL_TIME("created_at"), "wallet_lookup($1)"),
	 .answer = ANSWER_ONE,
	 NO_OPERATION,
	 READ},
	{.method = "GET",
	 .pattern = "/wallets/{id}/statement",
	 PARAMETERS(statement_parameters),
	 .read = ROWS(STATEMENT_COLUMNS,
				  "wallet_statement($1::uuid, $2::timestamptz, $3::timestamptz) LIMIT 10001"),
	 .answer = ANSWER_ITEMS,
	 READ},
	{.method = "GET",
	 .pattern = "/wallets/{id}/balance",
	 PARAMETERS(balance_parameters),
	 .read = ROWS(SQL_AMOUNT("balance") ", " SQL_AMOUNT("held") ", version",
				  "wallet_balance_at($1::uuid, $2::timestamptz)"),
	 .answer = ANSWER_ONE,
	 .missing_code = "WL001",
	 .missing_detail = "the wallet did not exist at that time",
	 READ},
	{.method = "GET",
	 .pattern = "/totals",
	 PARAMETERS(totals_parameters),
	 .read =
		 "SELECT row_to_json(item), currency FROM (SELECT " TOTALS_COLUMNS
		 " FROM wallet_totals() WHERE $1::text IS NULL OR currency > $1 ORDER BY currency LIMIT "
		 "$2::integer) AS item",
	 .answer = ANSWER_PAGE,
	 OPERATOR},
	{.method = "GET",
	 .pattern = "/pipeline",
	 .read = ROWS(HEALTH_COLUMNS, "wallet_health()"),
	 .answer = ANSWER_ONE,
	 READ},
};

const char *const service_route_labels[] = {
	"other",   "create",		"get",		"list",	 "fund",	"withdraw", "transfer",
	"hold",	   "freeze",		"unfreeze", "close", "limits",	"capture",	"release",
	"reverse", "reverse_force", "batch",	"post",	 "receipt", "lookup",	"statement",
	"balance", "totals",		"pipeline", "live",	 NULL,
};
