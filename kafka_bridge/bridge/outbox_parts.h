/*
 * outbox_parts.h
 *		What outbox.c (its life, its own thread) and outbox_handover.c (the stream's thread) share.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "inflight.h"
#include "linger.h"
#include "outbox.h"

/* Acknowledgements of one transaction that came in a row, to be counted together. */
typedef struct AckRun
{
	uint64_t ticket;
	uint64_t events;
	uint64_t bytes;
} AckRun;

struct Outbox
{
	OutboxPlan plan;
	Publisher *publisher;
	int wake_fd;
	pthread_t thread;
	bool thread_started;
	atomic_bool stop;
	atomic_bool flush_now;
	atomic_bool settled;
	atomic_bool has_slot;	  /* until then the position may be another bridge's */
	pthread_mutex_t handover; /* transactional: taken before lock */

	pthread_mutex_t lock; /* guards the six below */
	Inflight *ring;
	uint64_t confirmed;
	uint64_t event_lsn; /* end of the newest commit with events that was handed over */
	bool reader_waits;	/* for room */
	Status failure;
	TopicMark mark; /* of the newest progress record */

	/* The caller's thread only. */
	ProgressRecord found; /* the newest one when the outbox was opened */
	Linger linger;

	/* The same, or who has handover: the transaction being handed over. */
	uint64_t ticket;
	uint64_t skip; /* events of it that an earlier stream handed over */
	uint64_t end_lsn;
	int64_t commit_time;

	/* The outbox's thread only. */
	AckRun acks;
	uint64_t writing;		 /* position in the progress record on its way, 0: none */
	uint64_t committed;		 /* and in the newest one that Kafka has; transactional delivery */
	int64_t written_ms;		 /* when the last record was sent; 0: none yet */
	int64_t uncommitted_ms;	 /* since when events wait for a record to commit them; 0: none do */
	bool lost_counted;		 /* the producer: once */
	int64_t acknowledged_ms; /* the last sign of life from Kafka, or when nothing was due */
	int64_t observed_ms;
	int64_t opened_ms;
	char refusal[STATUS_TEXT_BYTES]; /* of the plan, until an event is acknowledged */
};
