/*
 * kafka_facts.c
 *		What Kafka says about the recorded position and the event topic before streaming starts.
 */
#include "kafka_facts.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "repl_stream.h"

/* A writer of the topic could give its records any time: what is further ahead is not believed. */
#define CLOCKS_APART_MS 86400000

static bool
position_is_recorded(const ProgressFound *found)
{
	return found->exists && found->record.state == PROGRESS_STREAMING;
}

/* Whether events may have been published before: then a topic that is missing was there. */
static bool
position_was_recorded(const KafkaQuestion *question, const ProgressFound *found)
{
	bool slot_has_one = question->slot->exists && question->slot->confirmed != 0 && !found->exists;

	return found->damaged || found->foreign_exists || position_is_recorded(found) || slot_has_one;
}

static Status
state_judge(const KafkaQuestion *question, const Wait *wait, KafkaFacts *facts)
{
	const ProgressRecord *record = &facts->found.record;
	const char *topic = question->config->kafka.topic;

	facts->state = TOPIC_AS_RECORDED;
	if (position_is_recorded(&facts->found) && strcmp(record->topic, topic) != 0)
		facts->state = TOPIC_OTHER;
	else if (facts->topic.partition_count == 0)
		facts->state = TOPIC_GONE;
	else if (position_is_recorded(&facts->found))
	{
		/* Partitions can be added and never be taken away. */
		if (facts->topic.partition_count < record->partition_count)
			facts->state = TOPIC_ANEW;
		else
			return topic_identity_judge(question->reader, topic, facts->topic.id, record, wait,
										&facts->state);
	}
	return status_ok();
}

/* Since when other sources count; with a position of an earlier version's: from now on. */
static int64_t
since_get(const ProgressFound *found)
{
	if (!position_is_recorded(found))
		return 0;
	return found->record.since_ms > 0 ? found->record.since_ms : INT64_MAX;
}

static Status
tail_get(const KafkaQuestion *question, const Wait *wait, KafkaFacts *facts)
{
	const ProgressFound *found = &facts->found;
	bool ahead = position_is_recorded(found) && (found->record.lsn > question->slot->confirmed ||
												 found->record.inside.end_lsn != 0);
	const TailQuestion asked = {
		.topic = question->config->kafka.topic,
		.partition_count = facts->topic.partition_count,
		.depth = ahead ? TAIL_PLACES : TAIL_NEWEST,
		.passes_open = question->passes_open,
		.source = question->source,
		.since_ms = since_get(found),
		.since_partition_count = position_is_recorded(found) && found->record.since_ms > 0
									 ? found->record.partition_count
									 : facts->topic.partition_count,
	};
	Status status = topic_tail_read(question->reader, &asked, wait, &facts->tail);

	facts->left_out = facts->left_out || facts->tail.left_out;
	if (question->config->bridge.shared_topic)
		facts->tail.foreign_source[0] = '\0';
	return status;
}

Status
kafka_facts_gather(const KafkaQuestion *question, const Wait *wait, KafkaFacts *facts)
{
	const BridgeConfig *config = question->config;

	*facts = (KafkaFacts){0};

	Status status = topic_progress_prepare(question->reader, &config->bridge, wait);

	if (status_is_ok(&status))
		status = progress_read(question->reader, config->bridge.progress_topic, question->key,
							   config->kafka.topic, question->passes_open ? &facts->left_out : NULL,
							   wait, &facts->found);
	if (status_is_ok(&status))
		status = topic_prepare(question->reader, config,
							   question->making == TOPIC_MAKE_ALWAYS ||
								   (question->making == TOPIC_MAKE_FIRST &&
									!position_was_recorded(question, &facts->found)),
							   wait, &facts->topic);
	if (status_is_ok(&status))
		status = state_judge(question, wait, facts);
	if (status_is_ok(&status) && facts->topic.partition_count > 0)
		status = tail_get(question, wait, facts);
	/* A missing topic is the first thing to judge. */
	facts->left_out = facts->left_out && facts->topic.partition_count > 0;
	return status;
}

void
kafka_facts_free(KafkaFacts *facts)
{
	topic_tail_free(&facts->tail);
}

int64_t
kafka_facts_now_ms(const KafkaFacts *facts)
{
	int64_t now_ms = clock_wall_us() / 1000;
	int64_t newest_ms = facts->tail.newest_ms;

	return newest_ms < now_ms || newest_ms - now_ms > CLOCKS_APART_MS ? now_ms : newest_ms + 1;
}

ProgressRecord
kafka_facts_record(const KafkaFacts *facts, const char *topic, uint32_t timeline)
{
	const ProgressRecord *found = &facts->found.record;
	bool limit = found->generation >= PROGRESS_GENERATION_MAX;
	bool since_known = position_is_recorded(&facts->found) && found->since_ms > 0;
	ProgressRecord record = {
		.state = PROGRESS_STREAMING,
		.timeline = timeline,
		.generation = limit ? 1 : found->generation + 1,
		.partition_count = facts->topic.partition_count,
		.options = REPL_STREAM_OPTIONS,
		.since_ms = since_known ? found->since_ms : kafka_facts_now_ms(facts),
		.mark = facts->tail.mark,
	};

	snprintf(record.topic, sizeof(record.topic), "%s", topic);
	snprintf(record.topic_id, sizeof(record.topic_id), "%s", facts->topic.id);
	return record;
}
