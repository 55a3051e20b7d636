/* See store_accounts.h. */
#include "store/store_accounts.h"

#include "core/arena.h"
#include "core/error.h"
#include "store/store_user.h"
#include "core/banned.h"

enum { Q_INSERT, Q_LIST };

const struct query store_accounts_queries[] = {
	[Q_INSERT] = { "account_insert",
	    "INSERT INTO users (id, email, display_name, role, password_hash)"
	    " VALUES ($1, lower($2), $3, $4, $5)",
	    0 },
	[Q_LIST] = { "account_list", "SELECT " USER_SQL " FROM users u ORDER BY u.created_at, u.id",
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
store_account_list(struct db *db, struct arena *arena, struct user **users, size_t *n,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, &store_accounts_queries[Q_LIST], DB_NO_PARAMS, &rows, err))
		return false;
	*n = rows_count(rows);
	*users = arena_array(arena, *n, sizeof(**users));
	for (size_t i = 0; i < *n; i++)
		if (!store_user_from_row(rows, i, &(*users)[i]))
			return error_set(err, ERR_INTERNAL,
			    "the role or tier of %s is unknown to this program", (*users)[i].email);
	return true;
}
