/* See migrate.h. */
#include "service/operator/migrate.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/str.h"
#include "store/pg.h"
#include "store/store_schema.h"
#include "core/banned.h"

#define NUMBER_DIGITS 4
#define ROLES_FILE "roles.sql"
#define MIGRATE_ATTEMPTS 10  /* of one script */
#define MIGRATE_PAUSE_MS 200 /* longer with each attempt */

struct migration {
	int64_t version;
	const char *name; /* of the file */
	const char *sql;
	char checksum[SHA256_HEX];
};

/* NNNN-verb-noun.sql */
static bool
name_parse(const char *name, int64_t *version)
{
	char digits[NUMBER_DIGITS + 1];

	if (strlen(name) < NUMBER_DIGITS + 1 || name[NUMBER_DIGITS] != '-' ||
	    !str_ends(name, ".sql"))
		return false;
	str_copy(digits, sizeof(digits), name);
	return str_to_int(digits, 1, MIGRATIONS_MAX, version);
}

static bool
file_read(struct arena *arena, const char *dir, const char *name, const char **text,
    struct error *err)
{
	const char *path = arena_printf(arena, "%s/%s", dir, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *buf;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size > (off_t)MIGRATION_SIZE_MAX) {
		if (fd >= 0)
			close(fd);
		return error_set(err, ERR_INTERNAL, "%s: cannot be read or is too large", path);
	}
	buf = arena_alloc(arena, (size_t)st.st_size + 1);
	n = read(fd, buf, (size_t)st.st_size);
	close(fd);
	if (n != st.st_size || strlen(buf) != (size_t)n)
		return error_set(err, ERR_INTERNAL,
		    "%s: cannot be read completely or contains a NUL", path);
	*text = buf;
	return true;
}

static int
by_version(const void *a, const void *b)
{
	const struct migration *x = a, *y = b;

	return (x->version > y->version) - (x->version < y->version);
}

static size_t
names_count(const char *dir)
{
	DIR *d = opendir(dir);
	size_t n = 0;

	if (d == NULL)
		return 0;
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static bool
directory_read(struct arena *arena, const char *dir, struct migration **out, size_t *n,
    struct error *err)
{
	size_t max = names_count(dir);
	DIR *d = opendir(dir);
	struct dirent *entry;
	bool ok = true;

	*n = 0;
	if (d == NULL)
		return error_set(err, ERR_INTERNAL,
		    "%s: %s (choose the directory of migrations with --sql)", dir, strerror(errno));
	*out = arena_array(arena, max + 1, sizeof(**out));
	while (ok && *n < max && (entry = readdir(d)) != NULL) {
		struct migration *m = &(*out)[*n];

		if (!name_parse(entry->d_name, &m->version))
			continue;
		m->name = arena_strdup(arena, entry->d_name);
		ok = file_read(arena, dir, m->name, &m->sql, err);
		if (ok)
			sha256_hex(m->sql, strlen(m->sql), m->checksum);
		++*n;
	}
	closedir(d);
	if (ok && *n == 0)
		return error_set(err, ERR_INTERNAL, "%s: contains no migrations", dir);
	qsort(*out, *n, sizeof(**out), by_version);
	for (size_t i = 1; ok && i < *n; i++)
		if ((*out)[i].version == (*out)[i - 1].version)
			return error_set(err, ERR_INTERNAL, "%s and %s have the same number",
			    (*out)[i - 1].name, (*out)[i].name);
	return ok;
}

static const struct migration *
find(const struct migration *list, size_t n, int64_t version)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].version == version)
			return &list[i];
	return NULL;
}

/* Compares the migrations that ran with the files; *done = the highest that ran. */
static bool
history_check(struct db *db, struct arena *arena, const struct migration *list, size_t n,
    int64_t *done, struct error *err)
{
	struct migration_row *applied;
	size_t napplied, seen = 0;

	*done = 0;
	if (!store_schema_applied(db, arena, &applied, &napplied, err))
		return false;
	for (size_t i = 0; i < napplied; i++) {
		const struct migration *m = find(list, n, applied[i].version);

		if (m == NULL)
			return error_set(err, ERR_INTERNAL,
			    "the database has migration %s, which this MediaNest does not"
			    " have: install the newer MediaNest",
			    applied[i].name);
		if (!str_eq(m->checksum, applied[i].checksum))
			return error_set(err, ERR_INTERNAL,
			    "%s was changed after it ran (checksum %.12s, not %.12s):"
			    " restore it and put the change into a new file",
			    m->name, m->checksum, applied[i].checksum);
		*done = applied[i].version;
	}
	for (size_t i = 0; i < n && list[i].version <= *done; i++)
		seen++;
	if (seen != napplied)
		return error_set(err, ERR_INTERNAL,
		    "a migration older than %04lld has not run: give it a higher number,"
		    " because migrations only go forward",
		    (long long)*done);
	return true;
}

/*
 * The house may work while its schema is changed, so a script may meet its locks: one that was the
 * victim of a deadlock, or waited too long, was rolled back whole and runs again.
 */
static bool
again(const struct error *err, unsigned *attempts)
{
	if (err->code != ERR_UNAVAILABLE || !str_eq(error_slug_of(err), "database_busy") ||
	    ++*attempts == MIGRATE_ATTEMPTS)
		return false;
	poll(NULL, 0, MIGRATE_PAUSE_MS * (int)*attempts);
	return true;
}

static bool
apply(struct db *db, struct arena *arena, const struct migration *m, struct error *err)
{
	const struct migration_row row = { m->version, m->name, m->checksum };
	unsigned attempts = 0;
	struct error cause;

	do {
		if (db_begin(db, err) &&
		    db_end(db,
			db_script(db, m->sql, err) && store_schema_record(db, arena, &row, err),
			err))
			return true;
	} while (again(err, &attempts));
	if (err->code == ERR_UNAVAILABLE)
		return false;
	cause = *err;
	return error_set(err, ERR_QUERY, "%s failed and was rolled back: %s", m->name,
	    cause.detail);
}

static bool
grant(struct db *db, struct arena *arena, const char *dir, struct error *err)
{
	unsigned attempts = 0;
	const char *sql;
	struct error cause;

	if (!file_read(arena, dir, ROLES_FILE, &sql, err))
		return false;
	do {
		if (db_begin(db, err) && db_end(db, db_script(db, sql, err), err))
			return true;
	} while (again(err, &attempts));
	if (err->code == ERR_UNAVAILABLE)
		return false;
	cause = *err;
	return error_set(err, ERR_QUERY,
	    ROLES_FILE
	    " failed: %s (do the roles medianest_api, medianest_worker and medianest_store"
	    " exist?)",
	    cause.detail);
}

bool
migrate_run(struct db *db, struct arena *arena, const char *sql_dir, FILE *out, struct error *err)
{
	struct migration *list = NULL;
	size_t n;
	int64_t done;
	bool locked;

	if (!directory_read(arena, sql_dir, &list, &n, err) ||
	    !store_schema_lock(db, arena, &locked, err))
		return false;
	if (!locked)
		return error_slug(err, ERR_UNAVAILABLE, "migrate_running",
		    "another migration is running on this database: wait until it has finished");
	if (!store_schema_prepare(db, err) || !history_check(db, arena, list, n, &done, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (list[i].version <= done)
			continue;
		if (!apply(db, arena, &list[i], err))
			return false;
		if (out != NULL)
			fprintf(out, "%s: applied\n", list[i].name);
	}
	if (!grant(db, arena, sql_dir, err))
		return false;
	if (out != NULL)
		fprintf(out, "schema %lld\n", (long long)list[n - 1].version);
	return true;
}

bool
migrate_check(struct db *db, struct arena *arena, const char *sql_dir, FILE *out, size_t *pending,
    struct error *err)
{
	struct migration *list = NULL;
	int64_t version, done = 0;
	size_t n;

	*pending = 0;
	if (!directory_read(arena, sql_dir, &list, &n, err) ||
	    !store_schema_version(db, arena, &version, err) ||
	    (version > 0 && !history_check(db, arena, list, n, &done, err)))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (list[i].version <= done)
			continue;
		++*pending;
		if (out != NULL)
			fprintf(out, "%s: would run\n", list[i].name);
	}
	if (out != NULL)
		fprintf(out, "schema %lld of %lld\n", (long long)done,
		    (long long)list[n - 1].version);
	return true;
}
