/*
 * position_mark.h
 *		The record that was applied last of a partition, by which its topic is known again (INV-14).
 *
 * A topic that was deleted and made anew has the name and the offsets of the old one, and other
 * records at them. Pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct PositionMark
{
	int64_t offset; /* -1: none */
	int64_t hash;	/* of the record's timestamp and value */
} PositionMark;

#define POSITION_MARK_NONE ((PositionMark){.offset = -1})

/* The mark that a record is. */
PositionMark position_mark_make(int64_t offset, int64_t timestamp_ms, const void *value,
								size_t bytes);

typedef enum MarkFound
{
	MARK_STANDS,   /* the record is where it was */
	MARK_REPLACED, /* another record has its place */
	MARK_MISSING   /* the partition goes on behind it: it was removed */
} MarkFound;

/* found: the first record that the partition has at or after the mark. */
MarkFound position_mark_judge(const PositionMark *mark, const PositionMark *found);

/* FATAL, with the ways out: why a partition is not the one that was read. */
Status position_mark_refuse(int32_t partition, const char *why);
Status position_mark_refuse_record(int32_t partition, const PositionMark *mark);
Status position_mark_refuse_end(int32_t partition, const PositionMark *mark, int64_t end_offset);
