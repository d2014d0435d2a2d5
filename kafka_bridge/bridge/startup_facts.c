/*
 * startup_facts.c
 *		Gathers what startup_check.c judges, from the answers of PostgreSQL and Kafka.
 */
#include "startup_facts.h"

#include "repl_stream.h"

Status
startup_judge(const StartupQuestion *question, const Wait *wait, StartupDecision *decision)
{
	const BridgeConfig *config = question->config;
	const ServerFacts *server = question->server;
	const ProgressFound *found = &question->kafka->found;
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
	};
	Status status = status_ok();

	if (found->exists && found->record.state == PROGRESS_STREAMING)
		status = server_timeline_find(question->watch, server->timeline, found->record.timeline,
									  wait, &facts.timeline_switch);
	*decision = startup_check(&facts);
	return status_is_ok(&status) ? decision->status : status;
}
