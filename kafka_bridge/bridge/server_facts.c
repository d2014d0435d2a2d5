/*
 * server_facts.c
 *		What PostgreSQL says about itself, the slot and the ledger before streaming starts.
 *
 * A replication connection only takes simple queries: the slot's name, whose characters were
 * checked when the configuration was read, stands in the text. The extension's schema is looked up:
 * it need not be in the search path.
 */
#include "server_facts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lsn.h"
#include "wallet_event.h"

#define FEEDBACK_INTERVAL_MS 1000
#define FEEDBACK_MINIMUM_MS	 50

static bool
field_is_true(const PGresult *result, int column)
{
	return PQgetvalue(result, 0, column)[0] == 't';
}

static Status
system_identify(PGconn *connection, const Wait *wait, ServerFacts *facts)
{
	PGresult *result = NULL;
	Status status =
		pg_query_run(connection, wait,
					 &(PgQuery){.sql = "IDENTIFY_SYSTEM", .column_count = 4, .one_row = true},
					 &result);

	if (!status_is_ok(&status))
		return status;
	facts->system_id = strtoull(PQgetvalue(result, 0, 0), NULL, 10);
	facts->timeline = (uint32_t) strtoul(PQgetvalue(result, 0, 1), NULL, 10);
	if (!lsn_read(PQgetvalue(result, 0, 2), &facts->wal_end))
		status = status_bug("the server's WAL ends at \"%s\"", PQgetvalue(result, 0, 2));
	snprintf(facts->database, sizeof(facts->database), "%s", PQgetvalue(result, 0, 3));
	PQclear(result);
	return status;
}

/* Columns of the query below. */
enum
{
	COLUMN_DATABASE_OID,
	COLUMN_IN_RECOVERY,
	COLUMN_WAL_LEVEL_LOGICAL,
	COLUMN_SENDER_TIMEOUT,
	COLUMN_SCHEMA,
	COLUMN_SLOT_EXISTS,
	COLUMN_SLOT_LOGICAL,
	COLUMN_SLOT_ACTIVE,
	COLUMN_SLOT_SAME_DATABASE,
	COLUMN_SLOT_LOST,
	COLUMN_SLOT_PLUGIN,
	COLUMN_SLOT_CONFIRMED,
	COLUMN_COUNT
};

static Status
catalog_read(PGconn *connection, const char *slot, const Wait *wait, ServerFacts *facts)
{
	char sql[1536];
	PGresult *result = NULL;

	snprintf(sql, sizeof(sql),
			 "SELECT d.oid, pg_catalog.pg_is_in_recovery(), "
			 "pg_catalog.current_setting('wal_level') = 'logical', "
			 "(SELECT setting FROM pg_catalog.pg_settings WHERE name = 'wal_sender_timeout'), "
			 "pg_catalog.quote_ident(n.nspname), s.slot_name IS NOT NULL, s.slot_type = 'logical', "
			 "s.active, s.database = d.datname, s.wal_status = 'lost', s.plugin, "
			 "s.confirmed_flush_lsn "
			 "FROM pg_catalog.pg_database d "
			 "LEFT JOIN pg_catalog.pg_extension e ON e.extname = '%s' "
			 "LEFT JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace "
			 "LEFT JOIN pg_catalog.pg_replication_slots s ON s.slot_name = '%s' "
			 "WHERE d.datname = pg_catalog.current_database()",
			 WALLET_EXTENSION_NAME, slot);

	Status status =
		pg_query_run(connection, wait,
					 &(PgQuery){.sql = sql, .column_count = COLUMN_COUNT, .one_row = true},
					 &result);

	if (!status_is_ok(&status))
		return status;
	facts->database_oid = (uint32_t) strtoul(PQgetvalue(result, 0, COLUMN_DATABASE_OID), NULL, 10);
	facts->in_recovery = field_is_true(result, COLUMN_IN_RECOVERY);
	facts->wal_level_logical = field_is_true(result, COLUMN_WAL_LEVEL_LOGICAL);
	facts->sender_timeout_ms = atoll(PQgetvalue(result, 0, COLUMN_SENDER_TIMEOUT));
	snprintf(facts->schema, sizeof(facts->schema), "%s", PQgetvalue(result, 0, COLUMN_SCHEMA));
	facts->slot = (SlotFacts){
		.exists = field_is_true(result, COLUMN_SLOT_EXISTS),
		.logical = field_is_true(result, COLUMN_SLOT_LOGICAL),
		.active = field_is_true(result, COLUMN_SLOT_ACTIVE),
		.same_database = field_is_true(result, COLUMN_SLOT_SAME_DATABASE),
		.lost = field_is_true(result, COLUMN_SLOT_LOST),
	};
	snprintf(facts->slot.plugin, sizeof(facts->slot.plugin), "%s",
			 PQgetvalue(result, 0, COLUMN_SLOT_PLUGIN));
	if (!PQgetisnull(result, 0, COLUMN_SLOT_CONFIRMED) &&
		!lsn_read(PQgetvalue(result, 0, COLUMN_SLOT_CONFIRMED), &facts->slot.confirmed))
		status = status_bug("the slot is confirmed to \"%s\"",
							PQgetvalue(result, 0, COLUMN_SLOT_CONFIRMED));
	PQclear(result);
	return status;
}

static Status
ledger_look(PGconn *connection, const Wait *wait, ServerFacts *facts)
{
	char sql[SERVER_NAME_BYTES + 128];
	PGresult *result = NULL;

	snprintf(sql, sizeof(sql), "SELECT EXISTS (SELECT FROM %s.%s)", facts->schema,
			 WALLET_LEDGER_NAME);

	Status status =
		pg_query_run(connection, wait, &(PgQuery){.sql = sql, .column_count = 1, .one_row = true},
					 &result);

	if (status_is_ok(&status))
		facts->ledger_has_rows = field_is_true(result, 0);
	PQclear(result);
	return status_prefix(status, "could not read the ledger (the bridge's role needs USAGE on its "
								 "schema and SELECT on it)");
}

Status
server_facts_gather(PGconn *connection, const char *slot, const Wait *wait, ServerFacts *facts)
{
	*facts = (ServerFacts){0};

	Status status = system_identify(connection, wait, facts);

	if (status_is_ok(&status))
		status = catalog_read(connection, slot, wait, facts);
	if (status_is_ok(&status) && facts->schema[0] == '\0' && !facts->in_recovery)
		status = status_fatal(EXIT_CODE_CONFIGURATION,
							  "extension %s is not installed in database \"%s\": run CREATE "
							  "EXTENSION %s there, or change DATABASE_URL",
							  WALLET_EXTENSION_NAME, facts->database, WALLET_EXTENSION_NAME);
	if (status_is_ok(&status) && facts->schema[0] != '\0')
		status = ledger_look(connection, wait, facts);
	return status;
}

/* A line of a history file: the timeline that was left, a tab, and where. */
static uint64_t
history_search(const char *history, uint32_t ancestor)
{
	for (const char *line = history; line != NULL && *line != '\0';)
	{
		uint32_t timeline;
		uint32_t high;
		uint32_t low;

		if (sscanf(line, "%" SCNu32 " %" SCNx32 "/%" SCNx32, &timeline, &high, &low) == 3 &&
			timeline == ancestor)
			return (uint64_t) high << 32 | low;
		line = strchr(line, '\n');
		if (line != NULL)
			line++;
	}
	return 0;
}

void
server_facts_name(const ServerFacts *facts, const char *slot, ProgressKey *key,
				  char source[SERVER_SOURCE_BYTES])
{
	key->system_id = facts->system_id;
	key->database_oid = facts->database_oid;
	snprintf(key->slot, sizeof(key->slot), "%s", slot);
	snprintf(source, SERVER_SOURCE_BYTES, "/wallet/%" PRIu64 "/%s", facts->system_id,
			 facts->database);
}

Status
server_timeline_find(PGconn *connection, uint32_t timeline, uint32_t ancestor, const Wait *wait,
					 uint64_t *switch_lsn)
{
	char command[64];
	PGresult *result = NULL;

	*switch_lsn = 0;
	/* Timeline 1 has no history; a timeline has only older ones as ancestors. */
	if (ancestor >= timeline)
		return status_ok();
	snprintf(command, sizeof(command), "TIMELINE_HISTORY %" PRIu32, timeline);

	Status status =
		pg_query_run(connection, wait,
					 &(PgQuery){.sql = command, .column_count = 2, .one_row = true}, &result);

	if (status_is_ok(&status))
		*switch_lsn = history_search(PQgetvalue(result, 0, 1), ancestor);
	PQclear(result);
	return status_prefix(status, "could not read the history of timeline %" PRIu32, timeline);
}

int64_t
server_facts_feedback_ms(const ServerFacts *facts)
{
	int64_t interval = FEEDBACK_INTERVAL_MS;

	if (facts->sender_timeout_ms > 0 && facts->sender_timeout_ms / 4 < interval)
		interval = facts->sender_timeout_ms / 4;
	return interval > FEEDBACK_MINIMUM_MS ? interval : FEEDBACK_MINIMUM_MS;
}

Status
server_failure_judge(Status status, bool connected_once)
{
	if (status.class == STATUS_FATAL && connected_once &&
		(pg_status_is(&status, PG_CLASS_AUTHORIZATION) || pg_status_is(&status, PG_CLASS_DATABASE)))
		return status_retry("%s", status.text);
	return status;
}
