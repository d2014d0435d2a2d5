/*
 * route.c
 *		Matching of paths against patterns, segment by segment. Pure.
 */
#include "http/route.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* The next segment of a path or pattern, without its slash. */
typedef struct Segment
{
	const char *at;
	size_t bytes;
} Segment;

/* False at the end. Moves *rest behind the segment. */
static bool
segment_next(const char **rest, Segment *segment)
{
	if (**rest != '/')
		return false;
	segment->at = *rest + 1;
	segment->bytes = strcspn(segment->at, "/");
	*rest = segment->at + segment->bytes;
	return true;
}

static int
hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	digit = (char) tolower((unsigned char) digit);
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* Decodes a segment; false for a bad escape, %00, or a value that is too long. */
static bool
segment_decode(const Segment *segment, char *value, size_t bytes)
{
	size_t used = 0;

	for (size_t i = 0; i < segment->bytes; i++)
	{
		char byte = segment->at[i];

		if (byte == '%')
		{
			if (i + 2 >= segment->bytes)
				return false;

			int high = hex_value(segment->at[i + 1]);
			int low = high < 0 ? -1 : hex_value(segment->at[i + 2]);

			if (high < 0 || low < 0 || high * 16 + low == 0)
				return false;
			byte = (char) (high * 16 + low);
			i += 2;
		}
		if (used + 1 >= bytes)
			return false;
		value[used++] = byte;
	}
	value[used] = '\0';
	return true;
}

static bool
parameter_match(const Segment *pattern, const Segment *path, HttpMatch *match)
{
	if (path->bytes == 0 || match->parameter_count == HTTP_PARAMETERS_MAX)
		return false;

	HttpParameter *parameter = &match->parameters[match->parameter_count];

	if (!segment_decode(path, parameter->value, sizeof(parameter->value)))
		return false;
	snprintf(parameter->name, sizeof(parameter->name), "%.*s", (int) pattern->bytes - 2,
			 pattern->at + 1);
	match->parameter_count++;
	return true;
}

static bool
segment_is_parameter(const Segment *segment)
{
	return segment->bytes > 2 && segment->at[0] == '{' && segment->at[segment->bytes - 1] == '}';
}

/* Fills the parameters; *words counts the segments that matched literally. */
static bool
pattern_match(const char *pattern, const char *path, HttpMatch *match, size_t *words)
{
	Segment expected;
	Segment given;

	match->parameter_count = 0;
	*words = 0;
	while (segment_next(&pattern, &expected))
	{
		if (!segment_next(&path, &given))
			return false;
		if (segment_is_parameter(&expected))
		{
			if (!parameter_match(&expected, &given, match))
				return false;
		}
		else if (expected.bytes != given.bytes || memcmp(expected.at, given.at, given.bytes) != 0)
			return false;
		else
			(*words)++;
	}
	return *path == '\0';
}

static bool
method_match(const char *offered, const char *asked)
{
	return strcmp(offered, asked) == 0 ||
		   (strcmp(offered, "GET") == 0 && strcmp(asked, "HEAD") == 0);
}

static void
allow_append(char *allow, size_t bytes, const char *method)
{
	size_t used = strlen(allow);

	if (strstr(allow, method) != NULL)
		return;
	snprintf(allow + used, bytes - used, "%s%s%s", used > 0 ? ", " : "", method,
			 strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

HttpMatchResult
http_route_match(const HttpRoute *routes, size_t route_count, const char *method, const char *path,
				 HttpMatch *match)
{
	size_t best_words = 0;

	match->route = NULL;
	match->parameter_count = 0;
	match->allow[0] = '\0';
	for (size_t i = 0; i < route_count; i++)
	{
		HttpMatch candidate;
		size_t words = 0;

		if (!pattern_match(routes[i].pattern, path, &candidate, &words))
			continue;
		allow_append(match->allow, sizeof(match->allow), routes[i].method);
		if (!method_match(routes[i].method, method) ||
			(match->route != NULL && words <= best_words))
			continue;
		best_words = words;
		match->route = &routes[i];
		match->parameter_count = candidate.parameter_count;
		memcpy(match->parameters, candidate.parameters, sizeof(match->parameters));
	}
	if (match->route != NULL)
		return HTTP_MATCH_FOUND;
	return match->allow[0] != '\0' ? HTTP_MATCH_NO_METHOD : HTTP_MATCH_NO_PATH;
}
