#include "store/store_plex.h"

#include "core/arena.h"

#include "core/banned.h"

enum {
	Q_CLIENT_READ,
	Q_CLIENT_ADD,
	Q_PIN_ADD,
	Q_PIN_READ,
	Q_PIN_USE,
	Q_LINK,
	Q_RENEW,
	Q_UNLINK,
	Q_PERSON
};

const struct query store_plex_queries[] = {
	[Q_CLIENT_READ] = { "plex_client_read",
	    "SELECT value FROM settings WHERE key = 'plex.client_id'", QUERY_READ },
	[Q_CLIENT_ADD] = { "plex_client_add",
	    "INSERT INTO settings (key, value) VALUES ('plex.client_id', $1)"
	    " ON CONFLICT (key) DO NOTHING",
	    0 },
	[Q_PIN_ADD] = { "plex_pin_add",
	    "INSERT INTO plex_pins (id, plex_pin_id, client_id, user_id, session_id, generation,"
	    " address, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
	    0 },
	[Q_PIN_READ] = { "plex_pin_read",
	    "SELECT plex_pin_id, client_id, user_id, session_id, generation,"
	    " used_at IS NOT NULL OR expires_at <= now()"
	    " FROM plex_pins WHERE id = $1",
	    QUERY_READ },
	[Q_PIN_USE] = { "plex_pin_use",
	    "UPDATE plex_pins SET used_at = now() WHERE id = $1 AND used_at IS NULL"
	    " AND expires_at > now()",
	    0 },
	[Q_LINK] = { "plex_link",
	    "UPDATE users SET plex_id = $2, plex_token = convert_to($3, 'UTF8'), plex_name = $4,"
	    " updated_at = now() "
	    "WHERE id = $1 AND status = 'active'",
	    0 },
	/* If it was unlinked meanwhile, it stays so. */
	[Q_RENEW] = { "plex_renew",
	    "UPDATE users SET plex_token = convert_to($3, 'UTF8'), plex_name = $4,"
	    " updated_at = now() WHERE id = $1 AND plex_id = $2 AND generation = $5::bigint"
	    " AND status = 'active'",
	    0 },
	[Q_UNLINK] = { "plex_unlink",
	    "UPDATE users SET plex_id = NULL, plex_token = NULL, plex_name = NULL,"
	    " updated_at = now() "
	    "WHERE id = $1 AND plex_id IS NOT NULL",
	    0 },
	[Q_PERSON] = { "plex_person",
	    "SELECT id, generation, totp_confirmed_at IS NOT NULL FROM users WHERE plex_id = $1",
	    QUERY_READ },
	{ .name = NULL },
};
#define Q(id) (&store_plex_queries[id])

bool
store_plex_client_id(struct db *db, struct arena *arena, const char *fresh, const char **client_id,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_CLIENT_READ), DB_NO_PARAMS, &rows, err))
		return false;
	/* Two workers may insert at once; the row that is stored counts. */
	if (rows_count(rows) == 0 &&
	    (!db_exec(db, arena, Q(Q_CLIENT_ADD), DB_PARAMS(fresh), NULL, err) ||
		!db_exec(db, arena, Q(Q_CLIENT_READ), DB_NO_PARAMS, &rows, err)))
		return false;
	*client_id = rows_str(rows, 0, 0);
	return true;
}

bool
store_plex_pin_add(struct db *db, struct arena *arena, const struct store_plex_pin *pin,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_PIN_ADD),
	    DB_PARAMS(pin->id, db_int(arena, pin->plex_pin_id), pin->client_id, pin->user_id,
		pin->session_id, pin->user_id != NULL ? db_int(arena, pin->generation) : NULL,
		pin->address, db_time(arena, pin->expires_at)),
	    NULL, err);
}

bool
store_plex_pin_read(struct db *db, struct arena *arena, const char *id, struct store_plex_pin *pin,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_PIN_READ), DB_PARAMS(id), &rows, err))
		return false;
	*pin = (struct store_plex_pin) { .id = NULL };
	if (rows_count(rows) > 0)
		*pin = (struct store_plex_pin) { .id = id,
			.plex_pin_id = rows_int(rows, 0, 0),
			.client_id = rows_str(rows, 0, 1),
			.user_id = rows_str(rows, 0, 2),
			.session_id = rows_str(rows, 0, 3),
			.generation = rows_int(rows, 0, 4),
			.over = rows_bool(rows, 0, 5) };
	return true;
}

bool
store_plex_pin_use(struct db *db, struct arena *arena, const char *id, bool *fresh,
    struct error *err)
{
	return db_change(db, arena, Q(Q_PIN_USE), DB_PARAMS(id), fresh, err);
}

bool
store_plex_link(struct db *db, struct arena *arena, const struct store_plex_account *a,
    bool *linked, struct error *err)
{
	return db_change(db, arena, Q(Q_LINK),
	    DB_PARAMS(a->user_id, a->plex_id, a->sealed, a->name), linked, err);
}

bool
store_plex_renew(struct db *db, struct arena *arena, const struct store_plex_account *a,
    int64_t generation, bool *linked, struct error *err)
{
	return db_change(db, arena, Q(Q_RENEW),
	    DB_PARAMS(a->user_id, a->plex_id, a->sealed, a->name, db_int(arena, generation)),
	    linked, err);
}

bool
store_plex_unlink(struct db *db, struct arena *arena, const char *user_id, bool *was_linked,
    struct error *err)
{
	return db_change(db, arena, Q(Q_UNLINK), DB_PARAMS(user_id), was_linked, err);
}

bool
store_plex_person(struct db *db, struct arena *arena, const char *plex_id, struct verified *person,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_PERSON), DB_PARAMS(plex_id), &rows, err))
		return false;
	*person = (struct verified) { .user_id = NULL };
	if (rows_count(rows) > 0)
		*person = (struct verified) { .user_id = rows_str(rows, 0, 0),
			.generation = rows_int(rows, 0, 1),
			.plex_id = plex_id,
			.totp_enabled = rows_bool(rows, 0, 2) };
	return true;
}
