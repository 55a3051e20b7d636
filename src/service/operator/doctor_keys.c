/* The doctor's checks of keys: files, and whether they decrypt what is stored. */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/access.h"
#include "core/arena.h"
#include "core/config.h"
#include "core/error.h"
#include "core/log.h"
#include "core/str.h"
#include "service/call.h"
#include "service/keyring_internal.h"
#include "service/operator/doctor_internal.h"
#include "service/seal.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_seals.h"
#include "core/banned.h"

#define KEY_BITS_WRONG 07337 /* as keyring.c */
#define DIR_BITS_WRONG 027   /* others, and writing by the group */
#define DIR_MODE 0750
#define KEY_MODE 0400
#define KEY_MODE_SHARED 0440 /* the pools of the object store read these as a group */

static struct log context = { .component = "admin" };

static const struct {
	const char *table, *column;
} places[SEAL_COLUMNS] = {
#define PLACE(id, table, column, ...) [SEAL_##id] = { table, column },
	SEAL_COLUMN_LIST(PLACE)
#undef PLACE
};

void
judge_key(struct doctor *d, const struct place_facts *file, uid_t user)
{
	const char *name = strrchr(file->path, '/') + 1;
	mode_t wanted = str_starts(name, "storage-") ? KEY_MODE_SHARED : KEY_MODE;
	struct finding *f;

	if ((file->mode & KEY_BITS_WRONG) != 0) {
		f = doctor_found(d, FAULT_KEYS_MODE,
		    arena_printf(d->arena, "%04o %s", (unsigned)wanted, file->path),
		    "%s: mode %04o is too open, so no service uses it", file->path,
		    (unsigned)file->mode);
		f->fix = (struct fix) { FIX_MODE, file->path, file->mode, wanted };
	} else if (!place_may_read(file, user)) {
		doctor_found(d, FAULT_KEYS_UNREADABLE, file->path,
		    "%s cannot be read by the services", file->path);
	}
}

static void
check_file(struct doctor *d, const char *dir, const char *name)
{
	const char *path = arena_printf(d->arena, "%s/%s", dir, name);
	struct stat st;

	if (lstat(path, &st) == 0)
		judge_key(d,
		    &(struct place_facts) { path, st.st_uid, st.st_gid, st.st_mode & 07777 },
		    geteuid());
}

/* False: there is none. */
static bool
check_directory(struct doctor *d, const char *path)
{
	const struct dirent *entry;
	struct finding *f;
	struct stat st;
	DIR *dir;

	if (stat(path, &st) != 0)
		return false;
	if ((st.st_mode & DIR_BITS_WRONG & 07777) != 0) {
		f = doctor_found(d, FAULT_KEYS_DIRECTORY, path,
		    "%s: mode %04o lets others look at the keys", path,
		    (unsigned)(st.st_mode & 07777));
		f->fix = (struct fix) { FIX_MODE, arena_strdup(d->arena, path), st.st_mode & 07777,
			DIR_MODE };
	}
	if ((dir = opendir(path)) == NULL) {
		doctor_found(d, FAULT_KEYS_UNREADABLE, path, "%s: %s", path, strerror(errno));
		return true;
	}
	while ((entry = readdir(dir)) != NULL)
		if (str_ends(entry->d_name, ".key"))
			check_file(d, path, entry->d_name);
	closedir(dir);
	return true;
}

/* One secret of each column is decrypted: a key of the right number may be another key. */
static bool
check_sample(struct doctor *d, const struct call *call, enum seal_column column, struct error *err)
{
	struct seal_place place = { .table = places[column].table,
		.column = places[column].column };
	struct sealed secret;
	struct seal_row *rows;
	struct error why = { 0 };
	size_t n;

	if (!store_seals_other(call->svc->db, call->arena, column, NULL, "-", 1, &rows, &n, err))
		return false;
	if (n == 0)
		return true;
	place.row = rows[0].id;
	if (!seal_open(call, place, rows[0].sealed, &secret, &why))
		doctor_found(d, FAULT_KEYS_WRONG,
		    arena_printf(d->arena, "data-%.*s.key",
			(int)strcspn(rows[0].sealed + strlen(SEAL_PREFIX), ":"),
			rows[0].sealed + strlen(SEAL_PREFIX)),
		    "%s: the key is not the one that encrypted it", doctor_reason(&why));
	return true;
}

/* Every key that something stored needs. */
static bool
check_needed(struct doctor *d, struct db *db, const struct key_numbers *have, bool *missing,
    struct error *err)
{
	struct strings needed;

	*missing = false;
	if (!store_seals_numbers(db, d->arena, &needed, err))
		return false;
	for (size_t i = 0; i < needed.n; i++) {
		const char *name = arena_printf(d->arena, "data-%s.key", needed.items[i]);
		bool found = false;

		for (size_t k = 0; k < have->n; k++)
			found = found || str_eq(db_int(d->arena, have->items[k]), needed.items[i]);
		if (found)
			continue;
		*missing = true;
		doctor_found(d, FAULT_KEYS_DATA, name,
		    "%s is missing, and stored secrets are encrypted with it (two-step"
		    " verification, media servers, webhooks): they cannot be used",
		    name);
	}
	return true;
}

static void
check_sealed(struct doctor *d, struct keyring *ring, const struct key_numbers *data)
{
	struct services svc = {
		.config = d->ask->config,
		.log = &context,
		.keys = ring,
		.db = db_new(config_str(d->config, CFG_DATABASE_MIGRATE_URL), DOCTOR_DATABASE_MS,
		    &context),
	};
	struct error err = { 0 };
	bool missing = false, known = check_needed(d, svc.db, data, &missing, &err);

	for (int column = 0; known && !missing && ring != NULL && column < SEAL_COLUMNS; column++)
		known = doctor_has(d, FAULT_KEYS_WRONG) ||
		    check_sample(d, SYSTEM_CALL(&svc, d->arena), (enum seal_column)column, &err);
	if (!known)
		doctor_unknown(d, "keys");
	db_free(svc.db);
}

static bool
have_storage(const struct keyring *ring)
{
	return *keyring_storage_access(ring) != '\0' && *keyring_storage_secret(ring) != '\0';
}

static void
check_ring(struct doctor *d, const struct keyring *ring, const struct key_numbers *jwt,
    const struct key_numbers *data, const struct error *err)
{
	if (jwt->n == 0)
		doctor_found(d, FAULT_KEYS_MISSING, NULL,
		    "there is no jwt-N.key, so nobody can sign in");
	else if (data->n == 0 && !doctor_has(d, FAULT_KEYS_DATA))
		doctor_found(d, FAULT_KEYS_MISSING, NULL,
		    "there is no data-N.key, so no secret can be stored");
	else if (ring != NULL && !have_storage(ring))
		doctor_found(d, FAULT_KEYS_MISSING, NULL,
		    "there are no credentials for the object store");
	else if (ring != NULL)
		doctor_ok(d, "keys", NULL, "token key %d signs tokens",
		    keyring_jwt_signing(ring)->kid);
	else if (!doctor_has(d, FAULT_KEYS_MODE) && !doctor_has(d, FAULT_KEYS_UNREADABLE))
		doctor_found(d, FAULT_KEYS_WRONG, "the file", "%s", doctor_reason(err));
}

void
doctor_check_keys(struct doctor *d)
{
	struct key_numbers jwt = { .n = 0 }, data = { .n = 0 };
	char path[KEY_PATH_MAX];
	struct keyring *ring;
	struct error err = { 0 };

	if (!keyring_path(d->config, "", path, &err) || !check_directory(d, path)) {
		doctor_found(d, FAULT_KEYS_MISSING, NULL, "%s: there are no keys", path);
		return;
	}
	if (!keyring_numbers(d->config, "jwt", &jwt, &err) ||
	    !keyring_numbers(d->config, "data", &data, &err)) {
		doctor_unknown(d, "keys");
		return;
	}
	ring = keyring_load(d->config, false, &err);
	check_sealed(d, ring, &data);
	check_ring(d, ring, &jwt, &data, &err);
	keyring_free(ring);
}
