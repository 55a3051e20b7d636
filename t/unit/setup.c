/* Setup's editing of the settings file: other lines stay as they are. */
#include "core/arena.h"
#include "core/str.h"
#include "service/operator/setup_internal.h"
#include "t/unit/tap.h"

#include "core/banned.h"

int
main(void)
{
	static const char text[] = "# mine\na.b = 1\n\n  a.bc=2\n#a.b = 3\nlast = x";
	struct arena arena;
	const char *out;

	arena_init(&arena);
	ok(str_eq(setup_settings_get(&arena, text, "a.b"), "1") &&
		str_eq(setup_settings_get(&arena, text, "a.bc"), "2") &&
		str_eq(setup_settings_get(&arena, text, "last"), "x"),
	    "values");
	ok(setup_settings_get(&arena, text, "a") == NULL &&
		setup_settings_get(&arena, NULL, "a") == NULL,
	    "only whole keys");
	out = setup_settings_put(&arena, text, "a.b", "one = 1");
	ok(str_eq(out, "# mine\na.b = one = 1\n\n  a.bc=2\n#a.b = 3\nlast = x"),
	    "changed in place");
	out = setup_settings_put(&arena, text, "last", "y");
	ok(str_eq(out, "# mine\na.b = 1\n\n  a.bc=2\n#a.b = 3\nlast = y"), "the last line");
	out = setup_settings_put(&arena, text, "new", "z");
	ok(str_eq(out, "# mine\na.b = 1\n\n  a.bc=2\n#a.b = 3\nlast = x\nnew = z\n"),
	    "added at the end");
	ok(str_eq(setup_url_host(&arena, "https://a.example:8444"), "a.example") &&
		str_eq(setup_url_port(&arena, "https://a.example:8444"), "8444") &&
		str_eq(setup_url_host(&arena, "https://[::1]:9"), "[::1]") &&
		str_eq(setup_url_port(&arena, "https://[::1]:9"), "9") &&
		str_eq(setup_url_port(&arena, "https://a.example"), "443"),
	    "host and port of an address");
	arena_clear(&arena);
	return done_testing();
}
