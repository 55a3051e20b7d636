#include "bin/guards.h"

#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
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
#include "service/services.h"
#include "service/account/session.h"
#include "service/account/token.h"
#include "store/pg.h"
#include "store/redis.h"

#include "core/banned.h"

#define BEARER "Bearer "

/*
 * Keeps the refusal until the request was counted as anonymous (guard_admit), for guard_authorize
 * to give.
 */
static void
refuse_later(struct request *req, const struct error *why)
{
	req->auth_error = arena_memdup(req->arena, why, sizeof(*why));
	memset(req->who, 0, sizeof(*req->who));
}

static bool
guard_authenticate(struct request *req, struct error *err)
{
	const char *header = req->authorization;
	struct error why;

	if (header == NULL || (req->route->flags & ROUTE_IGNORE_BEARER) ||
	    req->route->rate == RATE_NONE)
		return true;
	if (strncasecmp(header, BEARER, strlen(BEARER)) != 0) {
		error_slug(&why, ERR_UNAUTHENTICATED, "token_invalid",
		    "Authorization must be a Bearer token.");
		refuse_later(req, &why);
		return true;
	}
	header += strlen(BEARER);
	if (str_starts(header, API_TOKEN_PREFIX))
		return true; /* looked up in guard_admit: this guard does no I/O */
	if (!token_verify(req->arena,
		&(const struct token_issuer) {
		    req->svc->keys, config_str(req->config, CFG_PUBLIC_URL), clock_now() },
		header, strlen(header), req->who, &why))
		refuse_later(req, &why);
	return true;
}

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

/*
 * An API token's owner is read from PostgreSQL; a refused one counts as anonymous, as any bad
 * credentials do.
 */
static bool
look_up_api_token(struct request *req, struct error *err)
{
	const char *header = req->authorization;
	struct error why;

	if (header == NULL || (req->route->flags & ROUTE_IGNORE_BEARER) ||
	    strncasecmp(header, BEARER, strlen(BEARER)) != 0 ||
	    !str_starts(header + strlen(BEARER), API_TOKEN_PREFIX))
		return true;
	if (api_token_verify(req->call, header + strlen(BEARER), req->who, &why))
		return true;
	if (why.code != ERR_UNAUTHENTICATED) {
		*err = why;
		return false;
	}
	refuse_later(req, &why);
	return true;
}

static bool
guard_admit(struct request *req, struct error *err)
{
	const struct class_row *class = &classes[req->route->rate];
	struct admission_ask ask = {
		.who = req->who,
		.address = req->client,
		.rate_class = class->name,
		.class_limit = class->name == NULL ? 0 : config_int(req->config, class->limit),
		.cache_key = req->cache_key,
	};
	const struct admission *adm = NULL;
	struct principal owner;
	bool ok;

	if (req->route->rate == RATE_NONE)
		return true;
	if (!look_up_api_token(req, err))
		return false;
	if (req->route->flags & ROUTE_BY_REFRESH) {
		/* Counted only: a bearer token on logout may well be revoked already. */
		if (!session_peek(req->call, input_str(req->input, "refreshToken"), &owner, err))
			return false;
		owner.session_id[0] = '\0';
		ask.who = &owner;
	}
	ok = admission_check(req->call, &ask, &adm, err);
	if (adm != NULL)
		take_admission(req, adm);
	return ok;
}

static bool
guard_authorize(struct request *req, struct error *err)
{
	const struct admission *adm = req->admission;
	bool signed_in = req->who->user_id[0] != '\0', current;

	/*
	 * Public routes obey live settings too; they go on with older ones while the database is
	 * away.
	 */
	current = access_refresh(req->call, adm == NULL ? NULL : adm->config_version, err);
	if (req->route->permission == PUBLIC) {
		error_clear(err);
		return true;
	}
	if (!signed_in) {
		if (req->auth_error != NULL) {
			*err = *req->auth_error;
			return false;
		}
		return error_set(err, ERR_UNAUTHENTICATED, "Sign in to do this.");
	}
	if (!current)
		return false;
	req->who->permissions = access_permissions(req->who->role);
	if (req->who->scoped) {
		req->who->permissions &= req->who->scopes;
		if (req->route->flags & ROUTE_SESSION_ONLY)
			return error_slug(err, ERR_FORBIDDEN, "session_required",
			    "An API token cannot do this: sign in.");
	}
	if (req->route->permission == PERM_SIGNED_IN ||
	    principal_may(req->who, req->route->permission))
		return true;
	error_set(err, ERR_FORBIDDEN, "Your role does not allow this.");
	return error_detail(err, "%s lacks %s", role_name(req->who->role),
	    permission_name(req->route->permission));
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

static const struct guards guards = {
	.open = guard_open,
	.authenticate = guard_authenticate,
	.admit = guard_admit,
	.authorize = guard_authorize,
	.once_begin = guard_once_begin,
	.once_end = guard_once_end,
	.origin_allowed = guard_origin_allowed,
	.measure = guard_measure,
};

const struct guards *
guards_default(void)
{
	return &guards;
}
