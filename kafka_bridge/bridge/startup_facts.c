/*
 * startup_facts.c
 *		Gathers what startup_check.c judges, from the answers of PostgreSQL and Kafka.
 */
#include "startup_facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "repl_stream.h"
#include "wallet_event.h"

/* A commit that waits for standbys is decoded before others see it. */
#define UNSEEN_MS 60000

#define LEDGER_SQL                                                       \
	"SELECT id FROM pg_catalog.unnest('{%s}'::pg_catalog.uuid[]) AS id " \
	"WHERE NOT EXISTS (SELECT FROM %s." WALLET_LEDGER_NAME " AS l "      \
	"WHERE l.transaction_id OPERATOR(pg_catalog.=) id) LIMIT 1"

/* The newest events' transactions, with commas between; what looks like an id was checked. */
static char *
origins_write(const TopicTail *tail)
{
	char *text = calloc((size_t) tail->partition_count + 1, TOPIC_TRANSACTION_BYTES);
	size_t bytes = 0;

	for (int i = 0; i < tail->partition_count && text != NULL; i++)
	{
		const char *id = tail->origins[i].transaction_id;

		if (id[0] != '\0')
			bytes += (size_t) sprintf(text + bytes, "%s%s", bytes > 0 ? "," : "", id);
	}
	return text;
}

/* Looks for a transaction that the topic has an event of, and the ledger has not. */
static Status
unknown_find(const StartupQuestion *question, const Wait *wait, TopicOrigin *unknown)
{
	const TopicTail *tail = &question->kafka->tail;
	PGresult *result = NULL;
	char *ids = tail->origins != NULL ? origins_write(tail) : strdup("");
	char *sql = NULL;
	Status status = status_ok();

	if (ids == NULL ||
		(ids[0] != '\0' && asprintf(&sql, LEDGER_SQL, ids, question->server->schema) < 0))
		status = status_bug("out of memory");
	if (status_is_ok(&status) && sql != NULL)
		status =
			pg_query_run(question->watch, wait, &(PgQuery){.sql = sql, .column_count = 1}, &result);
	if (status_is_ok(&status) && result != NULL && PQntuples(result) == 1)
		for (int i = 0; i < tail->partition_count; i++)
			if (strcmp(tail->origins[i].transaction_id, PQgetvalue(result, 0, 0)) == 0)
				*unknown = tail->origins[i];
	PQclear(result);
	free(sql);
	free(ids);
	return status;
}

Status
startup_judge(const StartupQuestion *question, const Wait *wait, StartupDecision *decision)
{
	const BridgeConfig *config = question->config;
	const ServerFacts *server = question->server;
	const ProgressFound *found = &question->kafka->found;
	TopicOrigin unknown = {0};
	StartupFacts facts = {
		.slot_name = config->bridge.slot,
		.system_id = server->system_id,
		.database_oid = server->database_oid,
		.timeline = server->timeline,
		.wal_end = server->wal_end,
		.in_recovery = server->in_recovery,
		.wal_level_logical = server->wal_level_logical,
		.ledger_has_rows = server->ledger_has_rows,
		.slot = server->slot,
		.record_exists = found->exists,
		.record_damaged = found->damaged,
		.record = found->record,
		.foreign_exists = found->foreign_exists,
		.foreign_system_id = found->foreign.system_id,
		.foreign_database_oid = found->foreign.database_oid,
		.start = (StartMode) config->bridge.start,
		.accept_repartition = config->bridge.accept_repartition,
		.topic = config->kafka.topic,
		.topic_state = question->kafka->state,
		.foreign_source = question->kafka->tail.foreign_source,
		.partition_count = question->kafka->topic.partition_count,
		.plugin_options = REPL_STREAM_OPTIONS,
		.unknown_transaction = unknown.transaction_id,
	};
	Status status = status_ok();

	if (found->exists && !server->in_recovery && server->schema[0] != '\0')
		status = unknown_find(question, wait, &unknown);
	facts.unknown_is_young = clock_wall_us() / 1000 - unknown.timestamp_ms < UNSEEN_MS;
	if (status_is_ok(&status) && found->exists && found->record.state == PROGRESS_STREAMING)
		status = server_timeline_find(question->watch, server->timeline, found->record.timeline,
									  wait, &facts.timeline_switch);
	*decision = startup_check(&facts);
	return status_is_ok(&status) ? decision->status : status;
}
