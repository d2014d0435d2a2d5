/*
 * budget.h
 *		Memory that many requests share: asked for before it is used. Used inside common/http only.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct HttpBudget
{
	size_t most;
	atomic_size_t used;
} HttpBudget;

/* False: it is used up, and nothing was taken. */
static inline bool
http_budget_take(HttpBudget *budget, size_t bytes)
{
	if (atomic_fetch_add(&budget->used, bytes) + bytes <= budget->most)
		return true;
	atomic_fetch_sub(&budget->used, bytes);
	return false;
}

static inline void
http_budget_give(HttpBudget *budget, size_t bytes)
{
	atomic_fetch_sub(&budget->used, bytes);
}
