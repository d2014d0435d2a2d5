/*
 * executor_write.h
 *		The executor's way of writing rows, for tables that carry more than the extension's own.
 *
 * Goes the way of PostgreSQL's logical replication worker: row and statement triggers with their
 * transition tables, constraints, defaults and generated columns of added columns, exclusion
 * constraints, and what is deferred to the commit. All rows that a call writes are one statement
 * for each table and event: its BEFORE triggers fire before its first row, all AFTER triggers when
 * everything is written. So an AFTER trigger may call an operation; a BEFORE trigger may not, since
 * a call's rows are written in the order of versions.
 *
 * Triggers, constraints and defaults run as the caller, as under plain SQL. The extension's guards
 * stay out of it.
 */
#pragma once

#include "access/tableam.h"
#include "executor/tuptable.h"
#include "utils/relcache.h"

#include "relation_cache.h"

/* Runs what writes the rows of a call, and then the AFTER triggers. */
extern void executor_write_run(void (*write)(void *argument), void *argument);

/* Within executor_write_run; as table_row_insert and table_row_update. */
extern void executor_write_insert(Relation table, const TableDescription *description,
								  TupleTableSlot *row);
extern TM_Result executor_write_update(Relation table, const TableDescription *description,
									   const ItemPointerData *tid, TupleTableSlot *row,
									   ColumnSet changed);

/* Puts the own columns of a row where they stand in the table; leaves the others NULL. */
extern void executor_write_place(const TableDescription *description, TupleTableSlot *row,
								 TupleTableSlot *stored);
