/*
 * transaction_state.c
 *		The table of legal moves, and what the end of a transaction means.
 */
#include "transaction_state.h"

#include <assert.h>

#include "kafka/error.h"

#define BIT(state) (1U << (state))

/* By the state before: a bit for each that may follow. Nothing leaves DOUBTFUL. */
static const unsigned legal_moves[TRANSACTION_STATE_COUNT] = {
	[TRANSACTION_UNFENCED] = BIT(TRANSACTION_READY) | BIT(TRANSACTION_DOUBTFUL),
	[TRANSACTION_READY] = BIT(TRANSACTION_OPEN) | BIT(TRANSACTION_DOUBTFUL),
	[TRANSACTION_OPEN] = BIT(TRANSACTION_CLOSING) | BIT(TRANSACTION_DOUBTFUL),
	[TRANSACTION_CLOSING] = BIT(TRANSACTION_COMMITTING) | BIT(TRANSACTION_DOUBTFUL),
	[TRANSACTION_COMMITTING] = BIT(TRANSACTION_READY) | BIT(TRANSACTION_DOUBTFUL),
	[TRANSACTION_DOUBTFUL] = 0,
};

bool
transaction_move_is_legal(TransactionState from, TransactionState to)
{
	assert(from < TRANSACTION_STATE_COUNT && to < TRANSACTION_STATE_COUNT);
	return (legal_moves[from] & BIT(to)) != 0;
}

bool
transaction_takes_records(TransactionState state)
{
	return state == TRANSACTION_READY || state == TRANSACTION_OPEN;
}

Status
transaction_fenced_status(const char *text)
{
	Status status = status_retry("fenced: another bridge took over, or a transaction took longer "
								 "than BRIDGE_TRANSACTION_TIMEOUT: %s",
								 text);

	status.exit_code = EXIT_CODE_FENCED;
	return status;
}

TransactionState
transaction_judge(rd_kafka_resp_err_t code, const char *text, bool trouble, bool *committed,
				  Status *status)
{
	*committed = code == RD_KAFKA_RESP_ERR_NO_ERROR;
	*status = kafka_code_classify(code, "a Kafka transaction was not committed", text);
	if (*committed && trouble)
		*status = status_retry("a broker was lost while a Kafka transaction was committed: another "
							   "producer takes over");
	else if (status->exit_code == EXIT_CODE_FENCED)
		*status = transaction_fenced_status(text);
	else if (!*committed && status->exit_code != EXIT_CODE_CONFIGURATION)
		*status = status_retry("what became of a Kafka transaction is not known: %s", text);
	return status_is_ok(status) ? TRANSACTION_READY : TRANSACTION_DOUBTFUL;
}
