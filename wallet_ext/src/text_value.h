/*
 * text_value.h
 *		Values that are stored or shown as text: names of an enum, ids, copies.
 */
#pragma once

#include "utils/uuid.h"

/* The index of a stored name in the names of an enum. An unknown name raises XX001; what says what
 * kind of name it is. */
extern int text_to_enum(const text *name, const char *const *names, int count, const char *what);

/* In the current memory context. */
extern text *text_copy(const text *value);

/* The usual form of an id, palloc'd. */
extern char *text_of_uuid(const pg_uuid_t *id);
