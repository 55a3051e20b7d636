/* Command lines: options parsed from a table. */
#include <getopt.h>
#include <sysexits.h>

#include "core/options.h"
#include "core/str.h"
#include "t/unit/tap.h"

#include "core/banned.h"

enum { NAME, LOUD };
static const struct option_row rows[] = {
	[NAME] = { "name", true },
	[LOUD] = { "loud", false },
	{ .name = NULL },
};
static int usages;

static void
usage(FILE *out)
{
	usages++;
}

static int
parse(struct options *options, char **argv, bool alone)
{
	int argc = 0;

	while (argv[argc] != NULL)
		argc++;
	*options = (struct options) { .program = "test", .usage = usage, .rows = rows };
	optind = 0; /* resets getopt_long(3) */
	opterr = 0;
	return alone ? options_parse_alone(options, argc, argv) :
		       options_parse(options, argc, argv);
}
#define PARSE(alone, ...) parse(&o, (char *[]) { "test", ##__VA_ARGS__, NULL }, alone)

int
main(void)
{
	struct options o;

	ok(PARSE(true) == 0 && o.config == NULL && !o.given[NAME] && !o.given[LOUD],
	    "nothing given");
	ok(PARSE(false, "--name", "x", "word", "--loud", "-c", "file") == 0, "all kinds");
	ok(o.given[NAME] && str_eq(o.values[NAME], "x") && o.given[LOUD] &&
		o.values[LOUD] == NULL && str_eq(o.config, "file"),
	    "values and flags");
	ok(o.noperands == 1 && str_eq(o.operands[0], "word"), "operands are left over");
	ok(PARSE(false, "--name=y=z", "--", "--loud") == 0 && str_eq(o.values[NAME], "y=z") &&
		!o.given[LOUD] && str_eq(o.operands[0], "--loud"),
	    "after -- all are operands");
	usages = 0;
	ok(PARSE(false, "--unknown") == EX_USAGE && PARSE(false, "--name") == EX_USAGE &&
		PARSE(false, "--loud=1") == EX_USAGE && PARSE(true, "word") == EX_USAGE,
	    "refused: unknown, no value, a value too many, an operand");
	ok(usages == 4, "each with the usage");
	return done_testing();
}
