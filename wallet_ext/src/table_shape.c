/*
 * table_shape.c What the extension's tables must look like: columns by name and type, indexes by
 * their columns.
 */
#include "postgres.h"

#include "access/genam.h"
#include "catalog/dependency.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"

#include "table_shape.h"

#define MONEY_TYPMOD ((19 << 16 | 4) + VARHDRSZ)

typedef struct ColumnShape
{
	const char *name;
	Oid type;
	int32 typmod;
	bool is_required;
} ColumnShape;

#define REQUIRED(name, type) \
	{                        \
		name, type, -1, true \
	}
#define OPTIONAL(name, type)  \
	{                         \
		name, type, -1, false \
	}
#define MONEY(name)                          \
	{                                        \
		name, NUMERICOID, MONEY_TYPMOD, true \
	}
#define OPTIONAL_MONEY(name)                  \
	{                                         \
		name, NUMERICOID, MONEY_TYPMOD, false \
	}

static const ColumnShape wallets_columns[WALLETS_COLUMNS] = {
	[WALLETS_ID - 1] = REQUIRED("id", UUIDOID),
	[WALLETS_USER_ID - 1] = REQUIRED("user_id", TEXTOID),
	[WALLETS_CURRENCY - 1] = REQUIRED("currency", TEXTOID),
	[WALLETS_BALANCE - 1] = MONEY("balance"),
	[WALLETS_HELD - 1] = MONEY("held"),
	[WALLETS_CREDIT_LIMIT - 1] = MONEY("credit_limit"),
	[WALLETS_MAX_BALANCE - 1] = OPTIONAL_MONEY("max_balance"),
	[WALLETS_STATUS - 1] = REQUIRED("status", TEXTOID),
	[WALLETS_VERSION - 1] = REQUIRED("version", INT8OID),
	[WALLETS_CREATED_AT - 1] = REQUIRED("created_at", TIMESTAMPTZOID),
	[WALLETS_UPDATED_AT - 1] = REQUIRED("updated_at", TIMESTAMPTZOID),
	[WALLETS_SEAL - 1] = OPTIONAL("seal", BYTEAOID),
};

static const ColumnShape ledger_columns[LEDGER_COLUMNS] = {
	[LEDGER_TRANSACTION_ID - 1] = REQUIRED("transaction_id", UUIDOID),
	[LEDGER_FROM_WALLET_ID - 1] = OPTIONAL("from_wallet_id", UUIDOID),
	[LEDGER_TO_WALLET_ID - 1] = OPTIONAL("to_wallet_id", UUIDOID),
	[LEDGER_FROM_VERSION - 1] = OPTIONAL("from_version", INT8OID),
	[LEDGER_TO_VERSION - 1] = OPTIONAL("to_version", INT8OID),
	[LEDGER_CREATED_AT - 1] = REQUIRED("created_at", TIMESTAMPTZOID),
	[LEDGER_LEG - 1] = REQUIRED("leg", INT4OID),
	[LEDGER_FORCED - 1] = REQUIRED("forced", BOOLOID),
	[LEDGER_KIND - 1] = REQUIRED("kind", TEXTOID),
	[LEDGER_AMOUNT - 1] = MONEY("amount"),
	[LEDGER_CURRENCY - 1] = REQUIRED("currency", TEXTOID),
	[LEDGER_FROM_BALANCE - 1] = OPTIONAL_MONEY("from_balance"),
	[LEDGER_FROM_HELD - 1] = OPTIONAL_MONEY("from_held"),
	[LEDGER_FROM_STATUS - 1] = OPTIONAL("from_status", TEXTOID),
	[LEDGER_FROM_USER_ID - 1] = OPTIONAL("from_user_id", TEXTOID),
	[LEDGER_TO_BALANCE - 1] = OPTIONAL_MONEY("to_balance"),
	[LEDGER_TO_HELD - 1] = OPTIONAL_MONEY("to_held"),
	[LEDGER_TO_STATUS - 1] = OPTIONAL("to_status", TEXTOID),
	[LEDGER_TO_USER_ID - 1] = OPTIONAL("to_user_id", TEXTOID),
	[LEDGER_IDEMPOTENCY_KEY - 1] = OPTIONAL("idempotency_key", TEXTOID),
	[LEDGER_SESSION_USER_NAME - 1] = REQUIRED("session_user_name", TEXTOID),
	[LEDGER_CURRENT_USER_NAME - 1] = REQUIRED("current_user_name", TEXTOID),
	[LEDGER_APPLICATION_NAME - 1] = REQUIRED("application_name", TEXTOID),
	[LEDGER_HOLD_ID - 1] = OPTIONAL("hold_id", UUIDOID),
	[LEDGER_REVERSES - 1] = OPTIONAL("reverses", UUIDOID),
	[LEDGER_CREDIT_LIMIT - 1] = OPTIONAL_MONEY("credit_limit"),
	[LEDGER_MAX_BALANCE - 1] = OPTIONAL_MONEY("max_balance"),
	[LEDGER_EXPIRES_AT - 1] = OPTIONAL("expires_at", TIMESTAMPTZOID),
	[LEDGER_OPERATION - 1] = OPTIONAL("operation", TEXTOID),
	[LEDGER_REQUESTED_WALLET_ID - 1] = OPTIONAL("requested_wallet_id", UUIDOID),
	[LEDGER_REQUESTED_AMOUNT - 1] = OPTIONAL_MONEY("requested_amount"),
	[LEDGER_EXPIRES_IN - 1] = OPTIONAL("expires_in", INTERVALOID),
	[LEDGER_FINAL - 1] = OPTIONAL("final", BOOLOID),
	[LEDGER_METADATA - 1] = OPTIONAL("metadata", JSONBOID),
	[LEDGER_REVERSES_LEG - 1] = OPTIONAL("reverses_leg", INT4OID),
	[LEDGER_FROM_SEAL - 1] = OPTIONAL("from_seal", BYTEAOID),
	[LEDGER_TO_SEAL - 1] = OPTIONAL("to_seal", BYTEAOID),
	[LEDGER_MAX_BALANCE_GIVEN - 1] = OPTIONAL("max_balance_given", BOOLOID),
};

static const ColumnShape holds_columns[HOLDS_COLUMNS] = {
	[HOLDS_HOLD_ID - 1] = REQUIRED("hold_id", UUIDOID),
	[HOLDS_WALLET_ID - 1] = REQUIRED("wallet_id", UUIDOID),
	[HOLDS_AMOUNT - 1] = MONEY("amount"),
	[HOLDS_CAPTURED - 1] = MONEY("captured"),
	[HOLDS_RELEASED - 1] = MONEY("released"),
	[HOLDS_STATUS - 1] = REQUIRED("status", TEXTOID),
	[HOLDS_EXPIRES_AT - 1] = REQUIRED("expires_at", TIMESTAMPTZOID),
	[HOLDS_CREATED_AT - 1] = REQUIRED("created_at", TIMESTAMPTZOID),
};

typedef struct TableShape
{
	const char *name;
	const ColumnShape *columns;
	int column_count;
} TableShape;

static const TableShape table_shapes[WALLET_TABLES] = {
	[TABLE_WALLETS] = {"wallets", wallets_columns, WALLETS_COLUMNS},
	[TABLE_LEDGER] = {"wallet_ledger", ledger_columns, LEDGER_COLUMNS},
	[TABLE_HOLDS] = {"wallet_holds", holds_columns, HOLDS_COLUMNS},
};

#define INDEX_KEYS_MAX 3

typedef struct IndexShape
{
	WalletTable table;
	bool is_unique;
	AttrNumber keys[INDEX_KEYS_MAX]; /* 0: no more */
	const char *condition;			 /* the index may have this one or none */
} IndexShape;

static const IndexShape index_shapes[KNOWN_INDEXES] = {
	[INDEX_WALLETS_ID] = {TABLE_WALLETS, true, {WALLETS_ID}, ""},
	[INDEX_LEDGER_KEY] = {TABLE_LEDGER,
						  true,
						  {LEDGER_IDEMPOTENCY_KEY},
						  "(idempotency_key IS NOT NULL)"},
	[INDEX_LEDGER_LEGS] = {TABLE_LEDGER, true, {LEDGER_TRANSACTION_ID, LEDGER_LEG}, ""},
	[INDEX_LEDGER_FROM] = {TABLE_LEDGER,
						   true,
						   {LEDGER_FROM_WALLET_ID, LEDGER_FROM_VERSION},
						   "(from_wallet_id IS NOT NULL)"},
	[INDEX_LEDGER_TO] = {TABLE_LEDGER,
						 true,
						 {LEDGER_TO_WALLET_ID, LEDGER_TO_VERSION},
						 "(to_wallet_id IS NOT NULL)"},
	[INDEX_LEDGER_REVERSES] = {TABLE_LEDGER, false, {LEDGER_REVERSES}, "(reverses IS NOT NULL)"},
	[INDEX_HOLDS_ID] = {TABLE_HOLDS, true, {HOLDS_HOLD_ID}, ""},
	[INDEX_HOLDS_OPEN] = {TABLE_HOLDS,
						  false,
						  {HOLDS_WALLET_ID, HOLDS_EXPIRES_AT},
						  "(status = 'open'::text)"},
	[INDEX_HOLDS_EXPIRY] = {TABLE_HOLDS, false, {HOLDS_EXPIRES_AT}, "(status = 'open'::text)"},
	[INDEX_HOLDS_WALLET] = {TABLE_HOLDS, false, {HOLDS_WALLET_ID, HOLDS_STATUS, HOLDS_HOLD_ID}, ""},
};

const char *
table_name(WalletTable table)
{
	return table_shapes[table].name;
}

Oid
table_find_named(const char *name, Oid schema)
{
	Oid oid = get_relname_relid(name, schema);
	Oid extension = get_extension_oid("wallet", true);

	return OidIsValid(oid) && OidIsValid(extension) &&
				   getExtensionOfObject(RelationRelationId, oid) == extension
			   ? oid
			   : InvalidOid;
}

Oid
table_find(WalletTable table, Oid schema)
{
	return table_find_named(table_name(table), schema);
}

int
table_column_count(WalletTable table)
{
	return table_shapes[table].column_count;
}

const char *
table_column_name(WalletTable table, AttrNumber column)
{
	return table_shapes[table].columns[column - 1].name;
}

bool
table_column_is_required(WalletTable table, AttrNumber column)
{
	return table_shapes[table].columns[column - 1].is_required;
}

TupleDesc
table_own_descriptor(WalletTable table)
{
	const TableShape *shape = &table_shapes[table];
	TupleDesc descriptor = CreateTemplateTupleDesc(shape->column_count);

	for (int i = 0; i < shape->column_count; i++)
		TupleDescInitEntry(descriptor, (AttrNumber) (i + 1), shape->columns[i].name,
						   shape->columns[i].type, shape->columns[i].typmod, 0);
	return descriptor;
}

WalletTable
known_index_table(KnownIndex index)
{
	return index_shapes[index].table;
}

static int
index_key_count(const IndexShape *shape)
{
	int count = 1;

	while (count < INDEX_KEYS_MAX && shape->keys[count] != 0)
		count++;
	return count;
}

char *
known_index_description(KnownIndex index)
{
	const IndexShape *shape = &index_shapes[index];
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "%s on %s (", shape->is_unique ? "unique index" : "index",
					 table_name(shape->table));
	for (int i = 0; i < index_key_count(shape); i++)
		appendStringInfo(&text, "%s%s", i == 0 ? "" : ", ",
						 table_column_name(shape->table, shape->keys[i]));
	appendStringInfoChar(&text, ')');
	return text.data;
}

TableFinding *
table_finding(const char *check, bool stops_writing, char *expected, char *actual)
{
	TableFinding *finding = palloc0(sizeof(TableFinding));

	*finding = (TableFinding){
		.check = check,
		.stops_writing = stops_writing,
		.expected = expected,
		.actual = actual,
	};
	return finding;
}

/* The relation's column of this name; NULL where there is none. */
static Form_pg_attribute
relation_find_column(Relation relation, const char *name)
{
	TupleDesc descriptor = RelationGetDescr(relation);

	for (int i = 0; i < descriptor->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(descriptor, i);

		if (!attribute->attisdropped && strcmp(NameStr(attribute->attname), name) == 0)
			return attribute;
	}
	return NULL;
}

List *
table_find_columns(Relation relation, WalletTable table, AttrNumber *numbers)
{
	const TableShape *shape = &table_shapes[table];
	List *findings = NIL;

	for (int i = 0; i < shape->column_count; i++)
	{
		const ColumnShape *column = &shape->columns[i];
		Form_pg_attribute attribute = relation_find_column(relation, column->name);
		bool fits = attribute != NULL && attribute->atttypid == column->type &&
					attribute->atttypmod == column->typmod && attribute->attgenerated == '\0';

		numbers[i] = fits ? attribute->attnum : InvalidAttrNumber;
		if (fits)
			continue;

		TableFinding *finding =
			table_finding("shape", true,
						  psprintf("column %s of %s with type %s", column->name, shape->name,
								   format_type_with_typemod(column->type, column->typmod)),
						  attribute == NULL ? pstrdup("missing")
						  : attribute->attgenerated != '\0'
							  ? pstrdup("generated")
							  : format_type_with_typemod(attribute->atttypid,
														 attribute->atttypmod));

		finding->column = (AttrNumber) (i + 1);
		findings = lappend(findings, finding);
	}
	return findings;
}

/* The n-th key of the index is the column, plainly: in the type's usual order, ascending, and with
 * texts equal only where their bytes are. */
static bool
index_key_matches(Relation index, int n, AttrNumber column, Oid type)
{
	Oid collation = index->rd_indcollation[n];

	return column != InvalidAttrNumber && index->rd_index->indkey.values[n] == column &&
		   index->rd_opcintype[n] == type && index->rd_indoption[n] == 0 &&
		   index->rd_opfamily[n] == get_opclass_family(GetDefaultOpClass(type, BTREE_AM_OID)) &&
		   (!OidIsValid(collation) || get_collation_isdeterministic(collation));
}

bool
table_index_matches(Relation relation, Relation index, const IndexInfo *info, KnownIndex known,
					const AttrNumber *numbers)
{
	const IndexShape *shape = &index_shapes[known];
	const ColumnShape *columns = table_shapes[shape->table].columns;
	int count = index_key_count(shape);
	Form_pg_index form = index->rd_index;

	if (index->rd_rel->relam != BTREE_AM_OID || !form->indisvalid || !form->indisready ||
		!form->indimmediate || form->indnkeyatts != count || info->ii_Expressions != NIL ||
		info->ii_ExclusionOps != NULL || (shape->is_unique && !form->indisunique))
		return false;
	for (int i = 0; i < count; i++)
	{
		AttrNumber key = shape->keys[i];

		if (!index_key_matches(index, i, numbers[key - 1], columns[key - 1].type))
			return false;
	}
	return info->ii_Predicate == NIL ||
		   strcmp(table_expression_text(relation, (Node *) make_ands_explicit(info->ii_Predicate)),
				  shape->condition) == 0;
}

char *
table_expression_text(Relation relation, Node *expression)
{
	int level = NewGUCNestLevel();
	List *context =
		deparse_context_for(RelationGetRelationName(relation), RelationGetRelid(relation));

	/* An error ends the level too. */
	(void) set_config_option("search_path", "pg_catalog", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	(void) set_config_option("quote_all_identifiers", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);

	char *text = deparse_expression(expression, context, false, false);

	AtEOXact_GUC(true, level);
	return text;
}
