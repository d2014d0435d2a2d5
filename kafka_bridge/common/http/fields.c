/*
 * fields.c
 *		Goes over the fields once.
 */
#include "http/fields.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define QUERY_PARAMETERS_MAX 16

typedef struct FieldScan
{
	unsigned seen; /* a bit for each of single_fields */
	size_t count;
	struct
	{
		const char *name;
		size_t bytes;
	} names[QUERY_PARAMETERS_MAX];
	const char *wrong;
} FieldScan;

typedef enum SingleField
{
	FIELD_HOST,
	FIELD_LENGTH,
	FIELD_ENCODING,
} SingleField;

/* Fields that decide what is done: given twice, they are a mistake. */
static const char *const single_fields[] = {
	[FIELD_HOST] = "Host",
	[FIELD_LENGTH] = "Content-Length",
	[FIELD_ENCODING] = "Transfer-Encoding",
	"Content-Type",
	"Authorization",
	"Idempotency-Key",
	"If-Match",
	"Last-Event-ID",
};

/* RFC 9110: what a name consists of. A blank before the colon belongs to none. */
static bool
name_is_token(const char *name, size_t bytes)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < bytes; i++)
		if (!((name[i] >= 'a' && name[i] <= 'z') || (name[i] >= 'A' && name[i] <= 'Z') ||
			  (name[i] >= '0' && name[i] <= '9') || (name[i] != '\0' && strchr(others, name[i]))))
			return false;
	return bytes > 0;
}

/* MHD_KeyValueIteratorN, as the next one. */
static enum MHD_Result
header_look(void *context, enum MHD_ValueKind kind, const char *name, size_t bytes,
			const char *value, size_t value_bytes)
{
	FieldScan *scan = context;

	(void) kind;
	(void) value;
	(void) value_bytes;
	if (!name_is_token(name, bytes))
	{
		scan->wrong = "a header has a malformed name";
		return MHD_NO;
	}
	for (size_t i = 0; i < sizeof(single_fields) / sizeof(single_fields[0]); i++)
	{
		if (strcasecmp(name, single_fields[i]) != 0)
			continue;
		if (scan->seen & 1U << i)
		{
			scan->wrong = "a header is given twice";
			return MHD_NO;
		}
		scan->seen |= 1U << i;
	}
	return MHD_YES;
}

static enum MHD_Result
parameter_look(void *context, enum MHD_ValueKind kind, const char *name, size_t bytes,
			   const char *value, size_t value_bytes)
{
	FieldScan *scan = context;

	(void) kind;
	if (memchr(name, '\0', bytes) != NULL ||
		(value != NULL && memchr(value, '\0', value_bytes) != NULL))
		scan->wrong = "%00 must not stand in the query";
	else if (scan->count == QUERY_PARAMETERS_MAX)
		scan->wrong = "the query has too many parameters";
	for (size_t i = 0; i < scan->count && scan->wrong == NULL; i++)
		if (scan->names[i].bytes == bytes && memcmp(scan->names[i].name, name, bytes) == 0)
			scan->wrong = "a parameter of the query is given twice";
	if (scan->wrong != NULL)
		return MHD_NO;
	scan->names[scan->count].name = name;
	scan->names[scan->count].bytes = bytes;
	scan->count++;
	return MHD_YES;
}

const char *
http_fields_check(struct MHD_Connection *connection, const char *version)
{
	const unsigned length = 1U << FIELD_LENGTH;
	const unsigned encoding = 1U << FIELD_ENCODING;
	FieldScan scan = {0};

	MHD_get_connection_values_n(connection, MHD_HEADER_KIND, header_look, &scan);
	if (scan.wrong == NULL)
		MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND, parameter_look, &scan);
	if (scan.wrong != NULL)
		return scan.wrong;
	if ((scan.seen & (length | encoding)) == (length | encoding))
		return "Content-Length and Transfer-Encoding exclude each other";
	if (!(scan.seen & 1U << FIELD_HOST) && strcmp(version, "HTTP/1.1") == 0)
		return "Host is missing";
	return NULL;
}
