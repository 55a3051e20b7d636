/*
 * The objects of a backup, in the store: the embedded one is read and written by its files, which
 * have the names of their blobs and never change; a foreign one by its API.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/config.h"
#include "core/error.h"
#include "service/operator/backup_internal.h"
#include "store/s3.h"

#include "core/banned.h"

#define BLOB_DIGITS 32
#define TAG_READ_BYTES (256U << 10)

bool
backup_store_open(struct backup_store *store, const struct backup_site *site, struct error *err)
{
	*store = (struct backup_store) { .site = site };
	if (config_bool(site->config, CFG_STORAGE_EMBEDDED))
		return true;
	store->s3 = s3_new(site->config, err);
	return store->s3 != NULL;
}

void
backup_store_close(struct backup_store *store)
{
	if (store->s3 != NULL)
		s3_free(store->s3);
	store->s3 = NULL;
}

const char *
backup_blob_path(struct arena *arena, const struct config *config, const char *blob)
{
	return arena_printf(arena, "%s/objects/%.2s/%.2s/%s", config_str(config, CFG_DATA_DIR),
	    blob, blob + 2, blob);
}

/* Names come from rows and from lists: only what the store itself would write is a path. */
static bool
blob_valid(const char *blob, struct error *err)
{
	return (strlen(blob) == BLOB_DIGITS && strspn(blob, "0123456789abcdef") == BLOB_DIGITS) ||
	    error_set(err, ERR_INTERNAL, "'%.60s' is not the name of a blob", blob);
}

/* Blobs belong to whom the spool belongs to: the store's pools run as nginx's user. */
static bool
give(const struct backup_store *store, struct arena *arena, int fd, struct error *err)
{
	const char *data = config_str(store->site->config, CFG_DATA_DIR);
	struct stat st;

	if (stat(arena_printf(arena, "%s/objects/.tmp/body", data), &st) != 0 &&
	    stat(arena_printf(arena, "%s/objects", data), &st) != 0)
		return backup_file_failed(data, err);
	return st.st_uid == geteuid() || fchown(fd, st.st_uid, st.st_gid) == 0 ||
	    backup_file_failed(data, err);
}

/*
 * The directory of a blob, which `make` creates. Nginx's user, whom other sites share, may write
 * there: links are not followed, or root would read and write at their ends.
 */
static int
blob_dir(const struct backup_store *store, struct arena *arena, const char *blob, bool make,
    struct error *err)
{
	const char *path =
	    arena_printf(arena, "%s/objects", config_str(store->site->config, CFG_DATA_DIR));
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int dir, below;
	bool ok = true;

	if (make && !backup_dir_make(path, err))
		return -1;
	dir = open(path, flags);
	for (int level = 0; dir >= 0 && level < 2 && ok; level++) {
		const char *name = arena_printf(arena, "%.2s", blob + 2 * level);
		bool made = make && mkdirat(dir, name, 0700) == 0;

		path = arena_printf(arena, "%s/%s", path, name);
		below = openat(dir, name, flags);
		if (made && below >= 0)
			ok = give(store, arena, below, err);
		close(dir);
		dir = below;
	}
	if (dir < 0)
		backup_file_failed(path, err);
	else if (!ok)
		close(dir);
	return ok ? dir : -1;
}

static bool
download(const struct backup_store *store, struct arena *arena, struct list_line *line,
    const char *to, struct file_sum *sum, struct error *err)
{
	int fd = open(to, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct s3_object object;
	bool ok;

	if (fd < 0)
		return backup_file_failed(to, err);
	ok = s3_get_fd(store->s3, line->name, fd, INT64_MAX, &object, err) &&
	    lseek(fd, 0, SEEK_SET) == 0 && backup_copy_fd(fd, -1, sum, err);
	close(fd);
	if (!ok)
		unlink(to);
	else
		line->type = arena_strdup(arena, object.content_type);
	return ok;
}

int
backup_blob_open(const struct backup_store *store, struct arena *arena, const char *blob,
    struct error *err)
{
	int dir, in;

	errno = 0;
	if (!blob_valid(blob, err) || (dir = blob_dir(store, arena, blob, false, err)) < 0)
		return -1;
	in = openat(dir, blob, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (in < 0)
		backup_file_failed(backup_blob_path(arena, store->site->config, blob), err);
	close(dir);
	return in;
}

static bool
read_blob(const struct backup_store *store, struct arena *arena, const struct list_line *line,
    const char *to, struct file_sum *sum, struct error *err)
{
	int in = backup_blob_open(store, arena, line->version, err), out;
	bool ok;

	if (in < 0)
		return false;
	posix_fadvise(in, 0, 0, POSIX_FADV_SEQUENTIAL);
	out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ok = out >= 0 ? backup_copy_fd(in, out, sum, err) : backup_file_failed(to, err);
	close(in);
	if (out >= 0 && close(out) != 0 && ok)
		ok = backup_file_failed(to, err);
	if (!ok && out >= 0)
		unlink(to);
	return ok;
}

bool
backup_store_read(const struct backup_store *store, struct arena *arena, struct list_line *line,
    const char *to, struct file_sum *sum, struct error *err)
{
	bool ok = store->s3 != NULL ? download(store, arena, line, to, sum, err) :
				      read_blob(store, arena, line, to, sum, err);

	if (!ok) {
		error_detail(err, "object %.200s", line->name);
		return false;
	}
	return sum->size == line->size ||
	    error_set(err, ERR_INTERNAL,
		"object %.120s has %lld bytes, its row says %lld: see 'medianest-admin verify'",
		line->name, (long long)sum->size, (long long)line->size);
}

/* The ETag that these bytes have in a store that took them in one piece, unencrypted. */
static bool
tag_of(struct arena *arena, int fd, const char **tag, struct error *err)
{
	struct digest *digest = digest_new("md5");
	char *buf = arena_alloc_raw(arena, TAG_READ_BYTES), hex[2 * MD5_SIZE + 1];
	unsigned char sum[64];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, buf, TAG_READ_BYTES, at)) > 0 || (n < 0 && errno == EINTR)) {
		if (n < 0)
			continue;
		digest_update(digest, buf, (size_t)n);
		at += n;
	}
	digest_final(digest, sum);
	for (size_t i = 0; i < MD5_SIZE; i++)
		snprintf(hex + 2 * i, 3, "%02x", sum[i]);
	*tag = arena_printf(arena, "\"%s\"", hex);
	return n == 0 || backup_file_failed("reading", err);
}

/* An object with another tag may be the same: its bytes are not known, so it is written again. */
static bool
is_stored(const struct backup_store *store, struct arena *arena, const struct list_line *line,
    int fd, bool *present, struct error *err)
{
	struct s3_object object;
	const char *tag;

	*present = false;
	error_clear(err);
	if (!s3_head(store->s3, line->name, &object, err)) {
		if (err->code != ERR_NOT_FOUND)
			return false;
		error_clear(err);
		return true;
	}
	if (object.size != line->size)
		return true;
	if (!tag_of(arena, fd, &tag, err))
		return false;
	*present = str_eq(object.etag, tag);
	return true;
}

static bool
upload(const struct backup_store *store, struct arena *arena, const struct list_line *line,
    const char *from, bool *present, struct error *err)
{
	const char *type = *line->type != '\0' ? line->type : NULL;
	int fd = open(from, O_RDONLY | O_CLOEXEC);
	struct file_sum sum;
	bool ok;

	*present = false;
	if (fd < 0)
		return backup_file_failed(from, err);
	ok = backup_copy_fd(fd, -1, &sum, err) &&
	    (str_eq(sum.sha256, line->sha256) ||
		error_set(err, ERR_INTERNAL, "%.180s is damaged: use another backup", from)) &&
	    is_stored(store, arena, line, fd, present, err) &&
	    (*present || s3_put_fd(store->s3, line->name, fd, sum.size, type, err));
	close(fd);
	return ok;
}

/* Copies and compares; nothing is left of a copy that is not whole. */
static bool
place_copy(const struct backup_store *store, struct arena *arena, const struct list_line *line,
    const char *from, int out, struct error *err)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	struct file_sum sum;
	bool ok;

	if (in < 0)
		return backup_file_failed(from, err);
	ok = backup_copy_fd(in, out, &sum, err) &&
	    (str_eq(sum.sha256, line->sha256) ||
		error_set(err, ERR_INTERNAL, "%.180s is damaged: use another backup", from)) &&
	    give(store, arena, out, err);
	close(in);
	return ok;
}

/* The file has its name only when it is whole. */
static bool
place_in(const struct backup_store *store, struct arena *arena, const struct list_line *line,
    const char *from, int dir, struct error *err)
{
	const char *fresh = arena_printf(arena, "%s.restoring", line->version),
		   *path = backup_blob_path(arena, store->site->config, line->version);
	bool ok;
	int out;

	unlinkat(dir, fresh, 0); /* of a run that was interrupted */
	out = openat(dir, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return backup_file_failed(path, err);
	ok = place_copy(store, arena, line, from, out, err);
	if (close(out) != 0 && ok)
		ok = backup_file_failed(path, err);
	if (ok && renameat(dir, fresh, dir, line->version) != 0)
		ok = backup_file_failed(path, err);
	if (!ok)
		unlinkat(dir, fresh, 0);
	return ok;
}

/* Is it there, and undamaged? What cannot be read is replaced. */
static bool
is_whole(const struct list_line *line, int dir)
{
	int fd = openat(dir, line->version, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct file_sum sum;
	struct error ignored;
	struct stat st;
	bool whole;

	error_clear(&ignored);
	whole = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == line->size &&
	    backup_copy_fd(fd, -1, &sum, &ignored) && str_eq(sum.sha256, line->sha256);
	if (fd >= 0)
		close(fd);
	return whole;
}

static bool
place(const struct backup_store *store, struct arena *arena, const struct list_line *line,
    const char *from, bool *present, struct error *err)
{
	bool ok;
	int dir;

	if (!blob_valid(line->version, err) ||
	    (dir = blob_dir(store, arena, line->version, true, err)) < 0)
		return false;
	*present = is_whole(line, dir);
	ok = *present || place_in(store, arena, line, from, dir, err);
	close(dir);
	return ok;
}

bool
backup_store_write(const struct backup_store *store, struct arena *arena,
    const struct list_line *line, const char *from, bool *present, struct error *err)
{
	return store->s3 != NULL ? upload(store, arena, line, from, present, err) :
				   place(store, arena, line, from, present, err);
}
