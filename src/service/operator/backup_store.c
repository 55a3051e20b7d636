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

bool
backup_store_read(const struct backup_store *store, struct arena *arena, struct list_line *line,
    const char *to, struct file_sum *sum, struct error *err)
{
	bool ok = store->s3 != NULL ? download(store, arena, line, to, sum, err) :
				      blob_valid(line->version, err) &&
		backup_copy(backup_blob_path(arena, store->site->config, line->version), to, sum,
		    err);

	if (!ok) {
		error_detail(err, "object %.200s", line->name);
		return false;
	}
	return sum->size == line->size ||
	    error_set(err, ERR_INTERNAL,
		"object %.120s has %lld bytes, its row says %lld: see 'medianest-admin verify'",
		line->name, (long long)sum->size, (long long)line->size);
}

static bool
upload(const struct backup_store *store, const struct list_line *line, const char *from,
    bool *present, struct error *err)
{
	const char *type = *line->type != '\0' ? line->type : NULL;
	struct s3_object object;
	struct file_sum sum;
	bool ok;
	int fd;

	error_clear(err);
	*present = s3_head(store->s3, line->name, &object, err) && object.size == line->size;
	if (*present)
		return true;
	if (err->code != ERR_NONE && err->code != ERR_NOT_FOUND)
		return false;
	error_clear(err);
	if ((fd = open(from, O_RDONLY | O_CLOEXEC)) < 0)
		return backup_file_failed(from, err);
	ok = backup_copy_fd(fd, -1, &sum, err) &&
	    (str_eq(sum.sha256, line->sha256) ||
		error_set(err, ERR_INTERNAL, "%.180s is damaged: use another backup", from)) &&
	    s3_put_fd(store->s3, line->name, fd, sum.size, type, err);
	close(fd);
	return ok;
}

/* Blobs belong to whom the spool belongs to: the store's pools run as nginx's user. */
static bool
give(const struct backup_store *store, struct arena *arena, const char *path, struct error *err)
{
	const char *data = config_str(store->site->config, CFG_DATA_DIR);
	struct stat st;

	if (stat(arena_printf(arena, "%s/objects/.tmp/body", data), &st) != 0 &&
	    stat(arena_printf(arena, "%s/objects", data), &st) != 0)
		return backup_file_failed(data, err);
	return st.st_uid == geteuid() || chown(path, st.st_uid, st.st_gid) == 0 ||
	    backup_file_failed(path, err);
}

static bool
blob_dirs(const struct backup_store *store, struct arena *arena, const char *blob,
    struct error *err)
{
	const char *top = arena_printf(arena, "%s/objects",
		       config_str(store->site->config, CFG_DATA_DIR)),
		   *first = arena_printf(arena, "%s/%.2s", top, blob),
		   *second = arena_printf(arena, "%s/%.2s", first, blob + 2);

	bool present;

	if (!backup_present(second, &present, err))
		return false;
	if (present)
		return true;
	return backup_dir_make(top, err) && backup_dir_make(first, err) &&
	    give(store, arena, first, err) && backup_dir_make(second, err) &&
	    give(store, arena, second, err);
}

/* The file has its name only when it is whole. */
static bool
place(const struct backup_store *store, struct arena *arena, const struct list_line *line,
    const char *from, bool *present, struct error *err)
{
	const char *to, *fresh;
	struct file_sum sum;
	struct stat st;

	if (!blob_valid(line->version, err))
		return false;
	to = backup_blob_path(arena, store->site->config, line->version);
	*present = stat(to, &st) == 0 && st.st_size == line->size;
	if (*present)
		return true;
	fresh = arena_printf(arena, "%s.restoring", to);
	if (!blob_dirs(store, arena, line->version, err) || !backup_copy(from, fresh, &sum, err))
		return false;
	if (!str_eq(sum.sha256, line->sha256)) {
		unlink(fresh);
		return error_set(err, ERR_INTERNAL, "%.180s is damaged: use another backup", from);
	}
	return give(store, arena, fresh, err) &&
	    (rename(fresh, to) == 0 || backup_file_failed(to, err));
}

bool
backup_store_write(const struct backup_store *store, struct arena *arena,
    const struct list_line *line, const char *from, bool *present, struct error *err)
{
	return store->s3 != NULL ? upload(store, line, from, present, err) :
				   place(store, arena, line, from, present, err);
}
