/*
 * event_reader.c
 *		A record's key and value, as anybody may put them into the topic. Input: the key, a byte of
 *		zero, the value.
 */
#include "history/event_reader.h"

#include "fuzz_input.h"
#include "history/event_credible.h"
#include "history/event_row.h"
#include "wallet_event.h"

static void
check_slice(JsonSlice slice, const char *value, size_t bytes)
{
	FUZZ_CHECK(slice.bytes >= value && slice.bytes + slice.length <= value + bytes);
}

/* What was read lies in the record, and makes one row of COPY, whose columns end where it does. */
static void
check_event(const Event *event, const char *value, size_t bytes)
{
	const JsonSlice *const slices[] = {
		&event->wallet_id, &event->user_id, &event->event_type, &event->amount, &event->record,
	};
	EventFault fault;
	Buffer rows = {0};

	for (size_t i = 0; i < sizeof(slices) / sizeof(*slices); i++)
		check_slice(*slices[i], value, bytes);
	FUZZ_CHECK(event->version >= 0);
	(void) event_is_credible(event, event->created_at_us, &fault);
	FUZZ_CHECK(event_row_append(&rows, event));

	size_t at = 2;

	for (int column = 0; column < 9; column++)
		at += 4 + wallet_get_uint32(rows.bytes + at);
	FUZZ_CHECK(at == rows.length);
	buffer_free(&rows);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FuzzInput input = {(const char *) data, size};
	char *key = fuzz_take_text(&input);
	/* A copy of its own, so that a read beyond it is seen. */
	char *value = malloc(input.left > 0 ? input.left : 1);
	Event event = {0};
	EventFault fault = {0};

	FUZZ_CHECK(value != NULL);
	if (input.left > 0)
		memcpy(value, input.at, input.left);
	if (event_read(key, strlen(key), value, input.left, &event, &fault))
		check_event(&event, value, input.left);
	else
		FUZZ_CHECK(event_fault_name(fault.kind) != NULL &&
				   memchr(fault.reason, '\0', sizeof(fault.reason)) != NULL);
	free(value);
	free(key);
	return 0;
}
