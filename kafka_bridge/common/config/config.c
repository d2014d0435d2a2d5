/*
 * config.c
 *		Gathers the texts of all options from their sources, turns them into values, and answers
 *		what can be answered without starting: --help, --version, --check-config, --print-config.
 */
#include "config/config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/file.h"
#include "config/flags.h"
#include "config/print.h"
#include "config/table.h"
#include "config/value.h"

#define DEFAULT_ENV_FILE ".env"

/* All that one reading of the sources needs. */
typedef struct ConfigReading
{
	ConfigSource *source;
	void *config;
	ConfigTable table;
	ConfigRequest request;
	ConfigProperties file;
} ConfigReading;

/* An error of this origin: on the command line it is usage, elsewhere configuration. */
static Status
entry_error(const ConfigEntry *entry, const char *error)
{
	const ConfigOption *option = entry->option;

	if (entry->origin == CONFIG_ORIGIN_FLAG)
		return status_fatal(EXIT_CODE_USAGE, "--%s: %s", option->flag, error);
	if (entry->origin == CONFIG_ORIGIN_DEFAULT)
		return status_bug("default of --%s: %s", option->flag, error);
	return status_fatal(EXIT_CODE_CONFIGURATION, "%s (%s): %s", option->environment,
						config_origin_name(entry->origin), error);
}

static Status
missing_error(const ConfigOption *option)
{
	if (option->environment == NULL)
		return status_fatal(EXIT_CODE_USAGE, "--%s is required", option->flag);
	return status_fatal(EXIT_CODE_CONFIGURATION, "%s is not set (flag --%s)", option->environment,
						option->flag != NULL ? option->flag : "none");
}

static Status
entry_convert(ConfigEntry *entry, void *base)
{
	char *target = (char *) base + entry->offset;
	char error[STATUS_TEXT_BYTES];

	if (entry->option->type == CONFIG_PROPERTIES)
	{
		for (size_t i = 0; i < entry->properties.count; i++)
			if (!config_property_set((ConfigProperties *) (void *) target,
									 entry->properties.items[i].name,
									 entry->properties.items[i].value))
				return status_bug("out of memory");
		return status_ok();
	}
	if (entry->text == NULL)
		return entry->option->required ? missing_error(entry->option) : status_ok();
	if (!config_value_parse(entry->option, entry->text, target, error, sizeof(error)))
		return entry_error(entry, error);
	return status_ok();
}

/* Converts the entries for the request, or those for the program. */
static Status
entries_convert(ConfigReading *reading, bool requests)
{
	Status status = status_ok();

	for (size_t i = 0; i < reading->table.count && status_is_ok(&status); i++)
	{
		ConfigEntry *entry = &reading->table.entries[i];

		if (entry->is_request == requests && config_entry_applies(entry, reading->source->command))
			status = entry_convert(entry, requests ? (void *) &reading->request : reading->config);
	}
	return status;
}

static bool
default_set(ConfigEntry *entry)
{
	const ConfigOption *option = entry->option;
	const char *text = option->default_text;

	if (text == NULL && option->type == CONFIG_ENUM)
		text = option->choices[0].name;
	if (text == NULL || option->type == CONFIG_PROPERTIES)
		return true;
	return config_entry_set(entry, CONFIG_ORIGIN_DEFAULT, text);
}

/* KAFKA_PROP_LINGER_MS is the property linger.ms. Flags set it before: they are stronger. */
static bool
property_variable_set(ConfigEntry *entry, ConfigOrigin origin, const char *variable,
					  const char *value)
{
	size_t prefix_bytes = strlen(entry->option->environment);
	char name[128];

	if (strncmp(variable, entry->option->environment, prefix_bytes) != 0 || value[0] == '\0' ||
		variable[prefix_bytes] == '\0')
		return true;
	snprintf(name, sizeof(name), "%s", variable + prefix_bytes);
	for (char *at = name; *at != '\0'; at++)
		*at = *at == '_' ? '.' : (char) tolower((unsigned char) *at);
	if (config_property_get(&entry->properties, name) != NULL)
		return true;
	if (entry->origin == CONFIG_ORIGIN_NONE)
		entry->origin = origin;
	return config_property_set(&entry->properties, name, value);
}

static bool
properties_environment_set(ConfigEntry *entry)
{
	for (char **variable = environ; *variable != NULL; variable++)
	{
		char name[256];
		const char *equals = strchr(*variable, '=');

		if (equals == NULL || (size_t) (equals - *variable) >= sizeof(name))
			continue;
		snprintf(name, sizeof(name), "%.*s", (int) (equals - *variable), *variable);
		if (!property_variable_set(entry, CONFIG_ORIGIN_ENVIRONMENT, name, equals + 1))
			return false;
	}
	return true;
}

static bool
properties_file_set(ConfigEntry *entry, const ConfigProperties *file)
{
	for (size_t i = 0; i < file->count; i++)
		if (!property_variable_set(entry, CONFIG_ORIGIN_FILE, file->items[i].name,
								   file->items[i].value))
			return false;
	return true;
}

/* The variable's own name in the environment, then in the file, then the shared name likewise. */
static bool
variable_set(ConfigEntry *entry, const char *variable, const ConfigProperties *file)
{
	const char *from_environment = getenv(variable);
	const char *from_file = config_property_get(file, variable);

	if (from_environment != NULL && from_environment[0] != '\0')
		return config_entry_set(entry, CONFIG_ORIGIN_ENVIRONMENT, from_environment);
	if (from_file != NULL && from_file[0] != '\0')
		return config_entry_set(entry, CONFIG_ORIGIN_FILE, from_file);
	return true;
}

static bool
entry_sources_read(ConfigEntry *entry, const ConfigProperties *file)
{
	const ConfigOption *option = entry->option;

	if (option->type == CONFIG_PROPERTIES)
		return properties_environment_set(entry) && properties_file_set(entry, file);
	if (option->environment != NULL && !variable_set(entry, option->environment, file))
		return false;
	if (entry->origin == CONFIG_ORIGIN_NONE && option->environment_shared != NULL &&
		!variable_set(entry, option->environment_shared, file))
		return false;
	return default_set(entry);
}

static Status
sources_read(ConfigReading *reading)
{
	const char *path = reading->request.env_file;
	Status status =
		config_file_read(path != NULL ? path : DEFAULT_ENV_FILE, path != NULL, &reading->file);

	for (size_t i = 0; i < reading->table.count && status_is_ok(&status); i++)
		if (!entry_sources_read(&reading->table.entries[i], &reading->file))
			status = status_bug("out of memory");
	return status;
}

/* What needs no valid configuration. */
static bool
request_answer_early(const ConfigReading *reading)
{
	const ConfigProgram *program = reading->source->program;

	if (reading->request.help)
		config_help_print(program, reading->source->command, stdout);
	else if (reading->request.version)
		printf("%s %s\n", program->name, WALLET_VERSION);
	else if (reading->request.options_markdown)
		config_markdown_print(program, stdout);
	else
		return false;
	return true;
}

static bool
request_answer_late(const ConfigReading *reading)
{
	if (reading->request.print_config)
		config_values_print(&reading->table, reading->source->command, stdout);
	else if (reading->request.check_config)
		puts("the configuration is valid");
	return reading->request.print_config || reading->request.check_config;
}

static Status
reading_run(ConfigReading *reading)
{
	ConfigSource *source = reading->source;
	Status status = config_flags_parse(source->program, source->argc, source->argv, &reading->table,
									   &source->command);

	if (status_is_ok(&status))
		status = entries_convert(reading, true);
	if (!status_is_ok(&status))
		return status;
	source->answered = request_answer_early(reading);
	if (source->answered)
		return status;
	status = sources_read(reading);
	if (status_is_ok(&status))
		status = entries_convert(reading, false);
	if (status_is_ok(&status) && source->program->check != NULL)
		status = source->program->check(reading->config, source->command);
	if (status_is_ok(&status))
		source->answered = request_answer_late(reading);
	return status;
}

Status
config_reload(const ConfigSource *source, void *config)
{
	ConfigSource copy = *source;

	return config_load(copy.program, copy.argc, copy.argv, config, &copy);
}

Status
config_load(const ConfigProgram *program, int argc, char **argv, void *config, ConfigSource *source)
{
	ConfigReading reading = {.source = source, .config = config};
	Status status = status_ok();

	memset(config, 0, program->config_bytes);
	*source = (ConfigSource){.program = program, .argc = argc, .argv = argv};
	if (config_table_fill(&reading.table, program))
		status = reading_run(&reading);
	else
		status = status_bug("out of memory");
	config_table_free(&reading.table);
	config_file_free(&reading.file);
	free(reading.request.env_file);
	if (!status_is_ok(&status))
		config_free(program, config);
	return status;
}

void
config_free(const ConfigProgram *program, void *config)
{
	ConfigTable table;

	if (config_table_fill(&table, program))
		for (size_t i = 0; i < table.count; i++)
			if (!table.entries[i].is_request)
				config_value_free(table.entries[i].option,
								  (char *) config + table.entries[i].offset);
	config_table_free(&table);
	memset(config, 0, program->config_bytes);
}
