/*
 * flow.c
 *		A pause ends only when there is room again, so that it is not lifted for single records.
 */
#include "flow.h"

#include <assert.h>

bool
flow_move_is_legal(FlowState from, FlowState to)
{
	assert(from < FLOW_STATE_COUNT && to < FLOW_STATE_COUNT);
	return from != to;
}

void
flow_move(Flow *flow, FlowState to)
{
	assert(flow_move_is_legal(flow->state, to));
	flow->state = to;
}

FlowState
flow_decide(Flow *flow, bool full, bool troubled, int64_t now_ms)
{
	if (!full)
		flow->full_since_ms = 0;
	else if (flow->full_since_ms == 0)
		flow->full_since_ms = now_ms;
	if (troubled || (full && now_ms - flow->full_since_ms >= FLOW_FULL_PATIENCE_MS))
		return FLOW_PAUSED;
	return full ? flow->state : FLOW_READING;
}
