/*
 * service_files.h
 *		The files that wallet_service answers with: the console and openapi.json.
 */
#pragma once

#include "http/static_file.h"

extern const StaticFile service_files[];
