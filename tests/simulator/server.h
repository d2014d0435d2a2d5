/*
 * server.h
 *		The scripted PostgreSQL: sessions, one replication slot, a walsender per stream.
 *
 * It answers what the bridge asks, by the text of the question. A crash ends all sessions, keeps
 * all commits, and may take the slot's position back to where it was last saved.
 */
#pragma once

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#define ANSWER_COLUMNS_MAX 12
#define ANSWER_BYTES	   96
#define INBOX_MAX		   512
#define COMMAND_BYTES	   4096

struct pg_result
{
	ExecStatusType status;
	int columns;
	int rows;
	char values[ANSWER_COLUMNS_MAX][ANSWER_BYTES]; /* of one row; "\1": null */
	char sqlstate[6];
	const char *message;
};

typedef struct InboxMessage
{
	char *bytes;
	int count;
} InboxMessage;

/* A session: both ends of it. */
struct pg_conn
{
	struct pg_conn *next;
	int number;
	int process; /* of the client */
	int fd;
	bool connected;
	bool refused;		/* nobody listens */
	bool client_closed; /* the client is not there any more */
	bool lost;			/* the client finds its socket broken */
	bool server_ended;	/* the server has forgotten it */
	bool busy;			/* a command was sent, and is not answered whole */
	bool answered;
	PGresult *answer;
	char command[COMMAND_BYTES];
	bool has_lock;
	bool copies; /* COPY BOTH */
	bool copy_end_sent;
	uint64_t start_lsn;
	uint64_t sent_lsn;
	int next_commit; /* the first that may still have to be sent */
	bool begun;		 /* its BEGIN was sent */
	int part;		 /* entries of it that were sent */
	InboxMessage inbox[INBOX_MAX];
	unsigned inbox_begin;
	unsigned inbox_end;
};

void server_begin(void);

/* Makes a session that reaches the server after a while, if it is up then. */
PGconn *server_connect(void);

/* The client's end is closed; the server notices after a while. */
void server_session_close(PGconn *session, int64_t delay_us);
void server_process_died(int process);

/* Its sessions say nothing any more, and the server gives up some of them. */
void server_process_stalled(int process, int64_t duration_us);

void server_command(PGconn *session);
void server_copy_data(PGconn *session, const char *bytes, int count);
void server_copy_end(PGconn *session);

/* What happens to it. */
void server_commit_happened(void);
void server_crash(void);
void server_sessions_cut(void);

uint64_t server_slot_confirmed(void);

/* Whether the slot was there when it committed; only then is it streamed. */
bool server_slot_has(int commit);
