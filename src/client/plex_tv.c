#include <config.h>

#include "client/plex_tv.h"

#include <string.h>

#include "client/http_out.h"
#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"

#include "core/banned.h"

#define RETRY_AFTER 5 /* seconds */

static bool
unavailable(struct error *err, const char *detail)
{
	int retry_after = err->retry_after > 0 ? err->retry_after : RETRY_AFTER;

	error_slug(err, ERR_UNAVAILABLE, "plex_unavailable",
	    "plex.tv cannot be used at the moment. Signing in with a password works as ever.");
	err->retry_after = retry_after;
	return error_detail(err, "%s", detail);
}

/* What goes into a header or back to plex.tv: visible ASCII. */
static bool
plain(const char *text, size_t max)
{
	const char *p;

	for (p = text; *p > ' ' && *p < 0x7f; p++)
		;
	return *p == '\0' && p > text && (size_t)(p - text) <= max;
}

static bool
call(struct arena *arena, const struct plex_tv *tv, const char *method, const char *path,
    const char *token, const struct cJSON **answer, struct error *err)
{
	size_t base = strlen(tv->url);
	const char *headers[] = {
		"Accept: application/json",
		"X-Plex-Product: " PLEX_PRODUCT,
		"X-Plex-Version: " PACKAGE_VERSION,
		"X-Plex-Platform: Linux",
		"X-Plex-Device-Name: " PLEX_PRODUCT,
		arena_printf(arena, "X-Plex-Client-Identifier: %s", tv->client_id),
		token != NULL ? arena_printf(arena, "X-Plex-Token: %s", token) : NULL,
		NULL,
	};
	struct http_out out = { .method = method,
		.headers = headers,
		.answer_max = PLEX_ANSWER_MAX,
		.allow = tv->allow };
	int64_t left = (tv->deadline - clock_monotonic()) / US_PER_MS;
	struct http_answer got;

	if (left <= 0)
		return unavailable(err, "no time is left");
	while (base > 0 && tv->url[base - 1] == '/')
		base--;
	out.url = arena_printf(arena, "%.*s%s", (int)base, tv->url, path);
	out.timeout_ms = (int)left;
	if (str_eq(method, "POST"))
		out.body = ""; /* a Content-Length is wanted */
	if (!http_out(arena, &out, &got, err))
		return unavailable(err, arena_strdup(arena, err->detail));
	if (got.status == 404)
		return error_set(err, ERR_NOT_FOUND, "plex.tv does not know it.");
	if (got.status / 100 != 2)
		return unavailable(err,
		    arena_printf(arena, "%s %s: status %d", method, path, got.status));
	if ((*answer = json_parse(arena, got.body, got.len, err)) == NULL)
		return unavailable(err,
		    arena_printf(arena, "%s %s: %s", method, path, err->message));
	return true;
}

bool
plex_tv_pin_create(struct arena *arena, const struct plex_tv *tv, struct plex_pin *pin,
    struct error *err)
{
	const struct cJSON *answer;
	int64_t seconds;

	if (!call(arena, tv, "POST", "/api/v2/pins?strong=true", NULL, &answer, err))
		return err->code == ERR_NOT_FOUND ? unavailable(err, "POST pins: status 404") :
						    false;
	pin->id = json_int(answer, "id", 0);
	pin->code = json_str(answer, "code", "");
	if (pin->id <= 0 || !plain(pin->code, PLEX_CODE_MAX))
		return unavailable(err, "POST pins: an answer without id or code");
	seconds = json_int(answer, "expiresIn", PLEX_PIN_SECONDS);
	pin->expires_in = (int)(seconds < PLEX_PIN_SECONDS_MIN ? PLEX_PIN_SECONDS_MIN :
		seconds > PLEX_PIN_SECONDS_MAX                 ? PLEX_PIN_SECONDS_MAX :
								 seconds);
	return true;
}

bool
plex_tv_pin_token(struct arena *arena, const struct plex_tv *tv, int64_t pin_id, const char **token,
    struct error *err)
{
	const struct cJSON *answer;

	if (!call(arena, tv, "GET", arena_printf(arena, "/api/v2/pins/%lld", (long long)pin_id),
		NULL, &answer, err))
		return false;
	*token = json_str(answer, "authToken", NULL);
	if (*token != NULL && **token == '\0')
		*token = NULL;
	return *token == NULL || plain(*token, PLEX_TOKEN_MAX) ||
	    unavailable(err, "GET pins: a token that is none");
}

bool
plex_tv_account(struct arena *arena, const struct plex_tv *tv, const char *token,
    struct plex_account *account, struct error *err)
{
	const struct cJSON *answer;
	const char *name;
	int64_t id;

	if (!call(arena, tv, "GET", "/api/v2/user", token, &answer, err))
		return err->code == ERR_NOT_FOUND ? unavailable(err, "GET user: status 404") :
						    false;
	if ((id = json_int(answer, "id", 0)) <= 0)
		return unavailable(err, "GET user: an answer without id");
	name = json_str(answer, "username", "");
	if (*name == '\0')
		name = json_str(answer, "title", "");
	account->id = arena_printf(arena, "%lld", (long long)id);
	account->name = utf8_clean(arena, name, strlen(name), PLEX_NAME_MAX);
	return true;
}
