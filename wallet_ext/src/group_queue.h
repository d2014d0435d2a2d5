/*
 * group_queue.h
 *		Grouped transfers on their way from callers to the worker and back, in shared memory.
 *
 * A "place" is where a process's request lies: a process waits for one at a time, and so has one
 * place. A "queue" has the places of one database in the order in which they came; the database's
 * worker takes all that are there at once, which is a "group". What is asked and told lies in
 * group_area.h.
 *
 * The mutex of a queue guards its places: their state and their links. What else is in a place is
 * its owner's while it is EMPTY, and the worker's while it is TAKEN.
 *
 * EMPTY, QUEUED (the owner has asked), TAKEN (the worker has begun), ANSWERED, EMPTY (the owner has
 * read the answer). An owner that doesn't wait any longer takes a QUEUED request back, which was
 * then never begun, and leaves a TAKEN one: LEFT, which the worker makes EMPTY. A worker that goes
 * puts what it has taken and not committed back.
 *
 * Order of calls: group_queue_init once; of a caller group_queue_enter, group_queue_answer until it
 * is true, or group_queue_leave; of a worker group_queue_attach, then group_queue_take and
 * group_queue_reply to each.
 */
#pragma once

#include "datatype/timestamp.h"
#include "utils/dsa.h"
#include "utils/uuid.h"

#include "c.h"

typedef enum GroupAnswerKind
{
	GROUP_DONE,
	GROUP_FAILED,
	GROUP_HELD_UP, /* somebody is at a wallet, a key or a table: wait, then ask again */
} GroupAnswerKind;

typedef struct GroupAnswer
{
	GroupAnswerKind kind;
	pg_uuid_t transaction_id; /* DONE */
	bool replayed;
	int sqlstate;		  /* FAILED */
	dsa_pointer text;	  /* message, detail, hint: group_message.h; invalid: there was no room */
	TransactionId holder; /* HELD_UP: who is in the way; invalid: a lock that isn't a row's */
} GroupAnswer;

/* A request, as its owner gave it. */
typedef struct GroupRequest
{
	dsa_pointer message; /* group_message.h */
	int rounds;			 /* how often it was held up */
	TimestampTz asked_at;
} GroupRequest;

/* What became of a request that its owner doesn't wait for any longer. */
typedef enum GroupLeaving
{
	GROUP_TAKEN_BACK, /* it was not begun and never will be */
	GROUP_LEFT,		  /* it has been begun: its key tells what becomes of it */
	GROUP_TOO_LATE,	  /* there is an answer */
} GroupLeaving;

/* Numbers of one database since the server started. */
typedef struct GroupCounts
{
	int64 groups;
	int64 transfers; /* done, replays among them */
	int64 failed;
	int64 held_up;
	int64 alone; /* tried once more by themselves, since their group failed */
	int64 left;	 /* by callers that did not wait for the end */
	int64 full;	 /* waits for room */
	int64 largest;
	int64 waited; /* microseconds from asking to the answer */
} GroupCounts;

typedef struct GroupStat
{
	Oid database;
	int worker_pid; /* 0: none runs */
	GroupCounts counts;
} GroupStat;

extern void group_queue_init(void);

/* Whether the server was started with room for groups. */
extern bool group_queue_is_there(void);

/* A caller's: whether its place is EMPTY. It isn't as long as somebody has LEFT it, an earlier call
 * or an earlier process. */
extern bool group_queue_is_free(void);

/* False, and the message is freed, where too many databases have queues. */
extern bool group_queue_enter(const GroupRequest *request);
extern bool group_queue_answer(GroupAnswer *answer);
extern GroupLeaving group_queue_leave(GroupAnswer *answer);
extern void group_queue_count_full(void);

/* Whether a worker is there. Where none is and none was asked for lately, *ask: the caller is to
 * start one. */
extern bool group_queue_has_worker(bool *ask);

/* A worker's. False where the database has one; else this one's until the process ends. */
extern bool group_queue_attach(void);

/* Takes what is there; returns how many, and where they are. Each is replied to, by its index,
 * before group_queue_end_group. */
extern int group_queue_take(void);
extern GroupRequest group_queue_request(int index);
extern void group_queue_reply(int index, const GroupAnswer *answer);
extern void group_queue_end_group(void);

/* From before the commit until all that it made is answered, a worker that goes puts nothing back:
 * it may be committed. */
extern void group_queue_commit(bool begins);
extern void group_queue_count(const GroupCounts *counts);

/* Lets go of the queue if it is empty. */
extern bool group_queue_detach(void);

/* Fills in the queues that are used, at most GROUP_QUEUES; returns how many. */
extern int group_queue_stat(GroupStat *stats);

/* As many databases can have queues at once. */
#define GROUP_QUEUES 64
