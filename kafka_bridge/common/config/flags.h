/*
 * flags.h
 *		The command line: flags into the entries of a table, words into a sub-command. Used inside
 *		config only.
 */
#pragma once

#include "config/table.h"

/*
 * Every error is EXIT_CODE_USAGE. *command is the one named, the first one of the program when none
 * is, or NULL for a program without commands. With --help an unknown or missing command is none.
 */
Status config_flags_parse(const ConfigProgram *program, int argc, char **argv, ConfigTable *table,
						  const ConfigCommand **command);
