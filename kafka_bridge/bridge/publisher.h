/*
 * publisher.h
 *		Hands events to Kafka and reports what became of each. Knows nothing of PostgreSQL.
 *
 * One idempotent producer: acks=all, endless retries, so that per wallet nothing is lost or
 * reordered while it lives. An error it cannot get over makes it useless: close it, open another
 * and hand everything over again that was not reported as delivered.
 *
 * With a transactional_id (delivery=transactional) records go into Kafka transactions: "delivered"
 * means that a read_committed reader sees it. A progress record closes the transaction that it is
 * in; until it is committed nothing more is taken. The bytes of the records are the same in both
 * deliveries.
 *
 * Every record has a ticket, the caller's number for it, which comes back in the report. Reports
 * come from within publisher_poll and publisher_close, in the calling thread.
 *
 * Threads: one thread sends events; one (the same or another) polls and sends progress.
 * Legal order: open, set_report, fence, (send, poll)*, close. Nobody sends anything else while
 * publisher_send_progress or publisher_commit runs.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kafka/client.h"
#include "progress_record.h"
#include "base/status.h"
#include "base/wait.h"

typedef struct Publisher Publisher;

/* bytes: as publisher_event_bytes. failure: NULL when Kafka has it; else why it does not. */
typedef void (*PublisherReport)(void *context, uint64_t ticket, uint64_t bytes,
								const Status *failure);

typedef struct PublisherPlan
{
	const KafkaOptions *kafka;
	const char *progress_topic;
	const char *dead_letter_topic; /* NULL: dead letters are not sent */
	const char *source;			   /* ce_source of every event; kept, not copied */
	int partition_count;		   /* of the event topic; an event for any other count is refused */
	bool accept_repartition;	  /* that refusal is RETRY: the next producer takes the new count */
	int64_t message_bytes_max;	  /* what the event topic takes, all in all, in one batch */
	const char *transactional_id; /* NULL: idempotent delivery */
	int64_t transaction_timeout_ms; /* the brokers abort what takes longer */
} PublisherPlan;

typedef struct PublisherEvent
{
	uint64_t ticket;
	const char *wallet_id; /* 36 characters */
	const char *event_id;  /* 36 characters */
	const char *json;
	size_t json_bytes;
	int64_t created_at; /* microseconds since 1970 */
	int64_t timestamp;	/* of the message, microseconds since 1970; a future one becomes now */
	bool replay;		/* no place in the WAL: end_lsn and ordinal mean nothing */
	uint64_t end_lsn;
	uint32_t ordinal;
	uint32_t transaction_events; /* how many the transaction has; 0: not known */
} PublisherEvent;

typedef enum PublishResult
{
	PUBLISH_SENT,	   /* its report will come */
	PUBLISH_FULL,	   /* no room now, or a commit under way: the same again later */
	PUBLISH_TOO_LARGE, /* the topic would never take it */
	PUBLISH_FAILED,	   /* publisher_get_failure says why */
} PublishResult;

/* Opens a producer; does not wait for a broker. On OK *publisher is the caller's. */
Status publisher_open(const PublisherPlan *plan, Publisher **publisher);

/* Where reports go; before anything is sent. */
void publisher_set_report(Publisher *publisher, PublisherReport report, void *context);

/*
 * Transactional: takes the transactional id from any older producer, whose open transaction is over
 * afterwards. Idempotent: nothing.
 */
Status publisher_fence(Publisher *publisher, const Wait *wait);

/* Forgets what is not delivered yet, reports it as failed, and sets *publisher to NULL. */
void publisher_close(Publisher **publisher);

/* Never blocks, and copies what it needs. */
PublishResult publisher_send(Publisher *publisher, const PublisherEvent *event);

/* The stub of an event that cannot be published, with the reason, to the dead letters; logs it. */
PublishResult publisher_send_dead_letter(Publisher *publisher, const PublisherEvent *event,
										 const char *reason);

/* Why an event was found too large, with the figures. */
void publisher_size_explain(const Publisher *publisher, const PublisherEvent *event, char *text,
							size_t bytes);

/*
 * A record of the progress topic. Transactional: it is the last of its transaction. FULL: one is
 * being committed.
 */
PublishResult publisher_send_progress(Publisher *publisher, uint64_t ticket, const char *key,
									  const char *value);

/* Transactional: ends the transaction without such a record. */
void publisher_commit(Publisher *publisher);

/* Whether something was sent that waits for publisher_send_progress or publisher_commit. */
bool publisher_has_uncommitted(const Publisher *publisher);

/* Whether a record would be taken, and not found PUBLISH_FULL because of a commit. */
bool publisher_takes_records(const Publisher *publisher);

/* Delivers reports, waiting up to timeout_ms for the first; publisher_wake ends the wait. */
void publisher_poll(Publisher *publisher, int timeout_ms);
void publisher_wake(Publisher *publisher);

/* What waits for company is sent at once: nothing lingers while publisher_poll flushes. */
void publisher_hurry(Publisher *publisher);

/* What an event of this many bytes of JSON, or its dead letter, occupies until it is reported. */
uint64_t publisher_event_bytes(size_t json_bytes);
uint64_t publisher_dead_letter_bytes(const PublisherEvent *event);

/*
 * An event that Kafka has, and where it stands; no event_id before the first one. Only from the
 * thread that polls.
 */
TopicMark publisher_get_mark(const Publisher *publisher);

/* Where events of a wallet go in a topic of so many partitions, more than 0. */
int publisher_get_partition(const Publisher *publisher, const char *wallet_id, int partition_count);

/* OK while the producer is of use; never goes back to OK. */
Status publisher_get_failure(Publisher *publisher);

/* Whether no broker could be reached and nothing was delivered since. */
bool publisher_is_cut_off(const Publisher *publisher);
