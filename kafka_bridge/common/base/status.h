/*
 * status.h
 *		The result of a fallible function: a class that decides the reaction, the exit code of the
 *		process if it has to end over it, and a text for the one log record about it.
 *
 * Whoever makes a Status does not log it; the loop that decides what happens next does, once.
 *
 *		OK		go on
 *		RETRY	the peer or the network may mend this: back off, try again
 *		FATAL	trying again won't help: end with exit_code, or treat the one record as bad
 *		BUG		our own rule was broken: end with EXIT_CODE_BUG
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef enum StatusClass
{
	STATUS_OK,
	STATUS_RETRY,
	STATUS_FATAL,
	STATUS_BUG,
} StatusClass;

/* What a supervisor sees; only 69, 70 and 75 are worth a restart. */
typedef enum ExitCode
{
	EXIT_CODE_STOPPED = 0,		  /* asked to stop, or a sub-command that did its work */
	EXIT_CODE_USAGE = 64,		  /* the command line */
	EXIT_CODE_PEER_GONE = 69,	  /* PostgreSQL or Kafka gone for good */
	EXIT_CODE_BUG = 70,			  /* a broken rule of our own, or an error without a class */
	EXIT_CODE_FENCED = 75,		  /* another owner took over */
	EXIT_CODE_CONFIGURATION = 78, /* configuration or state that a restart won't mend */
} ExitCode;

#define STATUS_TEXT_BYTES	  512
#define STATUS_SQLSTATE_BYTES 6

typedef struct Status
{
	StatusClass class;
	ExitCode exit_code;					  /* EXIT_CODE_STOPPED when OK */
	char sqlstate[STATUS_SQLSTATE_BYTES]; /* of the PostgreSQL error behind it, or "" */
	const char *option;					  /* of the configuration, by its variable; or NULL */
	char text[STATUS_TEXT_BYTES];		  /* one line, no secret, never empty unless OK */
} Status;

/* Cheap enough for every event: touches four fields and leaves the text's bytes alone. */
static inline Status
status_ok(void)
{
	Status status;

	status.class = STATUS_OK;
	status.exit_code = EXIT_CODE_STOPPED;
	status.sqlstate[0] = '\0';
	status.option = NULL;
	status.text[0] = '\0';
	return status;
}

static inline bool
status_is_ok(const Status *status)
{
	return status->class == STATUS_OK;
}

/* The same status, where it is an error one of this option; static text. */
static inline Status
status_about(Status status, const char *option)
{
	if (!status_is_ok(&status))
		status.option = option;
	return status;
}

/*
 * Longer texts are cut; line breaks become spaces. The exit code of RETRY is EXIT_CODE_PEER_GONE.
 */
Status status_retry(const char *format, ...) __attribute__((format(printf, 1, 2)));
Status status_fatal(ExitCode exit_code, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
Status status_bug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same status with "<words>: " before its text; an OK status is returned as it is. */
Status status_prefix(Status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "ok", "retry", "fatal" or "bug"; static text. */
const char *status_class_name(StatusClass class);
