/*
 * event_set.c
 *		A set of events by id, with a digest of each one's content. Pure; for comparisons.
 *
 * Open addressing over ids, which are random enough (UUID version 5) to be their own hash. The
 * digest is FNV-1a: it guards against damage, not against an adversary.
 */
#include "event_set.h"

#include <stdlib.h>
#include <string.h>

#define ID_BYTES	   36
#define CAPACITY_FIRST 1024

typedef struct Entry
{
	char id[ID_BYTES]; /* begins with NUL: free */
	bool matched;
	uint64_t digest;
} Entry;

struct EventSet
{
	Entry *entries;
	size_t capacity; /* a power of two */
	size_t count;
};

static uint64_t
digest_make(const char *content, size_t bytes)
{
	uint64_t digest = 14695981039346656037u;

	for (size_t i = 0; i < bytes; i++)
		digest = (digest ^ (unsigned char) content[i]) * 1099511628211u;
	return digest;
}

EventSet *
event_set_new(void)
{
	EventSet *set = calloc(1, sizeof(*set));

	if (set == NULL)
		return NULL;
	set->capacity = CAPACITY_FIRST;
	set->entries = calloc(set->capacity, sizeof(Entry));
	if (set->entries == NULL)
	{
		free(set);
		return NULL;
	}
	return set;
}

void
event_set_free(EventSet *set)
{
	if (set == NULL)
		return;
	free(set->entries);
	free(set);
}

/* The entry of an id, or the free one where it belongs. */
static Entry *
entry_find(Entry *entries, size_t capacity, const char *id)
{
	size_t at = (size_t) digest_make(id, ID_BYTES) & (capacity - 1);

	while (entries[at].id[0] != '\0' && memcmp(entries[at].id, id, ID_BYTES) != 0)
		at = (at + 1) & (capacity - 1);
	return &entries[at];
}

static bool
set_grow(EventSet *set)
{
	size_t capacity = set->capacity * 2;
	Entry *entries = calloc(capacity, sizeof(Entry));

	if (entries == NULL)
		return false;
	for (size_t i = 0; i < set->capacity; i++)
		if (set->entries[i].id[0] != '\0')
			*entry_find(entries, capacity, set->entries[i].id) = set->entries[i];
	free(set->entries);
	set->entries = entries;
	set->capacity = capacity;
	return true;
}

bool
event_set_add(EventSet *set, const char *id, const char *content, size_t bytes)
{
	if (set->count >= set->capacity / 2 && !set_grow(set))
		return false;

	Entry *entry = entry_find(set->entries, set->capacity, id);

	set->count += entry->id[0] == '\0';
	memcpy(entry->id, id, ID_BYTES);
	entry->digest = digest_make(content, bytes);
	entry->matched = false;
	return true;
}

EventSetMatch
event_set_match(EventSet *set, const char *id, const char *content, size_t bytes)
{
	Entry *entry = entry_find(set->entries, set->capacity, id);
	bool again = entry->matched;

	if (entry->id[0] == '\0')
		return EVENT_SET_UNKNOWN;
	entry->matched = true;
	if (entry->digest != digest_make(content, bytes))
		return EVENT_SET_DIFFERENT;
	return again ? EVENT_SET_AGAIN : EVENT_SET_SAME;
}

size_t
event_set_count(const EventSet *set)
{
	return set->count;
}

size_t
event_set_count_unmatched(const EventSet *set, char *example)
{
	size_t unmatched = 0;

	for (size_t i = 0; i < set->capacity; i++)
	{
		const Entry *entry = &set->entries[i];

		if (entry->id[0] == '\0' || entry->matched)
			continue;
		if (unmatched++ == 0 && example != NULL)
		{
			memcpy(example, entry->id, ID_BYTES);
			example[ID_BYTES] = '\0';
		}
	}
	return unmatched;
}
