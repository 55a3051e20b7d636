/*
 * medianest-media: reads one untrusted file inside the worker's sandbox, reports what it is, and
 * makes its thumbnails and previews.
 */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/options.h"
#include "core/str.h"
#include "media/media.h"
#include "media/picture.h"
#include "media/transcode.h"

#include "core/banned.h"

#define PIXELS_MAX 2000000000LL
#define TIMEOUT_MAX 86400
#define HEIGHT_MAX 4320
#define TURN_MAX 270 /* degrees */

struct bounds {
	int64_t pixels, timeout /* seconds */, turn /* degrees */;
};

/*
 * libvips cannot be interrupted: when the time is up, this handler reports the failure and ends the
 * process.
 */
static void
time_over(int sig)
{
	static const char line[] =
	    "{\"result\":{\"ok\":false,\"failure\":{\"code\":\"timeout\",\"message\":\"The file"
	    " took too long to process.\"}}}\n";

	if (write(STDOUT_FILENO, line, sizeof(line) - 1) < 0)
		_exit(1);
	_exit(0);
}

static void
usage(FILE *out)
{
	fputs(
	    "usage: medianest-media --out DIR [--max-pixels N] [--timeout SECONDS]\n"
	    "           [--sidecar FILE] [--tag-charsets LIST] [--turn DEGREES] [--inspect] FILE\n"
	    "       medianest-media --transcode HEIGHT --max-bytes N [--encoder NAME]\n"
	    "           [--device PATH] [--no-copy] --out DIR [--max-pixels N]\n"
	    "           [--timeout SECONDS] FILE\n"
	    "       medianest-media --formats | --version | --help\n",
	    out);
}

enum {
	OPTION_OUT,
	OPTION_PIXELS,
	OPTION_TIMEOUT,
	OPTION_SIDECAR,
	OPTION_CHARSETS,
	OPTION_TURN,
	OPTION_INSPECT,
	OPTION_FORMATS,
	OPTION_TRANSCODE,
	OPTION_ENCODER,
	OPTION_DEVICE,
	OPTION_BYTES,
	OPTION_NO_COPY,
};

/* Parses a numeric option; `value` keeps its default if the option is not given. */
static bool
number(const struct options *options, int which, int64_t max, int64_t *value)
{
	const char *text = options->values[which];

	return text == NULL || str_to_int(text, 1, max, value);
}

/* What --transcode and the options that go with it say; false: they make no sense. */
static bool
transcode_options(const struct options *options, struct media_transcode *t)
{
	int64_t height = 0;

	*t = (struct media_transcode) { .encoder = options->values[OPTION_ENCODER],
		.device = options->values[OPTION_DEVICE],
		.copy = !options->given[OPTION_NO_COPY] };
	if (t->encoder == NULL)
		t->encoder = TRANSCODE_SOFTWARE;
	if (!options->given[OPTION_TRANSCODE])
		return true;
	if (!number(options, OPTION_TRANSCODE, HEIGHT_MAX, &height) ||
	    !number(options, OPTION_BYTES, INT64_MAX, &t->max_bytes) || t->max_bytes == 0)
		return false;
	t->height = (int)height;
	return true;
}

static void
process(const struct options *options, const struct media_transcode *transcode,
    const struct bounds *bounds)
{
	struct media_run run;
	struct arena arena, pictures;
	struct error err;
	bool ok;

	/* One heap, so that memory which is given back leaves the process. */
	mallopt(M_ARENA_MAX, 1);
	arena_init(&arena);
	arena_init(&pictures);
	media_run_init(&run, &arena, &pictures, options->operands[0], options->values[OPTION_OUT]);
	if (options->values[OPTION_CHARSETS] != NULL)
		run.tag_charsets = options->values[OPTION_CHARSETS];
	run.sidecar = options->values[OPTION_SIDECAR];
	run.max_pixels = bounds->pixels;
	if (transcode->height > 0)
		run.transcode = transcode;
	run.turn = (int)bounds->turn;
	run.inspect = options->given[OPTION_INSPECT];
	run.deadline = clock_monotonic() + bounds->timeout * US_PER_SEC;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGALRM, time_over);
	alarm((unsigned)bounds->timeout);
	error_clear(&err);
	ok = picture_start(&err) && media_run_process(&run, &err);
	alarm(0);
	media_report(&run, ok, &err);
	arena_clear(&pictures);
	arena_clear(&arena);
}

int
main(int argc, char **argv)
{
	static const struct option_row rows[] = {
		[OPTION_OUT] = { "out", true },
		[OPTION_PIXELS] = { "max-pixels", true },
		[OPTION_TIMEOUT] = { "timeout", true },
		[OPTION_SIDECAR] = { "sidecar", true },
		[OPTION_CHARSETS] = { "tag-charsets", true },
		[OPTION_TURN] = { "turn", true },
		[OPTION_INSPECT] = { "inspect", false },
		[OPTION_FORMATS] = { "formats", false },
		[OPTION_TRANSCODE] = { "transcode", true },
		[OPTION_ENCODER] = { "encoder", true },
		[OPTION_DEVICE] = { "device", true },
		[OPTION_BYTES] = { "max-bytes", true },
		[OPTION_NO_COPY] = { "no-copy", false },
		{ .name = NULL },
	};
	struct options options = { .program = "medianest-media", .usage = usage, .rows = rows };
	struct bounds bounds = { .pixels = MEDIA_PIXELS_DEFAULT, .timeout = MEDIA_TIMEOUT_DEFAULT };
	struct media_transcode transcode;
	int status = options_parse(&options, argc, argv);

	if (status != 0)
		return status;
	if (options.given[OPTION_FORMATS])
		return picture_formats(stdout) ? 0 : 1;
	if (options.values[OPTION_OUT] == NULL || options.noperands != 1 ||
	    !number(&options, OPTION_PIXELS, PIXELS_MAX, &bounds.pixels) ||
	    !number(&options, OPTION_TIMEOUT, TIMEOUT_MAX, &bounds.timeout) ||
	    !number(&options, OPTION_TURN, TURN_MAX, &bounds.turn) || bounds.turn % 90 != 0 ||
	    !transcode_options(&options, &transcode)) {
		usage(stderr);
		return EX_USAGE;
	}
	process(&options, &transcode, &bounds);
	return 0;
}
