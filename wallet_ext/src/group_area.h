/*
 * group_area.h
 *		The shared memory in which grouped transfers lie: pieces of any size, all of them together
 *		no larger than wallet.group_memory.
 */
#pragma once

#include "utils/dsa.h"

#include "c.h"

extern void group_area_init(void);

/* InvalidDsaPointer where there is no room. */
extern dsa_pointer group_area_allocate(Size bytes);

/* Nothing is done with InvalidDsaPointer. */
extern void group_area_free(dsa_pointer piece);

/* Where the piece is in this process. */
extern void *group_area_address(dsa_pointer piece);
