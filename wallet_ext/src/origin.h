/*
 * origin.h
 *		Keeps the history's replication origins off the ledger: what is written under one of them
 *		has no event.
 */
#pragma once

extern void origin_init(void);

/* This transaction writes the ledger. 55000 where the session has an origin of the history's, now
 * or when it commits. */
extern void origin_begin_write(void);
