/*
 * stream.c
 *		Bytes between a writer and a connection, which is suspended while there are none.
 */
#include "http/stream.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define READ_BLOCK_BYTES 16384

struct HttpStream
{
	pthread_mutex_t lock;
	struct MHD_Connection *connection;
	int fd;
	char *data;
	size_t bytes;
	size_t room;
	int owners;
	bool is_suspended; /* the library waits for http_stream_write() */
	bool is_ended;	   /* the writer has closed, or was cut off */
	bool is_gone;	   /* the client, or the server's end of the stream */
};

/* With the lock held; releases it. */
static void
stream_release(HttpStream *stream)
{
	bool is_last = --stream->owners == 0;

	pthread_mutex_unlock(&stream->lock);
	if (!is_last)
		return;
	pthread_mutex_destroy(&stream->lock);
	free(stream->data);
	free(stream);
}

static void
stream_wake(HttpStream *stream)
{
	if (!stream->is_suspended)
		return;
	stream->is_suspended = false;
	MHD_resume_connection(stream->connection);
}

/* Many streams rest most of the time: one that has nothing to say keeps no memory. */
static void
room_free(HttpStream *stream)
{
	free(stream->data);
	stream->data = NULL;
	stream->room = 0;
}

/* The library asks for bytes; without any its connection rests until there are some. */
static ssize_t
stream_read(void *context, uint64_t position, char *to, size_t room)
{
	HttpStream *stream = context;
	ssize_t taken = 0;

	(void) position;
	pthread_mutex_lock(&stream->lock);
	if (stream->bytes > 0)
	{
		size_t count = stream->bytes < room ? stream->bytes : room;

		memcpy(to, stream->data, count);
		memmove(stream->data, stream->data + count, stream->bytes - count);
		stream->bytes -= count;
		if (stream->bytes == 0)
			room_free(stream);
		taken = (ssize_t) count;
	}
	else if (stream->is_ended)
		taken = MHD_CONTENT_READER_END_OF_STREAM;
	else
	{
		MHD_suspend_connection(stream->connection);
		stream->is_suspended = true;
	}
	pthread_mutex_unlock(&stream->lock);
	return taken;
}

static void
stream_drop(void *context)
{
	HttpStream *stream = context;

	pthread_mutex_lock(&stream->lock);
	stream->is_gone = true;
	stream_release(stream);
}

HttpStream *
http_stream_new(struct MHD_Connection *connection, struct MHD_Response **response)
{
	HttpStream *stream = calloc(1, sizeof(HttpStream));

	*response = NULL;
	if (stream == NULL)
		return NULL;
	pthread_mutex_init(&stream->lock, NULL);
	stream->connection = connection;
	stream->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	stream->owners = 2;
	*response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, READ_BLOCK_BYTES, stream_read,
												  stream, stream_drop);
	if (*response != NULL)
		return stream;
	pthread_mutex_destroy(&stream->lock);
	free(stream);
	return NULL;
}

static bool
stream_make_room(HttpStream *stream, size_t bytes)
{
	if (bytes > HTTP_STREAM_BYTES_MAX - stream->bytes)
		return false;
	if (stream->bytes + bytes <= stream->room)
		return true;

	size_t room = stream->bytes + bytes + bytes / 4;
	char *data = realloc(stream->data, room);

	if (data == NULL)
		return false;
	stream->data = data;
	stream->room = room;
	return true;
}

bool
http_stream_write(HttpStream *stream, const char *data, size_t bytes)
{
	bool goes_on = false;

	pthread_mutex_lock(&stream->lock);
	if (!stream->is_gone && !stream->is_ended)
	{
		goes_on = stream_make_room(stream, bytes);
		if (goes_on)
		{
			memcpy(stream->data + stream->bytes, data, bytes);
			stream->bytes += bytes;
		}
		else
			stream->is_ended = true;
		stream_wake(stream);
	}
	pthread_mutex_unlock(&stream->lock);
	return goes_on;
}

size_t
http_stream_unread(HttpStream *stream)
{
	pthread_mutex_lock(&stream->lock);
	size_t bytes = stream->bytes;

	pthread_mutex_unlock(&stream->lock);
	return bytes;
}

/* Bytes that wait to be read are the client's next request: it is there. */
static bool
peer_is_there(int fd)
{
	char byte;
	ssize_t peeked = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	return peeked > 0 || (peeked < 0 && (errno == EAGAIN || errno == EINTR));
}

bool
http_stream_is_open(HttpStream *stream)
{
	pthread_mutex_lock(&stream->lock);
	/* Until the library has let go of the stream its descriptor is this connection's. */
	if (!stream->is_gone && !stream->is_ended && !peer_is_there(stream->fd))
	{
		stream->is_ended = true;
		stream_wake(stream);
	}
	bool is_open = !stream->is_gone && !stream->is_ended;

	pthread_mutex_unlock(&stream->lock);
	return is_open;
}

void
http_stream_close(HttpStream *stream)
{
	pthread_mutex_lock(&stream->lock);
	stream->is_ended = true;
	if (!stream->is_gone)
		stream_wake(stream);
	stream_release(stream);
}
