/*
 * optional.h
 *		Values that may be absent; what is pointed to is absent where the pointer is NULL.
 */
#pragma once

#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "money.h"

typedef struct OptionalMoney
{
	bool present;
	Money value;
} OptionalMoney;

typedef struct OptionalUuid
{
	bool present;
	pg_uuid_t value;
} OptionalUuid;

typedef struct OptionalTime
{
	bool present;
	TimestampTz value;
} OptionalTime;

typedef struct OptionalInteger
{
	bool present;
	int64 value;
} OptionalInteger;

typedef struct OptionalBool
{
	bool present;
	bool value;
} OptionalBool;

static inline OptionalMoney
optional_money(Money value)
{
	return (OptionalMoney){.present = true, .value = value};
}

/* Absent where id is NULL. */
static inline OptionalUuid
optional_uuid(const pg_uuid_t *id)
{
	OptionalUuid optional = {.present = id != NULL};

	if (id != NULL)
		optional.value = *id;
	return optional;
}

static inline OptionalTime
optional_time(TimestampTz value)
{
	return (OptionalTime){.present = true, .value = value};
}

static inline OptionalInteger
optional_integer(int64 value)
{
	return (OptionalInteger){.present = true, .value = value};
}

static inline OptionalBool
optional_bool(bool value)
{
	return (OptionalBool){.present = true, .value = value};
}
