/*
 * wal_reader.c
 *		What the walsender's WAL reader is about to do: the one thing that no callback tells.
 */
#include "wal_reader.h"

#include "access/xlog.h"
#include "access/xlogrecord.h"
#include "access/xlogrecovery.h"
#include "catalog/pg_control.h"
#include "replication/walsender.h"
#include "replication/walsender_private.h"

static XLogPageReadCB page_read_original = NULL;
static BeforePage before_page_told = NULL;

static int
page_read(XLogReaderState *reader, XLogRecPtr page, int bytes, XLogRecPtr record, char *buffer)
{
	before_page_told(reader->private_data);
	return page_read_original(reader, page, bytes, record, buffer);
}

void
wal_reader_watch(LogicalDecodingContext *context, BeforePage before_page)
{
	Assert(context->reader->private_data == context);
	page_read_original = context->reader->routine.page_read;
	before_page_told = before_page;
	context->reader->routine.page_read = page_read;
}

bool
wal_reader_is_streaming(void)
{
	/* A SQL function on such a connection runs in the state it starts with. */
	return am_walsender && MyWalSnd != NULL && MyWalSnd->state != WALSNDSTATE_STARTUP;
}

bool
wal_reader_goes_on(const XLogReaderState *reader)
{
	XLogRecPtr page =
		(XLogRecPtr) reader->seg.ws_segno * (uint32) reader->segcxt.ws_segsize + reader->segoff;
	XLogRecPtr end = page + (uint32) reader->readLen;
	XLogRecPtr at = reader->EndRecPtr;

	while (at >= page && at + SizeOfXLogRecord <= end)
	{
		XLogRecord record;

		memcpy(&record, reader->readBuf + (at - page), SizeOfXLogRecord);
		if (record.xl_tot_len < SizeOfXLogRecord ||
			(record.xl_rmid == RM_XLOG_ID && (record.xl_info & ~XLR_INFO_MASK) == XLOG_SWITCH))
			return false;
		at += MAXALIGN(record.xl_tot_len);
	}
	return at >= page;
}

XLogRecPtr
wal_reader_get_passed_for_sure(void)
{
	XLogRecPtr there = RecoveryInProgress() ? GetXLogReplayRecPtr(NULL) : GetFlushRecPtr(NULL);
	XLogRecPtr page = there - there % XLOG_BLCKSZ;

	return page > XLOG_BLCKSZ ? page - XLOG_BLCKSZ : InvalidXLogRecPtr;
}
