/*
 * foreign_code.c
 *		Keeps operations out of the code that others have put on the tables, while a call writes its
 *		rows.
 */
#include "postgres.h"

#include "errors.h"
#include "foreign_code.h"

static bool may_run = false;

bool
foreign_code_begin(void)
{
	bool before = may_run;

	may_run = true;
	return before;
}

void
foreign_code_end(bool before)
{
	may_run = before;
}

void
foreign_code_check(const char *function)
{
	if (may_run)
		error_raise_reentry(function);
}
