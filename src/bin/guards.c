#include "bin/guards.h"

#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/network.h"
#include "core/str.h"
#include "http/input.h"
#include "http/request.h"
#include "http/response.h"
#include "http/route.h"
#include "service/gate/access.h"
#include "service/gate/admission.h"
#include "service/account/api_token.h"
#include "service/call.h"
#include "service/gate/idempotency.h"
#include "service/integrations/hook_sources.h"
#include "service/services.h"
#include "service/account/session.h"
#include "service/account/token.h"
#include "service/account/token_memory.h"
#include "store/pg.h"
#include "store/redis.h"

#include "core/banned.h"

#define BEARER "Bearer "
#define LOOPBACK "127.0.0.0/8,::1"

struct class_row {
	const char *name;
	enum config_key limit;
};

static const struct class_row classes[RATE_CLASSES] = {
	[RATE_UPLOAD] = { "upload", CFG_LIMIT_CLASS_UPLOAD },
	[RATE_SEARCH] = { "search", CFG_LIMIT_CLASS_SEARCH },
	[RATE_MEDIA] = { "media", CFG_LIMIT_CLASS_MEDIA },
	[RATE_PIN] = { "pin", CFG_LIMIT_CLASS_PIN },
	[RATE_WEBHOOK] = { "webhook", CFG_LIMIT_CLASS_WEBHOOK },
	[RATE_LINK] = { "link", CFG_LIMIT_CLASS_LINK },
};

static void
take_admission(struct request *req, const struct admission *adm)
{
	req->admission = adm;
	req->limit = (struct limit_state) {
		.known = adm->counted,
		.limit = adm->limit,
		.remaining = adm->remaining,
		.reset = adm->reset,
		.window = adm->window,
		.policy = adm->policy,
	};
	req->cached = adm->cached;
	req->cached_len = adm->cached_len;
}

static struct admission_ask
ask_of(const struct request *req)
{
	const struct class_row *class = &classes[req->route->rate];

	return (struct admission_ask) {
		.who = req->subject.who,
		.source = req->subject.source,
		.address = req->client,
		.rate_class = class->name,
		.class_limit = class->name == NULL ? 0 : config_int(req->config, class->limit),
		.cache_key = req->cache_key,
		.uncounted = req->route->rate == RATE_NONE,
	};
}

/* Verified, then counted by guard_admit: bad ones as anonymous. */
static void
identify_access_token(struct request *req, const char *token)
{
	/* of this process; the tokens of a key that is removed meanwhile expire */
	static struct token_memory memory;
	const struct token_issuer by = { req->svc->keys, config_str(req->config, CFG_PUBLIC_URL),
		clock_now() };
	size_t len = strlen(token);
	struct error why;

	if (token_remembered(&memory, token, len, by.now, req->who))
		return;
	if (token_verify(req->arena, &by, token, len, req->who, &why))
		token_remember(&memory, token, len, req->who);
	else
		request_refuse_later(req, &why);
}

/* A refusal may rest on limits that have been changed since this process read them. */
static bool
limits_changed(const struct request *req, const struct admission *adm)
{
	struct error ignored;

	return adm != NULL && adm->config_version != NULL && !access_is(adm->config_version) &&
	    access_refresh(req->call, adm->config_version, &ignored) &&
	    access_is(adm->config_version);
}

static bool
identify_api_token(struct request *req, const char *token, struct error *err)
{
	struct admission_ask ask = ask_of(req);
	const struct admission *adm = NULL;
	struct error why;

	if (api_token_identify(req->call, token, &ask, req->who, &adm, &why))
		return true;
	if (why.code == ERR_RATE_LIMITED && limits_changed(req, adm)) {
		ask = ask_of(req);
		if (api_token_identify(req->call, token, &ask, req->who, &adm, &why))
			return true;
	}
	if (why.code == ERR_UNAUTHENTICATED) {
		request_refuse_later(req, &why);
		return true;
	}
	if (adm != NULL)
		take_admission(req, adm);
	*err = why;
	return false;
}

/* The token of a Bearer header; NULL: none came, or another kind, which auth_error then says. */
static const char *
bearer_of(struct request *req)
{
	struct error why;

	if (req->authorization == NULL)
		return NULL;
	if (strncasecmp(req->authorization, BEARER, strlen(BEARER)) == 0)
		return req->authorization + strlen(BEARER);
	error_slug(&why, ERR_UNAUTHENTICATED, "token_invalid",
	    "Authorization must be a Bearer token.");
	request_refuse_later(req, &why);
	return NULL;
}

static bool
guard_bearer(struct request *req, struct error *err)
{
	const char *token = bearer_of(req);

	if (token == NULL)
		return true;
	if (str_starts(token, API_TOKEN_PREFIX))
		return identify_api_token(req, token, err);
	identify_access_token(req, token);
	return true;
}

/*
 * A scraper that asks nginx itself, from an address of metrics.allow, needs no credentials: it
 * works while everything else is down. What a proxy passes on has the proxy's address, unless nginx
 * trusts that proxy and so knows the real one. This host's own address is never a forwarded one:
 * where whole networks are trusted, each of their machines may write it into the header.
 */
static bool
guard_scraper(struct request *req, struct error *err)
{
	bool forwarded = request_env(req, "MN_FORWARDED") != NULL;
	const char *peer = request_env(req, "MN_PEER");

	if ((forwarded && (str_eq(peer, req->client) || network_list_has(LOOPBACK, req->client))) ||
	    !network_list_has(config_str(req->config, CFG_METRICS_ALLOW), req->client))
		return guard_bearer(req, err);
	req->source = req->client;
	return true;
}

static bool
is_scraper(const struct request *req)
{
	return req->route->auth == AUTH_SCRAPER && req->source != NULL;
}

/* The access token is neither needed nor counted: on logout it may well be revoked already. */
static bool
guard_refresh(struct request *req, struct error *err)
{
	struct principal *owner = arena_alloc(req->arena, sizeof(*owner));
	const char *token = bearer_of(req);

	if (token != NULL && !str_starts(token, API_TOKEN_PREFIX))
		identify_access_token(req, token);
	if (!session_peek(req->call, input_str(req->input, "refreshToken"), owner, err))
		return false;
	owner->session_id[0] = '\0'; /* counted, not judged */
	req->subject.who = owner;
	return true;
}

/*
 * Who visits a public link is nobody. An access token only tells its owner from visitors: one that
 * has ended refuses nothing.
 */
static bool
guard_link(struct request *req, struct error *err)
{
	const char *token = bearer_of(req);

	(void)err;
	if (token != NULL && !str_starts(token, API_TOKEN_PREFIX))
		identify_access_token(req, token);
	req->auth_error = NULL;
	req->subject = (struct subject) { .who = &principal_nobody,
		.source =
		    arena_printf(req->arena, "a:%s", admission_address(req->arena, req->client)) };
	return true;
}

static const char *
param_or_null(const struct request *req, const char *name)
{
	for (unsigned i = 0; i < req->nparams; i++)
		if (strcmp(req->params[i].name, name) == 0)
			return req->params[i].value;
	return NULL;
}

static struct hook_proof
hook_proof(const struct request *req)
{
	const char *key = param_or_null(req, "key");

	return (struct hook_proof) {
		.source = route_hook_source(req->arena, req->route),
		.id = param_or_null(req, "source"),
		.key = key != NULL ? key : input_str(req->input, "key"),
		.authorization = req->authorization,
		.webhook_id = request_env(req, "HTTP_WEBHOOK_ID"),
		.timestamp = request_env(req, "HTTP_WEBHOOK_TIMESTAMP"),
		.signature = request_env(req, "HTTP_WEBHOOK_SIGNATURE"),
		.hub_signature = request_env(req, "HTTP_X_HUB_SIGNATURE_256"),
		.body = req->body != NULL ? req->body : "",
		.body_len = req->body_len,
	};
}

/* A source of webhooks counts for itself, a stranger for the address. */
static bool
guard_hook(struct request *req, struct error *err)
{
	const struct hook_proof proof = hook_proof(req);
	struct error why;

	if (hook_identify(req->call, &proof, &req->source, &why)) {
		req->subject.source = req->source;
		return true;
	}
	req->source = NULL;
	if (why.code != ERR_UNAUTHENTICATED) {
		*err = why;
		return false;
	}
	request_refuse_later(req, &why);
	return true;
}

static bool
guard_admit(struct request *req, struct error *err)
{
	struct admission_ask ask = ask_of(req);
	const struct admission *adm = NULL;
	bool ok;

	if (is_scraper(req) || (ask.uncounted && req->who->session_id[0] == '\0'))
		return true; /* nothing to count, no session to judge */
	ok = admission_check(req->call, &ask, &adm, err);
	if (!ok && err->code == ERR_RATE_LIMITED && limits_changed(req, adm)) {
		ask = ask_of(req);
		ok = admission_check(req->call, &ask, &adm, err);
	}
	if (adm != NULL)
		take_admission(req, adm);
	return ok;
}

static bool
guard_permissions(struct request *req, struct error *err)
{
	const struct admission *adm = req->admission;

	if (is_scraper(req))
		return true;
	if (!access_refresh(req->call, adm == NULL ? NULL : adm->config_version, err))
		return false;
	if (req->who->user_id[0] == '\0')
		return true;
	req->who->permissions = access_permissions(req->who->role);
	if (req->who->scoped)
		req->who->permissions &= req->who->scopes;
	return true;
}

static struct idempotent
once_of(const struct request *req)
{
	return (struct idempotent) {
		.user_id = req->who->user_id,
		.route = arena_printf(req->arena, "%s %s", method_name(req->route->method),
		    req->route->path),
		.key = req->idempotency_key,
		.path = req->path,
		.query = req->query,
		.body = req->body,
		.body_len = req->body_len,
	};
}

static bool
guard_once_begin(struct request *req, const struct kept_answer **out, struct error *err)
{
	const struct idempotent once = once_of(req);
	const struct idempotent_answer *answer;
	struct kept_answer kept;

	if (!idempotency_begin(req->call, &once, &answer, err))
		return false;
	if (answer != NULL) {
		kept = (struct kept_answer) { answer->status, answer->text, answer->len };
		*out = arena_memdup(req->arena, &kept, sizeof(kept));
	}
	return true;
}

static bool
guard_once_end(struct request *req, const struct response *res, struct error *err)
{
	const struct idempotent once = once_of(req);

	if (res == NULL) {
		idempotency_undo(req->svc);
		return true;
	}
	return idempotency_keep(req->call, &once, res->status,
	    res->memo != NULL ? res->memo : arena_strndup(req->arena, res->body, res->body_len),
	    err);
}

static bool
guard_origin_allowed(const struct request *req, const char *origin)
{
	return config_origin_allowed(req->config, origin);
}

static void
guard_measure(struct request *req)
{
	if (req->timing.at_database == 0)
		req->timing.at_database = db_asked_at(req->svc->db);
	req->timing.db += db_time_us(req->svc->db);
	if (req->svc->redis != NULL)
		req->timing.cache += redis_time_us(req->svc->redis);
}

static void
guard_open(struct request *req)
{
	struct call call = { .svc = req->svc,
		.arena = req->arena,
		.by = { .who = req->who,
		    .address = req->client,
		    .request_id = req->request_id,
		    .device = req->user_agent } };

	req->call = arena_memdup(req->arena, &call, sizeof(call));
}

static void
guard_begin(struct request *req)
{
	db_mark(req->svc->db);
}

static bool
guard_undone(const struct request *req, const struct error *err)
{
	return db_undone(req->svc->db, err);
}

static const struct guards guards = {
	.open = guard_open,
	.identify = { [AUTH_BEARER] = guard_bearer,
	    [AUTH_SESSION] = guard_bearer,
	    [AUTH_REFRESH] = guard_refresh,
	    [AUTH_HOOK] = guard_hook,
	    [AUTH_LINK] = guard_link,
	    [AUTH_SCRAPER] = guard_scraper },
	.admit = guard_admit,
	.permissions = guard_permissions,
	.once_begin = guard_once_begin,
	.once_end = guard_once_end,
	.begin = guard_begin,
	.undone = guard_undone,
	.origin_allowed = guard_origin_allowed,
	.measure = guard_measure,
};

const struct guards *
guards_default(void)
{
	return &guards;
}
