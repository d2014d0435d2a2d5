/*
 * topic_await.c
 *		Asks again and again, and stays alive meanwhile.
 */
#include "topic_await.h"

#include "base/signals.h"

#define TOPIC_PAUSE_MS	 500
#define TOPIC_TIMEOUT_MS 5000

Status
topic_await(Subscriber *subscriber, const char *topic, Health *health, size_t loop)
{
	bool exists = false;

	for (;;)
	{
		Wait wait = wait_begin(signals_stop_fd(), TOPIC_TIMEOUT_MS);
		Status status = subscriber_topic_exists(subscriber, &wait, &exists);

		health_loop_beat(health, loop);
		if (exists || signals_stop_requested() || status.class > STATUS_RETRY)
			return signals_stop_requested() ? status_ok() : status;
		health_check_set(health, "kafka", status_is_ok(&status), "%s", status.text);
		health_check_set(health, "partitions", false, "topic %s does not exist yet", topic);
		if (!wait_pause(signals_stop_fd(), TOPIC_PAUSE_MS))
			return status_ok();
	}
}
