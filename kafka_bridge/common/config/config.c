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
#include "base/secret.h"

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

static Status
memory_status(bool is_done)
{
	return is_done ? status_ok() : status_bug("out of memory");
}

/* "sasl.password.file" names a file with the secret property sasl.password: cuts the end off. */
static bool
name_end_cut(char *name)
{
	size_t bytes = strlen(name);
	size_t end_bytes = strlen(".file");

	if (bytes <= end_bytes || strcmp(name + bytes - end_bytes, ".file") != 0)
		return false;
	name[bytes - end_bytes] = '\0';
	if (secret_name_check(name))
		return true;
	name[bytes - end_bytes] = '.';
	return false;
}

/*
 * KAFKA_PROP_LINGER_MS is the property linger.ms. Flags set it before: they are stronger; so are
 * files, which come first.
 */
static Status
property_variable_set(ConfigEntry *entry, ConfigOrigin origin, const char *variable,
					  const char *value, bool from_files)
{
	size_t prefix_bytes = strlen(entry->option->environment);
	char name[128];
	char *text = NULL;

	if (strncmp(variable, entry->option->environment, prefix_bytes) != 0 || value[0] == '\0' ||
		variable[prefix_bytes] == '\0')
		return status_ok();
	snprintf(name, sizeof(name), "%s", variable + prefix_bytes);
	for (char *at = name; *at != '\0'; at++)
		*at = *at == '_' ? '.' : (char) tolower((unsigned char) *at);
	if (name_end_cut(name) != from_files || config_property_get(&entry->properties, name) != NULL)
		return status_ok();

	Status status = from_files ? config_secret_read(variable, value, &text) : status_ok();

	if (!status_is_ok(&status))
		return status;
	if (entry->origin == CONFIG_ORIGIN_NONE)
		entry->origin = origin;
	status =
		memory_status(config_property_set(&entry->properties, name, text != NULL ? text : value));
	free(text);
	return status;
}

static Status
properties_environment_set(ConfigEntry *entry, bool from_files)
{
	Status status = status_ok();

	for (char **variable = environ; *variable != NULL && status_is_ok(&status); variable++)
	{
		char name[256];
		const char *equals = strchr(*variable, '=');

		if (equals == NULL || (size_t) (equals - *variable) >= sizeof(name))
			continue;
		snprintf(name, sizeof(name), "%.*s", (int) (equals - *variable), *variable);
		status =
			property_variable_set(entry, CONFIG_ORIGIN_ENVIRONMENT, name, equals + 1, from_files);
	}
	return status;
}

static Status
properties_set(ConfigEntry *entry, const ConfigProperties *file)
{
	Status status = properties_environment_set(entry, true);

	if (status_is_ok(&status))
		status = properties_environment_set(entry, false);
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < file->count && status_is_ok(&status); i++)
			status = property_variable_set(entry, CONFIG_ORIGIN_FILE, file->items[i].name,
										   file->items[i].value, round == 0);
	return status;
}

/* A variable of one source, or, stronger, the file that VARIABLE_FILE names there. */
static Status
value_set(ConfigEntry *entry, ConfigOrigin origin, const char *value, const char *variable,
		  const char *path)
{
	char *text = NULL;
	Status status = status_ok();

	if (path != NULL && path[0] != '\0')
	{
		status = config_secret_read(variable, path, &text);
		value = text;
	}
	if (value != NULL && value[0] != '\0')
		status = memory_status(config_entry_set(entry, origin, value));
	free(text);
	return status;
}

/* The variable in the environment, or else in the file of variables. */
static Status
variable_set(ConfigEntry *entry, const char *variable, const ConfigProperties *file)
{
	bool may_be_file = entry->option->type == CONFIG_URL;
	char in_file[128];
	Status status = status_ok();

	if (entry->origin == CONFIG_ORIGIN_FLAG)
		return status;
	snprintf(in_file, sizeof(in_file), "%s_FILE", variable);
	status = value_set(entry, CONFIG_ORIGIN_ENVIRONMENT, getenv(variable), in_file,
					   may_be_file ? getenv(in_file) : NULL);
	if (status_is_ok(&status) && entry->origin == CONFIG_ORIGIN_NONE)
		status = value_set(entry, CONFIG_ORIGIN_FILE, config_property_get(file, variable), in_file,
						   may_be_file ? config_property_get(file, in_file) : NULL);
	return status;
}

static Status
entry_sources_read(ConfigEntry *entry, const ConfigProperties *file)
{
	const ConfigOption *option = entry->option;
	Status status = status_ok();

	if (option->type == CONFIG_PROPERTIES)
		return properties_set(entry, file);
	if (option->environment != NULL)
		status = variable_set(entry, option->environment, file);
	if (status_is_ok(&status) && entry->origin == CONFIG_ORIGIN_NONE &&
		option->environment_shared != NULL)
		status = variable_set(entry, option->environment_shared, file);
	return status_is_ok(&status) ? memory_status(default_set(entry)) : status;
}

static Status
sources_read(ConfigReading *reading)
{
	const char *path = reading->request.env_file;
	Status status =
		config_file_read(path != NULL ? path : DEFAULT_ENV_FILE, path != NULL, &reading->file);

	for (size_t i = 0; i < reading->table.count && status_is_ok(&status); i++)
		status = entry_sources_read(&reading->table.entries[i], &reading->file);
	return status;
}

/* The flag that shows a secret to whoever lists the processes, or NULL. */
static const char *
exposed_flag_find(const ConfigTable *table)
{
	char masked[1024];

	for (size_t i = 0; i < table->count; i++)
	{
		const ConfigEntry *entry = &table->entries[i];

		for (size_t n = 0; n < entry->properties.count; n++)
			if (entry->origin == CONFIG_ORIGIN_FLAG &&
				secret_name_check(entry->properties.items[n].name))
				return entry->option->flag;
		if (entry->origin != CONFIG_ORIGIN_FLAG || entry->text == NULL)
			continue;
		secret_text_mask(entry->text, masked, sizeof(masked));
		if (entry->option->type == CONFIG_SECRET ||
			(entry->option->type == CONFIG_URL && strstr(masked, SECRET_MASK) != NULL))
			return entry->option->flag;
	}
	return NULL;
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

/* Where a flag set what a check finds wrong, the command line is. */
static Status
check_run(const ConfigReading *reading)
{
	const ConfigSource *source = reading->source;
	Status status = source->program->check(reading->config, source->command);

	for (size_t i = 0; i < reading->table.count && status.option != NULL; i++)
	{
		const ConfigEntry *entry = &reading->table.entries[i];
		const char *variable = entry->option->environment;

		if (entry->origin == CONFIG_ORIGIN_FLAG && variable != NULL &&
			strcmp(variable, status.option) == 0)
			status.exit_code = EXIT_CODE_USAGE;
	}
	return status;
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
	source->exposed_flag = exposed_flag_find(&reading->table);
	source->answered = request_answer_early(reading);
	if (source->answered)
		return status;
	status = sources_read(reading);
	if (status_is_ok(&status))
		status = entries_convert(reading, false);
	if (status_is_ok(&status) && source->program->check != NULL)
		status = check_run(reading);
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
