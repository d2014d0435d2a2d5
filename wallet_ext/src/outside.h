/*
 * outside.h
 *		The right to move money over the ledger's edge, whichever operation does it.
 */
#pragma once

/* 42501 unless the caller may execute wallet_withdraw, wallet_fund. argument: the operation's that
 * asks for it. */
extern void outside_check_out(Oid schema, const char *argument);
extern void outside_check_in(Oid schema, const char *argument);
