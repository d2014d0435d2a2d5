/*
 * test_file.c
 *		.env files: what a line may look like, and what is refused with its number.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/file.h"

typedef struct LineCase
{
	const char *line;
	const char *value; /* of A; NULL: the line is refused */
} LineCase;

static const LineCase line_cases[] = {
	{"A=b", "b"},
	{"  export  A = b c ", "b c"},
	{"A=b # comment", "b"},
	{"A=b#c", "b#c"},
	{"A=#c", ""},
	{"A=", ""},
	{"A='b # \\n \"c'", "b # \\n \"c"},
	{"A=\"b \\\"c\\\" \\n\\t\\\\ \\$d \\x\" # comment", "b \"c\" \n\t\\ $d \\x"},
	{"A=''", ""},
	{"A=b'c", "b'c"},
	{"A=postgresql://u:p@h:5432/d?x=y", "postgresql://u:p@h:5432/d?x=y"},
	{"A=b\r", "b"},
	{"\xEF\xBB\xBF"
	 "A=b",
	 "b"},
	{"A=1\nA=2", "2"},
	{"# A=1\n\n   \nA=3\n", "3"},
	{"A", NULL},
	{"1A=b", NULL},
	{"A-B=c", NULL},
	{"=b", NULL},
	{"A='b", NULL},
	{"A=\"b\\\"", NULL},
	{"A='b' c", NULL},
};

static void
test_lines(void **state)
{
	(void) state;
	for (size_t i = 0; i < sizeof(line_cases) / sizeof(line_cases[0]); i++)
	{
		ConfigProperties lines;
		Status status = config_file_parse("file", line_cases[i].line, &lines);

		if (status_is_ok(&status) != (line_cases[i].value != NULL))
			fail_msg("\"%s\": %s", line_cases[i].line, status.text);
		if (line_cases[i].value != NULL)
			assert_string_equal(config_property_get(&lines, "A"), line_cases[i].value);
		config_file_free(&lines);
	}
}

static void
test_error_names_the_line_and_no_value(void **state)
{
	ConfigProperties lines;
	Status status = config_file_parse("some.env", "A=1\n\nB='hunter2\n", &lines);

	(void) state;
	assert_int_equal(status.class, STATUS_FATAL);
	assert_int_equal(status.exit_code, EXIT_CODE_CONFIGURATION);
	assert_string_equal(status.text, "some.env, line 3: the quote is not closed");
	assert_int_equal(lines.count, 0);
}

static void
test_missing_file(void **state)
{
	ConfigProperties lines;
	Status status = config_file_read("/nonexistent/.env", false, &lines);

	(void) state;
	assert_true(status_is_ok(&status));
	status = config_file_read("/nonexistent/.env", true, &lines);
	assert_int_equal(status.exit_code, EXIT_CODE_CONFIGURATION);
	status = config_file_read("/", false, &lines);
	assert_true(status_is_ok(&status));
	status = config_file_read("/", true, &lines);
	assert_int_equal(status.exit_code, EXIT_CODE_CONFIGURATION);
}

static void
test_not_a_text(void **state)
{
	char path[] = "/tmp/test_config_file.XXXXXX";
	int fd = mkstemp(path);
	ConfigProperties lines;

	(void) state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "A=1\0B=2\n", 8), 8);

	Status status = config_file_read(path, true, &lines);

	assert_int_equal(status.exit_code, EXIT_CODE_CONFIGURATION);
	assert_int_equal(ftruncate(fd, 2 << 20), 0);
	status = config_file_read(path, true, &lines);
	assert_int_equal(status.exit_code, EXIT_CODE_CONFIGURATION);
	assert_non_null(strstr(status.text, "larger than 1 MiB"));
	close(fd);
	unlink(path);
}

/* Of another user only where the test may give a file away. */
static void
test_file_of_strangers(void **state)
{
	char path[] = "/tmp/test_config_file.XXXXXX";
	int fd = mkstemp(path);
	ConfigProperties lines;

	(void) state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "A=1\n", 4), 4);

	Status status = config_file_read(path, false, &lines);

	assert_true(status_is_ok(&status));
	config_file_free(&lines);
	assert_int_equal(fchmod(fd, 0666), 0);
	status = config_file_read(path, false, &lines);
	assert_int_equal(status.exit_code, EXIT_CODE_CONFIGURATION);
	assert_non_null(strstr(status.text, "--env-file"));
	status = config_file_read(path, true, &lines);
	assert_true(status_is_ok(&status));
	config_file_free(&lines);
	assert_int_equal(fchmod(fd, 0644), 0);
	if (geteuid() == 0)
	{
		assert_int_equal(fchown(fd, 65534, 65534), 0);
		status = config_file_read(path, false, &lines);
		assert_int_equal(status.exit_code, EXIT_CODE_CONFIGURATION);
	}
	close(fd);
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_error_names_the_line_and_no_value),
		cmocka_unit_test(test_missing_file),
		cmocka_unit_test(test_not_a_text),
		cmocka_unit_test(test_file_of_strangers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
