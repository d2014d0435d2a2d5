/*
 * frame_reader.c
 *		The payload of replication messages. Input: messages, each after its length in two bytes.
 */
#include "bridge/frame_reader.h"

#include "fuzz_input.h"

static void
check_inside(const char *part, size_t bytes, const char *message, size_t message_bytes)
{
	FUZZ_CHECK(part >= message && part + bytes <= message + message_bytes);
}

/* False once the stream can't be trusted any more. */
static bool
read_message(FrameReader *reader, const char *message, size_t bytes)
{
	Frame frame;
	size_t frames = 0;

	frame_reader_start(reader, message, bytes);
	for (;;)
	{
		memset(&frame, 0, sizeof(frame));
		switch (frame_reader_next(reader, &frame))
		{
			case FRAME_NONE:
				return true;
			case FRAME_MALFORMED:
				FUZZ_CHECK(reader->reason[0] != '\0');
				return false;
			case FRAME_EVENT:
			case FRAME_ERROR:
			case FRAME_TRANSIT:
				check_inside(frame.text, frame.text_bytes, message, bytes);
				check_inside(frame.wallet_id, 36, message, bytes);
				check_inside(frame.event_id, 36, message, bytes);
				break;
			case FRAME_BEGIN:
			case FRAME_COMMIT:
				break;
		}
		FUZZ_CHECK(++frames <= bytes);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FrameReader reader;
	bool is_trusted = true;

	frame_reader_init(&reader);
	while (is_trusted && size >= 2)
	{
		size_t bytes = (size_t) data[0] << 8 | data[1];

		data += 2;
		size -= 2;
		if (bytes > size)
			bytes = size;

		char *message = malloc(bytes > 0 ? bytes : 1);

		FUZZ_CHECK(message != NULL);
		memcpy(message, data, bytes);
		is_trusted = read_message(&reader, message, bytes);
		free(message);
		data += bytes;
		size -= bytes;
	}
	return 0;
}
