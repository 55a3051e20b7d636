/* medianest-admin backup: see backup.h. */
#include "service/operator/backup.h"

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/id.h"
#include "core/log.h"
#include "service/call.h"
#include "service/notify/alert.h"
#include "service/operator/backup_internal.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_backups.h"

#include "core/banned.h"

#define ROWS_LIST ".objects.rows"
#define COPYING ".copying"
#define RENEW_TIMEOUT_MS 20000
#define HOST_MAX 256

struct backup {
	const struct backup_site *site;
	const struct backup_ask *ask;
	struct arena *arena;
	char id[UUID_TEXT];
	const char *name, *partial, *earlier; /* earlier: the backup before, or NULL */
	struct manifest manifest;
	struct backup_store store;
	struct backup_counts counts;
	bool has_settings;
	pid_t heart;
	int heart_fd; /* the process ends when it is closed */
};

/* --- the hold --- */

/* A process of its own, so that nothing that takes long delays it. It ends with its parent. */
static void
heart_beat(const char *conninfo, const char *id, int parent)
{
	static const struct log context = { .component = "backup" };
	struct db *db = db_new(conninfo, RENEW_TIMEOUT_MS, &context);
	struct pollfd pfd = { .fd = parent, .events = POLLIN };
	struct arena arena;
	struct error err;
	bool held;

	signal(SIGINT, SIG_DFL);
	arena_init(&arena);
	while (poll(&pfd, 1, BACKUP_RENEW_SECONDS * 1000) == 0) {
		error_clear(&err);
		if (!store_backup_renew(db, &arena, id, &held, &err))
			log_warn(&context, "the hold was not renewed: %s", err.message);
		arena_reset(&arena);
	}
	db_free(db);
	arena_clear(&arena);
	_exit(0);
}

static bool
heart_start(struct backup *b, struct error *err)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) != 0)
		return backup_file_failed("pipe", err);
	b->heart = fork();
	if (b->heart == 0) {
		close(fds[1]);
		heart_beat(config_str(b->site->config, CFG_DATABASE_MIGRATE_URL), b->id, fds[0]);
	}
	close(fds[0]);
	b->heart_fd = fds[1];
	return b->heart > 0 || backup_file_failed("fork", err);
}

static void
heart_stop(struct backup *b)
{
	if (b->heart <= 0)
		return;
	close(b->heart_fd);
	while (waitpid(b->heart, NULL, 0) < 0 && errno == EINTR)
		;
}

/* --- objects --- */

/* The same file under another name in this backup; *linked false: it has to be copied. */
static bool
link_earlier(struct backup *b, struct arena *arena, const struct list_line *line, bool *linked,
    struct error *err)
{
	const char *from, *to = backup_object_path(arena, b->partial, line->sha256);
	struct file_sum sum;
	struct stat st;

	if (!backup_present(to, linked, err))
		return false;
	if (*linked || b->earlier == NULL)
		return true;
	from = backup_object_path(arena, b->earlier, line->sha256);
	if (stat(from, &st) != 0 || st.st_size != line->size)
		return true;
	*linked = link(from, to) == 0;
	if (*linked)
		return true;
	/* A disk without hard links, or a file with as many as it may have. */
	if (!backup_copy(from, to, &sum, err))
		return false;
	*linked = str_eq(sum.sha256, line->sha256);
	if (!*linked)
		unlink(to);
	return true;
}

static bool
copy_object(struct backup *b, struct arena *arena, struct list_line *line, struct error *err)
{
	const char *copying = arena_printf(arena, "%s/" COPYING, b->partial), *to;
	struct file_sum sum;
	bool linked;

	if (!backup_store_read(&b->store, arena, line, copying, &sum, err))
		return false;
	str_copy(line->sha256, sizeof(line->sha256), sum.sha256);
	if (!link_earlier(b, arena, line, &linked, err))
		return false;
	to = backup_object_path(arena, b->partial, line->sha256);
	if (linked ? unlink(copying) != 0 : rename(copying, to) != 0)
		return backup_file_failed(to, err);
	b->counts.copied += sum.size;
	return true;
}

/* What a client can still write under its key is not taken from an earlier backup. */
static bool
unchanged(const struct list_line *now, const struct list_line *then)
{
	return str_eq(now->name, then->name) && str_eq(now->version, then->version) &&
	    now->size == then->size &&
	    (*now->version != '\0' || !str_starts(now->name, "incoming/"));
}

static bool
take_object(struct backup *b, struct list_reader *rows, struct list_reader *earlier, FILE *out,
    struct error *err)
{
	struct list_line *line = &rows->now;
	bool linked = false;

	while (earlier->more && list_compare(earlier->now.name, line->name) < 0)
		if (!list_next(earlier, err))
			return false;
	if (earlier->more && unchanged(line, &earlier->now)) {
		str_copy(line->sha256, sizeof(line->sha256), earlier->now.sha256);
		if (*line->type == '\0')
			line->type = earlier->now.type;
		if (!link_earlier(b, &rows->arena, line, &linked, err))
			return false;
	}
	return (linked || copy_object(b, &rows->arena, line, err)) &&
	    list_write(out, &rows->arena, line, err);
}

static bool
take_objects(struct backup *b, struct list_reader *rows, struct list_reader *earlier, FILE *out,
    struct error *err)
{
	struct bar bar;
	bool ok = true;

	bar_begin(&bar, b->site, "Objects", b->manifest.bytes);
	while (ok && rows->more) {
		ok = take_object(b, rows, earlier, out, err);
		bar_add(&bar, rows->now.size);
		ok = ok && list_next(rows, err);
	}
	bar_end(&bar);
	return ok;
}

/* Two hexadecimal digits each: the names of checksums are spread over 256 directories. */
static bool
object_dirs(struct backup *b, struct error *err)
{
	bool ok = backup_dir_make(arena_printf(b->arena, "%s/" BACKUP_OBJECTS, b->partial), err);

	for (unsigned i = 0; ok && i < 256; i++)
		ok = backup_dir_make(arena_printf(b->arena, "%s/" BACKUP_OBJECTS "/%02x",
					 b->partial, i),
		    err);
	return ok;
}

static bool
objects(struct backup *b, struct error *err)
{
	const char *rows_path = arena_printf(b->arena, "%s/" ROWS_LIST, b->partial),
		   *list_path = arena_printf(b->arena, "%s/" BACKUP_LIST, b->partial);
	struct list_reader rows = { .in = NULL }, earlier = { .in = NULL };
	FILE *out = fopen(list_path, "we");
	bool ok = out != NULL || backup_file_failed(list_path, err);

	ok = ok && object_dirs(b, err) && list_open(&rows, rows_path, err);
	if (ok && b->earlier != NULL)
		ok =
		    list_open(&earlier, arena_printf(b->arena, "%s/" BACKUP_LIST, b->earlier), err);
	ok = ok && take_objects(b, &rows, &earlier, out, err);
	list_close(&rows);
	list_close(&earlier);
	if (out != NULL && fclose(out) != 0 && ok)
		ok = backup_file_failed(list_path, err);
	return ok && (unlink(rows_path) == 0 || backup_file_failed(rows_path, err));
}

/* --- the rest --- */

static bool
settings(struct backup *b, struct error *err)
{
	const char *from = config_path(b->site->config);
	struct file_sum sum;

	if (from != NULL && !backup_present(from, &b->has_settings, err))
		return false;
	/* Without a file all settings have their defaults. */
	return !b->has_settings ||
	    backup_copy(from, arena_printf(b->arena, "%s/" BACKUP_SETTINGS, b->partial), &sum, err);
}

static bool
keys(struct backup *b, struct error *err)
{
	return b->ask->keys_file == NULL ||
	    backup_keys_write(b->site, b->ask->keys_file,
		arena_printf(b->arena, "%s/" BACKUP_KEYS, b->partial), err);
}

static bool
write_manifest(struct backup *b, struct error *err)
{
	const struct {
		const char *name;
		bool expected;
	} files[] = { { BACKUP_DUMP, true }, { BACKUP_LIST, true },
		{ BACKUP_SETTINGS, b->has_settings }, { BACKUP_KEYS, b->ask->keys_file != NULL } };
	struct manifest *m = &b->manifest;
	char created[RFC3339_MAX];

	time_rfc3339(clock_now(), created);
	m->id = b->id;
	m->created = created;
	m->version = PACKAGE_VERSION;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		struct manifest_file *file = &m->files[m->nfiles];

		if (!files[i].expected)
			continue;
		file->name = files[i].name;
		if (!backup_sum(arena_printf(b->arena, "%s/%s", b->partial, file->name), &file->sum,
			err))
			return false;
		m->nfiles++;
		b->counts.bytes += file->sum.size;
	}
	b->counts.objects = m->objects;
	b->counts.bytes += m->bytes;
	return manifest_write(m, b->arena, b->partial, err);
}

static bool
lapsed(struct error *err)
{
	return error_set(err, ERR_INTERNAL,
	    "the backup could not keep its hold on the object store, so objects may have been"
	    " removed meanwhile: run it again");
}

/* The row says that it is complete only after the directory has its name. */
static bool
publish(struct backup *b, struct error *err)
{
	const char *to = arena_printf(b->arena, "%s/%s", b->ask->directory, b->name);
	bool held;

	if (!backup_sync_all(b->partial, err) ||
	    !store_backup_renew(b->site->db, b->arena, b->id, &held, err))
		return false;
	if (!held)
		return lapsed(err);
	if (rename(b->partial, to) != 0)
		return backup_file_failed(to, err);
	return backup_dir_sync(b->ask->directory, err) &&
	    store_backup_done(b->site->db, b->arena, b->id, &b->counts, &held, err);
}

static bool
make_in(struct backup *b, struct error *err)
{
	const char *dump = arena_printf(b->arena, "%s/" BACKUP_DUMP, b->partial),
		   *rows = arena_printf(b->arena, "%s/" ROWS_LIST, b->partial);

	b->manifest.embedded = config_bool(b->site->config, CFG_STORAGE_EMBEDDED);
	return heart_start(b, err) && backup_dir_make(b->partial, err) &&
	    backup_store_open(&b->store, b->site, err) && settings(b, err) && keys(b, err) &&
	    backup_dump(b->site, dump, rows, &b->manifest, err) && objects(b, err) &&
	    write_manifest(b, err) && publish(b, err);
}

/*
 * Renamed first, so that none looks complete when it is not any more. The one that was just made
 * stays, even if a clock was ahead when the others got their names.
 */
static bool
prune(struct backup *b, int64_t *removed, struct error *err)
{
	struct strings names;

	if (!backup_names(b->arena, b->ask->directory, &names, err))
		return false;
	for (size_t i = 0; (int64_t)(names.n - i) > b->ask->keep; i++) {
		const char *from =
			       arena_printf(b->arena, "%s/%s", b->ask->directory, names.items[i]),
			   *to = arena_printf(b->arena, "%s/" BACKUP_REMOVING "%s",
			       b->ask->directory, names.items[i]);

		if (str_eq(names.items[i], b->name))
			continue;
		if (rename(from, to) != 0)
			return backup_file_failed(from, err);
		if (!backup_tree_remove(to, err))
			return false;
		++*removed;
	}
	return true;
}

/* What processes that were killed have left. */
static bool
remove_leftovers(struct backup *b, struct error *err)
{
	struct strings names;

	if (!backup_hidden(b->arena, b->ask->directory, &names, err))
		return false;
	for (size_t i = 0; i < names.n; i++)
		if (!backup_tree_remove(arena_printf(b->arena, "%s/%s", b->ask->directory,
					    names.items[i]),
			err))
			return false;
	return true;
}

static bool
names_make(struct backup *b, struct error *err)
{
	int64_t now = clock_now();
	struct strings names;
	char stamp[17];

	uuid_v7(b->id);
	time_iso_basic(now, stamp);
	b->name = arena_printf(b->arena, "%.15s.%03dZ", stamp, (int)(now / US_PER_MS % 1000));
	b->partial = arena_printf(b->arena, "%s/" BACKUP_PARTIAL "%s", b->ask->directory, b->name);
	if (!backup_names(b->arena, b->ask->directory, &names, err))
		return false;
	if (names.n > 0)
		b->earlier =
		    arena_printf(b->arena, "%s/%s", b->ask->directory, names.items[names.n - 1]);
	return true;
}

/* The keepers of the house hear of a backup that failed (why), and of the next that did not. */
static bool
tell_in(struct services *svc, struct arena *arena, const char *why, struct error *err)
{
	const struct call *call = SYSTEM_CALL(svc, arena);
	const struct alert_told told = { .rule = ALERT_BACKUP_FAILED,
		.message = why == NULL ? NULL :
					 arena_printf(arena,
					     "%s When that is mended, run 'systemctl start"
					     " medianest-backup'.",
					     why) };

	return db_begin(svc->db, err) &&
	    db_end(svc->db,
		why != NULL ? alert_raise(call, &told, err) : alert_clear(call, &told, err), err);
}

/* What cannot be told stays in the row and in the output of the command. */
static void
tell(struct backup *b, const char *why)
{
	static struct log log = { .component = "backup" };
	struct services svc;
	struct error err;
	bool ok;

	error_clear(&err);
	ok = services_init(&svc, b->site->config, &log, SERVICES_ADMIN, &err);
	if (ok) {
		ok = tell_in(&svc, b->arena, why, &err);
		services_clear(&svc);
	}
	if (!ok)
		log_warn(&log, "nobody was told: %s", err.message);
}

static void
record_failure(struct backup *b, const struct error *why)
{
	const char *text = arena_printf(b->arena, "%s%s%s", why->message,
	    why->detail[0] != '\0' ? ": " : "", why->detail);
	struct error ignored;

	error_clear(&ignored);
	store_backup_failed(b->site->db, b->arena, b->id, text, &ignored);
	tell(b, text);
}

static bool
make_held(struct backup *b, struct error *err)
{
	struct error ignored;
	bool ok = make_in(b, err);

	heart_stop(b);
	backup_store_close(&b->store);
	if (ok) {
		tell(b, NULL);
		return true;
	}
	record_failure(b, err);
	error_clear(&ignored);
	backup_tree_remove(b->partial, &ignored);
	return false;
}

static bool
make_locked(struct backup *b, struct error *err)
{
	char host[HOST_MAX] = "";
	bool begun;

	gethostname(host, sizeof(host) - 1);
	if (!remove_leftovers(b, err) || !names_make(b, err) ||
	    !store_backup_begin(b->site->db, b->arena, b->id,
		arena_printf(b->arena, "%s:%s", host, b->ask->directory), &begun, err))
		return false;
	if (!begun)
		return error_slug(err, ERR_UNAVAILABLE, "backup_running",
		    "another backup of this house is being made: wait until it has finished");
	return make_held(b, err);
}

static bool
lock(const char *directory, struct arena *arena, int *fd, struct error *err)
{
	const char *path = arena_printf(arena, "%s/.lock", directory);

	if (!backup_dir_make(directory, err))
		return false;
	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (*fd < 0)
		return backup_file_failed(path, err);
	if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
		return true;
	close(*fd);
	return error_slug(err, ERR_UNAVAILABLE, "backup_running",
	    "another backup is being made in this directory: wait until it has finished");
}

bool
backup_make(const struct backup_site *site, const struct backup_ask *ask, struct backup_made *made,
    struct error *err)
{
	struct backup b = { .site = site, .ask = ask, .arena = site->arena };
	bool ok;
	int fd;

	*made = (struct backup_made) { .objects = 0 };
	if (!lock(ask->directory, site->arena, &fd, err))
		return false;
	ok = make_locked(&b, err) && prune(&b, &made->removed, err);
	close(fd);
	if (!ok)
		return false;
	made->path = arena_printf(site->arena, "%s/%s", ask->directory, b.name);
	made->objects = b.counts.objects;
	made->bytes = b.counts.bytes;
	made->copied = b.counts.copied;
	return true;
}
