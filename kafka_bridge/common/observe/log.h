/*
 * log.h
 *		One line a record on standard error: time, level, program, message, then fields, as
 *		key=value or (LOG_FORMAT=json) as a JSON object. Any thread may log at any time.
 *
 * A message is a constant phrase ("streaming started"); what varies goes into fields:
 *
 *		log_info("streaming started", log_text("slot", slot), log_lsn("from", start));
 *
 * Every text passes secret_text_mask(): a password can't reach the log by way of an error text.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "base/status.h"

typedef enum LogLevel
{
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_ERROR,
} LogLevel;

typedef enum LogFormat
{
	LOG_FORMAT_TEXT,
	LOG_FORMAT_JSON,
} LogFormat;

typedef enum LogFieldType
{
	LOG_FIELD_NONE,
	LOG_FIELD_TEXT,
	LOG_FIELD_INTEGER,
	LOG_FIELD_REAL,
	LOG_FIELD_BOOLEAN,
	LOG_FIELD_LSN,
} LogFieldType;

typedef struct LogField
{
	LogFieldType type;
	const char *name;
	union
	{
		const char *text; /* NULL: null */
		int64_t integer;
		double real;
		bool boolean;
		uint64_t lsn;
	};
} LogField;

/* What a program embeds in its configuration, with log_options as the table for it. */
typedef struct LogOptions
{
	int level;	/* LogLevel */
	int format; /* LogFormat */
} LogOptions;

/* LOG_LEVEL and LOG_FORMAT. */
extern const ConfigOption log_options[];

/* Before threads start. program is kept, not copied; until then "info" and key=value. */
void log_start(const char *program, const LogOptions *options);

/* At any time, from any thread. */
void log_level_set(LogLevel level);
bool log_level_enabled(LogLevel level);
const char *log_level_name(LogLevel level);

static inline LogField
log_text(const char *name, const char *text)
{
	return (LogField){.type = LOG_FIELD_TEXT, .name = name, .text = text};
}

static inline LogField
log_integer(const char *name, int64_t integer)
{
	return (LogField){.type = LOG_FIELD_INTEGER, .name = name, .integer = integer};
}

static inline LogField
log_real(const char *name, double real)
{
	return (LogField){.type = LOG_FIELD_REAL, .name = name, .real = real};
}

static inline LogField
log_boolean(const char *name, bool boolean)
{
	return (LogField){.type = LOG_FIELD_BOOLEAN, .name = name, .boolean = boolean};
}

/* As PostgreSQL prints a position: 0/16B3748. */
static inline LogField
log_lsn(const char *name, uint64_t lsn)
{
	return (LogField){.type = LOG_FIELD_LSN, .name = name, .lsn = lsn};
}

/*
 * Writes a record. fields[0] is not looked at and the last one is of type LOG_FIELD_NONE: use the
 * macros below.
 */
void log_record_write(LogLevel level, const char *message, const LogField *fields);

#define LOG_FIELDS(...) \
	((const LogField[]){{.type = LOG_FIELD_NONE}, ##__VA_ARGS__, {.type = LOG_FIELD_NONE}})
#define log_debug(message, ...) log_record_write(LOG_LEVEL_DEBUG, message, LOG_FIELDS(__VA_ARGS__))
#define log_info(message, ...)	log_record_write(LOG_LEVEL_INFO, message, LOG_FIELDS(__VA_ARGS__))
#define log_warning(message, ...) \
	log_record_write(LOG_LEVEL_WARNING, message, LOG_FIELDS(__VA_ARGS__))
#define log_error(message, ...) log_record_write(LOG_LEVEL_ERROR, message, LOG_FIELDS(__VA_ARGS__))

/* A record with the fields error, class and sqlstate (if any) of a status that is not OK. */
void log_status(LogLevel level, const char *message, const Status *status);
