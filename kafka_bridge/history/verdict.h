/*
 * verdict.h
 *		What follows for the consumer from what happened (outcome.h) is done here.
 */
#pragma once

#include "consumer_state.h"
#include "outcome.h"

/*
 * The status says why, of whatever is not done; work is the queue that this is about, or NULL, task
 * the finished one, or NULL.
 */
void verdict_follow(Consumer *consumer, Verdict verdict, const Status *status, WorkQueue *work,
					const ApplyTask *task);

/* Asks for the verdict, and follows it. */
void verdict_obey(Consumer *consumer, Happening happening, const Status *status);

/* The same where something of our own failed before the queue's worker was asked. */
void verdict_obey_failure(Consumer *consumer, WorkQueue *work, const Status *status);
