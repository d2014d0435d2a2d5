/*
 * transaction_leftover.h
 *		Ends Kafka transactions that the brokers have given up and left open.
 *
 * A coordinator that comes back after a crash may forget to write the marks that end a transaction
 * (Kafka 4.3: partitions without a leader count as deleted). It calls the transaction ended then,
 * and in the partitions it is open: the next commit of the same transactional id would bring its
 * records to light, next to those that were sent again.
 */
#pragma once

#include "publisher.h"

/*
 * Takes the plan's transactional id over, which ends what is really open, and aborts what is still
 * open in partitions of the event topic or the progress topic afterwards. Of another producer's
 * open transaction nothing happens. For a bridge that has not recorded as confirmed what it can't
 * send again.
 */
Status transaction_leftover_end(const PublisherPlan *plan, const Wait *wait);
