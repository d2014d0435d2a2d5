/*
 * log.c
 *		Renders a record into a buffer on the stack and writes it with one write(2).
 *
 * The level is atomic; program and format are set before threads start. write_lock keeps the
 * pieces of a long record together.
 */
#include "observe/log.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/secret.h"

#define RECORD_BYTES_MAX 16384
#define TEXT_BYTES_MAX	 1024
/* A field at its largest: every byte of its text escaped as \u00xx, its name, quotes. */
#define FIELD_BYTES_MAX (6 * TEXT_BYTES_MAX + 128)

typedef struct LogRecord
{
	char text[RECORD_BYTES_MAX];
	size_t bytes;
	size_t begin; /* of the fields, behind the priority */
} LogRecord;

static const ConfigChoice level_choices[] = {
	{"debug", LOG_LEVEL_DEBUG},
	{"info", LOG_LEVEL_INFO},
	{"warning", LOG_LEVEL_WARNING},
	{"error", LOG_LEVEL_ERROR},
	{NULL, 0},
};

static const ConfigChoice format_choices[] = {
	{"text", LOG_FORMAT_TEXT},
	{"json", LOG_FORMAT_JSON},
	{NULL, 0},
};

const ConfigOption log_options[] = {
	{
		.flag = "log-level",
		.environment = "LOG_LEVEL",
		.type = CONFIG_ENUM,
		.offset = offsetof(LogOptions, level),
		.default_text = "info",
		.choices = level_choices,
		.help = "Least level that is logged; read again at HUP.",
	},
	{
		.flag = "log-format",
		.environment = "LOG_FORMAT",
		.type = CONFIG_ENUM,
		.offset = offsetof(LogOptions, format),
		.default_text = "text",
		.choices = format_choices,
		.help = "Form of a log line: key=value pairs, or a JSON object.",
	},
	CONFIG_OPTIONS_END,
};

static const char *log_program = "wallet";
static LogFormat log_format = LOG_FORMAT_TEXT;
static atomic_int log_level = LOG_LEVEL_INFO;
static bool log_has_priority; /* the journal reads standard error */
static pthread_mutex_t write_lock = PTHREAD_MUTEX_INITIALIZER;

/* systemd says which file its journal reads: JOURNAL_STREAM is "device:inode". */
static bool
journal_reads(int fd)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat file;
	unsigned long long device = 0;
	unsigned long long inode = 0;

	return stream != NULL && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
		   fstat(fd, &file) == 0 && file.st_dev == device && file.st_ino == inode;
}

void
log_start(const char *program, const LogOptions *options)
{
	log_has_priority = journal_reads(STDERR_FILENO);
	log_program = program;
	log_format = (LogFormat) options->format;
	log_level_set((LogLevel) options->level);
}

void
log_level_set(LogLevel level)
{
	atomic_store(&log_level, (int) level);
}

bool
log_level_enabled(LogLevel level)
{
	return (int) level >= atomic_load_explicit(&log_level, memory_order_relaxed);
}

const char *
log_level_name(LogLevel level)
{
	return level_choices[level].name;
}

static void __attribute__((format(printf, 2, 3)))
record_print(LogRecord *record, const char *format, ...)
{
	size_t room = sizeof(record->text) - record->bytes;
	va_list arguments;

	va_start(arguments, format);
	int length = vsnprintf(record->text + record->bytes, room, format, arguments);

	va_end(arguments);
	if (length > 0)
		record->bytes += (size_t) length < room ? (size_t) length : room - 1;
}

/* Bytes of the UTF-8 character that begins here, 0 if none does. */
static size_t
utf8_character_bytes(const unsigned char *at)
{
	size_t bytes = at[0] < 0x80 ? 1 : at[0] < 0xC2 ? 0 : at[0] < 0xE0 ? 2 : at[0] < 0xF0 ? 3 : 4;

	if (at[0] > 0xF4)
		return 0;
	for (size_t i = 1; i < bytes; i++)
		if ((at[i] & 0xC0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, beyond U+10FFFF. */
	if ((at[0] == 0xE0 && at[1] < 0xA0) || (at[0] == 0xED && at[1] > 0x9F) ||
		(at[0] == 0xF0 && at[1] < 0x90) || (at[0] == 0xF4 && at[1] > 0x8F))
		return 0;
	return bytes;
}

/* A quoted string as JSON wants it; also the quoted form of key=value. */
static void
record_quote(LogRecord *record, const char *text)
{
	record_print(record, "\"");
	for (const unsigned char *at = (const unsigned char *) text; *at != '\0';)
	{
		size_t bytes = utf8_character_bytes(at);

		if (*at == '"' || *at == '\\')
			record_print(record, "\\%c", *at);
		else if (*at == '\n')
			record_print(record, "\\n");
		else if (*at < 0x20 || *at == 0x7F)
			record_print(record, "\\u%04x", *at);
		else if (bytes == 0)
			record_print(record, "\\ufffd");
		else
			record_print(record, "%.*s", (int) bytes, (const char *) at);
		at += bytes > 0 ? bytes : 1;
	}
	record_print(record, "\"");
}

static bool
text_needs_quotes(const char *text)
{
	if (*text == '\0')
		return true;
	for (const unsigned char *at = (const unsigned char *) text; *at != '\0'; at++)
		if (*at <= ' ' || *at == '"' || *at == '=' || *at == '\\' || *at >= 0x7F)
			return true;
	return false;
}

static void
record_text_add(LogRecord *record, const char *text)
{
	char masked[TEXT_BYTES_MAX];

	secret_text_mask(text, masked, sizeof(masked));
	if (log_format == LOG_FORMAT_JSON || text_needs_quotes(masked))
		record_quote(record, masked);
	else
		record_print(record, "%s", masked);
}

static void
record_name_add(LogRecord *record, const char *name)
{
	if (log_format == LOG_FORMAT_JSON)
		record_print(record, "%s\"%s\":", record->bytes == record->begin ? "{" : ",", name);
	else
		record_print(record, "%s%s=", record->bytes == record->begin ? "" : " ", name);
}

static void
record_field_add(LogRecord *record, const LogField *field)
{
	const char *quote = log_format == LOG_FORMAT_JSON ? "\"" : "";

	record_name_add(record, field->name);
	switch (field->type)
	{
		case LOG_FIELD_TEXT:
			if (field->text == NULL)
				record_print(record, "null");
			else
				record_text_add(record, field->text);
			break;
		case LOG_FIELD_INTEGER:
			record_print(record, "%" PRId64, field->integer);
			break;
		case LOG_FIELD_REAL:
			record_print(record, "%.6g", field->real);
			break;
		case LOG_FIELD_BOOLEAN:
			record_print(record, "%s", field->boolean ? "true" : "false");
			break;
		case LOG_FIELD_LSN:
			record_print(record, "%s%X/%X%s", quote, (unsigned) (field->lsn >> 32),
						 (unsigned) field->lsn, quote);
			break;
		case LOG_FIELD_NONE:
			break;
	}
}

static void
record_time_add(LogRecord *record)
{
	int64_t now_us = clock_wall_us();
	time_t seconds = (time_t) (now_us / 1000000);
	struct tm utc;
	char text[64];

	gmtime_r(&seconds, &utc);

	size_t bytes = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);

	snprintf(text + bytes, sizeof(text) - bytes, ".%06dZ", (int) (now_us % 1000000));
	record_field_add(record, &(LogField){.type = LOG_FIELD_TEXT, .name = "time", .text = text});
}

/* As sd-daemon(3) has it: else every line would have the same priority in the journal. */
static void
record_priority_add(LogRecord *record, LogLevel level)
{
	static const char *const priorities[] = {
		[LOG_LEVEL_DEBUG] = "<7>",
		[LOG_LEVEL_INFO] = "<6>",
		[LOG_LEVEL_WARNING] = "<4>",
		[LOG_LEVEL_ERROR] = "<3>",
	};

	if (log_has_priority)
		record_print(record, "%s", priorities[level]);
	record->begin = record->bytes;
}

static void
record_emit(const LogRecord *record)
{
	size_t written = 0;

	pthread_mutex_lock(&write_lock);
	while (written < record->bytes)
	{
		ssize_t bytes = write(STDERR_FILENO, record->text + written, record->bytes - written);

		if (bytes > 0)
			written += (size_t) bytes;
		else if (errno != EINTR)
			break;
	}
	pthread_mutex_unlock(&write_lock);
}

void
log_record_write(LogLevel level, const char *message, const LogField *fields)
{
	if (!log_level_enabled(level))
		return;

	LogRecord record;
	const LogField head[] = {
		log_text("level", log_level_name(level)),
		log_text("program", log_program),
		log_text("message", message),
	};

	record.bytes = 0;
	record_priority_add(&record, level);
	record_time_add(&record);
	for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++)
		record_field_add(&record, &head[i]);
	for (const LogField *field = fields + 1; field->type != LOG_FIELD_NONE; field++)
	{
		if (record.bytes + FIELD_BYTES_MAX > sizeof(record.text))
		{
			record_field_add(&record, &(LogField){.type = LOG_FIELD_BOOLEAN,
												  .name = "cut",
												  .boolean = true});
			break;
		}
		record_field_add(&record, field);
	}
	record_print(&record, "%s\n", log_format == LOG_FORMAT_JSON ? "}" : "");
	record_emit(&record);
}

void
log_status(LogLevel level, const char *message, const Status *status)
{
	const LogField fields[] = {
		{.type = LOG_FIELD_NONE},
		log_text("error", status->text),
		log_text("class", status_class_name(status->class)),
		status->sqlstate[0] != '\0' ? log_text("sqlstate", status->sqlstate)
									: (LogField){.type = LOG_FIELD_NONE},
		{.type = LOG_FIELD_NONE},
	};

	log_record_write(level, message, fields);
}
