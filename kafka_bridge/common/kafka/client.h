/*
 * client.h
 *		What every librdkafka handle of ours shares: configuration with pass-through properties,
 *		callbacks into the log, classes for its errors.
 *
 * The opaque pointer of a handle is always its KafkaObserver: own callbacks that are set on the
 * conf afterwards (delivery report, rebalance) find their state in observer->context.
 */
#pragma once

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "kafka/error.h"
#include "base/status.h"
#include "base/wait.h"

typedef struct KafkaOptions
{
	char *brokers;
	char *topic;
	ConfigProperties properties;
} KafkaOptions;

/* KAFKA_BROKERS, KAFKA_TOPIC, KAFKA_PROP_<name>. */
extern const ConfigOption kafka_options[];

/*
 * Whether every pass-through property is known to librdkafka, has a fit value and is not one that
 * guards correctness. FATAL, EXIT_CODE_CONFIGURATION otherwise. For ConfigProgram.check.
 */
Status kafka_properties_check(const ConfigProperties *properties);

/* Called from whatever thread polls the handle (statistics, error) or any thread (log). */
typedef struct KafkaObserver
{
	/* A fatal one, already logged, has code RD_KAFKA_RESP_ERR__FATAL. NULL: only logged. */
	void (*error)(rd_kafka_t *handle, rd_kafka_resp_err_t code, const char *reason, void *context);
	/* json as statistics.interval.ms asks for it. NULL: none. */
	void (*statistics)(rd_kafka_t *handle, const char *json, size_t bytes, void *context);
	void *context;
} KafkaObserver;

typedef struct KafkaSetting
{
	const char *name; /* NULL ends an array */
	const char *value;
} KafkaSetting;

/*
 * A conf from, the strongest last: defaults (what users may change), the user's properties, forced
 * (what must hold). Either array may be NULL. observer lives as long as the handle. On OK *conf is
 * the caller's, for rd_kafka_new() or rd_kafka_conf_destroy().
 */
Status kafka_conf_new(const KafkaOptions *options, const KafkaSetting *defaults,
					  const KafkaSetting *forced, KafkaObserver *observer, rd_kafka_conf_t **conf);

/* rd_kafka_new() that always takes over conf, also when it fails. */
Status kafka_handle_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, rd_kafka_t **handle);

/*
 * Logs the run-time version: a warning below 2.4.0, and one where SCRAM is asked of a version that
 * newer brokers refuse.
 */
void kafka_version_log(const KafkaOptions *options);
