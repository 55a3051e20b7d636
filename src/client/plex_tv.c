#include "client/plex_tv.h"

#include <stdbool.h>
#include <string.h>

#include "client/http_out.h"
#include "client/plex_internal.h"
#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"

#include "core/banned.h"

#define RETRY_AFTER 5 /* seconds */

static enum answer_kind
unavailable(struct error *err, const char *detail)
{
	int retry_after = err->retry_after > 0 ? err->retry_after : RETRY_AFTER;

	error_slug(err, ERR_UNAVAILABLE, "plex_unavailable",
	    "plex.tv is not available right now. Try again later, or sign in with your password.");
	err->retry_after = retry_after;
	error_detail(err, "%s", detail);
	return ANSWER_UNKNOWN;
}

/* Texts for headers and for plex.tv: visible ASCII. */
static bool
plain(const char *text, size_t max)
{
	const char *p;

	for (p = text; *p > ' ' && *p < 0x7f; p++)
		;
	return *p == '\0' && p > text && (size_t)(p - text) <= max;
}

static enum answer_kind
call(struct arena *arena, const struct plex_tv *tv, const char *method, const char *path,
    const char *token, const struct cJSON **answer, struct error *err)
{
	const struct plex_caller by = { tv->url, tv->client_id, token };
	struct http_out out = { .method = method,
		.service = "plex.tv",
		.answer_max = PLEX_ANSWER_MAX,
		.rules = tv->rules };
	int64_t left = (tv->deadline - clock_monotonic()) / US_PER_MS;
	struct http_answer got;
	enum answer_kind kind;

	if (left <= 0)
		return unavailable(err, "the deadline has passed");
	plex_address(arena, &by, path, &out);
	out.timeout_ms = (int)left;
	if (str_eq(method, "POST"))
		out.body = ""; /* makes libcurl send a Content-Length */
	if (!http_out(arena, &out, &got, err))
		return unavailable(err,
		    arena_printf(arena, "%s: %s", error_slug_of(err), err->detail));
	if ((kind = answer_kind_of(got.status)) == ANSWER_UNKNOWN)
		return unavailable(err,
		    arena_printf(arena, "%s %s: status %d", method, path, got.status));
	if (kind == ANSWER_PRESENT && (*answer = json_parse(arena, got.body, got.len, err)) == NULL)
		return unavailable(err,
		    arena_printf(arena, "%s %s: %s", method, path, err->message));
	return kind;
}

/* 'Absent' counts as unknown for things that plex.tv always has. */
static enum answer_kind
expect(enum answer_kind kind, const char *what, struct error *err)
{
	return kind == ANSWER_ABSENT ? unavailable(err, what) : kind;
}

enum answer_kind
plex_tv_pin_create(struct arena *arena, const struct plex_tv *tv, struct plex_pin *pin,
    struct error *err)
{
	const struct cJSON *answer;
	int64_t seconds;

	if (expect(call(arena, tv, "POST", "/api/v2/pins?strong=true", NULL, &answer, err),
		"POST pins: not found", err) == ANSWER_UNKNOWN)
		return ANSWER_UNKNOWN;
	pin->id = json_int(answer, "id", 0);
	pin->code = json_str(answer, "code", "");
	if (pin->id <= 0 || !plain(pin->code, PLEX_CODE_MAX))
		return unavailable(err, "POST pins: an answer without id or code");
	seconds = json_int(answer, "expiresIn", PLEX_PIN_SECONDS);
	pin->expires_in = (int)(seconds < PLEX_PIN_SECONDS_MIN ? PLEX_PIN_SECONDS_MIN :
		seconds > PLEX_PIN_SECONDS_MAX                 ? PLEX_PIN_SECONDS_MAX :
								 seconds);
	return ANSWER_PRESENT;
}

enum answer_kind
plex_tv_pin_token(struct arena *arena, const struct plex_tv *tv, int64_t pin_id, const char **token,
    struct error *err)
{
	const char *path = arena_printf(arena, "/api/v2/pins/%lld", (long long)pin_id);
	const struct cJSON *answer;
	enum answer_kind kind = call(arena, tv, "GET", path, NULL, &answer, err);

	if (kind != ANSWER_PRESENT)
		return kind;
	*token = json_str(answer, "authToken", NULL);
	if (*token != NULL && **token == '\0')
		*token = NULL;
	if (*token != NULL && !plain(*token, PLEX_TOKEN_MAX))
		return unavailable(err, "GET pins: not a valid token");
	return ANSWER_PRESENT;
}

enum answer_kind
plex_tv_account(struct arena *arena, const struct plex_tv *tv, const char *token,
    struct plex_account *account, struct error *err)
{
	const struct cJSON *answer;
	const char *name;
	int64_t id;

	if (expect(call(arena, tv, "GET", "/api/v2/user", token, &answer, err),
		"GET user: not found", err) == ANSWER_UNKNOWN)
		return ANSWER_UNKNOWN;
	if ((id = json_int(answer, "id", 0)) <= 0)
		return unavailable(err, "GET user: an answer without id");
	name = json_str(answer, "username", "");
	if (*name == '\0')
		name = json_str(answer, "title", "");
	account->id = arena_printf(arena, "%lld", (long long)id);
	account->name = utf8_clean(arena, name, strlen(name), PLEX_NAME_MAX);
	return ANSWER_PRESENT;
}
