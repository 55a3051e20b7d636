/* Addresses and networks of settings. */
#include "core/network.h"
#include "t/unit/tap.h"
#include "core/banned.h"

static void
has(const char *list, const char *address, bool want)
{
	ok(network_list_has(list, address) == want, "'%s' %s %s", list,
	    want ? "contains" : "does not contain", address);
}

static void
valid(const char *list, const char *wrong)
{
	char found[NETWORK_TEXT_MAX];

	if (wrong == NULL)
		ok(network_list_valid(list, found), "'%s' is valid", list);
	else
		ok(!network_list_valid(list, found) && strcmp(found, wrong) == 0,
		    "'%s': %s is wrong", list, wrong);
}

int
main(void)
{
	has("127.0.0.1,::1", "127.0.0.1", true);
	has("127.0.0.1,::1", "::1", true);
	has("127.0.0.1,::1", "127.0.0.2", false);
	has("127.0.0.1", "::ffff:127.0.0.1", true);
	has("10.0.0.0/8", "10.200.3.4", true);
	has("10.0.0.0/8", "11.0.0.0", false);
	has("10.1.2.128/25", "10.1.2.127", false);
	has("10.1.2.128/25", "10.1.2.200", true);
	has("192.0.2.7 , 2001:db8:1::/48", "2001:db8:1:2::3", true);
	has("2001:db8:1::/48", "2001:db8:2::", false);
	has("0.0.0.0/0", "198.51.100.1", true);
	has("0.0.0.0/0", "2001:db8::1", false);
	has("::/0", "2001:db8::1", true);
	has("", "127.0.0.1", false);
	has("nonsense,127.0.0.1", "127.0.0.1", true);
	has("127.0.0.1", "nonsense", false);
	has("127.0.0.1", "", false);
	valid("", NULL);
	valid("127.0.0.1, ::1,10.0.0.0/8,fd00::/8", NULL);
	valid("10.0.0.0/33", "10.0.0.0/33");
	valid("fd00::/129", "fd00::/129");
	valid("10.0.0.0/8,monitor.example", "monitor.example");
	valid("10.0.0.0/", "10.0.0.0/");
	valid("0x7f.1", "0x7f.1");
	return done_testing();
}
