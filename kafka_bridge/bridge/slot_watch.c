/*
 * slot_watch.c
 *		Looks at the slot's copies on the standbys.
 *
 * On 15 and 16 a cluster manager copies the slot and moves the copy on, from 17 on the server does.
 * A copy that is not where the slot was a while ago is not moved on any more.
 */
#include "slot_watch.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/wake.h"
#include "bridge_metrics.h"
#include "lsn.h"
#include "observe/log.h"

#define LOOK_INTERVAL_MS 4000
#define HOST_TIMEOUT_MS	 2000
#define BEHIND_MS		 60000 /* a copy may be behind by as much, and twice as much is told */

struct SlotWatch
{
	const BridgeConfig *config;
	Outbox *outbox;
	Metrics *metrics;
	Health *health;
	size_t host_count;
	char said[256];			   /* in /health */
	uint64_t confirmed_before; /* some time ago, at least BEHIND_MS */
	uint64_t confirmed_marked; /* at marked_ms */
	int64_t marked_ms;
	int stop_fd;
	pthread_t thread;
	bool thread_started;
};

/* Whether the host is a standby, and the state of its copy. */
static bool
answer_judge(const SlotWatch *watch, const PGresult *result, StandbySlot *state)
{
	uint64_t confirmed = 0;

	if (PQgetvalue(result, 0, 0)[0] != 't')
		return false;
	if (PQgetvalue(result, 0, 1)[0] != 't')
		*state = STANDBY_SLOT_MISSING;
	else if (PQgetvalue(result, 0, 2)[0] == 't' ||
			 !lsn_read(PQgetvalue(result, 0, 3), &confirmed) || confirmed < watch->confirmed_before)
		*state = STANDBY_SLOT_BEHIND;
	else
		*state = STANDBY_SLOT_SYNCHRONISED;
	return true;
}

/* False: it is no standby. */
static bool
host_look(const SlotWatch *watch, size_t host, StandbySlot *state)
{
	Wait wait = wait_begin(watch->stop_fd, HOST_TIMEOUT_MS);
	PGconn *connection = NULL;
	PGresult *result = NULL;
	char sql[512];
	bool is_standby = true;

	/* A copy that was never synchronised, or is invalid, is told by columns of 17. */
	snprintf(sql, sizeof(sql),
			 "SELECT pg_catalog.pg_is_in_recovery(), s.slot_name IS NOT NULL, "
			 "s.wal_status = 'lost' OR (pg_catalog.to_jsonb(s) ->> 'synced')::boolean IS FALSE "
			 "OR pg_catalog.to_jsonb(s) ->> 'invalidation_reason' IS NOT NULL, "
			 "s.confirmed_flush_lsn FROM (VALUES (1)) AS one (n) "
			 "LEFT JOIN pg_catalog.pg_replication_slots AS s ON s.slot_name = '%s'",
			 watch->config->bridge.slot);
	*state = STANDBY_SLOT_UNKNOWN;

	Status status = pg_connection_open_host(&watch->config->pg, host, "wallet_bridge slots", &wait,
											&connection);

	if (status_is_ok(&status))
		status = pg_query_run(connection, &wait,
							  &(PgQuery){.sql = sql, .column_count = 4, .one_row = true}, &result);
	if (status_is_ok(&status))
		is_standby = answer_judge(watch, result, state);
	PQclear(result);
	pg_connection_close(&connection);
	return is_standby;
}

static void
mark_renew(SlotWatch *watch)
{
	int64_t now = clock_monotonic_ms();

	if (now - watch->marked_ms < BEHIND_MS)
		return;
	watch->confirmed_before = watch->confirmed_marked;
	watch->confirmed_marked = outbox_get_positions(watch->outbox).confirmed;
	watch->marked_ms = now;
}

static void
watch_report(SlotWatch *watch, const int64_t counts[STANDBY_SLOT_COUNT])
{
	char text[256] = "";

	for (int state = 0; state < STANDBY_SLOT_COUNT; state++)
	{
		metric_set(watch->metrics, BRIDGE_METRIC_STANDBY_SLOTS, (size_t) state, counts[state]);
		if (counts[state] > 0)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%d %s",
					 text[0] != '\0' ? ", " : "", (int) counts[state], standby_slot_states[state]);
	}
	health_fact_set(watch->health, "standby_slots", "%s", text);
	if (strcmp(text, watch->said) == 0)
		return;
	snprintf(watch->said, sizeof(watch->said), "%s", text);
	if (counts[STANDBY_SLOT_BEHIND] + counts[STANDBY_SLOT_MISSING] + counts[STANDBY_SLOT_UNKNOWN] >
		0)
		log_warning("the slot is not safe on every standby: a failover to one of these may need a "
					"person",
					log_text("slots", text));
	else
		log_info("the slot's copies on the standbys", log_text("slots", text));
}

static void *
watch_run(void *argument)
{
	SlotWatch *watch = argument;

	do
	{
		int64_t counts[STANDBY_SLOT_COUNT] = {0};

		mark_renew(watch);
		for (size_t host = 0; host < watch->host_count; host++)
		{
			StandbySlot state;

			if (host_look(watch, host, &state))
				counts[state]++;
		}
		watch_report(watch, counts);
	} while (wait_pause(watch->stop_fd, LOOK_INTERVAL_MS));
	return NULL;
}

Status
slot_watch_open(const OutboxPlan *plan, const BridgeConfig *config, Outbox *outbox,
				SlotWatch **watch)
{
	size_t host_count = pg_host_count(config->pg.url);

	*watch = NULL;
	if (host_count < 2)
		return status_ok();

	SlotWatch *opened = calloc(1, sizeof(*opened));

	if (opened == NULL)
		return status_bug("out of memory");
	opened->config = config;
	opened->outbox = outbox;
	opened->metrics = plan->metrics;
	opened->health = plan->health;
	opened->host_count = host_count;
	opened->marked_ms = clock_monotonic_ms();
	opened->stop_fd = wake_new();
	opened->thread_started =
		opened->stop_fd >= 0 && pthread_create(&opened->thread, NULL, watch_run, opened) == 0;
	*watch = opened;
	if (opened->thread_started)
		return status_ok();
	slot_watch_close(watch);
	return status_bug("could not start the thread that watches the slot's copies");
}

void
slot_watch_close(SlotWatch **watch)
{
	SlotWatch *closed = *watch;

	*watch = NULL;
	if (closed == NULL)
		return;
	if (closed->thread_started)
	{
		wake_set(closed->stop_fd);
		pthread_join(closed->thread, NULL);
		/* Whoever streams next looks for itself. */
		watch_report(closed, (const int64_t[STANDBY_SLOT_COUNT]){0});
	}
	if (closed->stop_fd >= 0)
		close(closed->stop_fd);
	free(closed);
}
