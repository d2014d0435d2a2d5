/*
 * intake.h
 *		Records on their way from Kafka into the gathering batch.
 */
#pragma once

#include <stdbool.h>

#include "membership.h"
#include "outcome.h"
#include "base/status.h"
#include "work_queue.h"

/*
 * Takes over a record that the subscriber brought. Anything but HAPPENED_DONE says why in *reason:
 * POISON_READ under poison_stops (the record is in no batch), MEMORY_OUT.
 */
Happening intake_record(Membership *membership, WorkQueue *work, rd_kafka_message_t *message,
						bool poison_stops, Status *reason);

/* The end of a partition was reached. */
void intake_end(Membership *membership, int32_t partition, int64_t offset);

/* Why the history stops at a record under POLICY_STOP. */
Status intake_poison_status(int32_t partition, int64_t offset, const char *reason,
							const char *name);
