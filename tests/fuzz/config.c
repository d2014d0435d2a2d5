/*
 * config.c
 *		A file of variables, and the command lines and options of the three programs. Input: the
 *		file, a byte of zero, then arguments, each with one behind it.
 */
#include "config/config.h"

#include "bridge/options.h"
#include "config/file.h"
#include "config/flags.h"
#include "config/value.h"
#include "fuzz_input.h"
#include "history/history_config.h"
#include "service/service_config.h"

#define ARGUMENTS_MAX 16

/* Each text as the value of each option there is. */
static void
try_values(const ConfigProgram *program, const char *text)
{
	for (const ConfigGroup *group = program->groups; group->options != NULL; group++)
		for (const ConfigOption *option = group->options; option->flag != NULL; option++)
		{
			union
			{
				char *text;
				int64_t number;
				int choice;
				bool flag;
			} target = {0};
			char error[256] = "";
			char shown[CONFIG_VALUE_TEXT_BYTES];

			if (option->type == CONFIG_PROPERTIES)
				continue;
			if (config_value_parse(option, text, &target, error, sizeof(error)))
			{
				if (option->type == CONFIG_DURATION || option->type == CONFIG_BYTES)
				{
					int64_t number = target.number;

					config_number_print(option->type, number, shown, sizeof(shown));
					FUZZ_CHECK(config_value_parse(option, shown, &target, error, sizeof(error)));
					FUZZ_CHECK(target.number == number);
				}
				config_value_free(option, &target);
			}
			else
				FUZZ_CHECK(error[0] != '\0' && memchr(error, '\0', sizeof(error)) != NULL);
		}
}

static void
try_arguments(const ConfigProgram *program, int argc, char **argv)
{
	ConfigTable table = {0};
	const ConfigCommand *command = NULL;

	FUZZ_CHECK(config_table_fill(&table, program));
	(void) config_flags_parse(program, argc, argv, &table, &command);
	config_table_free(&table);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const ConfigProgram *const programs[] = {&bridge_program, &history_program,
													&service_program};
	FuzzInput input = {(const char *) data, size};
	char *file = fuzz_take_text(&input);
	ConfigProperties lines = {0};
	char *argv[ARGUMENTS_MAX + 1] = {strdup("program")};
	int argc = 1;

	if (config_file_parse(".env", file, &lines).class == STATUS_OK)
		config_file_free(&lines);
	while (input.left > 0 && argc < ARGUMENTS_MAX)
		argv[argc++] = fuzz_take_text(&input);
	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++)
	{
		try_arguments(programs[i], argc, argv);
		for (int j = 1; j < argc && j < 3; j++)
			try_values(programs[i], argv[j]);
	}
	for (int i = 0; i < argc; i++)
		free(argv[i]);
	free(file);
	return 0;
}
