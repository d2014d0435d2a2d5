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

#define HOLD_COLUMNS                                                           \
	"hold_id, wallet_id, amount::text AS amount, captured::text AS captured, " \
	"released::text AS released, remaining::text AS remaining, status, "       \
	"to_char(expires_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS expires_at, " \
	"to_char(created_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS created_at"

#define TOTALS_COLUMNS                                                   \
	"currency, balance::text AS balance, held::text AS held, "           \
	"outside_in::text AS outside_in, outside_out::text AS outside_out, " \
	"difference::text AS difference"

/* Of the entry in an operation's answer. */
#define SHOWN_ENTRY_COLUMNS                                        \
	"called.version, called.type, called.amount::text AS amount, " \
	"called.balance_after::text AS balance_after, called.held_after::text AS held_after"

/*
 * A call is a function that returns a transaction id, between these. Of the operation's entries the
 * first is shown: it is of the wallet in the path, the hold's wallet, or the one that was debited.
 */
#define CALL                                                                                  \
	"SELECT called.transaction_id::text, current_setting('wallet.replayed', true)::boolean, " \
	"(SELECT row_to_json(shown) FROM (SELECT " SHOWN_ENTRY_COLUMNS ") AS shown), "            \
	"set_config('wallet_service.wallet_id', called.wallet_id::text, true) FROM wallet_receipt("
#define CALLED ", NULL, 1) AS called"
/* A function that returns an id, which is kept for the second statement. */
#define CALL_KEEPING_ID                                               \
	"SELECT set_config('wallet_service.id', called.id::text, true), " \
	"current_setting('wallet.replayed', true)::boolean FROM (SELECT "
#define ID_CALLED " AS id) AS called"
#define KEPT_ID	  "current_setting('wallet_service.id')::uuid"

/* Rows that are shown: ITEMS, columns, " FROM ", function, LISTED. */
#define ITEMS  "SELECT row_to_json(item), NULL FROM (SELECT "
#define LISTED ") AS item"

#define WALLET_BEGIN \
	"SELECT row_to_json(wallet), version FROM (SELECT " WALLET_COLUMNS " FROM wallet_get("
#define WALLET_END ")) AS wallet"

/* The wallet in the path; the one that was created; the one whose entry a call shows. */
#define WALLET_IN_PATH WALLET_BEGIN "$1::uuid" WALLET_END
#define WALLET_CREATED WALLET_BEGIN KEPT_ID WALLET_END
#define WALLET_OF_CALL WALLET_BEGIN "current_setting('wallet_service.wallet_id')::uuid" WALLET_END

/*
 * Transfers that are done together. Each is answered as if it had been alone: with its own entry,
 * and the wallet as that left it, where later ones of the batch have changed it since. A transfer
 * leaves all of its payer but balance and version alone, once expired holds are released, which the
 * first one does. A replay shows the wallet as it is now.
 */
#define KEPT_IDS	  "current_setting('wallet_service.ids')::uuid[]"
#define KEPT_REPLAYED "current_setting('wallet_service.replayed')::boolean[]"

static const EndpointBatch transfer_batch = {
	.call = "SELECT string_agg(CASE WHEN item.transaction_id IS NULL THEN 'f' ELSE 't' END, '' "
			"ORDER BY item.index), "
			"set_config('wallet_service.ids', "
			"array_agg(item.transaction_id ORDER BY item.index)::text, true), "
			"set_config('wallet_service.replayed', "
			"array_agg(item.replayed ORDER BY item.index)::text, true) "
			"FROM wallet_transfer_batch($1::uuid[], $2::uuid[], $3::numeric[], $4::text[], false, "
			"NULL, $6::jsonb[], $5::bigint[]) AS item",
	.read =
		"SELECT done.number, done.id::text, done.replayed, row_to_json(shown), "
		"row_to_json(wallet), wallet.version "
		"FROM unnest(" KEPT_IDS ", " KEPT_REPLAYED ") WITH ORDINALITY "
		"AS done(id, replayed, number), "
		"LATERAL wallet_receipt(done.id, NULL, 1) AS called, "
		"LATERAL (SELECT " SHOWN_ENTRY_COLUMNS ") AS shown, "
		"LATERAL (SELECT " WALLET_COLUMNS " FROM (SELECT present.id, present.user_id, "
		"present.currency, "
		"CASE WHEN done.replayed THEN present.balance ELSE called.balance_after END AS balance, "
		"present.held, present.available + CASE WHEN done.replayed THEN 0 "
		"ELSE called.balance_after - present.balance END AS available, "
		"present.credit_limit, present.max_balance, present.status, "
		"CASE WHEN done.replayed THEN present.version ELSE called.version END AS version, "
		"present.created_at, CASE WHEN done.replayed THEN present.updated_at "
		"ELSE called.created_at END AS updated_at, present.metadata "
		"FROM wallet_get(called.wallet_id) AS present) AS left_behind) AS wallet "
		"WHERE done.id IS NOT NULL",
	.can_join = transfer_can_join,
};

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
static const EndpointParameter user_parameters[] = {
	PATH("id", endpoint_text_parse),
	AFTER(endpoint_uuid_parse),
	LIMIT,
};
static const EndpointParameter receipt_parameters[] = {ID, AFTER(endpoint_version_parse), LIMIT};
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
	/* null lifts it; absent leaves it as it is. */
	{.name = "max_balance",
	 .source = SOURCE_BODY,
	 .parse = endpoint_amount_parse,
	 .null_text = "Infinity"},
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
	AFTER(endpoint_version_parse),
	LIMIT,
};
static const EndpointParameter holds_parameters[] = {
	ID,
	QUERY("status", endpoint_text_parse),
	AFTER(endpoint_uuid_parse),
	LIMIT,
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
static const EndpointParameter search_parameters[] = {
	QUERY("since", endpoint_time_parse),
	QUERY("until", endpoint_time_parse),
	QUERY("type", endpoint_words_parse),
	QUERY("currency", endpoint_text_parse),
	QUERY("user_id", endpoint_text_parse),
	QUERY("min_amount", endpoint_amount_parse),
	QUERY("max_amount", endpoint_amount_parse),
	{.name = "metadata.", .source = SOURCE_QUERY_OBJECT, .parse = endpoint_object_parse},
	QUERY("before", endpoint_uuid_parse),
	LIMIT,
};
static const EndpointParameter balance_parameters[] = {
	ID,
	{.name = "at", .source = SOURCE_QUERY, .parse = endpoint_time_parse, .is_required = true},
};
static const EndpointParameter totals_parameters[] = {AFTER(endpoint_currency_parse), LIMIT};

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
	 .call = CALL_KEEPING_ID
	 "wallet_create($1, coalesce($2, 'USD'), $3::uuid, $4, $5::jsonb)" ID_CALLED,
	 .read = WALLET_CREATED,
	 .answer = ANSWER_CREATED,
	 .location = "/wallets/",
	 .refused_headers = no_version,
	 .scope = HTTP_SCOPE_TRANSFER},
	{.method = "GET",
	 .pattern = "/wallets/{id}",
	 PARAMETERS(id_parameters),
	 .read = WALLET_IN_PATH,
	 .answer = ANSWER_ONE,
	 .scope = HTTP_SCOPE_READ},
	{.method = "GET",
	 .pattern = "/users/{id}/wallets",
	 PARAMETERS(user_parameters),
	 .read = "SELECT row_to_json(item), id FROM (SELECT " WALLET_COLUMNS
			 " FROM wallet_list($1, $2::uuid, $3::integer)) AS item",
	 .answer = ANSWER_PAGE,
	 .scope = HTTP_SCOPE_READ},
	{.method = "POST",
	 .pattern = "/wallets/{id}/fund",
	 PARAMETERS(money_parameters),
	 .call = CALL "wallet_fund($1::uuid, $2::numeric, $3, $4::bigint, $5::jsonb)" CALLED,
	 .read = WALLET_OF_CALL,
	 .answer = ANSWER_OPERATION,
	 .scope = HTTP_SCOPE_CASHIER},
	{.method = "POST",
	 .pattern = "/wallets/{id}/withdraw",
	 PARAMETERS(money_parameters),
	 .call = CALL "wallet_withdraw($1::uuid, $2::numeric, $3, $4::bigint, $5::jsonb)" CALLED,
	 .read = WALLET_OF_CALL,
	 .answer = ANSWER_OPERATION,
	 .scope = HTTP_SCOPE_CASHIER},
	{.method = "POST",
	 .pattern = "/wallets/{id}/transfer",
	 PARAMETERS(transfer_parameters),
	 .call =
		 CALL "wallet_transfer($1::uuid, $2::uuid, $3::numeric, $4, $5::bigint, $6::jsonb)" CALLED,
	 .batch = &transfer_batch,
	 .read = WALLET_OF_CALL,
	 .answer = ANSWER_OPERATION,
	 .scope = HTTP_SCOPE_TRANSFER},
	{.method = "POST",
	 .pattern = "/wallets/{id}/holds",
	 PARAMETERS(hold_parameters),
	 .call = CALL
	 "wallet_hold($1::uuid, $2::numeric, coalesce($3, '7 days')::interval, $4, $5::bigint, "
	 "$6::jsonb)" CALLED,
	 .read = WALLET_OF_CALL,
	 .answer = ANSWER_OPERATION,
	 .scope = HTTP_SCOPE_TRANSFER},
	{.method = "GET",
	 .pattern = "/wallets/{id}/holds",
	 PARAMETERS(holds_parameters),
	 .read = "SELECT row_to_json(item), hold_id FROM (SELECT " HOLD_COLUMNS
			 " FROM wallet_hold_list($1::uuid, $2, $3::uuid, $4::integer)) AS item",
	 .answer = ANSWER_PAGE,
	 .scope = HTTP_SCOPE_READ},
	{.method = "GET",
	 .pattern = "/holds/{id}",
	 PARAMETERS(id_parameters),
	 .read = ITEMS HOLD_COLUMNS " FROM wallet_hold_get($1::uuid)" LISTED,
	 .answer = ANSWER_ONE,
	 .missing_code = "WL020",
	 .missing_detail = "there is no such hold",
	 .scope = HTTP_SCOPE_READ},
	{.method = "POST",
	 .pattern = "/wallets/{id}/freeze",
	 PARAMETERS(status_parameters),
	 .call = CALL "wallet_freeze($1::uuid, $2, $3::bigint, $4::jsonb)" CALLED,
	 .read = WALLET_OF_CALL,
	 .answer = ANSWER_OPERATION,
	 .scope = HTTP_SCOPE_OPERATOR},
	{.method = "POST",
	 .pattern = "/wallets/{id}/unfreeze",
	 PARAMETERS(status_parameters),
	 .call = CALL "wallet_unfreeze($1::uuid, $2, $3::bigint, $4::jsonb)" CALLED,
	 .read = WALLET_OF_CALL,
	 .answer = ANSWER_OPERATION,
	 .scope = HTTP_SCOPE_OPERATOR},
	{.method = "POST",
	 .pattern = "/wallets/{id}/close",
	 PARAMETERS(status_parameters),
	 .call = CALL "wallet_close($1::uuid, $2, $3::bigint, $4::jsonb)" CALLED,
	 .read = WALLET_OF_CALL,
	 .answer = ANSWER_OPERATION,
	 .scope = HTTP_SCOPE_OPERATOR},
	{.method = "POST",
	 .pattern = "/wallets/{id}/limits",
	 PARAMETERS(limits_parameters),
	 .call = CALL
	 "wallet_set_limits($1::uuid, $2::numeric, $3::numeric, $4, $5::bigint, $6::jsonb)" CALLED,
	 .read = WALLET_OF_CALL,
	 .answer = ANSWER_OPERATION,
	 .scope = HTTP_SCOPE_OPERATOR},
	{.method = "POST",
	 .pattern = "/holds/{id}/capture",
	 PARAMETERS(capture_parameters),
	 .call = CALL "wallet_capture($1::uuid, $2::uuid, $3::numeric, coalesce($4::boolean, true), "
				  "$5, $6::bigint, $7::jsonb)" CALLED,
	 .read = WALLET_OF_CALL,
	 .answer = ANSWER_OPERATION,
	 .scope = HTTP_SCOPE_TRANSFER,
	 .outside_without = 2},
	{.method = "POST",
	 .pattern = "/holds/{id}/release",
	 PARAMETERS(status_parameters),
	 .call = CALL "wallet_release($1::uuid, $2, $3::bigint, $4::jsonb)" CALLED,
	 .read = WALLET_OF_CALL,
	 .answer = ANSWER_OPERATION,
	 .scope = HTTP_SCOPE_TRANSFER},
	{.method = "POST",
	 .pattern = "/transactions/{id}/reverse",
	 PARAMETERS(reverse_parameters),
	 .call = CALL "wallet_reverse($1::uuid, $2::numeric, $3, $4::bigint, $5::jsonb)" CALLED,
	 .read = WALLET_OF_CALL,
	 .answer = ANSWER_OPERATION,
	 .scope = HTTP_SCOPE_TRANSFER,
	 .outside = "SELECT EXISTS (SELECT FROM wallet_receipt($1::uuid) AS entry "
				"WHERE entry.type IN ('FUND', 'WITHDRAW') OR entry.type = 'CAPTURE_OUT' "
				"AND entry.counterparty_wallet_id IS NULL)"},
	{.method = "POST",
	 .pattern = "/transactions/{id}/reverse-force",
	 PARAMETERS(reverse_parameters),
	 .call = CALL "wallet_reverse_force($1::uuid, $2::numeric, $3, $4::bigint, $5::jsonb)" CALLED,
	 .read = WALLET_OF_CALL,
	 .answer = ANSWER_OPERATION,
	 .scope = HTTP_SCOPE_OPERATOR},
	{.method = "POST",
	 .pattern = "/transfers",
	 PARAMETERS(batch_parameters),
	 .read = ITEMS "index, transaction_id, sqlstate AS code, message, detail, replayed FROM "
				   "wallet_transfer_batch($1::uuid[], $2::uuid[], $3::numeric[], $4::text[], "
				   "coalesce($5::boolean, true), $6::jsonb)" LISTED,
	 .answer = ANSWER_ITEMS,
	 .is_write = true,
	 .refused_headers = keys_in_body,
	 .body_bytes_max = SERVICE_BATCH_BYTES_MAX,
	 .scope = HTTP_SCOPE_TRANSFER},
	{.method = "POST",
	 .pattern = "/operations",
	 PARAMETERS(post_parameters),
	 .call = CALL_KEEPING_ID
	 "wallet_post(ARRAY(SELECT ROW(leg.payer, leg.payee, leg.amount)::wallet_leg FROM "
	 "unnest($1::uuid[], $2::uuid[], $3::numeric[]) WITH ORDINALITY AS leg(payer, payee, "
	 "amount, number) ORDER BY leg.number), $4, $5::bigint, $6::jsonb)" ID_CALLED,
	 .read = "SELECT row_to_json(item), entry FROM (SELECT " ENTRY_COLUMNS
			 ", entry FROM wallet_receipt(" KEPT_ID ", NULL, 1001)) AS item",
	 .page_rows = 1000,
	 .answer = ANSWER_RECEIPT,
	 .body_bytes_max = SERVICE_BATCH_BYTES_MAX,
	 .scope = HTTP_SCOPE_TRANSFER},
	{.method = "GET",
	 .pattern = "/transactions/{id}",
	 PARAMETERS(receipt_parameters),
	 .read = "SELECT row_to_json(item), entry FROM (SELECT " ENTRY_COLUMNS
			 ", entry FROM wallet_receipt($1::uuid, $2::integer, $3::integer)) AS item",
	 .answer = ANSWER_RECEIPT,
	 .missing_code = "WL030",
	 .missing_detail = "there is no such operation",
	 .scope = HTTP_SCOPE_READ},
	/* A page may run over to end its last operation; the newest entry comes first. */
	{.method = "GET",
	 .pattern = "/transactions",
	 PARAMETERS(search_parameters),
	 .read = "WITH page AS MATERIALIZED (SELECT * FROM wallet_operations($1::timestamptz, "
			 "$2::timestamptz, $3::text[], $4, $5, $6::numeric, $7::numeric, $8::jsonb, "
			 "$9::uuid, $10::integer - 1)) "
			 "SELECT row_to_json(item), CASE WHEN (SELECT count(*) FROM page) >= $10::integer - 1 "
			 "THEN transaction_id END FROM (SELECT " ENTRY_COLUMNS " FROM page) AS item",
	 .next_in_row = true,
	 .answer = ANSWER_PAGE,
	 .scope = HTTP_SCOPE_OPERATOR},
	{.method = "GET",
	 .pattern = "/operations",
	 PARAMETERS(lookup_parameters),
	 .read = ITEMS "transaction_id, operation, "
				   "to_char(created_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS created_at "
				   "FROM wallet_lookup($1)" LISTED,
	 .answer = ANSWER_ONE,
	 .missing_code = "WL030",
	 .missing_detail = "there is no such operation",
	 .scope = HTTP_SCOPE_READ},
	/* The closing row's version is that of the page's last entry. */
	{.method = "GET",
	 .pattern = "/wallets/{id}/statement",
	 PARAMETERS(statement_parameters),
	 .read = "SELECT row_to_json(item), CASE WHEN item.type = 'CLOSING' AND EXISTS (SELECT FROM "
			 "wallet_statement($1::uuid, $2::timestamptz, $3::timestamptz, item.version, 1) AS "
			 "further WHERE further.type NOT IN ('OPENING', 'CLOSING')) THEN item.version END "
			 "FROM (SELECT " STATEMENT_COLUMNS " FROM wallet_statement($1::uuid, "
			 "$2::timestamptz, $3::timestamptz, $4::bigint, $5::integer - 1)) AS item",
	 .next_in_row = true,
	 .answer = ANSWER_PAGE,
	 .scope = HTTP_SCOPE_READ},
	{.method = "GET",
	 .pattern = "/wallets/{id}/balance",
	 PARAMETERS(balance_parameters),
	 .read = ITEMS "balance::text AS balance, held::text AS held, version FROM "
				   "wallet_balance_at($1::uuid, $2::timestamptz)" LISTED,
	 .answer = ANSWER_ONE,
	 .missing_code = "WL001",
	 .missing_detail = "the wallet did not exist at that time",
	 .scope = HTTP_SCOPE_READ},
	{.method = "GET",
	 .pattern = "/totals",
	 PARAMETERS(totals_parameters),
	 .read = "SELECT row_to_json(item), currency FROM (SELECT " TOTALS_COLUMNS
			 " FROM wallet_totals() WHERE $1::text IS NULL OR currency > $1 ORDER BY currency "
			 "LIMIT $2::integer) AS item",
	 .answer = ANSWER_PAGE,
	 .scope = HTTP_SCOPE_OPERATOR},
	{.method = "GET",
	 .pattern = "/pipeline",
	 .read = ITEMS HEALTH_COLUMNS " FROM wallet_health()" LISTED,
	 .answer = ANSWER_ONE,
	 .scope = HTTP_SCOPE_READ},
};

const char *const service_route_labels[] = {
	"other",	"create", "get",	  "list",	  "fund",	 "withdraw",
	"transfer", "hold",	  "holds",	  "hold_get", "freeze",	 "unfreeze",
	"close",	"limits", "capture",  "release",  "reverse", "reverse_force",
	"batch",	"post",	  "receipt",  "search",	  "lookup",	 "statement",
	"balance",	"totals", "pipeline", "live",	  NULL,
};
