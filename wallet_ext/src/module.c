/*
 * module.c
 *		Entry point of wallet.so: calls each module's init, nothing else.
 */
#include "postgres.h"

#include "fmgr.h"

#include "currency.h"
#include "group_area.h"
#include "group_queue.h"
#include "guc.h"
#include "lock_class.h"
#include "origin.h"
#include "relation_cache.h"
#include "row_hint.h"
#include "stat.h"

PG_MODULE_MAGIC;

void _PG_init(void);

void
_PG_init(void)
{
	guc_init();
	relation_cache_init();
	currency_init();
	origin_init();
	row_hint_init();
	lock_class_init();
	stat_init();
	group_area_init();
	group_queue_init();
}
