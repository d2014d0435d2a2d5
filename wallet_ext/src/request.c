/*
 * request.c
 *		What a caller asked for: the checked arguments of an operation.
 */
#include "postgres.h"

#include "access/xact.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "errors.h"
#include "foreign_code.h"
#include "guc.h"
#include "readable.h"
#include "request.h"
#include "stat.h"

void
request_begin(const char *function)
{
	guc_replayed = false;
	error_check_can_write(function);
	foreign_code_check(function);
	stat_begin(function);
	CommandCounterIncrement();
}

void
request_check_not_null(FunctionCallInfo fcinfo, const char *const *names, int count)
{
	for (int i = 0; i < count; i++)
		if (PG_ARGISNULL(i))
			error_raise_null_argument(names[i]);
}

void
request_check_id(const pg_uuid_t *id, const char *name)
{
	static const pg_uuid_t nil = {{0}};

	if (wallet_compare_id(id, &nil) == 0)
		error_raise_malformed(name, "must not be the nil UUID");
}

pg_uuid_t *
request_read_id(FunctionCallInfo fcinfo, int argument, const char *name)
{
	pg_uuid_t *id = PG_GETARG_UUID_P(argument);

	request_check_id(id, name);
	return id;
}

text *
request_read_user_id(FunctionCallInfo fcinfo, int argument)
{
	text *user_id = PG_GETARG_TEXT_PP(argument);
	int characters = pg_mbstrlen_with_len(VARDATA_ANY(user_id), VARSIZE_ANY_EXHDR(user_id));

	if (characters < 1 || characters > USER_ID_CHARACTERS_MAX)
		error_raise_malformed("user_id", "must have 1 to 100 characters");
	if (readable_has_control(user_id))
		error_raise_malformed("user_id", "must not have control characters");
	if (readable_has_mark(user_id))
		error_raise_malformed("user_id", "must not have invisible marks of direction or width");
	if (readable_has_blank_end(user_id))
		error_raise_malformed("user_id", "must not begin or end with a blank");
	return user_id;
}

/* ^[A-Z][A-Z0-9]{2,9}$ */
text *
request_read_currency(FunctionCallInfo fcinfo, int argument)
{
	text *currency = PG_GETARG_TEXT_PP(argument);
	const char *at = VARDATA_ANY(currency);
	int length = VARSIZE_ANY_EXHDR(currency);
	bool valid = length >= CURRENCY_CHARACTERS_MIN && length <= CURRENCY_CHARACTERS_MAX &&
				 at[0] >= 'A' && at[0] <= 'Z';

	for (int i = 1; valid && i < length; i++)
		valid = (at[i] >= 'A' && at[i] <= 'Z') || (at[i] >= '0' && at[i] <= '9');
	if (!valid)
		error_raise_malformed("currency",
							  "must have 3 to 10 characters, A to Z and 0 to 9, first a letter");
	return currency;
}

void
request_check_key(const text *key)
{
	int bytes = VARSIZE_ANY_EXHDR(key);

	if (bytes < 1 || bytes > IDEMPOTENCY_KEY_BYTES_MAX)
		error_raise_malformed("idempotency_key", "must have 1 to 255 bytes");
	if (readable_has_control(key))
		error_raise_malformed("idempotency_key", "must not have control characters");
}

void
request_read_key(Request *request, FunctionCallInfo fcinfo, int argument)
{
	if (PG_ARGISNULL(argument))
		return;
	request->idempotency_key = PG_GETARG_TEXT_PP(argument);
	request_check_key(request->idempotency_key);
}

void
request_set_expected_version(Request *request, int64 version)
{
	if (version < 0)
		error_raise_malformed("expected_version", "must not be negative");
	request->expected_version = optional_integer(version);
}

void
request_read_expected_version(Request *request, FunctionCallInfo fcinfo, int argument)
{
	if (PG_ARGISNULL(argument))
		return;
	request_set_expected_version(request, PG_GETARG_INT64(argument));
}

Jsonb *
request_check_metadata(Jsonb *metadata)
{
	if (!JB_ROOT_IS_OBJECT(metadata))
		error_raise_malformed("metadata", "must be a JSON object");

	char *printed = JsonbToCString(NULL, &metadata->root, VARSIZE_ANY_EXHDR(metadata));

	if (strlen(printed) > guc_max_metadata_bytes)
		error_raise_malformed("metadata", psprintf("must not have more than %d bytes as text",
												   guc_max_metadata_bytes));
	pfree(printed);
	if (readable_depth(metadata) > METADATA_DEPTH_MAX)
		error_raise_malformed("metadata",
							  psprintf("must not be nested deeper than %d", METADATA_DEPTH_MAX));
	if (readable_digits(metadata) > METADATA_DIGITS_MAX)
		error_raise_malformed("metadata", psprintf("must not have a number of more than %d digits",
												   METADATA_DIGITS_MAX));
	return metadata;
}

void
request_read_metadata(Request *request, FunctionCallInfo fcinfo, int argument)
{
	if (!PG_ARGISNULL(argument))
		request->metadata = request_check_metadata(PG_GETARG_JSONB_P(argument));
}

void
request_read_last(Request *request, FunctionCallInfo fcinfo, int first_argument)
{
	request_read_key(request, fcinfo, first_argument);
	request_read_expected_version(request, fcinfo, first_argument + 1);
	request_read_metadata(request, fcinfo, first_argument + 2);
}

Money
request_check_amount(Datum value, const char *argument)
{
	Money amount = 0;

	if (money_check_amount(value, &amount) != MONEY_EXACT)
		error_raise_invalid_amount(argument, value, false);
	return amount;
}

Money
request_check_limit(Datum value, const char *argument)
{
	Money limit = 0;

	if (money_check_limit(value, &limit) != MONEY_EXACT)
		error_raise_invalid_amount(argument, value, true);
	return limit;
}

void
request_read_amount(Request *request, FunctionCallInfo fcinfo, int argument)
{
	if (PG_ARGISNULL(argument))
	{
		Assert(request->amount_rule == AMOUNT_OPTIONAL);
		return;
	}
	request->amount = optional_money(request_check_amount(PG_GETARG_DATUM(argument), "amount"));
}
