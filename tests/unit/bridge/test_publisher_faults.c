/*
 * test_publisher_faults.c
 *		What brokers answer that a producer can't get over: the next producer goes on, in the same
 *		process. librdkafka's own mock of brokers gives the answers, which real ones give rarely.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "base/clock.h"
#include "bridge/kafka_transaction.h"
#include "bridge/publisher.h"
#include "bridge/publisher_handle.h"

#define TOPIC			   "wallet-events"
#define PROGRESS		   "wallet-bridge-progress"
#define DEADLINE_MS		   60000
#define PRODUCE			   0
#define TXN_ADD_PARTITIONS 24
#define TXN_END			   26

typedef struct Brokers
{
	rd_kafka_t *handle;
	rd_kafka_mock_cluster_t *cluster;
	KafkaOptions options;
	int delivered;
} Brokers;

static int
brokers_start(void **state)
{
	Brokers *brokers = calloc(1, sizeof(*brokers));

	assert_non_null(brokers);
	brokers->handle = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), NULL, 0);
	brokers->cluster = rd_kafka_mock_cluster_new(brokers->handle, 1);
	brokers->options.brokers = strdup(rd_kafka_mock_cluster_bootstraps(brokers->cluster));
	brokers->options.topic = strdup(TOPIC);
	rd_kafka_mock_topic_create(brokers->cluster, TOPIC, 1, 1);
	rd_kafka_mock_topic_create(brokers->cluster, PROGRESS, 1, 1);
	*state = brokers;
	return 0;
}

static int
brokers_end(void **state)
{
	Brokers *brokers = *state;

	rd_kafka_mock_cluster_destroy(brokers->cluster);
	rd_kafka_destroy(brokers->handle);
	free(brokers->options.brokers);
	free(brokers->options.topic);
	free(brokers);
	return 0;
}

static void
delivery_report(void *context, uint64_t ticket, uint64_t bytes, const Status *failure)
{
	Brokers *brokers = context;

	(void) ticket;
	(void) bytes;
	brokers->delivered += failure == NULL;
}

static PublisherPlan
plan_make(Brokers *brokers, bool transactional)
{
	return (PublisherPlan){
		.kafka = &brokers->options,
		.progress_topic = PROGRESS,
		.source = "/wallet/1/wallet_db",
		.partition_count = 1,
		.message_bytes_max = 1000000,
		.transactional_id = transactional ? "wallet-bridge.1.2.test" : NULL,
		.transaction_timeout_ms = 30000,
	};
}

static Publisher *
producer_open(Brokers *brokers, bool transactional)
{
	PublisherPlan plan = plan_make(brokers, transactional);
	Wait wait = wait_begin(-1, DEADLINE_MS);
	Publisher *publisher;
	Status status = publisher_open(&plan, &publisher);

	assert_int_equal(status.class, STATUS_OK);
	publisher_set_report(publisher, delivery_report, brokers);
	brokers->delivered = 0;
	status = publisher_fence(publisher, &wait);
	assert_string_equal(status.text, "");
	return publisher;
}

static void
event_send(Publisher *publisher)
{
	static const char json[] = "{\"event_id\":\"5f2d7ee3-5fd0-5b0e-9d54-3f0f0a3f1f10\"}";

	assert_int_equal(publisher_send(publisher,
									&(PublisherEvent){
										.ticket = 1,
										.wallet_id = "01a22de8-8585-761c-9ca1-f66b9e24f925",
										.event_id = "5f2d7ee3-5fd0-5b0e-9d54-3f0f0a3f1f10",
										.json = json,
										.json_bytes = sizeof(json) - 1,
									}),
					 PUBLISH_SENT);
}

/* Until delivered records are reported, or the producer fails. */
static Status
producer_serve(Brokers *brokers, Publisher *publisher, int delivered)
{
	int64_t deadline = clock_monotonic_ms() + DEADLINE_MS;
	Status status = publisher_get_failure(publisher);

	while (status_is_ok(&status) && brokers->delivered < delivered)
	{
		assert_true(clock_monotonic_ms() < deadline);
		publisher_poll(publisher, 100);
		status = publisher_get_failure(publisher);
	}
	return status;
}

static void
next_producer_delivers(Brokers *brokers, bool transactional)
{
	Publisher *publisher = producer_open(brokers, transactional);
	Status status;

	event_send(publisher);
	publisher_commit(publisher);
	status = producer_serve(brokers, publisher, 1);
	assert_string_equal(status.text, "");
	publisher_close(&publisher);
}

/* A sequence that does not fit is the end of the producer, and of nothing else. */
static void
test_sequence_lost(void **state)
{
	Brokers *brokers = *state;
	Publisher *publisher = producer_open(brokers, false);
	Status status;

	rd_kafka_mock_push_request_errors(brokers->cluster, PRODUCE, 1,
									  RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
	event_send(publisher);
	status = producer_serve(brokers, publisher, 1);
	assert_int_equal(status.class, STATUS_RETRY);
	assert_int_equal(brokers->delivered, 0);
	publisher_close(&publisher);
	next_producer_delivers(brokers, false);
}

/* The brokers forgot the producer's id in days of silence. */
static void
producer_forgotten(Brokers *brokers, int16_t request)
{
	Publisher *publisher = producer_open(brokers, true);
	Status status;

	rd_kafka_mock_push_request_errors(brokers->cluster, request, 1,
									  RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING);
	event_send(publisher);
	publisher_commit(publisher);
	status = producer_serve(brokers, publisher, 1);
	assert_int_equal(status.class, STATUS_RETRY);
	assert_int_equal(brokers->delivered, 0);
	publisher_close(&publisher);
	next_producer_delivers(brokers, true);
}

static void
test_id_forgotten_before_a_transaction(void **state)
{
	producer_forgotten(*state, TXN_ADD_PARTITIONS);
}

static void
test_id_forgotten_before_a_commit(void **state)
{
	producer_forgotten(*state, TXN_END);
}

typedef struct Fenced
{
	KafkaObserver observer;
	rd_kafka_t *handle;
	KafkaTransaction *transaction;
} Fenced;

static void
transaction_open(Fenced *fenced, Brokers *brokers, bool trouble_before)
{
	PublisherPlan plan = plan_make(brokers, true);
	Wait wait = wait_begin(-1, DEADLINE_MS);
	Status status = publisher_handle_open(&plan, &fenced->observer, NULL, &fenced->handle);

	assert_string_equal(status.text, "");
	fenced->transaction = kafka_transaction_new(fenced->handle);
	assert_non_null(fenced->transaction);
	if (trouble_before)
		kafka_transaction_trouble(fenced->transaction);
	status = kafka_transaction_fence(fenced->transaction, &wait);
	assert_string_equal(status.text, "");
}

static void
transaction_close(Fenced *fenced)
{
	kafka_transaction_free(fenced->transaction);
	rd_kafka_destroy(fenced->handle);
}

/* The library would wait for ever for a transaction of a producer that is dead already. */
static void
test_begin_after_a_fatal_error(void **state)
{
	Fenced fenced = {0};
	int64_t begun = clock_monotonic_ms();
	Status status;

	transaction_open(&fenced, *state, false);
	assert_int_equal(rd_kafka_test_fatal_error(fenced.handle,
											   RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
											   "a test"),
					 RD_KAFKA_RESP_ERR_NO_ERROR);
	assert_int_equal(kafka_transaction_enter(fenced.transaction, &status), TRANSACTION_FAILED);
	assert_int_equal(status.class, STATUS_RETRY);
	transaction_close(&fenced);
	assert_true(clock_monotonic_ms() - begun < DEADLINE_MS);
}

/* What a lost broker still owes the transaction before must not meet the next one. */
static void
test_begin_after_a_lost_broker(void **state)
{
	Fenced fenced = {0};
	Status status;

	transaction_open(&fenced, *state, false);
	kafka_transaction_trouble(fenced.transaction);
	assert_int_equal(kafka_transaction_enter(fenced.transaction, &status), TRANSACTION_FAILED);
	assert_int_equal(status.class, STATUS_RETRY);
	transaction_close(&fenced);

	/* What was before the id was taken over is over. */
	transaction_open(&fenced, *state, true);
	assert_int_equal(kafka_transaction_enter(fenced.transaction, &status), TRANSACTION_ENTERED);
	kafka_transaction_leave(fenced.transaction, false);
	transaction_close(&fenced);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sequence_lost),
		cmocka_unit_test(test_id_forgotten_before_a_transaction),
		cmocka_unit_test(test_id_forgotten_before_a_commit),
		cmocka_unit_test(test_begin_after_a_fatal_error),
		cmocka_unit_test(test_begin_after_a_lost_broker),
	};

	return cmocka_run_group_tests_name("publisher_faults", tests, brokers_start, brokers_end);
}
