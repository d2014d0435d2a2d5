/*
 * outbox.h
 *		Between the stream and Kafka: hands transactions on, collects their acknowledgements, writes
 *		the progress record, and says what may be confirmed. Knows nothing of PostgreSQL.
 *
 * Words
 *		received	end of the newest transaction received whole, or a later keepalive position
 *		durable		every event before it is acknowledged by Kafka
 *		confirmed	durable, and written to the progress topic: PostgreSQL may be told (INV-8)
 *		flush_now	write the progress record as soon as there is anything to write, not once per
 *					progress interval
 *
 * In transactional delivery what was handed over becomes visible, durable and confirmed at once,
 * when a Kafka transaction is committed: whenever the stream has nothing more at the moment, or
 * there is no room for more, also in the middle of a commit.
 *
 * Threads: the caller's thread hands over; a thread of the outbox's own serves Kafka and never
 * calls back. wake_fd becomes readable when there is room again, the confirmed position moved, or
 * the outbox failed.
 *
 * A failed outbox stays failed: close it, open another one, stream again from what was confirmed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "frame_reader.h"
#include "observe/health.h"
#include "base/metrics.h"
#include "progress_record.h"
#include "publisher.h"
#include "topic_identity.h"
#include "base/status.h"

typedef struct Outbox Outbox;

typedef struct OutboxPlan
{
	Publisher *publisher; /* fenced; the outbox's from now on, also when it can't be opened */
	bool transactional;	  /* it is: positions become visible with their events */
	ProgressKey key;
	ProgressRecord record; /* as written from now on; lsn and inside: the newest one's */
	uint64_t start_lsn;	   /* where the stream starts; the record may be further */
	const TopicTail *tail; /* up to there, what the topic has is not sent again; NULL: send all */
	int tail_partition_count; /* what was recorded was published to so many partitions */
	uint32_t transactions_max;
	uint64_t bytes_max;
	int64_t progress_interval_ms;
	const char *refusal; /* why Kafka took no more of the term before; "": it did; copied */
	bool dead_letters;	 /* an event that cannot be published goes there; else it is a failure */
	Metrics *metrics;
	Health *health;
	size_t health_loop;
} OutboxPlan;

typedef struct OutboxPositions
{
	uint64_t received;
	uint64_t durable;
	uint64_t confirmed;
	uint64_t transactions; /* in flight */
	uint64_t bytes;		   /* in flight */
	TopicMark mark;		   /* in the newest progress record */
} OutboxPositions;

typedef enum OutboxResult
{
	OUTBOX_TAKEN,
	OUTBOX_FULL,   /* not taken: the same frame again when wake_fd says so */
	OUTBOX_FAILED, /* outbox_get_failure says why */
} OutboxResult;

/* Starts the thread; does not wait for a broker. */
Status outbox_open(const OutboxPlan *plan, Outbox **outbox);

/* Stops the thread and forgets what is in flight; sets to NULL, NULL is fine. */
void outbox_close(Outbox **outbox);

/*
 * Takes the next frame of the stream. A BEGIN of the transaction that an earlier stream broke off
 * goes on with it: events that were handed over before are passed over, not sent again.
 */
OutboxResult outbox_take(Outbox *outbox, FrameKind kind, const Frame *frame);

/*
 * The stream has begun, so the slot is ours, and with it the position. No record is written before:
 * it would be of a later generation than those of whoever was quicker, and make them void.
 */
void outbox_has_slot(Outbox *outbox);

/* The stream has nothing more at the moment, or waits for room. */
void outbox_settle(Outbox *outbox);

/* The server has nothing for us before lsn. */
void outbox_advance(Outbox *outbox, uint64_t lsn);

OutboxPositions outbox_get_positions(Outbox *outbox);

/* On: the progress record is written at once until this is switched off. */
void outbox_set_flush_now(Outbox *outbox, bool flush_now);

int outbox_get_wake_fd(const Outbox *outbox);

/* Makes wake_fd unreadable until the next reason. */
void outbox_take_wake(Outbox *outbox);

Status outbox_get_failure(Outbox *outbox);

/* Records what Kafka has, so that it is not sent again, and waits for it; says what is left. */
void outbox_drain(Outbox *outbox, const Wait *wait);

/* Ends it with a reason of the caller's. Any thread. */
void outbox_give_up(Outbox *outbox, const Status *status);
