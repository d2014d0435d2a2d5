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

Status
consumer_parts_make(ConsumerParts *parts, const HistoryConfig *config)
{
	owner_print(parts->owner);
	parts->dead_letter_topic = dead_letter_topic_name(config);
	if (parts->dead_letter_topic == NULL)
		return status_bug("out of memory");
	options_fill(parts, config);
	parts->applier = applier_new(&parts->applier_options);
	parts->dead_letter = dead_letter_new(&parts->dead_letter_options);
	if (parts->applier == NULL || parts->dead_letter == NULL)
		return status_bug("out of memory");
	parts->worker = apply_worker_start(parts->applier, parts->dead_letter);
	if (parts->worker == NULL)
		return status_bug("no thread can be started");
	parts->watch = topic_watch_new(&config->kafka, config->history.topic_interval_ms);
	if (parts->watch == NULL)
		return status_bug("out of memory or descriptors");
	return subscriber_new(&parts->subscriber_options, &parts->subscriber);
}

void
consumer_parts_free(ConsumerParts *parts)
{
	/* The worker first: it uses the two that follow the subscriber. */
	apply_worker_stop(parts->worker);
	topic_watch_free(parts->watch);
	subscriber_free(parts->subscriber);
	applier_free(parts->applier);
	dead_letter_free(parts->dead_letter);
	free(parts->dead_letter_topic);
	*parts = (ConsumerParts){.worker = NULL};
}
