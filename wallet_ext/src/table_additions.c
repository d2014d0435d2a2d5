/*
 * table_additions.c
 *		What an administrator has put on a table of the extension (INV-13).
 */
#include "postgres.h"

#include "catalog/dependency.h"
#include "catalog/partition.h"
#include "access/sysattr.h"
#include "catalog/pg_am.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_trigger.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "nodes/readfuncs.h"
#include "rewrite/prs2lock.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"

#include "table_additions.h"

/* The CHECKs of schema/tables.sql, which the operations keep by themselves. */
static const char *const wallets_checks[] = {
	"(status = ANY (ARRAY['active'::text, 'frozen'::text, 'closed'::text]))",
	"(held >= (0)::numeric)",
	"(version >= 0)",
	NULL,
};

static const char *const ledger_checks[] = {
	"(kind = ANY (ARRAY['CREATED'::text, 'FUND'::text, 'WITHDRAW'::text, 'TRANSFER'::text, "
	"'HOLD'::text, 'RELEASE'::text, 'EXPIRE'::text, 'CAPTURE'::text, 'REVERSAL'::text, "
	"'STATUS'::text, 'LIMITS'::text]))",
	"(amount >= (0)::numeric)",
	"((from_wallet_id IS NOT NULL) OR (to_wallet_id IS NOT NULL))",
	"(num_nonnulls(from_wallet_id, from_version, from_balance, from_held, from_status, "
	"from_user_id) = ANY (ARRAY[0, 6]))",
	"(num_nonnulls(to_wallet_id, to_version, to_balance, to_held, to_status, to_user_id) = ANY "
	"(ARRAY[0, 6]))",
	NULL,
};

static const char *const holds_checks[] = {
	"(status = ANY (ARRAY['open'::text, 'captured'::text, 'released'::text, 'expired'::text]))",
	"((amount > (0)::numeric) AND (captured >= (0)::numeric) AND (released >= (0)::numeric) AND "
	"((captured + released) <= amount))",
	NULL,
};

static const char *const *const own_checks[WALLET_TABLES] = {
	[TABLE_WALLETS] = wallets_checks,
	[TABLE_LEDGER] = ledger_checks,
	[TABLE_HOLDS] = holds_checks,
};

/* The columns that an operation changes of a row that is there. */
static const ColumnSet changing_columns[WALLET_TABLES] = {
	[TABLE_WALLETS] = COLUMN(WALLETS_BALANCE) | COLUMN(WALLETS_HELD) |
					  COLUMN(WALLETS_CREDIT_LIMIT) | COLUMN(WALLETS_MAX_BALANCE) |
					  COLUMN(WALLETS_STATUS) | COLUMN(WALLETS_VERSION) |
					  COLUMN(WALLETS_UPDATED_AT) | COLUMN(WALLETS_SEAL),
	[TABLE_LEDGER] = 0,
	[TABLE_HOLDS] = COLUMN(HOLDS_CAPTURED) | COLUMN(HOLDS_RELEASED) | COLUMN(HOLDS_STATUS),
};

/* The own number of the relation's column; 0 for one that was added. */
static AttrNumber
own_column(WalletTable table, const AttrNumber *numbers, AttrNumber number)
{
	for (int i = 0; i < table_column_count(table); i++)
		if (numbers[i] == number)
			return (AttrNumber) (i + 1);
	return InvalidAttrNumber;
}

/* A column that direct access doesn't fill, that was moved, or that may no longer be NULL. */
static bool
has_added_columns(Relation relation, WalletTable table, const AttrNumber *numbers)
{
	TupleDesc descriptor = RelationGetDescr(relation);

	for (int i = 0; i < descriptor->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(descriptor, i);
		AttrNumber own = own_column(table, numbers, attribute->attnum);

		if (!attribute->attisdropped &&
			(own != attribute->attnum ||
			 (attribute->attnotnull && !table_column_is_required(table, own))))
			return true;
	}
	return false;
}

/* The expression of the n-th CHECK as SQL. */
static char *
check_text(Relation relation, int n)
{
	const ConstrCheck *check = &RelationGetDescr(relation)->constr->check[n];

	return table_expression_text(relation, stringToNode(check->ccbin));
}

static int
check_count(Relation relation)
{
	const TupleConstr *constraints = RelationGetDescr(relation)->constr;

	return constraints == NULL ? 0 : constraints->num_check;
}

static bool
is_own_check(WalletTable table, const char *text)
{
	for (const char *const *own = own_checks[table]; *own != NULL; own++)
		if (strcmp(*own, text) == 0)
			return true;
	return false;
}

static bool
has_added_checks(Relation relation, WalletTable table)
{
	for (int i = 0; i < check_count(relation); i++)
		if (!is_own_check(table, check_text(relation, i)))
			return true;
	return false;
}

/* Whether another table may refer to a column that operations change. */
static bool
has_changing_key(Relation relation, WalletTable table, const AttrNumber *numbers)
{
	Bitmapset *keys = RelationGetIndexAttrBitmap(relation, INDEX_ATTR_BITMAP_KEY);
	bool found = false;

	for (int i = 0; i < table_column_count(table); i++)
		if ((changing_columns[table] & COLUMN(i + 1)) != 0 &&
			bms_is_member(numbers[i] - FirstLowInvalidHeapAttributeNumber, keys))
			found = true;
	bms_free(keys);
	return found;
}

/* The triggers of schema/guards.sql, whatever they are called now. */
typedef struct OwnTrigger
{
	const char *function;
	int16 type;
} OwnTrigger;

static const OwnTrigger own_triggers[] = {
	{"wallet_guard",
	 TRIGGER_TYPE_BEFORE | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE | TRIGGER_TYPE_TRUNCATE},
	{"wallet_guard_row",
	 TRIGGER_TYPE_BEFORE | TRIGGER_TYPE_ROW | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE},
	{"wallet_guard_row", TRIGGER_TYPE_AFTER | TRIGGER_TYPE_ROW | TRIGGER_TYPE_DELETE},
	{"wallet_guard_insert", TRIGGER_TYPE_BEFORE | TRIGGER_TYPE_INSERT},
};

/* A guard that an administrator has put on other events is an addition. */
static bool
is_own_trigger(const Trigger *trigger, Oid extension)
{
	const char *function = NULL;

	if (getExtensionOfObject(ProcedureRelationId, trigger->tgfoid) != extension ||
		(function = get_func_name(trigger->tgfoid)) == NULL)
		return false;
	for (int i = 0; i < (int) lengthof(own_triggers); i++)
		if (own_triggers[i].type == trigger->tgtype &&
			strcmp(own_triggers[i].function, function) == 0)
			return true;
	return false;
}

List *
table_own_triggers(Relation relation)
{
	const TriggerDesc *triggers = relation->trigdesc;
	Oid extension = get_extension_oid("wallet", true);
	List *own = NIL;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
		if (OidIsValid(extension) && is_own_trigger(&triggers->triggers[i], extension))
			own = lappend_oid(own, triggers->triggers[i].tgoid);
	return own;
}

static bool
has_added_triggers(Relation relation, WalletTable table, const AttrNumber *numbers,
				   const List *own_triggers)
{
	const TriggerDesc *triggers = relation->trigdesc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];
		bool fires = TRIGGER_FOR_INSERT(trigger->tgtype) ||
					 (TRIGGER_FOR_UPDATE(trigger->tgtype) && changing_columns[table] != 0);
		/* A row that others refer to, by a key that no operation changes. */
		bool is_idle = RI_FKey_trigger_type(trigger->tgfoid) == RI_TRIGGER_PK &&
					   !has_changing_key(relation, table, numbers);

		if (fires && trigger->tgenabled != TRIGGER_DISABLED && !is_idle &&
			!list_member_oid(own_triggers, trigger->tgoid))
			return true;
	}
	return false;
}

/* Whether a publication would refuse an UPDATE, for want of a replica identity that fits. */
static bool
is_refused_by_publication(Relation relation)
{
	PublicationDesc published;

	RelationBuildPublicationDesc(relation, &published);
	return published.pubactions.pubupdate &&
		   (!published.rf_valid_for_update || !published.cols_valid_for_update ||
			(relation->rd_rel->relreplident != REPLICA_IDENTITY_FULL &&
			 !OidIsValid(RelationGetReplicaIndex(relation))));
}

bool
table_has_additions(Relation relation, WalletTable table, const AttrNumber *numbers,
					const List *own_triggers)
{
	return has_added_columns(relation, table, numbers) || has_added_checks(relation, table) ||
		   has_added_triggers(relation, table, numbers, own_triggers) ||
		   (changing_columns[table] != 0 && is_refused_by_publication(relation));
}

bool
table_index_is_addition(Relation index, const IndexInfo *info)
{
	return info->ii_ExclusionOps != NULL || !index->rd_index->indimmediate;
}

/* wallet_check_guards tells of it too. */
static TableFinding *
obstacle(Relation relation, const char *expected, char *actual)
{
	return table_finding(NULL, true,
						 psprintf("table %s with %s", RelationGetRelationName(relation), expected),
						 actual);
}

static List *
find_relatives(Relation relation)
{
	List *children = NIL;
	List *findings = NIL;

	if (relation->rd_rel->relhassubclass)
		children = find_inheritance_children(RelationGetRelid(relation), NoLock);
	if (children != NIL)
		findings = lappend(findings, obstacle(relation, "no child table",
											  get_rel_name(linitial_oid(children))));
	if (has_superclass(RelationGetRelid(relation)))
		findings =
			lappend(findings,
					obstacle(relation, "no parent table",
							 get_rel_name(get_partition_parent(RelationGetRelid(relation), true))));
	return findings;
}

/* The first line of its definition, which has its name. */
static char *
rule_text(Oid rule)
{
	char *definition =
		TextDatumGetCString(DirectFunctionCall1(pg_get_ruledef, ObjectIdGetDatum(rule)));

	definition[strcspn(definition, "\n")] = '\0';
	return definition;
}

static List *
find_kind(Relation relation)
{
	Form_pg_class form = relation->rd_rel;
	List *findings = NIL;

	if (form->relkind != RELKIND_RELATION)
		findings = lappend(findings, obstacle(relation, "its own rows",
											  psprintf("relkind %c", form->relkind)));
	if (form->relam != HEAP_TABLE_AM_OID)
		findings = lappend(findings, obstacle(relation, "access method heap",
											  OidIsValid(form->relam) ? get_am_name(form->relam)
																	  : pstrdup("none")));
	if (form->relpersistence != RELPERSISTENCE_PERMANENT)
		findings = lappend(findings, obstacle(relation, "a write-ahead log", pstrdup("unlogged")));
	if (relation->rd_rules != NULL && relation->rd_rules->numLocks > 0)
		findings = lappend(findings, obstacle(relation, "no rule",
											  rule_text(relation->rd_rules->rules[0]->ruleId)));
	return findings;
}

/* What is said of an own CHECK: NULL where it is at work. */
static char *
check_trouble(Relation relation, const char *own)
{
	for (int i = 0; i < check_count(relation); i++)
		if (strcmp(check_text(relation, i), own) == 0)
			return RelationGetDescr(relation)->constr->check[i].ccvalid ? NULL
																		: pstrdup("not valid");
	return pstrdup("missing");
}

/* Own CHECKs and NOT NULLs that are gone: the operations keep them all the same, a restore
 * wouldn't. */
static List *
find_lost_checks(Relation relation, WalletTable table, const AttrNumber *numbers)
{
	List *findings = NIL;

	for (const char *const *own = own_checks[table]; *own != NULL; own++)
	{
		char *trouble = check_trouble(relation, *own);

		if (trouble != NULL)
			findings =
				lappend(findings,
						table_finding("shape", false,
									  psprintf("table %s with CHECK %s", table_name(table), *own),
									  trouble));
	}
	for (int i = 1; i <= table_column_count(table); i++)
		if (table_column_is_required(table, i) && numbers[i - 1] != InvalidAttrNumber &&
			!TupleDescAttr(RelationGetDescr(relation), numbers[i - 1] - 1)->attnotnull)
			findings = lappend(findings, table_finding("shape", false,
													   psprintf("column %s of %s with NOT NULL",
																table_column_name(table, i),
																table_name(table)),
													   pstrdup("nullable")));
	return findings;
}

static bool
has_own_name(WalletTable table, const char *name)
{
	for (int i = 1; i <= table_column_count(table); i++)
		if (strcmp(table_column_name(table, i), name) == 0)
			return true;
	return false;
}

/* Added columns that no operation can fill. */
static List *
find_required_columns(Relation relation, WalletTable table)
{
	TupleDesc descriptor = RelationGetDescr(relation);
	List *findings = NIL;

	for (int i = 0; i < descriptor->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(descriptor, i);

		if (attribute->attisdropped || !attribute->attnotnull ||
			has_own_name(table, NameStr(attribute->attname)) || attribute->attgenerated != '\0' ||
			build_column_default(relation, attribute->attnum) != NULL)
			continue;
		findings = lappend(findings,
						   table_finding("shape", false,
										 psprintf("added column %s of %s with a default",
												  NameStr(attribute->attname), table_name(table)),
										 pstrdup("NOT NULL without a default")));
	}
	return findings;
}

List *
table_find_obstacles(Relation relation, WalletTable table, const AttrNumber *numbers)
{
	List *findings = list_concat(find_kind(relation), find_relatives(relation));

	findings = list_concat(findings, find_lost_checks(relation, table, numbers));
	return list_concat(findings, find_required_columns(relation, table));
}
