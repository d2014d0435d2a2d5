/*
 * transaction_state.h
 *		What a producer's Kafka transaction may be in, and what the end of one means. Pure.
 *
 *		UNFENCED	the transactional id may still be another producer's: nothing is sent
 *		READY		none is open; the next record begins one
 *		OPEN		takes records
 *		CLOSING		whole; waits until the brokers have all of it
 *		COMMITTING	the coordinator is asked to make it visible
 *		DOUBTFUL	what became of it is not known, or it failed. The producer is of no more use:
 *					only another one, which fences it, can find out from the progress record
 */
#pragma once

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

#include "base/status.h"

typedef enum TransactionState
{
	TRANSACTION_UNFENCED,
	TRANSACTION_READY,
	TRANSACTION_OPEN,
	TRANSACTION_CLOSING,
	TRANSACTION_COMMITTING,
	TRANSACTION_DOUBTFUL,
	TRANSACTION_STATE_COUNT
} TransactionState;

/* Whether a transaction may go from one state to another; every change is asserted. */
bool transaction_move_is_legal(TransactionState from, TransactionState to);

/* Whether the next record can be sent. */
bool transaction_takes_records(TransactionState state);

/*
 * What the answer to a commit means. code: the answer's, or of the fatal error. trouble: a broker
 * was lost between begin and answer, so that a second request to commit may still be under way: it
 * must not hit the next transaction. Returns the state that follows; *committed: readers see it.
 * *status: OK where the state is READY; else RETRY (EXIT_CODE_FENCED where another producer took
 * the id), or FATAL where a right is missing.
 */
TransactionState transaction_judge(rd_kafka_resp_err_t code, const char *text, bool trouble,
								   bool *committed, Status *status);

/* RETRY with EXIT_CODE_FENCED. */
Status transaction_fenced_status(const char *text);
