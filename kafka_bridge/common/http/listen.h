/*
 * listen.h
 *		The listening socket of the HTTP server. Used inside common/http only.
 */
#pragma once

#include <stdint.h>

#include "http/server.h"
#include "base/status.h"

/* A socket that listens; the caller's. FATAL, EXIT_CODE_CONFIGURATION: taken, or not ours. */
Status http_listen(const HttpOptions *options, int *fd);

/* FATAL with the address and port in its text. */
Status http_listen_error(const HttpOptions *options, const char *reason);

/* The port a socket listens on. */
uint16_t http_listen_port(int fd);
