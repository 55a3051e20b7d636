/*
 * Blobs of the embedded object store: files with random names in two levels of directories, durable
 * before a row refers to them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/log.h"
#include "core/str.h"
#include "objectstore/objects_checksum.h"
#include "objectstore/objects_internal.h"
#include "service/call.h"
#include "service/services.h"

#include "core/banned.h"

#define COPY_CHUNK (1L << 30) /* bytes per copy_file_range(2) */

const char *
objects_dir(const struct services *svc, struct arena *arena)
{
	return arena_printf(arena, "%s/objects", config_str(svc->config, CFG_DATA_DIR));
}

const char *
objects_spool(const struct services *svc, struct arena *arena)
{
	return arena_printf(arena, "%s/.tmp/body", objects_dir(svc, arena));
}

const char *
object_blob_path(struct arena *arena, const char *blob)
{
	return arena_printf(arena, "%.2s/%.2s/%s", blob, blob + 2, blob);
}

static const char *
absolute(const struct call *call, const char *blob)
{
	return arena_printf(call->arena, "%s/%s", objects_dir(call->svc, call->arena),
	    object_blob_path(call->arena, blob));
}

static bool
failed(const char *what, struct error *err)
{
	int code = errno;

	if (code == ENOSPC || code == EDQUOT)
		error_slug(err, ERR_STORAGE_FULL, "InsufficientStorage", "The disk is full.");
	else
		error_slug(err, ERR_INTERNAL, "InternalError", "The object store failed.");
	return error_detail(err, "%s: %s", what, strerror(code));
}

/* Housekeeping takes a body for one that nobody waits for where the clock was set meanwhile. */
static bool
spool_failed(const char *what, struct error *err)
{
	if (errno != ENOENT)
		return failed(what, err);
	error_set(err, ERR_UNAVAILABLE, "The object was not stored. Try again.");
	return error_detail(err, "%s: %s", what, strerror(ENOENT));
}

bool
objects_room(const struct services *svc, struct arena *arena, int64_t size, struct error *err)
{
	struct statvfs fs;

	if (statvfs(objects_dir(svc, arena), &fs) != 0)
		return failed("objects directory", err);
	if ((uint64_t)fs.f_bavail * fs.f_frsize < (uint64_t)size + OBJECT_FREE_RESERVE)
		return error_slug(err, ERR_STORAGE_FULL, "InsufficientStorage",
		    "There is not enough disk space for an object of this size.");
	return true;
}

static bool
sync_dir(const char *path, struct error *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool done = fd >= 0 && fsync(fd) == 0;

	if (!done)
		failed("sync of a directory", err);
	if (fd >= 0)
		close(fd);
	return done;
}

/* The two directories above a blob, each durable in its parent before it is used. */
static bool
make_dirs(const struct call *call, const char *blob, const char **dir, struct error *err)
{
	const char *top = objects_dir(call->svc, call->arena),
		   *first = arena_printf(call->arena, "%s/%.2s", top, blob);

	*dir = arena_printf(call->arena, "%s/%.2s", first, blob + 2);
	if (mkdir(*dir, 0700) == 0)
		return sync_dir(first, err);
	if (errno == EEXIST)
		return true;
	if (errno != ENOENT || (mkdir(first, 0700) != 0 && errno != EEXIST) ||
	    !sync_dir(top, err) || (mkdir(*dir, 0700) != 0 && errno != EEXIST))
		return failed("directory of blobs", err);
	return sync_dir(first, err);
}

/* nginx names spooled files by number; anything else did not come from it. */
bool
blob_spool_valid(const struct call *call, const char *path)
{
	const char *dir = arena_printf(call->arena, "%s/", objects_spool(call->svc, call->arena));
	size_t len = strlen(dir);

	return strncmp(path, dir, len) == 0 && path[len] != '\0' &&
	    strspn(path + len, "0123456789") == strlen(path + len);
}

bool
blob_check(const struct call *call, const struct object_body *body, struct error *err)
{
	struct stat st = { 0 };
	bool done;
	int fd = -1;

	if (body->spool != NULL) {
		if (!blob_spool_valid(call, body->spool)) {
			error_slug(err, ERR_INTERNAL, "InternalError", "The object store failed.");
			return error_detail(err,
			    "nginx does not spool where it should: client_body_temp_path must"
			    " be %s (run 'medianest-admin nginx' and reload nginx)",
			    objects_spool(call->svc, call->arena));
		}
		if ((fd = open(body->spool, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) < 0 ||
		    fstat(fd, &st) != 0) {
			spool_failed("spooled body", err);
			if (fd >= 0)
				close(fd);
			return false;
		}
	}
	if (st.st_size != body->size)
		done = error_slug(err, ERR_MALFORMED, "IncompleteBody",
		    "The body does not have the announced length.");
	else
		done = checksum_body(fd, body, err);
	if (fd >= 0)
		close(fd);
	return done;
}

bool
objects_body_text(const struct call *call, const struct object_body *body, size_t max,
    const char **text, struct error *err)
{
	char *out;
	ssize_t n = 0;
	int fd;

	if (body->size > (int64_t)max)
		return error_slug(err, ERR_MALFORMED, "EntityTooLarge",
		    "The body may have at most %zu bytes.", max);
	if (!blob_check(call, body, err))
		return false;
	out = arena_alloc(call->arena, (size_t)body->size + 1);
	*text = out;
	if (body->spool == NULL)
		return true;
	if ((fd = open(body->spool, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) < 0 ||
	    (n = pread(fd, out, (size_t)body->size, 0)) != body->size)
		spool_failed("spooled body", err);
	if (fd >= 0)
		close(fd);
	return n == body->size;
}

struct mapping {
	void *start;
	size_t size;
};

static void
unmap(void *mapping)
{
	const struct mapping *m = mapping;

	munmap(m->start, m->size);
}

/* Blobs never change, so the mapping stays whole. */
bool
objects_map(const struct call *call, const char *blob, int64_t first, int64_t size,
    const char **bytes, struct error *err)
{
	struct mapping *m = arena_alloc(call->arena, sizeof(*m));
	int64_t skip = first % sysconf(_SC_PAGESIZE);
	struct stat st;
	int fd;

	*bytes = "";
	if (size == 0)
		return true;
	if ((fd = open(absolute(call, blob), O_RDONLY | O_CLOEXEC)) < 0 || fstat(fd, &st) != 0 ||
	    st.st_size < first + size) {
		failed("blob", err);
		if (fd >= 0)
			close(fd);
		return false;
	}
	m->size = (size_t)(size + skip);
	m->start = mmap(NULL, m->size, PROT_READ, MAP_PRIVATE, fd, first - skip);
	close(fd);
	if (m->start == MAP_FAILED)
		return failed("mapping of a blob", err);
	arena_defer(call->arena, unmap, m);
	madvise(m->start, m->size, MADV_SEQUENTIAL);
	*bytes = (const char *)m->start + skip;
	return true;
}

bool
blob_check_object(const struct call *call, const char *blob, const struct object_checksum *claim,
    const struct blob_piece *pieces, size_t n, struct error *err)
{
	bool done;
	int fd;

	if (claim->header == NULL)
		return true;
	if ((fd = open(absolute(call, blob), O_RDONLY | O_CLOEXEC)) < 0)
		return failed("blob", err);
	done = checksum_object(fd, claim, pieces, n, err);
	close(fd);
	return done;
}

static bool
sync_file(const char *path, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool done = fd >= 0 && fsync(fd) == 0;

	if (!done)
		failed("sync of a blob", err);
	if (fd >= 0)
		close(fd);
	return done;
}

static bool
create_empty(const char *path, struct error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return failed("creation of a blob", err);
	close(fd);
	return true;
}

/* nginx removes its own link to the file when the request ends. */
bool
blob_take(const struct call *call, const struct object_body *body, const char *blob,
    struct error *err)
{
	const char *path = absolute(call, blob), *dir;

	if (!make_dirs(call, blob, &dir, err))
		return false;
	if (body->spool == NULL) {
		if (!create_empty(path, err))
			return false;
	} else if (link(body->spool, path) != 0) {
		return spool_failed("link of a blob", err);
	}
	return sync_file(path, err) && sync_dir(dir, err);
}

bool
blob_link(const struct call *call, const char *from, const char *blob, struct error *err)
{
	const char *dir;

	if (!make_dirs(call, blob, &dir, err))
		return false;
	if (link(absolute(call, from), absolute(call, blob)) != 0)
		return failed("link of a blob", err);
	return sync_dir(dir, err);
}

/* copy_file_range(2) shares the blocks if the file system can, else it copies inside the kernel. */
static bool
append(int out, const char *path, int64_t first, int64_t size, struct error *err)
{
	int in = open(path, O_RDONLY | O_CLOEXEC);
	off_t from = first;

	if (in < 0)
		return failed("part", err);
	while (size > 0) {
		ssize_t n = copy_file_range(in, &from, out, NULL,
		    size < COPY_CHUNK ? (size_t)size : (size_t)COPY_CHUNK, 0);

		if (n <= 0) {
			if (n == 0)
				errno = EIO; /* shorter than in its row */
			failed("join", err);
			break;
		}
		size -= n;
	}
	close(in);
	return size == 0;
}

bool
blob_join(const struct call *call, const struct blob_piece *pieces, size_t n, const char *blob,
    struct error *err)
{
	const char *path = absolute(call, blob), *dir;
	bool done;
	int out;

	if (!make_dirs(call, blob, &dir, err))
		return false;
	if ((out = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) < 0)
		return failed("creation of a blob", err);
	done = true;
	for (size_t i = 0; i < n && done; i++)
		done = append(out, absolute(call, pieces[i].blob), pieces[i].first, pieces[i].size,
		    err);
	if (done && fsync(out) != 0)
		done = failed("sync of a blob", err);
	close(out);
	if (!done)
		unlink(path); /* the announcement stays, which does no harm */
	return done && sync_dir(dir, err);
}

void
blob_unlink(const struct call *call, const char *blob)
{
	if (unlink(absolute(call, blob)) != 0 && errno != ENOENT)
		log_warn(call->svc->log, "blob %s: %s", blob, strerror(errno));
}

size_t
blob_sweep_spool(const struct call *call)
{
	const char *path = objects_spool(call->svc, call->arena);
	const time_t before = (time_t)(clock_now() / US_PER_SEC) - OBJECT_SPOOL_SECONDS;
	DIR *dir = opendir(path);
	struct dirent *entry;
	size_t removed = 0;

	if (dir == NULL)
		return 0;
	while ((entry = readdir(dir)) != NULL) {
		struct stat st;

		if (strspn(entry->d_name, "0123456789") == strlen(entry->d_name) &&
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) && st.st_mtime < before &&
		    unlinkat(dirfd(dir), entry->d_name, 0) == 0)
			removed++;
	}
	closedir(dir);
	return removed;
}
