/*
 * print.h
 *		Shows options to people: --help, --print-config. Used inside config, but for the usage.
 */
#pragma once

#include "config/table.h"

/* command as chosen on the command line, NULL for the whole program. */
void config_help_print(const ConfigProgram *program, const ConfigCommand *command, FILE *out);

/* One line after an error of usage: how it is called and where to read on. */
void config_usage_print(const ConfigProgram *program, const ConfigCommand *command, FILE *out);

/* Why config_load failed, to standard error: under the program's own name, with that line. */
void config_refusal_print(const ConfigSource *source, const Status *status);

/* NAME=value lines that can be used as an .env file, each with its origin; secrets masked. */
void config_values_print(const ConfigTable *table, const ConfigCommand *command, FILE *out);
