/*
 * readable.h
 *		What names, keys and metadata must not have, so that events and logs can be read.
 *
 * Control characters break lines and terminals; marks that nobody sees make two names look like
 * one; common readers of JSON stop at a depth and at a number of digits. The encoding is UTF-8.
 */
#pragma once

#include "utils/jsonb.h"

/* C0, DEL and C1. */
extern bool readable_has_control(const text *value);

/* Marks of direction and width: U+200B to U+200F, U+202A to U+202E, U+2060 to U+2069, U+FEFF. */
extern bool readable_has_mark(const text *value);

/* White space at the beginning or the end, control characters left aside. */
extern bool readable_has_blank_end(const text *value);

/* Levels of objects and arrays within each other; the outermost is 1. */
extern int readable_depth(Jsonb *value);

/* Digits of the longest number. */
extern int readable_digits(Jsonb *value);
