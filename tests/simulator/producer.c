/*
 * producer.c
 *		The producer's side of librdkafka: records wait, arrive in the order of their partition, and
 *		are acknowledged. An acknowledgement may be lost with its producer, and what is in the
 *		sockets of a dead process may arrive later.
 */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "ledger.h"
#include "scheduler.h"

#define SEND_AGAIN_US 200000

static Record *records; /* all that were made */

void
producers_begin(void)
{
	records = NULL;
}

void
producers_end(void)
{
	for (Record *record = records; record != NULL; record = record->next)
		if (record->headers != NULL)
			rd_kafka_headers_destroy(record->headers);
}

static Unsent *
unsent_get(rd_kafka_t *handle, unsigned place)
{
	return &handle->unsent[place % UNSENT_MAX];
}

static void
acknowledge(void *context, int64_t number)
{
	rd_kafka_t *handle = context;
	Unsent *unsent = unsent_get(handle, (unsigned) number);

	/* Reported before, as failed. */
	if ((unsigned) number - handle->unsent_begin < handle->unsent_end - handle->unsent_begin)
		unsent->acknowledged = true;
}

/* In the order of its partition, and nothing behind one that failed. */
static bool
may_append(rd_kafka_t *handle, unsigned place)
{
	Unsent *unsent = unsent_get(handle, place);

	for (unsigned i = handle->unsent_begin; i != place; i++)
		if (!unsent_get(handle, i)->appended &&
			unsent_get(handle, i)->topic->topic == unsent->topic->topic &&
			unsent_get(handle, i)->partition == unsent->partition)
			return false;
	return !unsent->appended && unsent->code == RD_KAFKA_RESP_ERR_NO_ERROR;
}

static void
append(rd_kafka_t *handle, unsigned place)
{
	Unsent *unsent = unsent_get(handle, place);
	Topic *topic = unsent->topic->topic;

	unsent->appended = true;
	unsent->offset = topic->partitions[unsent->partition].count;
	broker_append(topic, unsent->partition, unsent->record);
}

/* A turn of the producer's own thread: what waits for one partition is sent. */
static void
transmit(void *context, int64_t partition)
{
	rd_kafka_t *handle = context;

	if (handle->closed || handle->fatal != RD_KAFKA_RESP_ERR_NO_ERROR)
		return;
	if (process_is_stalled(handle->process))
	{
		event_add(SEND_AGAIN_US, transmit, context, partition);
		return;
	}
	if (!broker_is_up())
	{
		handle->tells_cut_off = !handle->was_cut_off;
		handle->was_cut_off = true;
		event_add(SEND_AGAIN_US, transmit, context, partition);
		return;
	}
	handle->was_cut_off = false;
	for (unsigned i = handle->unsent_begin; i != handle->unsent_end; i++)
		if (unsent_get(handle, i)->partition == partition && may_append(handle, i))
		{
			append(handle, i);
			event_add((int64_t) chance(once_in(20) ? 400000 : 2000), acknowledge, handle, i);
		}
}

static rd_kafka_resp_err_t
record_queue(rd_kafka_t *handle, rd_kafka_topic_t *topic, int partition, Record *record,
			 void *opaque)
{
	Unsent *unsent;

	thread_yield();
	unsent = unsent_get(handle, handle->unsent_end);
	if (handle->fatal != RD_KAFKA_RESP_ERR_NO_ERROR)
		return RD_KAFKA_RESP_ERR__FATAL;
	if (handle->unsent_end - handle->unsent_begin == UNSENT_MAX || once_in(200))
		return RD_KAFKA_RESP_ERR__QUEUE_FULL;
	if (partition < 0 && topic->conf.choose != NULL)
		partition = topic->conf.choose(topic, record->key, record->key_bytes,
									   topic->topic->partition_count, topic->conf.opaque, opaque);
	if (partition < 0 || partition >= topic->topic->partition_count)
		return RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
	record->producer = handle->number;
	record->process = handle->process;
	*unsent = (Unsent){
		.topic = topic, .record = record, .partition = partition, .opaque = opaque, .offset = -1};
	handle->unsent_end++;
	event_add((int64_t) chance(once_in(20) ? 300000 : 3000), transmit, handle, partition);
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static Record *
record_new(const void *key, size_t key_bytes, const void *value, size_t value_bytes)
{
	Record *record = calloc(1, sizeof(*record));

	record->key_bytes = key_bytes;
	record->value_bytes = value_bytes;
	record->key = key != NULL ? memcpy(malloc(key_bytes), key, key_bytes) : NULL;
	record->value = value != NULL ? memcpy(malloc(value_bytes), value, value_bytes) : NULL;
	record->timestamp_ms = 1700000000000 + now_us() / 1000;
	record->next = records;
	records = record;
	return record;
}

rd_kafka_error_t *
rd_kafka_produceva(rd_kafka_t *handle, const rd_kafka_vu_t *values, size_t count)
{
	rd_kafka_topic_t *topic = NULL;
	Record made = {.key = NULL};
	void *opaque = NULL;
	int partition = -1;
	Record *record;
	rd_kafka_resp_err_t code;

	for (size_t i = 0; i < count; i++)
		switch ((int) values[i].vtype)
		{
			case RD_KAFKA_VTYPE_RKT:
				topic = values[i].u.rkt;
				break;
			case RD_KAFKA_VTYPE_PARTITION:
				partition = values[i].u.i32;
				break;
			case RD_KAFKA_VTYPE_KEY:
				made.key = values[i].u.mem.ptr;
				made.key_bytes = values[i].u.mem.size;
				break;
			case RD_KAFKA_VTYPE_VALUE:
				made.value = values[i].u.mem.ptr;
				made.value_bytes = values[i].u.mem.size;
				break;
			case RD_KAFKA_VTYPE_OPAQUE:
				opaque = values[i].u.ptr;
				break;
			case RD_KAFKA_VTYPE_HEADERS:
				made.headers = values[i].u.headers;
				break;
			default:
				break;
		}
	record = record_new(made.key, made.key_bytes, made.value, made.value_bytes);
	record->headers = made.headers;
	code = record_queue(handle, topic, partition, record, opaque);
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
		return NULL;
	record->headers = NULL; /* the caller's, still */
	return rd_kafka_error_new(code, "refused");
}

/* Of a topic's name, partition, key and value, as progress.c calls it. */
rd_kafka_resp_err_t
rd_kafka_producev(rd_kafka_t *handle, ...)
{
	va_list arguments;
	rd_kafka_topic_t *topic = NULL;
	const void *parts[2] = {NULL, NULL};
	size_t bytes[2] = {0, 0};
	int partition = -1;
	int type;

	va_start(arguments, handle);
	while ((type = va_arg(arguments, int)) != RD_KAFKA_VTYPE_END)
		if (type == RD_KAFKA_VTYPE_TOPIC)
			topic = rd_kafka_topic_new(handle, va_arg(arguments, const char *), NULL);
		else if (type == RD_KAFKA_VTYPE_PARTITION)
			partition = va_arg(arguments, int32_t);
		else if (type == RD_KAFKA_VTYPE_MSGFLAGS)
			(void) va_arg(arguments, int);
		else
		{
			parts[type == RD_KAFKA_VTYPE_VALUE] = va_arg(arguments, const void *);
			bytes[type == RD_KAFKA_VTYPE_VALUE] = va_arg(arguments, size_t);
		}
	va_end(arguments);
	return record_queue(handle, topic, partition,
						record_new(parts[0], bytes[0], parts[1], bytes[1]), NULL);
}

/* Of each partition in order, and of the partitions in any order. UINT_MAX: nothing. */
static unsigned
reportable_find(rd_kafka_t *handle)
{
	bool waits[EVENT_PARTITIONS + 1] = {false};

	for (unsigned i = handle->unsent_begin; i != handle->unsent_end; i++)
	{
		Unsent *unsent = unsent_get(handle, i);
		bool is_event = strcmp(unsent->topic->topic->name, EVENT_TOPIC) == 0;
		int partition = is_event ? unsent->partition : EVENT_PARTITIONS;

		if (unsent->reported || waits[partition])
			continue;
		if (unsent->acknowledged || unsent->code != RD_KAFKA_RESP_ERR_NO_ERROR)
			return i;
		waits[partition] = true;
	}
	return UINT_MAX;
}

static bool
has_something_to_tell(void *context)
{
	rd_kafka_t *handle = context;

	return handle->yielded || handle->tells_cut_off || handle->tells_fatal ||
		   reportable_find(handle) != UINT_MAX;
}

static void
report(rd_kafka_t *handle, unsigned place)
{
	Unsent *unsent = unsent_get(handle, place);
	Read read = {.message = {.err = unsent->code,
							 .rkt = unsent->topic,
							 .partition = unsent->partition,
							 .payload = unsent->record->value,
							 .len = unsent->record->value_bytes,
							 .key = unsent->record->key,
							 .key_len = unsent->record->key_bytes,
							 .offset = unsent->offset,
							 ._private = unsent->opaque},
				 .record = unsent->record};

	unsent->reported = true;
	while (handle->unsent_begin != handle->unsent_end &&
		   unsent_get(handle, handle->unsent_begin)->reported)
		handle->unsent_begin++;
	if (handle->conf.report != NULL)
		handle->conf.report(handle, &read.message, handle->conf.opaque);
}

static void
tell(rd_kafka_t *handle)
{
	bool cut_off = handle->tells_cut_off;
	bool fatal = handle->tells_fatal;
	unsigned place;

	handle->yielded = handle->tells_cut_off = handle->tells_fatal = false;
	if (cut_off && handle->conf.error != NULL)
		handle->conf.error(handle, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, "down",
						   handle->conf.opaque);
	if (fatal && handle->conf.error != NULL)
		handle->conf.error(handle, RD_KAFKA_RESP_ERR__FATAL, "fatal", handle->conf.opaque);
	while ((place = reportable_find(handle)) != UINT_MAX)
		report(handle, place);
}

int
rd_kafka_poll(rd_kafka_t *handle, int timeout_ms)
{
	thread_wait(has_something_to_tell, handle, now_us() + timeout_ms * 1000LL);
	tell(handle);
	return 0;
}

static bool
is_flushed(void *context)
{
	rd_kafka_t *handle = context;

	return has_something_to_tell(handle) || handle->unsent_begin == handle->unsent_end;
}

rd_kafka_resp_err_t
rd_kafka_flush(rd_kafka_t *handle, int timeout_ms)
{
	int64_t until_us = now_us() + timeout_ms * 1000LL;

	do
	{
		thread_wait(is_flushed, handle, until_us);
		tell(handle);
	} while (handle->unsent_begin != handle->unsent_end && now_us() < until_us);
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* What is in flight may have arrived, or may not: nobody is told which. */
rd_kafka_resp_err_t
rd_kafka_purge(rd_kafka_t *handle, int flags)
{
	(void) flags;
	producer_abandon(handle);
	for (unsigned i = handle->unsent_begin; i != handle->unsent_end; i++)
		if (!unsent_get(handle, i)->acknowledged)
			unsent_get(handle, i)->code = RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t
rd_kafka_fatal_error(rd_kafka_t *handle, char *text, size_t bytes)
{
	if (bytes > 0)
		snprintf(text, bytes, "an error that no retry mends");
	return handle->fatal;
}

/* A queue stands for its handle. */
rd_kafka_queue_t *
rd_kafka_queue_get_main(rd_kafka_t *handle)
{
	return (rd_kafka_queue_t *) handle;
}

void
rd_kafka_queue_yield(rd_kafka_queue_t *queue)
{
	((rd_kafka_t *) queue)->yielded = true;
	thread_yield();
}

/* What was still in a socket arrives late, or never. */
static void
arrive_late(void *context, int64_t partition)
{
	rd_kafka_t *handle = context;

	for (unsigned i = handle->unsent_begin; i != handle->unsent_end; i++)
		if (unsent_get(handle, i)->partition == partition && may_append(handle, i) &&
			broker_is_up())
		{
			append(handle, i);
			if (once_in(3))
				return;
		}
}

void
producer_abandon(rd_kafka_t *handle)
{
	if (handle->closed || handle->type != RD_KAFKA_PRODUCER)
		return;
	handle->closed = true;
	for (int partition = 0; partition < EVENT_PARTITIONS; partition++)
		if (once_in(2))
			arrive_late(handle, partition);
}

void
producers_process_died(int process)
{
	for (rd_kafka_t *handle = clients_get(); handle != NULL; handle = handle->next)
	{
		if (handle->process != process || handle->closed || handle->type != RD_KAFKA_PRODUCER)
			continue;
		handle->closed = true;
		for (int partition = 0; partition < EVENT_PARTITIONS; partition++)
			if (once_in(2))
				event_add((int64_t) chance(50000), arrive_late, handle, partition);
	}
}

void
producer_fail(void)
{
	for (rd_kafka_t *handle = clients_get(); handle != NULL; handle = handle->next)
	{
		if (handle->closed || handle->type != RD_KAFKA_PRODUCER || !once_in(2))
			continue;
		trace("producer %d fails for good", handle->number);
		handle->fatal = RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
		handle->tells_fatal = true;
		for (unsigned i = handle->unsent_begin; i != handle->unsent_end; i++)
			if (!unsent_get(handle, i)->appended)
				unsent_get(handle, i)->code = handle->fatal;
		return;
	}
}
