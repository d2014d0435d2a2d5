/*
 * executor_write.c
 *		The executor's way of writing rows, for tables that carry more than the extension's own.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "rewrite/rewriteHandler.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "errors.h"
#include "executor_write.h"
#include "foreign_code.h"
#include "guc.h"
#include "table_index.h"

/* One table and one event, INSERT or UPDATE, of the call that is being written. */
typedef struct WriteTarget
{
	const TableDescription *description;
	CmdType event;
	ResultRelInfo *relation;
	RangeTblEntry *entry;
	TransitionCaptureState *capture;
	TupleTableSlot *old; /* of an update */
	Bitmapset *changed;	 /* of an update: its columns */
	TupleTableSlot *new;
	ExprState **defaults; /* of an insertion, by column; NULL: none */
} WriteTarget;

#define WRITE_TARGETS_MAX (2 * WALLET_TABLES)

typedef struct ExecutorWrite
{
	EState *estate;
	EPQState epq;
	List *entries; /* RangeTblEntry */
	int target_count;
	WriteTarget targets[WRITE_TARGETS_MAX];
} ExecutorWrite;

/* Set from before the first row of a call until its last one is written. */
static ExecutorWrite *current = NULL;

/* The extension's triggers are not for its own writes. */
static void
target_silence_guards(const WriteTarget *target)
{
	TriggerDesc *triggers = target->relation->ri_TrigDesc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
		if (list_member_oid(target->description->own_triggers, triggers->triggers[i].tgoid))
			triggers->triggers[i].tgenabled = TRIGGER_DISABLED;
}

static bool
description_is_index_of_keys(const TableDescription *description, Oid index)
{
	for (int i = 0; i < description->index_count; i++)
		if (description->indexes[i].oid == index)
			return description->indexes[i].is_of_keys;
	return false;
}

/* Takes the ledger's indexes of keys out: keys are entered after all rows of the call. */
static void
target_set_keys_aside(const WriteTarget *target)
{
	ResultRelInfo *relation = target->relation;
	int kept = 0;

	for (int i = 0; i < relation->ri_NumIndices; i++)
	{
		Relation index = relation->ri_IndexRelationDescs[i];

		if (description_is_index_of_keys(target->description, RelationGetRelid(index)))
		{
			index_close(index, NoLock);
			continue;
		}
		relation->ri_IndexRelationDescs[kept] = index;
		relation->ri_IndexRelationInfo[kept++] = relation->ri_IndexRelationInfo[i];
	}
	relation->ri_NumIndices = kept;
}

static bool
description_has_column(const TableDescription *description, AttrNumber column)
{
	for (int i = 0; i < description->own_descriptor->natts; i++)
		if (description->columns[i] == column)
			return true;
	return false;
}

/* What an INSERT that doesn't name the column puts there; NULL: nothing. A domain may refuse
 * that. */
static Expr *
column_default(Relation table, const FormData_pg_attribute *attribute)
{
	Expr *expression = (Expr *) build_column_default(table, attribute->attnum);

	if (expression != NULL || get_typtype(attribute->atttypid) != TYPTYPE_DOMAIN)
		return expression;

	int32 typmod = attribute->atttypmod;
	Oid base = getBaseTypeAndTypmod(attribute->atttypid, &typmod);
	Node *nothing = (Node *) makeConst(base, typmod, attribute->attcollation, attribute->attlen,
									   (Datum) 0, true, attribute->attbyval);

	return (Expr *) coerce_to_domain(nothing, base, typmod, attribute->atttypid, COERCION_IMPLICIT,
									 COERCE_IMPLICIT_CAST, -1, false);
}

/* The defaults of added columns: the own ones are all given. */
static void
target_prepare_defaults(WriteTarget *target)
{
	Relation table = target->relation->ri_RelationDesc;
	TupleDesc descriptor = RelationGetDescr(table);

	target->defaults = palloc0(sizeof(ExprState *) * descriptor->natts);
	for (int i = 0; i < descriptor->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(descriptor, i);
		Expr *expression = NULL;

		if (attribute->attisdropped || attribute->attgenerated != '\0' ||
			description_has_column(target->description, attribute->attnum))
			continue;
		expression = column_default(table, attribute);
		if (expression != NULL)
			target->defaults[i] = ExecInitExpr(expression_planner(expression), NULL);
	}
}

static void
target_open(WriteTarget *target, Relation table, const TableDescription *description, CmdType event)
{
	EState *estate = current->estate;

	target->description = description;
	target->event = event;
	target->entry = makeNode(RangeTblEntry);
	target->entry->rtekind = RTE_RELATION;
	target->entry->relid = RelationGetRelid(table);
	target->entry->relkind = table->rd_rel->relkind;
	target->entry->rellockmode = RowExclusiveLock;
	current->entries = lappend(current->entries, target->entry);
	compat_init_range_table(estate, current->entries);

	target->relation = makeNode(ResultRelInfo);
	InitResultRelInfo(target->relation, table, list_length(current->entries), NULL, 0);
	estate->es_opened_result_relations =
		lappend(estate->es_opened_result_relations, target->relation);
	target_silence_guards(target);
	ExecOpenIndices(target->relation, false);
	target_set_keys_aside(target);
	target->new = table_slot_create(table, &estate->es_tupleTable);
	if (event == CMD_UPDATE)
		target->old = table_slot_create(table, &estate->es_tupleTable);
	else
		target_prepare_defaults(target);
	target->capture =
		MakeTransitionCaptureState(target->relation->ri_TrigDesc, RelationGetRelid(table), event);
}

/* Says which columns differ: for triggers on columns, and generated columns that depend on them. */
static void
target_set_changed(WriteTarget *target, ColumnSet changed)
{
	Bitmapset *columns = NULL;

	for (int i = 0; i < target->description->own_descriptor->natts; i++)
		if ((changed & COLUMN(i + 1)) != 0)
			columns = bms_add_member(columns, target->description->columns[i] -
												  FirstLowInvalidHeapAttributeNumber);
	target->changed = columns;
	compat_set_updated_columns(current->estate, target->entry, columns);
}

/* The target; with the first row of it the statement's BEFORE triggers fire. */
static WriteTarget *
target_get(Relation table, const TableDescription *description, CmdType event, ColumnSet changed)
{
	for (int i = 0; i < current->target_count; i++)
		if (current->targets[i].description->table == description->table &&
			current->targets[i].event == event)
			return &current->targets[i];

	WriteTarget *target = &current->targets[current->target_count++];
	MemoryContext caller = MemoryContextSwitchTo(current->estate->es_query_cxt);

	target_open(target, table, description, event);
	if (event == CMD_UPDATE)
		target_set_changed(target, changed);
	MemoryContextSwitchTo(caller);
	if (event == CMD_INSERT)
		ExecBSInsertTriggers(current->estate, target->relation);
	else
		ExecBSUpdateTriggers(current->estate, target->relation);
	return target;
}

void
executor_write_place(const TableDescription *description, TupleTableSlot *row,
					 TupleTableSlot *stored)
{
	memset(stored->tts_isnull, true, sizeof(bool) * stored->tts_tupleDescriptor->natts);
	for (int i = 0; i < description->own_descriptor->natts; i++)
	{
		AttrNumber column = description->columns[i];

		stored->tts_values[column - 1] = row->tts_values[i];
		stored->tts_isnull[column - 1] = row->tts_isnull[i];
	}
}

static void
target_fill_defaults(const WriteTarget *target)
{
	ExprContext *context = GetPerTupleExprContext(current->estate);
	MemoryContext caller = MemoryContextSwitchTo(GetPerTupleMemoryContext(current->estate));

	for (int i = 0; i < target->new->tts_tupleDescriptor->natts; i++)
		if (target->defaults[i] != NULL)
			target->new->tts_values[i] =
				ExecEvalExpr(target->defaults[i], context, &target->new->tts_isnull[i]);
	MemoryContextSwitchTo(caller);
}

/* Added columns keep what they have. */
static void
target_keep_added(const WriteTarget *target)
{
	slot_getallattrs(target->old);
	for (int i = 0; i < target->old->tts_tupleDescriptor->natts; i++)
		if (!description_has_column(target->description, i + 1))
		{
			target->new->tts_values[i] = target->old->tts_values[i];
			target->new->tts_isnull[i] = target->old->tts_isnull[i];
		}
}

/* Names of the table's BEFORE triggers of this event and row, one of which has done it. */
static char *
target_row_triggers(const WriteTarget *target)
{
	const TriggerDesc *triggers = target->relation->ri_TrigDesc;
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		if (trigger->tgenabled != TRIGGER_DISABLED && TRIGGER_FOR_ROW(trigger->tgtype) &&
			TRIGGER_FOR_BEFORE(trigger->tgtype) &&
			(target->event == CMD_INSERT ? TRIGGER_FOR_INSERT(trigger->tgtype)
										 : TRIGGER_FOR_UPDATE(trigger->tgtype)))
			appendStringInfo(&names, "%s%s", names.len == 0 ? "" : ", ", trigger->tgname);
	}
	return names.data;
}

/* A trigger may set added columns; what the operation has decided stays. */
static void
target_check_own(const WriteTarget *target, TupleTableSlot *row)
{
	const TableDescription *description = target->description;

	slot_getallattrs(target->new);
	for (int i = 0; i < description->own_descriptor->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(description->own_descriptor, i);
		AttrNumber column = description->columns[i];
		bool is_null = target->new->tts_isnull[column - 1];

		if (is_null == row->tts_isnull[i] &&
			(is_null || datum_image_eq(target->new->tts_values[column - 1], row->tts_values[i],
									   attribute->attbyval, attribute->attlen)))
			continue;
		error_raise_row_changed(table_name(description->table), NameStr(attribute->attname),
								target_row_triggers(target));
	}
}

static void
target_check_constraints(const WriteTarget *target)
{
	const TupleConstr *constraints = RelationGetDescr(target->relation->ri_RelationDesc)->constr;

	if (constraints == NULL)
		return;
	/* They may ask for tableoid, which a trigger's row doesn't have. */
	target->new->tts_tableOid = RelationGetRelid(target->relation->ri_RelationDesc);
	if (constraints->has_generated_stored)
		ExecComputeStoredGenerated(target->relation, current->estate, target->new, target->event);
	/* An error shows the columns that an UPDATE sets to whoever may not read them: a balance that
	 * the caller has not asked for. */
	if (target->event == CMD_UPDATE)
		compat_set_updated_columns(current->estate, target->entry, NULL);
	ExecConstraints(target->relation, target->new, current->estate);
	if (target->event == CMD_UPDATE)
		compat_set_updated_columns(current->estate, target->entry, target->changed);
}

void
executor_write_insert(Relation table, const TableDescription *description, TupleTableSlot *row)
{
	WriteTarget *target = target_get(table, description, CMD_INSERT, 0);
	const TriggerDesc *triggers = target->relation->ri_TrigDesc;
	EState *estate = current->estate;

	ExecClearTuple(target->new);
	executor_write_place(description, row, target->new);
	target_fill_defaults(target);
	ExecStoreVirtualTuple(target->new);
	if (triggers != NULL && triggers->trig_insert_before_row)
	{
		if (!ExecBRInsertTriggers(estate, target->relation, target->new))
			error_raise_row_skipped(table_name(description->table), target_row_triggers(target));
		target_check_own(target, row);
	}
	target_check_constraints(target);
	table_tuple_insert(table, target->new, estate->es_output_cid, 0, NULL);

	List *rechecks = compat_insert_index_tuples(target->relation, target->new, estate, false,
												UPDATE_INDEXES_NONE);

	ExecARInsertTriggers(estate, target->relation, target->new, rechecks, target->capture);
	if (description->table == TABLE_LEDGER && !table_index_has_key(description, row))
		table_index_insert(table, description, target->new, INDEXES_OF_KEYS, ROW_INSERTED, NULL,
						   NULL);
	row->tts_tid = target->new->tts_tid;
	list_free(rechecks);
	ResetPerTupleExprContext(estate);
}

/* Reads the row that is to be updated, and fills in the new one. */
static void
target_fill_update(const WriteTarget *target, const ItemPointerData *tid, TupleTableSlot *row)
{
	ItemPointerData former = *tid;

	if (!table_tuple_fetch_row_version(target->relation->ri_RelationDesc, &former, SnapshotAny,
									   target->old))
		elog(ERROR, "row of table \"%s\" is gone", table_name(target->description->table));
	ExecClearTuple(target->new);
	executor_write_place(target->description, row, target->new);
	target_keep_added(target);
	ExecStoreVirtualTuple(target->new);
}

TM_Result
executor_write_update(Relation table, const TableDescription *description,
					  const ItemPointerData *tid, TupleTableSlot *row, ColumnSet changed)
{
	WriteTarget *target = target_get(table, description, CMD_UPDATE, changed);
	const TriggerDesc *triggers = target->relation->ri_TrigDesc;
	EState *estate = current->estate;
	UpdateIndexes update_indexes = UPDATE_INDEXES_NONE;
	LockTupleMode lock_mode = LockTupleNoKeyExclusive;
	ItemPointerData former = *tid;
	TM_FailureData failure;
	List *rechecks = NIL;

	CheckCmdReplicaIdentity(table, CMD_UPDATE);
	target_fill_update(target, tid, row);
	if (triggers != NULL && triggers->trig_update_before_row)
	{
		if (!compat_before_row_update(estate, &current->epq, target->relation, &former,
									  target->new))
			error_raise_row_skipped(table_name(description->table), target_row_triggers(target));
		target_check_own(target, row);
	}
	target_check_constraints(target);

	TM_Result result =
		table_tuple_update(table, &former, target->new, estate->es_output_cid, estate->es_snapshot,
						   InvalidSnapshot, true, &failure, &lock_mode, &update_indexes);

	if (result != TM_Ok)
		return result;
	if (update_indexes != UPDATE_INDEXES_NONE)
		rechecks =
			compat_insert_index_tuples(target->relation, target->new, estate, true, update_indexes);
	ExecARUpdateTriggers(estate, target->relation, NULL, NULL, &former, NULL, target->new, rechecks,
						 target->capture, false);
	row->tts_tid = target->new->tts_tid;
	list_free(rechecks);
	ResetPerTupleExprContext(estate);
	return TM_Ok;
}

static void
executor_write_begin(ExecutorWrite *write)
{
	EState *estate = CreateExecutorState();

	estate->es_output_cid = GetCurrentCommandId(true);
	estate->es_snapshot = GetActiveSnapshot();
	write->estate = estate;
	compat_eval_plan_qual_init(&write->epq, estate);
	AfterTriggerBeginQuery();
}

/* Queues the AFTER triggers of each statement. */
static void
executor_write_end_statements(ExecutorWrite *write)
{
	for (int i = 0; i < write->target_count; i++)
	{
		const WriteTarget *target = &write->targets[i];

		if (target->event == CMD_INSERT)
			ExecASInsertTriggers(write->estate, target->relation, target->capture);
		else
			ExecASUpdateTriggers(write->estate, target->relation, target->capture);
	}
}

static void
executor_write_statements(void (*write)(void *argument), void *argument)
{
	ExecutorWrite statement = {0};

	executor_write_begin(&statement);

	bool before = foreign_code_begin();

	current = &statement;
	PG_TRY();
	{
		write(argument);
		executor_write_end_statements(&statement);
	}
	PG_FINALLY();
	{
		current = NULL;
		foreign_code_end(before);
	}
	PG_END_TRY();
	AfterTriggerEndQuery(statement.estate);
	EvalPlanQualEnd(&statement.epq);
	ExecCloseResultRelations(statement.estate);
	ExecResetTupleTable(statement.estate->es_tupleTable, false);
	FreeExecutorState(statement.estate);
}

void
executor_write_run(void (*write)(void *argument), void *argument)
{
	PG_TRY();
	{
		executor_write_statements(write, argument);
	}
	PG_FINALLY();
	{
		/* A trigger's own calls may have been replays; a call that writes is none. */
		guc_replayed = false;
	}
	PG_END_TRY();
}
