/* See accounts.h. */
#include "service/account/accounts.h"

#include <string.h>

#include "core/arena.h"
#include "core/config.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/str.h"
#include "service/call.h"
#include "service/notify/hook_out.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_accounts.h"
#include "core/banned.h"

bool
account_check_password(const char *password, const char *field, struct error *err)
{
	size_t len = strlen(password);

	if (len < PASSWORD_MIN)
		return error_field(err, field, "too_short", "must have at least %d bytes",
		    PASSWORD_MIN);
	if (len > PASSWORD_MAX)
		return error_field(err, field, "too_long", "must have at most %d bytes",
		    PASSWORD_MAX);
	if (password_is_common(password))
		return error_field(err, field, "common", "must be harder to guess");
	return true;
}

bool
account_check(const struct account_request *req, const char **name, struct arena *arena,
    struct error *err)
{
	bool ok = str_is_email(req->email) ||
	    error_field(err, "email", "format", "must be an email address");

	*name = req->display_name != NULL ?
	    req->display_name :
	    arena_strndup(arena, req->email, strcspn(req->email, "@"));
	if (ok &&
	    (!utf8_valid(*name, strlen(*name)) || **name == '\0' ||
		utf8_length(*name) > ACCOUNT_NAME_MAX))
		ok = error_field(err, "displayName", "range", "must have 1 to %d characters",
		    ACCOUNT_NAME_MAX);
	return account_check_password(req->password, "password", err) && ok;
}

bool
account_prepare(struct arena *arena, const struct config *config, const struct account_request *req,
    struct account_ready *ready, struct error *err)
{
	ready->email = req->email;
	ready->role = req->role;
	uuid_v7(ready->id);
	return account_check(req, &ready->name, arena, err) &&
	    password_hash(config_str(config, CFG_RUN_DIR), req->password, ready->hash, err);
}

bool
account_insert(struct db *db, struct arena *arena, const struct account_ready *ready,
    struct error *err)
{
	const struct account_new row = { ready->id, ready->email, ready->name,
		role_name(ready->role), ready->hash };

	if (store_account_insert(db, arena, &row, err))
		return true;
	if (db_violated(err, "users_email_key"))
		return error_slug(err, ERR_CONFLICT, "email_taken", "%.100s already has an account",
		    ready->email);
	return false;
}

bool
account_create(struct db *db, struct arena *arena, const struct config *config,
    const struct account_request *req, char id[UUID_TEXT], struct error *err)
{
	struct services svc = { .db = db };
	struct account_ready ready;

	if (!account_prepare(arena, config, req, &ready, err))
		return false;
	memcpy(id, ready.id, UUID_TEXT);
	return db_begin(db, err) &&
	    db_end(db,
		account_insert(db, arena, &ready, err) &&
		    hook_out_user(SYSTEM_CALL(&svc, arena), id, role_name(req->role), err),
		err);
}

bool
account_list(struct db *db, struct arena *arena, struct user **out, size_t *n, struct error *err)
{
	return store_account_list(db, arena, out, n, err);
}
