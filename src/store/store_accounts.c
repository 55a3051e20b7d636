/* See store_accounts.h. */
#include "store/store_accounts.h"

#include "core/banned.h"

enum { Q_INSERT, Q_LIST };

const struct query store_accounts_queries[] = {
	[Q_INSERT] = { "account_insert",
	    "INSERT INTO users (id, email, display_name, role, password_hash)"
	    " VALUES ($1, lower($2), $3, $4, $5)",
	    0 },
	[Q_LIST] = { "account_list",
	    "SELECT id, email, display_name, role, tier, status, " SQL_US("created_at") ", " SQL_US(
		"last_login_at") " FROM users ORDER BY created_at, id",
	    QUERY_READ },
	{ .name = NULL },
};

bool
store_account_insert(struct db *db, struct arena *arena, const struct account_new *a,
    struct error *err)
{
	return db_exec(db, arena, &store_accounts_queries[Q_INSERT],
	    DB_PARAMS(a->id, a->email, a->display_name, a->role, a->password_hash), NULL, err);
}

bool
store_account_list(struct db *db, struct arena *arena, struct rows **rows, struct error *err)
{
	return db_exec(db, arena, &store_accounts_queries[Q_LIST], DB_NO_PARAMS, rows, err);
}
