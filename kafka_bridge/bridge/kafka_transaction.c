/*
 * kafka_transaction.c
 *		The transactions of one producer: begun by the first record, closed by the caller, committed
 *		when the brokers have all of it.
 *
 * The commit is asked for only when every record is acknowledged: the call then waits for the
 * coordinator alone, and the caller's own loop for everything that takes longer.
 */
#include "kafka_transaction.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "kafka/error.h"
#include "transaction_state.h"

#define SLICE_MS	  200
#define ABORT_MS	  1000
#define ACKS_AT_LEAST 256

struct KafkaTransaction
{
	rd_kafka_t *handle;
	pthread_mutex_t lock; /* guards the four below */
	TransactionState state;
	uint64_t sent;
	uint64_t acknowledged; /* of those */
	bool trouble;		   /* since the id was taken over */

	/* The thread that finishes only. */
	TransactionAck *acks;
	size_t ack_count;
	size_t ack_room;
};

/* Needs the lock. */
static void
state_set(KafkaTransaction *transaction, TransactionState state)
{
	assert(transaction_move_is_legal(transaction->state, state));
	transaction->state = state;
}

static TransactionState
state_get(KafkaTransaction *transaction)
{
	pthread_mutex_lock(&transaction->lock);

	TransactionState state = transaction->state;

	pthread_mutex_unlock(&transaction->lock);
	return state;
}

KafkaTransaction *
kafka_transaction_new(rd_kafka_t *handle)
{
	KafkaTransaction *transaction = calloc(1, sizeof(*transaction));

	if (transaction == NULL)
		return NULL;
	transaction->handle = handle;
	transaction->state = TRANSACTION_UNFENCED;
	pthread_mutex_init(&transaction->lock, NULL);
	return transaction;
}

void
kafka_transaction_free(KafkaTransaction *transaction)
{
	if (transaction == NULL)
		return;

	bool uncommitted =
		transaction->state == TRANSACTION_OPEN || transaction->state == TRANSACTION_CLOSING;

	/* Else readers wait for its timeout, or for the next bridge. */
	if (uncommitted && rd_kafka_fatal_error(transaction->handle, NULL, 0) == 0)
	{
		rd_kafka_error_t *error = rd_kafka_abort_transaction(transaction->handle, ABORT_MS);

		if (error != NULL)
			rd_kafka_error_destroy(error);
	}
	pthread_mutex_destroy(&transaction->lock);
	free(transaction->acks);
	free(transaction);
}

/* What a dead handle says is no bug of ours: another one may do better. Destroys the error. */
static Status
handle_status(rd_kafka_error_t *error, const char *what)
{
	Status status = kafka_error_classify(error, what);

	if (status.exit_code == EXIT_CODE_FENCED)
		return transaction_fenced_status(status.text);
	if (status.exit_code == EXIT_CODE_BUG)
		return status_retry("%s", status.text);
	return status;
}

Status
kafka_transaction_fence(KafkaTransaction *transaction, const Wait *wait)
{
	Status status;

	/* Two of us at once: the later one has the id. A dead handle answers the same for ever. */
	do
		status = handle_status(rd_kafka_init_transactions(transaction->handle,
														  wait_slice_ms(wait, SLICE_MS)),
							   "could not take over the transactional id");
	while (status.class == STATUS_RETRY && wait_remaining_ms(wait) != 0 &&
		   rd_kafka_fatal_error(transaction->handle, NULL, 0) == 0 && wait_pause(wait->stop_fd, 0));
	if (status_is_ok(&status))
	{
		pthread_mutex_lock(&transaction->lock);
		state_set(transaction, TRANSACTION_READY);
		transaction->trouble = false;
		pthread_mutex_unlock(&transaction->lock);
	}
	return status;
}

/* The library may wait for ever for a handle that is dead already. */
static Status
fatal_error_get(const KafkaTransaction *transaction)
{
	char text[256];
	rd_kafka_resp_err_t code = rd_kafka_fatal_error(transaction->handle, text, sizeof(text));
	bool committed;
	Status status;

	(void) transaction_judge(code, text, false, &committed, &status);
	return status;
}

/* Needs the lock, and state READY. */
static Status
transaction_begin(KafkaTransaction *transaction)
{
	Status status = fatal_error_get(transaction);

	/* What the brokers still owed the one before may be forgotten: see transaction_leftover.h. */
	if (status_is_ok(&status) && transaction->trouble)
		status = status_retry("a broker was lost between two Kafka transactions: another producer "
							  "takes over");
	if (status_is_ok(&status))
		status = handle_status(rd_kafka_begin_transaction(transaction->handle),
							   "could not begin a Kafka transaction");
	state_set(transaction, status_is_ok(&status) ? TRANSACTION_OPEN : TRANSACTION_DOUBTFUL);
	transaction->sent = transaction->acknowledged = 0;
	return status;
}

TransactionEntry
kafka_transaction_enter(KafkaTransaction *transaction, Status *status)
{
	*status = status_ok();
	pthread_mutex_lock(&transaction->lock);
	if (transaction->state == TRANSACTION_READY)
		*status = transaction_begin(transaction);
	if (transaction->state == TRANSACTION_OPEN)
		return TRANSACTION_ENTERED; /* with the lock, until it leaves */

	bool fails =
		transaction->state == TRANSACTION_UNFENCED || transaction->state == TRANSACTION_DOUBTFUL;

	pthread_mutex_unlock(&transaction->lock);
	if (fails && status_is_ok(status))
		*status = status_retry("the Kafka transaction before failed");
	return fails ? TRANSACTION_FAILED : TRANSACTION_CLOSED;
}

void
kafka_transaction_leave(KafkaTransaction *transaction, bool sent)
{
	transaction->sent += sent;
	pthread_mutex_unlock(&transaction->lock);
}

bool
kafka_transaction_ack(KafkaTransaction *transaction, uint64_t ticket, uint64_t bytes)
{
	if (transaction->ack_count == transaction->ack_room)
	{
		size_t room = transaction->ack_room * 2 + ACKS_AT_LEAST;
		TransactionAck *grown = realloc(transaction->acks, room * sizeof(*grown));

		if (grown == NULL)
			return false;
		transaction->acks = grown;
		transaction->ack_room = room;
	}
	transaction->acks[transaction->ack_count++] = (TransactionAck){ticket, bytes};
	pthread_mutex_lock(&transaction->lock);
	transaction->acknowledged++;
	pthread_mutex_unlock(&transaction->lock);
	return true;
}

void
kafka_transaction_trouble(KafkaTransaction *transaction)
{
	pthread_mutex_lock(&transaction->lock);
	transaction->trouble = true;
	pthread_mutex_unlock(&transaction->lock);
}

void
kafka_transaction_doubt(KafkaTransaction *transaction)
{
	pthread_mutex_lock(&transaction->lock);
	if (transaction->state != TRANSACTION_DOUBTFUL)
		state_set(transaction, TRANSACTION_DOUBTFUL);
	pthread_mutex_unlock(&transaction->lock);
}

void
kafka_transaction_close(KafkaTransaction *transaction)
{
	pthread_mutex_lock(&transaction->lock);
	if (transaction->state == TRANSACTION_OPEN)
		state_set(transaction, TRANSACTION_CLOSING);
	pthread_mutex_unlock(&transaction->lock);
}

/* Whether the time has come: then it is COMMITTING. */
static bool
commit_begin(KafkaTransaction *transaction)
{
	pthread_mutex_lock(&transaction->lock);
	assert(transaction->acknowledged <= transaction->sent);

	bool begins =
		transaction->state == TRANSACTION_CLOSING && transaction->acknowledged == transaction->sent;

	if (begins)
		state_set(transaction, TRANSACTION_COMMITTING);
	pthread_mutex_unlock(&transaction->lock);
	return begins;
}

Status
kafka_transaction_finish(KafkaTransaction *transaction, bool *committed)
{
	*committed = false;
	if (!commit_begin(transaction))
		return status_ok();

	Status status = fatal_error_get(transaction);
	rd_kafka_error_t *error = NULL;

	/* -1: as long as the transaction lasts; the library advises against anything else. */
	if (status_is_ok(&status))
	{
		error = rd_kafka_commit_transaction(transaction->handle, -1);
		rd_kafka_poll(transaction->handle, 0); /* what was lost meanwhile */
	}
	pthread_mutex_lock(&transaction->lock);

	TransactionState next = TRANSACTION_DOUBTFUL;

	if (status_is_ok(&status))
		next = transaction_judge(rd_kafka_error_code(error), rd_kafka_error_string(error),
								 transaction->trouble, committed, &status);
	/* Unless a record that failed has said so already. */
	if (transaction->state == TRANSACTION_COMMITTING)
		state_set(transaction, next);
	pthread_mutex_unlock(&transaction->lock);
	if (error != NULL)
		rd_kafka_error_destroy(error);
	return status;
}

const TransactionAck *
kafka_transaction_take_acks(KafkaTransaction *transaction, size_t *count)
{
	*count = transaction->ack_count;
	transaction->ack_count = 0;
	return transaction->acks;
}

bool
kafka_transaction_is_open(KafkaTransaction *transaction)
{
	return state_get(transaction) == TRANSACTION_OPEN;
}

bool
kafka_transaction_is_free(KafkaTransaction *transaction)
{
	return transaction_takes_records(state_get(transaction));
}
