/*
 * topic_watch.h
 *		Looks at the event topic again and again while the bridge streams: is it the same one, is it
 *		configured as it should be, does somebody else publish into it?
 *
 * A thread and a client of its own: neither the stream nor the producer waits for an answer. What
 * nobody can go on with ends the outbox, with the way out in its reason.
 */
#pragma once

#include "options.h"
#include "outbox.h"
#include "progress_record.h"
#include "topic.h"

typedef struct TopicWatch TopicWatch;

typedef struct TopicWatchPlan
{
	const BridgeConfig *config;
	const char *source;	   /* ce_source; kept, not copied */
	ProgressRecord record; /* as the term began */
	TopicSurvey survey;	   /* as the term began */
	Outbox *outbox;		   /* closed after the watch */
	Metrics *metrics;
	Health *health;
} TopicWatchPlan;

Status topic_watch_open(const TopicWatchPlan *plan, TopicWatch **watch);

/* Waits for a look that is under way; sets to NULL, NULL is fine. */
void topic_watch_close(TopicWatch **watch);
