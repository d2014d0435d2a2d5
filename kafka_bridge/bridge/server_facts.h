/*
 * server_facts.h
 *		What PostgreSQL says about itself, the slot and the ledger before streaming starts.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "postgres/client.h"
#include "startup_check.h"
#include "base/status.h"
#include "base/wait.h"

#define SERVER_NAME_BYTES	256
#define SERVER_SOURCE_BYTES (SERVER_NAME_BYTES + 64)

typedef struct ServerFacts
{
	uint64_t system_id;
	uint32_t timeline;
	uint64_t wal_end; /* flushed */
	char database[SERVER_NAME_BYTES];
	uint32_t database_oid;
	bool in_recovery;
	bool wal_level_logical;
	int64_t sender_timeout_ms;		/* wal_sender_timeout; 0: none */
	char schema[SERVER_NAME_BYTES]; /* of the extension, quoted where needed; "": not installed */
	bool ledger_has_rows;
	SlotFacts slot;
} ServerFacts;

/*
 * Asks over a connection of mode PG_MODE_REPLICATION. Without the extension, or without the right
 * to read the ledger: FATAL, EXIT_CODE_CONFIGURATION.
 */
Status server_facts_gather(PGconn *connection, const char *slot, const Wait *wait,
						   ServerFacts *facts);

/* What the ledger is called in Kafka: by the key of its recorded position, and as ce_source. */
void server_facts_name(const ServerFacts *facts, const char *slot, ProgressKey *key,
					   char source[SERVER_SOURCE_BYTES]);

/*
 * Where the server's history left a timeline: *switch_lsn, 0 when it was never on it. timeline is
 * the server's own, as gathered.
 */
Status server_timeline_find(PGconn *connection, uint32_t timeline, uint32_t ancestor,
							const Wait *wait, uint64_t *switch_lsn);

/* How often a stream from this server is answered: often enough for its wal_sender_timeout. */
int64_t server_facts_feedback_ms(const ServerFacts *facts);

/* Before the first success a wrong password is a wrong configuration; later it is being changed. */
Status server_failure_judge(Status status, bool connected_once);
