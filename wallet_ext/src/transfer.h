/*
 * transfer.h
 *		The arguments of wallet_transfer, which others take too.
 */
#pragma once

#include "request.h"

/* Reads and checks them as far as no table is needed. */
extern Request transfer_read(FunctionCallInfo fcinfo);
