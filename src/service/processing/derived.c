#include "service/processing/derived.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/config.h"
#include "core/str.h"
#include "model/job.h"
#include "service/call.h"
#include "service/job.h"
#include "service/processing/gate.h"
#include "service/processing/large_put.h"
#include "service/processing/sandbox.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/s3.h"
#include "store/store_process.h"

#include "core/banned.h"

static void
release_line(void *arena)
{
	arena_clear(arena);
}

void
derived_init(struct derived *d)
{
	arena_init(&d->line);
	arena_defer(d->call->arena, release_line, &d->line);
}

int
derived_input(const struct derived *d, struct error *err)
{
	const char *path = arena_printf(d->call->arena, "%s/" SANDBOX_INPUT, d->scratch);
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		error_set(err, ERR_STORAGE_FULL, "The scratch directory cannot be written: %s",
		    strerror(errno));
	return fd;
}

bool
derived_fetch(const struct derived *d, const char *object_key, int64_t most, struct error *err)
{
	int fd = derived_input(d, err);
	bool ok;

	if (fd < 0)
		return false;
	ok = s3_get_fd(d->call->svc->s3, object_key, fd, most, NULL, err);
	close(fd);
	return ok;
}

static bool
failed(struct error *err)
{
	return error_slug(err, ERR_INTERNAL, "sandbox_failed", "The file could not be processed.");
}

static bool
sandbox_line(void *arg, const char *line, size_t len)
{
	struct derived *d = arg;
	struct process_line parsed;

	if (d->result.present) /* the result is the last line, and keeps the arena */
		return failed(&d->bad_line);
	arena_reset(&d->line);
	if (!process_line_parse(&d->line, line, len, &parsed, &d->bad_line))
		return false;
	if (parsed.step == NULL)
		d->result = parsed.result;
	else if (d->step != NULL)
		return d->step(d->context, &parsed, &d->bad_line);
	return true;
}

bool
derived_decode(struct derived *d, struct error *err)
{
	const struct config *config = d->call->svc->config;
	const struct job_env *env = d->env;
	const struct sandbox_terms terms = { .max_pixels = config_int(config, CFG_MEDIA_MAX_PIXELS),
		.seconds = (int)config_int(config,
		    d->transcode != NULL ? CFG_MEDIA_TRANSCODE_TIMEOUT : CFG_MEDIA_TIMEOUT),
		.turn = d->turn,
		.inspect = d->inspect,
		.transcode = d->transcode };
	int place = gate_enter(env->gate, env->stop);
	bool ok;

	error_clear(&d->bad_line);
	if (place < 0)
		return error_slug(err, ERR_UNAVAILABLE, "stopped", "The worker is being stopped.");
	ok = sandbox_run(env->sandbox, d->scratch, &terms, sandbox_line, d, env->stop, err);
	gate_leave(env->gate, place);
	if (!ok) {
		if (d->bad_line.code != ERR_NONE)
			*err = d->bad_line;
		return false;
	}
	if (!d->result.present)
		return failed(err);
	return d->result.ok ||
	    error_slug(err, ERR_UNPROCESSABLE, d->result.failure_code, "%s",
		d->result.failure_message);
}

/*
 * Opens a file that the sandbox made: a regular file of sane size, without following a link that
 * could lead out of the directory.
 */
static int
open_asset(struct derived *d, const char *name, int64_t *size, struct error *err)
{
	const char *path =
	    arena_printf(d->call->arena, "%s/" SANDBOX_OUTPUT "/%s", d->scratch, name);
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int64_t most = d->transcode != NULL ? d->transcode->max_bytes : RESULT_ASSET_SIZE_MAX;
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1 &&
	    st.st_size > 0 && st.st_size <= most) {
		*size = st.st_size;
		return fd;
	}
	if (fd >= 0)
		close(fd);
	failed(err);
	error_detail(err, "derived file %s is missing or not a regular file of the right size",
	    name);
	return -1;
}

static bool
put_asset(struct derived *d, const struct process_asset *asset, const char *key, struct error *err)
{
	struct large_put put = { .call = d->call,
		.env = d->env,
		.key = key,
		.content_type = asset->content_type,
		.go_on = d->go_on,
		.context = d->context };
	bool ok;

	put.fd = open_asset(d, asset->name, &put.size, err);
	if (put.fd < 0)
		return false;
	ok = large_put(&put, err);
	close(put.fd);
	return ok;
}

const char *
derived_prefix(const struct derived *d)
{
	size_t job = strlen(d->job->id);

	/* A runner keeps its lease from job to job, and another picture needs another URL. */
	return arena_printf(d->call->arena, "derived/%s/%s-%s", d->media_id, d->job->lease,
	    d->job->id + job - DERIVED_JOB_DIGITS);
}

static void
add(struct derived *d, const char *key, int64_t size)
{
	d->sizes[d->nkeys] = db_int(d->call->arena, size);
	d->keys[d->nkeys++] = key;
}

bool
derived_reserve(struct derived *d, const char *more, int64_t size, struct error *err)
{
	struct arena *arena = d->call->arena;
	int64_t bytes;
	int fd;

	for (size_t i = 0; i < d->result.nassets; i++) {
		const char *name = d->result.assets[i].name;

		fd = open_asset(d, name, &bytes, err);
		if (fd < 0)
			return false;
		close(fd);
		add(d, arena_printf(arena, "%s/%s", derived_prefix(d), name), bytes);
	}
	if (more != NULL)
		add(d, more, size);
	return store_process_reserve(d->call->svc->db, arena, d->media_id,
	    &(const struct process_objects) {
		.keys = { d->keys, d->nkeys },
		.sizes = { d->sizes, d->nkeys },
	    },
	    err);
}

bool
derived_put(struct derived *d, struct error *err)
{
	for (size_t i = 0; i < d->result.nassets; i++)
		if (!put_asset(d, &d->result.assets[i], d->keys[i], err))
			return false;
	return true;
}

static const struct process_asset *
asset_named(const struct derived *d, const char *name)
{
	for (size_t i = 0; i < d->result.nassets; i++)
		if (str_eq(d->result.assets[i].name, name))
			return &d->result.assets[i];
	return NULL;
}

bool
derived_has(const struct derived *d, const char *name)
{
	return asset_named(d, name) != NULL;
}

bool
derived_put_as(struct derived *d, const char *name, const char *key, struct error *err)
{
	const struct process_asset *asset = asset_named(d, name);

	return asset != NULL ? put_asset(d, asset, key, err) : failed(err);
}
