/*
 * scanner.c
 *		Strict JSON validation without recursion, allocation or conversion of numbers.
 *
 * Why not the JSON library the other rooms use: metadata may hold any number that jsonb holds, and
 * a library that turns numbers into double or int64 refuses a good event for it. Here a number is
 * checked for its form only, and PostgreSQL keeps its exact value.
 */
#include "json/scanner.h"

#include <stdint.h>
#include <string.h>

typedef struct Scanner
{
	const char *at;
	const char *end;
	const char *reason; /* first thing refused, NULL so far */
} Scanner;

/* One bit a level: set where the container is an object. */
typedef struct ContainerStack
{
	size_t depth;
	uint64_t objects[JSON_DEPTH_MAX / 64];
} ContainerStack;

static bool
refuse(Scanner *scanner, const char *reason)
{
	if (scanner->reason == NULL)
		scanner->reason = reason;
	return false;
}

static void
skip_space(Scanner *scanner)
{
	while (scanner->at < scanner->end && (*scanner->at == ' ' || *scanner->at == '\t' ||
										  *scanner->at == '\n' || *scanner->at == '\r'))
		scanner->at++;
}

static bool
skip_byte(Scanner *scanner, char byte)
{
	if (scanner->at == scanner->end || *scanner->at != byte)
		return false;
	scanner->at++;
	return true;
}

static int
hex_digit(char byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	if (byte >= 'a' && byte <= 'f')
		return byte - 'a' + 10;
	if (byte >= 'A' && byte <= 'F')
		return byte - 'A' + 10;
	return -1;
}

/* The code unit of four hex digits, or -1. */
static int32_t
hex_unit(const char *digits, const char *end)
{
	if (end - digits < 4)
		return -1;

	int32_t unit = 0;

	for (int i = 0; i < 4; i++)
	{
		int digit = hex_digit(digits[i]);

		if (digit < 0)
			return -1;
		unit = unit * 16 + digit;
	}
	return unit;
}

static bool
is_high_surrogate(int32_t unit)
{
	return unit >= 0xD800 && unit <= 0xDBFF;
}

static bool
is_low_surrogate(int32_t unit)
{
	return unit >= 0xDC00 && unit <= 0xDFFF;
}

/* At the first hex digit of \uXXXX; passes it, and the second half of a surrogate pair. */
static bool
scan_unicode_escape(Scanner *scanner)
{
	int32_t unit = hex_unit(scanner->at, scanner->end);

	if (unit < 0)
		return refuse(scanner, "malformed \\u escape in a string");
	if (unit == 0)
		return refuse(scanner, "\\u0000 in a string");
	scanner->at += 4;
	if (is_low_surrogate(unit))
		return refuse(scanner, "half of a surrogate pair in a string");
	if (!is_high_surrogate(unit))
		return true;
	if (scanner->end - scanner->at < 6 || scanner->at[0] != '\\' || scanner->at[1] != 'u' ||
		!is_low_surrogate(hex_unit(scanner->at + 2, scanner->end)))
		return refuse(scanner, "half of a surrogate pair in a string");
	scanner->at += 6;
	return true;
}

static bool
scan_escape(Scanner *scanner)
{
	if (scanner->at == scanner->end)
		return refuse(scanner, "unterminated string");
	switch (*scanner->at++)
	{
		case '"':
		case '\\':
		case '/':
		case 'b':
		case 'f':
		case 'n':
		case 'r':
		case 't':
			return true;
		case 'u':
			return scan_unicode_escape(scanner);
		default:
			return refuse(scanner, "unknown escape in a string");
	}
}

/* At a byte above 0x7F: passes one UTF-8 sequence; overlong forms and surrogates are refused. */
static bool
scan_utf8(Scanner *scanner)
{
	const unsigned char *byte = (const unsigned char *) scanner->at;
	size_t left = (size_t) (scanner->end - scanner->at);
	size_t length = byte[0] >= 0xF0 ? 4 : byte[0] >= 0xE0 ? 3 : 2;
	unsigned char low = 0x80; /* bounds of the second byte */
	unsigned char high = 0xBF;

	if (byte[0] < 0xC2 || byte[0] > 0xF4 || left < length)
		return refuse(scanner, "invalid UTF-8");
	if (byte[0] == 0xE0)
		low = 0xA0;
	else if (byte[0] == 0xED)
		high = 0x9F;
	else if (byte[0] == 0xF0)
		low = 0x90;
	else if (byte[0] == 0xF4)
		high = 0x8F;
	if (byte[1] < low || byte[1] > high)
		return refuse(scanner, "invalid UTF-8");
	for (size_t i = 2; i < length; i++)
		if ((byte[i] & 0xC0) != 0x80)
			return refuse(scanner, "invalid UTF-8");
	scanner->at += length;
	return true;
}

/* Passes the bytes of a string that stand for themselves: the inner loop of the scan. */
static void
skip_plain(Scanner *scanner)
{
	const char *at = scanner->at;

	while (at < scanner->end && *at != '"' && *at != '\\' && (signed char) *at >= 0x20)
		at++;
	scanner->at = at;
}

/* After the opening quote; passes the closing one. */
static bool
scan_string(Scanner *scanner, JsonSlice *string)
{
	string->bytes = scanner->at;
	for (;;)
	{
		skip_plain(scanner);
		if (scanner->at == scanner->end)
			return refuse(scanner, "unterminated string");

		unsigned char byte = (unsigned char) *scanner->at;

		if (byte < 0x20)
			return refuse(scanner, "control character in a string");
		if (byte > 0x7F)
		{
			if (!scan_utf8(scanner))
				return false;
			continue;
		}
		scanner->at++;
		if (byte == '"')
			break;
		if (!scan_escape(scanner))
			return false;
	}
	string->length = (size_t) (scanner->at - 1 - string->bytes);
	return true;
}

static bool
scan_digits(Scanner *scanner)
{
	const char *first = scanner->at;

	while (scanner->at < scanner->end && *scanner->at >= '0' && *scanner->at <= '9')
		scanner->at++;
	return scanner->at > first;
}

static bool
scan_number(Scanner *scanner)
{
	skip_byte(scanner, '-');
	if (!skip_byte(scanner, '0') && !scan_digits(scanner))
		return refuse(scanner, "malformed value");
	if (skip_byte(scanner, '.') && !scan_digits(scanner))
		return refuse(scanner, "malformed number");
	if (skip_byte(scanner, 'e') || skip_byte(scanner, 'E'))
	{
		if (!skip_byte(scanner, '-'))
			skip_byte(scanner, '+');
		if (!scan_digits(scanner))
			return refuse(scanner, "malformed number");
	}
	return true;
}

static bool
scan_word(Scanner *scanner, const char *word)
{
	size_t length = strlen(word);

	if ((size_t) (scanner->end - scanner->at) < length || memcmp(scanner->at, word, length) != 0)
		return refuse(scanner, "malformed value");
	scanner->at += length;
	return true;
}

/* One value that is no container. */
static bool
scan_scalar(Scanner *scanner, JsonKind *kind, JsonSlice *value)
{
	bool valid;

	if (scanner->at == scanner->end)
		return refuse(scanner, "the text ends early");
	value->bytes = scanner->at;
	switch (*scanner->at)
	{
		case '"':
			*kind = JSON_STRING_VALUE;
			scanner->at++;
			return scan_string(scanner, value);
		case 't':
			*kind = JSON_BOOLEAN_VALUE;
			valid = scan_word(scanner, "true");
			break;
		case 'f':
			*kind = JSON_BOOLEAN_VALUE;
			valid = scan_word(scanner, "false");
			break;
		case 'n':
			*kind = JSON_NULL_VALUE;
			valid = scan_word(scanner, "null");
			break;
		default:
			*kind = JSON_NUMBER_VALUE;
			valid = scan_number(scanner);
	}
	value->length = (size_t) (scanner->at - value->bytes);
	return valid;
}

static bool
scan_name(Scanner *scanner, JsonSlice *name)
{
	skip_space(scanner);
	if (!skip_byte(scanner, '"'))
		return refuse(scanner, "a member's name is missing");
	if (!scan_string(scanner, name))
		return false;
	skip_space(scanner);
	if (!skip_byte(scanner, ':'))
		return refuse(scanner, "colon missing after a member's name");
	return true;
}

static bool
stack_push(ContainerStack *stack, bool object)
{
	if (stack->depth == JSON_DEPTH_MAX)
		return false;

	uint64_t bit = UINT64_C(1) << (stack->depth % 64);

	if (object)
		stack->objects[stack->depth / 64] |= bit;
	else
		stack->objects[stack->depth / 64] &= ~bit;
	stack->depth++;
	return true;
}

static bool
stack_top_is_object(const ContainerStack *stack)
{
	size_t top = stack->depth - 1;

	return (stack->objects[top / 64] >> (top % 64) & 1) != 0;
}

/* After a value: passes commas' and containers' ends; sets *more where a value must follow. */
static bool
scan_after_value(Scanner *scanner, ContainerStack *stack, bool *more)
{
	JsonSlice name;

	*more = false;
	while (stack->depth > 0)
	{
		bool object = stack_top_is_object(stack);

		skip_space(scanner);
		if (skip_byte(scanner, ','))
		{
			*more = true;
			return !object || scan_name(scanner, &name);
		}
		if (!skip_byte(scanner, object ? '}' : ']'))
			return refuse(scanner, "comma or end missing in an object or array");
		stack->depth--;
	}
	return true;
}

/* At the first byte of a value; enters containers up to the first scalar or empty container. */
static bool
scan_down(Scanner *scanner, ContainerStack *stack)
{
	JsonKind kind;
	JsonSlice slice;

	for (;;)
	{
		skip_space(scanner);

		bool object = skip_byte(scanner, '{');

		if (!object && !skip_byte(scanner, '['))
			return scan_scalar(scanner, &kind, &slice);
		skip_space(scanner);
		if (skip_byte(scanner, object ? '}' : ']'))
			return true;
		if (!stack_push(stack, object))
			return refuse(scanner, "nested too deeply");
		if (object && !scan_name(scanner, &slice))
			return false;
	}
}

static bool
scan_container(Scanner *scanner, JsonSlice *value)
{
	/* Only levels below depth are ever read. */
	ContainerStack stack;
	bool more = true;

	stack.depth = 0;
	value->bytes = scanner->at;
	while (more)
		if (!scan_down(scanner, &stack) || !scan_after_value(scanner, &stack, &more))
			return false;
	value->length = (size_t) (scanner->at - value->bytes);
	return true;
}

/* The kind and the value of a member or an element. */
static bool
scan_value(Scanner *scanner, JsonMember *member)
{
	skip_space(scanner);
	if (scanner->at < scanner->end && (*scanner->at == '{' || *scanner->at == '['))
	{
		member->kind = *scanner->at == '{' ? JSON_OBJECT_VALUE : JSON_ARRAY_VALUE;
		return scan_container(scanner, &member->value);
	}
	return scan_scalar(scanner, &member->kind, &member->value);
}

/* Up to the end of the outermost object or array. */
static bool
scan_members(Scanner *scanner, bool object, JsonMemberFunction function, void *context)
{
	do
	{
		JsonMember member = {.name = {"", 0}};

		if ((object && !scan_name(scanner, &member.name)) || !scan_value(scanner, &member))
			return false;

		const char *reason = function(&member, context);

		if (reason != NULL)
			return refuse(scanner, reason);
		skip_space(scanner);
	} while (skip_byte(scanner, ','));
	if (!skip_byte(scanner, object ? '}' : ']'))
		return refuse(scanner, "comma or end missing in an object or array");
	return true;
}

const char *
json_scan_object(const char *text, size_t length, JsonMemberFunction function, void *context)
{
	Scanner scanner = {.at = text, .end = text + length};

	skip_space(&scanner);
	if (!skip_byte(&scanner, '{'))
		return "not a JSON object";
	skip_space(&scanner);
	if (!skip_byte(&scanner, '}') && !scan_members(&scanner, true, function, context))
		return scanner.reason;
	skip_space(&scanner);
	return scanner.at == scanner.end ? NULL : "text after the JSON object";
}

const char *
json_scan_array(const char *text, size_t length, JsonMemberFunction function, void *context)
{
	Scanner scanner = {.at = text, .end = text + length};

	skip_space(&scanner);
	if (!skip_byte(&scanner, '['))
		return "not a JSON array";
	skip_space(&scanner);
	if (!skip_byte(&scanner, ']') && !scan_members(&scanner, false, function, context))
		return scanner.reason;
	skip_space(&scanner);
	return scanner.at == scanner.end ? NULL : "text after the JSON array";
}

static size_t
utf8_encode(uint32_t code, char *to)
{
	if (code < 0x80)
	{
		to[0] = (char) code;
		return 1;
	}
	if (code < 0x800)
	{
		to[0] = (char) (0xC0 | code >> 6);
		to[1] = (char) (0x80 | (code & 0x3F));
		return 2;
	}
	if (code < 0x10000)
	{
		to[0] = (char) (0xE0 | code >> 12);
		to[1] = (char) (0x80 | (code >> 6 & 0x3F));
		to[2] = (char) (0x80 | (code & 0x3F));
		return 3;
	}
	to[0] = (char) (0xF0 | code >> 18);
	to[1] = (char) (0x80 | (code >> 12 & 0x3F));
	to[2] = (char) (0x80 | (code >> 6 & 0x3F));
	to[3] = (char) (0x80 | (code & 0x3F));
	return 4;
}

/* One escape of a scanned string, from the byte after the backslash; advances *at past it. */
static size_t
escape_decode(const char **at, const char *end, char *to)
{
	static const char letters[] = "bfnrt";
	static const char values[] = "\b\f\n\r\t";
	char letter = *(*at)++;

	if (letter == 'u')
	{
		uint32_t code = (uint32_t) hex_unit(*at, end);

		*at += 4;
		if (is_high_surrogate((int32_t) code))
		{
			uint32_t low = (uint32_t) hex_unit(*at + 2, end);

			code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
			*at += 6;
		}
		return utf8_encode(code, to);
	}

	const char *found = strchr(letters, letter);

	to[0] = found != NULL ? values[found - letters] : letter;
	return 1;
}

size_t
json_string_decode(JsonSlice string, char *to)
{
	const char *at = string.bytes;
	const char *end = string.bytes + string.length;
	size_t written = 0;

	while (at < end)
	{
		if (*at != '\\')
			to[written++] = *at++;
		else
		{
			at++;
			written += escape_decode(&at, end, to + written);
		}
	}
	return written;
}

bool
json_string_equals(JsonSlice string, const char *text)
{
	const char *at = string.bytes;
	const char *end = string.bytes + string.length;

	/* The only path that real events take. */
	if (memchr(string.bytes, '\\', string.length) == NULL)
		return strlen(text) == string.length && memcmp(string.bytes, text, string.length) == 0;
	while (at < end)
	{
		char decoded[4];
		size_t length = 1;

		decoded[0] = *at++;
		if (decoded[0] == '\\')
			length = escape_decode(&at, end, decoded);
		if (strncmp(decoded, text, length) != 0)
			return false;
		text += length;
	}
	return *text == '\0';
}
