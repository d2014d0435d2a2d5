/*
 * fields.c
 *		Goes over the fields once.
 */
#include "http/fields.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define QUERY_PARAMETERS_MAX 24
#define NAME_SHOWN_BYTES	 64

typedef struct FieldScan
{
	unsigned seen; /* a bit for each of single_fields */
	size_t count;
	struct
	{
		const char *name;
		size_t bytes;
	} names[QUERY_PARAMETERS_MAX];
	const char *encoding;  /* Transfer-Encoding */
	const char *last_name; /* of the header before */
	const char *last_end;  /* of its value: the NUL behind it */
	char *reason;		   /* empty: nothing is wrong */
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

/* The reason with a name in it, which may be anything: only what can stand in JSON is shown. */
static void
reason_name(char *reason, const char *before, const char *name, size_t bytes, const char *after)
{
	char shown[NAME_SHOWN_BYTES + 1];
	size_t count = bytes < NAME_SHOWN_BYTES ? bytes : NAME_SHOWN_BYTES;

	for (size_t i = 0; i < count; i++)
		shown[i] = (char) (name[i] < ' ' || name[i] > '~' ? '?' : name[i]);
	shown[count] = '\0';
	snprintf(reason, HTTP_REASON_BYTES, "%s%s%s", before, shown, after);
}

static void
reason_set(char *reason, const char *text)
{
	snprintf(reason, HTTP_REASON_BYTES, "%s", text);
}

/*
 * The library cuts a value at a NUL: two keys would be the same one. Before 1.0 it says so nowhere,
 * but its lines stand where they came, each ended by one or two NULs for its line feed: more than
 * that was in the value (or the line was folded, which is refused as well). next is NULL behind the
 * last line, where those of the empty line follow.
 */
static void
line_end_check(FieldScan *scan, const char *next)
{
#if MHD_VERSION < 0x01000000
	const char *end = scan->last_end;
	bool is_cut = end != NULL && (next != NULL ? next != end + 1 && next != end + 2
											   : end[1] != '\0' || end[2] != '\0');

	if (is_cut && scan->reason[0] == '\0')
		reason_name(scan->reason, "the header ", scan->last_name, strlen(scan->last_name),
					" has a NUL in its value, or several lines");
#else
	(void) scan;
	(void) next;
#endif
}

/*
 * Blanks behind a value do not belong to it: a proxy takes them off, and an idempotency key must be
 * the same by either way. The library before 1.0 leaves them. The value stands in the memory of the
 * connection, which is nobody else's.
 */
static void
value_trim(const char *value, size_t bytes)
{
	for (char *end = (char *) value + bytes; end > value && strchr(" \t", end[-1]) != NULL;)
		*--end = '\0';
}

/* MHD_KeyValueIteratorN, as the next ones. */
static enum MHD_Result
header_look(void *context, enum MHD_ValueKind kind, const char *name, size_t bytes,
			const char *value, size_t value_bytes)
{
	FieldScan *scan = context;
	bool has_nul = value != NULL && memchr(value, '\0', value_bytes) != NULL;

	(void) kind;
	if (!name_is_token(name, bytes))
		reason_name(scan->reason, "the header \"", name, bytes, "\" has a malformed name");
	else if (has_nul)
		reason_name(scan->reason, "the header ", name, bytes, " has a NUL in its value");
	line_end_check(scan, name);
	scan->last_name = name;
	scan->last_end = value != NULL ? value + value_bytes : NULL;
	if (value != NULL && !has_nul)
		value_trim(value, value_bytes);
	for (size_t i = 0; i < sizeof(single_fields) / sizeof(single_fields[0]); i++)
	{
		if (strcasecmp(name, single_fields[i]) != 0)
			continue;
		if (scan->seen & 1U << i)
			reason_name(scan->reason, "the header ", name, bytes, " is given twice");
		scan->seen |= 1U << i;
		if (i == FIELD_ENCODING)
			scan->encoding = value;
	}
	return scan->reason[0] == '\0' ? MHD_YES : MHD_NO;
}

static enum MHD_Result
parameter_look(void *context, enum MHD_ValueKind kind, const char *name, size_t bytes,
			   const char *value, size_t value_bytes)
{
	FieldScan *scan = context;

	(void) kind;
	if (memchr(name, '\0', bytes) != NULL ||
		(value != NULL && memchr(value, '\0', value_bytes) != NULL))
		reason_set(scan->reason, "%00 must not stand in the query");
	else if (scan->count == QUERY_PARAMETERS_MAX)
		reason_set(scan->reason, "the query has too many parameters");
	for (size_t i = 0; i < scan->count && scan->reason[0] == '\0'; i++)
		if (scan->names[i].bytes == bytes && memcmp(scan->names[i].name, name, bytes) == 0)
			reason_name(scan->reason, "the parameter \"", name, bytes,
						"\" of the query is given twice");
	if (scan->reason[0] != '\0')
		return MHD_NO;
	scan->names[scan->count].name = name;
	scan->names[scan->count].bytes = bytes;
	scan->count++;
	return MHD_YES;
}

/*
 * The library reads no body but a chunked one, and would wait for the end of any other. 0, or the
 * status of RFC 9112: a coding that ends otherwise leaves the length unknown.
 */
static unsigned
encoding_check(const char *encoding, char *reason)
{
	static const char chunked[] = "chunked";
	size_t bytes = encoding != NULL ? strlen(encoding) : 0;
	size_t last = sizeof(chunked) - 1;

	if (encoding == NULL || strcasecmp(encoding, chunked) == 0)
		return 0;
	if (bytes > last && strcasecmp(encoding + bytes - last, chunked) == 0 &&
		strchr(", \t", encoding[bytes - last - 1]) != NULL)
	{
		reason_set(reason, "Transfer-Encoding may be chunked alone");
		return MHD_HTTP_NOT_IMPLEMENTED;
	}
	reason_set(reason, "Transfer-Encoding must be chunked");
	return MHD_HTTP_BAD_REQUEST;
}

unsigned
http_fields_check(struct MHD_Connection *connection, const char *version,
				  char reason[HTTP_REASON_BYTES])
{
	const unsigned length = 1U << FIELD_LENGTH;
	const unsigned encoding = 1U << FIELD_ENCODING;
	FieldScan scan = {.reason = reason};

	reason[0] = '\0';
	MHD_get_connection_values_n(connection, MHD_HEADER_KIND, header_look, &scan);
	line_end_check(&scan, NULL);
	if (reason[0] == '\0')
		MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND, parameter_look, &scan);
	if (reason[0] == '\0' && (scan.seen & (length | encoding)) == (length | encoding))
		reason_set(reason, "Content-Length and Transfer-Encoding exclude each other");
	if (reason[0] == '\0' && !(scan.seen & 1U << FIELD_HOST) && strcmp(version, "HTTP/1.1") == 0)
		reason_set(reason, "Host is missing");
	return reason[0] != '\0' ? MHD_HTTP_BAD_REQUEST : encoding_check(scan.encoding, reason);
}

typedef struct QueryScan
{
	const char *const *known;
	char *reason;
} QueryScan;

static enum MHD_Result
known_look(void *context, enum MHD_ValueKind kind, const char *name, size_t bytes,
		   const char *value, size_t value_bytes)
{
	const QueryScan *scan = context;

	(void) kind;
	(void) value;
	(void) value_bytes;
	for (const char *const *known = scan->known; known != NULL && *known != NULL; known++)
	{
		size_t known_bytes = strlen(*known);
		bool is_prefix = (*known)[known_bytes - 1] == '.';

		if ((is_prefix ? bytes > known_bytes : bytes == known_bytes) &&
			memcmp(name, *known, known_bytes) == 0)
			return MHD_YES;
	}
	reason_name(scan->reason, "unknown parameter \"", name, bytes, "\" in the query");
	return MHD_NO;
}

bool
http_query_check(struct MHD_Connection *connection, const char *const *known,
				 char reason[HTTP_REASON_BYTES])
{
	QueryScan scan = {known, reason};

	reason[0] = '\0';
	MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND, known_look, &scan);
	return reason[0] == '\0';
}
