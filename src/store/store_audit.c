#include "store/store_audit.h"

#include "core/arena.h"
#include "core/str.h"

#include "core/banned.h"

#define AUDIT \
	"a.id, " SQL_US( \
	    "a.at") ", a.actor_id, a.actor, a.action, a.target_type, a.target_id, a.detail," \
		    " a.address, a.request_id"
#define CHAIN_LOCK "7236101" /* advisory lock: one chainer, or any number of writers */

enum { Q_ADD, Q_LIST, Q_LOCK, Q_LAST, Q_UNCHAINED, Q_CHAIN_ADD, Q_CHAIN_READ, Q_UNCHAINED_COUNT };

const struct query store_audit_queries[] = {
	/*
	 * Writers share the lock: the chainer, who takes it alone, sees each row, or each writer
	 * sees the chainer's job ended.
	 */
	[Q_ADD] = { "audit_add",
	    "INSERT INTO audit_log (actor_id, actor, action, target_type, target_id, detail,"
	    " address, request_id) "
	    "SELECT $1::uuid, coalesce((SELECT email FROM users"
	    " WHERE id = $1::uuid), 'system'), $2, $3, $4, coalesce($5::jsonb, '{}'), $6, $7 "
	    "FROM pg_advisory_xact_lock_shared(" CHAIN_LOCK ")",
	    0 },
	[Q_LIST] = { "audit_list",
	    "SELECT " AUDIT
	    " FROM audit_log a WHERE ($1::uuid IS NULL OR a.actor_id = $1) AND ($2::text IS NULL"
	    " OR starts_with(a.action, $2)) "
	    "AND ($3::text IS NULL OR a.target_id = $3) AND ($4::timestamptz IS NULL OR a.at >= $4)"
	    " AND ($5::timestamptz IS NULL OR a.at < $5) "
	    "AND ($6::bigint IS NULL OR a.id < $6) ORDER BY a.id DESC LIMIT $7::int",
	    QUERY_READ },
	[Q_LOCK] = { "audit_chain_lock", "SELECT pg_advisory_xact_lock(" CHAIN_LOCK ")", 0 },
	[Q_LAST] = { "audit_chain_last",
	    "SELECT seq, encode(hash, 'hex') FROM audit_chain ORDER BY seq DESC LIMIT 1",
	    QUERY_READ },
	[Q_UNCHAINED] = { "audit_unchained",
	    "SELECT " AUDIT " FROM audit_log a WHERE NOT EXISTS (SELECT 1 FROM audit_chain c"
	    " WHERE c.audit_id = a.id) ORDER BY a.id LIMIT $1::int",
	    QUERY_READ },
	[Q_CHAIN_ADD] = { "audit_chain_add",
	    "INSERT INTO audit_chain (seq, audit_id, hash) VALUES ($1, $2, $3)", 0 },
	[Q_CHAIN_READ] = { "audit_chain_read",
	    "SELECT " AUDIT ", c.seq, encode(c.hash, 'hex') FROM audit_chain c JOIN audit_log a"
	    " ON a.id = c.audit_id WHERE c.seq > $1 ORDER BY c.seq "
	    "LIMIT $2::int",
	    QUERY_READ },
	[Q_UNCHAINED_COUNT] = { "audit_unchained_count",
	    "SELECT count(*) FROM audit_log a WHERE NOT EXISTS (SELECT 1 FROM audit_chain c"
	    " WHERE c.audit_id = a.id)",
	    QUERY_READ },
	{ .name = NULL },
};
#define Q(id) (&store_audit_queries[id])

bool
store_audit_add(struct db *db, struct arena *arena, const struct audit_new *new, struct error *err)
{
	return db_exec(db, arena, Q(Q_ADD),
	    DB_PARAMS(new->actor_id, new->action, new->target_type, new->target_id, new->detail,
		new->address, new->request_id),
	    NULL, err);
}

bool
store_audit_list(struct db *db, struct arena *arena, const struct store_audit_filter *f,
    struct rows **rows, struct error *err)
{
	return db_exec(db, arena, Q(Q_LIST),
	    DB_PARAMS(f->actor, f->action, f->target, db_time(arena, f->from),
		db_time(arena, f->to), f->before, db_int(arena, f->limit)),
	    rows, err);
}

bool
store_audit_chain_lock(struct db *db, struct arena *arena, struct rows **last, struct error *err)
{
	/* Two statements: the second one's view begins after the lock was won. */
	return db_exec(db, arena, Q(Q_LOCK), DB_NO_PARAMS, NULL, err) &&
	    db_exec(db, arena, Q(Q_LAST), DB_NO_PARAMS, last, err);
}

bool
store_audit_unchained(struct db *db, struct arena *arena, int limit, struct rows **rows,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_UNCHAINED), DB_PARAMS(db_int(arena, limit)), rows, err);
}

bool
store_audit_chain_add(struct db *db, struct arena *arena, int64_t seq, const char *audit_id,
    const void *hash, size_t len, struct error *err)
{
	return db_exec(db, arena, Q(Q_CHAIN_ADD),
	    DB_PARAMS(db_int(arena, seq), audit_id, db_bytea(arena, hash, len)), NULL, err);
}

bool
store_audit_chain_read(struct db *db, struct arena *arena, int64_t after, int limit,
    struct rows **rows, struct error *err)
{
	return db_exec(db, arena, Q(Q_CHAIN_READ),
	    DB_PARAMS(db_int(arena, after), db_int(arena, limit)), rows, err);
}

bool
store_audit_unchained_count(struct db *db, struct arena *arena, struct rows **rows,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_UNCHAINED_COUNT), DB_NO_PARAMS, rows, err);
}
