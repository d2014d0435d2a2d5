/*
 * status.c
 *		Makes statuses. Pure.
 */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A status is one line of the log: what a server or library put on several becomes one. */
static void
status_text_flatten(char *text)
{
	char *to = text;

	for (const char *from = text; *from != '\0'; from++)
	{
		bool blank = *from == '\n' || *from == '\r' || *from == '\t' || *from == ' ';

		if (!blank)
			*to++ = *from;
		else if (to > text && to[-1] != ' ')
			*to++ = ' ';
	}
	while (to > text && to[-1] == ' ')
		to--;
	*to = '\0';
}

static Status __attribute__((format(printf, 3, 0)))
status_make(StatusClass class, ExitCode exit_code, const char *format, va_list arguments)
{
	Status status = status_ok();

	status.class = class;
	status.exit_code = exit_code;
	vsnprintf(status.text, sizeof(status.text), format, arguments);
	status_text_flatten(status.text);
	return status;
}

Status
status_retry(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	Status status = status_make(STATUS_RETRY, EXIT_CODE_PEER_GONE, format, arguments);

	va_end(arguments);
	return status;
}

Status
status_fatal(ExitCode exit_code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	Status status = status_make(STATUS_FATAL, exit_code, format, arguments);

	va_end(arguments);
	return status;
}

Status
status_bug(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	Status status = status_make(STATUS_BUG, EXIT_CODE_BUG, format, arguments);

	va_end(arguments);
	return status;
}

Status
status_prefix(Status status, const char *format, ...)
{
	if (status_is_ok(&status))
		return status;

	char text[STATUS_TEXT_BYTES];
	va_list arguments;

	va_start(arguments, format);
	int length = vsnprintf(text, sizeof(text), format, arguments);

	va_end(arguments);
	if (length >= 0 && (size_t) length < sizeof(text))
		snprintf(text + length, sizeof(text) - (size_t) length, ": %s", status.text);
	memcpy(status.text, text, sizeof(text));
	status_text_flatten(status.text);
	return status;
}

const char *
status_class_name(StatusClass class)
{
	switch (class)
	{
		case STATUS_OK:
			return "ok";
		case STATUS_RETRY:
			return "retry";
		case STATUS_FATAL:
			return "fatal";
		case STATUS_BUG:
			return "bug";
	}
	return "unknown";
}
