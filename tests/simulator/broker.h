/*
 * broker.h
 *		The scripted Kafka: topics, partitions, records in the order in which they arrived.
 */
#pragma once

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EVENT_PARTITIONS	  3
#define EVENT_TOPIC			  "wallet-events"
#define PROGRESS_TOPIC		  "wallet-bridge-progress"
#define PARTITION_RECORDS_MAX 32768

typedef struct Record
{
	struct Record *next;
	char *key;
	size_t key_bytes;
	char *value; /* NULL: none */
	size_t value_bytes;
	rd_kafka_headers_t *headers;
	int64_t timestamp_ms;
	int producer; /* number of the handle */
	int process;
	int entry; /* of the ledger; -1: none */
} Record;

typedef struct Partition
{
	Record *records[PARTITION_RECORDS_MAX];
	int count;
} Partition;

typedef struct Topic
{
	const char *name;
	int partition_count; /* 0: it does not exist */
	Partition partitions[EVENT_PARTITIONS];
} Topic;

void broker_begin(void);

Topic *broker_find(const char *name);
void broker_create(Topic *topic, int partition_count);

bool broker_is_up(void);
void broker_outage(void);

void broker_append(Topic *topic, int partition, Record *record);

bool broker_has_event(int entry);

/* INV-7, of what the topic has at the end: all entries, in order. */
void broker_check(void);
