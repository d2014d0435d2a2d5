/*
 * membership.h
 *		This process as a member of the consumer group, and the partitions that it has.
 *
 *		OUTSIDE	the group was not asked, or has taken all back: nothing can be applied yet
 *		JOINING	the group was asked; it has given nothing yet
 *		MEMBER	the group has given this process its partitions, be it none
 *		LEAVING	everything is being given up; the group takes it back
 *		ENDED	reading is over for good: what is in memory may still be applied
 *
 * A partition that comes is claimed in PostgreSQL first: the claim raises its fence, so that no
 * batch of a former owner can commit any more, and tells where to go on. Only then is it read.
 *
 * Call order: membership_join(); then, as the group says, membership_partitions_came(),
 * membership_claims_make() and membership_claims_take(), membership_partitions_went(); at last
 * membership_end(); membership_free(). All of it belongs to the consumer's thread; the claims are
 * the worker's while a claim task runs.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "batch.h"
#include "event_source.h"
#include "flow.h"
#include "partition_table.h"
#include "position_store.h"
#include "server_clock.h"
#include "base/status.h"
#include "subscriber.h"

typedef enum MembershipState
{
	MEMBERSHIP_OUTSIDE,
	MEMBERSHIP_JOINING,
	MEMBERSHIP_MEMBER,
	MEMBERSHIP_LEAVING,
	MEMBERSHIP_ENDED,
	MEMBERSHIP_STATE_COUNT
} MembershipState;

typedef struct Membership
{
	Subscriber *subscriber; /* not owned */
	MembershipState state;
	bool was_member; /* the first answer of the group has come */
	PartitionTable table;
	EventSource source;
	ServerClock clock;
	char topic_id[KAFKA_TOPIC_ID_BYTES]; /* as the latest claims were made, "": not known */
	PositionClaim *claims;				 /* of the latest claim task */
	size_t claim_count;
	PositionReach *reaches; /* of the latest count task */
	size_t reach_count;
} Membership;

/* Static text: "outside" ... */
const char *membership_state_name(MembershipState state);

/* Whether a membership may go from one state to another; every move is asserted. */
bool membership_move_is_legal(MembershipState from, MembershipState to);

/* Asks the group for partitions: from OUTSIDE. */
Status membership_join(Membership *membership);

/* Gives up all partitions; those not yet read at once, the others when the group takes them. */
Status membership_leave(Membership *membership);

/* Once all partitions are given up, the membership is over. */
void membership_leave_finish(Membership *membership);

void membership_end(Membership *membership);
void membership_free(Membership *membership);

/* The group gives partitions: they wait for their claims. BUG: out of memory. */
Status membership_partitions_came(Membership *membership, const int32_t *partitions, size_t count);

/* The group takes partitions: after this nothing of them may be in memory, but for the batch that
 * the worker has. */
void membership_partitions_went(Membership *membership, const int32_t *partitions, size_t count);

/* Whether partitions wait for a claim that may be made now. */
bool membership_claim_is_due(const Membership *membership);

/* Asks Kafka where the waiting partitions begin and makes their claims. */
Status membership_claims_make(Membership *membership);

/* The claims are made. FATAL: the topic is not the one that was read (INV-14); RETRY: that can't be
 * found out now. */
Status membership_claims_check(Membership *membership);

/* A partition's first record since it was claimed, or its end, was met: is it where it should be?
 * RETRY: that can't be found out now; FATAL: the topic is not the one that was read. */
Status membership_mark_meet(Membership *membership, Partition *partition,
							const PositionMark *found);

/* The claims are checked: reads those of the partitions that are still ours. */
Status membership_claims_take(Membership *membership);

/* Whether what was read under this fence is still this process's to apply. */
bool membership_owns(const Membership *membership, const BatchPosition *position);

bool membership_owns_batch(const Membership *membership, const Batch *batch);

/* Drops from a batch what is no longer this process's to apply: its next owner reads it again. */
void membership_batch_prune(const Membership *membership, Batch *batch);

/* The batch is applied: moves its partitions' positions. */
void membership_positions_move(Membership *membership, const Batch *batch);

/* A record that was applied a while ago, and must stand in the partition (topic_watch.h). */
typedef struct MembershipAnchor
{
	int32_t partition;
	PositionMark mark;
} MembershipAnchor;

/* From malloc(), or NULL. The newest applied records are noted as the next anchors. */
MembershipAnchor *membership_anchors_make(Membership *membership, size_t *count);

/* The anchors stand: the next ones take their place. */
void membership_anchors_move(Membership *membership);

/* Records of the partition that are not applied yet; -1 while that is not known. */
int64_t membership_partition_lag(const Membership *membership, const Partition *partition);

/* Looks where the partitions end now: once a partition is applied that far, it is complete. */
void membership_ends_look(Membership *membership);

/* Up to when each partition is complete, and its anchor, for a count task. */
Status membership_reaches_make(Membership *membership);

/* Tells Kafka the applied positions, for the lag tools. */
void membership_positions_tell(Membership *membership, bool wait);

/* A policy stops the partition; it stays so until a restart. */
Status membership_partition_halt(Membership *membership, int32_t partition);

/* Pauses or resumes all that is being read, where the flow is not in this state yet. */
void membership_flow_follow(const Membership *membership, Flow *flow, FlowState state);
