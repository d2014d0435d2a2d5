/*
 * position_store.h
 *		The rows of wallet_history_offsets: how far each partition is applied, and who may go on.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "batch.h"
#include "event_source.h"
#include "history_session.h"
#include "kafka/topic.h"

typedef struct PositionKey
{
	const char *group;
	const char *topic;
	const char *source; /* that was told, or NULL */
} PositionKey;

/* A partition that is taken over. */
typedef struct PositionClaim
{
	int32_t partition;
	int64_t start_offset;					/* in: where to begin without a stored position */
	int64_t end_offset;						/* in: where the partition ends */
	int64_t next_offset;					/* out: where to go on */
	int64_t fence;							/* out: what proves the ownership */
	PositionMark mark;						/* out: of the record that was applied last */
	PositionMark anchor;					/* out: of one that was applied before it */
	char topic_id[KAFKA_TOPIC_ID_BYTES];	/* in: of the topic, the same in all claims; out: of the
											 * topic that was read. "": not known */
	int64_t server_us;						/* out: the server's clock */
	char source[EVENT_SOURCE_BYTES];		/* out: of the group's events; "": not known yet */
	char former_owner[HISTORY_OWNER_BYTES]; /* out: "" if there was none */
} PositionClaim;

Status position_store_prepare(const HistorySession *session, const Wait *wait);

/* Raises the fences: whoever held these partitions can't commit any more. One transaction. */
Status position_store_claim(const HistorySession *session, const Wait *wait, const PositionKey *key,
							const char *owner, PositionClaim *claims, size_t count);

/* What is known of a partition beside its position. */
typedef struct PositionReach
{
	int32_t partition;
	int64_t fence;
	int64_t complete_at_us; /* all that it held then is applied; 0: not known */
	PositionMark anchor;	/* what was applied a while ago; none: nothing */
	int64_t next_offset;	/* of the next record to be applied */
} PositionReach;

/*
 * Stores that. *lost: of a partition that nobody else took over an earlier position or claim is
 * stored than this process left there, and nothing then: PostgreSQL lost its last commits in a
 * crash.
 */
Status position_store_reach(const HistorySession *session, const Wait *wait, const PositionKey *key,
							const PositionReach *reaches, size_t count, bool *lost);

typedef enum PositionState
{
	POSITIONS_BEFORE, /* as the batch expects them */
	POSITIONS_AFTER,  /* the batch is already applied */
	POSITIONS_FENCED  /* another owner, or moved by hand */
} PositionState;

/* What an earlier attempt of the batch, of unknown outcome, has done. */
Status position_store_check(const HistorySession *session, const Wait *wait, const PositionKey *key,
							const Batch *batch, PositionState *state);

/* Moves the batch's positions, if all are as the batch expects them; else *fenced. */
Status position_store_advance(const HistorySession *session, const Wait *wait,
							  const PositionKey *key, const Batch *batch, bool *fenced);

/*
 * The same as a statement that can go over together with others, in one transaction; where the
 * positions are not as expected it fails with POSITIONS_FENCED_STATE. From malloc(), or NULL.
 */
#define POSITIONS_FENCED_STATE "22012"
char *position_store_advance_print(const HistorySession *session, const PositionKey *key,
								   const Batch *batch);
