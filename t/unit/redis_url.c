/* URLs of Redis. */
#include "store/redis_url.h"
#include "t/unit/tap.h"
#include "core/banned.h"

static void
wrong(const char *url)
{
	struct redis_url u;

	ok(!redis_url_parse(url, &u) && u.problem != NULL, "refused: %.40s", url);
}

int
main(void)
{
	struct redis_url u;

	ok(redis_url_parse("unix:///run/redis.sock", &u) && u.db == 0, "a socket");
	is_str(u.path, "/run/redis.sock", "its path");
	ok(redis_url_parse("unix:///run/redis.sock?db=3", &u) && u.db == 3,
	    "a socket and a database");
	ok(redis_url_parse("redis://localhost", &u) && u.port == 6379 && u.db == 0, "a host");
	is_str(u.host, "localhost", "its name");
	ok(redis_url_parse("redis://:s%40cret@[::1]:6380/2", &u) && u.port == 6380 && u.db == 2,
	    "everything");
	is_str(u.host, "::1", "an IPv6 address");
	is_str(u.password, "s@cret", "a password");
	is_str(u.user, "", "without a user");
	ok(redis_url_parse("redis://me:p@h/", &u), "a user");
	is_str(u.user, "me", "its name");
	wrong("");
	wrong("http://localhost");
	wrong("unix://relative");
	wrong("unix:///x?other=1");
	wrong("unix:///x?db=-1");
	wrong("redis://");
	wrong("redis://host:0");
	wrong("redis://host:99999");
	wrong("redis://host:x");
	wrong("redis://host/x");
	wrong("redis://nopassword@host");
	wrong("redis://[::1");
	return done_testing();
}
