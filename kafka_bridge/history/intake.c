/*
 * intake.c
 *		A record is an event or poison; where it belongs, its partition says.
 */
#include "intake.h"

#include "base/clock.h"
#include "event_credible.h"
#include "event_reader.h"
#include "event_source.h"

BatchSource
intake_place(rd_kafka_message_t *message, int64_t fence, int64_t position)
{
	rd_kafka_timestamp_type_t type;

	return (BatchSource){.handle = message,
						 .partition = message->partition,
						 .offset = message->offset,
						 .fence = fence,
						 .position = position,
						 .timestamp_ms = rd_kafka_message_timestamp(message, &type),
						 .value = {message->payload, message->len},
						 .bytes = message->len + message->key_len};
}

Status
intake_poison_status(int32_t partition, int64_t offset, const char *reason, const char *name)
{
	return status_fatal(EXIT_CODE_CONFIGURATION,
						"poison at partition %d, offset %lld: %s (%s). Restart with "
						"HISTORY_ON_POISON=dlq to send it to the dead letters",
						(int) partition, (long long) offset, reason, name);
}

static Happening
record_add(Membership *membership, Partition *partition, Batch *gathering,
		   rd_kafka_message_t *message, bool poison_stops, Status *reason)
{
	BatchSource place = intake_place(message, partition->fence, partition->read_offset);
	EventSource *source = &membership->source;
	int64_t now_us = server_clock_now(&membership->clock, clock_monotonic_us(), clock_wall_us());
	Event event;
	EventFault fault;
	bool added;

	if (event_read(message->key, message->key_len, message->payload, message->len, &event,
				   &fault) &&
		event_source_accepts(source, message, &fault) && event_is_credible(&event, now_us, &fault))
		added = batch_add_event(gathering, &place, &event);
	else if (!poison_stops)
		added = batch_add_poison(gathering, &place, event_fault_name(fault.kind), fault.reason);
	else
	{
		*reason = intake_poison_status(message->partition, message->offset, fault.reason,
									   event_fault_name(fault.kind));
		subscriber_record_release(message);
		return HAPPENED_POISON_READ;
	}
	gathering->source = source->own;
	partition->read_offset = message->offset + 1;
	if (added)
		return HAPPENED_DONE;
	*reason = status_bug("out of memory");
	return HAPPENED_MEMORY_OUT;
}

static Happening
mark_meet(Membership *membership, Partition *partition, const PositionMark *found, Status *reason)
{
	*reason = membership_mark_meet(membership, partition, found);
	if (status_is_ok(reason))
		return HAPPENED_DONE;
	/* Joining anew begins with the mark again. */
	return reason->class == STATUS_RETRY ? HAPPENED_TAKING_REFUSED : HAPPENED_READING_BROKEN;
}

Happening
intake_record(Membership *membership, WorkQueues *work, rd_kafka_message_t *message,
			  bool poison_stops, Status *reason)
{
	Partition *partition = partition_table_find(&membership->table, message->partition);

	Happening happening = HAPPENED_DONE;
	bool is_read = membership->state == MEMBERSHIP_MEMBER && partition != NULL &&
				   partition->state == PARTITION_READING;

	if (is_read && partition->mark.offset >= 0 && message->offset >= partition->mark.offset)
	{
		BatchSource place = intake_place(message, 0, 0);
		PositionMark found = position_mark_make(place.offset, place.timestamp_ms, place.value.bytes,
												place.value.length);

		happening = mark_meet(membership, partition, &found, reason);
	}
	/* Records of partitions that went meanwhile, and those before the position, are nobody's. */
	if (!is_read || happening != HAPPENED_DONE || message->offset < partition->read_offset)
	{
		subscriber_record_release(message);
		return happening;
	}
	return record_add(membership, partition,
					  work_queues_of_partition(work, partition->number)->gathering, message,
					  poison_stops, reason);
}

Happening
intake_end(Membership *membership, int32_t number, int64_t offset, Status *reason)
{
	Partition *partition = partition_table_find(&membership->table, number);
	PositionMark found = {.offset = offset};

	if (partition == NULL)
		return HAPPENED_DONE;
	partition->end_offset = offset;
	/* A topic that ends before its mark is found when the partition is taken over. */
	if (partition->state != PARTITION_READING || offset <= partition->mark.offset)
		return HAPPENED_DONE;
	return mark_meet(membership, partition, &found, reason);
}
