/*
 * outcome.c
 *		The same failure means something else while partitions are being given up, or after reading
 *		has ended: so each rule looks at the membership.
 */
#include "outcome.h"

#include <assert.h>

static Happening
outcome_of_batch(const ApplyReport *report, bool partition_went, bool poison_stops)
{
	switch (report->outcome)
	{
		case APPLY_DONE:
			break;
		case APPLY_FENCED:
			return partition_went ? HAPPENED_PARTITION_WENT : HAPPENED_FENCE_LOST;
		case APPLY_HALT:
			return HAPPENED_POLICY_HALT;
		case APPLY_POISON:
			return poison_stops ? HAPPENED_POISON_REFUSED : HAPPENED_POISON_MARKED;
	}
	return HAPPENED_DONE;
}

Happening
outcome_of_task(const ApplyTask *task, bool partition_went, bool poison_stops)
{
	if (task->status.class == STATUS_RETRY)
		return HAPPENED_TASK_FAILED;
	if (task->status.class != STATUS_OK)
		return HAPPENED_TASK_BROKEN;
	if (task->kind == APPLY_TASK_BATCH)
		return outcome_of_batch(&task->report, partition_went, poison_stops);
	return task->kind == APPLY_TASK_COUNT && task->positions_lost ? HAPPENED_FENCE_LOST
																  : HAPPENED_DONE;
}

/* What a batch that was not applied means, while its partitions are this process's. */
static Verdict
batch_judge(MembershipState membership, Happening happening)
{
	switch (happening)
	{
		case HAPPENED_PARTITION_WENT:
		case HAPPENED_POISON_MARKED:
			return VERDICT_TRY_NOW;
		case HAPPENED_POLICY_HALT:
			return VERDICT_HALT_PARTITION;
		case HAPPENED_POISON_REFUSED:
			return VERDICT_STOP_AT_POISON;
		default:
			/* The fence is lost. Nobody joins anew after the end of reading. */
			return membership == MEMBERSHIP_ENDED ? VERDICT_DROP_BATCH : VERDICT_LEAVE_GROUP;
	}
}

Verdict
outcome_judge(MembershipState membership, Happening happening)
{
	bool has_partitions = membership == MEMBERSHIP_MEMBER || membership == MEMBERSHIP_ENDED;

	assert(membership < MEMBERSHIP_STATE_COUNT && happening < HAPPENING_COUNT);
	switch (happening)
	{
		case HAPPENED_DONE:
		case HAPPENED_READING_FAILED:
			return VERDICT_GO_ON;
		case HAPPENED_PARTITION_WENT:
		case HAPPENED_FENCE_LOST:
		case HAPPENED_POLICY_HALT:
		case HAPPENED_POISON_MARKED:
		case HAPPENED_POISON_REFUSED:
			/* A batch of a membership that is over: the next owner reads its records again. */
			return has_partitions ? batch_judge(membership, happening) : VERDICT_DROP_BATCH;
		case HAPPENED_DATABASE_AWAY:
		case HAPPENED_TAKING_REFUSED:
		case HAPPENED_TOPIC_WENT:
			/* Refused: the group has changed again meanwhile, joining anew sorts it out. */
			return membership == MEMBERSHIP_MEMBER ? VERDICT_LEAVE_GROUP : VERDICT_GO_ON;
		case HAPPENED_TASK_FAILED:
			return VERDICT_TRY_LATER;
		case HAPPENED_TASK_BROKEN:
			return VERDICT_END;
		case HAPPENED_POISON_READ:
		case HAPPENED_MEMORY_OUT:
			return VERDICT_STOP_READING;
		case HAPPENED_READING_BROKEN:
			return VERDICT_STOP_GATHERING;
		case HAPPENING_COUNT:
			break;
	}
	return VERDICT_END;
}

bool
outcome_verdict_is_possible(MembershipState membership, Verdict verdict)
{
	switch (verdict)
	{
		case VERDICT_GO_ON:
		case VERDICT_TRY_LATER:
		case VERDICT_STOP_GATHERING:
		case VERDICT_STOP_READING:
		case VERDICT_END:
			return true;
		case VERDICT_TRY_NOW:
		case VERDICT_HALT_PARTITION:
		case VERDICT_STOP_AT_POISON:
			return membership == MEMBERSHIP_MEMBER || membership == MEMBERSHIP_ENDED;
		case VERDICT_DROP_BATCH:
			return membership != MEMBERSHIP_MEMBER;
		case VERDICT_LEAVE_GROUP:
			return membership == MEMBERSHIP_MEMBER;
		case VERDICT_COUNT:
			break;
	}
	return false;
}
