/*
 * file.c
 *		Parser of .env files. Everything is read before anything is parsed.
 */
#include "config/file.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/value.h"

#define FILE_BYTES_MAX (1 << 20)

/* One line while it is taken apart. name and value point into it and are ended by NULs. */
typedef struct FileLine
{
	char *name;
	char *value;
	const char *error;
} FileLine;

static bool
is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r';
}

static char *
blanks_skip(char *at)
{
	while (is_blank(*at))
		at++;
	return at;
}

/* After a closing quote only blanks and a comment may stand. */
static bool
rest_is_empty(char *at)
{
	at = blanks_skip(at);
	return *at == '\0' || *at == '#';
}

static char
escape_decode(char letter)
{
	if (letter == 'n')
		return '\n';
	return letter == 't' ? '\t' : letter;
}

/* Takes the quotes and escapes off in place. */
static void
quoted_value_parse(char *at, FileLine *line)
{
	char quote = *at++;
	char *to = at;

	line->value = at;
	while (*at != '\0' && *at != quote)
	{
		bool escaped =
			quote == '"' && at[0] == '\\' && at[1] != '\0' && strchr("nt\"\\$", at[1]) != NULL;

		*to++ = escaped ? escape_decode(at[1]) : *at;
		at += escaped ? 2 : 1;
	}
	if (*at != quote)
		line->error = "the quote is not closed";
	else if (!rest_is_empty(at + 1))
		line->error = "something follows the closing quote";
	*to = '\0';
}

static void
plain_value_parse(char *at, FileLine *line)
{
	char *end = at;

	line->value = at;
	for (; *at != '\0' && !(*at == '#' && (at == line->value || is_blank(at[-1]))); at++)
		if (!is_blank(*at))
			end = at + 1;
	*end = '\0';
}

/* Leaves line->name NULL for a line that says nothing. */
static void
line_parse(char *text, FileLine *line)
{
	char *at = blanks_skip(text);

	*line = (FileLine){0};
	if (*at == '\0' || *at == '#')
		return;
	if (strncmp(at, "export", 6) == 0 && is_blank(at[6]))
		at = blanks_skip(at + 6);

	char *name = at;

	while (isalnum((unsigned char) *at) || *at == '_')
		at++;

	char *name_end = at;

	at = blanks_skip(at);
	if (name_end == name || isdigit((unsigned char) *name) || *at != '=')
	{
		line->error = "expected NAME=value";
		return;
	}
	at = blanks_skip(at + 1);
	line->name = name;
	if (*at == '\'' || *at == '"')
		quoted_value_parse(at, line);
	else
		plain_value_parse(at, line);
	*name_end = '\0';
}

Status
config_file_parse(const char *name, const char *text, ConfigProperties *lines)
{
	Status status = status_ok();
	char *copy = strdup(strncmp(text, "\xEF\xBB\xBF", 3) == 0 ? text + 3 : text);
	char *next = copy;

	*lines = (ConfigProperties){0};
	if (copy == NULL)
		return status_bug("out of memory");
	for (int number = 1; next != NULL && status_is_ok(&status); number++)
	{
		char *text_line = strsep(&next, "\n");
		FileLine line;

		line_parse(text_line, &line);
		if (line.error != NULL)
			status =
				status_fatal(EXIT_CODE_CONFIGURATION, "%s, line %d: %s", name, number, line.error);
		else if (line.name != NULL && !config_property_set(lines, line.name, line.value))
			status = status_bug("out of memory");
	}
	free(copy);
	if (!status_is_ok(&status))
		config_file_free(lines);
	return status;
}

static Status
file_error(const char *path, const char *reason)
{
	return status_fatal(EXIT_CODE_CONFIGURATION, "cannot read %s: %s", path, reason);
}

static Status
text_read(const char *path, FILE *file, char **text)
{
	char *read = malloc(FILE_BYTES_MAX + 1);
	size_t bytes = read != NULL ? fread(read, 1, FILE_BYTES_MAX + 1, file) : 0;
	Status status = status_ok();

	*text = NULL;
	if (read == NULL)
		status = status_bug("out of memory");
	else if (ferror(file))
		status = file_error(path, strerror(errno));
	else if (bytes > FILE_BYTES_MAX)
		status = file_error(path, "it is larger than 1 MiB");
	else if (memchr(read, '\0', bytes) != NULL)
		status = file_error(path, "it is not a text");
	if (!status_is_ok(&status))
	{
		free(read);
		return status;
	}
	read[bytes] = '\0';
	*text = read;
	return status;
}

Status
config_secret_read(const char *option, const char *path, char **text)
{
	FILE *file = fopen(path, "re");
	Status status = file != NULL ? text_read(path, file, text) : file_error(path, strerror(errno));

	if (file != NULL)
		fclose(file);
	if (!status_is_ok(&status))
		return status_prefix(status, "%s", option);
	for (size_t bytes = strlen(*text); bytes > 0 && strchr("\r\n", (*text)[bytes - 1]) != NULL;)
		(*text)[--bytes] = '\0';
	if ((*text)[0] != '\0')
		return status;
	free(*text);
	*text = NULL;
	return status_prefix(file_error(path, "it is empty"), "%s", option);
}

/*
 * A file that nobody named but lies where the program was started: who can write it could send it
 * to another database.
 */
static Status
stranger_refuse(const char *path, FILE *file)
{
	struct stat information;
	bool is_known = fstat(fileno(file), &information) == 0;

	if (is_known && (information.st_uid == geteuid() || information.st_uid == 0) &&
		(information.st_mode & S_IWOTH) == 0)
		return status_ok();
	return status_fatal(EXIT_CODE_CONFIGURATION,
						"%s belongs to another user, or everybody may write it: change that, or "
						"name it with --env-file if it is meant",
						path);
}

Status
config_file_read(const char *path, bool required, ConfigProperties *lines)
{
	Status status = status_ok();
	struct stat information;
	char *text = NULL;
	FILE *file = NULL;

	*lines = (ConfigProperties){0};
	if (!required && (stat(path, &information) != 0 || S_ISDIR(information.st_mode)))
		return status_ok();
	file = fopen(path, "re");
	if (file == NULL)
	{
		status = file_error(path, strerror(errno));
		goto cleanup;
	}
	if (!required)
		status = stranger_refuse(path, file);
	if (!status_is_ok(&status))
		goto cleanup;
	status = text_read(path, file, &text);
	if (status_is_ok(&status))
		status = config_file_parse(path, text, lines);

cleanup:
	free(text);
	if (file != NULL)
		fclose(file);
	return status;
}

void
config_file_free(ConfigProperties *lines)
{
	config_value_free(&(const ConfigOption){.type = CONFIG_PROPERTIES}, lines);
}
