/*
 * text_value.c
 *		Values that are stored or shown as text: names of an enum, ids, copies.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/fmgrprotos.h"

#include "compat.h"
#include "text_value.h"

int
text_to_enum(const text *name, const char *const *names, int count, const char *what)
{
	const int length = VARSIZE_ANY_EXHDR(name);

	for (int i = 0; i < count; i++)
		if (length == strlen(names[i]) && memcmp(VARDATA_ANY(name), names[i], length) == 0)
			return i;
	ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("stored %s is unknown", what)));
}

text *
text_copy(const text *value)
{
	text *copy = palloc(VARSIZE_ANY(value));

	memcpy(copy, value, VARSIZE_ANY(value));
	return copy;
}

char *
text_of_uuid(const pg_uuid_t *id)
{
	return DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(id)));
}
