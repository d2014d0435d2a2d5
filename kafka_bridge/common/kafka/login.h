/*
 * login.h
 *		Whether the brokers refuse us: the last failed login or TLS handshake of any client.
 *
 * librdkafka goes on trying, since a password may be changed on either side, and tells of it in its
 * log alone. Process-wide, as the credentials are. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"

/* Keeps a line of librdkafka's log if it tells of a refused login. */
void kafka_login_look(const char *line);

/*
 * "authentication failed: ..." where a login was refused in the last minute; else false, and the
 * text as it was. For whoever could not reach a broker.
 */
bool kafka_login_explain(char *text, size_t bytes);

/*
 * Whether SCRAM is asked for and librdkafka of this version (as rd_kafka_version()) sends what
 * brokers from 4.0 on refuse as a wrong password.
 */
bool kafka_scram_is_broken(const ConfigProperties *properties, int version);
