/*
 * admission.c
 *		The tokens may be exchanged while requests look at them.
 */
#include "http/admission.h"

#include <sys/socket.h>

#include "http/host.h"

void
http_admission_begin(HttpAdmission *admission, const char *hosts)
{
	*admission = (HttpAdmission){.hosts = hosts};
	pthread_rwlock_init(&admission->lock, NULL);
}

void
http_admission_end(HttpAdmission *admission)
{
	http_tokens_free(admission->tokens);
	pthread_rwlock_destroy(&admission->lock);
}

Status
http_options_tokens_read(const HttpOptions *options, HttpTokens **tokens)
{
	return http_tokens_new(&(const HttpTokenOptions){options->bearer_tokens,
													 options->bearer_token_file,
													 options->tokens_file},
						   tokens);
}

Status
http_admission_tokens_set(HttpAdmission *admission, const HttpOptions *options)
{
	HttpTokens *tokens = NULL;
	Status status = http_options_tokens_read(options, &tokens);

	if (!status_is_ok(&status))
		return status;
	pthread_rwlock_wrlock(&admission->lock);

	HttpTokens *before = admission->tokens;

	admission->tokens = tokens;
	pthread_rwlock_unlock(&admission->lock);
	http_tokens_free(before);
	return status;
}

/* The address that the connection came to; false where it has none. */
static bool
own_address_get(const HttpRequest *request, struct sockaddr_storage *own)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	socklen_t bytes = sizeof(*own);

	return info != NULL && getsockname(info->connect_fd, (struct sockaddr *) own, &bytes) == 0;
}

/* A request of HTTP/1.0 without a Host comes from no browser. */
bool
http_admission_host(const HttpAdmission *admission, const HttpRequest *request)
{
	const char *host = http_request_header(request, MHD_HTTP_HEADER_HOST);
	struct sockaddr_storage own;
	const struct sockaddr *address =
		own_address_get(request, &own) ? (const struct sockaddr *) &own : NULL;

	return (host == NULL || http_host_accept(host, admission->hosts, address)) &&
		   (request->authority == NULL ||
			http_host_accept(request->authority, admission->hosts, address));
}

/* Whether the token is good; where none is asked for, everybody's is. */
static bool
caller_find(HttpAdmission *admission, HttpRequest *request)
{
	const char *authorization = http_request_header(request, MHD_HTTP_HEADER_AUTHORIZATION);

	pthread_rwlock_rdlock(&admission->lock);

	bool is_open = admission->tokens == NULL;
	bool is_known = is_open || http_tokens_find(admission->tokens, authorization, &request->caller);

	pthread_rwlock_unlock(&admission->lock);
	if (is_open)
		request->caller.scopes = HTTP_SCOPE_ALL;
	return is_known;
}

bool
http_admission_enter(HttpAdmission *admission, HttpRequest *request)
{
	const HttpRoute *route = request->match.route;
	HttpResponse *response = &request->response;

	if (!caller_find(admission, request) && !route->is_public)
	{
		http_response_problem(response, MHD_HTTP_UNAUTHORIZED, "a bearer token is needed");
		http_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
		return false;
	}
	if (route->scope != 0 && !http_request_may(request, (HttpScope) route->scope))
		return false;
	if (http_query_check(request->connection, route->queries, request->reason))
		return true;
	http_response_problem(response, MHD_HTTP_BAD_REQUEST, request->reason);
	return false;
}
