/*
 * lock.c
 *		wallet_lock: the row locks of many wallets in id order, for a transaction of several calls.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/snapmgr.h"

#include "errors.h"
#include "guc.h"
#include "request.h"
#include "wallet.h"

PG_FUNCTION_INFO_V1(wallet_lock);

static int
compare_id_datum(const void *left, const void *right)
{
	return wallet_compare_id(DatumGetUUIDP(*(const Datum *) left),
							 DatumGetUUIDP(*(const Datum *) right));
}

/* The ids in id order; *count of them. */
static Datum *
lock_read_ids(ArrayType *array, int *count)
{
	static const pg_uuid_t nil = {{0}};
	Datum *ids = NULL;
	bool *nulls = NULL;

	deconstruct_array(array, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR, &ids, &nulls, count);
	for (int i = 0; i < *count; i++)
		if (nulls[i])
			error_raise_null_element("wallet_ids");
	if (*count > guc_max_batch_items)
		error_raise_too_many_items("wallet_ids", *count);
	for (int i = 0; i < *count; i++)
		if (wallet_compare_id(DatumGetUUIDP(ids[i]), &nil) == 0)
			error_raise_malformed("wallet_ids", "must not have the nil UUID as an element");
	qsort(ids, *count, sizeof(Datum), compare_id_datum);
	return ids;
}

static void
lock_take(WalletScan *scan, const pg_uuid_t *id)
{
	Wallet wallet = {0};

	wallet_find(scan, id, &wallet);
	if (wallet.found)
		wallet_row_lock(scan, &wallet, false);
	if (!wallet.found)
		error_raise_wallet_not_found(id);
	wallet_drop_slot(scan, &wallet);
}

Datum
wallet_lock(PG_FUNCTION_ARGS)
{
	static const char *const required[] = {"wallet_ids"};
	WalletScan scan;
	int count = 0;

	request_begin("wallet_lock()");
	request_check_not_null(fcinfo, required, lengthof(required));

	Datum *ids = lock_read_ids(PG_GETARG_ARRAYTYPE_P(0), &count);
	Snapshot snapshot = RegisterSnapshot(GetTransactionSnapshot());

	wallet_scan_begin(&scan, snapshot, true);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i == 0 || compare_id_datum(&ids[i - 1], &ids[i]) != 0)
			lock_take(&scan, DatumGetUUIDP(ids[i]));
	}
	wallet_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	PG_RETURN_VOID();
}
