/*
 * history_files.h
 *		The files that wallet_history answers with: openapi.json.
 */
#pragma once

#include "http/static_file.h"

extern const StaticFile history_files[];
