/*
 * slot.c
 *		Creates and drops the replication slot. Knows nothing of Kafka.
 *
 * Slot names were checked when the configuration was read: they need no quoting.
 */
#include "slot.h"

#include <stdio.h>
#include <string.h>

#include "lsn.h"
#include "wallet_event.h"

Status
slot_plugin_explain(Status status)
{
	if (strstr(status.text, "output_plugin_libraries") != NULL)
		return status_fatal(EXIT_CODE_CONFIGURATION,
							"the server does not trust the output plugin: set "
							"output_plugin_libraries = 'pgoutput, test_decoding, %s' in "
							"postgresql.conf and reload it (%s)",
							WALLET_DECODER_NAME, status.text);
	if (pg_status_is(&status, PG_UNDEFINED_FILE))
		return status_prefix(status, "is the extension's library installed on the server, and does "
									 "it still have the WAL?");
	return status;
}

Status
slot_create(PGconn *connection, const char *slot, const Wait *wait, CreatedSlot *created)
{
	char command[256];
	PGresult *result = NULL;

	/*
	 * A failover slot is copied to the standbys (17 on), so that its stream survives a promotion.
	 */
	snprintf(command, sizeof(command),
			 "CREATE_REPLICATION_SLOT \"%s\" LOGICAL %s (SNAPSHOT 'export'%s)", slot,
			 WALLET_DECODER_NAME, PQserverVersion(connection) >= 170000 ? ", FAILOVER true" : "");

	Status status =
		pg_query_run(connection, wait,
					 &(PgQuery){.sql = command, .column_count = 4, .one_row = true}, &result);

	if (status_is_ok(&status) && !lsn_read(PQgetvalue(result, 0, 1), &created->consistent_lsn))
		status = status_bug("the server created a slot at \"%s\"", PQgetvalue(result, 0, 1));
	if (status_is_ok(&status))
		snprintf(created->snapshot, sizeof(created->snapshot), "%s", PQgetvalue(result, 0, 2));
	PQclear(result);
	/* Another bridge made it after we had looked. */
	if (pg_status_is(&status, PG_DUPLICATE_OBJECT))
		status = status_retry("%s", status.text);
	return slot_plugin_explain(
		status_prefix(status, "could not create replication slot \"%s\"", slot));
}

Status
slot_drop(PGconn *connection, const char *slot, const Wait *wait)
{
	char command[256];

	snprintf(command, sizeof(command), "DROP_REPLICATION_SLOT \"%s\"", slot);

	Status status = pg_query_run(connection, wait, &(PgQuery){.sql = command}, NULL);

	if (pg_status_is(&status, PG_UNDEFINED_OBJECT))
		return status_ok();
	return status_prefix(status, "could not drop replication slot \"%s\"", slot);
}
