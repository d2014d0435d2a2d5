/*
 * topic_watch.c
 *		Looks at the event topic again and again while the bridge streams.
 */
#include "topic_watch.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/wake.h"
#include "bridge_metrics.h"
#include "observe/log.h"
#include "startup_check.h"
#include "topic_identity.h"
#include "kafka/topic_reader.h"

#define LOOK_TIMEOUT_MS 15000

struct TopicWatch
{
	TopicWatchPlan plan;
	KafkaObserver observer;
	TopicSurvey survey; /* as last seen */
	int stop_fd;
	pthread_t thread;
	bool thread_started;
};

/* Also when nothing changed: the metrics are set at the first look. */
static void
survey_report(TopicWatch *watch, const TopicSurvey *survey)
{
	const TopicWatchPlan *plan = &watch->plan;
	const char *topic = plan->config->kafka.topic;
	char text[256] = "";

	for (int problem = 0; problem < TOPIC_PROBLEM_COUNT; problem++)
	{
		bool is_there = survey->problems[problem];
		const char *words = topic_problem_text((TopicProblem) problem);

		metric_set(plan->metrics, BRIDGE_METRIC_TOPIC_PROBLEM, (size_t) problem, is_there);
		if (is_there && !watch->survey.problems[problem])
			log_warning(words, log_text("topic", topic));
		if (is_there)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
					 text[0] != '\0' ? "; " : "", words);
	}
	metric_set(plan->metrics, BRIDGE_METRIC_TOPIC_MESSAGE_BYTES, 0, survey->message_bytes_max);
	health_fact_set(plan->health, "topic_warning", "%s", text);
	watch->survey = *survey;
}

/* The producer was opened with the limit of then: another one takes a new producer. */
static Status
size_judge(const TopicWatch *watch, const TopicSurvey *survey)
{
	int64_t before = watch->plan.survey.message_bytes_max;

	if (survey->message_bytes_max == before)
		return status_ok();
	return status_retry("max.message.bytes of topic \"%s\" was %lld and is %lld now",
						watch->plan.config->kafka.topic, (long long) before,
						(long long) survey->message_bytes_max);
}

/* OK: go on. RETRY: not to be found out now. */
static Status
topic_look(TopicWatch *watch, rd_kafka_t *reader, const Wait *wait, Status *verdict)
{
	const TopicWatchPlan *plan = &watch->plan;
	const char *topic = plan->config->kafka.topic;
	ProgressRecord record = plan->record;
	TopicFacts facts;
	TopicTail tail = {0};
	TopicState state = TOPIC_AS_RECORDED;
	Status status = topic_find(reader, topic, wait, &facts);

	if (!status_is_ok(&status))
		return status;
	if (facts.partition_count == 0)
	{
		*verdict = startup_topic_judge(TOPIC_GONE, topic);
		return status;
	}
	/* The mark moves on with what is published: an old one may have expired. */
	record.mark = outbox_get_positions(plan->outbox).mark;
	status = topic_identity_judge(reader, topic, facts.id, &record, wait, &state);
	if (status_is_ok(&status))
		/* No questions about partitions that may be going: they cost a look's whole time. */
		status = topic_tail_read(reader,
								 &(TailQuestion){.topic = topic,
												 .partition_count = facts.partition_count,
												 .depth = TAIL_GLANCE,
												 .passes_open = true,
												 .source = plan->source,
												 .since_ms = record.since_ms,
												 .since_partition_count = record.partition_count},
								 wait, &tail);
	if (!status_is_ok(&status))
		return status;
	facts.survey.problems[TOPIC_PROBLEM_FOREIGN] =
		tail.foreign_source[0] != '\0' && !plan->config->bridge.shared_topic;
	topic_tail_free(&tail);
	survey_report(watch, &facts.survey);
	*verdict = startup_topic_judge(state, topic);
	if (status_is_ok(verdict))
		*verdict = size_judge(watch, &facts.survey);
	return status;
}

static void
watch_look(TopicWatch *watch)
{
	Wait wait = wait_begin(watch->stop_fd, LOOK_TIMEOUT_MS);
	Status verdict = status_ok();
	rd_kafka_t *reader = NULL;
	/* A client of long ago would answer from what it remembers of the topic. */
	Status status = topic_reader_open(&watch->plan.config->kafka, &watch->observer, &reader);

	if (status_is_ok(&status))
		status = topic_look(watch, reader, &wait, &verdict);
	topic_reader_close(&reader);
	if (!status_is_ok(&status))
		log_debug("topic not looked at", log_text("reason", status.text));
	else if (!status_is_ok(&verdict))
		outbox_give_up(watch->plan.outbox, &verdict);
}

static void *
watch_run(void *argument)
{
	TopicWatch *watch = argument;

	do
		watch_look(watch);
	while (wait_pause(watch->stop_fd, watch->plan.config->bridge.topic_interval_ms));
	return NULL;
}

Status
topic_watch_open(const TopicWatchPlan *plan, TopicWatch **watch)
{
	TopicWatch *opened = calloc(1, sizeof(*opened));

	*watch = NULL;
	if (opened == NULL)
		return status_bug("out of memory");
	opened->plan = *plan;
	opened->survey = plan->survey;
	opened->stop_fd = wake_new();
	opened->thread_started =
		opened->stop_fd >= 0 && pthread_create(&opened->thread, NULL, watch_run, opened) == 0;
	*watch = opened;
	if (opened->thread_started)
		return status_ok();
	topic_watch_close(watch);
	return status_bug("could not start the thread that watches the topic");
}

void
topic_watch_close(TopicWatch **watch)
{
	TopicWatch *closed = *watch;

	*watch = NULL;
	if (closed == NULL)
		return;
	if (closed->thread_started)
	{
		wake_set(closed->stop_fd);
		pthread_join(closed->thread, NULL);
	}
	if (closed->stop_fd >= 0)
		close(closed->stop_fd);
	free(closed);
}
