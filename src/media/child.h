/*
 * Commands that medianest-media runs inside its own sandbox: ffmpeg and ffprobe, each with a
 * deadline.
 *
 * A child dies with its parent. Standard output goes to a sink; the end of standard error is kept
 * for diagnosis.
 */
#ifndef MN_MEDIA_CHILD_H
#define MN_MEDIA_CHILD_H

#include <stdbool.h>
#include <stddef.h>

struct error;

#define CHILD_STDERR_KEEP 4096 /* bytes of the end of standard error */
#define CHILD_ARGS_MAX 96
#define CHILD_MMAP_THRESHOLD "131072" /* bytes */

typedef void child_sink_fn(void *arg, const char *bytes, size_t n);

struct child_result {
	int status; /* exit status, or 128 + signal */
	char messages[CHILD_STDERR_KEEP + 1];
};

/*
 * Runs argv (NULL-terminated) for at most `seconds`. Returns false with slug timeout after that
 * time, resource_limit when the kernel stopped it for its limits, internal when it could not be
 * started. Otherwise true, for every exit status.
 */
bool child_run(const char *const *argv, int seconds, child_sink_fn *, void *arg,
    struct child_result *, struct error *);

#endif
