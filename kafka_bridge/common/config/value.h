/*
 * value.h
 *		Values of options: from text to the type in the table, and back to text. Pure.
 */
#pragma once

#include "config/config.h"

#define CONFIG_VALUE_TEXT_BYTES 64

/*
 * Parses text into target, which holds zeroes or a value of this type. The error says what would
 * be right and has no class yet: the caller knows where the text came from. Not for
 * CONFIG_PROPERTIES.
 */
bool config_value_parse(const ConfigOption *option, const char *text, void *target, char *error,
						size_t error_bytes);

/* Frees what the value owns and zeroes it. */
void config_value_free(const ConfigOption *option, void *target);

/* 5000 of CONFIG_DURATION is "5s", 1024 of CONFIG_BYTES "1kB"; other types plain decimals. */
void config_number_print(ConfigType type, int64_t number, char *text, size_t bytes);

/* "NUMBER", "DURATION" ...: the word for the value in --help. */
const char *config_type_word(const ConfigOption *option);

/* "one of debug, info", "1 to 65535", or "" where anything goes. */
void config_range_print(const ConfigOption *option, char *text, size_t bytes);

/* Sets or replaces; keeps the order by name. False when out of memory. */
bool config_property_set(ConfigProperties *properties, const char *name, const char *value);
