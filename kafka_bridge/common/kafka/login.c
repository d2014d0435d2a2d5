/*
 * login.c
 *		Finds refused logins in librdkafka's log, which is where they stand with their reason.
 */
#include "kafka/login.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/status.h"

#define SCRAM_FIXED_IN 0x020601ff
#define REFUSAL_AGE_MS 60000 /* the library writes a repeated line twice a minute */

static pthread_mutex_t refusal_lock = PTHREAD_MUTEX_INITIALIZER;
static char refusal[STATUS_TEXT_BYTES / 2];
static int64_t refused_ms;

/* What it says of a login that the broker refused, a handshake that failed, a plain port. */
static const char *const refusal_words[] = {
	"SASL authentication error",
	"SSL handshake failed",
	"incorrect security.protocol configuration",
	"SaslAuthenticateRequest failed",
};

void
kafka_login_look(const char *line)
{
	bool refused = false;

	for (size_t i = 0; i < sizeof(refusal_words) / sizeof(refusal_words[0]); i++)
		refused = refused || strstr(line, refusal_words[i]) != NULL;
	if (!refused)
		return;

	/* "[thrd:sasl_ssl://host:9092/1]: sasl_ssl://host:9092/1: the reason" */
	const char *reason = strstr(line, "]: ");

	pthread_mutex_lock(&refusal_lock);
	snprintf(refusal, sizeof(refusal), "%s", reason != NULL ? reason + 3 : line);
	refused_ms = clock_monotonic_ms();
	pthread_mutex_unlock(&refusal_lock);
}

bool
kafka_login_explain(char *text, size_t bytes)
{
	pthread_mutex_lock(&refusal_lock);

	bool refused = refusal[0] != '\0' && clock_monotonic_ms() - refused_ms < REFUSAL_AGE_MS;

	if (refused)
		snprintf(text, bytes, "authentication failed: %s", refusal);
	pthread_mutex_unlock(&refusal_lock);
	return refused;
}

bool
kafka_scram_is_broken(const ConfigProperties *properties, int version)
{
	const char *mechanism = config_property_get(properties, "sasl.mechanisms");

	if (mechanism == NULL)
		mechanism = config_property_get(properties, "sasl.mechanism");
	return version < SCRAM_FIXED_IN && mechanism != NULL && strncasecmp(mechanism, "SCRAM", 5) == 0;
}
