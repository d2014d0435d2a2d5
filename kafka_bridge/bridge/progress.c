/*
 * progress.c
 *		The bridge's position in the progress topic: read at start, written by hand at set-up.
 *		(While streaming the outbox writes it.)
 */
#include "progress.h"

#include <string.h>

#include "kafka/error.h"
#include "observe/log.h"
#include "kafka/topic_reader.h"
#include "publisher_handle.h"

#define SLICE_MS 100

typedef struct ProgressSearch
{
	const ProgressKey *key;
	const char *event_topic;
	ProgressFound *found;
} ProgressSearch;

static bool
key_equals(const ProgressKey *one, const ProgressKey *other)
{
	return one->system_id == other->system_id && one->database_oid == other->database_oid &&
		   strcmp(one->slot, other->slot) == 0;
}

/*
 * Within a generation a position never goes back, and a set-up is over once it was: what says
 * otherwise was on its way for long, from a bridge that took the same number.
 */
static bool
record_is_newer(const ProgressRecord *read, const ProgressRecord *found)
{
	if (read->generation != found->generation)
		return read->generation > found->generation;
	return read->state >= found->state && read->lsn >= found->lsn;
}

/*
 * The newest record of the newest generation counts; one without a value takes the key back. A
 * record that can't be read is nobody's whom we know: it is refused until a later one mends it.
 */
static void
record_look(void *context, const rd_kafka_message_t *record)
{
	ProgressSearch *search = context;
	ProgressFound *found = search->found;
	ProgressKey key;
	ProgressRecord read;

	if (record->key == NULL || !progress_key_read(record->key, record->key_len, &key))
		return;

	bool removed = record->payload == NULL;

	if (!removed && !progress_record_read(record->payload, record->len, &read))
	{
		log_warning("progress record cannot be read", log_integer("offset", record->offset));
		found->damaged = found->damaged || key_equals(&key, search->key);
		return;
	}
	if (key_equals(&key, search->key))
	{
		if (removed)
			found->record = (ProgressRecord){0};
		else if (record_is_newer(&read, &found->record))
			found->record = read;
		found->exists = !removed;
		found->damaged = found->record.generation >= PROGRESS_GENERATION_MAX;
	}
	else if (removed)
		found->foreign_exists = found->foreign_exists && !key_equals(&key, &found->foreign);
	else if (strcmp(key.slot, search->key->slot) == 0 &&
			 strcmp(read.topic, search->event_topic) == 0)
	{
		found->foreign_exists = true;
		found->foreign = key;
	}
}

Status
progress_read(rd_kafka_t *handle, const char *progress_topic, const ProgressKey *key,
			  const char *event_topic, bool *left_out, const Wait *wait, ProgressFound *found)
{
	const TopicPart part = {.partition_count = 1, .left_out = left_out};
	ProgressSearch search = {.key = key, .event_topic = event_topic, .found = found};

	*found = (ProgressFound){0};

	Status status = topic_read_part(handle, progress_topic, &part, record_look, &search, wait);

	return status_prefix(status, "could not read the recorded position from topic \"%s\"",
						 progress_topic);
}

typedef struct WriteReport
{
	bool reported;
	rd_kafka_resp_err_t code;
} WriteReport;

static void
delivery_report(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque)
{
	const KafkaObserver *observer = opaque;
	WriteReport *report = observer->context;

	(void) handle;
	report->reported = true;
	report->code = message->err;
}

/* Polls until the one record is reported. */
static Status
report_wait(rd_kafka_t *handle, const WriteReport *report, const Wait *wait)
{
	static const char *const what = "could not record the position";

	while (!report->reported)
	{
		rd_kafka_poll(handle, wait_slice_ms(wait, SLICE_MS));
		if (report->reported)
			break;
		if (wait_is_stopped(wait->stop_fd))
			return wait_status(WAIT_STOPPED, what);
		if (wait_remaining_ms(wait) == 0)
			return wait_status(WAIT_TIMED_OUT, what);
	}
	if (report->code == RD_KAFKA_RESP_ERR_NO_ERROR)
		return status_ok();
	return kafka_code_classify(report->code, what, NULL);
}

Status
progress_write(const KafkaOptions *options, const char *progress_topic, const ProgressKey *key,
			   const ProgressRecord *record, const Wait *wait)
{
	const KafkaSetting forced[] = {{"enable.idempotence", "true"}, {"acks", "all"}, {NULL, NULL}};
	WriteReport report = {.reported = false};
	KafkaObserver observer = {.context = &report};
	rd_kafka_conf_t *conf = NULL;
	rd_kafka_t *handle = NULL;
	char key_text[PROGRESS_KEY_BYTES];
	char value_text[PROGRESS_VALUE_BYTES];
	size_t key_bytes = progress_key_write(key, key_text);
	size_t value_bytes = record != NULL ? progress_record_write(record, value_text) : 0;
	Status status = kafka_conf_new(options, NULL, forced, &observer, &conf);

	if (!status_is_ok(&status))
		return status;
	rd_kafka_conf_set_dr_msg_cb(conf, delivery_report);
	status = kafka_handle_new(RD_KAFKA_PRODUCER, conf, &handle);
	if (!status_is_ok(&status))
		return status;

	rd_kafka_resp_err_t code =
		rd_kafka_producev(handle, RD_KAFKA_V_TOPIC(progress_topic), RD_KAFKA_V_PARTITION(0),
						  RD_KAFKA_V_KEY(key_text, key_bytes),
						  RD_KAFKA_V_VALUE(record != NULL ? value_text : NULL, value_bytes),
						  RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);

	if (code == RD_KAFKA_RESP_ERR__FATAL)
		status = publisher_handle_fatal(handle);
	else if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
		status = kafka_code_classify(code, "could not record the position", NULL);
	else
		status = report_wait(handle, &report, wait);
	rd_kafka_purge(handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
	rd_kafka_flush(handle, SLICE_MS);
	rd_kafka_destroy(handle);
	return status;
}
