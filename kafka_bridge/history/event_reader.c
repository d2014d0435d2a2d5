/*
 * event_reader.c
 *		The only reader of an event's fields: what passes here is stored, or rejected by PostgreSQL
 *		for a limit of its own; what does not pass is poison.
 *
 * An event is known by (wallet_id, version). Whether what is well-formed can be of our ledger,
 * event_credible.c says. UUIDs are canonical (lower case), because the key decides the partition
 * and so the order: two spellings of one wallet could overtake each other.
 */
#include "event_reader.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MICROSECONDS_PER_SECOND INT64_C(1000000)
#define AMOUNT_INTEGER_DIGITS	15
#define AMOUNT_DECIMALS			4

typedef struct Reader
{
	Event *event;
	uint32_t seen; /* bit n: field n of the table below has come */
	size_t next;   /* the field that follows the last one in the event's own order */
	const char *field;
} Reader;

typedef bool (*FieldCheck)(const JsonMember *member, Event *event);

typedef struct FieldRule
{
	const char *name;
	bool required;
	FieldCheck check;
	const char *wanted; /* the error's "must be ..." */
} FieldRule;

/* Of a digit in lower case: its value, with this bit; of anything else 0. */
#define IS_HEX 16
static const unsigned char hex_digits[UCHAR_MAX + 1] = {
	['0'] = IS_HEX | 0,	 ['1'] = IS_HEX | 1,  ['2'] = IS_HEX | 2,  ['3'] = IS_HEX | 3,
	['4'] = IS_HEX | 4,	 ['5'] = IS_HEX | 5,  ['6'] = IS_HEX | 6,  ['7'] = IS_HEX | 7,
	['8'] = IS_HEX | 8,	 ['9'] = IS_HEX | 9,  ['a'] = IS_HEX | 10, ['b'] = IS_HEX | 11,
	['c'] = IS_HEX | 12, ['d'] = IS_HEX | 13, ['e'] = IS_HEX | 14, ['f'] = IS_HEX | 15,
};

/* Canonical text form only: lower case, hyphens in their places. */
static bool
uuid_parse(JsonSlice text, EventUuid *uuid)
{
	static const unsigned char places[EVENT_UUID_BYTES] = {0,  2,  4,  6,  9,  11, 14, 16,
														   19, 21, 24, 26, 28, 30, 32, 34};
	const char *at = text.bytes;
	unsigned all = IS_HEX;

	if (text.length != EVENT_UUID_TEXT_BYTES || at[8] != '-' || at[13] != '-' || at[18] != '-' ||
		at[23] != '-')
		return false;
	for (size_t i = 0; i < EVENT_UUID_BYTES; i++)
	{
		unsigned high = hex_digits[(unsigned char) at[places[i]]];
		unsigned low = hex_digits[(unsigned char) at[places[i] + 1]];

		all &= high & low;
		uuid->bytes[i] = (unsigned char) (high << 4 | (low & 15));
	}
	return (all & IS_HEX) != 0;
}

static bool
uuid_check(const JsonMember *member, EventUuid *field)
{
	return member->kind == JSON_STRING_VALUE && uuid_parse(member->value, field);
}

static bool
event_id_check(const JsonMember *member, Event *event)
{
	return uuid_check(member, &event->id);
}

static bool
transaction_id_check(const JsonMember *member, Event *event)
{
	return uuid_check(member, &event->transaction);
}

static bool
wallet_id_check(const JsonMember *member, Event *event)
{
	event->wallet_id = member->value;
	return uuid_check(member, &event->wallet);
}

static bool
uuid_or_null_check(const JsonMember *member, Event *event)
{
	EventUuid ignored;

	(void) event;
	return member->kind == JSON_NULL_VALUE || uuid_check(member, &ignored);
}

static bool
user_id_check(const JsonMember *member, Event *event)
{
	event->user_id = member->value;
	return member->kind == JSON_STRING_VALUE;
}

static bool
event_type_check(const JsonMember *member, Event *event)
{
	event->event_type = member->value;
	return member->kind == JSON_STRING_VALUE && member->value.length > 0;
}

static bool
text_check(const JsonMember *member, Event *event)
{
	(void) event;
	return member->kind == JSON_STRING_VALUE;
}

static bool
text_or_null_check(const JsonMember *member, Event *event)
{
	return member->kind == JSON_NULL_VALUE || text_check(member, event);
}

static bool
metadata_check(const JsonMember *member, Event *event)
{
	(void) event;
	return member->kind == JSON_NULL_VALUE || member->kind == JSON_OBJECT_VALUE;
}

/* 0 .. 2^63 - 1, no fraction, no exponent, no sign. */
static bool
version_check(const JsonMember *member, Event *event)
{
	int64_t version = 0;

	if (member->kind != JSON_NUMBER_VALUE)
		return false;
	for (size_t i = 0; i < member->value.length; i++)
	{
		int digit = member->value.bytes[i] - '0';

		if (digit < 0 || digit > 9 || version > (INT64_MAX - digit) / 10)
			return false;
		version = version * 10 + digit;
	}
	event->version = version;
	return true;
}

/*
 * Exactly four decimals and no superfluous zero: two spellings of one amount are never both right.
 */
static bool
decimal_matches(const JsonMember *member, bool negative_allowed)
{
	const char *at = member->value.bytes;
	size_t length = member->value.length;

	if (member->kind != JSON_STRING_VALUE)
		return false;
	if (negative_allowed && length > 0 && *at == '-')
	{
		at++;
		length--;
	}
	if (length < 1 + 1 + AMOUNT_DECIMALS || length > AMOUNT_INTEGER_DIGITS + 1 + AMOUNT_DECIMALS)
		return false;

	size_t point = length - AMOUNT_DECIMALS - 1;

	if (*at == '0' && point > 1)
		return false;
	for (size_t i = 0; i < length; i++)
		if (i == point ? at[i] != '.' : (at[i] < '0' || at[i] > '9'))
			return false;
	return true;
}

static bool
amount_check(const JsonMember *member, Event *event)
{
	event->amount = member->value;
	return decimal_matches(member, false);
}

static bool
balance_check(const JsonMember *member, Event *event)
{
	(void) event;
	return decimal_matches(member, true);
}

static bool
held_check(const JsonMember *member, Event *event)
{
	(void) event;
	return decimal_matches(member, false);
}

static bool
limit_check(const JsonMember *member, Event *event)
{
	return member->kind == JSON_NULL_VALUE || held_check(member, event);
}

/* Reads exactly `digits` digits; -1 if there is anything else. */
static int
digits_read(const char *at, int digits)
{
	int value = 0;

	for (int i = 0; i < digits; i++)
	{
		if (at[i] < '0' || at[i] > '9')
			return -1;
		value = value * 10 + (at[i] - '0');
	}
	return value;
}

static int
month_days(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

/*
 * Days from 1970-01-01 in the Gregorian calendar; years count from March, so that a leap day is
 * last.
 */
static int64_t
days_since_epoch(int year, int month, int day)
{
	int64_t shifted_year = month > 2 ? year : year - 1;
	int64_t shifted_month = month > 2 ? month - 3 : month + 9;

	return shifted_year * 365 + shifted_year / 4 - shifted_year / 100 + shifted_year / 400 +
		   (shifted_month * 153 + 2) / 5 + day - 1 - 719468;
}

/* YYYY-MM-DDTHH:MM:SS[.ffffff]Z, one to six digits of fraction. */
static bool
time_parse(JsonSlice text, int64_t *microseconds)
{
	const char *at = text.bytes;

	if (text.length < 20 || text.length > 27 || at[4] != '-' || at[7] != '-' || at[10] != 'T' ||
		at[13] != ':' || at[16] != ':' || at[text.length - 1] != 'Z')
		return false;

	int year = digits_read(at, 4);
	int month = digits_read(at + 5, 2);
	int day = digits_read(at + 8, 2);
	int hour = digits_read(at + 11, 2);
	int minute = digits_read(at + 14, 2);
	int second = digits_read(at + 17, 2);
	int fraction = 0;

	if (year < 1 || month < 1 || month > 12 || day < 1 || day > month_days(year, month) ||
		hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
		return false;
	if (text.length > 20)
	{
		int digits = (int) text.length - 21;

		fraction = digits > 0 ? digits_read(at + 20, digits) : -1;
		if (at[19] != '.' || fraction < 0)
			return false;
		for (; digits < 6; digits++)
			fraction *= 10;
	}
	*microseconds = ((days_since_epoch(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
	*microseconds = *microseconds * MICROSECONDS_PER_SECOND + fraction;
	return true;
}

static bool
created_at_check(const JsonMember *member, Event *event)
{
	return member->kind == JSON_STRING_VALUE && time_parse(member->value, &event->created_at_us);
}

static bool
time_or_null_check(const JsonMember *member, Event *event)
{
	int64_t ignored;

	(void) event;
	return member->kind == JSON_NULL_VALUE ||
		   (member->kind == JSON_STRING_VALUE && time_parse(member->value, &ignored));
}

#define WANTED_UUID	   "a UUID in lower case"
#define WANTED_DECIMAL "a decimal string with 4 decimals, at most 15 digits before them"
#define WANTED_TIME	   "an RFC 3339 time in UTC with at most 6 decimals and Z"

/*
 * Every field of the event, in the event's own order: the search goes on where the last one ended.
 */
static const FieldRule field_rules[] = {
	{"event_id", true, event_id_check, WANTED_UUID},
	{"event_type", true, event_type_check, "a string that is not empty"},
	{"transaction_id", true, transaction_id_check, WANTED_UUID},
	{"wallet_id", true, wallet_id_check, WANTED_UUID},
	{"user_id", true, user_id_check, "a string"},
	{"version", true, version_check, "an integer from 0 to 9223372036854775807"},
	{"amount", true, amount_check, WANTED_DECIMAL ", not negative"},
	{"balance", false, balance_check, WANTED_DECIMAL},
	{"held", false, held_check, WANTED_DECIMAL ", not negative"},
	{"currency", false, text_check, "a string"},
	{"counterparty_wallet_id", false, uuid_or_null_check, WANTED_UUID " or null"},
	{"hold_id", false, uuid_or_null_check, WANTED_UUID " or null"},
	{"created_at", true, created_at_check, WANTED_TIME},
	{"metadata", false, metadata_check, "an object or null"},
	{"status", false, text_or_null_check, "a string or null"},
	{"credit_limit", false, limit_check, WANTED_DECIMAL ", not negative, or null"},
	{"max_balance", false, limit_check, WANTED_DECIMAL ", not negative, or null"},
	{"expires_at", false, time_or_null_check, WANTED_TIME ", or null"},
	{"reverses", false, uuid_or_null_check, WANTED_UUID " or null"},
};

#define FIELD_COUNT (sizeof(field_rules) / sizeof(field_rules[0]))

_Static_assert(FIELD_COUNT <= 32, "the bits of Reader.seen");

/* The field's place in the table, or FIELD_COUNT; `hint` is looked at first. */
static size_t
field_find(JsonSlice name, size_t hint)
{
	for (size_t i = 0; i < FIELD_COUNT; i++)
	{
		size_t field = (hint + i) % FIELD_COUNT;

		if (json_string_equals(name, field_rules[field].name))
			return field;
	}
	return FIELD_COUNT;
}

static const char *
member_read(const JsonMember *member, void *context)
{
	Reader *reader = context;
	size_t field = field_find(member->name, reader->next);

	if (field == FIELD_COUNT)
		return NULL;
	reader->field = field_rules[field].name;
	reader->next = field + 1;
	if ((reader->seen & UINT32_C(1) << field) != 0)
		return "given once";
	reader->seen |= UINT32_C(1) << field;
	if (!field_rules[field].check(member, reader->event))
		return field_rules[field].wanted;
	reader->field = NULL;
	return NULL;
}

__attribute__((format(printf, 3, 4))) static bool
fault_set(EventFault *fault, EventFaultKind kind, const char *format, ...)
{
	va_list arguments;

	fault->kind = kind;
	va_start(arguments, format);
	vsnprintf(fault->reason, sizeof(fault->reason), format, arguments);
	va_end(arguments);
	return false;
}

static bool
fields_complete(const Reader *reader, EventFault *fault)
{
	for (size_t i = 0; i < FIELD_COUNT; i++)
		if (field_rules[i].required && (reader->seen & UINT32_C(1) << i) == 0)
			return fault_set(fault, EVENT_FAULT_FIELD, "field %s is missing", field_rules[i].name);
	return true;
}

bool
event_read(const char *key, size_t key_length, const char *value, size_t value_length, Event *event,
		   EventFault *fault)
{
	Reader reader = {.event = event};

	if (value == NULL)
		return fault_set(fault, EVENT_FAULT_TOMBSTONE, "the record has no value");
	if (key == NULL || key_length == 0)
		return fault_set(fault, EVENT_FAULT_NO_KEY, "the record has no key");

	const char *reason = json_scan_object(value, value_length, member_read, &reader);

	if (reason != NULL && reader.field != NULL)
		return fault_set(fault, EVENT_FAULT_FIELD, "field %s must be %s", reader.field, reason);
	if (reason != NULL)
		return fault_set(fault, EVENT_FAULT_NOT_JSON, "not valid JSON: %s", reason);
	if (!fields_complete(&reader, fault))
		return false;
	if (key_length != event->wallet_id.length ||
		memcmp(key, event->wallet_id.bytes, key_length) != 0)
		return fault_set(fault, EVENT_FAULT_KEY, "the key is not the event's wallet_id");
	event->record = (JsonSlice){value, value_length};
	return true;
}

const char *
event_fault_name(EventFaultKind kind)
{
	static const char *const names[] = {
		[EVENT_FAULT_TOMBSTONE] = "Tombstone",	  [EVENT_FAULT_NO_KEY] = "MissingKey",
		[EVENT_FAULT_NOT_JSON] = "MalformedJson", [EVENT_FAULT_FIELD] = "InvalidField",
		[EVENT_FAULT_KEY] = "KeyMismatch",		  [EVENT_FAULT_ID] = "InvalidEventId",
		[EVENT_FAULT_SOURCE] = "foreign_source",
	};

	return names[kind];
}
