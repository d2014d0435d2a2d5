/*
 * origin_filter.h
 *		Which replication origins are the history's own.
 */
#pragma once

#include "postgres.h"

#include "access/xlogdefs.h"

/* Forgets everything. Called at every start of the plugin, before the first look-up. */
extern void origin_filter_start(void);

/*
 * True where the change of transaction xid, written under that origin, is the history's own and
 * need not be decoded. Callable with or without a transaction in progress.
 */
extern bool origin_is_history(RepOriginId origin_id, TransactionId xid);
