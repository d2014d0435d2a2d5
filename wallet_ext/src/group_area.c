/*
 * group_area.c
 *		The shared memory in which grouped transfers lie.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/memutils.h"

#include "group_area.h"
#include "guc.h"

/* What stands before the area. */
typedef struct AreaHeader
{
	int tranche;
} AreaHeader;

static AreaHeader *header = NULL;

/* As the server started: shared memory that is made again after a crash keeps its size. */
static Size area_bytes = 0;

/* Of this process; NULL: not yet. */
static dsa_area *area = NULL;

static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

static Size
all_bytes(void)
{
	return add_size(MAXALIGN(sizeof(AreaHeader)), area_bytes);
}

static void *
area_start(void)
{
	return (char *) header + MAXALIGN(sizeof(AreaHeader));
}

static void
group_area_request(void)
{
	if (previous_request_hook != NULL)
		previous_request_hook();
	RequestAddinShmemSpace(all_bytes());
}

static void
group_area_startup(void)
{
	bool found = false;

	if (previous_startup_hook != NULL)
		previous_startup_hook();
	header = ShmemInitStruct("wallet group area", all_bytes(), &found);
	if (found)
		return;
	header->tranche = LWLockNewTrancheId();

	dsa_area *made = dsa_create_in_place(area_start(), area_bytes, header->tranche, NULL);

	/* It lasts as long as the server, and never asks for more memory. */
	dsa_pin(made);
	dsa_set_size_limit(made, area_bytes);
	dsa_detach(made);
}

void
group_area_init(void)
{
	if (!process_shared_preload_libraries_in_progress || guc_group_memory == 0)
		return;
	area_bytes = (Size) guc_group_memory * 1024;
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = group_area_request;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = group_area_startup;
}

static dsa_area *
group_area(void)
{
	if (area == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);

		LWLockRegisterTranche(header->tranche, "WalletGroupArea");
		area = dsa_attach_in_place(area_start(), NULL);
		dsa_pin_mapping(area);
		MemoryContextSwitchTo(caller);
	}
	return area;
}

dsa_pointer
group_area_allocate(Size bytes)
{
	return dsa_allocate_extended(group_area(), bytes, DSA_ALLOC_NO_OOM);
}

void
group_area_free(dsa_pointer piece)
{
	if (DsaPointerIsValid(piece))
		dsa_free(group_area(), piece);
}

void *
group_area_address(dsa_pointer piece)
{
	return dsa_get_address(group_area(), piece);
}
