/*
 * guc.c
 *		Every setting of the extension.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/guc.h"

#include "guc.h"

int guc_max_metadata_bytes = MAX_METADATA_BYTES_DEFAULT;
int guc_row_hints = ROW_HINTS_DEFAULT;
int guc_group_memory = GROUP_MEMORY_DEFAULT;
int guc_max_batch_items = MAX_BATCH_ITEMS_DEFAULT;

bool guc_seal = false;
bool guc_replayed = false;

#ifdef WALLET_TESTING
int guc_test_clock_offset = 0;
#endif

/* wallet.replayed only tells: it keeps its default, and so its variable is the library's alone. */
static bool
replayed_allow(bool *value, void **extra, GucSource source)
{
	if (source == PGC_S_DEFAULT)
		return true;
	GUC_check_errcode(ERRCODE_CANT_CHANGE_RUNTIME_PARAM);
	GUC_check_errmsg("parameter \"wallet.replayed\" cannot be changed");
	return false;
}

/* Less than that is none at all. */
static bool
group_memory_allow(int *value, void **extra, GucSource source)
{
	if (*value == 0 || *value >= GROUP_MEMORY_MIN)
		return true;
	GUC_check_errdetail("It is 0, or at least %d kB.", GROUP_MEMORY_MIN);
	return false;
}

void
guc_init(void)
{
	DefineCustomIntVariable("wallet.max_metadata_bytes",
							"Sets the largest metadata an operation accepts.",
							"Measured as octet_length(metadata::text).", &guc_max_metadata_bytes,
							MAX_METADATA_BYTES_DEFAULT, MAX_METADATA_BYTES_MIN,
							MAX_METADATA_BYTES_MAX, PGC_SUSET, GUC_UNIT_BYTE, NULL, NULL, NULL);
	DefineCustomIntVariable("wallet.max_batch_items",
							"Sets the largest number of elements an array argument may have.", NULL,
							&guc_max_batch_items, MAX_BATCH_ITEMS_DEFAULT, MAX_BATCH_ITEMS_MIN,
							MAX_BATCH_ITEMS_MAX, PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("wallet.row_hints",
							"Sets of how many wallets the server remembers where their rows are.",
							"Read when the server starts with the library preloaded. Each takes 8 "
							"bytes of shared memory. 0 remembers none.",
							&guc_row_hints, ROW_HINTS_DEFAULT, 0, ROW_HINTS_MAX,
							process_shared_preload_libraries_in_progress ? PGC_POSTMASTER
																		 : PGC_SIGHUP,
							0, NULL, NULL, NULL);
	DefineCustomIntVariable("wallet.group_memory",
							"Sets the shared memory for requests of grouped transfers.",
							"Read when the server starts with the library preloaded. 0: there are "
							"no grouped transfers.",
							&guc_group_memory, GROUP_MEMORY_DEFAULT, 0, GROUP_MEMORY_MAX,
							process_shared_preload_libraries_in_progress ? PGC_POSTMASTER
																		 : PGC_SIGHUP,
							GUC_UNIT_KB, group_memory_allow, NULL, NULL);
	DefineCustomBoolVariable("wallet.seal",
							 "Begins a chain of seals in every wallet with its next entry.",
							 "A chain that has begun goes on whatever the setting.", &guc_seal,
							 false, PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("wallet.replayed",
							 "Whether the last call found its key taken by the same request.",
							 "It then returned what that had done, and did nothing.", &guc_replayed,
							 false, PGC_SUSET, GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE,
							 replayed_allow, NULL, NULL);
#ifdef WALLET_TESTING
	DefineCustomIntVariable("wallet.test_clock_offset",
							"Sets how far the clock of operations is ahead of the server's.", NULL,
							&guc_test_clock_offset, 0, -PG_INT32_MAX, PG_INT32_MAX, PGC_SUSET,
							GUC_UNIT_MS, NULL, NULL, NULL);
#endif
	MarkGUCPrefixReserved("wallet");
}
