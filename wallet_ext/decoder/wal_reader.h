/*
 * wal_reader.h
 *		What the walsender's WAL reader is about to do: the one thing that no callback tells.
 *
 * The server calls an output plugin for what was decoded and never when the WAL ends. The reader
 * however goes for its WAL a page at a time and waits nowhere else, so whoever is called before
 * each page is called before every wait.
 */
#pragma once

#include "postgres.h"

#include "access/xlogreader.h"
#include "replication/logical.h"

/* Nothing was read yet of what follows; may send, as a callback may. */
typedef void (*BeforePage)(LogicalDecodingContext *context);

/* One context of a process at a time: the newest. */
extern void wal_reader_watch(LogicalDecodingContext *context, BeforePage before_page);

/* Whether a walsender streams: only there is anything read after the last commit. */
extern bool wal_reader_is_streaming(void);

/*
 * Whether the reader goes for more before it passes the page that it is in. Not where the rest of
 * the page ends a WAL segment before its time: what is left of that is passed in one step.
 */
extern bool wal_reader_goes_on(const XLogReaderState *reader);

/*
 * A position that the reader is sure to pass: a whole page of WAL that is there already lies behind
 * it. Invalid where there is none.
 */
extern XLogRecPtr wal_reader_get_passed_for_sure(void);
