/*
 * error.h
 *		What an error of librdkafka or a broker means for the program: code to Status. Pure.
 */
#pragma once

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

#include "base/status.h"

/*
 * Fenced is FATAL with EXIT_CODE_FENCED; refused rights, credentials, names and settings FATAL with
 * EXIT_CODE_CONFIGURATION; a record the broker can't take FATAL with EXIT_CODE_BUG; misuse BUG; all
 * else RETRY, also a refused timestamp: a clock may be set right. what names the deed; detail (or
 * NULL) is librdkafka's own text.
 */
Status kafka_code_classify(rd_kafka_resp_err_t code, const char *what, const char *detail);

/* The same of an error object, which it destroys; NULL is OK. Retriable ones are RETRY. */
Status kafka_error_classify(rd_kafka_error_t *error, const char *what);

/* MSG_SIZE_TOO_LARGE, INVALID_RECORD and the like: this record is at fault. */
bool kafka_code_is_data_error(rd_kafka_resp_err_t code);
