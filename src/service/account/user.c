#include "service/account/user.h"

#include "store/store_sessions.h"

#include "core/banned.h"

void
user_from_row(const struct rows *rows, size_t row, struct user *user)
{
	*user = (struct user) {
		.id = rows_str(rows, row, PERSON_ID),
		.email = rows_str(rows, row, PERSON_EMAIL),
		.display_name = rows_str(rows, row, PERSON_NAME),
		.active = rows_bool(rows, row, PERSON_ACTIVE),
		.generation = rows_int(rows, row, PERSON_GENERATION),
		.created_at = rows_int(rows, row, PERSON_CREATED),
		.last_login_at = rows_int(rows, row, PERSON_LOGIN),
		.totp_enabled = rows_bool(rows, row, PERSON_TOTP),
		.plex_linked = rows_bool(rows, row, PERSON_PLEX),
	};
	role_parse(rows_str(rows, row, PERSON_ROLE), &user->role);
	tier_parse(rows_str(rows, row, PERSON_TIER), &user->tier);
}
