/*
 * kill_point.c
 *		Preloaded into a program, ends or freezes it at a named point of a Kafka transaction.
 *
 *		KILL_POINT		begin		before rd_kafka_begin_transaction
 *						produced	after a record was handed to librdkafka
 *						commit		before rd_kafka_commit_transaction
 *						unsent		before the request to commit is on its way to the coordinator
 *						sent		when it is, and before its answer is read
 *						committed	after rd_kafka_commit_transaction
 *		KILL_AT			at which time that it is there; 1 is the first
 *		KILL_SIGNAL		9 (KILL) unless it says another
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <librdkafka/rdkafka.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* A request begins with four bytes of length and two that say which it is. */
#define END_TXN 26

static atomic_int times;

static void
point_reach(const char *name)
{
	const char *point = getenv("KILL_POINT");
	const char *at = getenv("KILL_AT");
	const char *which = getenv("KILL_SIGNAL");

	if (point == NULL || strcmp(point, name) != 0 ||
		atomic_fetch_add(&times, 1) + 1 != (at != NULL ? atoi(at) : 1))
		return;
	/* To this thread: it is not to go on while another one takes the signal. */
	raise(which != NULL ? atoi(which) : SIGKILL);
}

/* ISO C knows no conversion from an object pointer to a function's. */
#define REAL(name) (*(__typeof__(&name) *) &(void *){dlsym(RTLD_NEXT, #name)})

rd_kafka_error_t *
rd_kafka_begin_transaction(rd_kafka_t *handle)
{
	point_reach("begin");
	return REAL(rd_kafka_begin_transaction)(handle);
}

rd_kafka_error_t *
rd_kafka_produceva(rd_kafka_t *handle, const rd_kafka_vu_t *values, size_t count)
{
	rd_kafka_error_t *error = REAL(rd_kafka_produceva)(handle, values, count);

	point_reach("produced");
	return error;
}

rd_kafka_error_t *
rd_kafka_commit_transaction(rd_kafka_t *handle, int timeout_ms)
{
	point_reach("commit");

	rd_kafka_error_t *error = REAL(rd_kafka_commit_transaction)(handle, timeout_ms);

	point_reach("committed");
	return error;
}

static int
is_end_txn(const struct msghdr *message)
{
	char head[6];
	size_t got = 0;

	for (size_t i = 0; i < message->msg_iovlen && got < sizeof(head); i++)
	{
		size_t part = message->msg_iov[i].iov_len;

		if (part > sizeof(head) - got)
			part = sizeof(head) - got;
		memcpy(head + got, message->msg_iov[i].iov_base, part);
		got += part;
	}
	return got == sizeof(head) && head[4] == 0 && head[5] == END_TXN;
}

ssize_t
sendmsg(int descriptor, const struct msghdr *message, int flags)
{
	int ends = is_end_txn(message);

	if (ends)
		point_reach("unsent");

	ssize_t sent = REAL(sendmsg)(descriptor, message, flags);

	if (ends)
		point_reach("sent");
	return sent;
}
