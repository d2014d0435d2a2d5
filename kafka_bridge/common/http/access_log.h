/*
 * access_log.h
 *		A line of the log for a request that was answered. Used inside common/http only.
 */
#pragma once

#include "http/request.h"
#include "http/server.h"

void http_access_log(HttpAccessLog wanted, const HttpRequest *request);
