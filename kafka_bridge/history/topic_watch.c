/*
 * topic_watch.c
 *		A thread a look: there is one in half a minute.
 */
#include "topic_watch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/wake.h"
#include "kafka/topic_reader.h"
#include "observe/log.h"
#include "position_mark.h"

#define LOOK_TIMEOUT_MS	  15000
#define ANCHOR_TIMEOUT_MS 500 /* more for each */

struct TopicWatch
{
	const KafkaOptions *kafka;
	int64_t interval_ms;
	int64_t begun_at_ms; /* the latest look; 0: at once */
	KafkaObserver observer;
	int stop_fd;
	bool is_looking;
	atomic_bool is_done;
	pthread_t thread;
	MembershipAnchor *anchors; /* the thread's, with what follows, while it looks */
	size_t count;
	Status asked;	/* whether all could be looked at */
	Status verdict; /* FATAL: the topic is another one */
};

TopicWatch *
topic_watch_new(const KafkaOptions *kafka, int64_t interval_ms)
{
	TopicWatch *watch = calloc(1, sizeof(*watch));

	if (watch == NULL)
		return NULL;
	watch->kafka = kafka;
	watch->interval_ms = interval_ms;
	watch->stop_fd = wake_new();
	if (watch->stop_fd >= 0)
		return watch;
	free(watch);
	return NULL;
}

void
topic_watch_hurry(TopicWatch *watch)
{
	watch->begun_at_ms = 0;
}

static void
record_mark(void *context, const rd_kafka_message_t *record)
{
	rd_kafka_timestamp_type_t type;

	*(PositionMark *) context =
		position_mark_make(record->offset, rd_kafka_message_timestamp(record, &type),
						   record->payload, record->len);
}

/* OK: it was looked at, and the verdict is FATAL where the record is not what it was. */
static Status
anchor_look(rd_kafka_t *reader, const char *topic, const MembershipAnchor *anchor, const Wait *wait,
			Status *verdict)
{
	PositionMark found = POSITION_MARK_NONE;
	int64_t low = 0;
	int64_t high = 0;
	Status status = topic_offsets_get(reader, topic, anchor->partition, &low, &high, wait);

	if (!status_is_ok(&status))
		return status;
	if (anchor->mark.offset >= high)
		*verdict = position_mark_refuse_end(anchor->partition, &anchor->mark, high);
	if (anchor->mark.offset >= high || anchor->mark.offset < low)
		return status;
	status = topic_read_one(reader, topic, anchor->partition, anchor->mark.offset, record_mark,
							&found, &high, wait);
	if (status_is_ok(&status) && found.offset >= anchor->mark.offset &&
		position_mark_judge(&anchor->mark, &found) == MARK_REPLACED)
		*verdict = position_mark_refuse_record(anchor->partition, &anchor->mark);
	return status;
}

static void *
look_run(void *argument)
{
	TopicWatch *watch = argument;
	Wait wait =
		wait_begin(watch->stop_fd, LOOK_TIMEOUT_MS + (int64_t) watch->count * ANCHOR_TIMEOUT_MS);
	rd_kafka_t *reader = NULL;
	/* A client of long ago would answer from what it remembers of the topic. */
	Status asked = topic_reader_open(watch->kafka, &watch->observer, &reader);

	watch->verdict = status_ok();
	for (size_t i = 0; i < watch->count && status_is_ok(&asked); i++)
		asked =
			anchor_look(reader, watch->kafka->topic, &watch->anchors[i], &wait, &watch->verdict);
	topic_reader_close(&reader);
	watch->asked = asked;
	atomic_store(&watch->is_done, true);
	return NULL;
}

static void
look_begin(TopicWatch *watch, Membership *membership, int64_t now_ms)
{
	watch->begun_at_ms = now_ms;
	free(watch->anchors);
	watch->anchors = membership_anchors_make(membership, &watch->count);
	if (watch->anchors == NULL || watch->count == 0)
		return;
	atomic_store(&watch->is_done, false);
	watch->is_looking = pthread_create(&watch->thread, NULL, look_run, watch) == 0;
}

Status
topic_watch_turn(TopicWatch *watch, Membership *membership, int64_t now_ms)
{
	Status verdict = status_ok();

	if (watch->is_looking && atomic_load(&watch->is_done))
	{
		pthread_join(watch->thread, NULL);
		watch->is_looking = false;
		verdict = watch->verdict;
		if (!status_is_ok(&watch->asked))
			log_debug("topic not looked at", log_text("reason", watch->asked.text));
		else if (status_is_ok(&verdict))
			membership_anchors_move(membership);
	}
	if (!watch->is_looking &&
		(watch->begun_at_ms == 0 || now_ms - watch->begun_at_ms >= watch->interval_ms))
		look_begin(watch, membership, now_ms);
	return verdict;
}

void
topic_watch_free(TopicWatch *watch)
{
	if (watch == NULL)
		return;
	wake_set(watch->stop_fd);
	if (watch->is_looking)
		pthread_join(watch->thread, NULL);
	close(watch->stop_fd);
	free(watch->anchors);
	free(watch);
}
