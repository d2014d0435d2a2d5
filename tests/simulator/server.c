/*
 * server.c
 *		The scripted PostgreSQL: sessions and the slot; walsender.c streams.
 */
#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker.h"
#include "ledger.h"
#include "scheduler.h"
#include "walsender.h"
#include "wallet_event.h"

#define NULL_VALUE "\1"

typedef struct Slot
{
	bool exists;
	PGconn *owner;
	uint64_t begin_lsn; /* where it was made */
	uint64_t confirmed;
	uint64_t saved; /* on disk */
} Slot;

static PGconn *sessions;
static int session_count;
static bool down;
static Slot slot;

void
server_begin(void)
{
	sessions = NULL;
	session_count = 0;
	down = false;
	slot = (Slot){0};
}

uint64_t
server_slot_confirmed(void)
{
	return slot.confirmed;
}

bool
server_slot_has(int commit)
{
	return slot.exists && ledger_get_commit(commit)->commit_lsn >= slot.begin_lsn;
}

static bool
session_is_readable(void *context)
{
	PGconn *session = context;

	return session->lost || session->answered || session->inbox_begin != session->inbox_end ||
		   (session->connected && session->command[0] == '\0');
}

static void
connect_arrives(void *context, int64_t number)
{
	PGconn *session = context;

	(void) number;
	session->connected = true;
	session->refused = down;
	session->server_ended = down;
}

PGconn *
server_connect(void)
{
	PGconn *session = calloc(1, sizeof(*session));

	session->next = sessions;
	sessions = session;
	session->number = session_count++;
	session->process = thread_process();
	session->fd = descriptor_new(session_is_readable, session);
	event_add(200 + (int64_t) chance(once_in(20) ? 2000000 : 3000), connect_arrives, session, 0);
	return session;
}

static void
session_forget(void *context, int64_t number)
{
	PGconn *session = context;

	(void) number;
	session->server_ended = true;
	session->has_lock = false;
	if (slot.owner == session)
	{
		trace("session %d leaves the slot", session->number);
		slot.owner = NULL;
	}
}

void
server_session_close(PGconn *session, int64_t delay_us)
{
	if (session->client_closed)
		return;
	session->client_closed = true;
	descriptor_close(session->fd);
	event_add(delay_us, session_forget, session, 0);
}

void
server_process_died(int process)
{
	for (PGconn *session = sessions; session != NULL; session = session->next)
		if (session->process == process)
			server_session_close(session, (int64_t) chance(once_in(8) ? 5000000 : 50000));
}

static void
session_lose(void *context, int64_t number)
{
	PGconn *session = context;

	(void) number;
	session->lost = true;
}

void
server_process_stalled(int process, int64_t duration_us)
{
	for (PGconn *session = sessions; session != NULL; session = session->next)
		if (session->process == process && !session->server_ended && once_in(2))
		{
			int64_t after_us = (int64_t) chance((uint64_t) duration_us);

			event_add(after_us, session_forget, session, 0);
			event_add(after_us, session_lose, session, 0);
		}
}

/* Each end notices at its own time. */
static void
session_cut(PGconn *session, bool server_knows)
{
	event_add((int64_t) chance(300000), session_lose, session, 0);
	if (server_knows)
		session_forget(session, 0);
	else
		event_add((int64_t) chance(2000000), session_forget, session, 0);
}

void
server_sessions_cut(void)
{
	for (PGconn *session = sessions; session != NULL; session = session->next)
		if (!session->server_ended && once_in(2))
			session_cut(session, false);
}

static void
server_up(void *context, int64_t number)
{
	(void) context;
	(void) number;
	down = false;
	trace("PostgreSQL is up, the slot is at %llX", (unsigned long long) slot.confirmed);
}

void
server_crash(void)
{
	if (down)
		return;
	trace("PostgreSQL crashes");
	down = true;
	for (PGconn *session = sessions; session != NULL; session = session->next)
		if (!session->server_ended)
			session_cut(session, true);
	slot.confirmed = slot.saved;
	event_add((int64_t) chance(3000000), server_up, NULL, 0);
}

/* One row of texts, ended by NULL. */
static PGresult *
answer_make(ExecStatusType status, const char *const *values)
{
	PGresult *answer = calloc(1, sizeof(*answer));

	answer->status = status;
	for (; values != NULL && values[answer->columns] != NULL; answer->columns++)
		snprintf(answer->values[answer->columns], ANSWER_BYTES, "%s", values[answer->columns]);
	answer->rows = answer->columns > 0;
	return answer;
}

static PGresult *
answer_error(const char *sqlstate, const char *message)
{
	PGresult *answer = answer_make(PGRES_FATAL_ERROR, NULL);

	snprintf(answer->sqlstate, sizeof(answer->sqlstate), "%s", sqlstate);
	answer->message = message;
	return answer;
}

static const char *
lsn_text(uint64_t lsn, char text[ANSWER_BYTES])
{
	snprintf(text, ANSWER_BYTES, "%X/%X", (unsigned) (lsn >> 32), (unsigned) lsn);
	return text;
}

static PGresult *
catalog_answer(void)
{
	char confirmed[ANSWER_BYTES] = NULL_VALUE;
	const char *exists = slot.exists ? "t" : "f";
	const char *values[] = {"5",
							"f",
							"t",
							"60000",
							"public",
							exists,
							slot.exists ? "t" : NULL_VALUE,
							slot.owner != NULL ? "t" : "f",
							slot.exists ? "t" : NULL_VALUE,
							"f",
							slot.exists ? WALLET_DECODER_NAME : NULL_VALUE,
							confirmed,
							NULL};

	if (slot.exists)
		lsn_text(slot.confirmed, confirmed);
	return answer_make(PGRES_TUPLES_OK, values);
}

static PGresult *
lock_answer(PGconn *session)
{
	bool taken = false;

	for (PGconn *other = sessions; other != NULL; other = other->next)
		taken = taken || other->has_lock;
	session->has_lock = session->has_lock || !taken;
	return answer_make(PGRES_TUPLES_OK, (const char *[]){session->has_lock ? "t" : "f", NULL});
}

static PGresult *
slot_create_answer(void)
{
	char lsn[ANSWER_BYTES];

	if (slot.exists)
		return answer_error("42710", "replication slot already exists");
	slot = (Slot){.exists = true,
				  .begin_lsn = ledger_wal_end(),
				  .confirmed = ledger_wal_end(),
				  .saved = ledger_wal_end()};
	trace("slot created at %llX", (unsigned long long) slot.confirmed);
	return answer_make(PGRES_TUPLES_OK,
					   (const char *[]){"wallet_bridge", lsn_text(slot.confirmed, lsn), "snapshot",
										WALLET_DECODER_NAME, NULL});
}

static PGresult *
slot_drop_answer(void)
{
	if (!slot.exists)
		return answer_error("42704", "replication slot does not exist");
	if (slot.owner != NULL)
		return answer_error("55006", "replication slot is active");
	slot = (Slot){0};
	return answer_make(PGRES_COMMAND_OK, NULL);
}

/* The ids that the ledger has not: the events of the topic must all be of commits. */
static PGresult *
unknown_answer(const char *command)
{
	PGresult *answer;

	for (const char *id = strstr(command, "cccccccc-"); id != NULL;
		 id = strstr(id + 1, "cccccccc-"))
		if (!ledger_has_transaction(id))
			violation("INV-7", "the topic has an event of a transaction that did not commit");
	answer = answer_make(PGRES_TUPLES_OK, (const char *[]){"", NULL});
	answer->rows = 0;
	return answer;
}

static PGresult *
stream_answer(PGconn *session)
{
	unsigned high = 0;
	unsigned low = 0;
	const char *at = strstr(session->command, "LOGICAL ");

	if (!slot.exists)
		return answer_error("42704", "replication slot does not exist");
	if (slot.owner != NULL)
		return answer_error("55006", "replication slot is active for PID 1");
	if (at == NULL || sscanf(at, "LOGICAL %X/%X", &high, &low) != 2)
		abort();
	slot.owner = session;
	session->start_lsn = (uint64_t) high << 32 | low;
	if (session->start_lsn < slot.confirmed)
		session->start_lsn = slot.confirmed;
	session->copies = true;
	trace("session %d streams from %llX", session->number, (unsigned long long) session->start_lsn);
	walsender_start(session);
	return answer_make(PGRES_COPY_BOTH, NULL);
}

static PGresult *
command_answer(PGconn *session)
{
	const char *command = session->command;
	char lsn[ANSWER_BYTES];

	lsn_text(ledger_wal_end(), lsn);
	if (strcmp(command, "IDENTIFY_SYSTEM") == 0)
		return answer_make(PGRES_TUPLES_OK, (const char *[]){"7000", "1", lsn, "wallet_db", NULL});
	if (strncmp(command, "SELECT d.oid", 12) == 0)
		return catalog_answer();
	if (strncmp(command, "SELECT EXISTS", 13) == 0)
		return answer_make(PGRES_TUPLES_OK,
						   (const char *[]){ledger_commit_count() > 0 ? "t" : "f", NULL});
	if (strstr(command, "pg_current_wal_flush_lsn") != NULL)
		return answer_make(PGRES_TUPLES_OK, (const char *[]){lsn, NULL_VALUE, NULL});
	if (strstr(command, "pg_try_advisory_lock") != NULL)
		return lock_answer(session);
	if (strncmp(command, "SELECT id FROM", 14) == 0)
		return unknown_answer(command);
	if (strncmp(command, "CREATE_REPLICATION_SLOT", 23) == 0)
		return slot_create_answer();
	if (strncmp(command, "DROP_REPLICATION_SLOT", 21) == 0)
		return slot_drop_answer();
	if (strncmp(command, "START_REPLICATION", 17) == 0)
		return stream_answer(session);
	fprintf(stderr, "no answer to: %s\n", command);
	abort();
}

static void
command_arrives(void *context, int64_t number)
{
	PGconn *session = context;

	(void) number;
	if (session->server_ended || session->lost || session->client_closed)
		return;
	session->answer = command_answer(session);
	session->answered = true;
}

void
server_command(PGconn *session)
{
	session->busy = true;
	session->answered = false;
	event_add(100 + (int64_t) chance(once_in(30) ? 500000 : 2000), command_arrives, session, 0);
}

/* INV-8: nothing is confirmed that a broker has not. */
static void
confirmation_check(uint64_t confirmed)
{
	for (int i = 0; i < ledger_commit_count(); i++)
	{
		const Commit *commit = ledger_get_commit(i);

		if (commit->end_lsn > confirmed || !server_slot_has(i))
			continue;
		for (int entry = commit->first; entry < commit->first + commit->count; entry++)
			if (!broker_has_event(entry))
			{
				violation("INV-8",
						  "%llX is confirmed, and entry %d of commit %d, which ends at "
						  "%llX, is not in the topic",
						  (unsigned long long) confirmed, entry, i,
						  (unsigned long long) commit->end_lsn);
				return;
			}
	}
}

static void
feedback_arrives(void *context, int64_t confirmed)
{
	PGconn *session = context;

	if (session->server_ended || down)
		return;
	confirmation_check((uint64_t) confirmed);
	if ((uint64_t) confirmed > ledger_wal_end())
		violation("INV-8", "%llX is confirmed, and WAL ends at %llX",
				  (unsigned long long) confirmed, (unsigned long long) ledger_wal_end());
	if (slot.owner == session && (uint64_t) confirmed > slot.confirmed)
		slot.confirmed = (uint64_t) confirmed;
	if (once_in(4))
		slot.saved = slot.confirmed;
}

void
server_copy_data(PGconn *session, const char *bytes, int count)
{
	if (count != 34 || bytes[0] != 'r')
		abort();
	trace("feedback of session %d: %llX", session->number,
		  (unsigned long long) wallet_get_uint64(bytes + 9));
	event_add((int64_t) chance(once_in(10) ? 100000 : 2000), feedback_arrives, session,
			  (int64_t) wallet_get_uint64(bytes + 9));
}

static void
copy_end_arrives(void *context, int64_t number)
{
	PGconn *session = context;

	(void) number;
	if (!session->server_ended)
		session->copy_end_sent = true;
	walsender_finish(session);
}

void
server_copy_end(PGconn *session)
{
	event_add(100000, copy_end_arrives, session, 0);
}

void
server_commit_happened(void)
{
	if (slot.owner != NULL)
		walsender_nudge(slot.owner);
}
