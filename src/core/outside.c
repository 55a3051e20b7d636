#include "core/outside.h"

#include <stddef.h>

#include "core/log.h"

#include "core/banned.h"

static unsigned open_transactions;

void
outside_began(void)
{
	open_transactions++;
}

void
outside_ended(void)
{
	open_transactions--;
}

bool
outside_call(const char *what)
{
	if (open_transactions == 0)
		return true;
	log_error(NULL, "bug: a call to %s inside a transaction", what);
	return false;
}
