/*
 * seal_chain.h
 *		The chain of seals that makes a changed, removed or inserted entry show.
 *
 * A "seal" is the SHA-256 of the seal of the wallet's entry before and of everything this entry
 * says. A wallet's chain begins with the first entry that is made while wallet.seal is on, and
 * then goes on whatever the setting, so that an entry without a seal behind one with a seal is a
 * break. Each wallet has a chain of its own, under its own lock: sealing takes no other.
 *
 * What is hashed, integers big-endian: the seal before (32 bytes, of the first one zero bytes),
 * then for every column of the entry's ledger row in the order of seal_hash_row, a byte 0 for
 * NULL or 1 and the value: uuid 16 bytes; integers and times (microseconds since 2000-01-01 UTC)
 * 8 bytes; amounts 16 bytes in units of 1/10000; booleans 1 byte; text and metadata as text,
 * each behind its length in 8 bytes. "from" or "to" comes first and says which side the entry
 * is.
 *
 * Source of the idea: hash-chained logs; FIPS 180-4 for SHA-256, by the server's own library.
 */
#pragma once

#include "journal.h"

/* Seals the rows of the journal in order, and with them wallet->next of their wallets. */
extern void seal_journal(Journal *journal);

/* Seals a row whose only wallet is new. */
extern void seal_new_wallet(LedgerRow *row);
