/*
 * transaction_leftover.c
 *		Ends Kafka transactions that the brokers have given up and left open.
 *
 * The mark that ends a transaction in a partition ends whatever the producer has open there. So a
 * transaction of the same transactional id that writes there and is aborted does it.
 */
#include "transaction_leftover.h"

#include <stdlib.h>

#include "kafka/error.h"
#include "kafka/topic_reader.h"
#include "kafka_transaction.h"
#include "observe/log.h"
#include "publisher_handle.h"

#define SLICE_MS 100

/* Nobody sees it who reads committed records only. */
static const char filling[] = "{}";

typedef struct Leftover
{
	const PublisherPlan *plan;
	bool *event_partitions; /* in which something is open */
	bool progress;
} Leftover;

static void
record_ignore(void *context, const rd_kafka_message_t *record)
{
	(void) context;
	(void) record;
}

static void
report_ignore(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque)
{
	(void) handle;
	(void) message;
	(void) opaque;
}

/* Looks for what is open. */
static Status
leftover_find(Leftover *leftover, const Wait *wait, bool *found)
{
	const PublisherPlan *plan = leftover->plan;
	TopicPart events = {.partition_count = plan->partition_count,
						.depth = 1,
						.left_out = leftover->event_partitions};
	TopicPart progress = {.partition_count = 1, .depth = 1, .left_out = &leftover->progress};
	KafkaObserver observer = {0};
	rd_kafka_t *reader = NULL;
	Status status = topic_reader_open(plan->kafka, &observer, &reader);

	if (status_is_ok(&status))
		status = topic_read_part(reader, plan->kafka->topic, &events, record_ignore, NULL, wait);
	if (status_is_ok(&status))
		status =
			topic_read_part(reader, plan->progress_topic, &progress, record_ignore, NULL, wait);
	topic_reader_close(&reader);
	*found = leftover->progress;
	for (int i = 0; i < plan->partition_count; i++)
		*found = *found || leftover->event_partitions[i];
	return status;
}

static Status
filling_send(rd_kafka_t *handle, const char *topic, int32_t partition)
{
	rd_kafka_resp_err_t code =
		rd_kafka_producev(handle, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
						  RD_KAFKA_V_VALUE((void *) (uintptr_t) filling, sizeof(filling) - 1),
						  RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);

	return kafka_code_classify(code, "could not end an open Kafka transaction", NULL);
}

/* What is sent counts when the brokers have it: only then it is in the transaction. */
static Status
filling_wait(rd_kafka_t *handle, const Wait *wait)
{
	while (rd_kafka_outq_len(handle) > 0)
	{
		Wait now = {.stop_fd = wait->stop_fd, .deadline_ms = 0};

		if (wait_for_fd(&now, -1, 0) == WAIT_STOPPED)
			return wait_status(WAIT_STOPPED, "ending an open Kafka transaction");
		if (wait_remaining_ms(wait) == 0)
			return wait_status(WAIT_TIMED_OUT, "ending an open Kafka transaction");
		rd_kafka_flush(handle, wait_slice_ms(wait, SLICE_MS));
	}
	return status_ok();
}

static Status
leftover_abort(const Leftover *leftover, rd_kafka_t *handle, const Wait *wait)
{
	const PublisherPlan *plan = leftover->plan;
	Status status = kafka_error_classify(rd_kafka_begin_transaction(handle),
										 "could not begin a Kafka transaction");

	for (int i = 0; i < plan->partition_count && status_is_ok(&status); i++)
		if (leftover->event_partitions[i])
			status = filling_send(handle, plan->kafka->topic, i);
	if (status_is_ok(&status) && leftover->progress)
		status = filling_send(handle, plan->progress_topic, 0);
	if (status_is_ok(&status))
		status = filling_wait(handle, wait);
	if (status_is_ok(&status))
		status = kafka_error_classify(rd_kafka_abort_transaction(handle, -1),
									  "could not end an open Kafka transaction");
	return status;
}

Status
transaction_leftover_end(const PublisherPlan *plan, const Wait *wait)
{
	Leftover leftover = {.plan = plan};
	KafkaObserver observer = {0};
	KafkaTransaction *transaction = NULL;
	rd_kafka_t *handle = NULL;
	bool found = false;
	Status status = publisher_handle_open(plan, &observer, report_ignore, &handle);

	leftover.event_partitions = calloc((size_t) plan->partition_count, sizeof(bool));
	if (status_is_ok(&status))
		transaction = kafka_transaction_new(handle);
	if (status_is_ok(&status) && (transaction == NULL || leftover.event_partitions == NULL))
		status = status_bug("out of memory");
	if (status_is_ok(&status))
		status = kafka_transaction_fence(transaction, wait);
	if (status_is_ok(&status))
		status = leftover_find(&leftover, wait, &found);
	if (status_is_ok(&status) && found)
	{
		log_warning("a Kafka transaction is open that nobody will end: aborting it",
					log_text("topic", plan->kafka->topic));
		status = leftover_abort(&leftover, handle, wait);
	}
	kafka_transaction_free(transaction);
	if (handle != NULL)
		rd_kafka_destroy(handle);
	free(leftover.event_partitions);
	return status.exit_code == EXIT_CODE_BUG ? status_retry("%s", status.text) : status;
}
