/*
 * health_routes.c
 *		Answers from the health and the metrics as they are now.
 */
#include "daemon/health_routes.h"

#include <stdio.h>
#include <string.h>

#include "http/server.h"

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

static void
health_answer(HttpRequest *request, HttpResponse *response, const void *context)
{
	const HealthEndpoints *endpoints = context;
	size_t bytes = 0;
	bool ready = false;
	char *text = health_render(endpoints->health, &bytes, &ready);

	(void) request;
	http_response_take(response, ready ? 200 : 503, "application/json", text, bytes);
}

static void
live_answer(HttpRequest *request, HttpResponse *response, const void *context)
{
	const HealthEndpoints *endpoints = context;
	char stuck[HEALTH_NAME_BYTES];
	char text[HEALTH_NAME_BYTES + 64] = "{\"status\":\"alive\"}";
	bool alive = health_is_alive(endpoints->health, stuck);

	(void) request;
	if (!alive)
		snprintf(text, sizeof(text), "{\"status\":\"stuck\",\"loop\":\"%s\"}", stuck);
	http_response_text(response, alive ? 200 : 503, "application/json", text);
}

static void
metrics_answer(HttpRequest *request, HttpResponse *response, const void *context)
{
	const HealthEndpoints *endpoints = context;
	size_t bytes = 0;
	char *text = metrics_render(endpoints->metrics, &bytes);

	(void) request;
	http_response_take(response, 200, METRICS_CONTENT_TYPE, text, bytes);
}

void
health_routes_fill(HttpRoute routes[HEALTH_ROUTE_COUNT], HealthEndpoints *endpoints)
{
	const HttpRoute filled[HEALTH_ROUTE_COUNT] = {
		{"GET", "/health", health_answer, endpoints, .is_prompt = true, .is_public = true},
		{"GET", "/live", live_answer, endpoints, .is_prompt = true, .is_public = true},
		{"GET", "/metrics", metrics_answer, endpoints, .is_prompt = true, .is_public = true},
	};

	memcpy(routes, filled, sizeof(filled));
}
