/*
 * test_log.c
 *		What stands on standard error: one line a record, both forms, no secret, valid JSON.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "observe/log.h"

#define THREADS 4
#define RECORDS 500

/* Standard error goes into a file while a test records. */
static FILE *captured;
static int saved_stderr;

static int
capture_begin(void **state)
{
	(void) state;
	captured = tmpfile();
	saved_stderr = dup(STDERR_FILENO);
	return captured == NULL || dup2(fileno(captured), STDERR_FILENO) < 0;
}

static int
capture_end(void **state)
{
	(void) state;
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	fclose(captured);
	log_start("test", &(const LogOptions){LOG_LEVEL_INFO, LOG_FORMAT_TEXT});
	return 0;
}

/* The next line that was logged, without its end; NULL after the last. */
static char *
line_read(char *line, int bytes)
{
	if (fgets(line, bytes, captured) == NULL)
		return NULL;
	line[strcspn(line, "\n")] = '\0';
	return line;
}

static void
test_text_form(void **state)
{
	char line[1024];

	(void) state;
	log_start("prog", &(const LogOptions){LOG_LEVEL_INFO, LOG_FORMAT_TEXT});
	log_info("streaming started", log_text("slot", "s1"), log_integer("n", -5),
			 log_boolean("ok", true), log_lsn("from", 0x16B3748ABCDULL), log_real("r", 0.5),
			 log_text("none", NULL), log_text("empty", ""), log_text("odd", "a=\"b\"\nc"));
	rewind(captured);
	assert_non_null(line_read(line, sizeof(line)));
	assert_non_null(strstr(line, "Z level=info program=prog message=\"streaming started\" slot=s1 "
								 "n=-5 ok=true from=16B/3748ABCD r=0.5 none=null empty=\"\" "
								 "odd=\"a=\\\"b\\\"\\nc\""));
	assert_int_equal(strncmp(line, "time=20", 7), 0);
	assert_null(line_read(line, sizeof(line)));
}

static void
test_json_form(void **state)
{
	char line[4096];

	(void) state;
	log_start("prog", &(const LogOptions){LOG_LEVEL_INFO, LOG_FORMAT_JSON});
	log_warning("bad \"bytes\"", log_text("text", "\xff\xc0\x80 \xe2\x82\xac \x01 \\"),
				log_integer("n", INT64_MIN), log_lsn("at", 1), log_text("none", NULL));
	rewind(captured);
	assert_non_null(line_read(line, sizeof(line)));

	json_t *record = json_loads(line, 0, NULL);

	assert_non_null(record);
	assert_string_equal(json_string_value(json_object_get(record, "level")), "warning");
	assert_string_equal(json_string_value(json_object_get(record, "message")), "bad \"bytes\"");
	assert_string_equal(json_string_value(json_object_get(record, "at")), "0/1");
	assert_string_equal(json_string_value(json_object_get(record, "text")),
						"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd \xe2\x82\xac \x01 \\");
	assert_true(json_integer_value(json_object_get(record, "n")) == INT64_MIN);
	assert_true(json_is_null(json_object_get(record, "none")));
	json_decref(record);
}

static void
test_level_filters(void **state)
{
	char line[1024];

	(void) state;
	log_start("prog", &(const LogOptions){LOG_LEVEL_WARNING, LOG_FORMAT_TEXT});
	log_info("hidden");
	log_level_set(LOG_LEVEL_DEBUG);
	log_debug("shown");
	rewind(captured);
	assert_non_null(line_read(line, sizeof(line)));
	assert_non_null(strstr(line, "message=shown"));
	assert_null(line_read(line, sizeof(line)));
}

static void
test_no_secret_gets_through(void **state)
{
	Status status = status_retry("cannot reach postgresql://u:hunter2@h/d");
	char line[1024];

	(void) state;
	log_status(LOG_LEVEL_ERROR, "no connection", &status);
	log_error("password=hunter2", log_text("dsn", "host=h password=hunter2"));
	rewind(captured);
	while (line_read(line, sizeof(line)) != NULL)
		assert_null(strstr(line, "hunter2"));
}

static void
test_status_fields(void **state)
{
	Status status = status_fatal(EXIT_CODE_BUG, "bad row");
	char line[1024];

	(void) state;
	snprintf(status.sqlstate, sizeof(status.sqlstate), "22P02");
	log_status(LOG_LEVEL_ERROR, "stopped", &status);
	rewind(captured);
	assert_non_null(line_read(line, sizeof(line)));
	assert_non_null(strstr(line, "error=\"bad row\" class=fatal sqlstate=22P02"));
}

static void
test_huge_record_stays_valid(void **state)
{
	char *huge = malloc(100001);
	char line[32768];

	(void) state;
	memset(huge, 1, 100000);
	huge[100000] = '\0';
	log_start("prog", &(const LogOptions){LOG_LEVEL_INFO, LOG_FORMAT_JSON});
	log_info(huge, log_text("a", huge), log_text("b", huge), log_text("c", huge));
	free(huge);
	rewind(captured);
	assert_non_null(line_read(line, sizeof(line)));

	json_t *record = json_loads(line, 0, NULL);

	assert_non_null(record);
	assert_true(json_is_true(json_object_get(record, "cut")));
	json_decref(record);
	assert_null(line_read(line, sizeof(line)));
}

static void
test_journal_priorities(void **state)
{
	struct stat file;
	char stream[64];
	char line[1024];

	(void) state;
	assert_int_equal(fstat(STDERR_FILENO, &file), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long) file.st_dev,
			 (unsigned long long) file.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_start("prog", &(const LogOptions){LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT});
	log_error("one");
	log_warning("two");
	log_info("three");
	log_debug("four");
	log_start("prog", &(const LogOptions){LOG_LEVEL_INFO, LOG_FORMAT_JSON});
	log_info("five");
	/* Another file than the journal's. */
	setenv("JOURNAL_STREAM", "1:2", 1);
	log_start("prog", &(const LogOptions){LOG_LEVEL_INFO, LOG_FORMAT_TEXT});
	log_error("six");
	unsetenv("JOURNAL_STREAM");
	rewind(captured);
	for (size_t i = 0; i < 6; i++)
	{
		static const char *const begins[] = {"<3>time=", "<4>time=",	  "<6>time=",
											 "<7>time=", "<6>{\"time\":", "time="};

		assert_non_null(line_read(line, sizeof(line)));
		assert_int_equal(strncmp(line, begins[i], strlen(begins[i])), 0);
	}
	assert_null(line_read(line, sizeof(line)));
}

static void *
thread_run(void *argument)
{
	(void) argument;
	for (int i = 0; i < RECORDS; i++)
		log_info("record of a thread", log_integer("number", i),
				 log_text("filler", "abcdefghijklmnopqrstuvwxyz abcdefghijklmnopqrstuvwxyz"));
	return NULL;
}

static void
test_threads_do_not_mix_lines(void **state)
{
	pthread_t threads[THREADS];
	char line[1024];
	int count = 0;

	(void) state;
	log_start("prog", &(const LogOptions){LOG_LEVEL_INFO, LOG_FORMAT_JSON});
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, thread_run, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	rewind(captured);
	for (; line_read(line, sizeof(line)) != NULL; count++)
	{
		json_t *record = json_loads(line, 0, NULL);

		assert_non_null(record);
		json_decref(record);
	}
	assert_int_equal(count, THREADS * RECORDS);
}

int
main(void)
{
#define CAPTURED(test) cmocka_unit_test_setup_teardown(test, capture_begin, capture_end)
	const struct CMUnitTest tests[] = {
		CAPTURED(test_text_form),		   CAPTURED(test_json_form),
		CAPTURED(test_level_filters),	   CAPTURED(test_no_secret_gets_through),
		CAPTURED(test_status_fields),	   CAPTURED(test_huge_record_stays_valid),
		CAPTURED(test_journal_priorities), CAPTURED(test_threads_do_not_mix_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
