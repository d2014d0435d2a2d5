/*
 * test_status.c
 *		Statuses: classes, exit codes, texts of one line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/status.h"

static void
test_classes_and_exit_codes(void **state)
{
	Status ok = status_ok();
	Status retry = status_retry("no %s", "answer");
	Status fatal = status_fatal(EXIT_CODE_CONFIGURATION, "wrong");
	Status bug = status_bug("impossible");

	(void) state;
	assert_true(status_is_ok(&ok));
	assert_int_equal(ok.exit_code, 0);
	assert_string_equal(ok.text, "");
	assert_int_equal(retry.class, STATUS_RETRY);
	assert_int_equal(retry.exit_code, 69);
	assert_string_equal(retry.text, "no answer");
	assert_int_equal(fatal.class, STATUS_FATAL);
	assert_int_equal(fatal.exit_code, 78);
	assert_int_equal(bug.class, STATUS_BUG);
	assert_int_equal(bug.exit_code, 70);
	assert_string_equal(bug.sqlstate, "");
	assert_string_equal(status_class_name(STATUS_RETRY), "retry");
}

static void
test_text_is_one_line(void **state)
{
	Status status = status_retry("%s", "FATAL:  no\n\tDETAIL: why\r\n\n");

	(void) state;
	assert_string_equal(status.text, "FATAL: no DETAIL: why");
}

static void
test_long_text_is_cut(void **state)
{
	char text[STATUS_TEXT_BYTES * 2];

	(void) state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';

	Status status = status_retry("%s", text);

	assert_int_equal(strlen(status.text), STATUS_TEXT_BYTES - 1);
	status = status_prefix(status, "%s", text);
	assert_int_equal(strlen(status.text), STATUS_TEXT_BYTES - 1);
}

static void
test_prefix_keeps_the_rest(void **state)
{
	Status status = status_fatal(EXIT_CODE_FENCED, "gone");

	(void) state;
	snprintf(status.sqlstate, sizeof(status.sqlstate), "57P01");
	status = status_prefix(status, "slot %d", 7);
	assert_string_equal(status.text, "slot 7: gone");
	assert_int_equal(status.class, STATUS_FATAL);
	assert_int_equal(status.exit_code, 75);
	assert_string_equal(status.sqlstate, "57P01");

	Status ok = status_prefix(status_ok(), "nothing");

	assert_true(status_is_ok(&ok));
	assert_string_equal(ok.text, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_classes_and_exit_codes),
		cmocka_unit_test(test_text_is_one_line),
		cmocka_unit_test(test_long_text_is_cut),
		cmocka_unit_test(test_prefix_keeps_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
