/*
 * medianest-admin verify: every object against the rows, and the rows against the store. It only
 * reads; what it writes is what it knows of checksums, and where it stands.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "service/operator/backup_internal.h"
#include "store/pg.h"
#include "store/s3.h"
#include "store/store_backups.h"

#include "core/banned.h"

#define BLOB_DIGITS 32
#define READ_BYTES (256U << 10)
#define STRANGERS_AT_ONCE 20000    /* names of one question */
#define STRANGE_GRACE_SECONDS 3600 /* a file may be written before its row */
#define S3_PAGE 1000

struct verify {
	const struct backup_site *site;
	const struct verify_ask *ask;
	struct verify_found *found;
	struct backup_store store;
	bool embedded;
	int64_t began, read; /* of this run, for the rate */
	const char *scratch; /* a foreign store's objects are fetched to here */
	struct bar bar;
};

/* Sleeps until as many bytes as were read may have been. */
static void
pace(struct verify *v, int64_t bytes)
{
	int64_t due;

	v->read += bytes;
	if (v->ask->rate <= 0)
		return;
	due = v->began + (int64_t)((double)v->read / (double)v->ask->rate * (double)US_PER_SEC);
	while (clock_monotonic() < due)
		poll(NULL, 0, (int)((due - clock_monotonic()) / US_PER_MS) + 1);
}

struct sums {
	int64_t size;
	char sha256[SHA256_HEX], md5[2 * MD5_SIZE + 1];
};

static void
hex(struct digest *digest, char *out)
{
	unsigned char bytes[64];
	size_t n = digest_final(digest, bytes);

	for (size_t i = 0; i < n; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static bool
read_sums(struct verify *v, int fd, struct sums *out, struct error *err)
{
	struct digest *sha256 = digest_new("sha256"), *md5 = digest_new("md5");
	struct arena arena;
	char *buf;
	ssize_t n;

	arena_init(&arena);
	buf = arena_alloc_raw(&arena, READ_BYTES);
	out->size = 0;
	while ((n = read(fd, buf, READ_BYTES)) > 0 || (n < 0 && errno == EINTR)) {
		if (n < 0)
			continue;
		digest_update(sha256, buf, (size_t)n);
		digest_update(md5, buf, (size_t)n);
		out->size += n;
		pace(v, n);
	}
	if (n < 0)
		error_set(err, ERR_INTERNAL, "%s", strerror(errno));
	hex(sha256, out->sha256);
	hex(md5, out->md5);
	arena_clear(&arena);
	return n == 0;
}

static void
missing(struct verify *v, const struct backup_object *object, const char *why)
{
	v->found->missing++;
	printf("missing: %s (%s)\n", object->name, why);
}

static void
damaged(struct verify *v, const struct backup_object *object, const char *why)
{
	v->found->damaged++;
	printf("damaged: %s (%s)\n", object->name, why);
}

/* A checksum that is not known yet is remembered: from now on a change is found. */
static bool
compare(struct verify *v, struct arena *arena, const struct backup_object *object,
    const struct sums *sums, struct error *err)
{
	const char *name = v->embedded ? object->version : object->name, *known = object->sha256;
	bool kept = known == NULL && object->md5 == NULL;

	if (kept && !store_backup_sum(v->site->db, arena, name, &known, err))
		return false;
	if (sums->size != object->size)
		damaged(v, object,
		    arena_printf(arena, "%lld bytes, not %lld", (long long)sums->size,
			(long long)object->size));
	else if (known != NULL ? !str_eq(known, sums->sha256) :
				 object->md5 != NULL && !str_eq(object->md5, sums->md5))
		damaged(v, object, "its bytes have another checksum");
	else if (kept && known == NULL && object->name[0] != '~') {
		v->found->first_seen++;
		return store_backup_sum_keep(v->site->db, arena, name, sums->sha256, err);
	}
	return true;
}

/* -1: it is not there, and *why says so, or *err says what failed. */
static int
open_blob(struct verify *v, struct arena *arena, const struct backup_object *object,
    const char **why, struct error *err)
{
	int fd = backup_blob_open(&v->store, arena, object->version, err);

	if (fd >= 0 || (errno != ENOENT && errno != ELOOP && errno != ENOTDIR))
		return fd;
	*why =
	    errno == ENOENT ? "there is no blob of its name" : "a link is in the place of its blob";
	error_clear(err);
	return -1;
}

static int
fetch_object(struct verify *v, const struct backup_object *object, const char **why,
    struct error *err)
{
	int fd = open(v->scratch, O_RDWR | O_TRUNC | O_CLOEXEC);

	if (fd < 0) {
		backup_file_failed(v->scratch, err);
		return -1;
	}
	if (s3_get_fd(v->store.s3, object->name, fd, INT64_MAX, NULL, err) &&
	    lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	if (err->code == ERR_NOT_FOUND) {
		error_clear(err);
		*why = "the store does not have it";
	}
	close(fd);
	return -1;
}

/* What was removed between the list and now is not missing: its row is gone too. */
static bool
still_there(struct verify *v, struct arena *arena, const struct backup_object *object, bool *there,
    struct error *err)
{
	const char *name = v->embedded ? object->version : object->name;
	struct strings gone;

	if (!store_backup_unlisted(v->site->db, arena, v->embedded, (struct strings) { &name, 1 },
		&gone, err))
		return false;
	*there = gone.n == 0;
	return true;
}

static bool
check_object(struct verify *v, struct arena *arena, const struct backup_object *object,
    struct error *err)
{
	const char *why = NULL;
	struct sums sums;
	bool ok, there = false;
	int fd;

	error_clear(err);
	fd = v->embedded ? open_blob(v, arena, object, &why, err) :
			   fetch_object(v, object, &why, err);
	v->found->checked++;
	bar_add(&v->bar, object->size);
	if (fd < 0 && (why == NULL || !still_there(v, arena, object, &there, err)))
		return false;
	if (fd < 0) {
		if (there)
			missing(v, object, why);
		return true;
	}
	ok = read_sums(v, fd, &sums, err);
	close(fd);
	if (!ok) { /* a bad sector is damage, and no reason to stop */
		damaged(v, object, err->message);
		error_clear(err);
		return true;
	}
	v->found->bytes += sums.size;
	return compare(v, arena, object, &sums, err);
}

static bool
check_page(struct verify *v, struct arena *arena, const char *after,
    const struct backup_object **last, struct error *err)
{
	struct backup_object *objects;
	struct verify_place place;
	size_t n;

	*last = NULL;
	if (!store_backup_objects(v->site->db, arena, v->embedded, after, &objects, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!check_object(v, arena, &objects[i], err))
			return false;
	if (n == 0)
		return true;
	*last = &objects[n - 1];
	place = (struct verify_place) { .after = (*last)->name,
		.checked = v->found->checked,
		.wrong = v->found->missing + v->found->damaged };
	return store_verify_remember(v->site->db, arena, &place, err);
}

static bool
check_rows(struct verify *v, struct error *err)
{
	struct verify_place place = { .after = "" };
	const struct backup_object *last = NULL;
	struct arena arena;
	struct buf after;
	bool ok = true;

	buf_init(&after, v->site->arena, 0);
	arena_init(&arena);
	if (v->ask->resume)
		ok = store_verify_place(v->site->db, &arena, &place, err);
	buf_adds(&after, place.after);
	do {
		ok = ok && check_page(v, &arena, after.data, &last, err);
		if (ok && last != NULL) {
			buf_reset(&after);
			buf_adds(&after, last->name);
		}
		arena_reset(&arena);
	} while (ok && last != NULL);
	place = (struct verify_place) { .after = "" };
	ok = ok && store_verify_remember(v->site->db, &arena, &place, err) &&
	    store_backup_sums_prune(v->site->db, &arena, v->embedded, err);
	arena_clear(&arena);
	return ok;
}

/* --- what is in the store and in no row --- */

struct names {
	struct verify *v;
	struct arena arena;
	const char **items;
	size_t n;
};

static bool
names_ask(struct names *names, struct error *err)
{
	struct strings strange;

	if (names->n == 0)
		return true;
	if (!store_backup_strangers(names->v->site->db, &names->arena, names->v->embedded,
		(struct strings) { names->items, names->n }, &strange, err))
		return false;
	for (size_t i = 0; i < strange.n; i++)
		printf("foreign: %s (no row has it)\n", strange.items[i]);
	names->v->found->strange += (int64_t)strange.n;
	names->n = 0;
	arena_reset(&names->arena);
	names->items = arena_array(&names->arena, STRANGERS_AT_ONCE, sizeof(*names->items));
	return true;
}

static bool
names_add(struct names *names, const char *name, struct error *err)
{
	names->items[names->n++] = arena_strdup(&names->arena, name);
	return names->n < STRANGERS_AT_ONCE || names_ask(names, err);
}

/* Files of a directory of blobs: those that are no blob at all are foreign without a question. */
static bool
blobs_in(struct names *names, const char *path, struct error *err)
{
	const time_t before = (time_t)(clock_now() / US_PER_SEC) - STRANGE_GRACE_SECONDS;
	DIR *dir = opendir(path);
	struct dirent *entry;
	struct stat st;
	bool ok = true;

	if (dir == NULL)
		return errno == ENOENT || errno == ENOTDIR || backup_file_failed(path, err);
	while (ok && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.' ||
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		    st.st_mtime > before)
			continue;
		if (strlen(entry->d_name) == BLOB_DIGITS) {
			ok = names_add(names, entry->d_name, err);
			continue;
		}
		printf("foreign: %s/%s (no blob has such a name)\n", path, entry->d_name);
		names->v->found->strange++;
	}
	closedir(dir);
	return ok;
}

static bool
blobs_under(struct names *names, const char *top, const char *first, struct error *err)
{
	char path[4200];
	DIR *dir;
	struct dirent *entry;
	bool ok = true;

	snprintf(path, sizeof(path), "%s/%s", top, first);
	if ((dir = opendir(path)) == NULL)
		return errno == ENOENT || errno == ENOTDIR || backup_file_failed(path, err);
	while (ok && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s/%s", top, first, entry->d_name);
		ok = blobs_in(names, path, err);
	}
	closedir(dir);
	return ok;
}

static bool
strange_blobs(struct names *names, struct error *err)
{
	const char *top = arena_printf(names->v->site->arena, "%s/objects",
	    config_str(names->v->site->config, CFG_DATA_DIR));
	DIR *dir = opendir(top);
	struct dirent *entry;
	bool ok = true;

	if (dir == NULL)
		return backup_file_failed(top, err);
	while (ok && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			ok = blobs_under(names, top, entry->d_name, err);
	closedir(dir);
	return ok;
}

static bool
strange_keys(struct names *names, struct error *err)
{
	struct arena arena;
	struct strings keys = { .n = 1 };
	struct buf after;
	bool ok = true;

	buf_init(&after, names->v->site->arena, 0);
	arena_init(&arena);
	while (ok && keys.n > 0) {
		const struct s3_range range = {
			.prefix = "", .after = after.len > 0 ? after.data : NULL, .max = S3_PAGE
		};

		ok = s3_list(names->v->store.s3, &arena, &range, &keys, err);
		for (size_t i = 0; ok && i < keys.n; i++)
			ok = names_add(names, keys.items[i], err);
		if (ok && keys.n > 0) {
			buf_reset(&after);
			buf_adds(&after, keys.items[keys.n - 1]);
		}
		arena_reset(&arena);
	}
	arena_clear(&arena);
	return ok;
}

static bool
strangers(struct verify *v, struct error *err)
{
	struct names names = { .v = v };
	bool ok;

	arena_init(&names.arena);
	names.items = arena_array(&names.arena, STRANGERS_AT_ONCE, sizeof(*names.items));
	ok = (v->embedded ? strange_blobs(&names, err) : strange_keys(&names, err)) &&
	    names_ask(&names, err);
	arena_clear(&names.arena);
	return ok;
}

static bool
scratch_make(struct verify *v, struct error *err)
{
	char *path;
	int fd;

	if (v->embedded)
		return true;
	path = arena_printf(v->site->arena, "%s/scratch/verify.XXXXXX",
	    config_str(v->site->config, CFG_DATA_DIR));
	fd = mkstemp(path);
	if (fd < 0)
		return backup_file_failed(path, err);
	close(fd);
	v->scratch = path;
	return true;
}

bool
verify_run(const struct backup_site *site, const struct verify_ask *ask, struct verify_found *found,
    struct error *err)
{
	struct verify v = { .site = site,
		.ask = ask,
		.found = found,
		.embedded = config_bool(site->config, CFG_STORAGE_EMBEDDED),
		.began = clock_monotonic() };
	int64_t total = 0;
	bool ok;

	*found = (struct verify_found) { .checked = 0 };
	if (site->bar && !store_backup_bytes(site->db, site->arena, v.embedded, &total, err))
		return false;
	if (!backup_store_open(&v.store, site, err))
		return false;
	bar_begin(&v.bar, site, "Objects", total);
	ok = scratch_make(&v, err) && check_rows(&v, err) && strangers(&v, err);
	bar_end(&v.bar);
	if (v.scratch != NULL)
		unlink(v.scratch);
	backup_store_close(&v.store);
	return ok;
}
