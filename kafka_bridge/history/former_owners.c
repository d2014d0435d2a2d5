/*
 * former_owners.c
 *		Asked without the mutex: PostgreSQL may take its time.
 */
#include "former_owners.h"

#include <string.h>

void
former_owners_init(FormerOwners *owners)
{
	*owners = (FormerOwners){.count = 0};
	pthread_mutex_init(&owners->mutex, NULL);
}

void
former_owners_free(FormerOwners *owners)
{
	pthread_mutex_destroy(&owners->mutex);
}

void
former_owners_note(FormerOwners *owners, const char *name)
{
	if (name[0] == '\0')
		return;
	pthread_mutex_lock(&owners->mutex);
	memcpy(owners->names[owners->count++ % FORMER_OWNERS_MAX], name, HISTORY_OWNER_BYTES);
	pthread_mutex_unlock(&owners->mutex);
}

Status
former_owners_terminate(FormerOwners *owners, const HistorySession *session, const Wait *wait)
{
	char names[FORMER_OWNERS_MAX][HISTORY_OWNER_BYTES];
	Status status = status_ok();

	pthread_mutex_lock(&owners->mutex);
	memcpy(names, owners->names, sizeof(names));
	pthread_mutex_unlock(&owners->mutex);
	for (size_t i = 0; i < FORMER_OWNERS_MAX && status_is_ok(&status); i++)
		if (names[i][0] != '\0')
			status = history_session_terminate(session, wait, names[i]);
	return status;
}
