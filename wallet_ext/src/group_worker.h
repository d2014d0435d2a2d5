/*
 * group_worker.h
 *		The background worker that makes the grouped transfers of one database.
 */
#pragma once

#include "c.h"

/* Asks for one for this database; false where the server has no room for it. Where two come, the
 * second one goes. */
extern bool group_worker_start(void);
