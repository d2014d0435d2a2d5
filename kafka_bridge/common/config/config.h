/*
 * config.h
 *		Configuration from one table of options per program: from it come parsing, validation,
 *		--help, --print-config and the reference page.
 *
 * Sources, the strongest first: flags, environment, file of NAME=value lines (.env in the working
 * directory or --env-file), default. An empty variable counts as not set. Errors on the command
 * line end with EXIT_CODE_USAGE, errors in variables and files with EXIT_CODE_CONFIGURATION; both
 * name the option and what would be right.
 *
 * A variable may name a file with a secret instead: DATABASE_URL_FILE, which is stronger than
 * DATABASE_URL of the same source (CONFIG_URL), KAFKA_PROP_SASL_PASSWORD_FILE (CONFIG_PROPERTIES
 * with the name of a secret).
 *
 * A program's configuration is a struct that embeds the option structs of the rooms it uses
 * (LogOptions, PgOptions ...). A ConfigGroup says which table fills which part of it.
 *
 * Added by itself to every program: --help, --version, --check-config, --print-config,
 * --env-file FILE, --options-markdown. Flags are --name value or --name=value; a boolean is
 * --name, --no-name or --name=on|off; they may stand before or after the sub-command.
 *
 * Call order: config_load() once; config_reload() any number of times into another struct;
 * config_free() for each struct that was filled.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/metrics.h"
#include "base/status.h"

typedef enum ConfigType
{
	CONFIG_STRING,	   /* char *, owned by the configuration; NULL when not set */
	CONFIG_SECRET,	   /* the same, never shown */
	CONFIG_URL,		   /* the same, shown without the password in it; may be in a file */
	CONFIG_INTEGER,	   /* int64_t */
	CONFIG_BOOLEAN,	   /* bool: on off true false yes no 1 0 */
	CONFIG_ENUM,	   /* int: one of choices */
	CONFIG_DURATION,   /* int64_t, milliseconds: 250ms 5s 10min 2h 7d, a bare number is ms */
	CONFIG_BYTES,	   /* int64_t: 512 64kB 16MB 1GB, powers of 1024 */
	CONFIG_PROPERTIES, /* ConfigProperties: every variable whose name begins with environment, and
						* every --flag name=value */
} ConfigType;

typedef struct ConfigChoice
{
	const char *name;
	int value;
} ConfigChoice;

typedef struct ConfigProperty
{
	char *name; /* after the prefix, in lower case, with . for _ */
	char *value;
} ConfigProperty;

/* Sorted by name, each name once (the strongest source wins). */
typedef struct ConfigProperties
{
	ConfigProperty *items;
	size_t count;
} ConfigProperties;

typedef struct ConfigOption
{
	const char *flag;				/* without the dashes; NULL: no flag */
	const char *environment;		/* NULL: no variable */
	const char *environment_shared; /* second name, read when the first is not set, or NULL */
	ConfigType type;
	bool required;			  /* error when no source sets it */
	size_t offset;			  /* of the value in the struct of its group */
	const char *default_text; /* as a user would write it; NULL: NULL, 0, false, first choice */
	int64_t minimum;		  /* INTEGER, DURATION, BYTES; checked unless both are 0 */
	int64_t maximum;
	const ConfigChoice *choices; /* ENUM; ends with a NULL name */
	const char *value_name;		 /* in --help, as in --port NUMBER; NULL: made from the type */
	const char *help;			 /* one sentence or two; units; what the default means */
} ConfigOption;

/* Ends a table of options. */
#define CONFIG_OPTIONS_END \
	{                      \
		.flag = NULL       \
	}

typedef struct ConfigGroup
{
	const char *title;			 /* heading in --help; NULL goes on under the one before */
	const ConfigOption *options; /* NULL ends the array of groups */
	size_t offset;				 /* of the group's struct in the program's configuration */
} ConfigGroup;

typedef struct ConfigCommand
{
	const char *name;			 /* one word or two ("slot create"); NULL ends the array */
	const char *help;			 /* one line */
	const ConfigOption *options; /* only for this command, offsets in the whole struct; or NULL */
} ConfigCommand;

typedef struct ConfigProgram
{
	const char *name;
	const char *summary; /* one sentence for --help */
	const ConfigGroup *groups;
	const ConfigCommand *commands; /* the first one is run when none is named; NULL: none at all */
	size_t config_bytes;
	/*
	 * Rules over several options and those only another room can judge; also for --check-config.
	 * An error is about the option that status_about() names.
	 */
	Status (*check)(const void *config, const ConfigCommand *command);
	const MetricDefinition *metrics; /* for --options-markdown; or NULL */
	size_t metric_count;
} ConfigProgram;

typedef struct ConfigSource
{
	const ConfigProgram *program;
	int argc;
	char **argv;				  /* kept, not copied */
	const ConfigCommand *command; /* the chosen one; NULL for a program without commands */
	const char *exposed_flag;	  /* one with a secret, for every user to see; or NULL */
	bool answered; /* --help, --print-config ... was asked for and answered: exit 0 now */
} ConfigSource;

/*
 * Fills config (program->config_bytes, zeroed by this call) and source. On any error config is
 * freed already. config_free() it otherwise, also when answered.
 */
Status config_load(const ConfigProgram *program, int argc, char **argv, void *config,
				   ConfigSource *source);

/* The same sources read again, files too, into another struct: for what may change at HUP. */
Status config_reload(const ConfigSource *source, void *config);

/* Frees what a filled struct owns, and zeroes it. */
void config_free(const ConfigProgram *program, void *config);

/*
 * The options and metrics as Markdown, a table for each group, sub-command with options, metrics.
 */
void config_markdown_print(const ConfigProgram *program, FILE *out);

/* NULL when there is none of this name. */
const char *config_property_get(const ConfigProperties *properties, const char *name);
