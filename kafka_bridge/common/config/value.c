/*
 * value.c
 *		Text to values and back. Pure.
 */
#include "config/value.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/secret.h"

typedef struct Unit
{
	const char *name;
	int64_t factor;
} Unit;

/* Largest first, so that printing finds the largest that divides. The first name is printed. */
static const Unit duration_units[] = {
	{"d", 86400000}, {"h", 3600000}, {"min", 60000}, {"s", 1000}, {"ms", 1}, {NULL, 0},
};

static const Unit byte_units[] = {
	{"GB", 1 << 30}, {"GiB", 1 << 30}, {"MB", 1 << 20}, {"MiB", 1 << 20},
	{"kB", 1 << 10}, {"KiB", 1 << 10}, {"B", 1},		{NULL, 0},
};

static const Unit no_units[] = {{NULL, 0}};

static const Unit *
type_units(ConfigType type)
{
	if (type == CONFIG_DURATION)
		return duration_units;
	return type == CONFIG_BYTES ? byte_units : no_units;
}

/* The factor of a unit, 1 for none at all, 0 for an unknown one. */
static int64_t
unit_factor(const Unit *units, const char *name)
{
	if (*name == '\0')
		return 1;
	for (const Unit *unit = units; unit->name != NULL; unit++)
		if (strcasecmp(unit->name, name) == 0)
			return unit->factor;
	return 0;
}

static bool
number_parse(const ConfigOption *option, const char *text, int64_t *number)
{
	char *end = NULL;

	if (!isdigit((unsigned char) text[0]) && !(text[0] == '-' && isdigit((unsigned char) text[1])))
		return false;
	errno = 0;

	long long parsed = strtoll(text, &end, 10);

	if (errno != 0)
		return false;
	while (*end == ' ')
		end++;

	int64_t factor = unit_factor(type_units(option->type), end);

	return factor != 0 && !__builtin_mul_overflow((int64_t) parsed, factor, number);
}

static bool
boolean_parse(const char *text, bool *value)
{
	static const char *const words[][2] = {{"off", "on"},
										   {"false", "true"},
										   {"no", "yes"},
										   {"0", "1"}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		for (int j = 0; j < 2; j++)
			if (strcasecmp(text, words[i][j]) == 0)
			{
				*value = j == 1;
				return true;
			}
	return false;
}

static bool
choice_parse(const ConfigOption *option, const char *text, int *value)
{
	for (const ConfigChoice *choice = option->choices; choice->name != NULL; choice++)
		if (strcasecmp(text, choice->name) == 0)
		{
			*value = choice->value;
			return true;
		}
	return false;
}

static bool
number_store(const ConfigOption *option, const char *text, int64_t *target)
{
	int64_t number = 0;
	bool bounded = option->minimum != 0 || option->maximum != 0;

	if (!number_parse(option, text, &number) ||
		(bounded && (number < option->minimum || number > option->maximum)))
		return false;
	*target = number;
	return true;
}

static bool
string_store(const char *text, char **target)
{
	char *copy = strdup(text);

	if (copy == NULL)
		return false;
	free(*target);
	*target = copy;
	return true;
}

static void
error_print(const ConfigOption *option, const char *text, char *error, size_t error_bytes)
{
	char range[512];
	char masked[256];
	int64_t number = 0;
	const char *word = option->type == CONFIG_ENUM ? "choice" : config_type_word(option);
	bool is_number = option->type == CONFIG_INTEGER || option->type == CONFIG_DURATION ||
					 option->type == CONFIG_BYTES;

	/* A password in the wrong variable is a password still. */
	secret_text_mask(text, masked, sizeof(masked));
	config_range_print(option, range, sizeof(range));
	if (is_number && number_parse(option, text, &number))
		snprintf(error, error_bytes, "\"%s\" is out of range: expected %s", masked, range);
	else
		snprintf(error, error_bytes, "\"%s\" is not a %s%s%s", masked, word,
				 range[0] != '\0' ? ": expected " : "", range);
}

bool
config_value_parse(const ConfigOption *option, const char *text, void *target, char *error,
				   size_t error_bytes)
{
	bool parsed = false;

	switch (option->type)
	{
		case CONFIG_STRING:
		case CONFIG_SECRET:
		case CONFIG_URL:
			if (string_store(text, target))
				return true;
			snprintf(error, error_bytes, "out of memory");
			return false;
		case CONFIG_INTEGER:
		case CONFIG_DURATION:
		case CONFIG_BYTES:
			parsed = number_store(option, text, target);
			break;
		case CONFIG_BOOLEAN:
			parsed = boolean_parse(text, target);
			break;
		case CONFIG_ENUM:
			parsed = choice_parse(option, text, target);
			break;
		case CONFIG_PROPERTIES:
			break;
	}
	if (!parsed)
		error_print(option, text, error, error_bytes);
	return parsed;
}

static void
properties_free(ConfigProperties *properties)
{
	for (size_t i = 0; i < properties->count; i++)
	{
		free(properties->items[i].name);
		free(properties->items[i].value);
	}
	free(properties->items);
	*properties = (ConfigProperties){0};
}

void
config_value_free(const ConfigOption *option, void *target)
{
	switch (option->type)
	{
		case CONFIG_STRING:
		case CONFIG_SECRET:
		case CONFIG_URL:
			free(*(char **) target);
			*(char **) target = NULL;
			break;
		case CONFIG_PROPERTIES:
			properties_free(target);
			break;
		case CONFIG_INTEGER:
		case CONFIG_DURATION:
		case CONFIG_BYTES:
			*(int64_t *) target = 0;
			break;
		case CONFIG_BOOLEAN:
			*(bool *) target = false;
			break;
		case CONFIG_ENUM:
			*(int *) target = 0;
			break;
	}
}

void
config_number_print(ConfigType type, int64_t number, char *text, size_t bytes)
{
	for (const Unit *unit = type_units(type); unit->name != NULL; unit++)
		if (number != 0 && number % unit->factor == 0)
		{
			snprintf(text, bytes, "%" PRId64 "%s", number / unit->factor, unit->name);
			return;
		}
	snprintf(text, bytes, "%" PRId64, number);
}

const char *
config_type_word(const ConfigOption *option)
{
	if (option->value_name != NULL)
		return option->value_name;
	switch (option->type)
	{
		case CONFIG_STRING:
		case CONFIG_SECRET:
			return "TEXT";
		case CONFIG_URL:
			return "URL";
		case CONFIG_INTEGER:
			return "NUMBER";
		case CONFIG_BOOLEAN:
			return "on|off";
		case CONFIG_ENUM:
			return "CHOICE";
		case CONFIG_DURATION:
			return "DURATION";
		case CONFIG_BYTES:
			return "BYTES";
		case CONFIG_PROPERTIES:
			return "NAME=VALUE";
	}
	return "VALUE";
}

static void
choices_print(const ConfigOption *option, char *text, size_t bytes)
{
	size_t used = (size_t) snprintf(text, bytes, "one of ");

	for (const ConfigChoice *choice = option->choices; choice->name != NULL && used < bytes;
		 choice++)
		used += (size_t) snprintf(text + used, bytes - used, "%s%s",
								  choice == option->choices ? "" : ", ", choice->name);
}

void
config_range_print(const ConfigOption *option, char *text, size_t bytes)
{
	char minimum[CONFIG_VALUE_TEXT_BYTES];
	char maximum[CONFIG_VALUE_TEXT_BYTES];

	text[0] = '\0';
	if (option->type == CONFIG_ENUM)
		choices_print(option, text, bytes);
	else if (option->minimum != 0 || option->maximum != 0)
	{
		config_number_print(option->type, option->minimum, minimum, sizeof(minimum));
		config_number_print(option->type, option->maximum, maximum, sizeof(maximum));
		snprintf(text, bytes, "%s to %s", minimum, maximum);
	}
}

/* Where name stands, or would stand. */
static size_t
property_position(const ConfigProperties *properties, const char *name, bool *found)
{
	size_t position = 0;

	while (position < properties->count && strcmp(properties->items[position].name, name) < 0)
		position++;
	*found = position < properties->count && strcmp(properties->items[position].name, name) == 0;
	return position;
}

static bool
property_insert(ConfigProperties *properties, size_t position, const char *name)
{
	char *name_copy = strdup(name);
	ConfigProperty *items =
		realloc(properties->items, (properties->count + 1) * sizeof(ConfigProperty));

	if (items != NULL)
		properties->items = items;
	if (items == NULL || name_copy == NULL)
	{
		free(name_copy);
		return false;
	}
	memmove(items + position + 1, items + position,
			(properties->count - position) * sizeof(ConfigProperty));
	items[position] = (ConfigProperty){.name = name_copy};
	properties->count++;
	return true;
}

bool
config_property_set(ConfigProperties *properties, const char *name, const char *value)
{
	bool found = false;
	size_t position = property_position(properties, name, &found);
	char *value_copy = strdup(value);

	if (value_copy == NULL || (!found && !property_insert(properties, position, name)))
	{
		free(value_copy);
		return false;
	}
	free(properties->items[position].value);
	properties->items[position].value = value_copy;
	return true;
}

const char *
config_property_get(const ConfigProperties *properties, const char *name)
{
	bool found = false;
	size_t position = property_position(properties, name, &found);

	return found ? properties->items[position].value : NULL;
}
