/*
 * broker.c
 *		The scripted Kafka, and what its event topic must look like.
 */
#include "broker.h"

#include <stdlib.h>
#include <string.h>

#include "cloud_event.h"
#include "ledger.h"
#include "scheduler.h"
#include "server.h"

static Topic topics[2];
static bool up;
static bool has_entry[ENTRIES_MAX];
static int newest[WALLETS]; /* version that came first */
static int last_producer[ENTRIES_MAX];

void
broker_begin(void)
{
	topics[0].name = EVENT_TOPIC;
	topics[1].name = PROGRESS_TOPIC;
	for (int topic = 0; topic < 2; topic++)
	{
		topics[topic].partition_count = 0;
		for (int i = 0; i < EVENT_PARTITIONS; i++)
			topics[topic].partitions[i].count = 0;
	}
	up = true;
	memset(has_entry, 0, sizeof(has_entry));
	for (int i = 0; i < WALLETS; i++)
		newest[i] = -1;
}

Topic *
broker_find(const char *name)
{
	for (int i = 0; i < 2; i++)
		if (strcmp(topics[i].name, name) == 0)
			return &topics[i];
	abort();
}

void
broker_create(Topic *topic, int partition_count)
{
	topic->partition_count = partition_count;
}

bool
broker_is_up(void)
{
	return up;
}

static void
broker_returns(void *context, int64_t number)
{
	(void) context;
	(void) number;
	up = true;
	trace("Kafka is up");
}

void
broker_outage(void)
{
	if (!up)
		return;
	trace("Kafka is down");
	up = false;
	event_add((int64_t) chance(6000000), broker_returns, NULL, 0);
}

bool
broker_has_event(int entry)
{
	return has_entry[entry];
}

/* The event's header says which commit and which of its entries it is. */
static void
headers_check(const Record *record, const Entry *entry)
{
	const Commit *commit = ledger_get_commit(entry->commit);
	const void *value = NULL;
	size_t bytes = 0;
	char text[CLOUD_EVENT_SEQUENCE_BYTES];

	cloud_event_sequence_write(commit->end_lsn, entry->ordinal, text);
	if (rd_kafka_header_get_last(record->headers, "ce_sequence", &value, &bytes) !=
			RD_KAFKA_RESP_ERR_NO_ERROR ||
		bytes != strlen(text) || memcmp(value, text, bytes) != 0)
		violation("INV-7", "an event's ce_sequence is not that of its commit");
	if (rd_kafka_header_get_last(record->headers, "ce_txcount", &value, &bytes) ==
			RD_KAFKA_RESP_ERR_NO_ERROR &&
		strtol(value, NULL, 10) != commit->count)
		violation("INV-7", "an event's ce_txcount is not how many its commit has");
}

/* INV-7, as it comes: of each wallet the first copies in order, and copies for a reason. */
static void
event_check(Record *record)
{
	char json[JSON_BYTES];
	char id[ID_BYTES];
	const Entry *entry;

	if (record->entry < 0)
	{
		violation("INV-7", "an event is in the topic that nobody committed");
		return;
	}
	entry = ledger_get_entry(record->entry);
	wallet_id_write(entry->wallet, id);
	if (record->key_bytes != ID_BYTES - 1 || memcmp(record->key, id, ID_BYTES - 1) != 0)
		violation("INV-7", "an event's key is not its wallet");
	if (record->value_bytes != event_json_write(entry, json) ||
		memcmp(record->value, json, record->value_bytes) != 0)
		violation("INV-7", "an event's text is not that of the ledger");
	headers_check(record, entry);
	if (has_entry[record->entry])
	{
		if (last_producer[record->entry] == record->producer)
			violation("INV-7", "entry %d is in the topic twice, from one producer", record->entry);
		last_producer[record->entry] = record->producer;
		return;
	}
	has_entry[record->entry] = true;
	last_producer[record->entry] = record->producer;
	if (entry->version < newest[entry->wallet])
		violation("INV-7", "version %d of wallet %d comes behind version %d", entry->version,
				  entry->wallet, newest[entry->wallet]);
	else
		newest[entry->wallet] = entry->version;
}

void
broker_append(Topic *topic, int partition, Record *record)
{
	Partition *log = &topic->partitions[partition];
	char id[ID_BYTES] = "";

	if (log->count == PARTITION_RECORDS_MAX)
		abort();
	log->records[log->count++] = record;
	record->entry = -1;
	if (strcmp(topic->name, EVENT_TOPIC) != 0)
	{
		trace("progress record %d of producer %d: %.*s", log->count - 1, record->producer,
			  (int) record->value_bytes, record->value);
		return;
	}
	if (record->value_bytes > 13 + ID_BYTES)
	{
		memcpy(id, record->value + 13, ID_BYTES - 1);
		record->entry = ledger_find(id);
	}
	trace("partition %d offset %d: entry %d of producer %d", partition, log->count - 1,
		  record->entry, record->producer);
	event_check(record);
}

void
broker_check(void)
{
	for (int i = 0; i < ledger_entry_count(); i++)
		if (server_slot_has(ledger_get_entry(i)->commit) && !has_entry[i])
			violation("INV-7", "entry %d of commit %d is not in the topic", i,
					  ledger_get_entry(i)->commit);
}
