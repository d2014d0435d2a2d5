/*
 * foreign_code.h
 *		Keeps operations out of the code that others have put on the tables, while a call writes its
 *		rows.
 *
 * BEFORE triggers, CHECKs, defaults and expressions of indexes run between the rows of a call,
 * which are written in the order of versions: an operation in there would find half of it. AFTER
 * triggers run when everything is written and may call one.
 *
 * Order of calls: foreign_code_begin, what may run such code, foreign_code_end with what begin
 * returned, also where an error passes.
 */
#pragma once

#include "c.h"

/* Returns whether it was forbidden already. */
extern bool foreign_code_begin(void);

extern void foreign_code_end(bool before);

/* Raises 55000 where function is called by such code. */
extern void foreign_code_check(const char *function);
