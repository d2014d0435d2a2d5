/*
 * options.c
 *		The table of the output plugin's options, and how a client's list is read by it.
 *
 * A wrong option ends the stream at its start, with a hint: never later, and never silently.
 */
#include "options.h"

#include "nodes/parsenodes.h"
#include "nodes/value.h"
#include "wallet_event.h"

typedef struct OptionRule
{
	const char *name;
	const char *values;										  /* what is valid, for the hint */
	bool (*read)(DecoderOptions *options, const char *value); /* false: not valid */
} OptionRule;

static bool
format_read(DecoderOptions *options, const char *value)
{
	if (strcmp(value, WALLET_FORMAT_JSON) == 0)
		options->format = FORMAT_JSON;
	else if (strcmp(value, WALLET_FORMAT_FRAME) == 0)
		options->format = FORMAT_FRAME;
	else
		return false;
	return true;
}

static bool
protocol_version_read(DecoderOptions *options, const char *value)
{
	int version = value[0] - '0';

	if (strlen(value) != 1 || version < WALLET_PROTOCOL_VERSION_FIRST ||
		version > WALLET_PROTOCOL_VERSION)
		return false;
	options->protocol_version = version;
	return true;
}

static const OptionRule option_rules[] = {
	{WALLET_OPTION_FORMAT, "\"" WALLET_FORMAT_JSON "\" or \"" WALLET_FORMAT_FRAME "\"",
	 format_read},
	{WALLET_OPTION_PROTOCOL_VERSION,
	 "\"" CppAsString2(WALLET_PROTOCOL_VERSION_FIRST) "\" to \"" CppAsString2(
		 WALLET_PROTOCOL_VERSION) "\"",
	 protocol_version_read},
};

static int
option_find_rule(const char *name)
{
	for (int rule = 0; rule < lengthof(option_rules); rule++)
	{
		if (strcmp(option_rules[rule].name, name) == 0)
			return rule;
	}
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("unrecognized option \"%s\" for output plugin \"%s\"", name,
						   WALLET_DECODER_NAME),
					errhint("Valid options are \"%s\" and \"%s\".", WALLET_OPTION_FORMAT,
							WALLET_OPTION_PROTOCOL_VERSION)));
}

void
options_read(DecoderOptions *options, List *elements)
{
	bool seen[lengthof(option_rules)] = {false};
	ListCell *cell;

	*options = (DecoderOptions){.format = FORMAT_JSON};
	foreach (cell, elements)
	{
		DefElem *element = lfirst_node(DefElem, cell);
		int index = option_find_rule(element->defname);
		const OptionRule *rule = &option_rules[index];

		if (seen[index])
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("option \"%s\" is given more than once", rule->name)));
		seen[index] = true;

		const char *value = element->arg != NULL ? strVal(element->arg) : "";

		if (!rule->read(options, value))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("invalid value \"%s\" for option \"%s\" of output plugin \"%s\"",
								   value, rule->name, WALLET_DECODER_NAME),
							errhint("The value must be %s.", rule->values)));
	}
	if (options->protocol_version != 0 && options->format != FORMAT_FRAME)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("option \"%s\" needs option \"%s\" to be \"%s\"",
							   WALLET_OPTION_PROTOCOL_VERSION, WALLET_OPTION_FORMAT,
							   WALLET_FORMAT_FRAME)));
}
