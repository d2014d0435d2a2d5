/*
 * bridge_metrics.c
 *		The metrics of wallet_bridge: one table, one enum as index into it.
 */
#include "bridge_metrics.h"

static const char *const peers[] = {"postgresql", "kafka", NULL};

static const char *const transaction_ends[] = {"committed", "lost", "fenced", NULL};

static const char *const topic_problems[] = {"compaction", "retention", "timestamps",
											 "foreign_source", NULL};

const char *const standby_slot_states[] = {"synchronised", "behind", "missing", "unknown", NULL};

const MetricDefinition bridge_metrics[BRIDGE_METRIC_COUNT] = {
	[BRIDGE_METRIC_INFO] = {.name = "wallet_bridge_build_info",
							.type = METRIC_INFO,
							.help = "Versions of the program and of librdkafka."},
	[BRIDGE_METRIC_ACTIVE] = {.name = "wallet_bridge_active",
							  .type = METRIC_GAUGE,
							  .help = "1 while this bridge streams from the slot, 0 on standby."},
	[BRIDGE_METRIC_CONNECTED] = {.name = "wallet_bridge_connected",
								 .type = METRIC_GAUGE,
								 .help = "1 while the peer answers.",
								 .label = "peer",
								 .label_values = peers},
	[BRIDGE_METRIC_RECEIVED_LSN] = {.name = "wallet_bridge_received_lsn_bytes",
									.type = METRIC_GAUGE,
									.help = "WAL position up to which everything was received."},
	[BRIDGE_METRIC_DURABLE_LSN] = {.name = "wallet_bridge_durable_lsn_bytes",
								   .type = METRIC_GAUGE,
								   .help =
									   "WAL position up to which Kafka acknowledged every event."},
	[BRIDGE_METRIC_CONFIRMED_LSN] = {.name = "wallet_bridge_confirmed_lsn_bytes",
									 .type = METRIC_GAUGE,
									 .help = "WAL position confirmed to PostgreSQL."},
	[BRIDGE_METRIC_WAL_LAG_BYTES] = {.name = "wallet_bridge_wal_lag_bytes",
									 .type = METRIC_GAUGE,
									 .help =
										 "Bytes of WAL between the server's end and the confirmed "
										 "position."},
	[BRIDGE_METRIC_SLOT_SAFE_WAL_BYTES] = {.name = "wallet_bridge_slot_safe_wal_bytes",
										   .type = METRIC_GAUGE,
										   .help = "Bytes of WAL that may be written before the "
												   "slot is lost; -1 without a limit."},
	[BRIDGE_METRIC_EVENTS] = {.name = "wallet_bridge_events_total",
							  .type = METRIC_COUNTER,
							  .help = "Events handed to Kafka."},
	[BRIDGE_METRIC_TRANSACTIONS] = {.name = "wallet_bridge_transactions_total",
									.type = METRIC_COUNTER,
									.help = "Transactions received whole."},
	[BRIDGE_METRIC_ACKNOWLEDGED] = {.name = "wallet_bridge_events_acknowledged_total",
									.type = METRIC_COUNTER,
									.help = "Events acknowledged by Kafka."},
	[BRIDGE_METRIC_SKIPPED] = {.name = "wallet_bridge_events_skipped_total",
							   .type = METRIC_COUNTER,
							   .help =
								   "Events received again after a reconnect and not sent again."},
	[BRIDGE_METRIC_DEAD_LETTERS] = {.name = "wallet_bridge_dead_letters_total",
									.type = METRIC_COUNTER,
									.help = "Events that could not be published and went to the "
											"dead letters."},
	[BRIDGE_METRIC_BACKFILLED] = {.name = "wallet_bridge_events_backfilled_total",
								  .type = METRIC_COUNTER,
								  .help = "Events published from the ledger's rows."},
	[BRIDGE_METRIC_IN_FLIGHT_TRANSACTIONS] = {.name = "wallet_bridge_in_flight_transactions",
											  .type = METRIC_GAUGE,
											  .help = "Transactions not yet acknowledged whole."},
	[BRIDGE_METRIC_IN_FLIGHT_BYTES] = {.name = "wallet_bridge_in_flight_bytes",
									   .type = METRIC_GAUGE,
									   .help = "Memory of events not yet acknowledged."},
	[BRIDGE_METRIC_BACKPRESSURE] = {.name = "wallet_bridge_backpressure_total",
									.type = METRIC_COUNTER,
									.help = "Times that reading paused because too much was in "
											"flight."},
	[BRIDGE_METRIC_FEEDBACK] = {.name = "wallet_bridge_feedback_total",
								.type = METRIC_COUNTER,
								.help = "Status messages sent to PostgreSQL."},
	[BRIDGE_METRIC_PROGRESS_RECORDS] = {.name = "wallet_bridge_progress_records_total",
										.type = METRIC_COUNTER,
										.help = "Progress records acknowledged by Kafka."},
	[BRIDGE_METRIC_KAFKA_TRANSACTIONS] = {.name = "wallet_bridge_kafka_transactions_total",
										  .type = METRIC_COUNTER,
										  .help = "Kafka transactions of transactional delivery: "
												  "committed, lost (failed or in doubt, published "
												  "again by another producer) or fenced.",
										  .label = "result",
										  .label_values = transaction_ends},
	[BRIDGE_METRIC_RECONNECTS] = {.name = "wallet_bridge_reconnects_total",
								  .type = METRIC_COUNTER,
								  .help = "Connections to PostgreSQL, and producers, begun anew "
										  "after a failure.",
								  .label = "peer",
								  .label_values = peers},
	[BRIDGE_METRIC_COMMIT_TO_ACK] = {.name = "wallet_bridge_commit_to_ack_seconds",
									 .type = METRIC_HISTOGRAM,
									 .scale = METRIC_SCALE_US,
									 .help = "Time from an event's commit to Kafka's "
											 "acknowledgement."},
	[BRIDGE_METRIC_TOPIC_PROBLEM] = {.name = "wallet_bridge_topic_problem",
									 .type = METRIC_GAUGE,
									 .help =
										 "1 while the event topic is compacted, expires events, "
										 "refuses old ones, or has those of another source.",
									 .label = "problem",
									 .label_values = topic_problems},
	[BRIDGE_METRIC_TOPIC_MESSAGE_BYTES] = {.name = "wallet_bridge_topic_message_bytes_max",
										   .type = METRIC_GAUGE,
										   .help = "What the event topic takes in one message."},
	[BRIDGE_METRIC_STANDBY_SLOTS] = {.name = "wallet_bridge_standby_slots",
									 .type = METRIC_GAUGE,
									 .help = "Standbys among the hosts of DATABASE_URL, by the "
											 "state of the slot's copy there; of the bridge that "
											 "streams.",
									 .label = "state",
									 .label_values = standby_slot_states},
};
