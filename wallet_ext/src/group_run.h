/*
 * group_run.h
 *		Makes the transfers of a group.
 *
 * They are one transaction. One that is refused fails alone, by what transfer_many.h does. Where
 * somebody is at a wallet or a key of one, that one is told so and the others go on: the worker
 * waits for nobody as long as it can be seen before. For what can't be seen, a lock on a table or a
 * race, it waits as long as GROUP_LOCK_TIMEOUT; then all are told so. After any other error each is
 * tried once more in a transaction of its own, and gets its own error.
 *
 * The rows are written as the tables' owner in a restricted context, since an index of somebody
 * else's may run code; tables that carry more than the extension's own are refused (INV-13).
 */
#pragma once

#include "group_message.h"

typedef struct GroupItem
{
	GroupMessage message;
	int index;	/* among what was taken */
	int rounds; /* how often it was held up */
	bool is_answered;
	/* What it came to. */
	GroupAnswerKind kind;
	pg_uuid_t transaction_id;
	bool replayed;
	int sqlstate;
	GroupText text;
	TransactionId holder;
} GroupItem;

/* How long the worker waits for a lock, in ms. */
#define GROUP_LOCK_TIMEOUT 100

/* Whether the item is to wait for its wallets and key, alone: it was held up again and again. */
extern bool group_item_is_patient(const GroupItem *item);

/* Answers each as soon as it is known what it came to. Called outside of a transaction; what they
 * make is in the current memory context. */
extern void group_run_together(GroupItem **items, int count, GroupCounts *counts);
extern void group_run_alone(GroupItem *item);
