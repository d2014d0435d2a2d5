/*
 * file.h
 *		Files of NAME=value lines (.env).
 *
 * Blank lines and lines that begin with # are skipped; "export " before a name is allowed. A value
 * is the rest of the line without the blanks around it, up to a # after a blank; or 'literal'; or
 * "text" with the escapes \n \t \" \\ \$. The last line of a name wins.
 */
#pragma once

#include "config/config.h"

/*
 * Reads path into lines, sorted by name, for config_file_free(). A file that is missing (or is a
 * directory) is an error only if required; one that is not required must belong to us or root, and
 * not be for everybody to write. Errors name the file and the line, never a value:
 * EXIT_CODE_CONFIGURATION.
 */
Status config_file_read(const char *path, bool required, ConfigProperties *lines);

/* The same from a text that is in memory already; name stands for the file in errors. */
Status config_file_parse(const char *name, const char *text, ConfigProperties *lines);

/*
 * The text in path without line ends behind it, for free(); errors name the option, never the text:
 * EXIT_CODE_CONFIGURATION.
 */
Status config_secret_read(const char *option, const char *path, char **text);

void config_file_free(ConfigProperties *lines);
