/*
 * test_health.c
 *		Readiness by checks, liveness by loops, and the JSON that says so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/clock.h"
#include "observe/health.h"

static Health *health;

static int
test_begin(void **state)
{
	(void) state;
	health = health_new("prog");
	return health == NULL;
}

static int
test_end(void **state)
{
	(void) state;
	health_free(health);
	return 0;
}

/* Caller's, for json_decref(). */
static json_t *
render(bool *ready)
{
	size_t bytes = 0;
	char *text = health_render(health, &bytes, ready);

	assert_non_null(text);
	assert_int_equal(bytes, strlen(text));

	json_t *answer = json_loads(text, 0, NULL);

	assert_non_null(answer);
	free(text);
	return answer;
}

static const char *
answer_text(const json_t *answer, const char *name)
{
	return json_string_value(json_object_get(answer, name));
}

static void
test_ready_when_every_check_passes(void **state)
{
	bool ready = true;

	(void) state;
	assert_false(health_is_ready(health));
	health_check_set(health, "postgresql", true, "%s", "");
	assert_true(health_is_ready(health));
	health_check_set(health, "kafka", false, "no broker for %d s", 5);
	assert_false(health_is_ready(health));
	health_fact_set(health, "role", "%s", "standby");
	health_number_set(health, "gaps", 17);

	json_t *answer = render(&ready);
	const json_t *checks = json_object_get(answer, "checks");
	const json_t *kafka = json_object_get(checks, "kafka");

	assert_false(ready);
	assert_string_equal(answer_text(answer, "status"), "not ready");
	assert_string_equal(answer_text(answer, "program"), "prog");
	assert_string_equal(answer_text(answer, "role"), "standby");
	assert_int_equal(json_integer_value(json_object_get(answer, "gaps")), 17);
	assert_true(json_is_false(json_object_get(kafka, "ok")));
	assert_string_equal(answer_text(kafka, "reason"), "no broker for 5 s");
	assert_null(json_object_get(json_object_get(checks, "postgresql"), "reason"));
	json_decref(answer);

	health_check_set(health, "kafka", true, "%s", "");
	answer = render(&ready);
	assert_true(ready);
	assert_string_equal(answer_text(answer, "status"), "ready");
	json_decref(answer);
}

static void
test_odd_reasons_stay_json(void **state)
{
	char huge[2000];
	bool ready = true;

	(void) state;
	memset(huge, 'x', sizeof(huge));
	huge[sizeof(huge) - 1] = '\0';
	health_check_set(health, "a", false, "%s", huge);
	health_check_set(health, "b", false, "%s", "\xff \" \\ \n");
	json_decref(render(&ready));
	assert_false(ready);
}

static void
test_a_loop_not_seen_is_stuck(void **state)
{
	size_t quick = health_loop_add(health, "quick", 20);
	size_t patient = health_loop_add(health, "patient", 600000);
	int64_t deadline_ms = clock_monotonic_ms() + 10000;

	(void) state;
	health_loop_beat(health, quick);
	health_loop_beat(health, patient);
	assert_true(health_is_alive(health, NULL));
	while (health_is_alive(health, NULL))
	{
		assert_true(clock_monotonic_ms() < deadline_ms);
		poll(NULL, 0, 5);
	}
	health_loop_beat(health, quick);
	assert_true(health_is_alive(health, NULL));
}

int
main(void)
{
#define HEALTH_TEST(test) cmocka_unit_test_setup_teardown(test, test_begin, test_end)
	const struct CMUnitTest tests[] = {
		HEALTH_TEST(test_ready_when_every_check_passes),
		HEALTH_TEST(test_odd_reasons_stay_json),
		HEALTH_TEST(test_a_loop_not_seen_is_stuck),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
