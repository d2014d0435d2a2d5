#include "rebuild.h"
Status
rebuild_run(const HistoryConfig *config)
{
	(void) config;
	return status_bug("not there");
}
