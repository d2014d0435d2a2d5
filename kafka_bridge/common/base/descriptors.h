/*
 * descriptors.h
 *		How many files and sockets the process may have open.
 */
#pragma once

#include <stdint.h>

/*
 * Raises the soft limit to wanted, as far as the hard one allows; never lowers it. Returns the
 * limit.
 */
int64_t descriptors_raise(int64_t wanted);
