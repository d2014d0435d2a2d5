/*
 * inflight.c
 *		The transactions between PostgreSQL and Kafka's acknowledgement, and what may be confirmed.
 *
 * A ring of entries in commit order, oldest first. Acknowledgements arrive in any order (partitions
 * are independent); an entry leaves the ring only from its old end, so the durable position is the
 * end of a prefix without a hole. Words and call order stand in the header.
 */
#include "inflight.h"

#include <assert.h>
#include <stdlib.h>

typedef struct Entry
{
	uint64_t commit_lsn;
	uint64_t end_lsn;	   /* durable once this entry and all before it are; 0 while open */
	uint64_t events;	   /* handed to Kafka */
	uint64_t acknowledged; /* of those */
	int64_t commit_time;
} Entry;

struct Inflight
{
	uint64_t oldest; /* ticket of the oldest entry */
	uint64_t next;	 /* ticket of the entry after the newest */
	uint64_t bytes;
	uint64_t bytes_max;
	uint64_t received;
	uint64_t durable;
	uint32_t capacity;
	bool open; /* the newest entry still grows */
	Entry entries[];
};

Inflight *
inflight_new(uint32_t transactions_max, uint64_t bytes_max, uint64_t start_lsn)
{
	assert(transactions_max > 0 && bytes_max > 0);

	Inflight *ring = calloc(1, sizeof(Inflight) + (size_t) transactions_max * sizeof(Entry));

	if (ring == NULL)
		return NULL;
	ring->oldest = 1;
	ring->next = 1;
	ring->bytes_max = bytes_max;
	ring->capacity = transactions_max;
	ring->received = start_lsn;
	ring->durable = start_lsn;
	return ring;
}

void
inflight_free(Inflight *ring)
{
	free(ring);
}

static Entry *
entry_find(Inflight *ring, uint64_t ticket)
{
	assert(ticket >= ring->oldest && ticket < ring->next);
	return &ring->entries[ticket % ring->capacity];
}

static Entry *
entry_find_open(Inflight *ring)
{
	assert(ring->open);
	return entry_find(ring, ring->next - 1);
}

/*
 * Drops finished entries from the old end; the last one dropped is how far everything is durable.
 */
static void
ring_retire(Inflight *ring)
{
	while (ring->oldest < ring->next)
	{
		const Entry *entry = entry_find(ring, ring->oldest);

		if (entry->end_lsn == 0 || entry->acknowledged < entry->events)
			break;
		assert(entry->end_lsn >= ring->durable);
		ring->durable = entry->end_lsn;
		ring->oldest++;
	}
	assert(ring->durable <= ring->received);
	assert(ring->oldest < ring->next || ring->bytes == 0);
}

bool
inflight_has_entry(const Inflight *ring)
{
	return ring->next - ring->oldest < ring->capacity;
}

bool
inflight_has_bytes(const Inflight *ring, uint64_t bytes)
{
	return ring->bytes == 0 || ring->bytes + bytes <= ring->bytes_max;
}

uint64_t
inflight_begin(Inflight *ring, uint64_t commit_lsn, int64_t commit_time)
{
	assert(!ring->open && inflight_has_entry(ring));

	ring->open = true;
	ring->next++;
	*entry_find_open(ring) = (Entry){.commit_lsn = commit_lsn, .commit_time = commit_time};
	return ring->next - 1;
}

void
inflight_add_event(Inflight *ring, uint64_t bytes)
{
	assert(inflight_has_bytes(ring, bytes));
	entry_find_open(ring)->events++;
	ring->bytes += bytes;
}

void
inflight_remove_event(Inflight *ring, uint64_t bytes)
{
	Entry *entry = entry_find_open(ring);

	assert(entry->events > entry->acknowledged && ring->bytes >= bytes);
	entry->events--;
	ring->bytes -= bytes;
}

void
inflight_commit(Inflight *ring, uint64_t end_lsn)
{
	Entry *entry = entry_find_open(ring);

	assert(end_lsn > 0 && end_lsn >= ring->received);
	entry->end_lsn = end_lsn;
	ring->received = end_lsn;
	ring->open = false;
	ring_retire(ring);
}

void
inflight_ack(Inflight *ring, uint64_t ticket, uint64_t events, uint64_t bytes)
{
	Entry *entry = entry_find(ring, ticket);

	assert(entry->acknowledged + events <= entry->events && ring->bytes >= bytes);
	entry->acknowledged += events;
	ring->bytes -= bytes;
	ring_retire(ring);
}

void
inflight_advance(Inflight *ring, uint64_t lsn)
{
	if (ring->open || lsn <= ring->received)
		return;
	ring->received = lsn;
	if (ring->oldest == ring->next)
		ring->durable = lsn;
	else
		entry_find(ring, ring->next - 1)->end_lsn = lsn;
}

bool
inflight_get_open(const Inflight *ring, uint64_t *ticket, uint64_t *commit_lsn, uint64_t *events)
{
	if (!ring->open)
		return false;

	const Entry *entry = &ring->entries[(ring->next - 1) % ring->capacity];

	*ticket = ring->next - 1;
	*commit_lsn = entry->commit_lsn;
	*events = entry->events;
	return true;
}

int64_t
inflight_get_commit_time(const Inflight *ring, uint64_t ticket)
{
	assert(ticket >= ring->oldest && ticket < ring->next);
	return ring->entries[ticket % ring->capacity].commit_time;
}

uint64_t
inflight_get_received(const Inflight *ring)
{
	return ring->received;
}

uint64_t
inflight_get_durable(const Inflight *ring)
{
	return ring->durable;
}

uint64_t
inflight_get_bytes(const Inflight *ring)
{
	return ring->bytes;
}

uint64_t
inflight_count(const Inflight *ring)
{
	return ring->next - ring->oldest;
}
