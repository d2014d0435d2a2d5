/*
 * group_stat.c
 *		wallet_stat_groups_rows: what grouped transfers have done, by database.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/tuplestore.h"

#include "group_queue.h"

PG_FUNCTION_INFO_V1(wallet_stat_groups_rows);

#define COLUMNS 11

static void
group_stat_return(const GroupStat *stat, ReturnSetInfo *result)
{
	const GroupCounts *counts = &stat->counts;
	Datum values[COLUMNS] = {
		ObjectIdGetDatum(stat->database),
		Int32GetDatum(stat->worker_pid),
		Int64GetDatum(counts->groups),
		Int64GetDatum(counts->transfers),
		Int64GetDatum(counts->failed),
		Int64GetDatum(counts->held_up),
		Int64GetDatum(counts->alone),
		Int64GetDatum(counts->left),
		Int64GetDatum(counts->full),
		Int64GetDatum(counts->largest),
		Float8GetDatum((double) counts->waited / 1000),
	};
	bool nulls[COLUMNS] = {false, stat->worker_pid == 0};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

Datum
wallet_stat_groups_rows(PG_FUNCTION_ARGS)
{
	GroupStat *stats = palloc(sizeof(GroupStat) * GROUP_QUEUES);

	InitMaterializedSRF(fcinfo, 0);
	if (!group_queue_is_there())
		return (Datum) 0;

	int count = group_queue_stat(stats);

	for (int i = 0; i < count; i++)
		group_stat_return(&stats[i], (ReturnSetInfo *) fcinfo->resultinfo);
	return (Datum) 0;
}
