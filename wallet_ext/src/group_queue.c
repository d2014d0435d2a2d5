/*
 * group_queue.c
 *		Grouped transfers on their way from callers to the worker and back, in shared memory.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "storage/spin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "group_area.h"
#include "group_queue.h"
#include "guc.h"

#define NO_PLACE (-1)

/* A worker that was asked for and doesn't come is asked for again after so long. */
#define ASK_AGAIN_MS 2000

typedef enum PlaceState
{
	PLACE_EMPTY,
	PLACE_QUEUED,
	PLACE_TAKEN,
	PLACE_ANSWERED,
	PLACE_LEFT,
} PlaceState;

typedef struct Place
{
	PlaceState state;
	int queue;
	/* Its neighbours while it is QUEUED. */
	int before;
	int after;
	GroupRequest request;
	GroupAnswer answer;
} Place;

typedef struct Queue
{
	slock_t mutex;
	Oid database; /* InvalidOid: free */
	int first;
	int last;
	int worker; /* its place; NO_PLACE: none */
	int worker_pid;
	TimestampTz asked_at; /* for a worker; 0: not */
	TimestampTz used_at;
	GroupCounts counts;
} Queue;

typedef struct Shared
{
	int tranche;
	LWLock registry; /* exclusively: who may give a queue to another database */
	Queue queues[GROUP_QUEUES];
	Place places[FLEXIBLE_ARRAY_MEMBER];
} Shared;

static Shared *shared = NULL;

/* Of this process. */
static int my_queue = -1;
static bool is_registered = false; /* what is to be done at its end */

/* Of a worker: what it has taken and not answered yet; NO_PLACE: answered. */
static int *taken = NULL;
static int taken_count = 0;
static bool is_committing = false;

static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

static Size
shared_bytes(void)
{
	return offsetof(Shared, places) + MaxBackends * sizeof(Place);
}

static void
group_queue_request_memory(void)
{
	if (previous_request_hook != NULL)
		previous_request_hook();
	RequestAddinShmemSpace(shared_bytes());
}

static void
group_queue_startup(void)
{
	bool found = false;

	if (previous_startup_hook != NULL)
		previous_startup_hook();
	shared = ShmemInitStruct("wallet groups", shared_bytes(), &found);
	if (found)
		return;
	memset(shared, 0, shared_bytes());
	shared->tranche = LWLockNewTrancheId();
	LWLockInitialize(&shared->registry, shared->tranche);
	for (int i = 0; i < GROUP_QUEUES; i++)
		SpinLockInit(&shared->queues[i].mutex);
}

void
group_queue_init(void)
{
	if (!process_shared_preload_libraries_in_progress || guc_group_memory == 0)
		return;
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = group_queue_request_memory;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = group_queue_startup;
}

bool
group_queue_is_there(void)
{
	return shared != NULL;
}

static Place *
my_place(void)
{
	return &shared->places[compat_my_proc_number()];
}

static Queue *
place_queue(const Place *place)
{
	return &shared->queues[place->queue];
}

static void
wake(int place)
{
	SetLatch(&ProcGlobal->allProcs[place].procLatch);
}

/* The queue may be given to another database. */
static bool
queue_is_unused(const Queue *queue)
{
	return queue->worker == NO_PLACE && queue->first == NO_PLACE;
}

static int
queue_find(void)
{
	for (int i = 0; i < GROUP_QUEUES; i++)
		if (shared->queues[i].database == MyDatabaseId)
			return i;
	return -1;
}

/* A free queue, else the one that wasn't used for the longest time; -1: all are in use. */
static int
queue_choose(void)
{
	int chosen = -1;

	for (int i = 0; i < GROUP_QUEUES; i++)
	{
		const Queue *queue = &shared->queues[i];

		if (!OidIsValid(queue->database))
			return i;
		if (queue_is_unused(queue) &&
			(chosen < 0 || queue->used_at < shared->queues[chosen].used_at))
			chosen = i;
	}
	return chosen;
}

static void
queue_give(Queue *queue)
{
	SpinLockAcquire(&queue->mutex);
	queue->database = MyDatabaseId;
	queue->first = queue->last = NO_PLACE;
	queue->worker = NO_PLACE;
	queue->worker_pid = 0;
	queue->asked_at = 0;
	memset(&queue->counts, 0, sizeof(queue->counts));
	SpinLockRelease(&queue->mutex);
}

/* This database's queue, for as long as the registry is locked; NULL: all are in use. */
static Queue *
queue_mine(void)
{
	if (my_queue >= 0 && shared->queues[my_queue].database == MyDatabaseId)
		return &shared->queues[my_queue];
	LWLockRelease(&shared->registry);
	LWLockAcquire(&shared->registry, LW_EXCLUSIVE);
	my_queue = queue_find();
	if (my_queue < 0 && (my_queue = queue_choose()) >= 0)
		queue_give(&shared->queues[my_queue]);
	return my_queue < 0 ? NULL : &shared->queues[my_queue];
}

/* Appends the place, whose queue's mutex is held. */
static void
queue_append(Queue *queue, int number)
{
	Place *place = &shared->places[number];

	place->state = PLACE_QUEUED;
	place->before = queue->last;
	place->after = NO_PLACE;
	if (queue->last == NO_PLACE)
		queue->first = number;
	else
		shared->places[queue->last].after = number;
	queue->last = number;
}

static void
queue_remove(Queue *queue, const Place *place)
{
	if (place->before == NO_PLACE)
		queue->first = place->after;
	else
		shared->places[place->before].after = place->after;
	if (place->after == NO_PLACE)
		queue->last = place->before;
	else
		shared->places[place->after].before = place->before;
}

/* A process that ends leaves its place. */
static void
group_queue_exit(int code, Datum argument)
{
	GroupAnswer answer;

	if (group_queue_leave(&answer) == GROUP_TOO_LATE)
		group_area_free(answer.text);
}

static void
register_exit(pg_on_exit_callback callback)
{
	if (!is_registered)
		before_shmem_exit(callback, (Datum) 0);
	is_registered = true;
}

bool
group_queue_is_free(void)
{
	return my_place()->state == PLACE_EMPTY;
}

bool
group_queue_enter(const GroupRequest *request)
{
	Place *place = my_place();
	int worker = NO_PLACE;
	bool was_empty = false;

	Assert(place->state == PLACE_EMPTY);
	register_exit(group_queue_exit);
	LWLockAcquire(&shared->registry, LW_SHARED);

	Queue *queue = queue_mine();

	if (queue == NULL)
	{
		LWLockRelease(&shared->registry);
		group_area_free(request->message);
		return false;
	}
	place->queue = my_queue;
	place->request = *request;
	SpinLockAcquire(&queue->mutex);
	was_empty = queue->first == NO_PLACE;
	worker = queue->worker;
	queue->used_at = request->asked_at;
	queue_append(queue, compat_my_proc_number());
	SpinLockRelease(&queue->mutex);
	LWLockRelease(&shared->registry);
	if (was_empty && worker != NO_PLACE)
		wake(worker);
	return true;
}

/* Reads the answer and empties the place; its queue's mutex is held. */
static dsa_pointer
place_empty(Place *place, GroupAnswer *answer)
{
	*answer = place->answer;
	place->state = PLACE_EMPTY;
	return place->request.message;
}

bool
group_queue_answer(GroupAnswer *answer)
{
	Place *place = my_place();
	Queue *queue = place_queue(place);
	dsa_pointer message = InvalidDsaPointer;
	bool answered = false;

	SpinLockAcquire(&queue->mutex);
	answered = place->state == PLACE_ANSWERED;
	if (answered)
		message = place_empty(place, answer);
	SpinLockRelease(&queue->mutex);
	group_area_free(message);
	return answered;
}

GroupLeaving
group_queue_leave(GroupAnswer *answer)
{
	Place *place = my_place();
	Queue *queue = place_queue(place);
	dsa_pointer message = InvalidDsaPointer;
	GroupLeaving leaving = GROUP_TAKEN_BACK;

	SpinLockAcquire(&queue->mutex);
	switch (place->state)
	{
		case PLACE_EMPTY:
		case PLACE_LEFT:
			break;
		case PLACE_QUEUED:
			queue_remove(queue, place);
			message = place_empty(place, answer);
			break;
		case PLACE_TAKEN:
			place->state = PLACE_LEFT;
			queue->counts.left++;
			leaving = GROUP_LEFT;
			break;
		case PLACE_ANSWERED:
			message = place_empty(place, answer);
			leaving = GROUP_TOO_LATE;
			break;
	}
	SpinLockRelease(&queue->mutex);
	group_area_free(message);
	return leaving;
}

void
group_queue_count_full(void)
{
	LWLockAcquire(&shared->registry, LW_SHARED);

	Queue *queue = queue_mine();

	if (queue != NULL)
	{
		SpinLockAcquire(&queue->mutex);
		queue->counts.full++;
		SpinLockRelease(&queue->mutex);
	}
	LWLockRelease(&shared->registry);
}

bool
group_queue_has_worker(bool *ask)
{
	Queue *queue = place_queue(my_place());
	TimestampTz now = GetCurrentTimestamp();
	bool has_worker = false;

	SpinLockAcquire(&queue->mutex);
	has_worker = queue->worker != NO_PLACE;
	*ask = !has_worker && now - queue->asked_at >= ASK_AGAIN_MS * INT64CONST(1000);
	if (*ask)
		queue->asked_at = now;
	SpinLockRelease(&queue->mutex);
	return has_worker;
}

/* The answer where a worker went while it committed. */
static const GroupAnswer unknown = {
	.kind = GROUP_FAILED,
	.sqlstate = ERRCODE_T_R_STATEMENT_COMPLETION_UNKNOWN,
};

/* Empties a place that its owner has left, else puts it into the state; whether it was left. */
static bool
place_return(Queue *queue, int number, const GroupAnswer *answer)
{
	Place *place = &shared->places[number];
	bool was_left = false;

	SpinLockAcquire(&queue->mutex);
	was_left = place->state == PLACE_LEFT;
	if (answer != NULL)
	{
		place->answer = *answer;
		queue->counts.waited += GetCurrentTimestamp() - place->request.asked_at;
	}
	if (was_left)
		place->state = PLACE_EMPTY;
	else if (answer == NULL)
		queue_append(queue, number);
	else
		place->state = PLACE_ANSWERED;
	SpinLockRelease(&queue->mutex);
	return was_left;
}

/* A place that was left belongs to somebody else as soon as it is EMPTY. */
static void
place_reply(int number, const GroupAnswer *answer)
{
	const Place *place = &shared->places[number];
	dsa_pointer message = place->request.message;

	if (place_return(&shared->queues[my_queue], number, answer))
	{
		group_area_free(message);
		if (answer != NULL)
			group_area_free(answer->text);
	}
	wake(number);
}

/* What was taken goes back into the queue, unless it may be committed. */
static void
group_queue_worker_exit(int code, Datum argument)
{
	Queue *queue = &shared->queues[my_queue];

	SpinLockAcquire(&queue->mutex);
	if (queue->worker == compat_my_proc_number())
	{
		queue->worker = NO_PLACE;
		queue->worker_pid = 0;
		queue->asked_at = 0;
	}
	SpinLockRelease(&queue->mutex);
	for (int i = 0; i < taken_count; i++)
		if (taken[i] != NO_PLACE)
			place_reply(taken[i], is_committing ? &unknown : NULL);
	taken_count = 0;
}

bool
group_queue_attach(void)
{
	LWLockAcquire(&shared->registry, LW_SHARED);

	Queue *queue = queue_mine();
	bool is_mine = false;

	if (queue != NULL)
	{
		SpinLockAcquire(&queue->mutex);
		is_mine = queue->worker == NO_PLACE;
		if (is_mine)
		{
			queue->worker = compat_my_proc_number();
			queue->worker_pid = MyProcPid;
		}
		SpinLockRelease(&queue->mutex);
	}
	LWLockRelease(&shared->registry);
	if (!is_mine)
		return false;
	taken = MemoryContextAlloc(TopMemoryContext, sizeof(int) * MaxBackends);
	register_exit(group_queue_worker_exit);
	return true;
}

int
group_queue_take(void)
{
	Queue *queue = &shared->queues[my_queue];

	SpinLockAcquire(&queue->mutex);
	for (int number = queue->first; number != NO_PLACE; number = shared->places[number].after)
	{
		shared->places[number].state = PLACE_TAKEN;
		taken[taken_count++] = number;
	}
	queue->first = queue->last = NO_PLACE;
	SpinLockRelease(&queue->mutex);
	return taken_count;
}

GroupRequest
group_queue_request(int index)
{
	return shared->places[taken[index]].request;
}

void
group_queue_reply(int index, const GroupAnswer *answer)
{
	int number = taken[index];

	taken[index] = NO_PLACE;
	place_reply(number, answer);
}

void
group_queue_end_group(void)
{
	taken_count = 0;
}

void
group_queue_commit(bool begins)
{
	is_committing = begins;
}

void
group_queue_count(const GroupCounts *counts)
{
	Queue *queue = &shared->queues[my_queue];

	SpinLockAcquire(&queue->mutex);
	queue->counts.groups += counts->groups;
	queue->counts.transfers += counts->transfers;
	queue->counts.failed += counts->failed;
	queue->counts.held_up += counts->held_up;
	queue->counts.alone += counts->alone;
	queue->counts.largest = Max(queue->counts.largest, counts->largest);
	SpinLockRelease(&queue->mutex);
}

bool
group_queue_detach(void)
{
	Queue *queue = &shared->queues[my_queue];
	bool is_empty = false;

	SpinLockAcquire(&queue->mutex);
	is_empty = queue->first == NO_PLACE;
	if (is_empty)
	{
		queue->worker = NO_PLACE;
		queue->worker_pid = 0;
		queue->asked_at = 0;
	}
	SpinLockRelease(&queue->mutex);
	return is_empty;
}

int
group_queue_stat(GroupStat *stats)
{
	int count = 0;

	LWLockAcquire(&shared->registry, LW_SHARED);
	for (int i = 0; i < GROUP_QUEUES; i++)
	{
		Queue *queue = &shared->queues[i];

		if (!OidIsValid(queue->database))
			continue;
		SpinLockAcquire(&queue->mutex);
		stats[count++] = (GroupStat){queue->database, queue->worker_pid, queue->counts};
		SpinLockRelease(&queue->mutex);
	}
	LWLockRelease(&shared->registry);
	return count;
}
