/*
 * progress_record.c
 *		Key and value of a record of the progress topic: what is read is written the same again.
 *		Input: the key, a byte of zero, the value.
 */
#include "bridge/progress_record.h"

#include "fuzz_input.h"

static void
check_key(const char *text)
{
	ProgressKey key = {0};
	ProgressKey again = {0};
	char written[PROGRESS_KEY_BYTES];

	if (!progress_key_read(text, strlen(text), &key))
		return;

	size_t bytes = progress_key_write(&key, written);

	FUZZ_CHECK(bytes < sizeof(written) && progress_key_read(written, bytes, &again));
	FUZZ_CHECK(key.system_id == again.system_id && key.database_oid == again.database_oid &&
			   strcmp(key.slot, again.slot) == 0);
}

static void
check_value(const char *text, size_t size)
{
	ProgressRecord record = {0};
	ProgressRecord again = {0};
	char written[PROGRESS_VALUE_BYTES];

	if (!progress_record_read(text, size, &record))
		return;

	size_t bytes = progress_record_write(&record, written);

	FUZZ_CHECK(bytes < sizeof(written) && progress_record_read(written, bytes, &again));
	FUZZ_CHECK(record.state == again.state && record.generation == again.generation &&
			   record.lsn == again.lsn && record.timeline == again.timeline &&
			   record.partition_count == again.partition_count &&
			   record.since_ms == again.since_ms);
	FUZZ_CHECK(strcmp(record.options, again.options) == 0 &&
			   strcmp(record.topic, again.topic) == 0 &&
			   strcmp(record.topic_id, again.topic_id) == 0 &&
			   strcmp(record.mark.event_id, again.mark.event_id) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FuzzInput input = {(const char *) data, size};
	char *key = fuzz_take_text(&input);
	char *value = malloc(input.left > 0 ? input.left : 1);

	FUZZ_CHECK(value != NULL);
	if (input.left > 0)
		memcpy(value, input.at, input.left);
	check_key(key);
	check_value(value, input.left);
	free(value);
	free(key);
	return 0;
}
