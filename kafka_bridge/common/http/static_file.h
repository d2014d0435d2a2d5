/*
 * static_file.h
 *		Files that are part of the program: built into it, so that it needs none at run time.
 *
 * The Makefile writes static_files.inc for a room that has openapi.json or a console: a line
 * STATIC_FILE(number, "path in the URL", "file") for each. A program makes its table of it:
 *
 *		#define STATIC_FILE(number, name, path) STATIC_FILE_EMBED(number, path)
 *		#include "static_files.inc"
 *		#undef STATIC_FILE
 *		#define STATIC_FILE(number, name, path) STATIC_FILE_ENTRY(number, name)
 *		const StaticFile service_files[] = {
 *		#include "static_files.inc"
 *			STATIC_FILES_END};
 */
#pragma once

#include <stddef.h>

#include "http/route.h"

typedef struct StaticFile
{
	const char *pattern; /* "/console.js"; index.html is "/"; NULL ends a table */
	const char *name;
	const char *begin;
	const char *end;
} StaticFile;

#define STATIC_FILE_EMBED(number, path)                                   \
	__asm__(".section .rodata\nstatic_file_" #number ":\n.incbin \"" path \
			"\"\nstatic_file_" #number "_end:\n.byte 0\n.previous\n");    \
	extern const char static_file_##number[];                             \
	extern const char static_file_##number##_end[];
#define STATIC_FILE_ENTRY(number, file_name) \
	{"/" file_name, file_name, static_file_##number, static_file_##number##_end},
#define STATIC_FILES_END       \
	{                          \
		NULL, NULL, NULL, NULL \
	}

/* Fills a public route for each file; returns how many. The table must outlive the server. */
size_t static_files_routes_fill(const StaticFile *files, HttpRoute *routes, size_t routes_max);
