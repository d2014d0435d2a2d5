/*
 * consumer_parts.c
 *		Each process has a name of its own, by which another one finds its sessions.
 */
#include "consumer_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define DEAD_LETTER_SUFFIX ".dlq"

static void
owner_print(char owner[HISTORY_OWNER_BYTES])
{
	char host[20] = "";

	gethostname(host, sizeof(host) - 1);
	snprintf(owner, HISTORY_OWNER_BYTES, "wallet_history-%s-%d-%08" PRIx64, host, (int) getpid(),
			 (uint64_t) clock_wall_us() & UINT64_C(0xFFFFFFFF));
}

/* From malloc(), or NULL. */
static char *
dead_letter_topic_name(const HistoryConfig *config)
{
	const char *told = config->history.dead_letter_topic;
	char *name = NULL;

	if (told != NULL)
		return strdup(told);
	return asprintf(&name, "%s" DEAD_LETTER_SUFFIX, config->kafka.topic) < 0 ? NULL : name;
}

static void
options_fill(ConsumerParts *parts, const HistoryConfig *config)
{
	parts->applier_options = (ApplierOptions){
		.pg = &config->pg,
		.group = config->history.group,
		.topic = config->kafka.topic,
		.source = config->history.source,
		.owner = parts->owner,
		.former_owners = &parts->former_owners,
		.stop_at_gap = config->history.on_gap == POLICY_STOP,
		.stop_at_conflict = config->history.on_conflict == POLICY_STOP,
	};
	parts->dead_letter_options = (DeadLetterOptions){
		.kafka = &config->kafka,
		.topic = parts->dead_letter_topic,
		.group = config->history.group,
	};
	parts->subscriber_options =
		(SubscriberOptions){.kafka = &config->kafka, .group = config->history.group};
}

static Status
worker_make(ConsumerParts *parts, size_t number)
{
	parts->appliers[number] = applier_new(&parts->applier_options);
	parts->dead_letters[number] = dead_letter_new(&parts->dead_letter_options);
	if (parts->appliers[number] == NULL || parts->dead_letters[number] == NULL)
		return status_bug("out of memory");
	parts->workers[number] =
		apply_worker_start(parts->appliers[number], parts->dead_letters[number]);
	return parts->workers[number] == NULL ? status_bug("no thread can be started") : status_ok();
}

Status
consumer_parts_make(ConsumerParts *parts, const HistoryConfig *config)
{
	Status status;

	owner_print(parts->owner);
	parts->dead_letter_topic = dead_letter_topic_name(config);
	if (parts->dead_letter_topic == NULL)
		return status_bug("out of memory");
	options_fill(parts, config);
	former_owners_init(&parts->former_owners);
	parts->worker_count = (size_t) config->history.appliers + 1;
	for (size_t i = 0; i < parts->worker_count; i++)
	{
		status = worker_make(parts, i);
		if (!status_is_ok(&status))
			return status;
	}
	parts->watch = topic_watch_new(&config->kafka, config->history.topic_interval_ms);
	if (parts->watch == NULL)
		return status_bug("out of memory or descriptors");
	return subscriber_new(&parts->subscriber_options, &parts->subscriber);
}

void
consumer_parts_free(ConsumerParts *parts)
{
	/* The workers first: they use the others. */
	for (size_t i = 0; i < parts->worker_count; i++)
		apply_worker_stop(parts->workers[i]);
	topic_watch_free(parts->watch);
	subscriber_free(parts->subscriber);
	for (size_t i = 0; i < parts->worker_count; i++)
	{
		applier_free(parts->appliers[i]);
		dead_letter_free(parts->dead_letters[i]);
	}
	former_owners_free(&parts->former_owners);
	free(parts->dead_letter_topic);
	*parts = (ConsumerParts){.worker_count = 0};
}
