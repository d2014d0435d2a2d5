/*
 * options.h
 *		What a client may tell the output plugin at START_REPLICATION.
 */
#pragma once

#include "postgres.h"

#include "nodes/pg_list.h"

typedef enum DecoderFormat
{
	FORMAT_JSON,
	FORMAT_FRAME
} DecoderFormat;

typedef struct DecoderOptions
{
	DecoderFormat format;
	int protocol_version; /* of the frames; 0: not given, which is the first */
} DecoderOptions;

/*
 * Reads the DefElems of the client over the defaults. Unknown, repeated or malformed options raise
 * ERRCODE_INVALID_PARAMETER_VALUE: this is the only place where the plugin ever raises.
 */
extern void options_read(DecoderOptions *options, List *elements);
