/*
 * test_frame_reader.c
 *		The decoder's frames: what is read, and that every way to break the contract is noticed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/frame_reader.h"
#include "wallet_event.h"

#define WALLET_ID "11111111-2222-3333-4444-555555555555"
#define EVENT_ID  "aaaaaaaa-bbbb-5ccc-8ddd-eeeeeeeeeeee"

typedef struct Message
{
	char data[4096];
	size_t bytes;
} Message;

static char *
frame_put(Message *message, char type, size_t body_bytes)
{
	char *at = message->data + message->bytes;

	wallet_put_uint32(at, (uint32_t) (body_bytes + 1));
	at[4] = type;
	message->bytes += 5 + body_bytes;
	return at + 5;
}

static void
begin_put(Message *message, uint64_t commit_lsn)
{
	char *body = frame_put(message, WALLET_FRAME_BEGIN, WALLET_BEGIN_BYTES);

	body[0] = WALLET_PROTOCOL_VERSION;
	wallet_put_uint32(body + 1, 742);
	wallet_put_uint64(body + 5, commit_lsn);
	wallet_put_uint64(body + 13, commit_lsn + 8);
	wallet_put_uint64(body + 21, 1700000000123456);
}

static void
event_put(Message *message, char type, uint32_t ordinal, const char *text)
{
	char *body = frame_put(message, type, WALLET_EVENT_BYTES + strlen(text));

	wallet_put_uint32(body, ordinal);
	memcpy(body + 4, WALLET_ID, 36);
	memcpy(body + 40, EVENT_ID, 36);
	wallet_put_uint64(body + 76, 1700000000000001);
	memcpy(body + 84, text, strlen(text));
}

static void
commit_put(Message *message, uint64_t commit_lsn, uint32_t events)
{
	char *body = frame_put(message, WALLET_FRAME_COMMIT, WALLET_COMMIT_BYTES);

	wallet_put_uint64(body, commit_lsn);
	wallet_put_uint64(body + 8, commit_lsn + 8);
	wallet_put_uint64(body + 16, 1700000000123456);
	wallet_put_uint32(body + 24, events);
}

/* Reads all of a message as a new stream; the kind that ended it. */
static FrameKind
message_read(const Message *message, size_t bytes, FrameReader *reader)
{
	Frame frame;
	FrameKind kind;
	char *exact = malloc(bytes > 0 ? bytes : 1); /* so that a sanitizer sees a read beyond it */

	memcpy(exact, message->data, bytes);
	frame_reader_init(reader);
	frame_reader_start(reader, exact, bytes);
	do
		kind = frame_reader_next(reader, &frame);
	while (kind != FRAME_NONE && kind != FRAME_MALFORMED);
	free(exact);
	return kind;
}

static void
refuse_expect(const Message *message, const char *reason)
{
	FrameReader reader;

	assert_int_equal(message_read(message, message->bytes, &reader), FRAME_MALFORMED);
	assert_string_equal(reader.reason, reason);
}

static void
test_reads_a_transaction(void **state)
{
	(void) state;

	Message message = {.bytes = 0};
	FrameReader reader;
	Frame frame;

	begin_put(&message, 1000);
	event_put(&message, WALLET_FRAME_EVENT, 0, "{\"a\":1}");
	event_put(&message, WALLET_FRAME_ERROR, 1, "no such thing");
	commit_put(&message, 1000, 2);
	frame_reader_init(&reader);
	frame_reader_start(&reader, message.data, message.bytes);

	assert_int_equal(frame_reader_next(&reader, &frame), FRAME_BEGIN);
	assert_int_equal(frame.xid, 742);
	assert_int_equal(frame.commit_lsn, 1000);
	assert_int_equal(frame.end_lsn, 1008);
	assert_int_equal(frame.commit_time, 1700000000123456);
	assert_int_equal(frame_reader_next(&reader, &frame), FRAME_EVENT);
	assert_int_equal(frame.ordinal, 0);
	assert_memory_equal(frame.wallet_id, WALLET_ID, 36);
	assert_memory_equal(frame.event_id, EVENT_ID, 36);
	assert_int_equal(frame.created_at, 1700000000000001);
	assert_int_equal(frame.text_bytes, 7);
	assert_memory_equal(frame.text, "{\"a\":1}", 7);
	assert_int_equal(frame_reader_next(&reader, &frame), FRAME_ERROR);
	assert_memory_equal(frame.text, "no such thing", 13);
	assert_int_equal(frame_reader_next(&reader, &frame), FRAME_COMMIT);
	assert_int_equal(frame.end_lsn, 1008);
	assert_int_equal(frame.ordinal, 2);
	assert_int_equal(frame_reader_next(&reader, &frame), FRAME_NONE);
	assert_false(reader.in_transaction);
}

static void
test_transaction_over_several_messages(void **state)
{
	(void) state;

	Message first = {.bytes = 0};
	Message second = {.bytes = 0};
	FrameReader reader;
	Frame frame;

	begin_put(&first, 1);
	event_put(&second, WALLET_FRAME_EVENT, 0, "");
	commit_put(&second, 1, 1);
	frame_reader_init(&reader);
	frame_reader_start(&reader, first.data, first.bytes);
	assert_int_equal(frame_reader_next(&reader, &frame), FRAME_BEGIN);
	assert_int_equal(frame_reader_next(&reader, &frame), FRAME_NONE);
	assert_true(reader.in_transaction);
	frame_reader_start(&reader, second.data, second.bytes);
	assert_int_equal(frame_reader_next(&reader, &frame), FRAME_EVENT);
	assert_int_equal(frame.text_bytes, 0);
	assert_int_equal(frame_reader_next(&reader, &frame), FRAME_COMMIT);
	assert_int_equal(frame_reader_next(&reader, &frame), FRAME_NONE);
}

static void
test_refuses_wrong_order(void **state)
{
	(void) state;

	Message event_first = {.bytes = 0};
	Message commit_first = {.bytes = 0};
	Message begin_twice = {.bytes = 0};
	Message ordinal = {.bytes = 0};
	Message count = {.bytes = 0};
	Message other = {.bytes = 0};

	event_put(&event_first, WALLET_FRAME_EVENT, 0, "{}");
	refuse_expect(&event_first, "event outside a transaction");
	commit_put(&commit_first, 1, 0);
	refuse_expect(&commit_first, "COMMIT outside a transaction");
	begin_put(&begin_twice, 1);
	begin_put(&begin_twice, 1);
	refuse_expect(&begin_twice, "BEGIN inside a transaction");
	begin_put(&ordinal, 1);
	event_put(&ordinal, WALLET_FRAME_EVENT, 1, "{}");
	refuse_expect(&ordinal, "event 1 where 0 was due");
	begin_put(&count, 1);
	event_put(&count, WALLET_FRAME_EVENT, 0, "{}");
	commit_put(&count, 1, 2);
	refuse_expect(&count, "COMMIT counts 2 events where 1 came");
	begin_put(&other, 1);
	commit_put(&other, 2, 0);
	refuse_expect(&other, "COMMIT of another transaction than BEGIN's");
}

static void
test_refuses_rubbish(void **state)
{
	(void) state;

	Message version = {.bytes = 0};
	Message type = {.bytes = 0};
	Message empty = {.bytes = 0};
	Message huge = {.bytes = 0};
	Message begin = {.bytes = 0};
	Message event = {.bytes = 0};

	begin_put(&version, 1);
	version.data[5] = 9;
	refuse_expect(&version, "protocol version 9, this program reads versions 1 to 3");
	frame_put(&type, 'Z', 3);
	refuse_expect(&type, "frame of unknown type 90");
	wallet_put_uint32(empty.data, 0);
	empty.bytes = 9;
	refuse_expect(&empty, "frame of 0 bytes");
	wallet_put_uint32(huge.data, UINT32_MAX);
	huge.bytes = 9;
	refuse_expect(&huge, "frame of 4294967295 bytes");
	frame_put(&begin, WALLET_FRAME_BEGIN, 3)[0] = WALLET_PROTOCOL_VERSION;
	refuse_expect(&begin, "BEGIN of 3 bytes");
	begin_put(&event, 1);
	frame_put(&event, WALLET_FRAME_EVENT, WALLET_EVENT_BYTES - 1);
	refuse_expect(&event, "event of 83 bytes");
}

static void
test_reads_transits_among_events(void **state)
{
	(void) state;

	Message message = {.bytes = 0};
	Message gap = {.bytes = 0};
	FrameReader reader;
	Frame frame;

	begin_put(&message, 1000);
	event_put(&message, WALLET_FRAME_TRANSIT, 0, "{\"message\":\"send\"}");
	event_put(&message, WALLET_FRAME_EVENT, 1, "{}");
	commit_put(&message, 1000, 2);
	begin_put(&message, 2000);
	commit_put(&message, 2000, 0);
	frame_reader_init(&reader);
	frame_reader_start(&reader, message.data, message.bytes);
	assert_int_equal(frame_reader_next(&reader, &frame), FRAME_BEGIN);
	assert_int_equal(frame_reader_next(&reader, &frame), FRAME_TRANSIT);
	assert_int_equal(frame.ordinal, 0);
	assert_memory_equal(frame.wallet_id, WALLET_ID, 36);
	assert_memory_equal(frame.event_id, EVENT_ID, 36);
	assert_memory_equal(frame.text, "{\"message\":\"send\"}", frame.text_bytes);
	assert_int_equal(frame_reader_next(&reader, &frame), FRAME_EVENT);
	assert_int_equal(frame_reader_next(&reader, &frame), FRAME_COMMIT);
	assert_int_equal(frame.ordinal, 2);
	assert_int_equal(frame.transits, 1);
	assert_int_equal(frame_reader_next(&reader, &frame), FRAME_BEGIN);
	assert_int_equal(frame_reader_next(&reader, &frame), FRAME_COMMIT);
	assert_int_equal(frame.transits, 0);

	event_put(&gap, WALLET_FRAME_TRANSIT, 0, "{}");
	refuse_expect(&gap, "event outside a transaction");
	gap.bytes = 0;
	begin_put(&gap, 1);
	event_put(&gap, WALLET_FRAME_TRANSIT, 1, "{}");
	refuse_expect(&gap, "event 1 where 0 was due");
}

static void
hold_put(Message *message, uint64_t position)
{
	wallet_put_uint64(frame_put(message, WALLET_FRAME_HOLD, WALLET_HOLD_BYTES), position);
}

static void
test_several_transactions_and_what_may_be_held(void **state)
{
	(void) state;

	Message message = {.bytes = 0};
	Message inside = {.bytes = 0};
	Message back = {.bytes = 0};
	Message cut = {.bytes = 0};
	FrameReader reader;
	size_t first;

	begin_put(&message, 1000);
	message.data[5] = WALLET_PROTOCOL_VERSION_FIRST;
	commit_put(&message, 1000, 0);
	first = message.bytes;
	begin_put(&message, 2000);
	event_put(&message, WALLET_FRAME_EVENT, 0, "{}");
	commit_put(&message, 2000, 1);
	hold_put(&message, 8192);
	assert_int_equal(message_read(&message, first, &reader), FRAME_NONE);
	assert_int_equal(reader.held_until, 0);
	assert_int_equal(message_read(&message, message.bytes, &reader), FRAME_NONE);
	assert_int_equal(reader.held_until, 8192);
	assert_int_equal(reader.end_lsn, 2008);

	begin_put(&inside, 1);
	hold_put(&inside, 8192);
	refuse_expect(&inside, "HOLD of 8 bytes where none is due");
	hold_put(&back, 8192);
	hold_put(&back, 8191);
	refuse_expect(&back, "HOLD of 8 bytes where none is due");
	frame_put(&cut, WALLET_FRAME_HOLD, 7);
	refuse_expect(&cut, "HOLD of 7 bytes where none is due");
}

static void
test_every_cut_is_noticed(void **state)
{
	(void) state;

	Message message = {.bytes = 0};
	FrameReader reader;

	begin_put(&message, 1);
	event_put(&message, WALLET_FRAME_EVENT, 0, "{\"amount\":\"1.0000\"}");
	commit_put(&message, 1, 1);

	size_t after_begin = 5 + WALLET_BEGIN_BYTES;
	size_t after_event = message.bytes - 5 - WALLET_COMMIT_BYTES;

	for (size_t bytes = 0; bytes < message.bytes; bytes++)
	{
		bool whole = bytes == 0 || bytes == after_begin || bytes == after_event;

		assert_int_equal(message_read(&message, bytes, &reader),
						 whole ? FRAME_NONE : FRAME_MALFORMED);
	}
}

/* Random bytes and random damage to a good message never make the reader leave the message. */
static void
test_random_damage(void **state)
{
	(void) state;

	uint32_t seed = 12345;
	FrameReader reader;

	for (int round = 0; round < 20000; round++)
	{
		Message message = {.bytes = 0};

		begin_put(&message, 1);
		event_put(&message, WALLET_FRAME_EVENT, 0, "{\"amount\":\"1.0000\"}");
		commit_put(&message, 1, 1);
		for (int damage = 0; damage < 3; damage++)
		{
			seed = seed * 1664525u + 1013904223u;
			message.data[(seed >> 8) % message.bytes] = (char) (seed >> 24);
		}
		message_read(&message, message.bytes, &reader);
		assert_true(reader.at <= message.bytes);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_a_transaction),
		cmocka_unit_test(test_transaction_over_several_messages),
		cmocka_unit_test(test_refuses_wrong_order),
		cmocka_unit_test(test_refuses_rubbish),
		cmocka_unit_test(test_reads_transits_among_events),
		cmocka_unit_test(test_several_transactions_and_what_may_be_held),
		cmocka_unit_test(test_every_cut_is_noticed),
		cmocka_unit_test(test_random_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
