#include "service/catalogue/link_visit.h"

#include <hiredis/hiredis.h>
#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/log.h"
#include "core/str.h"
#include "core/words.h"
#include "service/call.h"
#include "service/catalogue/links.h"
#include "service/gate/access.h"
#include "service/gate/admission.h"
#include "service/keyring.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/redis.h"
#include "store/store_links.h"
#include "store/store_sessions.h"

#include "core/banned.h"

/* The key of the hash is derived, so that it is good for nothing else. */
#define PURPOSE "medianest link ticket 1"

static bool
gone(struct error *err)
{
	return error_slug(err, ERR_GONE, "link_gone",
	    "There is nothing here. The link may have ended.");
}

static struct strings
roles_with(struct arena *arena, enum permission permission)
{
	const char **names = arena_array(arena, ROLES, sizeof(*names));
	size_t n = 0;

	for (enum role role = 0; role < ROLES; role++)
		if (access_permissions(role) & PERM_BIT(permission))
			names[n++] = role_name(role);
	return (struct strings) { names, n };
}

/* All visitors of one link together; those at one address are counted before. */
static bool
counted(const struct call *call, const struct link *link, struct error *err)
{
	const struct admission_ask ask = { .who = &principal_nobody,
		.source = arena_printf(call->arena, "link:%s", link->id),
		.address = call->by.address,
		.rate_class = "link",
		.class_limit = config_int(call->svc->config, CFG_LINKS_PER_MINUTE) };
	const struct admission *ignored;

	return ask.class_limit == 0 || admission_check(call, &ask, &ignored, err);
}

/* The link as it stands, whatever its password. */
static bool
find(const struct call *call, const struct link_knock *knock, struct link_visit *visit,
    struct error *err)
{
	unsigned char hash[SHA256_SIZE];
	const struct store_link_visit ask = { .token_hash = hash,
		.may_share = roles_with(call->arena, LINK_PERMISSION),
		.see_all = roles_with(call->arena, PERM_MEDIA_MANAGE_ALL),
		.counted = knock->counted };

	if (!links_enabled(call))
		return gone(err);
	sha256(knock->token, strlen(knock->token), hash);
	if (!store_link_visit(call->svc->db, call->arena, &ask, &visit->link, err))
		return err->code == ERR_NOT_FOUND ? gone(err) : false;
	visit->all = access_permissions(visit->link.owner_role) & PERM_BIT(PERM_MEDIA_MANAGE_ALL);
	return counted(call, &visit->link, err);
}

/* The hash covers that of the password: with another one the ticket is void. */
static bool
sign(const struct call *call, int kid, const struct link *link, const char *expires,
    unsigned char mac[SHA256_SIZE], int *found)
{
	return keyring_mac(call->svc->keys, kid, PURPOSE,
	    arena_printf(call->arena, "%s %s %s", link->id, expires, link->password_hash), mac,
	    found);
}

/* "KEY.SECONDS.HASH". */
static bool
ticket_holds(const struct call *call, const struct link *link, const char *ticket)
{
	const char *first = ticket != NULL ? strchr(ticket, '.') : NULL, *second, *expires;
	unsigned char mac[SHA256_SIZE], *claimed;
	int64_t kid, until;
	size_t len;

	if (first == NULL || (second = strchr(first + 1, '.')) == NULL)
		return false;
	expires = arena_strndup(call->arena, first + 1, (size_t)(second - first) - 1);
	if (!str_to_int(arena_strndup(call->arena, ticket, (size_t)(first - ticket)), 1,
		KEY_NUMBER_MAX, &kid) ||
	    !str_to_int(expires, 1, INT64_MAX / US_PER_SEC, &until) ||
	    until * US_PER_SEC <= clock_now())
		return false;
	claimed = base64url_decode(call->arena, second + 1, strlen(second + 1), &len);
	return claimed != NULL && len == sizeof(mac) &&
	    sign(call, (int)kid, link, expires, mac, NULL) &&
	    secure_equal(mac, claimed, sizeof(mac));
}

bool
link_visit(const struct call *call, const struct link_knock *knock, struct link_visit *visit,
    struct error *err)
{
	if (!find(call, knock, visit, err))
		return false;
	return visit->link.password_hash == NULL ||
	    ticket_holds(call, &visit->link, knock->ticket) ||
	    error_slug(err, ERR_UNAUTHENTICATED, "link_password", "This link asks for a password.");
}

static bool
make_ticket(const struct call *call, const struct link *link, const char **ticket,
    int64_t *expires_at, struct error *err)
{
	int64_t until = clock_now() / US_PER_SEC + LINK_TICKET_SECONDS;
	const char *expires = arena_printf(call->arena, "%lld", (long long)until);
	unsigned char mac[SHA256_SIZE];
	int kid;

	if (!sign(call, 0, link, expires, mac, &kid))
		return error_set(err, ERR_UNAVAILABLE,
		    "The server has no key to sign tickets with.");
	*ticket = arena_printf(call->arena, "%d.%s.%s", kid, expires,
	    base64url_encode(call->arena, mac, sizeof(mac)));
	*expires_at = until * US_PER_SEC;
	return true;
}

/* In PostgreSQL, so that guesses are counted without Redis too. */
static struct login_who
guesser(const struct call *call, const struct link *link)
{
	const char *address = admission_address(call->arena, call->by.address);

	return (struct login_who) {
		.subjects = { [LOGIN_PAIR] =
				  arena_printf(call->arena, "link:%s %s", link->id, address),
		    [LOGIN_ACCOUNT] = arena_printf(call->arena, "link:%s", link->id),
		    [LOGIN_ADDRESS] = arena_printf(call->arena, "address:%s", address) },
		.email = "",
		.address = address,
	};
}

static bool
may_guess(const struct call *call, const struct login_state *state, struct error *err)
{
	const int64_t limits[LOGIN_SUBJECTS] = {
		[LOGIN_PAIR] = config_int(call->svc->config, CFG_LOGIN_PER_ACCOUNT_ADDRESS),
		[LOGIN_ACCOUNT] = config_int(call->svc->config, CFG_LOGIN_PER_ACCOUNT),
		[LOGIN_ADDRESS] = config_int(call->svc->config, CFG_LOGIN_PER_ADDRESS),
	};

	for (size_t i = 0; i < LOGIN_SUBJECTS; i++) {
		if (state->failures[i] == 0 || state->failures[i] < limits[i])
			continue;
		error_slug(err, ERR_RATE_LIMITED, "too_many_attempts",
		    "Too many wrong passwords. Try again in %lld minutes.",
		    (long long)((state->seconds[i] + 59) / 60));
		err->retry_after = (int)state->seconds[i];
		return false;
	}
	return true;
}

static bool
guess(const struct call *call, const struct link *link, const char *password, struct error *err)
{
	const struct login_who who = guesser(call, link);
	struct db *db = call->svc->db;
	struct login_state state;
	bool ok, outdated;

	if (!store_login_state(db, call->arena, &who, &state, err) ||
	    !may_guess(call, &state, err) ||
	    !password_verify(config_str(call->svc->config, CFG_RUN_DIR), link->password_hash,
		password, &ok, &outdated, err))
		return false;
	if (ok)
		return state.failures[LOGIN_PAIR] == 0 ||
		    store_login_forget(db, call->arena, who.subjects[LOGIN_PAIR], err);
	return store_login_failed(db, call->arena, &who, err) &&
	    error_slug(err, ERR_UNAUTHENTICATED, "invalid_credentials", "Wrong password.");
}

bool
link_unlock(const struct call *call, const char *token, const char *password, const char **ticket,
    int64_t *expires_at, struct error *err)
{
	const struct link_knock knock = { .token = token };
	struct link_visit visit;

	return find(call, &knock, &visit, err) &&
	    (visit.link.password_hash == NULL || guess(call, &visit.link, password, err)) &&
	    make_ticket(call, &visit.link, ticket, expires_at, err);
}

bool
link_items(const struct call *call, const struct link_visit *visit, const struct list_ask *ask,
    struct media **items, struct page *page, struct error *err)
{
	struct store_link_items_ask wanted = {
		.link_id = visit->link.id, .all = visit->all, .limit = ask->limit + 1
	};
	struct list_position after;
	struct store_link_items found;

	if (!list_after(call->arena, LIST_LINK_ITEMS, ask->cursor, &after, err))
		return false;
	wanted.after = after.number;
	wanted.after_id = after.id;
	if (!store_link_items(call->svc->db, call->arena, &wanted, &found, err))
		return false;
	*items = found.items;
	if (list_cut(page, found.n, ask->limit)) {
		after = (struct list_position) { .id = found.items[page->n - 1].id,
			.number = found.places[page->n - 1] };
		page->next = list_cursor(call->arena, LIST_LINK_ITEMS, &after);
	}
	return true;
}

bool
link_item(const struct call *call, const struct link_visit *visit, const char *media_id,
    struct media *media, struct error *err)
{
	const struct store_link_items_ask wanted = {
		.link_id = visit->link.id, .all = visit->all, .media_id = media_id, .limit = 1
	};
	struct store_link_items found;

	if (!store_link_items(call->svc->db, call->arena, &wanted, &found, err))
		return false;
	if (found.n == 0)
		return error_set(err, ERR_NOT_FOUND, "There is no such item here.");
	*media = found.items[0];
	return true;
}

/* Whether this visit has begun now; without Redis nobody knows, and it is not counted. */
static bool
visit_begins(const struct call *call, const struct link *link)
{
	const char *who = arena_printf(call->arena, "%s %s %s", link->id,
	    admission_address(call->arena, call->by.address),
	    call->by.device != NULL ? call->by.device : "");
	struct redisReply *reply;
	char hash[SHA256_HEX];
	struct error ignored;

	sha256_hex(who, strlen(who), hash);
	return redis_command(call->svc->redis, call->arena,
		   REDIS_ARGV("SET", redis_key(call->svc->redis, call->arena, "visit:%s", hash),
		       "1", "NX", "EX", TEXT(LINK_VISIT_SECONDS)),
		   &reply, &ignored) &&
	    reply->type == REDIS_REPLY_STATUS;
}

void
link_viewed(const struct call *call, const struct link *link)
{
	struct error why;

	if (str_eq(call->by.who->user_id, link->owner_id) || !visit_begins(call, link))
		return;
	if (!store_link_viewed(call->svc->db, call->arena, link->id, &why))
		log_warn(call->svc->log, "a view of a public link is not counted: %s %s",
		    why.message, why.detail);
}
