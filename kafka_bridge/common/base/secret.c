/*
 * secret.c
 *		Looks for secrets by the two shapes they have in connection strings and configurations.
 *		Pure. Rather hides too much than too little.
 */
#include "base/secret.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* Where the next piece of the result goes; what does not fit is dropped. */
typedef struct MaskOutput
{
	char *at;
	char *end; /* of the buffer, where the NUL may stand at the latest */
} MaskOutput;

static void
output_append(MaskOutput *output, const char *text, size_t bytes)
{
	size_t room = (size_t) (output->end - output->at);

	if (bytes > room)
		bytes = room;
	memcpy(output->at, text, bytes);
	output->at += bytes;
}

static bool
is_name_byte(char byte)
{
	return isalnum((unsigned char) byte) || byte == '_' || byte == '.' || byte == '-';
}

static bool
name_ends_in(const char *name, size_t bytes, const char *ending)
{
	size_t ending_bytes = strlen(ending);

	return bytes >= ending_bytes &&
		   strncasecmp(name + bytes - ending_bytes, ending, ending_bytes) == 0;
}

static bool
name_is_secret(const char *name, size_t bytes)
{
	static const char *const endings[] = {"password", "passwd",		 "passphrase",
										  "secret",	  "token",		 "pass",
										  "key.pem",  "jaas.config", "oauthbearer.config"};

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
		if (name_ends_in(name, bytes, endings[i]))
			return true;
	return false;
}

bool
secret_name_check(const char *name)
{
	return name_is_secret(name, strlen(name));
}

/*
 * The length of the user information of "scheme://user:password@" up to its colon, 0 if there is
 * no password at this place. *password_bytes is what stands between the colon and the @.
 */
static size_t
url_user_scan(const char *text, size_t *password_bytes)
{
	const char *colon = NULL;
	const char *last_at = NULL;

	/* A password may hold an unescaped @, /, ? or quote, so the last @ of the word counts. */
	for (const char *at = text; *at != '\0' && !isspace((unsigned char) *at); at++)
	{
		if (*at == ':' && colon == NULL)
			colon = at;
		if (*at == '@')
			last_at = at;
	}
	if (colon == NULL || last_at == NULL || last_at < colon)
		return 0;
	*password_bytes = (size_t) (last_at - colon - 1);
	return (size_t) (colon - text);
}

/* The length of a value that begins here: quoted with escapes, or up to the next separator. */
static size_t
value_scan(const char *text)
{
	const char *at = text;

	if (*at == '\'' || *at == '"')
	{
		char quote = *at++;

		while (*at != '\0' && *at != quote)
			at += at[0] == '\\' && at[1] != '\0' ? 2 : 1;
		return (size_t) (at - text) + (*at == quote ? 1 : 0);
	}
	while (*at != '\0' && !isspace((unsigned char) *at) && *at != '&' && *at != ',' && *at != ';' &&
		   *at != '"' && *at != '\'')
		at += at[0] == '\\' && at[1] != '\0' ? 2 : 1;
	return (size_t) (at - text);
}

/* After a secret's name: the length of "=" or ":" with the blanks and the quote around it, or 0. */
static size_t
assignment_scan(const char *text)
{
	const char *at = text;

	if (*at == '"') /* {"password": ... */
		at++;
	while (*at == ' ')
		at++;
	if (*at != '=' && *at != ':')
		return 0;
	at++;
	while (*at == ' ')
		at++;
	return (size_t) (at - text);
}

static const char *
url_user_mask(const char *at, MaskOutput *output)
{
	size_t password_bytes = 0;

	output_append(output, "://", 3);
	at += 3;

	size_t user_bytes = url_user_scan(at, &password_bytes);

	if (user_bytes == 0 && password_bytes == 0)
		return at;
	output_append(output, at, user_bytes + 1);
	output_append(output, SECRET_MASK, strlen(SECRET_MASK));
	return at + user_bytes + 1 + password_bytes;
}

static const char *
name_mask(const char *at, MaskOutput *output)
{
	size_t name_bytes = 0;

	while (is_name_byte(at[name_bytes]))
		name_bytes++;
	output_append(output, at, name_bytes);
	if (!name_is_secret(at, name_bytes))
		return at + name_bytes;
	at += name_bytes;

	size_t assignment_bytes = assignment_scan(at);
	size_t value_bytes = assignment_bytes > 0 ? value_scan(at + assignment_bytes) : 0;

	output_append(output, at, assignment_bytes);
	if (value_bytes > 0)
		output_append(output, SECRET_MASK, strlen(SECRET_MASK));
	return at + assignment_bytes + value_bytes;
}

void
secret_text_mask(const char *text, char *masked, size_t bytes)
{
	MaskOutput output = {.at = masked, .end = masked + bytes - 1};

	for (const char *at = text; *at != '\0';)
	{
		if (strncmp(at, "://", 3) == 0)
			at = url_user_mask(at, &output);
		else if (is_name_byte(*at))
			at = name_mask(at, &output);
		else
			output_append(&output, at++, 1);
	}
	*output.at = '\0';
}
