/*
 * dead_letters.c
 *		The sub-commands dead-letters list and replay: what could not be published or applied, and
 *		how it is published again, from the ledger.
 *
 * A dead letter is believed in nothing but the id of an event: what is published again is the
 * ledger's own row. A letter whose event the ledger has not is somebody else's record.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backfill.h"
#include "command_context.h"
#include "commands.h"
#include "event_set.h"
#include "kafka/topic_reader.h"
#include "wallet_event.h"

#define ID_BYTES	 (WALLET_UUID_TEXT_BYTES + 1)
#define REASON_BYTES 200

typedef struct Letter
{
	char wallet_id[ID_BYTES];
	char event_id[ID_BYTES];
} Letter;

typedef struct Letters
{
	const char *only; /* event id; NULL: all */
	bool prints;
	Letter *list; /* those that name an event and a wallet */
	size_t count;
	size_t capacity;
	int64_t seen;
	bool out_of_memory;
} Letters;

static bool
id_copy(const void *text, size_t bytes, char id[ID_BYTES])
{
	if (text == NULL || bytes != WALLET_UUID_TEXT_BYTES)
		return false;
	memcpy(id, text, bytes);
	id[bytes] = '\0';
	return strspn(id, "0123456789abcdef-") == WALLET_UUID_TEXT_BYTES;
}

/* From the header, else from the beginning of the event itself. */
static bool
event_id_get(const rd_kafka_message_t *record, char id[ID_BYTES])
{
	static const char begin[] = "{\"event_id\":\"";
	const size_t begin_bytes = sizeof(begin) - 1;
	char text[ID_BYTES];

	if (topic_header_read(record, "ce_id", text, sizeof(text)) && id_copy(text, strlen(text), id))
		return true;
	return record->payload != NULL && record->len >= begin_bytes + WALLET_UUID_TEXT_BYTES &&
		   memcmp(record->payload, begin, begin_bytes) == 0 &&
		   id_copy((const char *) record->payload + begin_bytes, WALLET_UUID_TEXT_BYTES, id);
}

/* It may be anybody's text: nothing in it may reach a terminal as a command. */
static void
reason_get(const rd_kafka_message_t *record, char *reason)
{
	if (!topic_header_read(record, "__connect.errors.exception.message", reason, REASON_BYTES))
		strcpy(reason, "no reason given");
	for (char *at = reason; *at != '\0'; at++)
		if ((unsigned char) *at < ' ' || *at == 0x7f)
			*at = '?';
}

static void
letter_add(Letters *letters, const Letter *letter)
{
	if (letters->count == letters->capacity)
	{
		size_t capacity = letters->capacity * 2 + 64;
		Letter *list = realloc(letters->list, capacity * sizeof(*list));

		letters->out_of_memory = letters->out_of_memory || list == NULL;
		if (list == NULL)
			return;
		letters->list = list;
		letters->capacity = capacity;
	}
	letters->list[letters->count++] = *letter;
}

static void
letter_look(void *context, const rd_kafka_message_t *record)
{
	Letters *letters = context;
	Letter letter = {.wallet_id = "-", .event_id = "-"};
	char reason[REASON_BYTES];
	bool names_event = event_id_get(record, letter.event_id);
	bool names_wallet = id_copy(record->key, record->key_len, letter.wallet_id);

	if (!names_event)
		strcpy(letter.event_id, "-");
	if (!names_wallet)
		strcpy(letter.wallet_id, "-");
	if (letters->only != NULL && strcmp(letters->only, letter.event_id) != 0)
		return;
	letters->seen++;
	if (names_event && names_wallet)
		letter_add(letters, &letter);
	if (!letters->prints)
		return;
	reason_get(record, reason);
	printf("partition %" PRId32 " offset %" PRId64 " event %s wallet %s: %s\n", record->partition,
		   record->offset, letter.event_id, letter.wallet_id, reason);
}

static int
letter_compare(const void *one, const void *other)
{
	return memcmp(one, other, sizeof(Letter));
}

/* Reads the topic, sorts what names an event by wallet, and drops repetitions. */
static Status
letters_read(const CommandContext *context, Letters *letters)
{
	char fallback[DEAD_LETTER_TOPIC_BYTES];
	const char *topic = context->config->command.dead_letter_topic;
	Wait wait = wait_begin(context->stop_fd, WAIT_FOREVER);
	int partition_count = 0;

	snprintf(fallback, sizeof(fallback), "%s.dlq", context->config->kafka.topic);
	topic = topic != NULL ? topic : fallback;

	Status status = kafka_topic_partition_count(context->reader, topic, &wait, &partition_count);

	if (status_is_ok(&status) && partition_count > 0)
		status = topic_read(context->reader, topic, partition_count, letter_look, letters, &wait);
	if (status_is_ok(&status) && letters->out_of_memory)
		status = status_bug("out of memory");
	if (letters->count == 0)
		return status;
	qsort(letters->list, letters->count, sizeof(*letters->list), letter_compare);

	size_t kept = 1;

	for (size_t i = 1; i < letters->count; i++)
		if (letter_compare(&letters->list[kept - 1], &letters->list[i]) != 0)
			letters->list[kept++] = letters->list[i];
	letters->count = kept;
	return status;
}

Status
command_dead_letters_list(const BridgeConfig *config, int stop_fd)
{
	CommandContext context;
	Letters letters = {.only = config->command.id, .prints = true};
	Status status = command_context_open(&context, config, COMMAND_TOPIC_ANY, stop_fd);

	if (status_is_ok(&status))
		status = letters_read(&context, &letters);
	if (status_is_ok(&status))
		printf("%" PRId64 " dead letters, %zu events among them\n", letters.seen, letters.count);
	free(letters.list);
	command_context_close(&context);
	return status;
}

static bool
event_is_wanted(void *context, const LedgerEvent *event)
{
	EventSet *wanted = context;

	return event_set_match(wanted, event->event_id, "", 0) != EVENT_SET_UNKNOWN;
}

/* The wanted events of one wallet, in its order, from a snapshot of its own. */
static Status
wallet_replay(const CommandContext *context, PGconn *connection, const char *wallet_id,
			  EventSet *wanted, BackfillCounts *sum)
{
	Wait wait = wait_begin(context->stop_fd, WAIT_FOREVER);
	char dead_letters[DEAD_LETTER_TOPIC_BYTES];
	BackfillPlan plan = command_context_backfill(context, dead_letters);
	BackfillCounts counts = {0};
	Status status =
		pg_command_run(connection, &wait, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");

	plan.connection = connection;
	plan.range = (LedgerRange){.wallet = wallet_id};
	plan.wants = event_is_wanted;
	plan.context = wanted;
	if (status_is_ok(&status))
		status = backfill_run(&plan, &counts);
	sum->events += counts.events;
	sum->dead_letters += counts.dead_letters;
	if (status_is_ok(&status))
		status = pg_command_run(connection, &wait, "COMMIT");
	return status;
}

static Status
letters_replay(const CommandContext *context, const Letters *letters, EventSet *wanted,
			   BackfillCounts *counts)
{
	Wait wait = wait_begin(context->stop_fd, COMMAND_TIMEOUT_MS);
	PGconn *connection = NULL;
	Status status = pg_connection_open(&context->config->pg, PG_MODE_NORMAL, "wallet_bridge replay",
									   &wait, &connection);

	for (size_t i = 0; i < letters->count && status_is_ok(&status); i++)
		if (!event_set_add(wanted, letters->list[i].event_id, "", 0))
			status = status_bug("out of memory");
	for (size_t i = 0; i < letters->count && status_is_ok(&status); i++)
		if (i == 0 || strcmp(letters->list[i - 1].wallet_id, letters->list[i].wallet_id) != 0)
			status = wallet_replay(context, connection, letters->list[i].wallet_id, wanted, counts);
	pg_connection_close(&connection);
	return status;
}

Status
command_dead_letters_replay(const BridgeConfig *config, int stop_fd)
{
	CommandContext context;
	Letters letters = {.only = config->command.id};
	EventSet *wanted = event_set_new();
	BackfillCounts counts = {0};
	Status status = command_context_open(&context, config, COMMAND_TOPIC_THERE, stop_fd);

	if (status_is_ok(&status) && wanted == NULL)
		status = status_bug("out of memory");
	if (status_is_ok(&status))
		status = letters_read(&context, &letters);
	if (status_is_ok(&status) && letters.only != NULL && letters.seen == 0)
		status = status_fatal(EXIT_CODE_CONFIGURATION, "no dead letter has the event id \"%s\"",
							  letters.only);
	if (status_is_ok(&status))
		status = letters_replay(&context, &letters, wanted, &counts);
	if (status_is_ok(&status))
		printf("%" PRId64 " events %s, %zu that dead letters name are not in the ledger\n",
			   counts.events, config->command.dry_run ? "would be published" : "published",
			   event_set_count_unmatched(wanted, NULL));
	free(letters.list);
	event_set_free(wanted);
	command_context_close(&context);
	return status;
}
