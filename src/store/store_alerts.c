#include "store/store_alerts.h"

#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"
#include "core/words.h"

#include "core/banned.h"

enum {
	Q_RAISE,
	Q_CLEAR,
	Q_LIST,
	Q_GET,
	Q_ACKNOWLEDGE,
	Q_LOCK,
	Q_LOAD,
	Q_FORGET,
	Q_SAVE,
	Q_FOUND,
	Q_OPEN,
	Q_SAMPLE_ADD,
	Q_SAMPLE_CHANGE,
	Q_SAMPLES,
	Q_SERIES,
	Q_EXPIRE,
	Q_EXPIRE_SAMPLES,
};

#define RAISED_US SQL_US("a.raised_at")
#define CLEARED_US SQL_US("a.cleared_at")
#define ACKNOWLEDGED_US SQL_US("a.acknowledged_at")
#define COLUMNS \
	"a.id, a.rule, a.severity, a.subject, a.subject_name, a.title, a.message, a.value," \
	" a.threshold, " RAISED_US ", " CLEARED_US ", " ACKNOWLEDGED_US ", a.acknowledged_by," \
	" (SELECT u.display_name FROM users u WHERE u.id = a.acknowledged_by)"
#define SINCE_US SQL_US("w.since")
#define LOOKED_US SQL_US("w.looked_at")
#define AT_US SQL_US("at")
#define NOW_US SQL_US("clock_timestamp()")
#define ALERT_AGE TEXT(ALERT_KEEP_DAYS) " days"
#define SAMPLE_AGE TEXT(ALERT_SAMPLE_KEEP_DAYS) " days"
#define LOCK "7236102" /* advisory lock: one look at the rules at a time */

const struct query store_alerts_queries[] = {
	[Q_RAISE] = { "alert_raise",
	    "INSERT INTO alerts (id, rule, subject, subject_name, severity, title, message, value,"
	    " threshold) VALUES ($1, $2, $3, $4, $5, $6, $7, $8::double precision,"
	    " $9::double precision) ON CONFLICT (rule, subject) WHERE cleared_at IS NULL"
	    " DO NOTHING",
	    0 },
	[Q_CLEAR] = { "alerts_clear",
	    "UPDATE alerts a SET cleared_at = now() WHERE rule = $1 AND cleared_at IS NULL"
	    " AND ($2::text IS NULL OR subject = $2) RETURNING " COLUMNS,
	    0 },
	[Q_LIST] = { "alert_list",
	    "SELECT " COLUMNS
	    " FROM alerts a WHERE ($1::text IS NULL OR ($1 = 'cleared') = (cleared_at IS NOT NULL))"
	    " AND ($3::uuid IS NULL OR (raised_at, id) < ($2::timestamptz, $3))"
	    " AND a.rule <> ALL ($5::text[])"
	    " ORDER BY raised_at DESC, id DESC LIMIT $4::integer",
	    QUERY_READ },
	[Q_GET] = { "alert_get", "SELECT " COLUMNS " FROM alerts a WHERE id = $1::uuid",
	    QUERY_READ },
	[Q_ACKNOWLEDGE] = { "alert_acknowledge",
	    "UPDATE alerts SET acknowledged_by = $2, acknowledged_at = now()"
	    " WHERE id = $1 AND acknowledged_at IS NULL",
	    0 },
	[Q_LOCK] = { "alert_watch_lock", "SELECT " NOW_US " FROM pg_advisory_xact_lock(" LOCK ")",
	    0 },
	[Q_LOAD] = { "alert_watch_load",
	    "SELECT rule, subject, a.subject_name, " SINCE_US ", " LOOKED_US ", a.id IS NOT NULL"
	    " FROM alert_watch w FULL JOIN (SELECT id, rule, subject, subject_name FROM alerts"
	    " WHERE cleared_at IS NULL) a USING (rule, subject)",
	    0 },
	[Q_FORGET] = { "alert_watch_forget",
	    "DELETE FROM alert_watch WHERE (rule, subject) NOT IN"
	    " (SELECT * FROM unnest($1::text[], $2::text[]))",
	    0 },
	[Q_SAVE] = { "alert_watch_save",
	    "INSERT INTO alert_watch (rule, subject, value, known, since, looked_at)"
	    " SELECT * FROM unnest($1::text[], $2::text[], $3::double precision[], $4::boolean[],"
	    " $5::timestamptz[], $6::timestamptz[]) ON CONFLICT (rule, subject) DO UPDATE SET"
	    " value = excluded.value, known = excluded.known, since = excluded.since,"
	    " looked_at = excluded.looked_at",
	    0 },
	/* Nothing of a rule is known if one of its subjects is not. */
	[Q_FOUND] = { "alert_found",
	    "SELECT rule, count(value) > 0, min(value), max(value) FROM alert_watch"
	    " WHERE looked_at > now() - make_interval(secs => $1::bigint)"
	    " GROUP BY rule HAVING bool_and(known)",
	    QUERY_READ },
	[Q_OPEN] = { "alerts_open",
	    "SELECT rule, count(*) FROM alerts WHERE cleared_at IS NULL GROUP BY rule",
	    QUERY_READ },
	[Q_SAMPLE_ADD] = { "alert_sample_add",
	    "INSERT INTO alert_samples (series, at, value)"
	    " SELECT $1, now(), $2::double precision WHERE NOT EXISTS (SELECT FROM alert_samples"
	    " WHERE series = $1 AND at > now() - make_interval(secs => $3::bigint))"
	    " ON CONFLICT DO NOTHING",
	    0 },
	[Q_SAMPLE_CHANGE] = { "alert_sample_change",
	    "INSERT INTO alert_samples (series, at, value) SELECT $1, now(), $2::double precision"
	    " WHERE $2::double precision IS DISTINCT FROM (SELECT value FROM alert_samples"
	    " WHERE series = $1 ORDER BY at DESC LIMIT 1) ON CONFLICT DO NOTHING",
	    0 },
	[Q_SAMPLES] = { "alert_samples",
	    "SELECT " AT_US ", value FROM alert_samples WHERE series = $1"
	    " AND at > now() - make_interval(secs => $2::bigint) ORDER BY at",
	    QUERY_READ },
	[Q_SERIES] = { "alert_series",
	    "SELECT " AT_US ", value, series FROM alert_samples WHERE starts_with(series, $1)"
	    " AND at > now() - make_interval(secs => $2::bigint) ORDER BY series, at",
	    QUERY_READ },
	[Q_EXPIRE] = { "alerts_expire",
	    "DELETE FROM alerts WHERE cleared_at < now() - interval '" ALERT_AGE "'", 0 },
	/* The newest of a series stays: what comes next is compared with it. */
	[Q_EXPIRE_SAMPLES] = { "alert_samples_expire",
	    "DELETE FROM alert_samples s WHERE at < now() - interval '" SAMPLE_AGE
	    "' AND (at < now() - interval '" ALERT_AGE
	    "' OR EXISTS (SELECT FROM alert_samples n WHERE n.series = s.series AND n.at > s.at))",
	    0 },
	{ .name = NULL },
};
#define Q(id) (&store_alerts_queries[id])

static const char *
number(struct arena *arena, double value)
{
	return arena_printf(arena, "%.17g", value);
}

static struct alert
alert_of(const struct rows *rows, size_t i)
{
	return (struct alert) {
		.id = rows_str(rows, i, 0),
		.rule = rows_str(rows, i, 1),
		.severity = rows_str(rows, i, 2),
		.subject = rows_str(rows, i, 3),
		.subject_name = rows_str(rows, i, 4),
		.title = rows_str(rows, i, 5),
		.message = rows_str(rows, i, 6),
		.has_value = !rows_null(rows, i, 7),
		.value = rows_num(rows, i, 7),
		.threshold = rows_num(rows, i, 8),
		.raised_at = rows_int(rows, i, 9),
		.cleared_at = rows_int(rows, i, 10),
		.acknowledged_at = rows_int(rows, i, 11),
		.acknowledged_by = rows_str(rows, i, 12),
		.acknowledged_by_name = rows_str(rows, i, 13),
	};
}

static void
alerts_of(struct arena *arena, const struct rows *rows, struct alert **out, size_t *n)
{
	*n = rows_count(rows);
	*out = arena_array(arena, *n, sizeof(**out));
	for (size_t i = 0; i < *n; i++)
		(*out)[i] = alert_of(rows, i);
}

bool
store_alert_raise(struct db *db, struct arena *arena, const struct alert *alert, bool *raised,
    struct error *err)
{
	return db_change(db, arena, Q(Q_RAISE),
	    DB_PARAMS(alert->id, alert->rule, alert->subject, alert->subject_name, alert->severity,
		alert->title, alert->message, alert->has_value ? number(arena, alert->value) : NULL,
		alert->has_value ? number(arena, alert->threshold) : NULL),
	    raised, err);
}

bool
store_alerts_clear(struct db *db, struct arena *arena, const char *rule, const char *subject,
    struct alert **out, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_CLEAR), DB_PARAMS(rule, subject), &rows, err))
		return false;
	alerts_of(arena, rows, out, n);
	return true;
}

bool
store_alert_list(struct db *db, struct arena *arena, const struct store_alert_filter *f,
    struct alert **out, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_LIST),
		DB_PARAMS(f->state, db_time(arena, f->before), f->before_id,
		    db_int(arena, f->limit), db_array(arena, f->without.items, f->without.n)),
		&rows, err))
		return false;
	alerts_of(arena, rows, out, n);
	return true;
}

bool
store_alert_get(struct db *db, struct arena *arena, const char *id, struct alert *alert,
    struct error *err)
{
	struct rows *rows;

	*alert = (struct alert) { .id = NULL };
	if (!db_exec(db, arena, Q(Q_GET), DB_PARAMS(id), &rows, err))
		return false;
	if (rows_count(rows) > 0)
		*alert = alert_of(rows, 0);
	return true;
}

bool
store_alert_acknowledge(struct db *db, struct arena *arena, const char *id, const char *user_id,
    bool *changed, struct error *err)
{
	return db_change(db, arena, Q(Q_ACKNOWLEDGE), DB_PARAMS(id, user_id), changed, err);
}

bool
store_alert_watch_load(struct db *db, struct arena *arena, int64_t *now, struct alert_seen **out,
    size_t *n, struct error *err)
{
	struct rows *locked, *rows;

	/* Two statements: the second one sees everything committed before the lock was acquired. */
	if (!db_exec(db, arena, Q(Q_LOCK), DB_NO_PARAMS, &locked, err) ||
	    !db_exec(db, arena, Q(Q_LOAD), DB_NO_PARAMS, &rows, err))
		return false;
	*now = rows_int(locked, 0, 0);
	*n = rows_count(rows);
	*out = arena_array(arena, *n, sizeof(**out));
	for (size_t i = 0; i < *n; i++)
		(*out)[i] = (struct alert_seen) {
			.rule = rows_str(rows, i, 0),
			.subject = rows_str(rows, i, 1),
			.subject_name = rows_str(rows, i, 2),
			.state = { .since = rows_int(rows, i, 3),
			    .at = rows_int(rows, i, 4),
			    .raised = rows_bool(rows, i, 5) },
		};
	return true;
}

/* The columns of alert_watch. */
struct watch_columns {
	const char **rule, **subject, **value, **known, **since, **at;
};

static struct watch_columns
columns_of(struct arena *arena, const struct alert_seen *seen, const struct alert_fact *facts,
    size_t n)
{
	struct watch_columns c;

	c.rule = arena_array(arena, n, sizeof(*c.rule));
	c.subject = arena_array(arena, n, sizeof(*c.subject));
	c.value = arena_array(arena, n, sizeof(*c.value));
	c.known = arena_array(arena, n, sizeof(*c.known));
	c.since = arena_array(arena, n, sizeof(*c.since));
	c.at = arena_array(arena, n, sizeof(*c.at));
	for (size_t i = 0; i < n; i++) {
		c.rule[i] = seen[i].rule;
		c.subject[i] = seen[i].subject;
		c.value[i] = facts[i].known == FACT_PRESENT ? number(arena, facts[i].value) : NULL;
		c.known[i] = facts[i].known != FACT_UNKNOWN ? "t" : "f";
		c.since[i] = db_time(arena, seen[i].state.since);
		c.at[i] = db_time(arena, seen[i].state.at);
	}
	return c;
}

bool
store_alert_watch_save(struct db *db, struct arena *arena, const struct alert_seen *seen,
    const struct alert_fact *facts, size_t n, struct error *err)
{
	const struct watch_columns c = columns_of(arena, seen, facts, n);
	const char *rules = db_array(arena, c.rule, n), *subjects = db_array(arena, c.subject, n);

	return db_exec(db, arena, Q(Q_FORGET), DB_PARAMS(rules, subjects), NULL, err) &&
	    db_exec(db, arena, Q(Q_SAVE),
		DB_PARAMS(rules, subjects, db_array(arena, c.value, n), db_array(arena, c.known, n),
		    db_array(arena, c.since, n), db_array(arena, c.at, n)),
		NULL, err);
}

bool
store_alert_found(struct db *db, struct arena *arena, int64_t seconds, struct alert_found **out,
    size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_FOUND), DB_PARAMS(db_int(arena, seconds)), &rows, err))
		return false;
	*n = rows_count(rows);
	*out = arena_array(arena, *n, sizeof(**out));
	for (size_t i = 0; i < *n; i++)
		(*out)[i] = (struct alert_found) { rows_str(rows, i, 0), rows_bool(rows, i, 1),
			rows_num(rows, i, 2), rows_num(rows, i, 3) };
	return true;
}

bool
store_alerts_open(struct db *db, struct arena *arena, struct alert_open **out, size_t *n,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_OPEN), DB_NO_PARAMS, &rows, err))
		return false;
	*n = rows_count(rows);
	*out = arena_array(arena, *n, sizeof(**out));
	for (size_t i = 0; i < *n; i++)
		(*out)[i] = (struct alert_open) { rows_str(rows, i, 0), rows_int(rows, i, 1) };
	return true;
}

bool
store_alert_sample_add(struct db *db, struct arena *arena, const char *series, double value,
    int64_t apart_s, struct error *err)
{
	return db_exec(db, arena, Q(Q_SAMPLE_ADD),
	    DB_PARAMS(series, number(arena, value), db_int(arena, apart_s)), NULL, err);
}

bool
store_alert_sample_change(struct db *db, struct arena *arena, const char *series, double value,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_SAMPLE_CHANGE), DB_PARAMS(series, number(arena, value)), NULL,
	    err);
}

static struct alert_sample *
samples_of(struct arena *arena, const struct rows *rows)
{
	struct alert_sample *samples = arena_array(arena, rows_count(rows), sizeof(*samples));

	for (size_t i = 0; i < rows_count(rows); i++)
		samples[i] = (struct alert_sample) { rows_int(rows, i, 0), rows_num(rows, i, 1) };
	return samples;
}

bool
store_alert_samples(struct db *db, struct arena *arena, const char *series, int64_t seconds,
    struct alert_sample **out, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_SAMPLES), DB_PARAMS(series, db_int(arena, seconds)), &rows,
		err))
		return false;
	*n = rows_count(rows);
	*out = samples_of(arena, rows);
	return true;
}

bool
store_alert_series(struct db *db, struct arena *arena, const char *prefix, int64_t seconds,
    struct alert_series **out, size_t *n, struct error *err)
{
	const struct alert_sample *samples;
	struct rows *rows;

	*n = 0;
	if (!db_exec(db, arena, Q(Q_SERIES), DB_PARAMS(prefix, db_int(arena, seconds)), &rows, err))
		return false;
	samples = samples_of(arena, rows);
	*out = arena_array(arena, rows_count(rows), sizeof(**out));
	for (size_t i = 0; i < rows_count(rows); i++) {
		const char *name = rows_str(rows, i, 2);

		if (*n == 0 || !str_eq((*out)[*n - 1].name, name))
			(*out)[(*n)++] = (struct alert_series) { name, &samples[i], 0 };
		(*out)[*n - 1].n++;
	}
	return true;
}

bool
store_alerts_expire(struct db *db, struct arena *arena, struct error *err)
{
	return db_exec(db, arena, Q(Q_EXPIRE), DB_NO_PARAMS, NULL, err) &&
	    db_exec(db, arena, Q(Q_EXPIRE_SAMPLES), DB_NO_PARAMS, NULL, err);
}
