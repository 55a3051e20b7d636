/* Commands of the host: what they print, and how they end. */
#include <string.h>

#include "service/operator/tool.h"
#include "t/unit/tap.h"

#include "core/banned.h"

#define SMALL 64
#define LONG_MS 60000
#define SHORT_MS 300

static bool
sh(const char *script, const char *input, int deadline_ms, char out[SMALL])
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	const struct tool tool = { .argv = argv, .input = input, .deadline_ms = deadline_ms };
	bool found;

	return tool_call(&tool, out, SMALL, &found) && found;
}

int
main(void)
{
	const char *const nothing[] = { "/nonexistent/program", NULL };
	char out[SMALL], whole[TOOL_OUTPUT_MAX];
	bool found = true;

	ok(sh("echo one; echo two >&2", NULL, LONG_MS, out) && strcmp(out, "one\ntwo\n") == 0,
	    "both outputs");
	ok(sh("cat", "input", LONG_MS, out) && strcmp(out, "input") == 0, "standard input");
	ok(!sh("exit 3", NULL, LONG_MS, out), "a status");
	/* More than a pipe holds: the command would wait, or be ended by SIGPIPE. */
	ok(sh("printf begin; head -c 300000 /dev/zero | tr '\\000' x", NULL, LONG_MS, out) &&
		strlen(out) == SMALL - 1 && strncmp(out, "beginxxx", 8) == 0,
	    "a long output is cut off, and the command has succeeded");
	ok(!sh("head -c 300000 /dev/zero; exit 3", NULL, LONG_MS, out),
	    "a long output hides no failure");
	ok(!sh("echo begun; exec sleep 60", NULL, SHORT_MS, out) && strcmp(out, "begun\n") == 0,
	    "a deadline");
	ok(!tool_run(nothing, whole, &found) && !found, "no such program");
	return done_testing();
}
