/*
 * inflight.h
 *		The transactions between PostgreSQL and Kafka's acknowledgement, and what may be confirmed.
 *
 * Pure: no I/O, no clock, no lock. The caller serialises every call (in the bridge: one mutex).
 *
 * Words
 *		ticket		names a transaction of the ring: 1, 2, 3 ... in commit order
 *		received	end of the newest transaction received whole, or a later keepalive position
 *		durable		the newest position such that every event before it is acknowledged (INV-8)
 *
 * Invariants, asserted: durable <= received; neither ever goes back; a transaction is never
 * acknowledged beyond the events handed over; at most one transaction is open, the newest.
 *
 * Legal order: begin (add_event)* commit, repeated; ack of a ticket at any time after its
 * add_event; advance at any time, without effect while a transaction is open.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct Inflight Inflight;

/*
 * A ring for at most transactions_max transactions and bytes_max bytes of unacknowledged events,
 * both above 0. start_lsn is where the stream starts: received and durable until something moves
 * them. The caller frees the result; NULL when memory is short.
 */
Inflight *inflight_new(uint32_t transactions_max, uint64_t bytes_max, uint64_t start_lsn);
void inflight_free(Inflight *ring);

/* Whether a transaction may begin: the ring has a free entry. */
bool inflight_has_entry(const Inflight *ring);

/* Whether an event of this many bytes may be added: it fits, or nothing else is in flight. */
bool inflight_has_bytes(const Inflight *ring, uint64_t bytes);

/*
 * Opens a transaction and returns its ticket. commit_lsn is where its commit record starts,
 * commit_time is in microseconds since 1970. Needs inflight_has_entry and no open transaction.
 */
uint64_t inflight_begin(Inflight *ring, uint64_t commit_lsn, int64_t commit_time);

/* Counts one more event of the open transaction as handed to Kafka. */
void inflight_add_event(Inflight *ring, uint64_t bytes);

/* Takes back the event added last, which Kafka's library did not accept. */
void inflight_remove_event(Inflight *ring, uint64_t bytes);

/* Closes the open transaction. end_lsn is the position after its commit record. */
void inflight_commit(Inflight *ring, uint64_t end_lsn);

/* Counts events of one transaction, with their bytes together, as acknowledged by Kafka. */
void inflight_ack(Inflight *ring, uint64_t ticket, uint64_t events, uint64_t bytes);

/*
 * The server has nothing for us before lsn. Counts as received at once, as durable when everything
 * that was received before it is; ignored while a transaction is open.
 */
void inflight_advance(Inflight *ring, uint64_t lsn);

/*
 * The open transaction: its ticket, its commit_lsn and how many events of it were handed over, so
 * that a stream that starts again inside it can skip those. False where none is open.
 */
bool inflight_get_open(const Inflight *ring, uint64_t *ticket, uint64_t *commit_lsn,
					   uint64_t *events);

/* The commit time of a ticket that is still in the ring, in microseconds since 1970. */
int64_t inflight_get_commit_time(const Inflight *ring, uint64_t ticket);

uint64_t inflight_get_received(const Inflight *ring);
uint64_t inflight_get_durable(const Inflight *ring);
uint64_t inflight_get_bytes(const Inflight *ring);

/* Transactions in the ring, the open one included. */
uint64_t inflight_count(const Inflight *ring);
