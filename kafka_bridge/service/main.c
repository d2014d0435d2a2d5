/*
 * main.c
 *		wallet_service: HTTP over the SQL functions.
 */
#include "config/print.h"
#include "observe/log.h"
#include "service.h"
#include "service_config.h"

int
main(int argc, char **argv)
{
	ServiceConfig config;
	ConfigSource source;
	Status status = config_load(&service_program, argc, argv, &config, &source);

	if (!status_is_ok(&status))
	{
		config_refusal_print(&source, &status);
		return status.exit_code;
	}
	if (!source.answered)
		status = service_run(&config, &source);
	if (status_is_ok(&status))
		log_debug("ended");
	else
		log_status(LOG_LEVEL_ERROR, "ended", &status);
	config_free(&service_program, &config);
	return status.exit_code;
}
