#include "service/integrations/overseerr.h"
#include "service/integrations/overseerr_internal.h"

#include <string.h>

#include "client/http_out.h"
#include "client/slots.h"
#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/json.h"
#include "core/log.h"
#include "core/str.h"
#include "service/audit.h"
#include "service/call.h"
#include "service/integrations/requests.h"
#include "service/seal.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_overseerr.h"

#include "core/banned.h"

#define POOL "overseerr"
#define CALL_SLUGS "upstream_" /* of http_out() */
#define OWN_SLUGS "overseerr_" /* say already what clients hear */

static const struct seal_place key_place = { "overseerr_settings", "true", "api_key" };

/* What the slugs of a failed question mean for those who set it up. */
static const struct {
	const char *slug, *code, *message;
} meanings[] = {
	{ "refused_address", "refused_address",
	    "The address is not in outbound.allow, so it is not called." },
	{ "upstream_tls", "tls", "The certificate of this address is not trusted." },
	{ "overseerr_unauthorized", "unauthorized",
	    "Overseerr does not accept the API key. Copy it again from its settings." },
	{ "overseerr_unknown", "not_overseerr",
	    "What responds at this address is not Overseerr or Seerr." },
	{ "upstream_protocol", "not_overseerr",
	    "What responds at this address is not Overseerr or Seerr." },
	{ "upstream_too_long", "not_overseerr",
	    "What responds at this address is not Overseerr or Seerr." },
	{ "overseerr_unavailable", "unreachable",
	    "Overseerr responds, but with an error. Look into its log." },
	{ NULL, "unreachable", "Nothing responds at this address." },
};

static size_t
meaning_of(const struct error *err)
{
	size_t i = 0;

	while (meanings[i].slug != NULL && !str_eq(meanings[i].slug, error_slug_of(err)))
		i++;
	return i;
}

bool
overseerr_get(const struct call *call, struct overseerr_settings *settings, struct error *err)
{
	if (!store_overseerr_get(call->svc->db, call->arena, settings, err))
		return false;
	return settings->url != NULL || error_set(err, ERR_NOT_FOUND, "No Overseerr is set up.");
}

static bool
url_check(const char *url, struct error *err)
{
	return http_out_is_base(url) ||
	    error_field(err, "url", "format",
		"must start with http:// or https:// and contain no user name, query or fragment");
}

/* The key as a header can carry it. */
static bool
key_check(const char *key, struct error *err)
{
	for (const char *p = key; *p != '\0'; p++)
		if (*p <= ' ' || *p >= 0x7f)
			return error_field(err, "apiKey", "format",
			    "must have letters, digits and signs only");
	return true;
}

static const char *
trimmed(struct arena *arena, const char *url)
{
	size_t len = strlen(url);

	while (len > 0 && url[len - 1] == '/')
		len--;
	return arena_strndup(arena, url, len);
}

static const char *
change_detail(struct arena *arena, const struct overseerr_settings *settings)
{
	struct json *j = json_new(arena, 0);

	json_object(j, NULL);
	json_put_str(j, "url", settings->url);
	json_put_bool(j, "enabled", settings->enabled);
	json_object_end(j);
	return j->buf.data;
}

/* In the transaction. */
static bool
set_in(const struct call *call, const struct overseerr_settings *settings, bool fresh,
    struct error *err)
{
	const struct audit_event event = { .action = "overseerr.configured",
		.target_type = "overseerr",
		.detail = change_detail(call->arena, settings) };

	return store_overseerr_put(call->svc->db, call->arena, settings, fresh, err) &&
	    audit_add(call, &event, err) && requests_refresh_soon(call, NULL, err);
}

bool
overseerr_set(const struct call *call, const struct overseerr_change *change,
    struct overseerr_settings *settings, struct error *err)
{
	struct overseerr_settings old,
	    new = { .url = trimmed(call->arena, change->url), .enabled = change->enabled };
	bool fresh;

	if (!url_check(change->url, err) || (change->key != NULL && !key_check(change->key, err)) ||
	    !store_overseerr_get(call->svc->db, call->arena, &old, err))
		return false;
	fresh = !str_eq(old.url, new.url);
	new.key = old.key;
	if (change->key == NULL && fresh)
		return error_field(err, "apiKey", "required",
		    "must be given with a new address: the key of the old one is not sent there");
	if (change->key != NULL &&
	    !seal_text(call, key_place, change->key, strlen(change->key), &new.key, err))
		return false;
	return db_begin(call->svc->db, err) &&
	    db_end(call->svc->db, set_in(call, &new, fresh, err), err) &&
	    overseerr_get(call, settings, err);
}

/* In the transaction. */
static bool
unset_in(const struct call *call, struct error *err)
{
	const struct audit_event event = { .action = "overseerr.removed",
		.target_type = "overseerr" };
	bool was_there;

	if (!store_overseerr_delete(call->svc->db, call->arena, &was_there, err))
		return false;
	return was_there ? audit_add(call, &event, err) :
			   error_set(err, ERR_NOT_FOUND, "No Overseerr is set up.");
}

bool
overseerr_unset(const struct call *call, struct error *err)
{
	return db_begin(call->svc->db, err) && db_end(call->svc->db, unset_in(call, err), err);
}

static bool
open_key(const struct call *call, const struct overseerr_settings *settings,
    struct overseerr *client, struct error *err)
{
	struct sealed key;

	*client =
	    (struct overseerr) { .url = settings->url, .rules = outbound_of(call->svc->config) };
	if (!seal_open(call, key_place, settings->key, &key, err))
		return false;
	client->key = (const char *)key.data;
	return true;
}

bool
overseerr_client(const struct call *call, struct overseerr *client,
    struct overseerr_settings *settings, struct error *err)
{
	if (!overseerr_get(call, settings, err))
		return false;
	if (!settings->enabled)
		return error_slug(err, ERR_CONFLICT, "overseerr_off",
		    "The connection to Overseerr is switched off in the settings.");
	return open_key(call, settings, client, err);
}

static bool
slot(const struct call *call, int *fd, struct error *err)
{
	return slot_enter(config_str(call->svc->config, CFG_RUN_DIR), POOL,
	    (int)config_int(call->svc->config, CFG_POOL_OVERSEERR), fd, err);
}

bool
overseerr_enter(const struct call *call, struct overseerr *client, int *fd, struct error *err)
{
	struct overseerr_settings settings;

	if (!overseerr_client(call, client, &settings, err) || !slot(call, fd, err))
		return false;
	client->deadline = clock_monotonic() + OVERSEERR_CALL_MS * US_PER_MS;
	return true;
}

void
overseerr_leave(int fd)
{
	slot_leave(fd);
}

static bool
from_outside(const struct error *err)
{
	const char *slug = error_slug_of(err);

	return str_eq(slug, meanings[0].slug) || str_starts(slug, CALL_SLUGS) ||
	    str_starts(slug, OWN_SLUGS);
}

void
overseerr_said(const struct call *call, enum answer_kind kind, struct error *err)
{
	size_t i = meaning_of(err);
	struct error ignored, why = *err;

	/* A failure of this house says nothing about Overseerr. */
	if (kind == ANSWER_UNKNOWN && !from_outside(err))
		return;
	if (!store_overseerr_seen(call->svc->db, call->arena,
		kind == ANSWER_UNKNOWN ? meanings[i].code : "ok", NULL, &ignored))
		log_warn(call->svc->log, "the state of Overseerr was not kept: %s",
		    ignored.message);
	if (kind != ANSWER_UNKNOWN || str_starts(error_slug_of(&why), OWN_SLUGS))
		return;
	error_slug(err, ERR_UNAVAILABLE, "overseerr_unavailable",
	    "Overseerr is not available right now. Try again later.");
	error_detail(err, "%s: %s", error_slug_of(&why), why.detail);
}

/* Everything that MediaNest does there: list all requests, decide them, know the users. */
static bool
owner_may(int64_t permissions)
{
	return (permissions & OVERSEERR_ADMIN) != 0 ||
	    ((permissions & OVERSEERR_MANAGE_USERS) != 0 &&
		(permissions & OVERSEERR_MANAGE_REQUESTS) != 0);
}

static void
tried(struct overseerr_trial *trial, enum answer_kind kind, const struct error *why)
{
	if (kind == ANSWER_UNKNOWN) {
		trial->code = meanings[meaning_of(why)].code;
		trial->message = meanings[meaning_of(why)].message;
	} else if (!owner_may(trial->permissions)) {
		trial->code = "unauthorized";
		trial->message = "The key is accepted, but its owner may not manage users and"
				 " requests in Overseerr.";
	} else {
		trial->ok = true;
		trial->code = "ok";
		trial->message = "Overseerr responds and accepts the key.";
	}
}

static void
try_it(const struct call *call, const struct overseerr *client, struct overseerr_trial *trial)
{
	struct overseerr_account owner;
	struct error why = { 0 };
	enum answer_kind kind = overseerr_status(call->arena, client, &trial->version, &why);

	/* The status is public: it shows who is there, and proves nothing about the key. */
	if (kind == ANSWER_PRESENT &&
	    (kind = overseerr_me(call->arena, client, &owner, &why)) == ANSWER_PRESENT) {
		trial->permissions = owner.permissions;
		trial->key_good = true;
	}
	tried(trial, kind, &why);
}

/* The address and key to try: those given, or those that are set up. */
static bool
trial_client(const struct call *call, const char *url, const char *key, struct overseerr *client,
    struct error *err)
{
	struct overseerr_settings settings;

	if (url != NULL && !url_check(url, err))
		return false;
	if (key != NULL && !key_check(key, err))
		return false;
	if (url != NULL && key != NULL) {
		*client = (struct overseerr) { .url = trimmed(call->arena, url),
			.key = key,
			.rules = outbound_of(call->svc->config) };
		return true;
	}
	if (!overseerr_get(call, &settings, err) || !open_key(call, &settings, client, err))
		return false;
	if (url != NULL && !str_eq(trimmed(call->arena, url), settings.url))
		return error_field(err, "apiKey", "required",
		    "must be given with a new address: the key of the old one is not sent there");
	if (key != NULL)
		client->key = key;
	return true;
}

bool
overseerr_try(const struct call *call, const char *url, const char *key,
    struct overseerr_trial *trial, struct error *err)
{
	struct overseerr client;
	int fd;

	*trial = (struct overseerr_trial) { .ok = false };
	if (!trial_client(call, url, key, &client, err) || !slot(call, &fd, err))
		return false;
	client.deadline = clock_monotonic() + OVERSEERR_CALL_MS * US_PER_MS;
	try_it(call, &client, trial);
	slot_leave(fd);
	/* What was tried is what is set up: its state is known now. */
	return url != NULL || key != NULL ||
	    store_overseerr_seen(call->svc->db, call->arena, trial->code, trial->version, err);
}

const char *
overseerr_may(int64_t permissions, size_t n)
{
	return overseerr_permission(permissions, n);
}
