#include "store/store_overseerr.h"

#include "core/arena.h"

#include "core/banned.h"

enum {
	Q_GET,
	Q_PUT,
	Q_DELETE,
	Q_SEEN,
	Q_REFRESHED,
	Q_USERS_OTHERS,
	Q_USERS_PUT,
	Q_USERS_DROP,
	Q_UNMATCH,
	Q_MATCH,
	Q_FOLLOW,
	Q_PERSON,
	Q_PERSON_PUT,
	Q_PERSON_GET,
	Q_PEOPLE,
	Q_USERS,
};

#define PEOPLE \
	"SELECT u.id, u.display_name, p.overseerr_id, o.name, p.by FROM users u" \
	" LEFT JOIN overseerr_people p ON p.user_id = u.id" \
	" LEFT JOIN overseerr_users o ON o.id = p.overseerr_id"

const struct query store_overseerr_queries[] = {
	[Q_GET] = { "overseerr_get",
	    "SELECT url, api_key, enabled, app_version, state, " SQL_US("last_seen_at") ", " SQL_US(
		"refreshed_at") ", " SQL_US("asked_at") " FROM overseerr_settings",
	    QUERY_READ },
	[Q_PUT] = { "overseerr_put",
	    "INSERT INTO overseerr_settings AS s (url, api_key, enabled)"
	    " VALUES ($1, $2, $3::boolean)"
	    " ON CONFLICT (id) DO UPDATE SET url = excluded.url, api_key = excluded.api_key,"
	    " enabled = excluded.enabled, updated_at = now(),"
	    " app_version = CASE WHEN NOT $4::boolean THEN s.app_version END,"
	    " state = CASE WHEN $4::boolean THEN 'new' ELSE s.state END,"
	    " last_seen_at = CASE WHEN NOT $4::boolean THEN s.last_seen_at END,"
	    " refreshed_at = CASE WHEN NOT $4::boolean THEN s.refreshed_at END",
	    0 },
	[Q_DELETE] = { "overseerr_delete", "DELETE FROM overseerr_settings", 0 },
	[Q_SEEN] = { "overseerr_seen",
	    "UPDATE overseerr_settings SET state = $1, app_version = coalesce($2, app_version),"
	    " asked_at = now(),"
	    " last_seen_at = CASE WHEN $1 = 'ok' THEN now() ELSE last_seen_at END"
	    " WHERE state <> $1 OR $2 <> coalesce(app_version, '') OR asked_at IS NULL"
	    " OR asked_at < now() - interval '30 seconds'",
	    0 },
	[Q_REFRESHED] = { "overseerr_refreshed",
	    "UPDATE overseerr_settings SET refreshed_at = greatest(refreshed_at, $1::timestamptz)",
	    0 },
	[Q_USERS_OTHERS] = { "overseerr_users_others",
	    "DELETE FROM overseerr_people p USING overseerr_users u,"
	    " unnest($1::bigint[], $2::text[], $3::text[]) AS n (id, name, plex_id)"
	    " WHERE p.overseerr_id = u.id AND n.id = u.id AND n.name <> u.name"
	    " AND nullif(n.plex_id, '') IS DISTINCT FROM coalesce(u.plex_id, '-')"
	    " AND EXISTS (SELECT FROM overseerr_settings WHERE refreshed_at IS NULL)",
	    0 },
	[Q_USERS_PUT] = { "overseerr_users_put",
	    "INSERT INTO overseerr_users AS u (id, name, plex_id, seen_at)"
	    " SELECT id, name, nullif(plex_id, ''), $4::timestamptz"
	    " FROM unnest($1::bigint[], $2::text[], $3::text[]) AS n (id, name, plex_id)"
	    " ON CONFLICT (id) DO UPDATE SET name = excluded.name, plex_id = excluded.plex_id,"
	    " seen_at = excluded.seen_at",
	    0 },
	[Q_USERS_DROP] = { "overseerr_users_drop",
	    "DELETE FROM overseerr_users WHERE seen_at < $1::timestamptz", 0 },
	[Q_UNMATCH] = { "overseerr_unmatch",
	    "DELETE FROM overseerr_people p WHERE p.overseerr_id IS NOT NULL AND NOT EXISTS"
	    " (SELECT FROM users u, overseerr_users o WHERE u.id = p.user_id"
	    " AND o.id = p.overseerr_id AND (p.by = 'person' OR o.plex_id = u.plex_id))",
	    0 },
	[Q_MATCH] = { "overseerr_match",
	    "INSERT INTO overseerr_people (user_id, overseerr_id, by)"
	    " SELECT DISTINCT ON (u.id) u.id, o.id, 'plex'"
	    " FROM users u JOIN overseerr_users o ON o.plex_id = u.plex_id"
	    " WHERE u.plex_id IS NOT NULL ORDER BY u.id, o.id ON CONFLICT DO NOTHING",
	    0 },
	[Q_FOLLOW] = { "overseerr_follow",
	    "UPDATE requests r SET requested_by = p.user_id FROM requests s"
	    " LEFT JOIN overseerr_people p ON p.overseerr_id = s.overseerr_user_id"
	    " WHERE s.id = r.id AND NOT r.made_here AND r.requested_by IS DISTINCT FROM p.user_id",
	    0 },
	[Q_PERSON] = { "overseerr_person",
	    "SELECT p.overseerr_id, u.plex_id IS NOT NULL FROM users u"
	    " LEFT JOIN overseerr_people p ON p.user_id = u.id WHERE u.id = $1",
	    QUERY_READ },
	[Q_PERSON_PUT] = { "overseerr_person_put",
	    "INSERT INTO overseerr_people (user_id, overseerr_id, by)"
	    " SELECT id, $2::bigint, 'person' FROM users WHERE id = $1"
	    " ON CONFLICT (user_id) DO UPDATE SET overseerr_id = excluded.overseerr_id,"
	    " by = excluded.by",
	    0 },
	[Q_PERSON_GET] = { "overseerr_person_get", PEOPLE " WHERE u.id = $1", QUERY_READ },
	[Q_PEOPLE] = { "overseerr_people",
	    PEOPLE " WHERE u.status = 'active' ORDER BY lower(u.display_name), u.id", QUERY_READ },
	[Q_USERS] = { "overseerr_users",
	    "SELECT id, name, plex_id FROM overseerr_users ORDER BY lower(name), id", QUERY_READ },
	{ .name = NULL },
};
#define Q(id) (&store_overseerr_queries[id])

bool
store_overseerr_get(struct db *db, struct arena *arena, struct overseerr_settings *settings,
    struct error *err)
{
	struct rows *rows;

	*settings = (struct overseerr_settings) { .url = NULL };
	if (!db_exec(db, arena, Q(Q_GET), DB_NO_PARAMS, &rows, err))
		return false;
	if (rows_count(rows) > 0)
		*settings = (struct overseerr_settings) {
			.url = rows_str(rows, 0, 0),
			.key = rows_str(rows, 0, 1),
			.enabled = rows_bool(rows, 0, 2),
			.version = rows_str(rows, 0, 3),
			.state = rows_str(rows, 0, 4),
			.last_seen_at = rows_int(rows, 0, 5),
			.refreshed_at = rows_int(rows, 0, 6),
			.asked_at = rows_int(rows, 0, 7),
		};
	return true;
}

bool
store_overseerr_put(struct db *db, struct arena *arena, const struct overseerr_settings *settings,
    bool fresh, struct error *err)
{
	return db_exec(db, arena, Q(Q_PUT),
	    DB_PARAMS(settings->url, settings->key, db_bool(settings->enabled), db_bool(fresh)),
	    NULL, err);
}

bool
store_overseerr_delete(struct db *db, struct arena *arena, bool *was_there, struct error *err)
{
	return db_change(db, arena, Q(Q_DELETE), DB_NO_PARAMS, was_there, err);
}

bool
store_overseerr_seen(struct db *db, struct arena *arena, const char *state, const char *version,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_SEEN), DB_PARAMS(state, version), NULL, err);
}

bool
store_overseerr_refreshed(struct db *db, struct arena *arena, int64_t at, struct error *err)
{
	return db_exec(db, arena, Q(Q_REFRESHED), DB_PARAMS(db_time(arena, at)), NULL, err);
}

bool
store_overseerr_users_put(struct db *db, struct arena *arena, const struct overseerr_user *users,
    size_t n, int64_t at, struct error *err)
{
	const char **ids = arena_array(arena, n + 1, sizeof(*ids)),
		   **names = arena_array(arena, n + 1, sizeof(*names)),
		   **plex = arena_array(arena, n + 1, sizeof(*plex));
	const char *lists[3];

	for (size_t i = 0; i < n; i++) {
		ids[i] = db_int(arena, users[i].id);
		names[i] = users[i].name;
		plex[i] = users[i].plex_id == NULL ? "" : users[i].plex_id;
	}
	lists[0] = db_array(arena, ids, n);
	lists[1] = db_array(arena, names, n);
	lists[2] = db_array(arena, plex, n);
	return db_exec(db, arena, Q(Q_USERS_OTHERS), DB_PARAMS(lists[0], lists[1], lists[2]), NULL,
		   err) &&
	    db_exec(db, arena, Q(Q_USERS_PUT),
		DB_PARAMS(lists[0], lists[1], lists[2], db_time(arena, at)), NULL, err);
}

bool
store_overseerr_users_drop(struct db *db, struct arena *arena, int64_t at, struct error *err)
{
	return db_exec(db, arena, Q(Q_USERS_DROP), DB_PARAMS(db_time(arena, at)), NULL, err);
}

bool
store_overseerr_match(struct db *db, struct arena *arena, struct error *err)
{
	return db_exec(db, arena, Q(Q_UNMATCH), DB_NO_PARAMS, NULL, err) &&
	    db_exec(db, arena, Q(Q_MATCH), DB_NO_PARAMS, NULL, err) &&
	    db_exec(db, arena, Q(Q_FOLLOW), DB_NO_PARAMS, NULL, err);
}

bool
store_overseerr_person(struct db *db, struct arena *arena, const char *user_id,
    int64_t *overseerr_id, bool *has_plex, struct error *err)
{
	struct rows *rows;

	*overseerr_id = 0;
	*has_plex = false;
	if (!db_exec(db, arena, Q(Q_PERSON), DB_PARAMS(user_id), &rows, err))
		return false;
	if (rows_count(rows) > 0) {
		*overseerr_id = rows_int(rows, 0, 0);
		*has_plex = rows_bool(rows, 0, 1);
	}
	return true;
}

bool
store_overseerr_person_put(struct db *db, struct arena *arena, const char *user_id,
    int64_t overseerr_id, bool *known, struct error *err)
{
	return db_change(db, arena, Q(Q_PERSON_PUT),
		   DB_PARAMS(user_id, overseerr_id == 0 ? NULL : db_int(arena, overseerr_id)),
		   known, err) &&
	    db_exec(db, arena, Q(Q_FOLLOW), DB_NO_PARAMS, NULL, err);
}

static void
person_from_row(const struct rows *rows, size_t i, struct overseerr_person *person)
{
	*person = (struct overseerr_person) {
		.user_id = rows_str(rows, i, 0),
		.name = rows_str(rows, i, 1),
		.overseerr_id = rows_int(rows, i, 2),
		.overseerr_name = rows_str(rows, i, 3),
		.by = rows_str(rows, i, 4),
	};
}

bool
store_overseerr_person_get(struct db *db, struct arena *arena, const char *user_id,
    struct overseerr_person *person, struct error *err)
{
	struct rows *rows;

	*person = (struct overseerr_person) { .user_id = user_id };
	if (!db_exec(db, arena, Q(Q_PERSON_GET), DB_PARAMS(user_id), &rows, err))
		return false;
	if (rows_count(rows) > 0)
		person_from_row(rows, 0, person);
	return true;
}

bool
store_overseerr_people(struct db *db, struct arena *arena, struct overseerr_person **people,
    size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_PEOPLE), DB_NO_PARAMS, &rows, err))
		return false;
	*n = rows_count(rows);
	*people = arena_array(arena, *n, sizeof(**people));
	for (size_t i = 0; i < *n; i++)
		person_from_row(rows, i, &(*people)[i]);
	return true;
}

bool
store_overseerr_users(struct db *db, struct arena *arena, struct overseerr_user **users, size_t *n,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_USERS), DB_NO_PARAMS, &rows, err))
		return false;
	*n = rows_count(rows);
	*users = arena_array(arena, *n, sizeof(**users));
	for (size_t i = 0; i < *n; i++)
		(*users)[i] = (struct overseerr_user) {
			.id = rows_int(rows, i, 0),
			.name = rows_str(rows, i, 1),
			.plex_id = rows_str(rows, i, 2),
		};
	return true;
}
