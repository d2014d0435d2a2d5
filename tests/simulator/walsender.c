/*
 * walsender.c
 *		Streams commits as the output plugin frames them, and keepalives.
 *
 * One that is behind promises with HOLD and then sends several commits in a message; a keepalive
 * between the two names a position that it has not sent yet.
 */
#include "walsender.h"

#include <stdlib.h>
#include <string.h>

#include "ledger.h"
#include "scheduler.h"
#include "wallet_event.h"

#define MESSAGE_BYTES	(16 * 1024)
#define MESSAGE_ENTRIES 40
#define HEADER_BYTES	25 /* 'w', start, end, time */
#define KEEPALIVE		18

typedef struct Message
{
	char bytes[MESSAGE_BYTES];
	size_t count;
} Message;

static void
message_send(PGconn *session, const char *bytes, size_t count)
{
	InboxMessage *message = &session->inbox[session->inbox_end++ % INBOX_MAX];

	if (session->inbox_end - session->inbox_begin >= INBOX_MAX)
		abort();
	message->bytes = malloc(count);
	message->count = (int) count;
	memcpy(message->bytes, bytes, count);
}

static char *
frame_begin(Message *message, char type, size_t body_bytes)
{
	char *at = message->bytes + message->count;

	wallet_put_uint32(at, (uint32_t) (1 + body_bytes));
	at[4] = type;
	message->count += 5 + body_bytes;
	return at + 5;
}

static void
hold_add(Message *message, uint64_t lsn)
{
	wallet_put_uint64(frame_begin(message, WALLET_FRAME_HOLD, WALLET_HOLD_BYTES), lsn);
}

static void
begin_add(Message *message, const Commit *commit)
{
	char *at = frame_begin(message, WALLET_FRAME_BEGIN, WALLET_BEGIN_BYTES);

	at[0] = WALLET_PROTOCOL_VERSION;
	wallet_put_uint32(at + 1, 700);
	wallet_put_uint64(at + 5, commit->commit_lsn);
	wallet_put_uint64(at + 13, commit->end_lsn);
	wallet_put_uint64(at + 21, (uint64_t) commit->time_us);
}

static void
event_add_frame(Message *message, const Commit *commit, int entry)
{
	const Entry *found = ledger_get_entry(entry);
	char json[JSON_BYTES];
	char id[ID_BYTES];
	size_t json_bytes = event_json_write(found, json);
	char *at = frame_begin(message, WALLET_FRAME_EVENT, WALLET_EVENT_BYTES + json_bytes);

	wallet_put_uint32(at, found->ordinal);
	wallet_id_write(found->wallet, id);
	memcpy(at + 4, id, WALLET_UUID_TEXT_BYTES);
	event_id_write(found, id);
	memcpy(at + 40, id, WALLET_UUID_TEXT_BYTES);
	wallet_put_uint64(at + 76, (uint64_t) commit->time_us);
	memcpy(at + 84, json, json_bytes);
}

static void
commit_add(Message *message, const Commit *commit)
{
	char *at = frame_begin(message, WALLET_FRAME_COMMIT, WALLET_COMMIT_BYTES);

	wallet_put_uint64(at, commit->commit_lsn);
	wallet_put_uint64(at + 8, commit->end_lsn);
	wallet_put_uint64(at + 16, (uint64_t) commit->time_us);
	wallet_put_uint32(at + 24, (uint32_t) commit->count);
}

/* The next piece of the next commit, up to its end mostly. */
static void
piece_add(PGconn *session, Message *message, bool whole)
{
	const Commit *commit = ledger_get_commit(session->next_commit);
	int end = whole || !once_in(4) ? commit->count
								   : session->part + (int) chance((uint64_t) commit->count);

	if (end > session->part + MESSAGE_ENTRIES)
		end = session->part + MESSAGE_ENTRIES;
	if (end > commit->count)
		end = commit->count;
	if (!session->begun)
		begin_add(message, commit);
	session->begun = true;
	for (; session->part < end; session->part++)
		event_add_frame(message, commit, commit->first + session->part);
	if (session->part == commit->count)
	{
		commit_add(message, commit);
		session->sent_lsn = commit->end_lsn;
		session->part = 0;
		session->begun = false;
		session->next_commit++;
	}
}

static bool
session_streams(const PGconn *session)
{
	return session->copies && !session->server_ended && !session->lost && !session->client_closed &&
		   !session->copy_end_sent;
}

static void
keepalive_send(PGconn *session, uint64_t lsn)
{
	char bytes[KEEPALIVE] = "k";

	wallet_put_uint64(bytes + 1, lsn);
	wallet_put_uint64(bytes + 9, 0);
	bytes[KEEPALIVE - 1] = once_in(3);
	message_send(session, bytes, sizeof(bytes));
}

/* The slot has nothing for who begins at its position of commits before that. */
static void
commits_skip(PGconn *session)
{
	while (session->next_commit < ledger_commit_count() && !session->begun &&
		   ledger_get_commit(session->next_commit)->commit_lsn < session->start_lsn)
		session->next_commit++;
}

/* As many whole commits as are small enough, up to the last one, and before it HOLD. */
static void
commits_add(PGconn *session, Message *message, int last)
{
	Message hold = {.count = HEADER_BYTES, .bytes = "w"};
	int entries = 0;
	uint64_t until;

	for (int i = session->next_commit; i <= last; i++)
	{
		entries += ledger_get_commit(i)->count;
		if (entries > MESSAGE_ENTRIES)
			last = i - 1;
	}
	if (last <= session->next_commit)
	{
		piece_add(session, message, false);
		return;
	}
	until = ledger_get_commit(last)->end_lsn;
	hold_add(&hold, until);
	message_send(session, hold.bytes, hold.count);
	keepalive_send(session, until);
	while (session->next_commit <= last)
		piece_add(session, message, true);
}

static void
walsender_step(void *context, int64_t number)
{
	PGconn *session = context;
	Message message = {.count = HEADER_BYTES};
	int count;

	(void) number;
	commits_skip(session);
	count = ledger_commit_count() - session->next_commit;
	if (!session_streams(session) || count <= 0)
		return;
	memset(message.bytes, 0, HEADER_BYTES);
	message.bytes[0] = 'w';
	if (!session->begun && count >= 2 && once_in(3))
		commits_add(session, &message,
					session->next_commit + 1 + (int) chance(count > 5 ? 4 : (uint64_t) count - 1));
	else
		piece_add(session, &message, false);
	message_send(session, message.bytes, message.count);
	event_add((int64_t) chance(once_in(10) ? 50000 : 1000), walsender_step, session, 0);
}

static void
keepalive_due(void *context, int64_t number)
{
	PGconn *session = context;

	(void) number;
	if (!session_streams(session))
		return;
	commits_skip(session);
	if (!session->begun && session->next_commit == ledger_commit_count())
		session->sent_lsn = ledger_wal_end();
	if (session->sent_lsn > 0)
		keepalive_send(session, session->sent_lsn);
	event_add(100000 + (int64_t) chance(1000000), keepalive_due, session, 0);
}

void
walsender_nudge(PGconn *session)
{
	event_add((int64_t) chance(3000), walsender_step, session, 0);
}

void
walsender_start(PGconn *session)
{
	walsender_nudge(session);
	event_add((int64_t) chance(500000), keepalive_due, session, 0);
}

void
walsender_finish(PGconn *session)
{
	message_send(session, "", 0);
}
