/* See store_user.h. */
#include "store/store_user.h"

#include "core/arena.h"

#include "core/banned.h"

bool
store_user_from_row(const struct rows *rows, size_t row, struct user *user)
{
	bool known_role, known_tier;

	*user = (struct user) {
		.id = rows_str(rows, row, 0),
		.email = rows_str(rows, row, 1),
		.display_name = rows_str(rows, row, 2),
		.active = rows_bool(rows, row, 5),
		.generation = rows_int(rows, row, 6),
		.created_at = rows_int(rows, row, 7),
		.last_login_at = rows_int(rows, row, 8),
		.totp_enabled = rows_bool(rows, row, 9),
		.plex_linked = rows_bool(rows, row, 10),
		.version = rows_int(rows, row, 11),
		.time_zone = rows_str(rows, row, 12),
	};
	known_role = role_parse(rows_str(rows, row, 3), &user->role);
	known_tier = tier_parse(rows_str(rows, row, 4), &user->tier);
	return known_role && known_tier;
}

void
store_user_or_none(const struct rows *rows, struct user *user)
{
	*user = (struct user) { .id = NULL };
	if (rows_count(rows) > 0)
		(void)store_user_from_row(rows, 0, user);
}

void
store_users_from_rows(struct arena *arena, const struct rows *rows, struct user **users, size_t *n)
{
	*n = rows_count(rows);
	*users = arena_array(arena, *n, sizeof(**users));
	for (size_t i = 0; i < *n; i++)
		(void)store_user_from_row(rows, i, &(*users)[i]);
}
