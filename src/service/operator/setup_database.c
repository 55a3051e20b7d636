/*
 * Setup: the roles by peer authentication, the database, and its schema. PostgreSQL is asked as its
 * superuser through the socket; pg_hba.conf and pg_ident.conf are checked before they are loaded,
 * and put back when they are not right.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/log.h"
#include "core/str.h"
#include "service/operator/host_file.h"
#include "service/operator/migrate.h"
#include "service/operator/setup_internal.h"
#include "service/schema_version.h"
#include "store/pg.h"
#include "store/store_schema.h"
#include "store/store_setup.h"
#include "core/banned.h"

#define SERVER_OLDEST 140000
#define CLUSTER_COLUMNS 5
#define MIGRATIONS_DIR MN_PKGDATADIR "/sql"
#define BACKUP_SUFFIX ".before-medianest"
#define HBA_COMMENT "# MediaNest's four roles, by the user of the system: medianest-setup(7)"
#define HBA_LINE "local\tmedianest\t" SETUP_ROLES_LIST "\tpeer map=medianest"
/* Of earlier instructions: it kept `postgres` out of the database, and pg_dumpall with it. */
#define HBA_LINE_OLD "local medianest all peer map=medianest"

static const struct log context = { .component = "admin" };

/* The doctor and the backup, which run as the services' user, look at the store's tables too. */
static const char *const ident_lines[][2] = {
	{ SETUP_USER, "medianest_migrate" },
	{ SETUP_USER, "medianest_api" },
	{ SETUP_USER, "medianest_worker" },
	{ SETUP_USER, "medianest_store" },
	{ SETUP_NGINX_USER, "medianest_store" },
};
#define IDENT_LINES (sizeof(ident_lines) / sizeof(ident_lines[0]))

/* The words of a line, put together again with single blanks. */
static const char *
squeeze(struct arena *arena, const char *line)
{
	char *rest = arena_strdup(arena, line), *word;
	const char *out = "";

	while ((word = strsep(&rest, " \t")) != NULL)
		if (*word != '\0')
			out = arena_printf(arena, "%s%s%s", out, *out != '\0' ? " " : "", word);
	return out;
}

/* "15 main 5432 online postgres /var/lib/postgresql/15/main ..." */
static bool
cluster_parse(struct setup *s, const char *line, struct setup_cluster *out)
{
	char *rest = arena_strdup(s->arena, squeeze(s->arena, line)), *word[CLUSTER_COLUMNS];

	for (size_t i = 0; i < CLUSTER_COLUMNS; i++)
		if ((word[i] = strsep(&rest, " ")) == NULL)
			return false;
	*out = (struct setup_cluster) { word[0], word[1], word[2], word[4] };
	return str_starts(word[3], "online");
}

/* Without Debian's clusters the database is elsewhere, and the settings say where. */
bool
setup_cluster_find(struct setup *s, struct error *err)
{
	const char *wanted = s->answers[SETUP_CLUSTER], *list, *names = "";
	char *rest, *line;
	unsigned found = 0;
	struct error none;

	error_clear(&none);
	if (!setup_command(s, SETUP_ARGV("pg_lsclusters", "-h"), &list, &none))
		return true;
	rest = arena_strdup(s->arena, list);
	while ((line = strsep(&rest, "\n")) != NULL) {
		struct setup_cluster cluster;
		const char *name;

		if (!cluster_parse(s, line, &cluster))
			continue;
		name = arena_printf(s->arena, "%s/%s", cluster.version, cluster.name);
		if (wanted != NULL && !str_eq(wanted, name))
			continue;
		names = arena_printf(s->arena, "%s%s%s", names, found > 0 ? ", " : "", name);
		s->cluster = cluster;
		found++;
	}
	if (found > 1)
		return error_set(err, ERR_VALIDATION,
		    "several clusters of PostgreSQL are running: choose one of %s with --cluster",
		    names);
	return true;
}

struct db *
setup_superuser(struct setup *s)
{
	return db_new(arena_printf(s->arena, "dbname=postgres user=%s port=%s", s->cluster.owner,
			  s->cluster.port),
	    SETUP_STATEMENT_MS, &context);
}

bool
setup_cluster_facts(struct setup *s, struct cluster_facts *facts, struct error *err)
{
	struct db *db;
	bool ok;

	if (s->cluster.owner == NULL)
		return error_set(err, ERR_CONFLICT,
		    "no cluster of PostgreSQL is running here: apt install postgresql");
	if (!setup_become(s->cluster.owner, err))
		return false;
	db = setup_superuser(s);
	ok = store_cluster_facts(db, s->arena, facts, err);
	db_free(db);
	setup_return();
	return ok;
}

void
setup_check_cluster(struct setup *s, unsigned *obstacles)
{
	struct cluster_facts facts;
	struct error err;

	error_clear(&err);
	if (!setup_cluster_facts(s, &facts, &err))
		setup_obstacle(obstacles, "%s %s", err.message, err.detail);
	else if (facts.version_num < SERVER_OLDEST)
		setup_obstacle(obstacles, "PostgreSQL %lld is too old: %d or newer is needed",
		    (long long)facts.version_num / 10000, SERVER_OLDEST / 10000);
	else if (facts.hba_error != NULL)
		setup_obstacle(obstacles, "%s has an error already: %s", facts.hba_file,
		    facts.hba_error);
	else if (!str_eq(facts.database_owner, setup_roles[0]))
		setup_obstacle(obstacles,
		    "there is a database medianest already, of the role %s: rename it, or if it is"
		    " MediaNest's give it to %s",
		    facts.database_owner, setup_roles[0]);
}

static bool
database_check(struct setup *s, bool *done, struct error *err)
{
	struct cluster_facts facts;

	if (!setup_cluster_facts(s, &facts, err))
		return false;
	*done = facts.database;
	for (int i = 0; i < SETUP_ROLES; i++) {
		*done = *done && facts.roles[i];
		if (!facts.roles[i])
			setup_plan(s, "the role %s of PostgreSQL %s/%s", setup_roles[i],
			    s->cluster.version, s->cluster.name);
	}
	if (!facts.database)
		setup_plan(s, "the database medianest, of medianest_migrate");
	return true;
}

static bool
database_make(struct db *db, const struct cluster_facts *facts, struct error *err)
{
	for (int i = 0; i < SETUP_ROLES; i++)
		if (!facts->roles[i] && !store_role_create(db, i, err))
			return false;
	return facts->database || store_database_create(db, err);
}

static bool
database_apply(struct setup *s, struct error *err)
{
	struct cluster_facts facts;
	struct db *db;
	bool ok;

	if (!setup_cluster_facts(s, &facts, err) || !setup_become(s->cluster.owner, err))
		return false;
	db = setup_superuser(s);
	ok = database_make(db, &facts, err);
	db_free(db);
	setup_return();
	return ok;
}

const struct setup_step setup_step_database = {
	.name = "database",
	.check = database_check,
	.apply = database_apply,
};

static bool
ident_has(struct arena *arena, const char *text, const char *line)
{
	char *rest = arena_strdup(arena, text), *own;

	while ((own = strsep(&rest, "\n")) != NULL)
		if (str_eq(squeeze(arena, own), line))
			return true;
	return false;
}

static const char *
ident_line(struct arena *arena, size_t i)
{
	return arena_printf(arena, "medianest %s %s", ident_lines[i][0], ident_lines[i][1]);
}

/*
 * PostgreSQL's user owns the directory of these files and may put a link or a directory of somebody
 * else there: they are read and written with its rights, never with root's.
 */
static bool
access_files(struct setup *s, const struct cluster_facts *facts, const char **hba,
    const char **ident, struct error *err)
{
	bool ok;

	if (!setup_become(s->cluster.owner, err))
		return false;
	ok = host_file_read(s->arena, facts->hba_file, hba, err) &&
	    host_file_read(s->arena, facts->ident_file, ident, err);
	setup_return();
	return ok;
}

static bool
access_check(struct setup *s, bool *done, struct error *err)
{
	struct cluster_facts facts;
	const char *hba, *ident;

	if (!setup_cluster_facts(s, &facts, err) || !access_files(s, &facts, &hba, &ident, err))
		return false;
	*done = facts.hba_first && facts.loaded;
	if (!facts.hba_first)
		setup_plan(s, "%s: %s", facts.hba_file, squeeze(s->arena, HBA_LINE));
	else if (!facts.loaded)
		setup_plan(s, "PostgreSQL loads %s", facts.hba_file);
	for (size_t i = 0; i < IDENT_LINES; i++) {
		const char *line = ident_line(s->arena, i);

		if (ident != NULL && ident_has(s->arena, ident, line))
			continue;
		*done = false;
		setup_plan(s, "%s: %s", facts.ident_file, line);
	}
	return true;
}

/* Ours comes before the first line that says anything. */
static const char *
hba_with_ours(struct arena *arena, const char *text)
{
	char *rest = arena_strdup(arena, text), *line;
	bool put = false;
	struct buf out;

	buf_init(&out, arena, HOST_FILE_MAX);
	while ((line = strsep(&rest, "\n")) != NULL) {
		const char *words = squeeze(arena, line);
		bool last = rest == NULL;

		if (str_eq(words, HBA_LINE_OLD) || str_eq(words, squeeze(arena, HBA_LINE)) ||
		    str_eq(line, HBA_COMMENT))
			continue;
		if (!put && *words != '\0' && *words != '#') {
			buf_adds(&out, HBA_COMMENT "\n" HBA_LINE "\n");
			put = true;
		}
		buf_addf(&out, "%s%s", line, last ? "" : "\n");
	}
	if (!put)
		buf_adds(&out, HBA_COMMENT "\n" HBA_LINE "\n");
	return out.data;
}

static const char *
ident_with_ours(struct arena *arena, const char *text)
{
	const char *out = text != NULL ? text : "";

	for (size_t i = 0; i < IDENT_LINES; i++) {
		const char *line = ident_line(arena, i);
		size_t len = strlen(out);

		if (!ident_has(arena, out, line))
			out = arena_printf(arena, "%s%s%s\n", out,
			    len > 0 && out[len - 1] != '\n' ? "\n" : "", line);
	}
	return out;
}

/* The first one is kept: what was there before MediaNest. */
static bool
backup(struct setup *s, const char *path, const char *text, struct error *err)
{
	const char *name = arena_printf(s->arena, "%s" BACKUP_SUFFIX, path), *there;
	struct host_owner owner;
	struct stat st;

	if (!host_file_read(s->arena, name, &there, err))
		return false;
	if (there != NULL || stat(path, &st) != 0)
		return true;
	owner = (struct host_owner) { st.st_uid, st.st_gid, st.st_mode & 07777 };
	return host_file_write(s->arena, name, text, &owner, err);
}

static bool
reload_ask(struct setup *s, struct error *err)
{
	struct db *db;
	bool ok;

	if (!setup_become(s->cluster.owner, err))
		return false;
	db = setup_superuser(s);
	ok = store_cluster_reload(db, s->arena, err);
	db_free(db);
	setup_return();
	return ok;
}

/* PostgreSQL gets a signal, so it has the files a little later. */
static bool
reload(struct setup *s, struct error *err)
{
	int64_t deadline = clock_monotonic() + SETUP_READY_MS * US_PER_MS;
	struct cluster_facts facts;

	if (!reload_ask(s, err))
		return false;
	for (;;) {
		if (!setup_cluster_facts(s, &facts, err))
			return false;
		if (facts.loaded)
			return true;
		if (clock_monotonic() > deadline)
			return error_set(err, ERR_INTERNAL, "PostgreSQL does not load %s",
			    facts.hba_file);
		poll(NULL, 0, SETUP_POLL_MS);
	}
}

/* PostgreSQL reads the file as it lies there, before it is loaded. */
static bool
hba_valid(struct setup *s, struct error *err)
{
	struct cluster_facts facts;

	if (!setup_cluster_facts(s, &facts, err))
		return false;
	if (facts.hba_error != NULL)
		return error_set(err, ERR_CONFLICT, "%s: PostgreSQL does not accept it: %s",
		    facts.hba_file, facts.hba_error);
	if (!facts.hba_first)
		return error_set(err, ERR_CONFLICT,
		    "%s: another line would be used for MediaNest's roles", facts.hba_file);
	return true;
}

/* The files as they were, and as they will be. */
struct access {
	const struct cluster_facts *facts;
	const char *hba, *ident; /* ident NULL: there was none */
};

static bool
access_write(struct setup *s, const struct access *was, struct error *err)
{
	const struct cluster_facts *facts = was->facts;
	bool ok;

	if (!setup_become(s->cluster.owner, err))
		return false;
	ok = backup(s, facts->hba_file, was->hba, err) &&
	    (was->ident == NULL || backup(s, facts->ident_file, was->ident, err)) &&
	    host_file_write(s->arena, facts->ident_file, ident_with_ours(s->arena, was->ident),
		NULL, err) &&
	    host_file_write(s->arena, facts->hba_file,
		facts->hba_first ? was->hba : hba_with_ours(s->arena, was->hba), NULL, err);
	setup_return();
	return ok ||
	    error_detail(err,
		"written as the user %s: when it may not, put the lines that --dry-run shows there"
		" yourself, reload PostgreSQL, and run setup again",
		s->cluster.owner);
}

/* PostgreSQL may have loaded the new files already: it loads the old ones again. */
static void
access_restore(struct setup *s, const struct access *was)
{
	struct error ignored;

	error_clear(&ignored);
	if (!setup_become(s->cluster.owner, &ignored))
		return;
	host_file_write(s->arena, was->facts->hba_file, was->hba, NULL, &ignored);
	if (was->ident != NULL)
		host_file_write(s->arena, was->facts->ident_file, was->ident, NULL, &ignored);
	else
		unlink(was->facts->ident_file);
	setup_return();
	reload_ask(s, &ignored);
}

static bool
access_apply(struct setup *s, struct error *err)
{
	struct cluster_facts facts;
	struct access was = { .facts = &facts };

	if (!setup_cluster_facts(s, &facts, err) ||
	    !access_files(s, &facts, &was.hba, &was.ident, err))
		return false;
	if (was.hba == NULL)
		return error_set(err, ERR_INTERNAL, "%s is missing", facts.hba_file);
	if (access_write(s, &was, err) && hba_valid(s, err) && reload(s, err))
		return true;
	access_restore(s, &was);
	return false;
}

const struct setup_step setup_step_access = {
	.name = "access",
	.check = access_check,
	.apply = access_apply,
};

static struct db *
owner_of_schema(struct setup *s)
{
	return db_new(config_str(s->config, CFG_DATABASE_MIGRATE_URL), SETUP_MIGRATE_MS, &context);
}

/*
 * Before the steps above have run nobody can connect; afterwards an answer that failed is no
 * answer.
 */
static bool
schema_check(struct setup *s, bool *done, struct error *err)
{
	int64_t version = 0;
	struct error why;
	struct db *db;
	bool known;

	*done = false;
	error_clear(&why);
	known = setup_become(SETUP_USER, &why);
	if (known) {
		db = owner_of_schema(s);
		known = store_schema_version(db, s->arena, &version, &why);
		db_free(db);
		setup_return();
	}
	if (!known && !s->planning) {
		*err = why;
		return false;
	}
	if (known && version > SCHEMA_VERSION)
		return error_set(err, ERR_CONFLICT,
		    "the schema %lld is newer than this program, which needs %d: install the newer"
		    " MediaNest",
		    (long long)version, SCHEMA_VERSION);
	*done = known && version == SCHEMA_VERSION;
	if (!*done)
		setup_plan(s, "the schema %d", SCHEMA_VERSION);
	return true;
}

static bool
schema_apply(struct setup *s, struct error *err)
{
	struct db *db;
	bool ok;

	if (!setup_become(SETUP_USER, err))
		return false;
	db = owner_of_schema(s);
	ok = migrate_run(db, s->arena, MIGRATIONS_DIR, NULL, err);
	db_free(db);
	setup_return();
	s->changed = true;
	return ok;
}

const struct setup_step setup_step_schema = {
	.name = "schema",
	.upgrade = true,
	.check = schema_check,
	.apply = schema_apply,
};
