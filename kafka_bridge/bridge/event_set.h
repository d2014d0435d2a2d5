/*
 * event_set.h
 *		A set of events by id, with a digest of each one's content. Pure; for comparisons.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct EventSet EventSet;

typedef enum EventSetMatch
{
	EVENT_SET_UNKNOWN, /* no event of this id was added */
	EVENT_SET_SAME,
	EVENT_SET_AGAIN,	 /* the same, and it was matched before */
	EVENT_SET_DIFFERENT, /* known id, other content */
} EventSetMatch;

/* NULL when memory is short. */
EventSet *event_set_new(void);
void event_set_free(EventSet *set);

/* id: 36 characters. False when memory is short. */
bool event_set_add(EventSet *set, const char *id, const char *content, size_t bytes);

/* Looks up an event and marks it as matched. */
EventSetMatch event_set_match(EventSet *set, const char *id, const char *content, size_t bytes);

size_t event_set_count(const EventSet *set);

/* How many were added and never matched; example (37 bytes, or NULL) gets the id of one. */
size_t event_set_count_unmatched(const EventSet *set, char *example);
