/*
 * stream.h
 *		A response body that is written piece by piece while the client reads it (server-sent
 *		events).
 *
 * Made by http_response_stream() (server.h). It has two owners, the server and the writer; the
 * last one frees it. Any thread may write; one mutex inside guards all. What the client has not
 * read yet is kept up to HTTP_STREAM_BYTES_MAX: a client that falls further behind is cut off.
 */
#pragma once

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>

#define HTTP_STREAM_BYTES_MAX (1024 * 1024)

typedef struct HttpStream HttpStream;

/* False: the client has gone, or is cut off; nothing more will be sent. */
bool http_stream_write(HttpStream *stream, const char *data, size_t bytes);

/* Bytes that were written and wait for the client to read on. */
size_t http_stream_unread(HttpStream *stream);

/*
 * Whether writing makes sense: as http_stream_write() says it, and a client that has closed its
 * side counts as gone. The library does not look at a connection that waits for bytes, so the
 * writer has to ask now and then.
 */
bool http_stream_is_open(HttpStream *stream);

/*
 * The writer's end: the client gets what was written, then the end. The stream is not its any more.
 */
void http_stream_close(HttpStream *stream);

/* Inside common/http: the stream, and the library's response that reads from it. */
HttpStream *http_stream_new(struct MHD_Connection *connection, struct MHD_Response **response);
