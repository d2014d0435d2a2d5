/*
 * client.h
 *		What stands for a librdkafka handle: settings, a producer's queue, a reader's partitions.
 */
#pragma once

#include "broker.h"

#define UNSENT_MAX 512

typedef void (*DeliveryReport)(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque);
typedef void (*ErrorReport)(rd_kafka_t *handle, int code, const char *reason, void *opaque);
typedef int32_t (*PartitionChoice)(const rd_kafka_topic_t *topic, const void *key, size_t bytes,
								   int32_t count, void *opaque, void *message_opaque);

struct rd_kafka_conf_s
{
	DeliveryReport report;
	ErrorReport error;
	void *opaque;
};

struct rd_kafka_topic_conf_s
{
	PartitionChoice choose;
	void *opaque;
};

struct rd_kafka_topic_s
{
	rd_kafka_t *handle;
	Topic *topic;
	struct rd_kafka_topic_conf_s conf;
};

/* A record on its way, and back again as its report. */
typedef struct Unsent
{
	rd_kafka_topic_t *topic;
	Record *record;
	int partition;
	void *opaque;
	bool appended;
	bool acknowledged;
	bool reported;
	rd_kafka_resp_err_t code;
	int64_t offset;
} Unsent;

struct rd_kafka_s
{
	struct rd_kafka_s *next;
	int number;
	int process;
	rd_kafka_type_t type;
	struct rd_kafka_conf_s conf;
	bool closed;
	bool yielded;
	bool was_cut_off;
	bool tells_cut_off;
	rd_kafka_resp_err_t fatal;
	bool tells_fatal;
	Unsent unsent[UNSENT_MAX];
	unsigned unsent_begin;
	unsigned unsent_end;
};

/* A message and what its functions look up. */
typedef struct Read
{
	rd_kafka_message_t message;
	Record *record; /* NULL: the end of a partition */
} Read;

void clients_begin(void);
void readers_begin(void);
rd_kafka_t *clients_get(void);

/* What was in the sockets of a dead process may arrive nevertheless. */
void producers_process_died(int process);

/* One of the producers meets an error that no retry mends. */
void producer_fail(void);

void producers_begin(void);

/* Frees what is not the run's own memory. */
void producers_end(void);

/* The producer goes, and what it has not sent mostly with it. */
void producer_abandon(rd_kafka_t *handle);

/* Kafka answers at all, in a while. False: it does not, and the time is over. */
bool client_ask(int64_t timeout_ms);
