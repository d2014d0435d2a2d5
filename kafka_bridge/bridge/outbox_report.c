/*
 * outbox_report.c
 *		What the outbox tells the world: metrics and health of the positions and of Kafka.
 */
#include "outbox_report.h"

#include <stdio.h>

#include "bridge_metrics.h"
#include "kafka/login.h"
#include "lsn.h"

void
outbox_report(Health *health, Metrics *metrics, const OutboxPositions *positions, bool cut_off,
			  bool acknowledges)
{
	bool answers = !cut_off && acknowledges;
	char trouble[STATUS_TEXT_BYTES];
	char lsn[LSN_TEXT_BYTES];

	if (answers || !kafka_login_explain(trouble, sizeof(trouble)))
		snprintf(trouble, sizeof(trouble), "%s",
				 answers   ? ""
				 : cut_off ? "no broker can be reached"
						   : "events are not being acknowledged");
	health_check_set(health, "kafka", answers, "%s", trouble);
	health_fact_set(health, "received", "%s", lsn_write(positions->received, lsn));
	health_fact_set(health, "durable", "%s", lsn_write(positions->durable, lsn));
	health_fact_set(health, "confirmed", "%s", lsn_write(positions->confirmed, lsn));
	metric_set(metrics, BRIDGE_METRIC_CONNECTED, BRIDGE_PEER_KAFKA, answers);
	metric_set(metrics, BRIDGE_METRIC_RECEIVED_LSN, 0, (int64_t) positions->received);
	metric_set(metrics, BRIDGE_METRIC_DURABLE_LSN, 0, (int64_t) positions->durable);
	metric_set(metrics, BRIDGE_METRIC_CONFIRMED_LSN, 0, (int64_t) positions->confirmed);
	metric_set(metrics, BRIDGE_METRIC_IN_FLIGHT_TRANSACTIONS, 0, (int64_t) positions->transactions);
	metric_set(metrics, BRIDGE_METRIC_IN_FLIGHT_BYTES, 0, (int64_t) positions->bytes);
}
