/*
 * errors.h
 *		Every SQLSTATE and message of the extension: one raise function per rule.
 *
 * Class WL holds what a client must branch on; each of these errors has one JSON object in DETAIL,
 * amounts as strings. Standard codes are used where one is exact; of a bad argument (22004, 22023)
 * DETAIL has the name. None of these functions returns.
 */
#pragma once

#include "utils/elog.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "compat.h"
#include "money.h"

#define ERRCODE_WALLET_NOT_FOUND	 MAKE_SQLSTATE('W', 'L', '0', '0', '1')
#define ERRCODE_INSUFFICIENT_FUNDS	 MAKE_SQLSTATE('W', 'L', '0', '0', '2')
#define ERRCODE_INVALID_AMOUNT		 MAKE_SQLSTATE('W', 'L', '0', '0', '3')
#define ERRCODE_VERSION_CONFLICT	 MAKE_SQLSTATE('W', 'L', '0', '0', '4')
#define ERRCODE_IDEMPOTENCY_CONFLICT MAKE_SQLSTATE('W', 'L', '0', '0', '5')
#define ERRCODE_CURRENCY_MISMATCH	 MAKE_SQLSTATE('W', 'L', '0', '0', '6')
#define ERRCODE_SAME_WALLET			 MAKE_SQLSTATE('W', 'L', '0', '0', '7')
#define ERRCODE_WALLET_FROZEN		 MAKE_SQLSTATE('W', 'L', '0', '0', '8')
#define ERRCODE_WALLET_CLOSED		 MAKE_SQLSTATE('W', 'L', '0', '0', '9')
#define ERRCODE_LIMIT_EXCEEDED		 MAKE_SQLSTATE('W', 'L', '0', '1', '0')
#define ERRCODE_WALLET_NOT_EMPTY	 MAKE_SQLSTATE('W', 'L', '0', '1', '1')
#define ERRCODE_WALLET_NOT_FROZEN	 MAKE_SQLSTATE('W', 'L', '0', '1', '2')
#define ERRCODE_HOLD_NOT_FOUND		 MAKE_SQLSTATE('W', 'L', '0', '2', '0')
#define ERRCODE_HOLD_EXPIRED		 MAKE_SQLSTATE('W', 'L', '0', '2', '1')
#define ERRCODE_HOLD_NOT_OPEN		 MAKE_SQLSTATE('W', 'L', '0', '2', '2')
#define ERRCODE_EXCEEDS_HOLD		 MAKE_SQLSTATE('W', 'L', '0', '2', '3')
#define ERRCODE_OPERATION_NOT_FOUND	 MAKE_SQLSTATE('W', 'L', '0', '3', '0')
#define ERRCODE_NOT_REVERSIBLE		 MAKE_SQLSTATE('W', 'L', '0', '3', '1')
#define ERRCODE_EXCEEDS_REVERSIBLE	 MAKE_SQLSTATE('W', 'L', '0', '3', '2')
#define ERRCODE_LEDGER_APPEND_ONLY	 MAKE_SQLSTATE('W', 'L', '0', '9', '0')

/* The item or leg that is being judged, from 1: DETAIL names it as "index". 0: there is none.
 * The caller must reset it to 0, also when an error is raised. */
extern void error_set_index(int index);

/* 25006: the operation writes, and the transaction, server or worker may not. */
extern void error_check_can_write(const char *function);

/* 22004: a required argument is NULL. */
pg_noreturn extern void error_raise_null_argument(const char *argument);

/* 22004: so is an element of an array argument. */
pg_noreturn extern void error_raise_null_element(const char *argument);

/* 22023: a malformed argument; rule says what it must be, as in "must be 1 to 100 characters". */
pg_noreturn extern void error_raise_malformed(const char *argument, const char *rule);

/* 22023: an array argument with more elements than wallet.max_batch_items. */
pg_noreturn extern void error_raise_too_many_items(const char *argument, int items);

/* WL003; value is a numeric. */
pg_noreturn extern void error_raise_invalid_amount(const char *argument, Datum value,
												   bool may_be_zero);

/* WL003: more decimals than the currency's scale. */
pg_noreturn extern void error_raise_too_many_decimals(const char *argument, Money value,
													  const char *currency, int scale);

/* 55000: the scale can't be lowered to this. */
pg_noreturn extern void error_raise_scale_in_use(const char *currency, int scale);

/* WL007 */
pg_noreturn extern void error_raise_same_wallet(const pg_uuid_t *wallet_id);

/* WL005; stored and sent in text form, NULL for SQL null. */
pg_noreturn extern void error_raise_idempotency_conflict(const char *key, const char *field,
														 const char *stored, const char *sent,
														 const pg_uuid_t *transaction_id);

/* 40001: the row that counts is newer than the transaction's snapshot. */
pg_noreturn extern void error_raise_serialization_failure(void);

/* WL001 */
pg_noreturn extern void error_raise_wallet_not_found(const pg_uuid_t *wallet_id);

/* WL004 */
pg_noreturn extern void error_raise_version_conflict(const pg_uuid_t *wallet_id, int64 expected,
													 int64 actual);

/* WL009, WL008 */
pg_noreturn extern void error_raise_wallet_closed(const pg_uuid_t *wallet_id);
pg_noreturn extern void error_raise_wallet_frozen(const pg_uuid_t *wallet_id);

/* WL006; the second wallet against the first one's currency. */
pg_noreturn extern void error_raise_currency_mismatch(const pg_uuid_t *wallet_id,
													  const char *expected, const char *actual);

/* WL002 */
pg_noreturn extern void error_raise_insufficient_funds(const pg_uuid_t *wallet_id, Money available,
													   Money requested);

/* WL010 */
pg_noreturn extern void error_raise_limit_exceeded(const pg_uuid_t *wallet_id);

/* WL011; expired: the part of held that expired holds keep. */
pg_noreturn extern void error_raise_wallet_not_empty(const pg_uuid_t *wallet_id, Money balance,
													 Money held, Money expired);

/* WL012 */
pg_noreturn extern void error_raise_wallet_not_frozen(const pg_uuid_t *wallet_id);

/* WL020 */
pg_noreturn extern void error_raise_hold_not_found(const pg_uuid_t *hold_id);

/* WL021 */
pg_noreturn extern void error_raise_hold_expired(const pg_uuid_t *hold_id, TimestampTz expired_at);

/* WL022 */
pg_noreturn extern void error_raise_hold_not_open(const pg_uuid_t *hold_id, const char *status);

/* WL023 */
pg_noreturn extern void error_raise_exceeds_hold(const pg_uuid_t *hold_id, Money remaining,
												 Money requested);

/* WL030 */
pg_noreturn extern void error_raise_operation_not_found(const pg_uuid_t *transaction_id);

/* WL031; type is the kind of the operation's first row. */
pg_noreturn extern void error_raise_not_reversible(const pg_uuid_t *transaction_id,
												   const char *type);

/* WL032 */
pg_noreturn extern void error_raise_exceeds_reversible(const pg_uuid_t *transaction_id,
													   Money reversible, Money requested);

/* WL090 */
pg_noreturn extern void error_raise_append_only(const char *table);

/* 42501: money would go to, or come from, outside; function is the one whose right that needs. */
pg_noreturn extern void error_raise_outside_denied(const char *function, const char *argument);

/* 55000: the ledger is written under a replication origin of the history's. */
pg_noreturn extern void error_raise_history_origin(const char *origin);

/* 42501: whoever is neither the table's owner nor a superuser inserts directly, or changes else. */
pg_noreturn extern void error_raise_write_denied(const char *table, bool is_insert);

/* 55000: library and SQL objects are of different versions; installed is NULL where unknown. */
pg_noreturn extern void error_raise_version_mismatch(const char *installed);

/* 55000: a table of the extension is gone. */
pg_noreturn extern void error_raise_table_missing(const char *table);

/* 55000: something on a table isn't as the library needs it, or can't be honoured. */
pg_noreturn extern void error_raise_shape(const char *expected, const char *actual);

/* 55000: one of the BEFORE triggers has left out a row of an operation, or changed a column that
 * the operation sets. */
pg_noreturn extern void error_raise_row_skipped(const char *table, const char *triggers);
pg_noreturn extern void error_raise_row_changed(const char *table, const char *column,
												const char *triggers);

/* 27000, as of an UPDATE: a trigger has written a row before the operation that fired it could. */
pg_noreturn extern void error_raise_row_overtaken(const char *table);

/* 55000: what was to become the currency's scale isn't there. */
pg_noreturn extern void error_raise_scale_not_stored(const char *currency);

/* 55000: an operation is called while the rows of another are being written. */
pg_noreturn extern void error_raise_reentry(const char *function);

/* XX001: what is about to be written would break the invariant, so what is stored does already. */
pg_noreturn extern void error_raise_invariant(const char *invariant, const pg_uuid_t *wallet_id,
											  const char *column, const char *value);

/* 55000: the server has no memory for groups: not preloaded, or by its settings. */
pg_noreturn extern void error_raise_group_not_there(void);

/* 25001: a grouped transfer in a transaction that can't have it; what: what that is. */
pg_noreturn extern void error_raise_group_transaction(const char *what);

/* 53400: no room for a request of so many bytes; too many databases with groups. */
pg_noreturn extern void error_raise_group_full(Size bytes);
pg_noreturn extern void error_raise_group_databases(int databases);

/* 53000: no worker has come. */
pg_noreturn extern void error_raise_group_worker(void);

/* 55P03: a lock that isn't a row's holds the group up. */
pg_noreturn extern void error_raise_group_lock(void);

/* 40003: the wait for a grouped transfer that has been begun has ended; key NULL: it has none. */
pg_noreturn extern void error_raise_group_unknown(const text *key);

/* 55000: a table carries more than the extension's own. */
pg_noreturn extern void error_raise_group_additions(const char *table);
