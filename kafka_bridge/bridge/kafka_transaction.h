/*
 * kafka_transaction.h
 *		The transactions of one producer: begun by the first record, closed by the caller, committed
 *		when the brokers have all of it.
 *
 * Delivery of a single record means nothing here: what is in a transaction counts when it is
 * committed. Until then its acknowledgements are kept; the caller passes them on afterwards.
 *
 * Threads: any one thread enters and leaves; another (or the same) does all the rest. Nobody enters
 * while kafka_transaction_close runs.
 * Legal order: new, fence, (enter leave)* close finish..., free. Anything that fails makes the
 * producer useless (DOUBTFUL, transaction_state.h).
 */
#pragma once

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/wait.h"

typedef struct KafkaTransaction KafkaTransaction;

typedef struct TransactionAck
{
	uint64_t ticket;
	uint64_t bytes;
} TransactionAck;

typedef enum TransactionEntry
{
	TRANSACTION_ENTERED, /* send one record, then leave */
	TRANSACTION_CLOSED,	 /* a commit is under way: again afterwards */
	TRANSACTION_FAILED,	 /* status says why */
} TransactionEntry;

/* The handle has a transactional.id and lives longer. NULL when memory is short. */
KafkaTransaction *kafka_transaction_new(rd_kafka_t *handle);

/* Aborts what is open, as long as no commit was asked for. NULL is fine. */
void kafka_transaction_free(KafkaTransaction *transaction);

/*
 * Takes the transactional id: an older producer's open transaction is aborted, or finished, and it
 * can't commit another. What is read afterwards with read_committed is final.
 */
Status kafka_transaction_fence(KafkaTransaction *transaction, const Wait *wait);

TransactionEntry kafka_transaction_enter(KafkaTransaction *transaction, Status *status);
void kafka_transaction_leave(KafkaTransaction *transaction, bool sent);

/* A record of it is at the brokers; false when memory is short. */
bool kafka_transaction_ack(KafkaTransaction *transaction, uint64_t ticket, uint64_t bytes);

/* A broker was lost. */
void kafka_transaction_trouble(KafkaTransaction *transaction);

/* A record failed: the transaction can't be committed. */
void kafka_transaction_doubt(KafkaTransaction *transaction);

/* No more records: the open transaction is to be committed. */
void kafka_transaction_close(KafkaTransaction *transaction);

/*
 * Commits a closed transaction if the brokers have all of it; waits for the coordinator's answer.
 * *committed: its acknowledgements are kafka_transaction_take_acks'. Not OK: the producer is
 * useless.
 */
Status kafka_transaction_finish(KafkaTransaction *transaction, bool *committed);

/* What was committed; valid until the next record is acknowledged. */
const TransactionAck *kafka_transaction_take_acks(KafkaTransaction *transaction, size_t *count);

/* Whether records wait for a close. */
bool kafka_transaction_is_open(KafkaTransaction *transaction);

/* Whether the next record can be sent. */
bool kafka_transaction_is_free(KafkaTransaction *transaction);
