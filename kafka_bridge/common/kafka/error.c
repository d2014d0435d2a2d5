/*
 * error.c
 *		Error codes by class. Pure.
 */
#include "kafka/error.h"

#include <stddef.h>

static bool
code_is_among(rd_kafka_resp_err_t code, const rd_kafka_resp_err_t *codes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (codes[i] == code)
			return true;
	return false;
}

#define IS_AMONG(code, codes) code_is_among(code, codes, sizeof(codes) / sizeof((codes)[0]))

/* Another client took our place. */
static const rd_kafka_resp_err_t fenced_codes[] = {
	RD_KAFKA_RESP_ERR__FENCED,
	RD_KAFKA_RESP_ERR_PRODUCER_FENCED,
	RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH,
	RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID,
	RD_KAFKA_RESP_ERR_TRANSACTION_COORDINATOR_FENCED,
};

/* Somebody has to change a setting, a right, a name or a version. */
static const rd_kafka_resp_err_t configuration_codes[] = {
	RD_KAFKA_RESP_ERR__AUTHENTICATION,
	RD_KAFKA_RESP_ERR__INVALID_TYPE,
	RD_KAFKA_RESP_ERR__NOT_CONFIGURED,
	RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED,
	RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE,
	RD_KAFKA_RESP_ERR__UNKNOWN_PROTOCOL,
	RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
	RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
	RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
	RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
	RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED,
	RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM,
	RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE,
	RD_KAFKA_RESP_ERR_SECURITY_DISABLED,
	RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION,
	RD_KAFKA_RESP_ERR_INVALID_PARTITIONS,
	RD_KAFKA_RESP_ERR_INVALID_CONFIG,
	RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS,
	RD_KAFKA_RESP_ERR_INVALID_GROUP_ID,
	RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT,
	RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT,
	RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL,
	RD_KAFKA_RESP_ERR_POLICY_VIOLATION,
	RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION,
	RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT,
	RD_KAFKA_RESP_ERR_UNSUPPORTED_COMPRESSION_TYPE,
};

/* The broker can't take this record, however often it is sent. */
static const rd_kafka_resp_err_t data_codes[] = {
	RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE,
	RD_KAFKA_RESP_ERR_INVALID_MSG,		  RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE,
	RD_KAFKA_RESP_ERR_INVALID_RECORD,
};

/* The program called librdkafka in a way it may not. */
static const rd_kafka_resp_err_t misuse_codes[] = {
	RD_KAFKA_RESP_ERR__INVALID_ARG,		  RD_KAFKA_RESP_ERR__STATE,
	RD_KAFKA_RESP_ERR__CONFLICT,		  RD_KAFKA_RESP_ERR__EXISTING_SUBSCRIPTION,
	RD_KAFKA_RESP_ERR__READ_ONLY,		  RD_KAFKA_RESP_ERR__UNKNOWN_GROUP,
	RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE,
};

bool
kafka_code_is_data_error(rd_kafka_resp_err_t code)
{
	return IS_AMONG(code, data_codes);
}

Status
kafka_code_classify(rd_kafka_resp_err_t code, const char *what, const char *detail)
{
	const char *text = detail != NULL && detail[0] != '\0' ? detail : rd_kafka_err2str(code);

	if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
		return status_ok();
	/* A clock is set right, a limit is raised: not the record's fault, and worth waiting for. */
	if (code == RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP)
		return status_retry("%s: %s: the record's time is outside the topic's "
							"message.timestamp.before.max.ms or message.timestamp.after.max.ms; "
							"compare this machine's clock with the broker's, or widen the limit",
							what, text);
	if (IS_AMONG(code, fenced_codes))
		return status_fatal(EXIT_CODE_FENCED, "%s: %s", what, text);
	if (IS_AMONG(code, configuration_codes))
		return status_fatal(EXIT_CODE_CONFIGURATION, "%s: %s", what, text);
	if (IS_AMONG(code, data_codes) || code == RD_KAFKA_RESP_ERR__FATAL)
		return status_fatal(EXIT_CODE_BUG, "%s: %s", what, text);
	if (IS_AMONG(code, misuse_codes))
		return status_bug("%s: %s", what, text);
	return status_retry("%s: %s", what, text);
}

Status
kafka_error_classify(rd_kafka_error_t *error, const char *what)
{
	if (error == NULL)
		return status_ok();

	rd_kafka_resp_err_t code = rd_kafka_error_code(error);
	Status status = rd_kafka_error_is_retriable(error)
						? status_retry("%s: %s", what, rd_kafka_error_string(error))
						: kafka_code_classify(code, what, rd_kafka_error_string(error));

	/* A fatal error that is no fence: the handle is dead, a new one may do better. */
	if (rd_kafka_error_is_fatal(error) && status.class == STATUS_RETRY)
		status = status_fatal(EXIT_CODE_BUG, "%s: %s", what, rd_kafka_error_string(error));
	rd_kafka_error_destroy(error);
	return status;
}
