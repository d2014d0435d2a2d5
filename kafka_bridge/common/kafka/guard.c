/*
 * guard.c
 *		The table of guarded properties. Pure.
 */
#include "kafka/guard.h"

#include <string.h>

typedef struct GuardedProperty
{
	const char *name;
	const char *reason;
} GuardedProperty;

#define REASON_DURABLE	 "an event counts as delivered only when every replica in sync has it"
#define REASON_ORDER	 "events of a wallet stay in order"
#define REASON_FOREVER	 "an event is tried until it is delivered, never given up"
#define REASON_POSITION	 "positions are kept in PostgreSQL, with the events"
#define REASON_CALLBACK	 "callbacks and plugins belong to the program"
#define REASON_OWN_VALUE "it has an option of its own"

static const GuardedProperty guarded_properties[] = {
	{"acks", REASON_DURABLE},
	{"request.required.acks", REASON_DURABLE},
	{"delivery.report.only.error", REASON_DURABLE},
	{"enable.idempotence", REASON_ORDER},
	{"enable.gapless.guarantee", REASON_ORDER},
	{"queuing.strategy", REASON_ORDER},
	{"max.in.flight", REASON_ORDER},
	{"max.in.flight.requests.per.connection", REASON_ORDER},
	{"partitioner", REASON_ORDER},
	{"partitioner_cb", REASON_CALLBACK},
	{"transactional.id", "it names the one writer of a slot"},
	{"transaction.timeout.ms", REASON_OWN_VALUE},
	{"message.timeout.ms", REASON_FOREVER},
	{"delivery.timeout.ms", REASON_FOREVER},
	{"retries", REASON_FOREVER},
	{"message.send.max.retries", REASON_FOREVER},
	{"enable.auto.commit", REASON_POSITION},
	{"auto.commit.enable", REASON_POSITION},
	{"enable.auto.offset.store", REASON_POSITION},
	{"offset.store.method", REASON_POSITION},
	{"offset.store.path", REASON_POSITION},
	{"auto.offset.reset", REASON_POSITION},
	{"isolation.level", "an aborted transaction must stay invisible"},
	{"check.crcs", "a damaged record must be noticed"},
	{"enable.partition.eof", "the programs set it where they read to the end"},
	{"partition.assignment.strategy", "partitions are handed over one by one"},
	{"allow.auto.create.topics", "topics are created by the bridge, with their settings"},
	{"group.id", REASON_OWN_VALUE},
	{"bootstrap.servers", REASON_OWN_VALUE},
	{"metadata.broker.list", REASON_OWN_VALUE},
	{"plugin.library.paths", REASON_CALLBACK},
	{"interceptors", REASON_CALLBACK},
	{"enabled_events", REASON_CALLBACK},
	{"opaque", REASON_CALLBACK},
	{"default_topic_conf", REASON_CALLBACK},
	{"msg_order_cmp", REASON_CALLBACK},
	{"ssl_engine_callback_data", REASON_CALLBACK},
};

/* Variables can't tell "." from "_", so both spellings of a name are the same. */
static bool
names_equal(const char *one, const char *other)
{
	for (; *one != '\0' && *other != '\0'; one++, other++)
		if (*one != *other && !(strchr("._", *one) != NULL && strchr("._", *other) != NULL))
			return false;
	return *one == *other;
}

static bool
name_is_callback(const char *name)
{
	size_t bytes = strlen(name);

	return bytes >= 3 && names_equal(name + bytes - 3, "_cb");
}

Status
kafka_guarded_check(const ConfigProperties *properties)
{
	for (size_t i = 0; i < properties->count; i++)
	{
		const char *name = properties->items[i].name;
		const char *reason = name_is_callback(name) ? REASON_CALLBACK : NULL;

		for (size_t j = 0;
			 reason == NULL && j < sizeof(guarded_properties) / sizeof(guarded_properties[0]); j++)
			if (names_equal(name, guarded_properties[j].name))
				reason = guarded_properties[j].reason;
		if (reason != NULL)
			return status_fatal(EXIT_CODE_CONFIGURATION,
								"the Kafka property \"%s\" may not be set: %s", name, reason);
	}
	return status_ok();
}
