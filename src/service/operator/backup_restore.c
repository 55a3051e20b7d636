/*
 * medianest-admin restore: see backup.h. Everything is checked before anything is changed; then a
 * mark in the database says which backup is being restored, so that the command can be repeated
 * until it has succeeded.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hiredis/hiredis.h>

#include "core/config.h"
#include "core/error.h"
#include "core/log.h"
#include "service/operator/backup_internal.h"
#include "service/operator/migrate.h"
#include "service/operator/setup.h"
#include "service/schema_version.h"
#include "store/pg.h"
#include "store/redis.h"
#include "store/store_backups.h"
#include "store/store_schema.h"

#include "core/banned.h"

#define REDIS_SCAN_COUNT "500"

struct restore {
	const struct backup_site *site;
	const struct restore_ask *ask;
	struct arena *arena;
	struct manifest manifest;
	const char *path;
	int keys_fd; /* decrypted; < 0: none */
	struct restore_made *made;
};

/* --- before anything is changed --- */

/* The directory of one backup, or the newest in a directory of many. */
static bool
find(struct restore *r, struct error *err)
{
	const char *dir = r->ask->directory;
	struct strings names;
	bool present;

	r->path = dir;
	if (!backup_present(arena_printf(r->arena, "%s/" BACKUP_MANIFEST, dir), &present, err))
		return false;
	if (present)
		return true;
	if (!backup_names(r->arena, dir, &names, err))
		return false;
	if (names.n == 0)
		return error_set(err, ERR_VALIDATION, "%.180s contains no complete backup", dir);
	r->path = arena_printf(r->arena, "%s/%s", dir, names.items[names.n - 1]);
	return true;
}

static bool
check_kind(const struct restore *r, struct error *err)
{
	const struct manifest *m = &r->manifest;
	bool embedded = config_bool(r->site->config, CFG_STORAGE_EMBEDDED);

	if (m->schema > SCHEMA_VERSION)
		return error_set(err, ERR_INTERNAL,
		    "the backup was made by MediaNest %.40s, which is newer: install it first",
		    m->version);
	return m->embedded == embedded ||
	    error_set(err, ERR_INTERNAL,
		"the backup is of a house with %s object store, but storage.embedded is %s",
		m->embedded ? "the embedded" : "a foreign", embedded ? "true" : "false");
}

static bool
check_stopped(const struct restore *r, struct error *err)
{
	int64_t n;

	if (!store_backup_connections(r->site->db, r->arena, &n, err))
		return false;
	return n == 0 ||
	    error_slug(err, ERR_UNAVAILABLE, "medianest_running",
		"MediaNest is running (%lld connections to the database): stop it first"
		" (systemctl stop medianest.target)",
		(long long)n);
}

static bool
check_empty(const struct restore *r, struct error *err)
{
	const char *restoring;
	int64_t version;
	bool empty = true;

	if (!store_backup_restoring(r->site->db, r->arena, &restoring, err))
		return false;
	if (str_eq(restoring, r->manifest.id) || r->ask->replace)
		return true;
	if (*restoring != '\0')
		return error_set(err, ERR_CONFLICT,
		    "another backup (%.40s) was being restored here: restore that one, or add"
		    " --replace",
		    restoring);
	if (!store_schema_version(r->site->db, r->arena, &version, err) ||
	    (version > 0 && !store_backup_house_empty(r->site->db, r->arena, &empty, err)))
		return false;
	return empty ||
	    error_set(err, ERR_CONFLICT,
		"this house has more than its first account: with --replace all that it has is"
		" lost");
}

static bool
check_keys(struct restore *r, struct error *err)
{
	bool has = manifest_has(&r->manifest, BACKUP_KEYS);

	r->made->has_keys = has && r->ask->keys_file == NULL;
	if (r->ask->keys_file == NULL)
		return true;
	if (!has)
		return error_set(err, ERR_VALIDATION, "the backup contains no keys");
	return backup_keys_open(r->site, r->ask->keys_file,
	    arena_printf(r->arena, "%s/" BACKUP_KEYS, r->path), &r->keys_fd, err);
}

/* Our own Redis stops with the services, and has forgotten everything then. */
static bool
redis_is_stopped(const struct restore *r)
{
	return str_eq(config_str(r->site->config, CFG_REDIS_URL), SETUP_REDIS_URL) &&
	    access(SETUP_REDIS_SOCKET, F_OK) != 0 && errno == ENOENT;
}

static struct redis *
redis_open(const struct restore *r)
{
	static const struct log context = { .component = "restore" };
	const struct config *config = r->site->config;

	return redis_new(config_str(config, CFG_REDIS_URL), config_str(config, CFG_REDIS_PREFIX),
	    "medianest-admin", &context);
}

/* What it remembers of the house before must be removed in the end. */
static bool
check_redis(const struct restore *r, struct error *err)
{
	struct redisReply *reply;
	struct redis *redis;
	bool ok;

	if (redis_is_stopped(r))
		return true;
	redis = redis_open(r);
	ok = redis_command(redis, r->arena, REDIS_ARGV("PING"), &reply, err) ||
	    error_set(err, ERR_UNAVAILABLE,
		"Redis (redis.url) cannot be reached, and may remember the house that was here:"
		" start it, then restore again");
	redis_free(redis);
	return ok;
}

static bool
check(struct restore *r, struct error *err)
{
	return find(r, err) && manifest_read(&r->manifest, r->arena, r->path, err) &&
	    check_kind(r, err) && check_stopped(r, err) && check_redis(r, err) &&
	    check_empty(r, err) && manifest_check(&r->manifest, r->arena, r->path, err) &&
	    check_keys(r, err);
}

/* --- the changes --- */

static bool
put_objects(struct restore *r, struct backup_store *store, struct list_reader *list,
    struct error *err)
{
	struct bar bar;
	bool ok = true, present;

	bar_begin(&bar, r->site, "Objects", r->manifest.bytes);
	while (ok && list->more) {
		const struct list_line *line = &list->now;

		ok = backup_store_write(store, &list->arena, line,
		    backup_object_path(&list->arena, r->path, line->sha256), &present, err);
		if (!ok)
			break;
		r->made->objects++;
		r->made->bytes += line->size;
		r->made->present += present;
		bar_add(&bar, line->size);
		ok = list_next(list, err);
	}
	bar_end(&bar);
	return ok;
}

static bool
objects(struct restore *r, struct error *err)
{
	struct list_reader list = { .in = NULL };
	struct backup_store store;
	bool ok;

	if (!backup_store_open(&store, r->site, err))
		return false;
	ok = list_open(&list, arena_printf(r->arena, "%s/" BACKUP_LIST, r->path), err) &&
	    put_objects(r, &store, &list, err);
	list_close(&list);
	backup_store_close(&store);
	return ok &&
	    (!r->manifest.embedded ||
		backup_sync_all(config_str(r->site->config, CFG_DATA_DIR), err));
}

static bool
rows(struct restore *r, struct error *err)
{
	return store_backup_clear(r->site->db, err) &&
	    backup_undump(r->site, arena_printf(r->arena, "%s/" BACKUP_DUMP, r->path), err) &&
	    migrate_run(r->site->db, r->arena, r->site->sql_dir, NULL, err) &&
	    (r->manifest.embedded || store_backup_forget_posters(r->site->db, r->arena, err)) &&
	    store_backup_forget_downloads(r->site->db, r->arena, err) &&
	    (!r->ask->end_sessions || store_backup_end_sessions(r->site->db, r->arena, err));
}

/* One page of our keys; *cursor "0": the last one. */
static bool
forget_page(struct redis *redis, struct arena *arena, const char **cursor, struct error *err)
{
	const char *pattern = arena_printf(arena, "%s*", redis_prefix(redis));
	struct redisReply *reply, *keys, *gone;

	if (!redis_command(redis, arena,
		REDIS_ARGV("SCAN", *cursor, "MATCH", pattern, "COUNT", REDIS_SCAN_COUNT), &reply,
		err))
		return false;
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2)
		return error_set(err, ERR_UNAVAILABLE, "Redis does not list its keys");
	*cursor = arena_strdup(arena, reply->element[0]->str);
	keys = reply->element[1];
	for (size_t i = 0; i < keys->elements; i++)
		if (!redis_command(redis, arena, REDIS_ARGV("UNLINK", keys->element[i]->str), &gone,
			err))
			return false;
	return true;
}

/* Its copies of generations, revocations and answers are about the rows that were there before. */
static bool
forget_redis(struct restore *r, struct error *err)
{
	const char *cursor = "0";
	struct redis *redis;
	bool ok;

	if (redis_is_stopped(r))
		return true;
	redis = redis_open(r);
	do
		ok = forget_page(redis, r->arena, &cursor, err);
	while (ok && !str_eq(cursor, "0"));
	redis_free(redis);
	return ok;
}

static bool
change(struct restore *r, struct error *err)
{
	return store_backup_mark(r->site->db, r->arena, r->manifest.id, err) &&
	    (r->keys_fd < 0 || backup_keys_place(r->site, r->keys_fd, err)) && objects(r, err) &&
	    rows(r, err) && forget_redis(r, err) && store_backup_unmark(r->site->db, err);
}

bool
backup_restore(const struct backup_site *site, const struct restore_ask *ask,
    struct restore_made *made, struct error *err)
{
	struct restore r = {
		.site = site, .ask = ask, .arena = site->arena, .keys_fd = -1, .made = made
	};
	bool ok;

	*made = (struct restore_made) { .objects = 0 };
	ok = check(&r, err) && change(&r, err);
	if (r.keys_fd >= 0)
		close(r.keys_fd);
	made->path = r.path;
	return ok;
}
