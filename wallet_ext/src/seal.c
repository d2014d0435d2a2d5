/*
 * seal.c
 *		The seal of an entry, as a value.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "compat.h"
#include "seal.h"

Seal
seal_from_column(bool is_null, Datum value)
{
	Seal seal = {.present = !is_null};

	if (is_null)
		return seal;

	const bytea *bytes = DatumGetByteaPP(value);

	if (VARSIZE_ANY_EXHDR(bytes) != SEAL_BYTES)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("stored seal is malformed")));
	memcpy(seal.bytes, VARDATA_ANY(bytes), SEAL_BYTES);
	return seal;
}

Datum
seal_to_column(const Seal *seal)
{
	bytea *bytes = palloc(VARHDRSZ + SEAL_BYTES);

	SET_VARSIZE(bytes, VARHDRSZ + SEAL_BYTES);
	memcpy(VARDATA(bytes), seal->bytes, SEAL_BYTES);
	return PointerGetDatum(bytes);
}

bool
seal_equal(const Seal *left, const Seal *right)
{
	return left->present == right->present && memcmp(left->bytes, right->bytes, SEAL_BYTES) == 0;
}

Datum
seal_print(const Seal *seal, bool *is_null)
{
	char text[2 * SEAL_BYTES + 1];

	*is_null = !seal->present;
	if (*is_null)
		return (Datum) 0;
	hex_encode((const char *) seal->bytes, SEAL_BYTES, text);
	text[2 * SEAL_BYTES] = '\0';
	return CStringGetTextDatum(text);
}
