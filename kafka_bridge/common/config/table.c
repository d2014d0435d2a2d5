/*
 * table.c
 *		Flattens the groups and sub-commands of a program into one array of entries.
 */
#include "config/table.h"

#include <stdlib.h>
#include <string.h>

#include "config/value.h"

static const ConfigOption request_options[] = {
	{.flag = "help",
	 .type = CONFIG_BOOLEAN,
	 .offset = offsetof(ConfigRequest, help),
	 .help = "Print this and exit; after a command, its own options."},
	{.flag = "version",
	 .type = CONFIG_BOOLEAN,
	 .offset = offsetof(ConfigRequest, version),
	 .help = "Print the version and exit."},
	{.flag = "check-config",
	 .type = CONFIG_BOOLEAN,
	 .offset = offsetof(ConfigRequest, check_config),
	 .help = "Check the configuration, connect to nothing, and exit."},
	{.flag = "print-config",
	 .type = CONFIG_BOOLEAN,
	 .offset = offsetof(ConfigRequest, print_config),
	 .help = "Print the configuration with its sources, secrets masked, and exit."},
	{.flag = "options-markdown",
	 .type = CONFIG_BOOLEAN,
	 .offset = offsetof(ConfigRequest, options_markdown),
	 .help = "Print the tables of options and metrics as Markdown and exit."},
	{.flag = "env-file",
	 .type = CONFIG_STRING,
	 .value_name = "FILE",
	 .offset = offsetof(ConfigRequest, env_file),
	 .help = "File of NAME=value lines; .env in the working directory unless given."},
	CONFIG_OPTIONS_END,
};

const ConfigGroup config_request_group = {.title = "General", .options = request_options};

static bool
option_is_end(const ConfigOption *option)
{
	return option->flag == NULL && option->environment == NULL;
}

static bool
options_append(ConfigTable *table, const ConfigOption *options, ConfigEntry model)
{
	for (const ConfigOption *option = options; option != NULL && !option_is_end(option); option++)
	{
		ConfigEntry *entries = realloc(table->entries, (table->count + 1) * sizeof(ConfigEntry));

		if (entries == NULL)
			return false;
		table->entries = entries;
		entries[table->count] = model;
		entries[table->count].option = option;
		entries[table->count].offset = model.offset + option->offset;
		table->count++;
	}
	return true;
}

bool
config_table_fill(ConfigTable *table, const ConfigProgram *program)
{
	*table = (ConfigTable){0};
	for (const ConfigCommand *command = program->commands; command != NULL && command->name != NULL;
		 command++)
		if (!options_append(table, command->options, (ConfigEntry){.command = command}))
			return false;
	for (const ConfigGroup *group = program->groups; group->options != NULL; group++)
		if (!options_append(table, group->options, (ConfigEntry){.offset = group->offset}))
			return false;
	return options_append(table, request_options, (ConfigEntry){.is_request = true});
}

void
config_table_free(ConfigTable *table)
{
	for (size_t i = 0; i < table->count; i++)
	{
		ConfigEntry *entry = &table->entries[i];

		free(entry->text);
		config_value_free(&(const ConfigOption){.type = CONFIG_PROPERTIES}, &entry->properties);
	}
	free(table->entries);
	*table = (ConfigTable){0};
}

bool
config_entry_applies(const ConfigEntry *entry, const ConfigCommand *command)
{
	return entry->command == NULL || entry->command == command;
}

ConfigEntry *
config_table_find(const ConfigTable *table, const char *flag, size_t bytes,
				  const ConfigCommand *command)
{
	ConfigEntry *other = NULL;

	for (size_t i = 0; i < table->count; i++)
	{
		ConfigEntry *entry = &table->entries[i];
		const char *name = entry->option->flag;

		if (name == NULL || strlen(name) != bytes || strncmp(name, flag, bytes) != 0)
			continue;
		if (config_entry_applies(entry, command))
			return entry;
		other = entry;
	}
	return other;
}

bool
config_entry_set(ConfigEntry *entry, ConfigOrigin origin, const char *text)
{
	if (origin < entry->origin)
		return true;

	char *copy = strdup(text);

	if (copy == NULL)
		return false;
	free(entry->text);
	entry->text = copy;
	entry->origin = origin;
	return true;
}

const char *
config_origin_name(ConfigOrigin origin)
{
	switch (origin)
	{
		case CONFIG_ORIGIN_NONE:
			return "not set";
		case CONFIG_ORIGIN_DEFAULT:
			return "default";
		case CONFIG_ORIGIN_FILE:
			return "file";
		case CONFIG_ORIGIN_ENVIRONMENT:
			return "environment";
		case CONFIG_ORIGIN_FLAG:
			return "flag";
	}
	return "unknown";
}
