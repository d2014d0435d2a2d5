/*
 * print.c
 *		Renders the option table: as help for a terminal, as current values, as Markdown.
 */
#include "config/print.h"

#include <ctype.h>
#include <string.h>

#include "config/value.h"
#include "base/secret.h"

#define HELP_COLUMNS 80
#define HELP_INDENT	 10

static bool
option_is_end(const ConfigOption *option)
{
	return option == NULL || (option->flag == NULL && option->environment == NULL);
}

static void
wrapped_print(FILE *out, const char *text)
{
	size_t column = 0;

	for (const char *word = text; *word != '\0';)
	{
		size_t bytes = strcspn(word, " ");

		if (column > 0 && column + 1 + bytes > HELP_COLUMNS)
		{
			fputc('\n', out);
			column = 0;
		}
		column += (size_t) (column == 0 ? fprintf(out, "%*s", HELP_INDENT, "") : fprintf(out, " "));
		column += (size_t) fprintf(out, "%.*s", (int) bytes, word);
		word += bytes;
		word += strspn(word, " ");
	}
	fputc('\n', out);
}

/* The first letter of a range ("one of", "1 to 9") as it begins a sentence. */
static void
option_facts_print(const ConfigOption *option, char *text, size_t bytes)
{
	char range[512];
	size_t used = strlen(text);

	config_range_print(option, range, sizeof(range));
	if (range[0] != '\0')
	{
		range[0] = (char) toupper((unsigned char) range[0]);
		used += (size_t) snprintf(text + used, bytes - used, " %s.", range);
	}
	if (used < bytes && option->required)
		snprintf(text + used, bytes - used, " Required.");
	else if (used < bytes && option->default_text != NULL && option->default_text[0] != '\0')
		snprintf(text + used, bytes - used, " Default: %s.", option->default_text);
}

static void
option_variables_print(FILE *out, const ConfigOption *option)
{
	const char *name_tail = option->type == CONFIG_PROPERTIES ? "<NAME>" : "";

	if (option->environment != NULL)
		fprintf(out, "%s%s", option->environment, name_tail);
	if (option->environment_shared != NULL)
		fprintf(out, " or %s", option->environment_shared);
	if (option->environment != NULL && option->type == CONFIG_URL)
		fprintf(out, " or %s_FILE", option->environment);
}

static void
option_help_print(FILE *out, const ConfigOption *option)
{
	char text[2048];

	fputs("  ", out);
	if (option->flag != NULL && option->type == CONFIG_BOOLEAN)
		fprintf(out, "--%s", option->flag);
	else if (option->flag != NULL)
		fprintf(out, "--%s %s", option->flag, config_type_word(option));
	if (option->environment != NULL)
		fputs(option->flag != NULL ? "   (" : "(", out);
	option_variables_print(out, option);
	fputs(option->environment != NULL ? ")\n" : "\n", out);
	snprintf(text, sizeof(text), "%s", option->help);
	option_facts_print(option, text, sizeof(text));
	wrapped_print(out, text);
}

static void
options_help_print(FILE *out, const char *title, const ConfigOption *options)
{
	if (option_is_end(options))
		return;
	if (title != NULL)
		fprintf(out, "\n%s:\n", title);
	for (const ConfigOption *option = options; !option_is_end(option); option++)
		option_help_print(out, option);
}

static void
commands_help_print(FILE *out, const ConfigProgram *program)
{
	int width = 0;

	for (const ConfigCommand *command = program->commands; command->name != NULL; command++)
		if ((int) strlen(command->name) > width)
			width = (int) strlen(command->name);
	fputs("\nCommands:\n", out);
	for (const ConfigCommand *command = program->commands; command->name != NULL; command++)
		fprintf(out, "  %-*s   %s%s\n", width, command->name, command->help,
				command == program->commands ? " (when no command is named)" : "");
}

static void
command_options_help_print(FILE *out, const ConfigCommand *command)
{
	char title[128];

	snprintf(title, sizeof(title), "Options of \"%s\"", command->name);
	options_help_print(out, title, command->options);
}

void
config_usage_print(const ConfigProgram *program, const ConfigCommand *command, FILE *out)
{
	bool whole = command == NULL || command == program->commands;
	const char *word = whole ? "" : " ";
	const char *name = whole ? "" : command->name;

	fprintf(out, "Usage: %s%s%s [OPTION]..., see %s%s%s --help\n", program->name,
			whole && program->commands != NULL ? " [COMMAND]" : word, name, program->name, word,
			name);
}

void
config_refusal_print(const ConfigSource *source, const Status *status)
{
	fprintf(stderr, "%s: %s\n", source->program->name, status->text);
	if (status->exit_code == EXIT_CODE_USAGE)
		config_usage_print(source->program, source->command, stderr);
}

void
config_help_print(const ConfigProgram *program, const ConfigCommand *command, FILE *out)
{
	bool whole = command == NULL || command == program->commands;
	bool has_commands = program->commands != NULL;

	if (whole)
		fprintf(out, "Usage: %s%s [OPTION]...\n\n%s\n", program->name,
				has_commands ? " [COMMAND]" : "", program->summary);
	else
		fprintf(out, "Usage: %s %s [OPTION]...\n\n%s\n", program->name, command->name,
				command->help);
	if (whole && has_commands)
		commands_help_print(out, program);
	for (const ConfigCommand *each = program->commands; has_commands && each->name != NULL; each++)
		if (whole || each == command)
			command_options_help_print(out, each);
	for (const ConfigGroup *group = program->groups; group->options != NULL; group++)
		options_help_print(out, group->title, group->options);
	options_help_print(out, config_request_group.title, config_request_group.options);
	fputs(
		"\nAn option is taken from the flag, else from the variable in parentheses, else from "
		"the\n.env file, else it is its default. An empty variable counts as not set. A\nvariable "
		"that ends in _FILE names a file with the value: for secrets.\n",
		out);
}

static void
value_print(FILE *out, const char *name, const char *value, const char *origin)
{
	bool quoted = value[0] == '\0' || strpbrk(value, " \t\n\"'\\#$") != NULL;

	fprintf(out, "%s=%s", name, quoted ? "\"" : "");
	for (const char *at = value; *at != '\0'; at++)
	{
		if (*at == '\n')
			fputs("\\n", out);
		else if (*at == '"' || *at == '\\' || *at == '$')
			fprintf(out, "\\%c", *at);
		else
			fputc(*at, out);
	}
	fprintf(out, "%s  # %s\n", quoted ? "\"" : "", origin);
}

static void
properties_print(FILE *out, const ConfigEntry *entry)
{
	for (size_t i = 0; i < entry->properties.count; i++)
	{
		const ConfigProperty *property = &entry->properties.items[i];
		char name[256];
		char masked[1024];

		snprintf(name, sizeof(name), "%s%s", entry->option->environment, property->name);
		for (char *at = name; *at != '\0'; at++)
			*at = *at == '.' ? '_' : (char) toupper((unsigned char) *at);
		secret_text_mask(property->value, masked, sizeof(masked));
		value_print(out, name, secret_name_check(property->name) ? SECRET_MASK : masked,
					config_origin_name(entry->origin));
	}
}

static void
entry_print(FILE *out, const ConfigEntry *entry)
{
	const ConfigOption *option = entry->option;
	const char *name = option->environment != NULL ? option->environment : option->flag;
	char masked[1024];

	if (option->type == CONFIG_PROPERTIES)
		properties_print(out, entry);
	else if (entry->text == NULL)
		fprintf(out, "# %s is not set\n", name);
	else if (option->type == CONFIG_SECRET)
		value_print(out, name, SECRET_MASK, config_origin_name(entry->origin));
	else
	{
		secret_text_mask(entry->text, masked, sizeof(masked));
		value_print(out, name, masked, config_origin_name(entry->origin));
	}
}

void
config_values_print(const ConfigTable *table, const ConfigCommand *command, FILE *out)
{
	for (size_t i = 0; i < table->count; i++)
	{
		const ConfigEntry *entry = &table->entries[i];

		if (!entry->is_request && config_entry_applies(entry, command))
			entry_print(out, entry);
	}
}

static void
markdown_text_print(FILE *out, const char *text)
{
	for (const char *at = text; *at != '\0'; at++)
		fprintf(out, *at == '|' || *at == '<' ? "\\%c" : "%c", *at);
}

static void
markdown_heading_print(FILE *out, const char *title)
{
	fprintf(out, "\n### %s\n\n| flag | variable | default | meaning |\n|---|---|---|---|\n", title);
}

static void
markdown_row_print(FILE *out, const ConfigOption *option)
{
	bool has_word = option->type != CONFIG_BOOLEAN;
	char text[2048];

	fputs("| ", out);
	if (option->flag != NULL)
		fprintf(out, "`--%s%s%s`", option->flag, has_word ? " " : "",
				has_word ? config_type_word(option) : "");
	fputs(" | ", out);
	if (option->environment != NULL)
	{
		fputc('`', out);
		option_variables_print(out, option);
		fputc('`', out);
	}
	fputs(" | ", out);
	if (option->default_text != NULL && option->default_text[0] != '\0')
		fprintf(out, "`%s`", option->default_text);
	fputs(" | ", out);

	/* The default has a column of its own. */
	ConfigOption without_default = *option;

	without_default.default_text = NULL;
	snprintf(text, sizeof(text), "%s", option->help);
	option_facts_print(&without_default, text, sizeof(text));
	markdown_text_print(out, text);
	fputs(" |\n", out);
}

static void
markdown_rows_print(FILE *out, const ConfigOption *options)
{
	for (const ConfigOption *option = options; !option_is_end(option); option++)
		markdown_row_print(out, option);
}

void
config_markdown_print(const ConfigProgram *program, FILE *out)
{
	fprintf(out, "## %s\n\n%s\n", program->name, program->summary);
	for (const ConfigCommand *command = program->commands; command != NULL && command->name != NULL;
		 command++)
	{
		char title[256];

		snprintf(title, sizeof(title), "`%s %s`: %s", program->name, command->name, command->help);
		if (option_is_end(command->options))
			fprintf(out, "\n### %s\n", title);
		else
			markdown_heading_print(out, title);
		if (command->options != NULL)
			markdown_rows_print(out, command->options);
	}
	for (const ConfigGroup *group = program->groups; group->options != NULL; group++)
	{
		if (group->title != NULL)
			markdown_heading_print(out, group->title);
		markdown_rows_print(out, group->options);
	}
	markdown_heading_print(out, config_request_group.title);
	markdown_rows_print(out, config_request_group.options);
	if (program->metrics == NULL)
		return;
	fputs("\n### Metrics\n", out);
	metrics_markdown_print(program->metrics, program->metric_count, out);
}
