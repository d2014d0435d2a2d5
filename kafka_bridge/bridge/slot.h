/*
 * slot.h
 *		Creates and drops the replication slot. Knows nothing of Kafka.
 */
#pragma once

#include <stdint.h>

#include "postgres/client.h"
#include "base/status.h"
#include "base/wait.h"

/*
 * CREATE_REPLICATION_SLOT on a connection of mode PG_MODE_REPLICATION. The snapshot's name is valid
 * until the connection's next command; consistent_lsn is where the stream of the slot begins.
 */
#define SLOT_SNAPSHOT_BYTES 64

typedef struct CreatedSlot
{
	uint64_t consistent_lsn;
	char snapshot[SLOT_SNAPSHOT_BYTES];
} CreatedSlot;

Status slot_create(PGconn *connection, const char *slot, const Wait *wait, CreatedSlot *created);

/* DROP_REPLICATION_SLOT ... WAIT on such a connection; OK also where there is none. */
Status slot_drop(PGconn *connection, const char *slot, const Wait *wait);

/*
 * What the administrator has to do, where the server refused to load the output plugin: some minor
 * releases refuse those that output_plugin_libraries does not list. Other statuses as they are.
 */
Status slot_plugin_explain(Status status);
