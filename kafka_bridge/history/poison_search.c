/*
 * poison_search.c
 *		A range of events that fails is tried again by halves, each attempt in a savepoint that is
 *		rolled back: k bad events among n cost about k * log2(n) attempts on ever smaller ranges.
 */
#include "poison_search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event_store.h"

typedef struct Search
{
	const HistorySession *session;
	const Wait *wait;
	Batch *batch;
	size_t found;
} Search;

bool
poison_is_cause(const Status *status)
{
	/* Class 54 is a limit of PostgreSQL: nesting too deep, a user id too long for its index. */
	return pg_status_is_data_error(status) || pg_status_is(status, PG_CLASS_LIMIT);
}

static Status
event_mark(Search *search, uint32_t index, const Status *cause)
{
	char name[BATCH_FAULT_NAME_BYTES];

	snprintf(name, sizeof(name), "PostgresError_%s", cause->sqlstate);
	search->found++;
	return batch_record_poison(&search->batch->records[index], true, name, cause->text)
			   ? status_ok()
			   : status_bug("out of memory");
}

static Status
range_search(Search *search, const uint32_t *indexes, size_t count)
{
	PGconn *connection = search->session->connection;
	Status status = pg_command_run(connection, search->wait, "SAVEPOINT attempt");

	if (!status_is_ok(&status))
		return status;

	Status attempt = event_store_try(search->session, search->wait,
									 (EventSelection){search->batch, indexes, count});

	if (attempt.class == STATUS_RETRY)
		return attempt;
	status = pg_command_run(connection, search->wait,
							"ROLLBACK TO SAVEPOINT attempt; RELEASE SAVEPOINT attempt");
	if (!status_is_ok(&status) || status_is_ok(&attempt))
		return status;
	if (!poison_is_cause(&attempt))
		return attempt;
	if (count == 1)
		return event_mark(search, indexes[0], &attempt);
	status = range_search(search, indexes, count / 2);
	if (status_is_ok(&status))
		status = range_search(search, indexes + count / 2, count - count / 2);
	return status;
}

Status
poison_search(const HistorySession *session, const Wait *wait, Batch *batch, size_t *found)
{
	Search search = {.session = session, .wait = wait, .batch = batch};
	uint32_t *indexes = malloc(batch->count * sizeof(*indexes));
	size_t count = 0;
	Status status;

	*found = 0;
	if (indexes == NULL)
		return status_bug("out of memory");
	for (size_t i = 0; i < batch->count; i++)
		if (batch->records[i].fault == NULL)
			indexes[count++] = (uint32_t) i;
	status = pg_command_run(session->connection, wait, "BEGIN");
	if (status_is_ok(&status) && count > 0)
		status = range_search(&search, indexes, count);
	if (status.class != STATUS_RETRY)
	{
		Status rollback = pg_command_run(session->connection, wait, "ROLLBACK");

		if (status_is_ok(&status))
			status = rollback;
	}
	*found = search.found;
	free(indexes);
	return status;
}
