#include "service/integrations/hook_sources.h"

#include <string.h>
#include <strings.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/id.h"
#include "core/json.h"
#include "core/str.h"
#include "service/audit.h"
#include "service/call.h"
#include "service/integrations/hook_read.h"
#include "service/seal.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_hooks.h"

#include "core/banned.h"

#define BEARER "Bearer "
#define HUB_PREFIX "sha256="
#define SIGNATURES_MAX 16 /* of one header: a sender that rotates has two */

static bool
unknown_sender(struct error *err)
{
	return error_set(err, ERR_UNAUTHENTICATED,
	    "This webhook has no valid key or signature. Copy the address or the key from the"
	    " settings of MediaNest again.");
}

static bool
no_source(struct error *err)
{
	return error_set(err, ERR_NOT_FOUND, "There is no such source of webhooks.");
}

static struct seal_place
place_of(const char *id)
{
	return (struct seal_place) { "webhook_sources", id, "secret" };
}

/* --- what admins do --- */

struct fresh {
	unsigned char key_hash[SHA256_SIZE];
	const char *key, *secret, *sealed;
};

static bool
make_fresh(const struct call *call, const char *id, struct fresh *fresh, struct error *err)
{
	unsigned char random[HOOK_SECRET_BYTES];

	random_bytes(random, sizeof(random));
	fresh->key = arena_printf(call->arena, HOOK_KEY_PREFIX "%s",
	    base64url_encode(call->arena, random, sizeof(random)));
	sha256(fresh->key, strlen(fresh->key), fresh->key_hash);
	random_bytes(random, sizeof(random));
	fresh->secret = arena_printf(call->arena, HOOK_SECRET_PREFIX "%s",
	    base64_encode(call->arena, random, sizeof(random)));
	return seal_text(call, place_of(id), fresh->secret, strlen(fresh->secret), &fresh->sealed,
	    err);
}

const char *
hook_source_url(const struct call *call, const struct hook_source *source)
{
	const char *base = config_str(call->svc->config, CFG_PUBLIC_URL);

	return arena_printf(call->arena, "%s/api/webhooks/%s%s%s", base, source->source,
	    str_eq(source->source, "generic") ? "/" : "",
	    str_eq(source->source, "generic") ? source->id : "");
}

/* Plex and Overseerr have a field for the address only, or one that people overlook. */
static struct hook_credentials
credentials_of(const struct call *call, const struct hook_source *source, const struct fresh *fresh)
{
	const char *url = hook_source_url(call, source);

	return (struct hook_credentials) {
		.url = str_eq(source->source, "generic") ?
		    url :
		    arena_printf(call->arena, "%s/%s", url, fresh->key),
		.key = fresh->key,
		.secret = fresh->secret,
	};
}

static const char *
audit_detail(const struct call *call, const struct hook_source *source)
{
	struct json *j = json_new(call->arena, 0);

	json_object(j, NULL);
	json_put_str(j, "source", source->source);
	json_put_str(j, "name", source->name);
	json_object_end(j);
	return j->buf.data;
}

static bool
note(const struct call *call, const char *action, const struct hook_source *source,
    struct error *err)
{
	const struct audit_event event = {
		.action = action,
		.target_type = "webhook_source",
		.target_id = source->id,
		.detail = audit_detail(call, source),
	};

	return audit_add(call, &event, err);
}

static bool
add_in(const struct call *call, const struct hook_source_new *new, struct hook_source *source,
    struct error *err)
{
	bool added;

	if (!store_hook_source_add(call->svc->db, call->arena, new, &added, err))
		return false;
	if (!added)
		return error_slug(err, ERR_CONFLICT, "too_many_sources",
		    "There are %d sources of webhooks already. Remove one first.",
		    HOOK_SOURCES_MAX);
	return store_hook_source_get(call->svc->db, call->arena, new->id, source, err) &&
	    note(call, "webhook_source.created", source, err);
}

bool
hook_source_add(const struct call *call, const char *kind, const char *name,
    struct hook_source *source, struct hook_credentials *credentials, struct error *err)
{
	char *id = arena_alloc(call->arena, UUID_TEXT);
	struct fresh fresh;
	struct hook_source_new new = { .id = id,
		.source = kind,
		.name = name,
		.key_hash = fresh.key_hash,
		.max = HOOK_SOURCES_MAX };

	uuid_v7(id);
	if (!make_fresh(call, id, &fresh, err))
		return false;
	new.secret = fresh.sealed;
	if (!db_begin(call->svc->db, err) ||
	    !db_end(call->svc->db, add_in(call, &new, source, err), err))
		return false;
	*credentials = credentials_of(call, source, &fresh);
	return true;
}

bool
hook_source_list(const struct call *call, struct hook_source **sources, size_t *n,
    struct error *err)
{
	return store_hook_sources(call->svc->db, call->arena, sources, n, err);
}

/* The source as it is after a change. */
static bool
changed(const struct call *call, const char *id, const char *action, bool found,
    struct hook_source *source, struct error *err)
{
	if (!found)
		return no_source(err);
	return store_hook_source_get(call->svc->db, call->arena, id, source, err) &&
	    note(call, action, source, err);
}

static bool
change_in(const struct call *call, const char *id, const char *name, const bool *enabled,
    struct hook_source *source, struct error *err)
{
	bool found;

	return store_hook_source_change(call->svc->db, call->arena, id, name,
		   enabled == NULL ? NULL :
		       *enabled    ? "t" :
				     "f",
		   &found, err) &&
	    changed(call, id, "webhook_source.updated", found, source, err);
}

bool
hook_source_change(const struct call *call, const char *id, const char *name, const bool *enabled,
    struct hook_source *source, struct error *err)
{
	return db_begin(call->svc->db, err) &&
	    db_end(call->svc->db, change_in(call, id, name, enabled, source, err), err);
}

static bool
rotate_in(const struct call *call, const char *id, const struct fresh *fresh,
    struct hook_source *source, struct error *err)
{
	bool found;

	return store_hook_source_rotate(call->svc->db, call->arena, id, fresh->key_hash,
		   fresh->sealed, &found, err) &&
	    changed(call, id, "webhook_source.rotated", found, source, err);
}

bool
hook_source_rotate(const struct call *call, const char *id, struct hook_source *source,
    struct hook_credentials *credentials, struct error *err)
{
	struct fresh fresh;

	if (!make_fresh(call, id, &fresh, err) || !db_begin(call->svc->db, err) ||
	    !db_end(call->svc->db, rotate_in(call, id, &fresh, source, err), err))
		return false;
	*credentials = credentials_of(call, source, &fresh);
	return true;
}

static bool
delete_in(const struct call *call, const char *id, struct error *err)
{
	struct hook_source source;
	bool found;

	if (!store_hook_source_get(call->svc->db, call->arena, id, &source, err))
		return false;
	if (source.id == NULL)
		return no_source(err);
	return note(call, "webhook_source.deleted", &source, err) &&
	    store_hook_source_delete(call->svc->db, call->arena, id, &found, err);
}

bool
hook_source_delete(const struct call *call, const char *id, struct error *err)
{
	return db_begin(call->svc->db, err) && db_end(call->svc->db, delete_in(call, id, err), err);
}

/* --- who sends --- */

static bool
timestamp_good(const char *text, struct error *err)
{
	int64_t seconds, now = clock_now() / US_PER_SEC;

	if (text != NULL && str_to_int(text, 0, INT32_MAX * 2LL, &seconds) &&
	    seconds >= now - HOOK_TOLERANCE_SECONDS && seconds <= now + HOOK_TOLERANCE_SECONDS)
		return true;
	return error_slug(err, ERR_UNAUTHENTICATED, "timestamp_invalid",
	    "The webhook-timestamp is not within %d minutes of the server's clock. Send the webhook"
	    " again, and check the sender's clock.",
	    HOOK_TOLERANCE_SECONDS / 60);
}

/* Is the MAC among the "v1,<base64>" of the header? Other versions are passed over. */
static bool
among(struct arena *arena, const char *header, const unsigned char mac[SHA256_SIZE])
{
	for (int i = 0; i < SIGNATURES_MAX && *header != '\0'; i++) {
		size_t len = strcspn(header, " "), start = strlen(HOOK_SIGNATURE_VERSION), got;
		const unsigned char *bytes = str_starts(header, HOOK_SIGNATURE_VERSION) ?
		    base64_decode(arena, header + start, len - start, &got) :
		    NULL;

		if (bytes != NULL && got == SHA256_SIZE && secure_equal(bytes, mac, SHA256_SIZE))
			return true;
		header += len;
		header += strspn(header, " ");
	}
	return false;
}

static bool
standard_good(const struct call *call, const struct hook_proof *proof, const struct sealed *secret)
{
	const struct hook_signed what = { proof->webhook_id, proof->timestamp, proof->body,
		proof->body_len };
	unsigned char mac[SHA256_SIZE];
	const unsigned char *key;
	size_t key_len;

	key = hook_key(call->arena, secret->data, secret->len, &key_len);
	if (key == NULL)
		return false;
	hook_mac(call->arena, key, key_len, &what, mac);
	return among(call->arena, proof->signature, mac);
}

static bool
hub_good(const struct hook_proof *proof, const struct sealed *secret)
{
	unsigned char mac[SHA256_SIZE], got[SHA256_SIZE];

	if (!str_starts(proof->hub_signature, HUB_PREFIX) ||
	    !hex_decode(proof->hub_signature + strlen(HUB_PREFIX), got, sizeof(got)))
		return false;
	hmac_sha256(secret->data, secret->len, proof->body, proof->body_len, mac);
	return secure_equal(got, mac, SHA256_SIZE);
}

static bool
is_signed(const struct hook_proof *proof)
{
	return proof->signature != NULL || proof->hub_signature != NULL;
}

/* Whether every signature that came is this source's. */
static bool
signed_by(const struct call *call, const struct hook_proof *proof, const struct hook_source *source,
    bool *good, struct error *err)
{
	struct sealed secret;

	if (!seal_open(call, place_of(source->id), source->secret, &secret, err))
		return false;
	*good = secret.len > strlen(HOOK_SECRET_PREFIX) &&
	    (proof->signature == NULL || standard_good(call, proof, &secret)) &&
	    (proof->hub_signature == NULL || hub_good(proof, &secret));
	return true;
}

/* The one among the candidates whose secret signed. */
static bool
find_signer(const struct call *call, const struct hook_proof *proof,
    const struct hook_source *sources, size_t n, const char **source_id, struct error *err)
{
	bool good = false;

	if (proof->signature != NULL &&
	    (proof->webhook_id == NULL || !timestamp_good(proof->timestamp, err)))
		return proof->webhook_id == NULL ? unknown_sender(err) : false;
	for (size_t i = 0; i < n && !good; i++) {
		if (!signed_by(call, proof, &sources[i], &good, err))
			return false;
		if (good)
			*source_id = sources[i].id;
	}
	return good ||
	    error_slug(err, ERR_UNAUTHENTICATED, "signature_invalid",
		"The signature of this webhook is wrong. Check the secret of the sender.");
}

/* The key: of the path or query, else the Authorization as it stands, or behind "Bearer ". */
static const char *
key_of(const struct hook_proof *proof)
{
	const char *key = proof->key != NULL ? proof->key : proof->authorization;

	if (key != NULL && proof->key == NULL && strncasecmp(key, BEARER, strlen(BEARER)) == 0)
		key += strlen(BEARER);
	return key != NULL && key[0] != '\0' && strlen(key) <= HOOK_KEY_MAX ? key : NULL;
}

static bool
find_by_key(const struct call *call, const struct hook_proof *proof, const char *key,
    struct hook_source **sources, size_t *n, struct error *err)
{
	unsigned char hash[SHA256_SIZE];

	/* Looked up by its hash: how long that takes tells nothing of the key. */
	sha256(key, strlen(key), hash);
	return store_hook_source_find(call->svc->db, call->arena, proof->source, hash, proof->id,
	    sources, n, err);
}

bool
hook_identify(const struct call *call, const struct hook_proof *proof, const char **source_id,
    struct error *err)
{
	const char *key = key_of(proof);
	struct hook_source *sources = NULL;
	size_t n = 0;

	if (key != NULL && !find_by_key(call, proof, key, &sources, &n, err))
		return false;
	if (n == 0 && proof->key != NULL)
		return unknown_sender(err);
	if (!is_signed(proof)) {
		*source_id = n > 0 ? sources[0].id : NULL;
		return n > 0 || unknown_sender(err);
	}
	/* Without a key, a body costs a MAC for each source. */
	if (n == 0 && proof->body_len > HOOK_PAYLOAD_MAX)
		return error_set(err, ERR_TOO_LARGE,
		    "Without a key, a signed webhook may have at most %lu bytes.",
		    HOOK_PAYLOAD_MAX);
	/* An Authorization that is no key of ours belongs to somebody between the sender and us. */
	if (n == 0 &&
	    !store_hook_source_find(call->svc->db, call->arena, proof->source, NULL, proof->id,
		&sources, &n, err))
		return false;
	return find_signer(call, proof, sources, n, source_id, err);
}
