/*
 * flags.c
 *		Two passes over argv: the first finds the words that name the sub-command, the second sets
 *		the flags, which may mean different entries in different sub-commands.
 */
#include "config/flags.h"

#include <string.h>

#include "config/value.h"
#include "base/secret.h"

#define WORDS_MAX		 4
#define SUGGESTION_BYTES 64

/* One argument that begins with a dash, taken apart. */
typedef struct Flag
{
	const char *name;
	size_t name_bytes;
	const char *value; /* after "=", or the next argument, or NULL */
	bool negated;	   /* --no-name of a boolean */
	int argument_count;
	ConfigEntry *entry;
} Flag;

/* How many single-letter edits apart two names are; both are short. */
static size_t
name_distance(const char *one, const char *other)
{
	size_t row[SUGGESTION_BYTES + 1];
	size_t length = strlen(other);

	if (length > SUGGESTION_BYTES || strlen(one) > SUGGESTION_BYTES)
		return SUGGESTION_BYTES;
	for (size_t j = 0; j <= length; j++)
		row[j] = j;
	for (size_t i = 1; one[i - 1] != '\0'; i++)
	{
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= length; j++)
		{
			size_t above = row[j];
			size_t best = diagonal + (one[i - 1] != other[j - 1]);

			best = above + 1 < best ? above + 1 : best;
			row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
			diagonal = above;
		}
	}
	return row[length];
}

static Status
unknown_flag_error(const ConfigTable *table, const Flag *flag)
{
	char name[SUGGESTION_BYTES];
	const char *nearest = NULL;
	size_t nearest_distance = 3;

	snprintf(name, sizeof(name), "%.*s", (int) flag->name_bytes, flag->name);
	for (size_t i = 0; i < table->count; i++)
	{
		const char *known = table->entries[i].option->flag;
		size_t distance = known == NULL ? nearest_distance : name_distance(name, known);

		if (distance < nearest_distance)
		{
			nearest = known;
			nearest_distance = distance;
		}
	}
	if (nearest != NULL)
		return status_fatal(EXIT_CODE_USAGE, "unknown option --%s: did you mean --%s?", name,
							nearest);
	return status_fatal(EXIT_CODE_USAGE, "unknown option --%s: see --help", name);
}

static Status
short_flag_parse(const char *argument, Flag *flag)
{
	if (strcmp(argument, "-h") == 0)
		flag->name = "help";
	else if (strcmp(argument, "-V") == 0)
		flag->name = "version";
	else
		return status_fatal(EXIT_CODE_USAGE, "unknown option %s: see --help", argument);
	flag->name_bytes = strlen(flag->name);
	return status_ok();
}

/* Finds the entry, and the value if it has one of its own. */
static Status
flag_parse(const ConfigTable *table, const ConfigCommand *command, char **arguments, Flag *flag)
{
	const char *argument = arguments[0];

	*flag = (Flag){.argument_count = 1};
	if (argument[1] != '-')
	{
		Status status = short_flag_parse(argument, flag);

		if (!status_is_ok(&status))
			return status;
	}
	else
	{
		flag->name = argument + 2;
		flag->name_bytes = strcspn(flag->name, "=");
		if (flag->name[flag->name_bytes] == '=')
			flag->value = flag->name + flag->name_bytes + 1;
	}

	flag->entry = config_table_find(table, flag->name, flag->name_bytes, command);
	if (flag->entry == NULL && flag->value == NULL && strncmp(flag->name, "no-", 3) == 0)
	{
		flag->entry = config_table_find(table, flag->name + 3, flag->name_bytes - 3, command);
		flag->negated = flag->entry != NULL && flag->entry->option->type == CONFIG_BOOLEAN;
	}
	if (flag->entry == NULL || (flag->entry->option->type != CONFIG_BOOLEAN &&
								strncmp(flag->name, flag->entry->option->flag, flag->name_bytes)))
		return unknown_flag_error(table, flag);
	if (flag->entry->option->type != CONFIG_BOOLEAN && flag->value == NULL)
	{
		if (arguments[1] == NULL)
			return status_fatal(EXIT_CODE_USAGE, "--%s needs a value (%s)",
								flag->entry->option->flag, config_type_word(flag->entry->option));
		flag->value = arguments[1];
		flag->argument_count = 2;
	}
	return status_ok();
}

static Status
property_flag_set(ConfigEntry *entry, const char *text)
{
	char name[128];
	const char *equals = strchr(text, '=');

	if (equals == NULL || equals == text || (size_t) (equals - text) >= sizeof(name))
		return status_fatal(EXIT_CODE_USAGE, "--%s needs NAME=VALUE", entry->option->flag);
	snprintf(name, sizeof(name), "%.*s", (int) (equals - text), text);
	entry->origin = CONFIG_ORIGIN_FLAG;
	if (!config_property_set(&entry->properties, name, equals + 1))
		return status_bug("out of memory");
	return status_ok();
}

static Status
flag_set(const Flag *flag, const ConfigCommand *command)
{
	ConfigEntry *entry = flag->entry;
	const char *value = flag->value != NULL ? flag->value : flag->negated ? "off" : "on";

	if (!config_entry_applies(entry, command))
		return status_fatal(EXIT_CODE_USAGE, "--%s belongs to the command \"%s\"",
							entry->option->flag, entry->command->name);
	if (entry->option->type == CONFIG_PROPERTIES)
		return property_flag_set(entry, value);
	if (!config_entry_set(entry, CONFIG_ORIGIN_FLAG, value))
		return status_bug("out of memory");
	return status_ok();
}

/* A connection string without its flag is a word like any other. */
static Status
unexpected_word_error(const char *kind, const char *word)
{
	char masked[256];

	secret_text_mask(word, masked, sizeof(masked));
	return status_fatal(EXIT_CODE_USAGE, "%s \"%s\": see --help", kind, masked);
}

/* Words joined by blanks, as the names of sub-commands are written. */
static Status
words_collect(const ConfigTable *table, char **argv, int argc, char *words, size_t bytes)
{
	words[0] = '\0';
	for (int i = 1, count = 0; i < argc;)
	{
		if (argv[i][0] == '-')
		{
			Flag flag;
			Status status = flag_parse(table, NULL, argv + i, &flag);

			if (!status_is_ok(&status))
				return status;
			i += flag.argument_count;
			continue;
		}
		if (++count > WORDS_MAX || strlen(words) + strlen(argv[i]) + 2 > bytes)
			return unexpected_word_error("unexpected argument", argv[i]);
		if (count > 1)
			strcat(words, " ");
		strcat(words, argv[i++]);
	}
	return status_ok();
}

static const ConfigCommand *
command_find(const ConfigProgram *program, const char *words)
{
	if (program->commands == NULL || words[0] == '\0')
		return program->commands;
	for (const ConfigCommand *command = program->commands; command->name != NULL; command++)
		if (strcmp(command->name, words) == 0)
			return command;
	return NULL;
}

/* "slot" alone: the first word of commands that have two. */
static Status
unknown_command_error(const ConfigProgram *program, const char *words)
{
	size_t bytes = strlen(words);
	char known[128] = "";
	size_t used = 0;

	for (const ConfigCommand *command = program->commands; command->name != NULL; command++)
		if (strncmp(command->name, words, bytes) == 0 && command->name[bytes] == ' ' &&
			used < sizeof(known))
			used += (size_t) snprintf(known + used, sizeof(known) - used, "%s%s",
									  used > 0 ? " or " : "", command->name + bytes + 1);
	if (known[0] == '\0')
		return unexpected_word_error("unknown command", words);
	return status_fatal(EXIT_CODE_USAGE, "%s needs %s", words, known);
}

static bool
help_was_asked(char **argv, int argc)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

Status
config_flags_parse(const ConfigProgram *program, int argc, char **argv, ConfigTable *table,
				   const ConfigCommand **command)
{
	char words[256];
	Status status = words_collect(table, argv, argc, words, sizeof(words));

	if (!status_is_ok(&status))
		return status;
	if (strcmp(words, "help") == 0)
	{
		words[0] = '\0';
		if (!config_entry_set(config_table_find(table, "help", strlen("help"), NULL),
							  CONFIG_ORIGIN_FLAG, "on"))
			return status_bug("out of memory");
	}
	*command = command_find(program, words);
	if (*command == NULL && words[0] != '\0' && !help_was_asked(argv, argc))
		return program->commands != NULL ? unknown_command_error(program, words)
										 : unexpected_word_error("unknown command", words);

	for (int i = 1; i < argc;)
	{
		Flag flag = {.argument_count = 1};

		if (argv[i][0] == '-')
		{
			status = flag_parse(table, *command, argv + i, &flag);
			if (status_is_ok(&status))
				status = flag_set(&flag, *command);
			if (!status_is_ok(&status))
				return status;
		}
		i += flag.argument_count;
	}
	return status_ok();
}
