#include "service/notify/notify_inbox.h"

#include <string.h>

#include "core/access.h"
#include "core/arena.h"
#include "core/config.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/id.h"
#include "core/json.h"
#include "core/str.h"
#include "service/call.h"
#include "service/notify/notify.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/redis.h"
#include "store/store_notifications.h"

#include "core/banned.h"

bool
inbox_list(const struct call *call, const struct inbox_ask *ask, struct inbox *inbox,
    struct page *page, struct error *err)
{
	const char *cursor = ask->list.cursor;
	/* A cursor continues in its own direction. */
	bool ascending =
	    cursor == NULL ? ask->after >= 0 : list_is_of(call->arena, LIST_INBOX_AFTER, cursor);
	enum list_kind kind = ascending ? LIST_INBOX_AFTER : LIST_INBOX_NEWEST;
	struct notification_ask of = {
		.user = call->by.who->user_id,
		.ascending = ascending,
		.unread_only = ask->unread,
		.kind = ask->kind,
		.limit = ask->list.limit + 1,
	};
	struct notification_list list;
	struct list_position after;

	if (!list_after(call->arena, kind, cursor, &after, err))
		return false;
	of.position = cursor == NULL && ascending ? ask->after : after.number;
	if (!store_notifications_list(call->svc->db, call->arena, &of, &list, err))
		return false;
	inbox->items = list.items;
	inbox->unread = list.unread;
	if (list_cut(page, list.n, ask->list.limit)) {
		after.number = list.items[page->n - 1].seq;
		page->next = list_cursor(call->arena, kind, &after);
	}
	return true;
}

bool
inbox_read(const struct call *call, const char *id, struct notification *out, struct error *err)
{
	out->id = NULL;
	if (uuid_valid(id) &&
	    !store_notification_read(call->svc->db, call->arena, call->by.who->user_id, id, out,
		err))
		return false;
	return out->id != NULL || error_set(err, ERR_NOT_FOUND, "There is no such notification.");
}

bool
inbox_read_all(const struct call *call, struct error *err)
{
	return store_notifications_read_all(call->svc->db, call->arena, call->by.who->user_id, err);
}

bool
inbox_delete(const struct call *call, const char *id, struct error *err)
{
	bool found;

	return store_notification_delete(call->svc->db, call->arena, call->by.who->user_id, id,
		   &found, err) &&
	    (found || error_set(err, ERR_NOT_FOUND, "There is no such notification."));
}

static bool
preferences_of(const struct call *call, const char *user, struct notification_preference **out,
    size_t *n, struct error *err)
{
	struct notification_preference *set;
	size_t nset;

	if (!store_notification_preferences(call->svc->db, call->arena, user, &set, &nset, err))
		return false;
	for (*n = 0; notify_kinds[*n].kind != NULL; (*n)++)
		continue;
	*out = arena_array(call->arena, *n, sizeof(**out));
	for (size_t k = 0; k < *n; k++) {
		(*out)[k] = (struct notification_preference) {
			.kind = notify_kinds[k].kind,
			.email = notify_kinds[k].email,
			.page = true,
		};
		for (size_t i = 0; i < nset; i++) {
			if (str_eq(set[i].kind, notify_kinds[k].kind))
				(*out)[k] = set[i];
		}
	}
	return true;
}

bool
inbox_preferences(const struct call *call, struct notification_preference **out, size_t *n,
    struct error *err)
{
	return preferences_of(call, call->by.who->user_id, out, n, err);
}

int
inbox_digest_hour(const struct call *call)
{
	return (int)config_int(call->svc->config, CFG_NOTIFY_DIGEST_HOUR);
}

/* In the transaction. */
static bool
prefer_in(const struct call *call, const char *user, const struct notification_preference *set,
    size_t n, struct error *err)
{
	for (size_t i = 0; i < n; i++)
		if (!store_notification_prefer(call->svc->db, call->arena, user, &set[i], err))
			return false;
	return true;
}

bool
inbox_prefer(const struct call *call, const struct notification_preference *set, size_t n,
    struct error *err)
{
	return db_begin(call->svc->db, err) &&
	    db_end(call->svc->db, prefer_in(call, call->by.who->user_id, set, n, err), err);
}

bool
inbox_end_mails(const struct call *call, const char *user, const char *what, struct error *err)
{
	struct notification_preference *set;
	size_t n, ended = 0;

	if (!preferences_of(call, user, &set, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!str_eq(set[i].kind, what) && !str_eq(set[i].email, what))
			continue;
		set[ended] = set[i];
		set[ended++].email = "off";
	}
	return db_begin(call->svc->db, err) &&
	    db_end(call->svc->db, prefer_in(call, user, set, ended, err), err);
}

bool
inbox_ticket(const struct call *call, const char **ticket, struct error *err)
{
	const struct principal *who = call->by.who;
	unsigned char secret[TICKET_BYTES];
	struct json *j = json_new(call->arena, 0);
	struct redisReply *reply;

	random_bytes(secret, sizeof(secret));
	*ticket = base64url_encode(call->arena, secret, sizeof(secret));
	json_object(j, NULL);
	json_put_str(j, "user", who->user_id);
	json_put_str(j, "sid", who->scoped ? who->token_id : who->session_id);
	json_put_int(j, "generation", who->generation);
	json_object_end(j);
	return redis_command(call->svc->redis, call->arena,
	    REDIS_ARGV("SET", redis_key(call->svc->redis, call->arena, "ticket:%s", *ticket),
		j->buf.data, "EX", db_int(call->arena, TICKET_SECONDS)),
	    &reply, err);
}
