/*
 * health.c
 *		Checks, facts and loops in fixed arrays under one mutex; answers as JSON.
 */
#include "observe/health.h"

#include <assert.h>
#include <jansson.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define TEXT_BYTES 256

/* A check with its reason, or a fact with its value. */
typedef struct HealthEntry
{
	char name[HEALTH_NAME_BYTES];
	char text[TEXT_BYTES];
	bool passes;	/* checks only */
	bool is_number; /* facts only: the text is one */
	int64_t number;
} HealthEntry;

typedef struct HealthLoop
{
	char name[HEALTH_NAME_BYTES];
	int64_t limit_ms;
	int64_t seen_ms; /* by clock_monotonic_ms() */
} HealthLoop;

struct Health
{
	const char *program;
	pthread_mutex_t lock; /* guards all below */
	HealthEntry checks[HEALTH_CHECKS_MAX];
	size_t check_count;
	HealthEntry facts[HEALTH_FACTS_MAX];
	size_t fact_count;
	HealthLoop loops[HEALTH_LOOPS_MAX];
	size_t loop_count;
};

Health *
health_new(const char *program)
{
	Health *health = calloc(1, sizeof(Health));

	if (health == NULL)
		return NULL;
	health->program = program;
	pthread_mutex_init(&health->lock, NULL);
	return health;
}

void
health_free(Health *health)
{
	if (health == NULL)
		return;
	pthread_mutex_destroy(&health->lock);
	free(health);
}

/* The entry of this name, new if there is none. Under the lock. */
static HealthEntry *
entry_find(HealthEntry *entries, size_t *count, size_t maximum, const char *name)
{
	size_t i = 0;

	while (i < *count && strcmp(entries[i].name, name) != 0)
		i++;
	assert(i < maximum);
	if (i == *count)
	{
		(*count)++;
		snprintf(entries[i].name, HEALTH_NAME_BYTES, "%s", name);
	}
	return &entries[i];
}

/* Sets the text of the entry of this name. Under the lock. */
static HealthEntry *__attribute__((format(printf, 5, 0)))
entry_set(HealthEntry *entries, size_t *count, size_t maximum, const char *name, const char *format,
		  va_list arguments)
{
	HealthEntry *entry = entry_find(entries, count, maximum, name);

	vsnprintf(entry->text, TEXT_BYTES, format, arguments);
	return entry;
}

void
health_check_set(Health *health, const char *check, bool passes, const char *reason_format, ...)
{
	va_list arguments;

	va_start(arguments, reason_format);
	pthread_mutex_lock(&health->lock);
	entry_set(health->checks, &health->check_count, HEALTH_CHECKS_MAX, check, reason_format,
			  arguments)
		->passes = passes;
	pthread_mutex_unlock(&health->lock);
	va_end(arguments);
}

void
health_fact_set(Health *health, const char *fact, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	pthread_mutex_lock(&health->lock);
	entry_set(health->facts, &health->fact_count, HEALTH_FACTS_MAX, fact, format, arguments)
		->is_number = false;
	pthread_mutex_unlock(&health->lock);
	va_end(arguments);
}

void
health_number_set(Health *health, const char *fact, int64_t number)
{
	pthread_mutex_lock(&health->lock);

	HealthEntry *entry = entry_find(health->facts, &health->fact_count, HEALTH_FACTS_MAX, fact);

	entry->is_number = true;
	entry->number = number;
	pthread_mutex_unlock(&health->lock);
}

size_t
health_loop_add(Health *health, const char *loop, int64_t limit_ms)
{
	pthread_mutex_lock(&health->lock);
	assert(health->loop_count < HEALTH_LOOPS_MAX);

	size_t number = health->loop_count++;

	snprintf(health->loops[number].name, HEALTH_NAME_BYTES, "%s", loop);
	health->loops[number].limit_ms = limit_ms;
	health->loops[number].seen_ms = clock_monotonic_ms();
	pthread_mutex_unlock(&health->lock);
	return number;
}

void
health_loop_beat(Health *health, size_t loop)
{
	pthread_mutex_lock(&health->lock);
	assert(loop < health->loop_count);
	health->loops[loop].seen_ms = clock_monotonic_ms();
	pthread_mutex_unlock(&health->lock);
}

void
health_loop_rest(Health *health, size_t loop)
{
	pthread_mutex_lock(&health->lock);
	assert(loop < health->loop_count);
	health->loops[loop].seen_ms = INT64_MAX;
	pthread_mutex_unlock(&health->lock);
}

/* Under the lock. */
static bool
checks_pass(const Health *health)
{
	for (size_t i = 0; i < health->check_count; i++)
		if (!health->checks[i].passes)
			return false;
	return health->check_count > 0;
}

bool
health_is_ready(Health *health)
{
	pthread_mutex_lock(&health->lock);
	bool ready = checks_pass(health);

	pthread_mutex_unlock(&health->lock);
	return ready;
}

/* The name of a loop that is stuck, or NULL. Under the lock. */
static const char *
loop_stuck_find(const Health *health)
{
	int64_t now_ms = clock_monotonic_ms();

	for (size_t i = 0; i < health->loop_count; i++)
		if (now_ms - health->loops[i].seen_ms > health->loops[i].limit_ms)
			return health->loops[i].name;
	return NULL;
}

bool
health_is_alive(Health *health, char stuck[HEALTH_NAME_BYTES])
{
	pthread_mutex_lock(&health->lock);
	const char *name = loop_stuck_find(health);

	if (name != NULL && stuck != NULL)
		snprintf(stuck, HEALTH_NAME_BYTES, "%s", name);
	pthread_mutex_unlock(&health->lock);
	return name == NULL;
}

/* Reasons may quote a server's words in any encoding. */
static json_t *
text_new(const char *text)
{
	json_t *value = json_string(text);

	return value != NULL ? value : json_string("(not UTF-8)");
}

static json_t *
checks_new(const Health *health)
{
	json_t *checks = json_object();

	for (size_t i = 0; i < health->check_count; i++)
	{
		const HealthEntry *check = &health->checks[i];
		json_t *entry = json_pack("{s:b}", "ok", check->passes ? 1 : 0);

		if (check->text[0] != '\0')
			json_object_set_new(entry, "reason", text_new(check->text));
		json_object_set_new(checks, check->name, entry);
	}
	return checks;
}

char *
health_render(Health *health, size_t *bytes, bool *ready)
{
	json_t *answer = json_object();

	pthread_mutex_lock(&health->lock);
	*ready = checks_pass(health);
	json_object_set_new(answer, "status", json_string(*ready ? "ready" : "not ready"));
	json_object_set_new(answer, "program", json_string(health->program));
	json_object_set_new(answer, "version", json_string(WALLET_VERSION));
	for (size_t i = 0; i < health->fact_count; i++)
		json_object_set_new(answer, health->facts[i].name,
							health->facts[i].is_number ? json_integer(health->facts[i].number)
													   : text_new(health->facts[i].text));
	json_object_set_new(answer, "checks", checks_new(health));
	pthread_mutex_unlock(&health->lock);

	char *text = json_dumps(answer, JSON_COMPACT);

	json_decref(answer);
	*bytes = text != NULL ? strlen(text) : 0;
	return text;
}
