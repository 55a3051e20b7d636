/* Calls to other servers inside and outside transactions. */
#include "core/log.h"
#include "core/outside.h"
#include "t/unit/tap.h"

#include "core/banned.h"

int
main(void)
{
	log_set_level(LOG_L_CRIT);
	ok(outside_call("a server"), "without a transaction");
	outside_began();
	ok(!outside_call("a server"), "inside one");
	outside_began();
	outside_ended();
	ok(!outside_call("a server"), "inside one of two");
	outside_ended();
	ok(outside_call("a server"), "after it");
	return done_testing();
}
