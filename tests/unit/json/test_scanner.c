/*
 * test_scanner.c
 *		The scanner against a table of texts, and against jansson on random mutations: whatever
 *		jansson takes as an object the scanner takes too, and the other way round.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "json/scanner.h"

#define MUTATIONS 200000

static const char *
member_ignore(const JsonMember *member, void *context)
{
	(void) member;
	(void) context;
	return NULL;
}

static const char *
scan(const char *text)
{
	return json_scan_object(text, strlen(text), member_ignore, NULL);
}

static void
test_accepts_valid_objects(void **state)
{
	static const char *const texts[] = {
		"{}",
		" {\t\"a\"\r\n: 1 } ",
		"{\"a\":[],\"b\":{},\"c\":[[],{},[{}]]}",
		"{\"a\":-0.1e+10,\"b\":0,\"c\":1E5,\"d\":-0}",
		"{\"a\":123456789012345678901234567890123456789,\"b\":1e400}",
		"{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\uD83D\\uDE00\"}",
		"{\"a\":true,\"b\":false,\"c\":null}",
		"{\"\xC3\xA4\":\"\xE2\x82\xAC\xF0\x9F\x98\x80\x7F\"}",
		"{\"a\":{\"b\":[1,{\"c\":[2,3]},[]]},\"d\":4}",
	};

	(void) state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_null(scan(texts[i]));
}

static const char *const invalid_texts[] = {
	"",
	" ",
	"null",
	"[]",
	"1",
	"\"a\"",
	"{",
	"}",
	"{]",
	"{\"a\"}",
	"{\"a\":}",
	"{\"a\":1,}",
	"{,}",
	"{\"a\":1 \"b\":2}",
	"{a:1}",
	"{'a':1}",
	"{\"a\":01}",
	"{\"a\":+1}",
	"{\"a\":.5}",
	"{\"a\":1.}",
	"{\"a\":1e}",
	"{\"a\":1e+}",
	"{\"a\":-}",
	"{\"a\":NaN}",
	"{\"a\":Infinity}",
	"{\"a\":tru}",
	"{\"a\":nulll}",
	"{\"a\":\"",
	"{\"a\":\"\\",
	"{\"a\":\"\\x\"}",
	"{\"a\":\"\\u12\"}",
	"{\"a\":\"\\u0000\"}",
	"{\"a\":[{\"b\\u0000\":1}]}",
	"{\"a\":\"\\ud800\"}",
	"{\"a\":\"\\ud800\\u0041\"}",
	"{\"a\":\"\\udc00\"}",
	"{\"a\":\"\t\"}",
	"{\"a\":\"\n\"}",
	"{\"a\":\"\x80\"}",
	"{\"a\":\"\xC0\x80\"}",
	"{\"a\":\"\xED\xA0\x80\"}",
	"{\"a\":\"\xF4\x90\x80\x80\"}",
	"{\"a\":\"\xE2\x82\"}",
	"{\"a\":\"\xF0\x80\x80\x80\"}",
	"{\"a\":\"\xF5\x80\x80\x80\"}",
	"{}{}",
	"{} x",
	"{\"a\":[1}",
	"{\"a\":[1,]}",
	"{\"a\":[1 2]}",
	"{\"a\":{\"b\"}}",
	"{\"a\":{\"b\":1]}}",
	"{\"a\":[}",
};

static void
test_refuses_invalid_texts(void **state)
{
	(void) state;
	for (size_t i = 0; i < sizeof(invalid_texts) / sizeof(invalid_texts[0]); i++)
		if (scan(invalid_texts[i]) == NULL)
			fail_msg("accepted: %s", invalid_texts[i]);
	assert_non_null(json_scan_object("{\"a\":\"\0\"}", 9, member_ignore, NULL));
	assert_non_null(json_scan_object("{\"a\":1}\0", 8, member_ignore, NULL));
}

/* {"a":[[..1..]]} with so many brackets. */
static const char *
scan_nested(size_t depth)
{
	size_t length = 5 + depth + 1 + depth + 1;
	char *text = malloc(length);

	assert_non_null(text);
	memcpy(text, "{\"a\":", 5);
	memset(text + 5, '[', depth);
	text[5 + depth] = '1';
	memset(text + 6 + depth, ']', depth);
	text[length - 1] = '}';

	const char *reason = json_scan_object(text, length, member_ignore, NULL);

	free(text);
	return reason;
}

static void
test_bounds_depth(void **state)
{
	(void) state;
	assert_null(scan_nested(JSON_DEPTH_MAX));
	assert_string_equal(scan_nested(JSON_DEPTH_MAX + 1), "nested too deeply");
}

typedef struct Members
{
	size_t count;
	JsonMember member[8];
} Members;

static const char *
member_collect(const JsonMember *member, void *context)
{
	Members *members = context;

	members->member[members->count++] = *member;
	return members->count == 8 ? "enough" : NULL;
}

static void
assert_slice(JsonSlice slice, const char *text)
{
	assert_int_equal(slice.length, strlen(text));
	assert_memory_equal(slice.bytes, text, slice.length);
}

static void
test_reports_members_of_the_outermost_object(void **state)
{
	const char *text =
		"{\"a\": \"x\\ty\", \"b\":[{\"c\":1},2] ,\"d\":{\"e\":{}},\"f\":-1.5,\"g\":null}";
	Members members = {.count = 0};

	(void) state;
	assert_null(json_scan_object(text, strlen(text), member_collect, &members));
	assert_int_equal(members.count, 5);
	assert_slice(members.member[0].name, "a");
	assert_slice(members.member[0].value, "x\\ty");
	assert_int_equal(members.member[1].kind, JSON_ARRAY_VALUE);
	assert_slice(members.member[1].value, "[{\"c\":1},2]");
	assert_int_equal(members.member[2].kind, JSON_OBJECT_VALUE);
	assert_slice(members.member[2].value, "{\"e\":{}}");
	assert_int_equal(members.member[3].kind, JSON_NUMBER_VALUE);
	assert_slice(members.member[3].value, "-1.5");
	assert_int_equal(members.member[4].kind, JSON_NULL_VALUE);
}

static void
test_reports_elements_of_an_array(void **state)
{
	static const char *const refused[] = {"", "{}", "[", "[1", "[1,]", "[1 2]", "[1}", "[1] 2"};
	const char *text = " [ {\"a\":[1]} , \"x\" ,7,[]] ";
	Members members = {.count = 0};

	(void) state;
	assert_null(json_scan_array(text, strlen(text), member_collect, &members));
	assert_int_equal(members.count, 4);
	assert_int_equal(members.member[0].kind, JSON_OBJECT_VALUE);
	assert_slice(members.member[0].value, "{\"a\":[1]}");
	assert_slice(members.member[0].name, "");
	assert_int_equal(members.member[1].kind, JSON_STRING_VALUE);
	assert_slice(members.member[1].value, "x");
	assert_slice(members.member[2].value, "7");
	assert_slice(members.member[3].value, "[]");
	assert_null(json_scan_array("[]", 2, member_collect, NULL));
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_non_null(json_scan_array(refused[i], strlen(refused[i]), member_ignore, NULL));
}

static void
test_stops_at_the_functions_reason(void **state)
{
	const char *text = "{\"a\":1,\"a\":1,\"a\":1,\"a\":1,\"a\":1,\"a\":1,\"a\":1,\"a\":1,\"a\":1}";
	Members members = {.count = 0};

	(void) state;
	assert_string_equal(json_scan_object(text, strlen(text), member_collect, &members), "enough");
	assert_int_equal(members.count, 8);
}

static void
test_decodes_strings(void **state)
{
	const char *raw = "a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\u20AC\\uD83D\\uDE00z";
	const char *wanted = "a\"\\/\b\f\n\r\t\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80z";
	JsonSlice string = {raw, strlen(raw)};
	char decoded[64];

	(void) state;
	assert_int_equal(json_string_decode(string, decoded), strlen(wanted));
	assert_memory_equal(decoded, wanted, strlen(wanted));
	assert_true(json_string_equals(string, wanted));
	assert_false(json_string_equals(string, "a"));
	assert_false(json_string_equals((JsonSlice){"ab", 2}, "abc"));
	assert_false(json_string_equals((JsonSlice){"abc", 3}, "ab"));
	assert_true(json_string_equals((JsonSlice){"\\u0061b", 7}, "ab"));
	assert_true(json_string_equals((JsonSlice){"", 0}, ""));
}

/* Numbers beyond double and int64 are the one difference wanted, so the seeds have none. */
static bool
jansson_accepts(const char *text, size_t length)
{
	json_t *json = json_loadb(text, length, 0, NULL);
	bool object = json_is_object(json);

	json_decref(json);
	return object;
}

static void
test_agrees_with_jansson_on_mutations(void **state)
{
	static const char seed[] =
		"{\"a\":\"b\\u00e4\\n\xC3\xA4\",\"c\":[1,-2.5e1,true,null,{}],\"d\":{\"e\":\"\\\\\"}}";
	static const char alphabet[] = "{}[]\",:\\u0d8e1-.+ tfn\x80\xC3\xED\xF4\x01";
	uint64_t random = 42;

	(void) state;
	for (int i = 0; i < MUTATIONS; i++)
	{
		char text[sizeof(seed)];
		size_t length = sizeof(seed) - 1;

		memcpy(text, seed, sizeof(seed));
		for (int change = 0; change < 1 + i % 3; change++)
		{
			random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);

			size_t at = (size_t) (random >> 33) % length;

			if ((random >> 20 & 3) == 0)
				memmove(text + at, text + at + 1, length-- - at);
			else
				text[at] = alphabet[(random >> 24) % (sizeof(alphabet) - 1)];
		}

		/* An exact-size copy, so that a sanitizer sees every read past the end. */
		char *copy = malloc(length);
		assert_non_null(copy);
		memcpy(copy, text, length);

		bool accepted = json_scan_object(copy, length, member_ignore, NULL) == NULL;

		free(copy);
		if (accepted != jansson_accepts(text, length))
			fail_msg("scanner %s what jansson does not: %.*s", accepted ? "takes" : "refuses",
					 (int) length, text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepts_valid_objects),
		cmocka_unit_test(test_refuses_invalid_texts),
		cmocka_unit_test(test_bounds_depth),
		cmocka_unit_test(test_reports_members_of_the_outermost_object),
		cmocka_unit_test(test_reports_elements_of_an_array),
		cmocka_unit_test(test_stops_at_the_functions_reason),
		cmocka_unit_test(test_decodes_strings),
		cmocka_unit_test(test_agrees_with_jansson_on_mutations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
