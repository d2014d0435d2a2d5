/*
 * compat.h
 *		Every difference between PostgreSQL 15, 16, 17 and 18 that the decoder meets.
 *
 * No other file of the decoder asks for PG_VERSION_NUM.
 */
#pragma once

#include "postgres.h"

#include "fmgr.h"
#include "replication/reorderbuffer.h"
#include "replication/walsender_private.h"

#if PG_VERSION_NUM < 150000 || PG_VERSION_NUM >= 190000
#error "wallet_decoder is made for PostgreSQL 15 to 18"
#endif

#if PG_VERSION_NUM >= 180000
#define WALLET_DECODER_MAGIC \
	PG_MODULE_MAGIC_EXT(.name = "wallet_decoder", .version = WALLET_VERSION)
#else
#define WALLET_DECODER_MAGIC PG_MODULE_MAGIC
#endif

/* The new row of an INSERT; NULL where WAL carries none. */
static inline HeapTuple
change_get_new_tuple(const ReorderBufferChange *change)
{
#if PG_VERSION_NUM >= 170000
	return change->data.tp.newtuple;
#else
	return change->data.tp.newtuple != NULL ? &change->data.tp.newtuple->tuple : NULL;
#endif
}

/* From 16 on the server itself reports progress while a transaction's changes are skipped. */
#define SERVER_REPORTS_SKIPPED_CHANGES (PG_VERSION_NUM >= 160000)

/*
 * Whether synchronous_standby_names has a name, as the checkpointer has told everybody; under
 * SyncRepLock. Minor releases of 2025 turned the field into flags.
 */
#ifdef SYNC_STANDBY_DEFINED
#define SYNCHRONOUS_STANDBYS_DEFINED ((WalSndCtl->sync_standbys_status & SYNC_STANDBY_DEFINED) != 0)
#else
#define SYNCHRONOUS_STANDBYS_DEFINED (WalSndCtl->sync_standbys_defined)
#endif

/* Of libpq/libpq.h, which includes headers of GSSAPI that an installation need not have. */
extern bool pq_check_connection(void);
