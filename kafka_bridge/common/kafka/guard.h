/*
 * guard.h
 *		Properties of librdkafka that users may not set, since delivery, order or the history's
 *		positions rest on them. Pure.
 */
#pragma once

#include "config/config.h"
#include "base/status.h"

/* FATAL with EXIT_CODE_CONFIGURATION for the first guarded property, with the reason. */
Status kafka_guarded_check(const ConfigProperties *properties);
