/*
 * outbox_report.c
 *		What the outbox tells the world: metrics and health of the positions and of Kafka.
 */
#include "outbox_report.h"

#include "bridge_metrics.h"
#include "kafka/login.h"
#include "lsn.h"

void
outbox_report(Health *health, Metrics *metrics, const OutboxPositions *positions,
			  const char *trouble)
{
	bool answers = trouble[0] == '\0';
	char login[STATUS_TEXT_BYTES];
	char lsn[LSN_TEXT_BYTES];

	if (!answers && kafka_login_explain(login, sizeof(login)))
		trouble = login;
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
