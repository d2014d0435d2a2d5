/*
 * test_transaction_state.c
 *		How the states of a Kafka transaction follow each other, and what its end means.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/transaction_state.h"

/* Rows: from; columns: to; x: legal. */
static void
test_moves(void **state)
{
	static const char *const legal[TRANSACTION_STATE_COUNT] = {
		/* UNFENCED READY OPEN CLOSING COMMITTING DOUBTFUL */
		".x...x", "..x..x", "...x.x", "....xx", ".x...x", "......",
	};

	(void) state;
	for (TransactionState from = 0; from < TRANSACTION_STATE_COUNT; from++)
		for (TransactionState to = 0; to < TRANSACTION_STATE_COUNT; to++)
			assert_int_equal(transaction_move_is_legal(from, to), legal[from][to] == 'x');
}

static void
test_records_between_begin_and_close(void **state)
{
	(void) state;
	for (TransactionState at = 0; at < TRANSACTION_STATE_COUNT; at++)
		assert_int_equal(transaction_takes_records(at),
						 at == TRANSACTION_READY || at == TRANSACTION_OPEN);
}

typedef struct End
{
	rd_kafka_resp_err_t code;
	bool trouble;
	bool committed;
	StatusClass class;
	ExitCode exit_code;
	const char *words;
} End;

static void
test_ends(void **state)
{
	static const End ends[] = {
		{RD_KAFKA_RESP_ERR_NO_ERROR, false, true, STATUS_OK, EXIT_CODE_STOPPED, ""},
		/* Committed, and what the lost broker may still get must not meet the next one. */
		{RD_KAFKA_RESP_ERR_NO_ERROR, true, true, STATUS_RETRY, EXIT_CODE_PEER_GONE, "was lost"},
		{RD_KAFKA_RESP_ERR__TIMED_OUT, false, false, STATUS_RETRY, EXIT_CODE_PEER_GONE,
		 "not known"},
		{RD_KAFKA_RESP_ERR__TIMED_OUT, true, false, STATUS_RETRY, EXIT_CODE_PEER_GONE, "not known"},
		{RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, false, false, STATUS_RETRY, EXIT_CODE_PEER_GONE,
		 "not known"},
		{RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING, false, false, STATUS_RETRY,
		 EXIT_CODE_PEER_GONE, "not known"},
		/* Not a bug of ours: the library gave up in between. */
		{RD_KAFKA_RESP_ERR__STATE, false, false, STATUS_RETRY, EXIT_CODE_PEER_GONE, "not known"},
		{RD_KAFKA_RESP_ERR__FATAL, false, false, STATUS_RETRY, EXIT_CODE_PEER_GONE, "not known"},
		{RD_KAFKA_RESP_ERR__FENCED, false, false, STATUS_RETRY, EXIT_CODE_FENCED, "fenced"},
		{RD_KAFKA_RESP_ERR_PRODUCER_FENCED, true, false, STATUS_RETRY, EXIT_CODE_FENCED, "fenced"},
		{RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, false, false, STATUS_RETRY, EXIT_CODE_FENCED,
		 "fenced"},
		{RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, false, false, STATUS_FATAL,
		 EXIT_CODE_CONFIGURATION, "not committed"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
	{
		const End *end = &ends[i];
		bool committed;
		Status status;
		TransactionState next =
			transaction_judge(end->code, "words", end->trouble, &committed, &status);

		assert_int_equal(next, end->class == STATUS_OK ? TRANSACTION_READY : TRANSACTION_DOUBTFUL);
		assert_int_equal(committed, end->committed);
		assert_int_equal(status.class, end->class);
		assert_int_equal(status.exit_code, end->exit_code);
		assert_non_null(strstr(status.text, end->words));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moves),
		cmocka_unit_test(test_records_between_begin_and_close),
		cmocka_unit_test(test_ends),
	};

	return cmocka_run_group_tests_name("transaction_state", tests, NULL, NULL);
}
