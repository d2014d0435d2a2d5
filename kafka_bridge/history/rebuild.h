/*
 * rebuild.h
 *		wallet_history rebuild: the history made anew from the whole topic.
 */
#pragma once

#include "history_config.h"
#include "base/status.h"

/*
 * Fills tables of this session from the topic's first record to its present end, then swaps their
 * content in, in one transaction: until then everybody reads the old history. Refuses a topic whose
 * first records are gone. A running wallet_history may go on meanwhile: it loses its partitions to
 * the swap, takes them over again and continues at the rebuilt position.
 */
Status rebuild_run(const HistoryConfig *config);
