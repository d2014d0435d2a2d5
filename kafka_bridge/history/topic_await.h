/*
 * topic_await.h
 *		Kafka may come later than this process, and so may the topic.
 */
#pragma once

#include "observe/health.h"
#include "subscriber.h"

/* Waits until the topic is there. OK with a stop requested, too. loop: for health_loop_beat(). */
Status topic_await(Subscriber *subscriber, const char *topic, Health *health, size_t loop);
