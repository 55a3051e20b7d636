/* The start of the sandbox: a trial in each mode, and the choice of one. */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/config.h"
#include "core/error.h"
#include "core/log.h"
#include "core/str.h"
#include "service/processing/sandbox.h"

#include "core/banned.h"

#define PROBE_SECONDS 20
#define PROBE_PIXELS 1000000

static const char *const mode_names[] = { [SANDBOX_BUBBLEWRAP] = "bubblewrap",
	[SANDBOX_LANDLOCK] = "landlock",
	[SANDBOX_SECCOMP] = "seccomp" };

const char *
sandbox_mode_name(enum sandbox_mode mode)
{
	return mode_names[mode];
}

/* A PNG of one pixel for the trial. */
static const unsigned char pixel[] = {
	0x89,
	0x50,
	0x4e,
	0x47,
	0x0d,
	0x0a,
	0x1a,
	0x0a,
	0x00,
	0x00,
	0x00,
	0x0d,
	0x49,
	0x48,
	0x44,
	0x52,
	0x00,
	0x00,
	0x00,
	0x01,
	0x00,
	0x00,
	0x00,
	0x01,
	0x08,
	0x02,
	0x00,
	0x00,
	0x00,
	0x90,
	0x77,
	0x53,
	0xde,
	0x00,
	0x00,
	0x00,
	0x0c,
	0x49,
	0x44,
	0x41,
	0x54,
	0x78,
	0x9c,
	0x63,
	0xf8,
	0x7f,
	0x80,
	0x01,
	0x00,
	0x04,
	0x81,
	0x01,
	0xc0,
	0x77,
	0xd9,
	0x03,
	0x1d,
	0x00,
	0x00,
	0x00,
	0x00,
	0x49,
	0x45,
	0x4e,
	0x44,
	0xae,
	0x42,
	0x60,
	0x82,
};

static bool
probe_line(void *arg, const char *line, size_t len)
{
	bool *ok = arg;

	if (strstr(line, "\"result\":{\"ok\":true") != NULL)
		*ok = true;
	return true;
}

static bool
probe(const struct sandbox *box, const char *scratch, struct error *err)
{
	const struct sandbox_terms terms = { .max_pixels = PROBE_PIXELS, .seconds = PROBE_SECONDS };
	bool ok = false;

	if (!sandbox_run(box, scratch, &terms, probe_line, &ok, NULL, err))
		return false;
	return ok ||
	    error_slug(err, ERR_INTERNAL, "sandbox_failed",
		"medianest-media could not read the trial picture.");
}

/* Next to this program if it runs from a build tree, otherwise the installed one. */
static bool
find_program(char *path, size_t size, struct error *err)
{
	ssize_t n = readlink("/proc/self/exe", path, size - 32);
	char *slash;

	if (n > 0) {
		path[n] = '\0';
		slash = strrchr(path, '/');
		if (slash != NULL) {
			snprintf(slash, size - (size_t)(slash - path), "/medianest-media");
			if (access(path, X_OK) == 0)
				return true;
		}
	}
	snprintf(path, size, "%s/medianest-media", MN_LIBEXECDIR);
	return access(path, X_OK) == 0 ||
	    error_set(err, ERR_INTERNAL, "medianest-media is missing: it should be at %s", path);
}

static bool
make_trial(struct arena *arena, const char *scratch)
{
	const char *file = arena_printf(arena, "%s/" SANDBOX_INPUT, scratch);
	int fd = -1;

	if (mkdir(scratch, 0700) == 0 &&
	    mkdir(arena_printf(arena, "%s/" SANDBOX_OUTPUT, scratch), 0700) == 0)
		fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	if (write(fd, pixel, sizeof(pixel)) != (ssize_t)sizeof(pixel)) {
		close(fd);
		return false;
	}
	return close(fd) == 0;
}

static void
remove_trial(struct arena *arena, const char *scratch)
{
	unlink(arena_printf(arena, "%s/" SANDBOX_INPUT, scratch));
	unlink(arena_printf(arena, "%s/" SANDBOX_OUTPUT "/320.webp", scratch));
	rmdir(arena_printf(arena, "%s/" SANDBOX_OUTPUT, scratch));
	rmdir(scratch);
}

/* Chooses the strongest mode that works; *first is the reason why bubblewrap does not. */
static bool
settle(struct sandbox *box, const char *scratch, const char *setting, struct error *first,
    struct error *err)
{
	box->mode = SANDBOX_BUBBLEWRAP;
	error_clear(first);
	if (probe(box, scratch, first))
		return true;
	if (str_eq(setting, "required")) {
		error_set(err, ERR_INTERNAL,
		    "media.sandbox is 'required', but bubblewrap does not work here:"
		    " install bubblewrap and allow user namespaces");
		return error_detail(err, "%s", first->detail);
	}
	if (sandbox_landlock_abi() > 0) {
		box->mode = SANDBOX_LANDLOCK;
		if (probe(box, scratch, err))
			return true;
	}
	box->mode = SANDBOX_SECCOMP;
	if (str_eq(setting, "seccomp"))
		return probe(box, scratch, err);
	error_set(err, ERR_INTERNAL,
	    "neither bubblewrap nor Landlock works here: install bubblewrap and allow user"
	    " namespaces, or set media.sandbox to 'seccomp' to decode files where they can read"
	    " what the worker can");
	return error_detail(err, "%s", first->detail);
}

bool
sandbox_init(struct sandbox *box, const struct config *config, const struct log *log,
    struct error *err)
{
	struct arena arena;
	struct error first;
	const char *scratch;
	bool ok;

	memset(box, 0, sizeof(*box));
	box->log = log;
	str_copy(box->tag_charsets, sizeof(box->tag_charsets),
	    config_str(config, CFG_MEDIA_TAG_CHARSETS));
	if (!find_program(box->program, sizeof(box->program), err))
		return false;
	arena_init(&arena);
	scratch = arena_printf(&arena, "%s/scratch/trial-%ld", config_str(config, CFG_DATA_DIR),
	    (long)getpid());
	if (make_trial(&arena, scratch))
		ok = settle(box, scratch, config_str(config, CFG_MEDIA_SANDBOX), &first, err);
	else
		ok = error_set(err, ERR_INTERNAL, "cannot write the scratch directory %s: %s",
		    scratch, strerror(errno));
	remove_trial(&arena, scratch);
	if (ok && box->mode != SANDBOX_BUBBLEWRAP)
		log_warn(log,
		    "bubblewrap does not work here (%s): files are decoded under %s, with a"
		    " system call filter and limits only",
		    first.detail, sandbox_mode_name(box->mode));
	else if (ok)
		log_info(log, "files are decoded in the bubblewrap sandbox");
	arena_clear(&arena);
	return ok;
}
