#include "store/store_mail_links.h"

#include "core/arena.h"
#include "core/str.h"

#include "core/banned.h"

enum { Q_COUNT, Q_YOUNG, Q_REGISTRATIONS_DROP };

#define IN_WINDOW "c.window_start > now() - make_interval(secs => $2::int)"

const struct query store_mail_links_queries[] = {
	[Q_COUNT] = { "mail_count",
	    "INSERT INTO mail_counters AS c (subject, asked, window_start, last_at)"
	    " SELECT s, 1, now(), now() FROM unnest($1::text[]) s ORDER BY s"
	    " ON CONFLICT (subject) DO UPDATE SET last_at = now(),"
	    " asked = CASE WHEN " IN_WINDOW " THEN c.asked + 1 ELSE 1 END,"
	    " window_start = CASE WHEN " IN_WINDOW " THEN c.window_start ELSE now() END"
	    " RETURNING subject, asked, ceil(extract(epoch FROM window_start"
	    " + make_interval(secs => $2::int) - now()))::bigint",
	    0 },
	[Q_YOUNG] = { "mail_link_young",
	    "SELECT EXISTS (SELECT FROM mail_tokens WHERE email = lower($1) AND purpose = $2"
	    " AND user_id IS NOT DISTINCT FROM $3::uuid AND used_at IS NULL AND expires_at > now()"
	    " AND created_at > now() - make_interval(secs => $4::int)"
	    " AND (user_id IS NULL OR generation = (SELECT u.generation FROM users u"
	    " WHERE u.id = user_id)) AND (session_id IS NULL OR EXISTS (SELECT FROM sessions s"
	    " WHERE s.id = session_id AND s.revoked_at IS NULL AND s.expires_at > now())))",
	    QUERY_READ },
	[Q_REGISTRATIONS_DROP] = { "mail_registrations_drop",
	    "DELETE FROM mail_tokens WHERE email = lower($1) AND purpose = 'register'"
	    " AND used_at IS NULL",
	    0 },
	{ .name = NULL },
};
#define Q(id) (&store_mail_links_queries[id])

bool
store_mail_count(struct db *db, struct arena *arena, const char *const subjects[MAIL_SUBJECTS],
    struct mail_counts *counts, struct error *err)
{
	struct rows *rows;

	*counts = (struct mail_counts) { .asked = { 0 } };
	if (!db_exec(db, arena, Q(Q_COUNT),
		DB_PARAMS(db_array(arena, subjects, MAIL_SUBJECTS),
		    db_int(arena, MAIL_WINDOW_SECONDS)),
		&rows, err))
		return false;
	for (size_t row = 0; row < rows_count(rows); row++)
		for (size_t i = 0; i < MAIL_SUBJECTS; i++)
			if (str_eq(rows_str(rows, row, 0), subjects[i])) {
				counts->asked[i] = rows_int(rows, row, 1);
				counts->seconds[i] = rows_int(rows, row, 2);
			}
	return true;
}

bool
store_mail_link_young(struct db *db, struct arena *arena, const struct mail_link_key *key,
    int64_t seconds, bool *young, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_YOUNG),
		DB_PARAMS(key->email, key->purpose, key->user_id, db_int(arena, seconds)), &rows,
		err))
		return false;
	*young = rows_bool(rows, 0, 0);
	return true;
}

bool
store_mail_registrations_drop(struct db *db, struct arena *arena, const char *email,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_REGISTRATIONS_DROP), DB_PARAMS(email), NULL, err);
}
