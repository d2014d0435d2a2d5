/*
 * history_files.c
 *		openapi.json, built in.
 */
#include "history_files.h"

#define STATIC_FILE(number, name, path) STATIC_FILE_EMBED(number, path)
#include "static_files.inc"
#undef STATIC_FILE

#define STATIC_FILE(number, name, path) STATIC_FILE_ENTRY(number, name)
const StaticFile history_files[] = {
#include "static_files.inc"
	STATIC_FILES_END,
};
