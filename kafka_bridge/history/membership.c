/*
 * membership.c
 *		What the group asks is answered here, never in a callback of librdkafka (subscriber.h).
 *
 * Whatever leaves the table is nobody's here: a batch that is still with the worker then meets a
 * fence that no longer fits (membership_owns()).
 */
#include "membership.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "observe/log.h"

#define ASK_TIMEOUT_MS 5000

static const char *const state_names[MEMBERSHIP_STATE_COUNT] = {"outside", "joining", "member",
																"leaving", "ended"};

/* By the state before and the state after. */
static const bool legal_moves[MEMBERSHIP_STATE_COUNT][MEMBERSHIP_STATE_COUNT] = {
	[MEMBERSHIP_OUTSIDE] = {[MEMBERSHIP_JOINING] = true, [MEMBERSHIP_ENDED] = true},
	[MEMBERSHIP_JOINING] = {[MEMBERSHIP_MEMBER] = true, [MEMBERSHIP_ENDED] = true},
	[MEMBERSHIP_MEMBER] = {[MEMBERSHIP_LEAVING] = true, [MEMBERSHIP_ENDED] = true},
	[MEMBERSHIP_LEAVING] = {[MEMBERSHIP_OUTSIDE] = true, [MEMBERSHIP_ENDED] = true},
};

const char *
membership_state_name(MembershipState state)
{
	assert(state < MEMBERSHIP_STATE_COUNT);
	return state_names[state];
}

bool
membership_move_is_legal(MembershipState from, MembershipState to)
{
	assert(from < MEMBERSHIP_STATE_COUNT && to < MEMBERSHIP_STATE_COUNT);
	return legal_moves[from][to];
}

static void
state_move(Membership *membership, MembershipState to)
{
	assert(membership_move_is_legal(membership->state, to));
	log_debug("membership changed", log_text("from", membership_state_name(membership->state)),
			  log_text("to", membership_state_name(to)));
	membership->state = to;
}

Status
membership_join(Membership *membership)
{
	assert(membership->table.count == 0);
	state_move(membership, MEMBERSHIP_JOINING);
	return subscriber_join(membership->subscriber);
}

/* Partitions that were given but never read: the group is told so, or it would wait for ever. */
static void
claiming_partitions_decline(Membership *membership)
{
	for (size_t i = membership->table.count; i-- > 0;)
		if (membership->table.partitions[i].state == PARTITION_CLAIMING)
			partition_table_remove(&membership->table, membership->table.partitions[i].number);
	subscriber_decline(membership->subscriber);
}

Status
membership_leave(Membership *membership)
{
	state_move(membership, MEMBERSHIP_LEAVING);
	claiming_partitions_decline(membership);
	return subscriber_leave(membership->subscriber);
}

void
membership_leave_finish(Membership *membership)
{
	if (membership->state == MEMBERSHIP_LEAVING && membership->table.count == 0)
		state_move(membership, MEMBERSHIP_OUTSIDE);
}

void
membership_end(Membership *membership)
{
	if (membership->state != MEMBERSHIP_ENDED)
		state_move(membership, MEMBERSHIP_ENDED);
}

void
membership_free(Membership *membership)
{
	partition_table_free(&membership->table);
	free(membership->claims);
	membership->claims = NULL;
	free(membership->reaches);
	membership->reaches = NULL;
}

Status
membership_partitions_came(Membership *membership, const int32_t *partitions, size_t count)
{
	membership->was_member = true;
	if (membership->state == MEMBERSHIP_JOINING)
		state_move(membership, MEMBERSHIP_MEMBER);
	/* What was on its way when the group was left, and an empty assignment, must be answered too:
	 * the group would wait for ever. */
	if (count == 0 || membership->state != MEMBERSHIP_MEMBER)
	{
		subscriber_decline(membership->subscriber);
		return status_ok();
	}
	for (size_t i = 0; i < count; i++)
		if (partition_table_add(&membership->table, partitions[i]) == NULL)
			return status_bug("out of memory");
	return status_ok();
}

/* Partitions of the list that are, or may be, paused. */
static size_t
paused_partitions_find(const Membership *membership, const int32_t *partitions, size_t count,
					   int32_t *found)
{
	size_t found_count = 0;

	for (size_t i = 0; i < count; i++)
	{
		const Partition *partition = partition_table_find(&membership->table, partitions[i]);

		if (partition != NULL && partition->state != PARTITION_CLAIMING)
			found[found_count++] = partitions[i];
	}
	return found_count;
}

/* A pause would outlive the assignment. */
static void
pause_lift(Membership *membership, const int32_t *partitions, size_t count)
{
	int32_t *paused = calloc(count + 1, sizeof(*paused));
	Status status = status_bug("out of memory");

	if (paused != NULL)
		status = subscriber_resume(membership->subscriber, paused,
								   paused_partitions_find(membership, partitions, count, paused));
	if (!status_is_ok(&status))
		log_status(LOG_LEVEL_WARNING, "a pause is not lifted", &status);
	free(paused);
}

void
membership_partitions_went(Membership *membership, const int32_t *partitions, size_t count)
{
	pause_lift(membership, partitions, count);
	for (size_t i = 0; i < count; i++)
		partition_table_remove(&membership->table, partitions[i]);
	subscriber_give_back(membership->subscriber);
}

bool
membership_claim_is_due(const Membership *membership)
{
	return membership->state == MEMBERSHIP_MEMBER &&
		   partition_table_count(&membership->table, PARTITION_CLAIMING) > 0;
}

Status
membership_claims_make(Membership *membership)
{
	size_t waiting = partition_table_count(&membership->table, PARTITION_CLAIMING);

	assert(membership_claim_is_due(membership));
	free(membership->claims);
	membership->claim_count = 0;
	membership->claims = calloc(waiting, sizeof(*membership->claims));
	if (membership->claims == NULL)
		return status_bug("out of memory");

	Status status =
		subscriber_topic_id(membership->subscriber, ASK_TIMEOUT_MS, membership->topic_id);

	if (!status_is_ok(&status))
		return status;
	for (size_t i = 0; i < membership->table.count; i++)
	{
		const Partition *partition = &membership->table.partitions[i];
		PositionClaim *claim = &membership->claims[membership->claim_count];

		if (partition->state != PARTITION_CLAIMING)
			continue;

		status = subscriber_bounds(membership->subscriber, partition->number, ASK_TIMEOUT_MS,
								   &claim->start_offset, &claim->end_offset);
		if (!status_is_ok(&status))
			return status;
		claim->partition = partition->number;
		memcpy(claim->topic_id, membership->topic_id, KAFKA_TOPIC_ID_BYTES);
		membership->claim_count++;
	}
	return status_ok();
}

/* The former owner may have gone on after the end was asked for, and can't any more. */
static Status
claim_end_check(Membership *membership, PositionClaim *claim)
{
	Status status = status_ok();

	if (claim->mark.offset >= claim->end_offset)
		status = subscriber_bounds(membership->subscriber, claim->partition, ASK_TIMEOUT_MS,
								   &claim->start_offset, &claim->end_offset);
	if (status_is_ok(&status) && claim->mark.offset >= claim->end_offset)
		status = position_mark_refuse_end(claim->partition, &claim->mark, claim->end_offset);
	return status;
}

Status
membership_claims_check(Membership *membership)
{
	for (size_t i = 0; i < membership->claim_count; i++)
	{
		PositionClaim *claim = &membership->claims[i];
		Status status = claim_end_check(membership, claim);
		char why[STATUS_TEXT_BYTES];

		if (!status_is_ok(&status))
			return status;
		if (claim->topic_id[0] == '\0' || membership->topic_id[0] == '\0' ||
			strcmp(claim->topic_id, membership->topic_id) == 0)
			continue;
		snprintf(why, sizeof(why), "Kafka's id of the topic was %s and is %s", claim->topic_id,
				 membership->topic_id);
		return position_mark_refuse(claim->partition, why);
	}
	return status_ok();
}

/* Only compaction removes a record from before others that stay. */
static Status
missing_mark_judge(Membership *membership, Partition *partition)
{
	bool is_compacted = false;
	Status status =
		subscriber_topic_is_compacted(membership->subscriber, ASK_TIMEOUT_MS, &is_compacted);

	if (status.class == STATUS_RETRY)
		return status;
	if (!is_compacted)
		return position_mark_refuse(partition->number,
									"the record that was applied last is not in it");
	log_warning("the record that was applied last was compacted away: the topic is taken for the "
				"one that was read",
				log_integer("partition", partition->number),
				log_integer("offset", partition->mark.offset));
	return status_ok();
}

Status
membership_mark_meet(Membership *membership, Partition *partition, const PositionMark *found)
{
	Status status = status_ok();

	if (partition->mark.offset < 0)
		return status;
	switch (position_mark_judge(&partition->mark, found))
	{
		case MARK_STANDS:
			break;
		case MARK_REPLACED:
			return position_mark_refuse_record(partition->number, &partition->mark);
		case MARK_MISSING:
			status = missing_mark_judge(membership, partition);
			break;
	}
	if (status_is_ok(&status))
		partition->mark = POSITION_MARK_NONE;
	return status;
}

static void
claim_log(const PositionClaim *claim)
{
	log_info("partition taken over", log_integer("partition", claim->partition),
			 log_integer("next_offset", claim->next_offset), log_integer("fence", claim->fence),
			 log_text("former_owner", claim->former_owner));
	if (claim->next_offset == claim->start_offset && claim->start_offset > 0 && claim->fence == 1)
		log_warning("the topic no longer has the partition's first records: the history begins "
					"without them",
					log_integer("partition", claim->partition),
					log_integer("earliest_offset", claim->start_offset));
}

Status
membership_claims_take(Membership *membership)
{
	SubscriberPosition *positions = calloc(membership->claim_count, sizeof(*positions));
	size_t count = 0;

	if (positions == NULL)
		return status_bug("out of memory");
	for (size_t i = 0; i < membership->claim_count; i++)
	{
		const PositionClaim *claim = &membership->claims[i];
		Partition *partition = partition_table_find(&membership->table, claim->partition);

		/* It went, or went and came again, since the claim was submitted. */
		if (partition == NULL || partition->state != PARTITION_CLAIMING)
			continue;
		partition->state = PARTITION_READING;
		server_clock_tell(&membership->clock, claim->server_us, clock_monotonic_us());
		if (claim->source[0] != '\0')
			memcpy(membership->source.own, claim->source, EVENT_SOURCE_BYTES);
		partition->fence = claim->fence;
		partition->read_offset = claim->next_offset;
		partition->applied_offset = claim->next_offset;
		/* Where retention has removed the mark, nothing tells any more. */
		if (claim->mark.offset >= claim->start_offset)
			partition->mark = claim->mark;
		partition->newest = claim->mark;
		partition->anchor = claim->anchor.offset >= 0 ? claim->anchor : claim->mark;
		positions[count++] = (SubscriberPosition){claim->partition, partition->mark.offset >= 0
																		? partition->mark.offset
																		: claim->next_offset};
		claim_log(claim);
	}

	Status status = subscriber_assign(membership->subscriber, positions, count);

	free(positions);
	return status;
}

bool
membership_owns(const Membership *membership, const BatchPosition *position)
{
	const Partition *partition = partition_table_find(&membership->table, position->partition);

	return partition != NULL && partition->fence == position->fence;
}

bool
membership_owns_batch(const Membership *membership, const Batch *batch)
{
	for (size_t i = 0; i < batch->position_count; i++)
		if (!membership_owns(membership, &batch->positions[i]))
			return false;
	return true;
}

void
membership_batch_prune(const Membership *membership, Batch *batch)
{
	for (size_t i = batch->position_count; i-- > 0;)
		if (!membership_owns(membership, &batch->positions[i]))
			batch_drop_partition(batch, batch->positions[i].partition, subscriber_record_release);
	if (membership->state == MEMBERSHIP_LEAVING)
		batch_clear(batch, subscriber_record_release);
}

void
membership_positions_move(Membership *membership, const Batch *batch)
{
	for (size_t i = 0; i < batch->position_count; i++)
	{
		const BatchPosition *position = &batch->positions[i];
		Partition *partition = partition_table_find(&membership->table, position->partition);

		/* It may have gone, or gone and come back, while the batch was applied. */
		if (!membership_owns(membership, position))
			continue;
		assert(position->from_offset == partition->applied_offset &&
			   position->next_offset <= partition->read_offset);
		partition->applied_offset = position->next_offset;

		PositionMark newest = batch_position_mark(batch, position);

		if (newest.offset >= 0)
			partition->newest = newest;
		/* At once: later it could be a record of a topic that was made anew meanwhile. */
		if (partition->anchor.offset < 0)
			partition->anchor = newest;
	}
}

MembershipAnchor *
membership_anchors_make(Membership *membership, size_t *count)
{
	MembershipAnchor *anchors = calloc(membership->table.count + 1, sizeof(*anchors));

	*count = 0;
	for (size_t i = 0; anchors != NULL && i < membership->table.count; i++)
	{
		Partition *partition = &membership->table.partitions[i];

		partition->next_anchor = partition->newest;
		if (partition->anchor.offset >= 0)
			anchors[(*count)++] = (MembershipAnchor){partition->number, partition->anchor};
	}
	return anchors;
}

void
membership_anchors_move(Membership *membership)
{
	for (size_t i = 0; i < membership->table.count; i++)
	{
		Partition *partition = &membership->table.partitions[i];

		if (partition->next_anchor.offset >= 0)
			partition->anchor = partition->next_anchor;
	}
}

/* What Kafka last said of a partition's end is about so old at most while a broker is connected. */
#define END_AGE_MAX_US 1000000

int64_t
membership_partition_lag(const Membership *membership, const Partition *partition)
{
	int64_t end = subscriber_end_offset(membership->subscriber, partition->number);
	int64_t done = partition_done_offset(partition);

	if (partition->state == PARTITION_CLAIMING || end < 0)
		return -1;
	return end > done ? end - done : 0;
}

void
membership_ends_look(Membership *membership)
{
	int64_t now_us = server_clock_now(&membership->clock, clock_monotonic_us(), clock_wall_us());

	if (!subscriber_is_connected(membership->subscriber))
		return;
	for (size_t i = 0; i < membership->table.count; i++)
	{
		Partition *partition = &membership->table.partitions[i];

		if (partition->state == PARTITION_CLAIMING)
			continue;
		partition_end_see(partition,
						  subscriber_end_offset(membership->subscriber, partition->number),
						  now_us - END_AGE_MAX_US);
	}
}

Status
membership_reaches_make(Membership *membership)
{
	free(membership->reaches);
	membership->reach_count = 0;
	membership->reaches = calloc(membership->table.count + 1, sizeof(*membership->reaches));
	if (membership->reaches == NULL)
		return status_bug("out of memory");
	for (size_t i = 0; i < membership->table.count; i++)
	{
		const Partition *partition = &membership->table.partitions[i];

		if (partition->state != PARTITION_CLAIMING)
			membership->reaches[membership->reach_count++] =
				(PositionReach){partition->number, partition->fence, partition->complete_at_us,
								partition->anchor, partition->applied_offset};
	}
	return status_ok();
}

void
membership_positions_tell(Membership *membership, bool wait)
{
	SubscriberPosition *positions = calloc(membership->table.count + 1, sizeof(*positions));
	size_t count = 0;

	for (size_t i = 0; positions != NULL && i < membership->table.count; i++)
	{
		Partition *partition = &membership->table.partitions[i];

		if (partition->state == PARTITION_CLAIMING ||
			partition->told_offset == partition->applied_offset)
			continue;
		partition->told_offset = partition->applied_offset;
		positions[count++] = (SubscriberPosition){partition->number, partition->applied_offset};
	}
	if (positions != NULL)
		subscriber_commit(membership->subscriber, positions, count, wait);
	free(positions);
}

Status
membership_partition_halt(Membership *membership, int32_t number)
{
	Partition *partition = partition_table_find(&membership->table, number);

	if (partition == NULL)
		return status_ok();
	partition->state = PARTITION_HALTED;
	return subscriber_pause(membership->subscriber, &number, 1);
}

void
membership_flow_follow(const Membership *membership, Flow *flow, FlowState state)
{
	bool pause = state == FLOW_PAUSED;
	int32_t *partitions;
	size_t count = 0;

	/* At each turn of the loop. */
	if (flow->state == state)
		return;

	Status status = status_bug("out of memory");

	flow_move(flow, state);
	partitions = calloc(membership->table.count + 1, sizeof(*partitions));
	for (size_t i = 0; partitions != NULL && i < membership->table.count; i++)
		if (membership->table.partitions[i].state == PARTITION_READING)
			partitions[count++] = membership->table.partitions[i].number;
	if (partitions != NULL)
		status = (pause ? subscriber_pause : subscriber_resume)(membership->subscriber, partitions,
																count);
	log_info(pause ? "partitions paused" : "partitions resumed",
			 log_integer("count", (int64_t) count));
	if (!status_is_ok(&status))
		log_status(LOG_LEVEL_WARNING, "partitions do not follow", &status);
	free(partitions);
}
