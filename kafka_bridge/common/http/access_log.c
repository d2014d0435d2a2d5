/*
 * access_log.c
 *		Who asked for what, and what became of it. Of a query and a body nothing is shown.
 */
#include "http/access_log.h"

#include <string.h>

#include "base/clock.h"
#include "observe/log.h"

static bool
is_wanted(HttpAccessLog wanted, const HttpRequest *request)
{
	unsigned status = request->response.status;

	/* Somebody may be trying tokens. */
	if (status == MHD_HTTP_UNAUTHORIZED)
		return true;
	if (wanted == HTTP_ACCESS_LOG_OFF)
		return false;
	return wanted == HTTP_ACCESS_LOG_ALL || strcmp(request->method, "POST") == 0 ||
		   status == MHD_HTTP_FORBIDDEN || status == MHD_HTTP_MISDIRECTED_REQUEST;
}

void
http_access_log(HttpAccessLog wanted, const HttpRequest *request)
{
	const HttpResponse *response = &request->response;

	if (!is_wanted(wanted, request))
		return;
	log_info("request", log_text("request_id", request->id), log_text("method", request->method),
			 log_text("path", request->path), log_integer("status", (int64_t) response->status),
			 log_text("code", response->code), log_text("caller", request->caller.name),
			 log_integer("duration_us", clock_monotonic_us() - request->begun_us));
}
