/*
 * flow.h
 *		Whether partitions are read or paused: reading stops when memory is full and the worker
 *		stays away, or when PostgreSQL is in trouble; polling, and so membership, goes on. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Memory may be full for so long before partitions are paused. */
#define FLOW_FULL_PATIENCE_MS 1000

typedef enum FlowState
{
	FLOW_READING,
	FLOW_PAUSED,
	FLOW_STATE_COUNT
} FlowState;

/* Zero-initialised reads. */
typedef struct Flow
{
	FlowState state;
	int64_t full_since_ms; /* memory is full since, 0: it is not */
} Flow;

bool flow_move_is_legal(FlowState from, FlowState to);
void flow_move(Flow *flow, FlowState to);

/* The state that fits: full says that no record more should be read, troubled that the last task
 * failed. */
FlowState flow_decide(Flow *flow, bool full, bool troubled, int64_t now_ms);
