/*
 * table.h
 *		All options of a program in one array, each with the text that won so far and where that
 *		text came from. Used inside config only.
 */
#pragma once

#include "config/config.h"

typedef enum ConfigOrigin
{
	CONFIG_ORIGIN_NONE,
	CONFIG_ORIGIN_DEFAULT,
	CONFIG_ORIGIN_FILE,
	CONFIG_ORIGIN_ENVIRONMENT,
	CONFIG_ORIGIN_FLAG,
} ConfigOrigin;

/* What every program understands; a struct, so that the options of it are a table as well. */
typedef struct ConfigRequest
{
	bool help;
	bool version;
	bool check_config;
	bool print_config;
	bool options_markdown;
	char *env_file;
} ConfigRequest;

extern const ConfigGroup config_request_group;

typedef struct ConfigEntry
{
	const ConfigOption *option;
	size_t offset;				  /* in the program's configuration, or in ConfigRequest */
	const ConfigCommand *command; /* the only one it is for, or NULL */
	bool is_request;
	ConfigOrigin origin;
	char *text;					 /* owned; not for CONFIG_PROPERTIES */
	ConfigProperties properties; /* owned; CONFIG_PROPERTIES only */
} ConfigEntry;

typedef struct ConfigTable
{
	ConfigEntry *entries;
	size_t count;
} ConfigTable;

/* False when out of memory; free it in any case. */
bool config_table_fill(ConfigTable *table, const ConfigProgram *program);
void config_table_free(ConfigTable *table);

/*
 * The entry of a flag (bytes long, without dashes), for this command if several have it; NULL: none
 * at all. command may be NULL: any.
 */
ConfigEntry *config_table_find(const ConfigTable *table, const char *flag, size_t bytes,
							   const ConfigCommand *command);

/* Whether an entry counts when this command is run. */
bool config_entry_applies(const ConfigEntry *entry, const ConfigCommand *command);

/* Replaces the text if origin is at least as strong as the one before. False: out of memory. */
bool config_entry_set(ConfigEntry *entry, ConfigOrigin origin, const char *text);

/* "environment", "flag" ... */
const char *config_origin_name(ConfigOrigin origin);
