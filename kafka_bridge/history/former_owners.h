/*
 * former_owners.h
 *		Whose partitions were taken over: a former owner that hangs in the middle of its transaction
 *		holds rows that must be written, and its session may be ended. Any thread.
 */
#pragma once

#include <pthread.h>
#include <stddef.h>

#include "base/status.h"
#include "base/wait.h"
#include "history_session.h"

#define FORMER_OWNERS_MAX 8

typedef struct FormerOwners
{
	pthread_mutex_t mutex;								/* guards the rest */
	char names[FORMER_OWNERS_MAX][HISTORY_OWNER_BYTES]; /* the latest, in a ring; "": none */
	size_t count;										/* noted ever */
} FormerOwners;

void former_owners_init(FormerOwners *owners);
void former_owners_free(FormerOwners *owners);

/* "" is nobody. */
void former_owners_note(FormerOwners *owners, const char *name);

/* Ends the sessions of those who were noted. */
Status former_owners_terminate(FormerOwners *owners, const HistorySession *session,
							   const Wait *wait);
