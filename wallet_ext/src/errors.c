/*
 * errors.c
 *		Every SQLSTATE and message of the extension: one raise function per rule.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"

#include "errors.h"
#include "guc.h"
#include "text_value.h"

/* Longest text of a refused amount that DETAIL repeats, in bytes. */
#define AMOUNT_TEXT_BYTES_MAX 100

/* The item or leg that is being judged; 0: there are none. */
static int error_index = 0;

void
error_set_index(int index)
{
	error_index = index;
}

static void
detail_add_name(StringInfo detail, const char *name)
{
	appendStringInfoString(detail, detail->len == 0 ? "{" : ", ");
	escape_json(detail, name);
	appendStringInfoString(detail, ": ");
}

static void
detail_add_text(StringInfo detail, const char *name, const char *value)
{
	detail_add_name(detail, name);
	if (value == NULL)
		appendStringInfoString(detail, "null");
	else
		escape_json(detail, value);
}

static void
detail_add_integer(StringInfo detail, const char *name, int64 value)
{
	detail_add_name(detail, name);
	appendStringInfo(detail, INT64_FORMAT, value);
}

static void
detail_add_uuid(StringInfo detail, const char *name, const pg_uuid_t *value)
{
	detail_add_text(detail, name, text_of_uuid(value));
}

/* Begins DETAIL with what the error is about. */
static StringInfo
detail_begin(const char *name, const pg_uuid_t *id)
{
	StringInfo detail = makeStringInfo();

	detail_add_uuid(detail, name, id);
	return detail;
}

static void
detail_add_money(StringInfo detail, const char *name, Money value)
{
	detail_add_text(detail, name, money_format(value));
}

static void
detail_add_time(StringInfo detail, const char *name, TimestampTz value)
{
	char text[MAXDATELEN + 1];

	JsonEncodeDateTime(text, TimestampTzGetDatum(value), TIMESTAMPTZOID, NULL);
	detail_add_text(detail, name, text);
}

/* Ends the object; for errdetail_internal("%s", ...), since the object is not to be translated. */
static char *
detail_end(StringInfo detail)
{
	if (error_index > 0)
		detail_add_integer(detail, "index", error_index);
	if (detail->len == 0)
		appendStringInfoChar(detail, '{');
	appendStringInfoChar(detail, '}');
	return detail->data;
}

/* Raises an error that has nothing but a code, a message and a JSON object in DETAIL. */
pg_noreturn static void error_raise(int code, StringInfo detail, const char *format, ...)
	pg_attribute_printf(3, 4);

static void
error_raise(int code, StringInfo detail, const char *format, ...)
{
	StringInfoData message;
	int needed = 0;

	initStringInfo(&message);
	do
	{
		va_list arguments;

		enlargeStringInfo(&message, needed);
		va_start(arguments, format);
		needed = appendStringInfoVA(&message, format, arguments);
		va_end(arguments);
	} while (needed != 0);
	ereport(ERROR, (errcode(code), errmsg_internal("%s", message.data),
					errdetail_internal("%s", detail_end(detail))));
}

void
error_check_can_write(const char *function)
{
	PreventCommandIfReadOnly(function);
	PreventCommandDuringRecovery(function);
	if (IsInParallelMode() || IsParallelWorker())
		ereport(ERROR, (errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
						errmsg("cannot execute %s during a parallel operation", function)));
}

static StringInfo
detail_begin_argument(const char *argument)
{
	StringInfo detail = makeStringInfo();

	detail_add_text(detail, "argument", argument);
	return detail;
}

void
error_raise_null_argument(const char *argument)
{
	error_raise(ERRCODE_NULL_VALUE_NOT_ALLOWED, detail_begin_argument(argument),
				"%s must not be null", argument);
}

void
error_raise_null_element(const char *argument)
{
	error_raise(ERRCODE_NULL_VALUE_NOT_ALLOWED, detail_begin_argument(argument),
				"%s must not have an element that is null", argument);
}

void
error_raise_malformed(const char *argument, const char *rule)
{
	error_raise(ERRCODE_INVALID_PARAMETER_VALUE, detail_begin_argument(argument), "%s %s", argument,
				rule);
}

void
error_raise_too_many_items(const char *argument, int items)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("%s has too many elements: %d", argument, items),
					errdetail_internal("%s", detail_end(detail_begin_argument(argument))),
					errhint("wallet.max_batch_items is %d.", guc_max_batch_items)));
}

void
error_raise_invalid_amount(const char *argument, Datum value, bool may_be_zero)
{
	char *text = DatumGetCString(DirectFunctionCall1(numeric_out, value));
	StringInfo detail = detail_begin_argument(argument);

	if (strlen(text) > AMOUNT_TEXT_BYTES_MAX)
		strcpy(text + AMOUNT_TEXT_BYTES_MAX - 3, "...");
	detail_add_text(detail, "value", text);
	ereport(ERROR, (errcode(ERRCODE_INVALID_AMOUNT), errmsg("invalid %s: %s", argument, text),
					errdetail_internal("%s", detail_end(detail)),
					may_be_zero
						? errhint("A limit is 0 or more, has at most 4 decimals and is at most %s.",
								  money_format(MONEY_MAX))
						: errhint("An amount is above 0, has at most 4 decimals and is at most %s.",
								  money_format(MONEY_MAX))));
}

void
error_raise_too_many_decimals(const char *argument, Money value, const char *currency, int scale)
{
	StringInfo detail = detail_begin_argument(argument);

	detail_add_money(detail, "value", value);
	detail_add_integer(detail, "scale", scale);
	ereport(ERROR, (errcode(ERRCODE_INVALID_AMOUNT),
					errmsg("invalid %s: %s", argument, money_format(value)),
					errdetail_internal("%s", detail_end(detail)),
					errhint("An amount of currency %s has at most %d decimals.", currency, scale)));
}

void
error_raise_scale_in_use(const char *currency, int scale)
{
	StringInfo detail = makeStringInfo();

	detail_add_text(detail, "currency", currency);
	detail_add_integer(detail, "scale", scale);
	error_raise(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, detail,
				"currency %s has stored amounts with more than %d decimals", currency, scale);
}

void
error_raise_same_wallet(const pg_uuid_t *wallet_id)
{
	error_raise(ERRCODE_SAME_WALLET, detail_begin("wallet_id", wallet_id),
				"cannot move money from a wallet to itself");
}

void
error_raise_idempotency_conflict(const char *key, const char *field, const char *stored,
								 const char *sent, const pg_uuid_t *transaction_id)
{
	StringInfo detail = makeStringInfo();

	detail_add_text(detail, "idempotency_key", key);
	detail_add_text(detail, "field", field);
	detail_add_text(detail, "stored", stored);
	detail_add_text(detail, "sent", sent);
	detail_add_uuid(detail, "transaction_id", transaction_id);
	error_raise(ERRCODE_IDEMPOTENCY_CONFLICT, detail,
				"idempotency key was used for another request: %s differs", field);
}

void
error_raise_serialization_failure(void)
{
	ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					errmsg("could not serialize access due to concurrent update")));
}

void
error_raise_wallet_not_found(const pg_uuid_t *wallet_id)
{
	error_raise(ERRCODE_WALLET_NOT_FOUND, detail_begin("wallet_id", wallet_id),
				"wallet %s does not exist", text_of_uuid(wallet_id));
}

void
error_raise_version_conflict(const pg_uuid_t *wallet_id, int64 expected, int64 actual)
{
	StringInfo detail = detail_begin("wallet_id", wallet_id);

	detail_add_integer(detail, "expected", expected);
	detail_add_integer(detail, "actual", actual);
	error_raise(ERRCODE_VERSION_CONFLICT, detail,
				"wallet %s is at version " INT64_FORMAT ", not " INT64_FORMAT,
				text_of_uuid(wallet_id), actual, expected);
}

void
error_raise_wallet_closed(const pg_uuid_t *wallet_id)
{
	error_raise(ERRCODE_WALLET_CLOSED, detail_begin("wallet_id", wallet_id), "wallet %s is closed",
				text_of_uuid(wallet_id));
}

void
error_raise_wallet_frozen(const pg_uuid_t *wallet_id)
{
	error_raise(ERRCODE_WALLET_FROZEN, detail_begin("wallet_id", wallet_id), "wallet %s is frozen",
				text_of_uuid(wallet_id));
}

void
error_raise_currency_mismatch(const pg_uuid_t *wallet_id, const char *expected, const char *actual)
{
	StringInfo detail = detail_begin("wallet_id", wallet_id);

	detail_add_text(detail, "expected", expected);
	detail_add_text(detail, "actual", actual);
	error_raise(ERRCODE_CURRENCY_MISMATCH, detail, "wallet %s holds %s, not %s",
				text_of_uuid(wallet_id), actual, expected);
}

void
error_raise_insufficient_funds(const pg_uuid_t *wallet_id, Money available, Money requested)
{
	StringInfo detail = detail_begin("wallet_id", wallet_id);

	detail_add_money(detail, "available", available);
	detail_add_money(detail, "requested", requested);
	error_raise(ERRCODE_INSUFFICIENT_FUNDS, detail, "insufficient funds in wallet %s",
				text_of_uuid(wallet_id));
}

void
error_raise_limit_exceeded(const pg_uuid_t *wallet_id)
{
	error_raise(ERRCODE_LIMIT_EXCEEDED, detail_begin("wallet_id", wallet_id),
				"balance limit of wallet %s exceeded", text_of_uuid(wallet_id));
}

void
error_raise_wallet_not_empty(const pg_uuid_t *wallet_id, Money balance, Money held, Money expired)
{
	StringInfo detail = detail_begin("wallet_id", wallet_id);

	detail_add_money(detail, "balance", balance);
	detail_add_money(detail, "held", held);
	ereport(ERROR, (errcode(ERRCODE_WALLET_NOT_EMPTY),
					errmsg("wallet %s is not empty", text_of_uuid(wallet_id)),
					errdetail_internal("%s", detail_end(detail)),
					expired > 0 ? errhint("Holds of %s have expired and are not released yet: "
										  "wallet_expire_holds() releases them.",
										  money_format(expired))
								: 0));
}

void
error_raise_wallet_not_frozen(const pg_uuid_t *wallet_id)
{
	error_raise(ERRCODE_WALLET_NOT_FROZEN, detail_begin("wallet_id", wallet_id),
				"wallet %s is not frozen", text_of_uuid(wallet_id));
}

void
error_raise_hold_not_found(const pg_uuid_t *hold_id)
{
	error_raise(ERRCODE_HOLD_NOT_FOUND, detail_begin("hold_id", hold_id), "hold %s does not exist",
				text_of_uuid(hold_id));
}

void
error_raise_hold_expired(const pg_uuid_t *hold_id, TimestampTz expired_at)
{
	StringInfo detail = detail_begin("hold_id", hold_id);

	detail_add_time(detail, "expired_at", expired_at);
	error_raise(ERRCODE_HOLD_EXPIRED, detail, "hold %s has expired", text_of_uuid(hold_id));
}

void
error_raise_hold_not_open(const pg_uuid_t *hold_id, const char *status)
{
	StringInfo detail = detail_begin("hold_id", hold_id);

	detail_add_text(detail, "status", status);
	error_raise(ERRCODE_HOLD_NOT_OPEN, detail, "hold %s is not open but %s", text_of_uuid(hold_id),
				status);
}

void
error_raise_exceeds_hold(const pg_uuid_t *hold_id, Money remaining, Money requested)
{
	StringInfo detail = detail_begin("hold_id", hold_id);

	detail_add_money(detail, "remaining", remaining);
	detail_add_money(detail, "requested", requested);
	error_raise(ERRCODE_EXCEEDS_HOLD, detail, "amount exceeds hold %s", text_of_uuid(hold_id));
}

void
error_raise_operation_not_found(const pg_uuid_t *transaction_id)
{
	error_raise(ERRCODE_OPERATION_NOT_FOUND, detail_begin("transaction_id", transaction_id),
				"operation %s does not exist", text_of_uuid(transaction_id));
}

void
error_raise_not_reversible(const pg_uuid_t *transaction_id, const char *type)
{
	StringInfo detail = detail_begin("transaction_id", transaction_id);

	detail_add_text(detail, "type", type);
	error_raise(ERRCODE_NOT_REVERSIBLE, detail, "operation %s cannot be reversed",
				text_of_uuid(transaction_id));
}

void
error_raise_exceeds_reversible(const pg_uuid_t *transaction_id, Money reversible, Money requested)
{
	StringInfo detail = detail_begin("transaction_id", transaction_id);

	detail_add_money(detail, "reversible", reversible);
	detail_add_money(detail, "requested", requested);
	error_raise(ERRCODE_EXCEEDS_REVERSIBLE, detail,
				"amount exceeds what can be reversed of operation %s",
				text_of_uuid(transaction_id));
}

void
error_raise_append_only(const char *table)
{
	ereport(ERROR,
			(errcode(ERRCODE_LEDGER_APPEND_ONLY),
			 errmsg("table \"%s\" cannot be changed directly", table),
			 errdetail_internal("%s", detail_end(makeStringInfo())),
			 errhint("Only the wallet functions write it; a correction is a new operation.")));
}

void
error_raise_outside_denied(const char *function, const char *argument)
{
	StringInfo detail = makeStringInfo();

	detail_add_text(detail, "argument", argument);
	detail_add_text(detail, "function", function);
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to move money from or to outside"),
			 errdetail_internal("%s", detail_end(detail)),
			 errhint("It needs the right to execute %s, as the operation itself does.", function)));
}

void
error_raise_history_origin(const char *origin)
{
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("the ledger cannot be written under replication origin \"%s\"", origin),
					errdetail("What the history writes under its origins has no event."),
					errhint("Reset the session's origin first.")));
}

void
error_raise_write_denied(const char *table, bool is_insert)
{
	StringInfo detail = makeStringInfo();

	detail_add_text(detail, "table", table);
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 is_insert ? errmsg("only its owner may insert into table \"%s\"", table)
					   : errmsg("only its owner may change table \"%s\"", table),
			 errdetail_internal("%s", detail_end(detail)),
			 errhint("Only the wallet functions write it; a dump is restored by the owner.")));
}

void
error_raise_version_mismatch(const char *installed)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("library wallet %s does not match the SQL objects of version %s",
					WALLET_VERSION, installed == NULL ? "unknown" : installed),
			 errhint("Run ALTER EXTENSION wallet UPDATE, or reconnect to load the new library.")));
}

void
error_raise_table_missing(const char *table)
{
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("table \"%s\" of extension wallet is missing", table)));
}

void
error_raise_shape(const char *expected, const char *actual)
{
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("wallet functions need %s", expected), errdetail("Found: %s.", actual),
					errhint("wallet_check() names whatever differs.")));
}

void
error_raise_row_skipped(const char *table, const char *triggers)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("a trigger on table \"%s\" leaves out a row of an operation", table),
			 errdetail("BEFORE triggers of the row, one of which has returned NULL: %s.", triggers),
			 errhint("A trigger may add to an operation or raise an error.")));
}

void
error_raise_row_changed(const char *table, const char *column, const char *triggers)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("a trigger on table \"%s\" changes column \"%s\" of an operation", table,
					column),
			 errdetail("BEFORE triggers of the row, one of which has changed it: %s.", triggers),
			 errhint("A trigger may set added columns only.")));
}

void
error_raise_row_overtaken(const char *table)
{
	ereport(ERROR,
			(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
			 errmsg("a trigger has written a row of table \"%s\" that its operation is to write",
					table),
			 errhint("An AFTER trigger can write it.")));
}

void
error_raise_scale_not_stored(const char *currency)
{
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("scale of currency %s could not be stored", currency),
					errhint("A trigger on table \"wallet_currency_scales\" is in the way.")));
}

void
error_raise_reentry(const char *function)
{
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("%s cannot be called while another operation writes its rows", function),
					errhint("An AFTER trigger can call it.")));
}

void
error_raise_invariant(const char *invariant, const pg_uuid_t *wallet_id, const char *column,
					  const char *value)
{
	ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
					errmsg("wallet %s would break %s", text_of_uuid(wallet_id), invariant),
					errdetail("%s would be %s.", column, value),
					errhint("wallet_check() names every divergence.")));
}

void
error_raise_group_not_there(void)
{
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("the server has no grouped transfers"),
					errhint("They need \"wallet\" in shared_preload_libraries, and "
							"wallet.group_memory above 0. wallet_transfer() needs neither.")));
}

void
error_raise_group_transaction(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
			 errmsg("a grouped transfer cannot be made in a transaction that %s", what),
			 errhint("It is committed by itself, outside of the transaction that calls it.")));
}

void
error_raise_group_full(Size bytes)
{
	ereport(ERROR, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
					errmsg("no room for a grouped transfer of %zu bytes", bytes),
					errhint("wallet.group_memory is %d kB.", guc_group_memory)));
}

void
error_raise_group_databases(int databases)
{
	ereport(ERROR, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
					errmsg("more than %d databases make grouped transfers", databases)));
}

void
error_raise_group_worker(void)
{
	ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_RESOURCES),
					errmsg("no worker for grouped transfers could be started"),
					errhint("Each database that makes them needs one of max_worker_processes; the "
							"server's log may say more.")));
}

void
error_raise_group_lock(void)
{
	ereport(ERROR, (errcode(ERRCODE_LOCK_NOT_AVAILABLE),
					errmsg("a grouped transfer could not get its locks in time"),
					errhint("It was not made. Does this transaction hold a lock that another "
							"session waits for?")));
}

void
error_raise_group_unknown(const text *key)
{
	StringInfo detail = makeStringInfo();

	detail_add_text(detail, "idempotency_key", key == NULL ? NULL : text_to_cstring(key));
	ereport(ERROR, (errcode(ERRCODE_T_R_STATEMENT_COMPLETION_UNKNOWN),
					errmsg("the wait for a grouped transfer has ended while it was being made"),
					errdetail_internal("%s", detail_end(detail)),
					errhint("It is done or not: a retry with its key finds out.")));
}

void
error_raise_group_additions(const char *table)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("grouped transfers need table \"%s\" as the extension made it", table),
			 errdetail("It has an added column, trigger, constraint or the like: that would act in "
					   "another session."),
			 errhint("wallet_transfer() honours it.")));
}
