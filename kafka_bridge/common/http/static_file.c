/*
 * static_file.c
 *		Answers with a file of the program. A page may load nothing but what comes from here.
 */
#include "http/static_file.h"

#include <assert.h>
#include <string.h>

#include "http/server.h"

static const char page_policy[] =
	"default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static const char *
content_type(const char *name)
{
	static const struct
	{
		const char *suffix;
		const char *type;
	} types[] = {
		{".html", "text/html; charset=utf-8"},
		{".css", "text/css; charset=utf-8"},
		{".js", "text/javascript; charset=utf-8"},
		{".json", "application/json"},
		{".svg", "image/svg+xml"},
		{".png", "image/png"},
	};
	const char *suffix = strrchr(name, '.');

	for (size_t i = 0; suffix != NULL && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(suffix, types[i].suffix) == 0)
			return types[i].type;
	return "application/octet-stream";
}

static void
file_answer(HttpRequest *request, HttpResponse *response, const void *context)
{
	const StaticFile *file = context;

	(void) request;
	http_response_static(response, 200, content_type(file->name), file->begin,
						 (size_t) (file->end - file->begin));
	http_response_header(response, "Content-Security-Policy", page_policy);
	http_response_header(response, "Referrer-Policy", "no-referrer");
}

size_t
static_files_routes_fill(const StaticFile *files, HttpRoute *routes, size_t routes_max)
{
	size_t count = 0;

	for (; files[count].pattern != NULL; count++)
	{
		assert(count < routes_max);
		routes[count] = (HttpRoute){
			.method = "GET",
			.pattern = strcmp(files[count].name, "index.html") == 0 ? "/" : files[count].pattern,
			.handler = file_answer,
			.context = &files[count],
			.is_public = true,
		};
	}
	return count;
}
