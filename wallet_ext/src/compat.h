/*
 * compat.h
 *		Every difference between the supported PostgreSQL versions (15 to 18) that src/ meets.
 */
#pragma once

#include "access/genam.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "nodes/execnodes.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/rel.h"

#if PG_VERSION_NUM >= 160000
#include "parser/parse_relation.h"
#include "varatt.h"
#endif

#if PG_VERSION_NUM < 150000 || PG_VERSION_NUM >= 190000
#error "wallet supports PostgreSQL 15 to 18"
#endif

/* Stands before the declaration since PostgreSQL 18. */
#ifndef pg_noreturn
#define pg_noreturn pg_attribute_noreturn()
#endif

/* What an update left to be entered into indexes: a heap-only one nothing, or since PostgreSQL 16
 * only summarizing indexes; any other all of them. */
#if PG_VERSION_NUM >= 160000
typedef TU_UpdateIndexes UpdateIndexes;
#define UPDATE_INDEXES_NONE				 TU_None
#define UPDATE_INDEXES_ARE_SUMMARIES(it) ((it) == TU_Summarizing)
#else
typedef bool UpdateIndexes;
#define UPDATE_INDEXES_NONE				 false
#define UPDATE_INDEXES_ARE_SUMMARIES(it) (false)
#endif

static inline bool
compat_index_is_summary(const IndexInfo *info)
{
#if PG_VERSION_NUM >= 160000
	return info->ii_Summarizing;
#else
	return false;
#endif
}

static inline IndexScanDesc
compat_index_beginscan(Relation heap, Relation index, Snapshot snapshot, int nkeys)
{
#if PG_VERSION_NUM >= 180000
	return index_beginscan(heap, index, snapshot, NULL, nkeys, 0);
#else
	return index_beginscan(heap, index, snapshot, nkeys, 0);
#endif
}

/* The number of the relation's file, which every rewrite changes. */
static inline uint32
compat_relation_file_number(Relation relation)
{
#if PG_VERSION_NUM >= 160000
	return relation->rd_locator.relNumber;
#else
	return relation->rd_node.relNode;
#endif
}

/* The number of this process among all that have a PGPROC. */
static inline int
compat_my_proc_number(void)
{
#if PG_VERSION_NUM >= 170000
	return MyProcNumber;
#else
	return MyProc->pgprocno;
#endif
}

static inline bool
compat_lock_held_by_me(const LOCKTAG *tag, LOCKMODE mode)
{
#if PG_VERSION_NUM >= 170000
	return LockHeldByMe(tag, mode, false);
#else
	return LockHeldByMe(tag, mode);
#endif
}

/* A limit that the database has set for its sessions is not meant for a worker. */
static inline void
compat_lift_transaction_timeout(void)
{
#if PG_VERSION_NUM >= 170000
	SetConfigOption("transaction_timeout", "0", PGC_SUSET, PGC_S_SESSION);
#endif
}

/* PostgreSQL 17 lets an index access method keep state between insertions. */
static inline void
compat_index_insert_cleanup(Relation index, IndexInfo *info)
{
#if PG_VERSION_NUM >= 170000
	index_insert_cleanup(index, info);
#endif
}

/* Makes the entries the executor's range table; since PostgreSQL 16 each has its permissions apart.
 * */
static inline void
compat_init_range_table(EState *estate, List *entries)
{
#if PG_VERSION_NUM >= 160000
	List *permissions = estate->es_rteperminfos;
	ListCell *cell;

	foreach (cell, entries)
		if (lfirst_node(RangeTblEntry, cell)->perminfoindex == 0)
			(void) addRTEPermissionInfo(&permissions, lfirst_node(RangeTblEntry, cell));
#if PG_VERSION_NUM >= 180000
	ExecInitRangeTable(estate, entries, permissions, bms_add_range(NULL, 1, list_length(entries)));
#else
	ExecInitRangeTable(estate, entries, permissions);
#endif
#else
	ExecInitRangeTable(estate, entries);
#endif
}

static inline void
compat_set_updated_columns(EState *estate, RangeTblEntry *entry, Bitmapset *columns)
{
#if PG_VERSION_NUM >= 160000
	getRTEPermissionInfo(estate->es_rteperminfos, entry)->updatedCols = columns;
#else
	entry->updatedCols = columns;
#endif
}

/* For row triggers that find the row as it was locked. */
static inline void
compat_eval_plan_qual_init(EPQState *epq, EState *estate)
{
#if PG_VERSION_NUM >= 160000
	EvalPlanQualInit(epq, estate, NULL, NIL, -1, NIL);
#else
	EvalPlanQualInit(epq, estate, NULL, NIL, -1);
#endif
}

static inline bool
compat_before_row_update(EState *estate, EPQState *epq, ResultRelInfo *relation, ItemPointer tid,
						 TupleTableSlot *slot)
{
#if PG_VERSION_NUM >= 180000
	return ExecBRUpdateTriggers(estate, epq, relation, tid, NULL, slot, NULL, NULL, false);
#elif PG_VERSION_NUM >= 170000
	return ExecBRUpdateTriggers(estate, epq, relation, tid, NULL, slot, NULL, NULL);
#else
	return ExecBRUpdateTriggers(estate, epq, relation, tid, NULL, slot, NULL);
#endif
}

/* Enters an inserted row, or an updated one as update_indexes says, into the relation's indexes;
 * returns those whose uniqueness is still to be checked. */
static inline List *
compat_insert_index_tuples(ResultRelInfo *relation, TupleTableSlot *slot, EState *estate,
						   bool is_update, UpdateIndexes update_indexes)
{
	if (relation->ri_NumIndices == 0)
		return NIL;
#if PG_VERSION_NUM >= 160000
	return ExecInsertIndexTuples(relation, slot, estate, is_update, false, NULL, NIL,
								 is_update && UPDATE_INDEXES_ARE_SUMMARIES(update_indexes));
#else
	return ExecInsertIndexTuples(relation, slot, estate, is_update, false, NULL, NIL);
#endif
}

static inline bool
compat_function_may_execute(Oid function, Oid role)
{
#if PG_VERSION_NUM >= 160000
	return object_aclcheck(ProcedureRelationId, function, role, ACL_EXECUTE) == ACLCHECK_OK;
#else
	return pg_proc_aclcheck(function, role, ACL_EXECUTE) == ACLCHECK_OK;
#endif
}

/* Whether the role has the rights of the table's owner. */
static inline bool
compat_table_ownercheck(Oid table, Oid role)
{
#if PG_VERSION_NUM >= 160000
	return object_ownercheck(RelationRelationId, table, role);
#else
	return pg_class_ownercheck(table, role);
#endif
}
