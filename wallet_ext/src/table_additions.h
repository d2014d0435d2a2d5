/*
 * table_additions.h
 *		What an administrator has put on a table of the extension (INV-13).
 */
#pragma once

#include "nodes/execnodes.h"
#include "nodes/pg_list.h"
#include "utils/relcache.h"

#include "table_shape.h"

/* Whether something on the table would be passed by if its rows were written by direct access:
 * columns, constraints, triggers. numbers as of table_find_columns. */
extern bool table_has_additions(Relation relation, WalletTable table, const AttrNumber *numbers,
								const List *own_triggers);

/* The same of an index. */
extern bool table_index_is_addition(Relation index, const IndexInfo *info);

/* OIDs of the triggers whose function is the extension's: guards, which stand outside of its way.
 * */
extern List *table_own_triggers(Relation relation);

/* What the operations can't honour and so refuse, and own constraints that are gone. */
extern List *table_find_obstacles(Relation relation, WalletTable table, const AttrNumber *numbers);
