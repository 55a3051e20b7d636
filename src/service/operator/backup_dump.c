/* The rows of a backup: pg_dump and pg_restore. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/config.h"
#include "core/error.h"
#include "service/operator/backup_internal.h"
#include "store/pg.h"
#include "store/pg_environment.h"
#include "store/store_backups.h"
#include "store/store_schema.h"

#include "core/banned.h"

static const char *
connection(const struct backup_site *site)
{
	return config_str(site->config, CFG_DATABASE_MIGRATE_URL);
}

/* The file is opened here: its directory need not be open to the command. */
static bool
tool(const struct backup_site *site, const char *const *argv, int in, int out, const char *grows,
    struct error *err)
{
	const struct backup_tool run = { .argv = argv,
		.env = pg_environment(site->arena, connection(site)),
		.in_fd = in,
		.out_fd = out,
		.secret_fd = -1,
		.grows = grows };

	return backup_tool_run(&run, err);
}

/*
 * The record of backups is left out: it is about this host's disks, not about the house. So are
 * extensions that an operator added: others may not be allowed to make them.
 */
static bool
dump_rows(const struct backup_site *site, const char *snapshot, const char *to, struct error *err)
{
	const char *const argv[] = { "pg_dump", "--format=custom", "--no-owner", "--no-privileges",
		"--no-comments", "--no-publications", "--no-subscriptions", "--extension=unaccent",
		"--extension=pg_trgm", "--lock-wait-timeout=60000",
		"--exclude-table-data=public.backups",
		arena_printf(site->arena, "--snapshot=%s", snapshot), NULL };
	int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool ok;

	if (out < 0)
		return backup_file_failed(to, err);
	ok = tool(site, argv, -1, out, to, err);
	return (close(out) == 0 && ok) || (ok && backup_file_failed(to, err));
}

static bool
dump_page(const struct backup_object *objects, size_t n, FILE *out, struct manifest *m,
    struct arena *arena, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		const struct list_line line = { .size = objects[i].size,
			.type = objects[i].type,
			.version = objects[i].version,
			.name = objects[i].name };

		if (!list_write(out, arena, &line, err))
			return false;
		m->objects++;
		m->bytes += line.size;
	}
	return true;
}

static bool
dump_objects(const struct backup_site *site, const char *to, struct manifest *m, struct error *err)
{
	struct backup_object *objects;
	FILE *out = fopen(to, "we");
	struct arena arena;
	struct buf after;
	bool ok = out != NULL || backup_file_failed(to, err);
	size_t n = 1;

	buf_init(&after, site->arena, 0);
	arena_init(&arena);
	while (ok && n > 0) {
		ok = store_backup_objects(site->db, &arena, m->embedded, after.data, &objects, &n,
			 err) &&
		    dump_page(objects, n, out, m, &arena, err);
		if (ok && n > 0) {
			buf_reset(&after);
			buf_adds(&after, objects[n - 1].name);
		}
		arena_reset(&arena);
	}
	arena_clear(&arena);
	if (out != NULL && fclose(out) != 0 && ok)
		ok = backup_file_failed(to, err);
	return ok;
}

static bool
dump_in(const struct backup_site *site, const char *dump, const char *list, struct manifest *m,
    struct error *err)
{
	const char *snapshot;

	return store_backup_snapshot(site->db, site->arena, &snapshot, err) &&
	    store_schema_version(site->db, site->arena, &m->schema, err) &&
	    dump_objects(site, list, m, err) && dump_rows(site, snapshot, dump, err);
}

bool
backup_dump(const struct backup_site *site, const char *dump, const char *list, struct manifest *m,
    struct error *err)
{
	return db_begin(site->db, err) && db_end(site->db, dump_in(site, dump, list, m, err), err);
}

/* One transaction: all of it or nothing. */
bool
backup_undump(const struct backup_site *site, const char *dump, struct error *err)
{
	const char *const argv[] = { "pg_restore", "--single-transaction", "--exit-on-error",
		"--no-owner", "--no-privileges", "--no-comments", "--dbname",
		pg_database_name(site->arena, connection(site)), NULL };
	int in = open(dump, O_RDONLY | O_CLOEXEC);
	bool ok;

	if (in < 0)
		return backup_file_failed(dump, err);
	ok = tool(site, argv, in, -1, NULL, err);
	close(in);
	return ok;
}
