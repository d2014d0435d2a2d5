/*
 * test_config.c
 *		A whole program's configuration: which source wins, what each error says and which exit code
 *		it has, what is printed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "assert_within.h"
#include "config/config.h"
#include "http/server.h"

typedef struct Inner
{
	char *url;
	char *secret;
	ConfigProperties properties;
} Inner;

typedef struct Sample
{
	Inner inner;
	HttpOptions http;
	int mode;
	bool verbose;
	int64_t timeout_ms;
	char *from;
	char *name;
} Sample;

enum
{
	MODE_STOP = 4,
	MODE_GO = 9,
};

static const ConfigChoice modes[] = {{"stop", MODE_STOP}, {"go", MODE_GO}, {NULL, 0}};

static const ConfigOption inner_options[] = {
	{.flag = "url",
	 .environment = "T_URL",
	 .type = CONFIG_URL,
	 .offset = offsetof(Inner, url),
	 .default_text = "postgresql://u@h/d",
	 .help = "Where."},
	{.flag = "secret",
	 .environment = "T_SECRET",
	 .type = CONFIG_SECRET,
	 .offset = offsetof(Inner, secret),
	 .help = "What nobody may see."},
	{.flag = "prop",
	 .environment = "T_PROP_",
	 .type = CONFIG_PROPERTIES,
	 .offset = offsetof(Inner, properties),
	 .help = "Anything."},
	CONFIG_OPTIONS_END,
};

static const ConfigOption own_options[] = {
	{.flag = "mode",
	 .environment = "T_MODE",
	 .type = CONFIG_ENUM,
	 .offset = offsetof(Sample, mode),
	 .choices = modes,
	 .help = "How."},
	{.flag = "verbose",
	 .environment = "T_VERBOSE",
	 .type = CONFIG_BOOLEAN,
	 .offset = offsetof(Sample, verbose),
	 .help = "More words."},
	{.flag = "timeout",
	 .environment = "T_TIMEOUT",
	 .type = CONFIG_DURATION,
	 .minimum = 1,
	 .maximum = 60000,
	 .offset = offsetof(Sample, timeout_ms),
	 .default_text = "5s",
	 .help = "How long."},
	CONFIG_OPTIONS_END,
};

static const ConfigOption port_options[] = {
	HTTP_PORT_OPTION(Sample, http.port, "T_PORT", "3002"),
	CONFIG_OPTIONS_END,
};

static const ConfigOption backfill_options[] = {
	{.flag = "from",
	 .type = CONFIG_STRING,
	 .required = true,
	 .offset = offsetof(Sample, from),
	 .value_name = "TIME",
	 .help = "Where to begin."},
	CONFIG_OPTIONS_END,
};

static const ConfigOption drop_options[] = {
	{.flag = "name",
	 .environment = "T_NAME",
	 .type = CONFIG_STRING,
	 .required = true,
	 .offset = offsetof(Sample, name),
	 .help = "Which."},
	CONFIG_OPTIONS_END,
};

static const ConfigGroup groups[] = {
	{"Database", inner_options, offsetof(Sample, inner)},
	{"Program", own_options, 0},
	{NULL, port_options, 0},
	{NULL, NULL, 0},
};

static const ConfigCommand commands[] = {
	{"run", "Work until told to stop.", NULL},
	{"backfill", "Publish again.", backfill_options},
	{"slot drop", "Drop the slot.", drop_options},
	{NULL, NULL, NULL},
};

static Status
sample_check(const void *config, const ConfigCommand *command)
{
	static const char *const about[] = {NULL, "T_TIMEOUT", "T_PORT"};
	const Sample *sample = config;

	(void) command;
	if (sample->timeout_ms < 666 || sample->timeout_ms > 668)
		return status_ok();
	return status_about(status_fatal(EXIT_CODE_CONFIGURATION, "T_TIMEOUT is not this one"),
						about[sample->timeout_ms - 666]);
}

static const ConfigProgram program = {
	.name = "sample",
	.summary = "Does this and that.",
	.groups = groups,
	.commands = commands,
	.config_bytes = sizeof(Sample),
	.check = sample_check,
};

static Sample sample;
static ConfigSource source;
static char directory[] = "/tmp/test_config.XXXXXX";

/* Up to 15 arguments, ending with NULL. */
static Status
load(const char *first, ...)
{
	static char words[16][128];
	static char *argv[17];
	va_list arguments;
	int argc = 1;

	snprintf(words[0], sizeof(words[0]), "sample");
	argv[0] = words[0];
	va_start(arguments, first);
	for (const char *word = first; word != NULL; word = va_arg(arguments, const char *))
	{
		snprintf(words[argc], sizeof(words[argc]), "%s", word);
		argv[argc] = words[argc];
		argc++;
	}
	va_end(arguments);
	argv[argc] = NULL;
	config_free(&program, &sample);
	return config_load(&program, argc, argv, &sample, &source);
}

static void
assert_loads(Status status)
{
	if (!status_is_ok(&status))
		fail_msg("%s", status.text);
}

static void
assert_refused(Status status, ExitCode exit_code, const char *text)
{
	assert_int_equal(status.class, STATUS_FATAL);
	assert_int_equal(status.exit_code, exit_code);
	assert_string_equal(status.text, text);
}

static void
text_write(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int
test_begin(void **state)
{
	static const char *const variables[] = {"T_URL",	  "T_SECRET",  "T_MODE",
											"T_VERBOSE",  "T_TIMEOUT", "T_PORT",
											"T_PROP_A_B", "T_NAME",	   "PORT"};

	(void) state;
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		unsetenv(variables[i]);
	unlink(".env");
	return 0;
}

static int
group_begin(void **state)
{
	(void) state;
	return mkdtemp(directory) == NULL || chdir(directory) != 0;
}

static int
group_end(void **state)
{
	(void) state;
	config_free(&program, &sample);
	unlink(".env");
	unlink("other.env");
	return chdir("/") != 0 || rmdir(directory) != 0;
}

static void
test_defaults(void **state)
{
	(void) state;
	assert_loads(load(NULL));
	assert_string_equal(sample.inner.url, "postgresql://u@h/d");
	assert_null(sample.inner.secret);
	assert_int_equal(sample.mode, MODE_STOP);
	assert_false(sample.verbose);
	assert_int_equal(sample.timeout_ms, 5000);
	assert_int_equal(sample.http.port, 3002);
	assert_int_equal(sample.inner.properties.count, 0);
	assert_ptr_equal(source.command, &commands[0]);
	assert_false(source.answered);
}

static void
test_flag_beats_environment_beats_file(void **state)
{
	(void) state;
	text_write(".env", "T_TIMEOUT=1s\nT_MODE=go\nT_URL=file\nT_UNKNOWN=ignored\n");
	setenv("T_TIMEOUT", "2s", 1);
	setenv("T_URL", "environment", 1);
	assert_loads(load("--timeout", "3s", NULL));
	assert_int_equal(sample.timeout_ms, 3000);
	assert_string_equal(sample.inner.url, "environment");
	assert_int_equal(sample.mode, MODE_GO);
	setenv("T_URL", "", 1);
	assert_loads(load(NULL));
	assert_string_equal(sample.inner.url, "file");
}

static void
test_forms_of_flags(void **state)
{
	(void) state;
	assert_loads(load("--timeout=7s", "--verbose", "--mode", "go", "run", NULL));
	assert_int_equal(sample.timeout_ms, 7000);
	assert_true(sample.verbose);
	assert_loads(load("--verbose", "--no-verbose", NULL));
	assert_false(sample.verbose);
	assert_loads(load("--verbose=off", NULL));
	assert_false(sample.verbose);
	assert_loads(load("--timeout", "1s", "--timeout", "2s", NULL));
	assert_int_equal(sample.timeout_ms, 2000);
	assert_loads(load("--url=", NULL));
	assert_string_equal(sample.inner.url, "");
}

static void
test_shared_variable_is_weaker(void **state)
{
	(void) state;
	setenv("PORT", "4000", 1);
	assert_loads(load(NULL));
	assert_int_equal(sample.http.port, 4000);
	text_write(".env", "T_PORT=5000\n");
	assert_loads(load(NULL));
	assert_int_equal(sample.http.port, 5000);
	setenv("T_PORT", "0", 1);
	assert_loads(load(NULL));
	assert_int_equal(sample.http.port, 0);
}

static void
test_properties_by_source(void **state)
{
	const ConfigProperties *properties = &sample.inner.properties;

	(void) state;
	text_write(".env", "T_PROP_A_B=file\nT_PROP_C=file\nT_PROP_LINGER_MS=9\n");
	setenv("T_PROP_A_B", "environment", 1);
	assert_loads(load("--prop", "c=flag=1", "--prop=x.y=2", NULL));
	assert_int_equal(properties->count, 4);
	assert_string_equal(config_property_get(properties, "a.b"), "environment");
	assert_string_equal(config_property_get(properties, "c"), "flag=1");
	assert_string_equal(config_property_get(properties, "linger.ms"), "9");
	assert_string_equal(config_property_get(properties, "x.y"), "2");
}

static void
test_secrets_in_files(void **state)
{
	const ConfigProperties *properties = &sample.inner.properties;

	(void) state;
	text_write("url.txt", "postgresql://u:p@h/file\r\n");
	text_write("password.txt", "hunter2\n");
	text_write("empty.txt", "\n");
	setenv("T_URL_FILE", "url.txt", 1);
	setenv("T_PROP_SASL_PASSWORD_FILE", "password.txt", 1);
	assert_loads(load(NULL));
	assert_string_equal(sample.inner.url, "postgresql://u:p@h/file");
	assert_string_equal(config_property_get(properties, "sasl.password"), "hunter2");
	assert_null(config_property_get(properties, "sasl.password.file"));
	setenv("T_URL", "postgresql://u@h/variable", 1);
	setenv("T_PROP_SASL_PASSWORD", "other", 1);
	assert_loads(load(NULL));
	assert_string_equal(sample.inner.url, "postgresql://u:p@h/file");
	assert_string_equal(config_property_get(properties, "sasl.password"), "hunter2");
	assert_loads(load("--url", "postgresql://u@h/flag", "--prop", "sasl.password=flag", NULL));
	assert_string_equal(sample.inner.url, "postgresql://u@h/flag");
	assert_string_equal(config_property_get(properties, "sasl.password"), "flag");
	/* What is no secret keeps its name. */
	setenv("T_PROP_X_FILE", "password.txt", 1);
	assert_loads(load(NULL));
	assert_string_equal(config_property_get(properties, "x.file"), "password.txt");
	unsetenv("T_PROP_X_FILE");
	/* The environment is stronger than the file of variables, whichever of the two it has. */
	unsetenv("T_URL_FILE");
	text_write(".env", "T_URL_FILE=url.txt\n");
	assert_loads(load(NULL));
	assert_string_equal(sample.inner.url, "postgresql://u@h/variable");
	unsetenv("T_URL");
	assert_loads(load(NULL));
	assert_string_equal(sample.inner.url, "postgresql://u:p@h/file");
	setenv("T_URL_FILE", "none.txt", 1);
	assert_refused(load(NULL), EXIT_CODE_CONFIGURATION,
				   "T_URL_FILE: cannot read none.txt: No such file or directory");
	setenv("T_URL_FILE", "empty.txt", 1);
	assert_refused(load(NULL), EXIT_CODE_CONFIGURATION,
				   "T_URL_FILE: cannot read empty.txt: it is empty");
	unsetenv("T_URL_FILE");
	unsetenv("T_PROP_SASL_PASSWORD");
	setenv("T_PROP_SASL_PASSWORD_FILE", "none.txt", 1);
	assert_refused(load(NULL), EXIT_CODE_CONFIGURATION,
				   "T_PROP_SASL_PASSWORD_FILE: cannot read none.txt: No such file or directory");
	unsetenv("T_PROP_SASL_PASSWORD_FILE");
	unlink("url.txt");
	unlink("password.txt");
	unlink("empty.txt");
}

/* Everybody can list the processes. */
static void
test_exposed_secrets(void **state)
{
	(void) state;
	assert_loads(load("--url", "postgresql://u@h/d", "--prop", "a=b", NULL));
	assert_null(source.exposed_flag);
	assert_loads(load("--url", "postgresql://u:p@h/d", NULL));
	assert_string_equal(source.exposed_flag, "url");
	assert_loads(load("--secret", "x", NULL));
	assert_string_equal(source.exposed_flag, "secret");
	assert_loads(load("--prop", "sasl.password=x", NULL));
	assert_string_equal(source.exposed_flag, "prop");
	setenv("T_SECRET", "x", 1);
	assert_loads(load(NULL));
	assert_null(source.exposed_flag);
	unsetenv("T_SECRET");
}

static void
test_commands(void **state)
{
	(void) state;
	assert_loads(load("--timeout", "1s", "backfill", "--from", "today", NULL));
	assert_ptr_equal(source.command, &commands[1]);
	assert_string_equal(sample.from, "today");
	assert_loads(load("slot", "--name", "s", "drop", NULL));
	assert_ptr_equal(source.command, &commands[2]);
	assert_string_equal(sample.name, "s");
	assert_loads(load(NULL));
	assert_null(sample.name);
}

static void
test_usage_errors(void **state)
{
	(void) state;
	assert_refused(load("--tiemout", "1", NULL), EXIT_CODE_USAGE,
				   "unknown option --tiemout: did you mean --timeout?");
	assert_refused(load("--zzzzzzzz", NULL), EXIT_CODE_USAGE,
				   "unknown option --zzzzzzzz: see --help");
	assert_refused(load("--no-timeout", NULL), EXIT_CODE_USAGE,
				   "unknown option --no-timeout: see --help");
	assert_refused(load("-x", NULL), EXIT_CODE_USAGE, "unknown option -x: see --help");
	assert_refused(load("--timeout", NULL), EXIT_CODE_USAGE, "--timeout needs a value (DURATION)");
	assert_refused(load("--timeout", "1x", NULL), EXIT_CODE_USAGE,
				   "--timeout: \"1x\" is not a DURATION: expected 1ms to 1min");
	assert_refused(load("--prop", "x", NULL), EXIT_CODE_USAGE, "--prop needs NAME=VALUE");
	assert_refused(load("fly", NULL), EXIT_CODE_USAGE, "unknown command \"fly\": see --help");
	assert_refused(load("postgresql://u:hunter2@h/d", NULL), EXIT_CODE_USAGE,
				   "unknown command \"postgresql://u:***@h/d\": see --help");
	assert_refused(load("slot", NULL), EXIT_CODE_USAGE, "slot needs drop");
	assert_refused(load("backfill", NULL), EXIT_CODE_USAGE, "--from is required");
	assert_refused(load("--from", "x", NULL), EXIT_CODE_USAGE,
				   "--from belongs to the command \"backfill\"");
}

static void
test_configuration_errors(void **state)
{
	const char *wrong = "T_TIMEOUT is not this one";

	(void) state;
	setenv("T_TIMEOUT", "soon", 1);
	assert_refused(load(NULL), EXIT_CODE_CONFIGURATION,
				   "T_TIMEOUT (environment): \"soon\" is not a DURATION: expected 1ms to 1min");
	assert_loads(load("--timeout", "1s", NULL));
	setenv("T_TIMEOUT", "postgresql://u:hunter2@h/d", 1);

	Status status = load(NULL);

	assert_null(strstr(status.text, "hunter2"));
	unsetenv("T_TIMEOUT");
	text_write(".env", "T_PORT=70000\n");
	assert_refused(load(NULL), EXIT_CODE_CONFIGURATION,
				   "T_PORT (file): \"70000\" is out of range: expected 0 to 65535");
	text_write(".env", "what\n");
	assert_refused(load(NULL), EXIT_CODE_CONFIGURATION, ".env, line 1: expected NAME=value");
	unlink(".env");
	assert_refused(load("--env-file", "other.env", NULL), EXIT_CODE_CONFIGURATION,
				   "cannot read other.env: No such file or directory");
	assert_refused(load("--timeout", "666", NULL), EXIT_CODE_CONFIGURATION, wrong);
	assert_refused(load("--timeout", "667", NULL), EXIT_CODE_USAGE, wrong);
	assert_refused(load("--timeout", "668", NULL), EXIT_CODE_CONFIGURATION, wrong);
	setenv("T_TIMEOUT", "667", 1);
	assert_refused(load(NULL), EXIT_CODE_CONFIGURATION, wrong);
	unsetenv("T_TIMEOUT");
	assert_refused(load("slot", "drop", NULL), EXIT_CODE_CONFIGURATION,
				   "T_NAME is not set (flag --name)");
	assert_null(sample.inner.url);
}

/* What the last load() printed on standard output. */
static char printed[32768];

static Status
load_printed(const char *one, const char *two, const char *three)
{
	FILE *file = tmpfile();
	int saved = dup(STDOUT_FILENO);

	assert_non_null(file);
	fflush(stdout);
	dup2(fileno(file), STDOUT_FILENO);

	Status status = load(one, two, three, NULL);

	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	rewind(file);
	printed[fread(printed, 1, sizeof(printed) - 1, file)] = '\0';
	fclose(file);
	return status;
}

static void
test_print_config_hides_secrets(void **state)
{
	(void) state;
	setenv("T_SECRET", "hunter2", 1);
	setenv("T_URL", "postgresql://u:hunter2@h/d", 1);
	text_write(".env", "T_PROP_SASL_PASSWORD=hunter2\nT_PROP_X=\"a b\"\n");
	assert_loads(load_printed("--print-config", NULL, NULL));
	assert_true(source.answered);
	assert_null(strstr(printed, "hunter2"));
	assert_non_null(strstr(printed, "T_SECRET=***  # environment\n"));
	assert_non_null(strstr(printed, "T_URL=postgresql://u:***@h/d  # environment\n"));
	assert_non_null(strstr(printed, "T_PROP_SASL_PASSWORD=***  # file\n"));
	assert_non_null(strstr(printed, "T_PROP_X=\"a b\"  # file\n"));
	assert_non_null(strstr(printed, "T_TIMEOUT=5s  # default\n"));
	assert_null(strstr(printed, "env-file"));
}

static void
test_printed_config_can_be_read_again(void **state)
{
	(void) state;
	assert_loads(load_printed("--print-config", "--mode=go", "--url=a \"b\" $c \\ #d"));

	FILE *file = fopen("other.env", "w");

	fputs(printed, file);
	fclose(file);
	assert_loads(load("--env-file", "other.env", NULL));
	assert_string_equal(sample.inner.url, "a \"b\" $c \\ #d");
	assert_int_equal(sample.mode, MODE_GO);
}

static void
test_help(void **state)
{
	(void) state;
	setenv("T_TIMEOUT", "soon", 1);
	assert_loads(load_printed("--help", NULL, NULL));
	assert_true(source.answered);
	assert_non_null(strstr(printed, "Usage: sample [COMMAND] [OPTION]..."));
	assert_non_null(strstr(printed, "--timeout DURATION   (T_TIMEOUT)\n"));
	assert_non_null(strstr(printed, "How long. 1ms to 1min. Default: 5s."));
	assert_non_null(strstr(printed, "--port NUMBER   (T_PORT or PORT)\n"));
	assert_non_null(strstr(printed, "slot drop   Drop the slot."));
	assert_loads(load_printed("slot", "-h", NULL));
	assert_non_null(strstr(printed, "Usage: sample [COMMAND]"));
	assert_loads(load_printed("backfill", "--help", NULL));
	assert_non_null(strstr(printed, "Usage: sample backfill [OPTION]..."));
	for (char *line = strtok(printed, "\n"); line != NULL; line = strtok(NULL, "\n"))
		assert_within(strlen(line), 0, 100);
}

static void
test_other_answers(void **state)
{
	(void) state;
	assert_loads(load_printed("--version", NULL, NULL));
	assert_string_equal(printed, "sample " WALLET_VERSION "\n");
	assert_loads(load_printed("--check-config", NULL, NULL));
	assert_string_equal(printed, "the configuration is valid\n");
	assert_true(source.answered);
	assert_refused(load_printed("--check-config", "--timeout=666", NULL), EXIT_CODE_CONFIGURATION,
				   "T_TIMEOUT is not this one");
	assert_loads(load_printed("--options-markdown", NULL, NULL));
	assert_non_null(strstr(printed, "| `--mode CHOICE` | `T_MODE` |  | How. One of stop, go. |\n"));
}

static void
test_reload_reads_the_file_again(void **state)
{
	Sample fresh;

	(void) state;
	text_write(".env", "T_MODE=stop\n");
	assert_loads(load("--timeout", "3s", NULL));
	text_write(".env", "T_MODE=go\n");
	assert_loads(config_reload(&source, &fresh));
	assert_int_equal(fresh.mode, MODE_GO);
	assert_int_equal(fresh.timeout_ms, 3000);
	assert_int_equal(sample.mode, MODE_STOP);
	config_free(&program, &fresh);
	text_write(".env", "T_MODE=fly\n");

	Status status = config_reload(&source, &fresh);

	assert_int_equal(status.exit_code, EXIT_CODE_CONFIGURATION);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_defaults, test_begin),
		cmocka_unit_test_setup(test_flag_beats_environment_beats_file, test_begin),
		cmocka_unit_test_setup(test_forms_of_flags, test_begin),
		cmocka_unit_test_setup(test_shared_variable_is_weaker, test_begin),
		cmocka_unit_test_setup(test_properties_by_source, test_begin),
		cmocka_unit_test_setup(test_secrets_in_files, test_begin),
		cmocka_unit_test_setup(test_exposed_secrets, test_begin),
		cmocka_unit_test_setup(test_commands, test_begin),
		cmocka_unit_test_setup(test_usage_errors, test_begin),
		cmocka_unit_test_setup(test_configuration_errors, test_begin),
		cmocka_unit_test_setup(test_print_config_hides_secrets, test_begin),
		cmocka_unit_test_setup(test_printed_config_can_be_read_again, test_begin),
		cmocka_unit_test_setup(test_help, test_begin),
		cmocka_unit_test_setup(test_other_answers, test_begin),
		cmocka_unit_test_setup(test_reload_reads_the_file_again, test_begin),
	};

	return cmocka_run_group_tests(tests, group_begin, group_end);
}
