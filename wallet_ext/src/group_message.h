/*
 * group_message.h
 *		What a grouped transfer asks and is told, as bytes in shared memory.
 *
 * A "message" is a checked request of wallet_transfer and what its operation records of the caller;
 * a "text" is an error. Amounts are 128-bit integers there too (INV-10).
 */
#pragma once

#include "utils/dsa.h"

#include "group_queue.h"
#include "request.h"

typedef struct GroupMessage
{
	Request request;
	LedgerCaller caller;
	bool seals;		/* wallet.seal of the session */
	int durability; /* synchronous_commit of the session */
#ifdef WALLET_TESTING
	int clock_offset;
#endif
} GroupMessage;

typedef struct GroupText
{
	char *message;
	char *detail; /* NULL: none */
	char *hint;	  /* NULL: none */
} GroupText;

/* The message that the caller's request makes; what it points to is the caller's. */
extern GroupMessage group_message(const Request *request);

/* Puts it into the area; invalid where there is no room. *bytes: what it takes. */
extern dsa_pointer group_message_store(const GroupMessage *message, Size *bytes);

/* A copy in the current memory context. */
extern GroupMessage group_message_read(dsa_pointer stored);

extern dsa_pointer group_text_store(const GroupText *text);

/* A copy; the piece is free then. */
extern GroupText group_text_take(dsa_pointer stored);
