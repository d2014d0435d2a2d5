/*
 * service.h
 *		The parts of wallet_service and the order in which they start and stop.
 */
#pragma once

#include "config/config.h"
#include "service_config.h"
#include "base/status.h"

/* Serves until a stop is requested; then finishes what is being worked on. */
Status service_run(const ServiceConfig *config, const ConfigSource *source);
