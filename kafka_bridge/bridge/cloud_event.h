/*
 * cloud_event.h
 *		The texts of CloudEvents headers: time and sequence. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLOUD_EVENT_TIME_BYTES	   28 /* 2026-11-22T23:46:03.123456Z and a terminator */
#define CLOUD_EVENT_SEQUENCE_BYTES 26 /* 00000000016B3748-00000001 and a terminator */

/* RFC 3339 in UTC with microseconds; time in microseconds since 1970, years 1 to 9999. */
void cloud_event_time_write(int64_t time, char text[CLOUD_EVENT_TIME_BYTES]);

/* Sorts as text in the order of commits and of the entries in each. */
void cloud_event_sequence_write(uint64_t end_lsn, uint32_t ordinal,
								char text[CLOUD_EVENT_SEQUENCE_BYTES]);

/* The same text taken apart; false where it is none. */
bool cloud_event_sequence_read(const char *text, uint64_t *end_lsn, uint32_t *ordinal);
