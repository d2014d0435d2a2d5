/*
 * decoder.c
 *		Output plugin wallet_decoder: what committed in wallet_ledger, as events (INV-7).
 *
 * INSERTs into the ledger are looked at; a row is one event per side it has, "from" first. So are
 * the tables of transits, whose messages are frames beside the events (transit_writer.h).
 * The callbacks stand in the order of their lives: startup, filter, begin, change, commit,
 * shutdown. There are no stream and no prepare callbacks, so the server hands over committed
 * transactions only, whole and in commit order; a large one it spills itself.
 *
 * format=json sends every event as a message of its own; in a walsender the last one of a
 * transaction leaves at its commit, so that its message names the end of the commit, and a reader
 * with an end position stops there. format=frame gathers a transaction's frames and sends them as
 * one message, or as several where they are large.
 *
 * A walsender that is behind spends half of its time on sending a message a transaction. From
 * version 2 of the protocol on it then sends several together: frames are held until the reader
 * goes for another page of WAL, and never when nothing is certain to follow (wallet_event.h, HOLD).
 *
 * Once the stream runs nothing raises because of data: a row that can't be rendered is sent as an
 * error in the event's place, and the reader's policy decides.
 */
#include "postgres.h"

#include "compat.h"
#include "event_writer.h"
#include "frame_writer.h"
#include "ledger_row.h"
#include "options.h"
#include "origin_filter.h"
#include "replication/logical.h"
#include "replication/origin.h"
#include "replication/output_plugin.h"
#include "standby_wait.h"
#include "transit_writer.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "wal_reader.h"
#include "wallet_event.h"
#include "wallet_relation.h"

WALLET_DECODER_MAGIC;

/* A transaction's frames are sent when they reach this size, however much is still to come. */
#define FLUSH_BYTES (64 * 1024)

/* What is held does not wait for a transaction of more changes to be decoded. */
#define SMALL_TRANSACTION_CHANGES 1000

/* A buffer that one huge event made larger than this is given back. */
#define BUFFER_BYTES_KEPT (1024 * 1024)

/* Changes that are skipped between two reports of progress. */
#define SKIPPED_CHANGES_PER_REPORT 100

typedef struct WalletDecoder
{
	DecoderOptions options;
	MemoryContext row_context; /* reset after every row */
	StringInfoData frames;	   /* not yet sent; of earlier transactions too, or one JSON event */
	XLogRecPtr held_until;	   /* of the last HOLD that was sent */
	XLogRecPtr held_end;	   /* end of the newest transaction that is held */
	TransactionId held_xid;
	bool has_sent;			/* BEGIN or an event of the current transaction is written */
	uint32 event_count;		/* events, errors, transits of the transaction: the next ordinal */
	uint32 skipped_changes; /* since progress was last reported */
	LedgerRow row;			/* the one being rendered */
} WalletDecoder;

/* A buffer that one huge event made large is given back. */
static void
frames_reset(WalletDecoder *decoder)
{
	resetStringInfo(&decoder->frames);
	if (decoder->frames.maxlen > BUFFER_BYTES_KEPT)
	{
		decoder->frames.data = repalloc(decoder->frames.data, FLUSH_BYTES);
		decoder->frames.maxlen = FLUSH_BYTES;
	}
}

/* Between two transactions: whether what comes next may be held, if that is news. */
static void
hold_announce(WalletDecoder *decoder, XLogRecPtr end_lsn)
{
	XLogRecPtr passed = wal_reader_get_passed_for_sure();

	if (passed <= end_lsn || passed <= decoder->held_until)
		return;
	decoder->held_until = passed;
	frame_hold_append(&decoder->frames, passed);
}

/* Whole transactions that are held leave, from wherever the walsender may send. */
static void
held_send(LogicalDecodingContext *context)
{
	WalletDecoder *decoder = context->output_plugin_private;

	if (decoder == NULL || decoder->frames.len == 0)
		return;
	Assert(decoder->held_end <= decoder->held_until);
	hold_announce(decoder, decoder->held_end);
	context->prepare_write(context, decoder->held_end, decoder->held_xid, true);
	appendBinaryStringInfo(context->out, decoder->frames.data, decoder->frames.len);
	context->write(context, decoder->held_end, decoder->held_xid, true);
	frames_reset(decoder);
}

static void
decoder_startup(LogicalDecodingContext *context, OutputPluginOptions *output, bool is_init)
{
	WalletDecoder *decoder = MemoryContextAllocZero(context->context, sizeof(WalletDecoder));
	MemoryContext caller_context = MemoryContextSwitchTo(context->context);

	initStringInfo(&decoder->frames);
	MemoryContextSwitchTo(caller_context);
	decoder->row_context =
		AllocSetContextCreate(context->context, "wallet_decoder row", ALLOCSET_DEFAULT_SIZES);
	context->output_plugin_private = decoder;

	options_read(&decoder->options, context->output_plugin_options);
	output->output_type = decoder->options.format == FORMAT_FRAME ? OUTPUT_PLUGIN_BINARY_OUTPUT
																  : OUTPUT_PLUGIN_TEXTUAL_OUTPUT;
	output->receive_rewrites = false;
	if (decoder->options.protocol_version >= WALLET_PROTOCOL_VERSION_HOLD)
		wal_reader_watch(context, held_send);

	wallet_relation_start();
	origin_filter_start();
}

static bool
decoder_filter_by_origin(LogicalDecodingContext *context, RepOriginId origin_id)
{
	return origin_id != InvalidRepOriginId &&
		   origin_is_history(origin_id, XLogRecGetXid(context->reader));
}

static void
decoder_begin(LogicalDecodingContext *context, ReorderBufferTXN *transaction)
{
	WalletDecoder *decoder = context->output_plugin_private;

	/* What is held would wait for it. */
	if (transaction->nentries > SMALL_TRANSACTION_CHANGES || transaction->nsubtxns > 0)
		held_send(context);
	decoder->has_sent = false;
	decoder->event_count = 0;
}

/* Sends the frames gathered so far as one message. */
static void
frames_send(LogicalDecodingContext *context, WalletDecoder *decoder, bool is_last)
{
	OutputPluginPrepareWrite(context, is_last);
	appendBinaryStringInfo(context->out, decoder->frames.data, decoder->frames.len);
	OutputPluginWrite(context, is_last);

	frames_reset(decoder);
}

static int
protocol_version(const WalletDecoder *decoder)
{
	return Max(decoder->options.protocol_version, WALLET_PROTOCOL_VERSION_FIRST);
}

/* What stands before the first event or transit of a transaction. */
static void
frames_begin(WalletDecoder *decoder, ReorderBufferTXN *transaction)
{
	if (!decoder->has_sent)
		frame_begin_append(&decoder->frames, protocol_version(decoder), transaction->xid,
						   transaction->final_lsn, transaction->end_lsn,
						   transaction->xact_time.commit_time);
	decoder->has_sent = true;
}

/* Closes the frame of an event or a transit, or puts the error in its place. */
static void
frame_end(WalletDecoder *decoder, int frame_start, bool is_written, const EventKey *key,
		  const EventError *error)
{
	if (is_written)
		frame_event_close(&decoder->frames, frame_start);
	else
	{
		frame_event_drop(&decoder->frames, frame_start);
		frame_error_append(&decoder->frames, decoder->event_count, key, error);
	}
	decoder->event_count++;
}

static void
entry_append_frame(WalletDecoder *decoder, ReorderBufferTXN *transaction, LedgerSide side)
{
	EventKey key;
	EventError error;

	frames_begin(decoder, transaction);
	event_key_make(&key, &decoder->row, side);

	int frame_start = frame_event_open(&decoder->frames, decoder->event_count, &key);

	bool is_written = event_write(&decoder->frames, &decoder->row, side, &key, &error);

	frame_end(decoder, frame_start, is_written, &key, &error);
}

static void
transit_append_frame(WalletDecoder *decoder, ReorderBufferTXN *transaction, const TransitRow *row,
					 TransitMessage message)
{
	EventKey key = transit_key_make(row, message);
	EventError error;

	frames_begin(decoder, transaction);

	int frame_start = frame_transit_open(&decoder->frames, decoder->event_count, &key);
	bool is_written = transit_write(&decoder->frames, row, message, &error);

	frame_end(decoder, frame_start, is_written, &key, &error);
}

/* Sends a side's event, or the error in its place, as a line of its own; the last one later. */
static void
entry_send_json(LogicalDecodingContext *context, WalletDecoder *decoder, LedgerSide side)
{
	EventKey key;
	EventError error;

	decoder->has_sent = true;
	event_key_make(&key, &decoder->row, side);
	if (decoder->frames.len > 0)
		frames_send(context, decoder, true);
	if (!event_write(&decoder->frames, &decoder->row, side, &key, &error))
		event_error_write(&decoder->frames, &key, &error);
	if (!wal_reader_is_streaming())
		frames_send(context, decoder, true);
}

/* Before the first frame of a transaction. */
static void
standby_await(LogicalDecodingContext *context, WalletDecoder *decoder,
			  ReorderBufferTXN *transaction)
{
	if (decoder->has_sent || !standby_is_behind(transaction->end_lsn))
		return;
	held_send(context);
	standby_wait(context, transaction->end_lsn);
}

static void
frames_send_if_large(LogicalDecodingContext *context, WalletDecoder *decoder)
{
	if (decoder->options.format == FORMAT_FRAME && decoder->frames.len >= FLUSH_BYTES)
		frames_send(context, decoder, false);
}

static void
entry_write(LogicalDecodingContext *context, WalletDecoder *decoder, ReorderBufferTXN *transaction)
{
	LedgerSide sides[LEDGER_SIDES_MAX];
	int side_count = ledger_row_list_sides(&decoder->row, sides);

	standby_await(context, decoder, transaction);
	for (int index = 0; index < side_count; index++)
	{
		if (decoder->options.format == FORMAT_JSON)
			entry_send_json(context, decoder, sides[index]);
		else
			entry_append_frame(decoder, transaction, sides[index]);
	}
	frames_send_if_large(context, decoder);
}

/* Keeps wal_sender_timeout away while a huge foreign transaction is passed over. */
static void
change_skip(LogicalDecodingContext *context, WalletDecoder *decoder)
{
	if (SERVER_REPORTS_SKIPPED_CHANGES || ++decoder->skipped_changes < SKIPPED_CHANGES_PER_REPORT)
		return;
	decoder->skipped_changes = 0;
	OutputPluginUpdateProgress(context, false);
}

/* What a change of a table of transits says; format=json has events only. */
static TransitMessage
transit_message(const WalletDecoder *decoder, const WalletRelation *relation, const TransitRow *row,
				bool is_insert)
{
	if (decoder->options.format != FORMAT_FRAME)
		return TRANSIT_NO_MESSAGE;
	if (relation->kind == RELATION_TRANSITS)
		return is_insert ? TRANSIT_SEND : transit_message_of_update(row);
	return is_insert ? TRANSIT_ANSWER : TRANSIT_NO_MESSAGE;
}

/* A row of one of the wallet's relations; false where nothing of it is sent. */
static bool
row_write(LogicalDecodingContext *context, ReorderBufferTXN *transaction,
		  const WalletRelation *found, Relation relation, HeapTuple tuple, bool is_insert)
{
	WalletDecoder *decoder = context->output_plugin_private;

	if (found->kind == RELATION_LEDGER)
	{
		if (is_insert)
		{
			ledger_row_read(&decoder->row, &found->ledger, tuple, RelationGetDescr(relation));
			entry_write(context, decoder, transaction);
		}
		return is_insert;
	}

	TransitRow row;

	transit_row_read(&row, &found->transit, tuple, RelationGetDescr(relation));

	TransitMessage message = transit_message(decoder, found, &row, is_insert);

	if (message == TRANSIT_NO_MESSAGE)
		return false;
	standby_await(context, decoder, transaction);
	transit_append_frame(decoder, transaction, &row, message);
	frames_send_if_large(context, decoder);
	return true;
}

static void
decoder_change(LogicalDecodingContext *context, ReorderBufferTXN *transaction, Relation relation,
			   ReorderBufferChange *change)
{
	WalletDecoder *decoder = context->output_plugin_private;
	bool is_insert = change->action == REORDER_BUFFER_CHANGE_INSERT;

	if (!is_insert && change->action != REORDER_BUFFER_CHANGE_UPDATE)
	{
		change_skip(context, decoder);
		return;
	}

	MemoryContext caller_context = MemoryContextSwitchTo(decoder->row_context);
	const WalletRelation *found = wallet_relation_find(relation);
	HeapTuple tuple = change_get_new_tuple(change);

	if (found == NULL || tuple == NULL ||
		!row_write(context, transaction, found, relation, tuple, is_insert))
		change_skip(context, decoder);
	MemoryContextSwitchTo(caller_context);
	MemoryContextReset(decoder->row_context);
}

/* The last frame of a transaction, and whether it leaves now. */
static void
transaction_end(LogicalDecodingContext *context, WalletDecoder *decoder,
				ReorderBufferTXN *transaction, XLogRecPtr commit_lsn)
{
	frame_commit_append(&decoder->frames, commit_lsn, transaction->end_lsn,
						transaction->xact_time.commit_time, decoder->event_count);
	decoder->held_end = transaction->end_lsn;
	decoder->held_xid = transaction->xid;
	if (transaction->end_lsn <= decoder->held_until && decoder->frames.len < FLUSH_BYTES &&
		wal_reader_goes_on(context->reader))
		return;
	if (decoder->options.protocol_version >= WALLET_PROTOCOL_VERSION_HOLD &&
		wal_reader_is_streaming())
		hold_announce(decoder, transaction->end_lsn);
	frames_send(context, decoder, true);
}

static void
decoder_commit(LogicalDecodingContext *context, ReorderBufferTXN *transaction,
			   XLogRecPtr commit_lsn)
{
	WalletDecoder *decoder = context->output_plugin_private;

	OutputPluginUpdateProgress(context, !decoder->has_sent);
	decoder->skipped_changes = 0;
	if (decoder->has_sent && decoder->options.format == FORMAT_FRAME)
		transaction_end(context, decoder, transaction, commit_lsn);
	else if (decoder->has_sent && decoder->frames.len > 0)
		frames_send(context, decoder, true);
}

/* What was allocated belongs to the decoding context and goes with it. */
static void
decoder_shutdown(LogicalDecodingContext *context)
{
	context->output_plugin_private = NULL;
}

extern PGDLLEXPORT void _PG_output_plugin_init(OutputPluginCallbacks *callbacks);

void
_PG_output_plugin_init(OutputPluginCallbacks *callbacks)
{
	callbacks->startup_cb = decoder_startup;
	callbacks->filter_by_origin_cb = decoder_filter_by_origin;
	callbacks->begin_cb = decoder_begin;
	callbacks->change_cb = decoder_change;
	callbacks->commit_cb = decoder_commit;
	callbacks->shutdown_cb = decoder_shutdown;
}
