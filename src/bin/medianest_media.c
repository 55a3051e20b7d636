/*
 * medianest-media: reads one untrusted file inside the worker's sandbox, says what it is, and makes
 * its thumbnails and previews.
 */
#include <config.h>

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/str.h"
#include "media/media.h"
#include "media/picture.h"

#include "core/banned.h"

#define PIXELS_MAX 2000000000LL
#define TIMEOUT_MAX 86400

/*
 * libvips cannot be interrupted: when the time is over the failure is reported from here and the
 * process ends.
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

static int
usage(FILE *out)
{
	fputs("usage: medianest-media --out DIR [--max-pixels N] [--timeout SECONDS] FILE\n"
	      "       medianest-media --formats | --version | --help\n",
	    out);
	return EX_USAGE;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = { { "out", required_argument, NULL, 'o' },
		{ "max-pixels", required_argument, NULL, 'p' },
		{ "timeout", required_argument, NULL, 't' }, { "formats", no_argument, NULL, 'f' },
		{ "version", no_argument, NULL, 'V' }, { "help", no_argument, NULL, 'h' }, { 0 } };
	int64_t pixels = MEDIA_PIXELS_DEFAULT, timeout = MEDIA_TIMEOUT_DEFAULT;
	const char *out = NULL;
	struct media_run run;
	struct arena arena;
	struct error err;
	int c;
	bool ok;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'V') {
			puts("medianest-media " PACKAGE_VERSION);
			return 0;
		}
		if (c == 'f')
			return picture_formats(stdout) ? 0 : 1;
		if (c == 'h') {
			usage(stdout);
			return 0;
		}
		if (c == 'o')
			out = optarg;
		else if (c == 'p' && !str_to_int(optarg, 1, PIXELS_MAX, &pixels))
			return usage(stderr);
		else if (c == 't' && !str_to_int(optarg, 1, TIMEOUT_MAX, &timeout))
			return usage(stderr);
		else if (c == '?')
			return usage(stderr);
	}
	if (out == NULL || argc - optind != 1)
		return usage(stderr);
	arena_init(&arena);
	media_run_init(&run, &arena, argv[optind], out);
	run.max_pixels = pixels;
	run.deadline = clock_monotonic() + timeout * US_PER_SEC;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGALRM, time_over);
	alarm((unsigned)timeout);
	error_clear(&err);
	ok = picture_start(&err) && media_run_process(&run, &err);
	alarm(0);
	media_report(&run, ok, &err);
	arena_clear(&arena);
	return 0;
}
