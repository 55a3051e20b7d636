#include "store/store_deliver.h"

#include "core/arena.h"
#include "core/words.h"

#include "core/banned.h"

#define OPEN "status IN ('waiting', 'failed')"
/* Seconds from the first, second, ... failure to the next attempt; the last goes on. */
#define PAUSES "'{5, 30, 120, 600, 1800, 3600}'::integer[]"
#define NEXT "now() + make_interval(secs => (" PAUSES ")[least(d.step + 1, 6)])"
/*
 * How long an endpoint that fails is left alone: a tenth of the time that it has failed for, but
 * less than the shortest of the later pauses, so that many deliveries wait together.
 */
#define REST \
	"least((now() - coalesce(s.failing_since, now())) / 10," \
	" interval '" TEXT(DELIVER_REST_S) " seconds')"
/* A claim that holds: a job with its lease is running. */
#define HELD "EXISTS (SELECT FROM jobs j WHERE j.lease = e.lease AND j.state = 'running')"
#define DUE \
	"EXISTS (SELECT FROM webhook_deliveries d WHERE d.endpoint_id = e.id AND d." OPEN \
	" AND d.next_attempt_at <= now())"
#define FREE \
	" FROM webhook_endpoints e WHERE e.enabled AND e.id <> ALL ($2::uuid[])" \
	" AND (e.rest_until IS NULL OR e.rest_until <= now())" \
	" AND (e.lease IS NULL OR e.lease = $1 OR NOT " HELD ") AND " DUE
#define NEXT_AT SQL_US("n.at")
#define DUE_AT "greatest(d.next_attempt_at, e.rest_until)"
#define TURN " ORDER BY e.served_at NULLS FIRST, e.id"

enum { Q_ADD, Q_RESULTS, Q_OUTCOMES, Q_CLAIM, Q_ROWS, Q_ABSORB, Q_NEXT, Q_GIVE_UP, Q_EXPIRE };

const struct query store_deliver_queries[] = {
	[Q_ADD] = { "deliver_add",
	    "INSERT INTO webhook_deliveries (id, endpoint_id, event, payload, retry_until)"
	    " SELECT gen_random_uuid(), e.id, $1, $2, now() + interval '" TEXT(
		DELIVER_HOURS) " hours' FROM webhook_endpoints e"
			       " WHERE e.enabled AND e.events && ARRAY['*', $1]",
	    0 },
	[Q_RESULTS] = { "deliver_results",
	    "UPDATE webhook_deliveries d SET attempts = d.attempts + 1,"
	    " response_status = nullif(r.status, 0), duration_ms = r.ms,"
	    " error = nullif(r.error, ''),"
	    " delivered_at = CASE WHEN r.ok THEN now() END,"
	    " step = CASE WHEN r.ok THEN 0 ELSE d.step + 1 END,"
	    " next_attempt_at = CASE WHEN r.ok THEN d.next_attempt_at ELSE " NEXT " END,"
	    " status = CASE WHEN r.ok THEN 'delivered' WHEN " NEXT " > d.retry_until THEN 'dead'"
	    " ELSE 'failed' END"
	    " FROM unnest($1::uuid[], $2::boolean[], $3::integer[], $4::integer[], $5::text[])"
	    " AS r(id, ok, status, ms, error) WHERE d.id = r.id AND d." OPEN,
	    0 },
	[Q_OUTCOMES] = { "deliver_outcomes",
	    "WITH r AS (SELECT * FROM unnest($1::uuid[], $2::boolean[], $3::boolean[],"
	    " $4::boolean[], $5::boolean[]) AS r(id, any_ok, failed, gone, released)),"
	    " was AS (SELECT e.id, e.enabled, e.failing_since FROM webhook_endpoints e"
	    " JOIN r USING (id) ORDER BY e.id FOR NO KEY UPDATE OF e),"
	    " state AS (SELECT r.*, was.enabled, was.failing_since,"
	    " was.enabled AND (r.gone OR r.failed AND NOT r.any_ok AND coalesce("
	    "was.failing_since <= now() - make_interval(secs => $6::integer), false)) AS off"
	    " FROM r JOIN was USING (id))"
	    " UPDATE webhook_endpoints e SET"
	    " failing_since = CASE WHEN NOT s.failed AND NOT s.any_ok THEN e.failing_since"
	    " WHEN NOT s.failed THEN NULL WHEN s.any_ok THEN now()"
	    " ELSE coalesce(e.failing_since, now()) END,"
	    " rest_until = CASE WHEN s.failed AND NOT s.any_ok THEN now() + " REST
	    " WHEN s.any_ok THEN NULL ELSE e.rest_until END,"
	    " delivered_at = CASE WHEN s.any_ok THEN now() ELSE e.delivered_at END,"
	    " enabled = e.enabled AND NOT s.off,"
	    " off_reason = CASE WHEN NOT s.off THEN e.off_reason WHEN s.gone THEN 'gone'"
	    " ELSE 'failing' END,"
	    " version = e.version + s.off::integer,"
	    " updated_at = CASE WHEN s.off THEN now() ELSE e.updated_at END,"
	    " lease = CASE WHEN s.released AND e.lease = $7 THEN NULL ELSE e.lease END"
	    " FROM state s WHERE e.id = s.id"
	    " RETURNING e.id, e.origin, CASE WHEN s.off THEN e.off_reason END,"
	    " " SQL_US("s.failing_since") ", s.off OR s.any_ok AND s.failing_since"
					  " <= now() - interval '" TEXT(
					      DELIVER_RECOVERED_S) " seconds'",
	    0 },
	[Q_CLAIM] = { "deliver_claim",
	    "WITH well AS (SELECT e.id" FREE " AND e.failing_since IS NULL" TURN
	    " LIMIT $3::integer FOR NO KEY UPDATE SKIP LOCKED),"
	    " ill AS (SELECT e.id" FREE " AND e.failing_since IS NOT NULL" TURN
	    " LIMIT least($4::integer, $3::integer - (SELECT count(*) FROM well))"
	    " FOR NO KEY UPDATE SKIP LOCKED)"
	    " UPDATE webhook_endpoints e SET lease = $1, served_at = clock_timestamp()"
	    " WHERE e.id IN (SELECT id FROM well UNION ALL SELECT id FROM ill)",
	    0 },
	/* A statement of its own: it has to see what the last holder of the claim has recorded. */
	[Q_ROWS] = { "deliver_rows",
	    "SELECT e.id, e.url, e.headers, e.secret,"
	    " CASE WHEN e.previous_until > now() THEN e.previous_secret END,"
	    " e.failing_since IS NOT NULL, d.id, d.payload FROM webhook_endpoints e,"
	    " LATERAL (SELECT d.id, d.payload, d.next_attempt_at, d.seq FROM webhook_deliveries d"
	    " WHERE d.endpoint_id = e.id AND d." OPEN " AND d.next_attempt_at <= now()"
	    " ORDER BY d.next_attempt_at, d.seq"
	    " LIMIT CASE WHEN e.failing_since IS NULL THEN " TEXT(
		DELIVER_BATCH) " ELSE 1 END) d"
			       " WHERE e.lease = $1 AND e.enabled AND e.id <> ALL ($2::uuid[])"
			       " ORDER BY e.id, d.next_attempt_at, d.seq",
	    0 },
	[Q_ABSORB] = { "deliver_absorb",
	    "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE kind = $1"
	    " AND state = 'available' AND queue = 'deliver' AND run_at <= now()"
	    " FOR UPDATE SKIP LOCKED)",
	    0 },
	[Q_NEXT] = { "deliver_next",
	    "SELECT " NEXT_AT " FROM (SELECT min(" DUE_AT ") AS at"
	    " FROM webhook_endpoints e, LATERAL (SELECT d.next_attempt_at"
	    " FROM webhook_deliveries d WHERE d.endpoint_id = e.id AND d." OPEN
	    " ORDER BY d.next_attempt_at LIMIT 1) d WHERE e.enabled"
	    " AND (e.lease IS NULL OR e.lease = $1 OR NOT " HELD ")) n"
	    " WHERE NOT EXISTS (SELECT FROM jobs WHERE kind = $2 AND state = 'available'"
	    " AND queue = 'deliver' AND run_at <= greatest(n.at, now()))",
	    0 },
	[Q_GIVE_UP] = { "deliver_give_up",
	    "UPDATE webhook_deliveries SET status = 'dead', error = coalesce(error, 'switched_off')"
	    " WHERE id IN (SELECT d.id FROM webhook_deliveries d"
	    " JOIN webhook_endpoints e ON e.id = d.endpoint_id"
	    " WHERE NOT e.enabled AND d." OPEN " AND d.retry_until < now() LIMIT $1::integer)",
	    0 },
	[Q_EXPIRE] = { "deliver_expire",
	    "DELETE FROM webhook_deliveries WHERE id IN (SELECT id FROM webhook_deliveries"
	    " WHERE created_at < now() - interval '" TEXT(
		DELIVER_KEEP_DAYS) " days'"
				   " ORDER BY created_at LIMIT $1::integer)",
	    0 },
	{ .name = NULL },
};
#define Q(id) (&store_deliver_queries[id])

bool
store_deliver_add(struct db *db, struct arena *arena, const char *event, const char *payload,
    int64_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_ADD), DB_PARAMS(event, payload), &rows, err))
		return false;
	*n = rows_affected(rows);
	return true;
}

static bool
record_results(struct db *db, struct arena *arena, const struct deliver_record *r,
    struct error *err)
{
	const char **columns[5];

	for (size_t c = 0; c < 5; c++)
		columns[c] = arena_array(arena, r->nresults, sizeof(**columns));
	for (size_t i = 0; i < r->nresults; i++) {
		columns[0][i] = r->results[i].id;
		columns[1][i] = db_bool(r->results[i].delivered);
		columns[2][i] = db_int(arena, r->results[i].status);
		columns[3][i] = db_int(arena, r->results[i].ms);
		columns[4][i] = r->results[i].error != NULL ? r->results[i].error : "";
	}
	return r->nresults == 0 ||
	    db_exec(db, arena, Q(Q_RESULTS),
		DB_PARAMS(db_array(arena, columns[0], r->nresults),
		    db_array(arena, columns[1], r->nresults),
		    db_array(arena, columns[2], r->nresults),
		    db_array(arena, columns[3], r->nresults),
		    db_array(arena, columns[4], r->nresults)),
		NULL, err);
}

static bool
record_outcomes(struct db *db, struct arena *arena, const struct deliver_record *r,
    struct rows **rows, struct error *err)
{
	const char **columns[5];

	for (size_t c = 0; c < 5; c++)
		columns[c] = arena_array(arena, r->noutcomes, sizeof(**columns));
	for (size_t i = 0; i < r->noutcomes; i++) {
		columns[0][i] = r->outcomes[i].endpoint_id;
		columns[1][i] = db_bool(r->outcomes[i].any_delivered);
		columns[2][i] = db_bool(r->outcomes[i].last_failed);
		columns[3][i] = db_bool(r->outcomes[i].gone);
		columns[4][i] = db_bool(r->outcomes[i].released);
	}
	return db_exec(db, arena, Q(Q_OUTCOMES),
	    DB_PARAMS(db_array(arena, columns[0], r->noutcomes),
		db_array(arena, columns[1], r->noutcomes),
		db_array(arena, columns[2], r->noutcomes),
		db_array(arena, columns[3], r->noutcomes),
		db_array(arena, columns[4], r->noutcomes), db_int(arena, r->off_after), r->lease),
	    rows, err);
}

bool
store_deliver_record(struct db *db, struct arena *arena, const struct deliver_record *r,
    struct deliver_change **out, size_t *n, struct error *err)
{
	struct rows *rows;

	*n = 0;
	if (r->noutcomes == 0)
		return true;
	/* The endpoints first, as the deletion of one locks them. */
	if (!record_outcomes(db, arena, r, &rows, err) || !record_results(db, arena, r, err))
		return false;
	*out = arena_array(arena, rows_count(rows), sizeof(**out));
	for (size_t i = 0; i < rows_count(rows); i++)
		if (rows_bool(rows, i, 4))
			(*out)[(*n)++] = (struct deliver_change) {
				.endpoint_id = rows_str(rows, i, 0),
				.origin = rows_str(rows, i, 1),
				.off_reason = rows_str(rows, i, 2),
				.failing_since = rows_int(rows, i, 3),
			};
	return true;
}

static struct deliver_row
row_of(const struct rows *rows, size_t i)
{
	return (struct deliver_row) {
		.endpoint_id = rows_str(rows, i, 0),
		.url = rows_str(rows, i, 1),
		.headers = rows_str(rows, i, 2),
		.secret = rows_str(rows, i, 3),
		.previous_secret = rows_str(rows, i, 4),
		.failing = rows_bool(rows, i, 5),
		.id = rows_str(rows, i, 6),
		.payload = rows_str(rows, i, 7),
	};
}

bool
store_deliver_claim(struct db *db, struct arena *arena, const struct deliver_claim *claim,
    const char *kind, struct deliver_row **out, size_t *n, struct error *err)
{
	const char *busy = db_array(arena, claim->busy.items, claim->busy.n);
	bool claimed;
	struct rows *rows;

	*n = 0;
	if (!db_exec(db, arena, Q(Q_ABSORB), DB_PARAMS(kind), NULL, err) ||
	    !db_change(db, arena, Q(Q_CLAIM),
		DB_PARAMS(claim->lease, busy, db_int(arena, claim->places),
		    db_int(arena, claim->failing_places)),
		&claimed, err))
		return false;
	if (!claimed)
		return true;
	if (!db_exec(db, arena, Q(Q_ROWS), DB_PARAMS(claim->lease, busy), &rows, err))
		return false;
	*n = rows_count(rows);
	*out = arena_array(arena, *n, sizeof(**out));
	for (size_t i = 0; i < *n; i++)
		(*out)[i] = row_of(rows, i);
	return true;
}

bool
store_deliver_next(struct db *db, struct arena *arena, const char *lease, const char *kind,
    int64_t *at, struct error *err)
{
	struct rows *rows;

	*at = 0;
	if (!db_exec(db, arena, Q(Q_NEXT), DB_PARAMS(lease, kind), &rows, err))
		return false;
	if (rows_count(rows) > 0)
		*at = rows_int(rows, 0, 0);
	return true;
}

bool
store_deliver_expire(struct db *db, struct arena *arena, int limit, int64_t *removed,
    struct error *err)
{
	const char *most = db_int(arena, limit);
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_GIVE_UP), DB_PARAMS(most), NULL, err) ||
	    !db_exec(db, arena, Q(Q_EXPIRE), DB_PARAMS(most), &rows, err))
		return false;
	*removed = rows_affected(rows);
	return true;
}
