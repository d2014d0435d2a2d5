/*
 * intake.h
 *		Records on their way from Kafka into the batches that gather.
 */
#pragma once

#include <stdbool.h>

#include "membership.h"
#include "outcome.h"
#include "base/status.h"
#include "work_queues.h"

/*
 * Takes over a record that the subscriber brought. Anything but HAPPENED_DONE says why in *reason:
 * POISON_READ under poison_stops (the record is in no batch), MEMORY_OUT, READING_BROKEN where the
 * topic is not the one that was read, TAKING_REFUSED where that can't be found out now.
 */
Happening intake_record(Membership *membership, WorkQueues *work, rd_kafka_message_t *message,
						bool poison_stops, Status *reason);

/* The end of a partition was reached. The same of the topic. */
Happening intake_end(Membership *membership, int32_t partition, int64_t offset, Status *reason);

/* A record's place, before which its partition stood at a position. */
BatchSource intake_place(rd_kafka_message_t *message, int64_t fence, int64_t position);

/* Why the history stops at a record under POLICY_STOP. */
Status intake_poison_status(int32_t partition, int64_t offset, const char *reason,
							const char *name);
