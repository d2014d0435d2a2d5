/*
 * server_watch.h
 *		A second connection beside the stream: notices at once that the server shuts down, and
 *		measures how far the slot is behind.
 *
 * Why: a fast shutdown waits until the stream has confirmed everything, and what the server says
 * about it inside the stream may stand behind data that we cannot take while Kafka is away. This
 * connection is ended by the server at exactly that moment. It is a replication connection too, so
 * that it does not hold up a smart shutdown.
 *
 * One thread. Nothing here blocks but open.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "postgres/client.h"
#include "base/status.h"
#include "base/wait.h"

typedef struct ServerWatch ServerWatch;

typedef struct ServerReport
{
	uint64_t wal_end;
	int64_t safe_wal_bytes; /* before the slot is lost; -1: no limit */
} ServerReport;

typedef enum ServerWatchResult
{
	SERVER_WATCH_NOTHING,
	SERVER_WATCH_REPORT, /* *report was filled */
	SERVER_WATCH_LOST,	 /* the server ended it: it shuts down, or the network broke */
} ServerWatchResult;

/* Connects. slot is copied. On OK *watch is the caller's. */
Status server_watch_open(const PgOptions *options, const char *slot, const Wait *wait,
						 ServerWatch **watch);
void server_watch_close(ServerWatch **watch);

/* The connection, for questions before the first server_watch_ask. */
PGconn *server_watch_get_connection(const ServerWatch *watch);

/* Asks for a report, unless one is under way. */
void server_watch_ask(ServerWatch *watch);

/* After poll(2) found the socket readable. */
ServerWatchResult server_watch_read(ServerWatch *watch, ServerReport *report);

int server_watch_get_socket(const ServerWatch *watch);
