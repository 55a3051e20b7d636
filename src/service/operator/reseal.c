#include "service/operator/reseal.h"

#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"
#include "service/audit.h"
#include "service/call.h"
#include "service/keyring.h"
#include "service/seal.h"
#include "service/services.h"
#include "store/store_seals.h"

#include "core/banned.h"

#define RESEAL_BATCH 100 /* rows */
#define PREFIX_MAX 16

struct reseal {
	const struct call *call;
	FILE *out;
	char newest[PREFIX_MAX]; /* of texts that need nothing */
	long long done, failed;
};

/* Where each column's secret is bound to. */
static const struct {
	const char *table, *column;
} places[SEAL_COLUMNS] = {
#define PLACE(id, table, column, ...) [SEAL_##id] = { table, column },
	SEAL_COLUMN_LIST(PLACE)
#undef PLACE
};

/* One secret. What cannot be opened is told, and stays. */
static bool
reseal_one(struct reseal *r, enum seal_column column, const struct seal_row *row, struct error *err)
{
	const struct seal_place place = { places[column].table, row->id, places[column].column };
	struct sealed secret;
	struct error why;
	const char *new;
	bool replaced;

	error_clear(&why);
	if (!seal_open(r->call, place, row->sealed, &secret, &why)) {
		fprintf(r->out, "%s\n", why.detail);
		r->failed++;
		return true;
	}
	if (!seal_text(r->call, place, secret.data, secret.len, &new, err) ||
	    !store_seals_replace(r->call->svc->db, r->call->arena, column, row->id, row->sealed,
		new, &replaced, err))
		return false;
	r->done += replaced;
	return true;
}

static bool
reseal_rows(struct reseal *r, enum seal_column column, const struct seal_row *rows, size_t n,
    struct error *err)
{
	for (size_t i = 0; i < n; i++)
		if (!reseal_one(r, column, &rows[i], err))
			return false;
	return true;
}

static bool
reseal_column(struct reseal *r, enum seal_column column, struct error *err)
{
	struct db *db = r->call->svc->db;
	const char *after = NULL;
	struct seal_row *rows;
	size_t n;

	do {
		if (!store_seals_other(db, r->call->arena, column, after, r->newest, RESEAL_BATCH,
			&rows, &n, err) ||
		    !db_begin(db, err) || !db_end(db, reseal_rows(r, column, rows, n, err), err))
			return false;
		if (n > 0)
			after = rows[n - 1].id;
	} while (n == RESEAL_BATCH);
	return true;
}

static bool
reseal_all(struct reseal *r, struct error *err)
{
	for (int column = 0; column < SEAL_COLUMNS; column++)
		if (!reseal_column(r, (enum seal_column)column, err))
			return false;
	return true;
}

/* Says of each older key whether anything is still sealed with it. */
static bool
tell_keys(struct reseal *r, int newest, bool *whole, struct error *err)
{
	int numbers[KEYS_MAX];
	size_t n = keyring_data_numbers(r->call->svc->keys, numbers);

	for (size_t i = 0; i < n && numbers[i] != newest; i++) {
		int64_t secrets, jobs;

		if (!store_seals_count(r->call->svc->db, r->call->arena,
			arena_printf(r->call->arena, SEAL_PREFIX "%d:", numbers[i]), &secrets,
			&jobs, err))
			return false;
		if (secrets + jobs == 0)
			fprintf(r->out, "data-%d.key may be removed\n", numbers[i]);
		else
			fprintf(r->out,
			    "data-%d.key is still needed: by %lld secrets, and by %lld jobs, which"
			    " end by themselves\n",
			    numbers[i], (long long)secrets, (long long)jobs);
		*whole = *whole && secrets == 0;
	}
	return true;
}

/* In the audit log, as other changes that matter. */
static bool
note(const struct reseal *r, int newest, struct error *err)
{
	const struct audit_event event = {
		.action = "keys.resealed",
		.target_type = "key",
		.target_id = arena_printf(r->call->arena, "data-%d", newest),
	};
	struct db *db = r->call->svc->db;

	return r->done == 0 ||
	    (db_begin(db, err) && db_end(db, audit_add(r->call, &event, err), err));
}

bool
reseal_run(struct config *config, struct db *db, struct arena *arena, FILE *out, bool *whole,
    struct error *err)
{
	struct services svc = { .config = config, .db = db };
	struct reseal r = { .call = SYSTEM_CALL(&svc, arena), .out = out };
	int newest;
	bool ok;

	if ((svc.keys = keyring_load(config, false, err)) == NULL)
		return false;
	if (keyring_data(svc.keys, 0, &newest) == NULL) {
		keyring_free(svc.keys);
		return error_set(err, ERR_NOT_FOUND,
		    "there is no data-N.key: run 'medianest-admin keys create'");
	}
	snprintf(r.newest, sizeof(r.newest), SEAL_PREFIX "%d:", newest);
	ok = reseal_all(&r, err) && note(&r, newest, err);
	if (ok)
		fprintf(out, "%lld secrets sealed again with data-%d.key\n", r.done, newest);
	*whole = r.failed == 0;
	ok = ok && tell_keys(&r, newest, whole, err);
	keyring_free(svc.keys);
	return ok;
}
