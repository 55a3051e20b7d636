#include "fcgi-handlers/user_view.h"

#include <stdio.h>

#include "core/json.h"
#include "model/figures.h"
#include "model/user.h"

#include "core/banned.h"

/* A sign-in changes what is shown, but is no change that a person makes: it is not the version. */
void
user_etag(const struct user *user, char out[USER_ETAG])
{
	snprintf(out, USER_ETAG, "%lld-%llx", (long long)user->version,
	    (unsigned long long)user->last_login_at);
}

static void
put_user(struct json *j, const char *key, const struct user *user, const char *etag)
{
	json_object(j, key);
	json_put_str(j, "id", user->id);
	json_put_str(j, "email", user->email);
	json_put_str(j, "displayName", user->display_name);
	json_put_str(j, "role", role_name(user->role));
	json_put_str(j, "tier", tier_name(user->tier));
	json_put_str(j, "status", user->active ? "active" : "disabled");
	json_put_bool(j, "totpEnabled", user->totp_enabled);
	json_put_bool(j, "plexLinked", user->plex_linked);
	json_put_time(j, "createdAt", user->created_at);
	json_put_time(j, "lastLoginAt", user->last_login_at);
	json_opt_str(j, "timeZone", user->time_zone);
	json_put_str(j, "etag", etag);
}

void
user_view(struct json *j, const char *key, const struct user *user)
{
	char etag[USER_ETAG];

	user_etag(user, etag);
	put_user(j, key, user, etag);
	json_object_end(j);
}

static int64_t
quota_of(const struct person_storage *storage, int64_t quota_default)
{
	return storage->quota >= 0 ? storage->quota : quota_default;
}

void
user_storage_etag(const struct user *user, const struct person_storage *storage,
    int64_t quota_default, char out[USER_STORAGE_ETAG])
{
	char version[USER_ETAG];

	user_etag(user, version);
	snprintf(out, USER_STORAGE_ETAG, "%s-%llx-%llx", version,
	    (unsigned long long)storage->bytes,
	    (unsigned long long)quota_of(storage, quota_default));
}

void
user_storage_view(struct json *j, const struct user *user, const struct person_storage *storage,
    int64_t quota_default)
{
	char etag[USER_STORAGE_ETAG];

	user_storage_etag(user, storage, quota_default, etag);
	put_user(j, NULL, user, etag);
	json_object(j, "storage");
	json_put_int(j, "usedBytes", storage->bytes);
	if (storage->quota >= 0 || quota_default > 0)
		json_put_int(j, "quotaBytes", quota_of(storage, quota_default));
	else
		json_put_null(j, "quotaBytes");
	json_put_bool(j, "ownQuota", storage->quota >= 0);
	json_object_end(j);
	json_object_end(j);
}
