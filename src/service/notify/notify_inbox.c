#include "service/notify/notify_inbox.h"

#include <string.h>

#include "core/access.h"
#include "core/arena.h"
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

/*
 * Opaque to clients: the direction ('a' after, 'n' newest first) and the seq of the last item
 * shown.
 */
static const char *
cursor_make(struct arena *arena, bool ascending, int64_t seq)
{
	const char *text = arena_printf(arena, "%c%s", ascending ? 'a' : 'n', db_int(arena, seq));

	return base64url_encode(arena, text, strlen(text));
}

static bool
cursor_parse(struct arena *arena, const char *cursor, bool *ascending, int64_t *seq,
    struct error *err)
{
	size_t len = strlen(cursor);
	const char *text = len > INBOX_CURSOR_MAX ?
	    NULL :
	    (const char *)base64url_decode(arena, cursor, len, &len);

	if (text != NULL)
		text = arena_strndup(arena, text, len);
	if (text == NULL || (text[0] != 'a' && text[0] != 'n') ||
	    !str_to_int(text + 1, 1, INT64_MAX, seq))
		return error_field(err, "cursor", "format", "is not a cursor of this list");
	*ascending = text[0] == 'a';
	return true;
}

bool
inbox_list(const struct call *call, const struct inbox_ask *ask, struct inbox_page *page,
    struct error *err)
{
	bool ascending = ask->after >= 0;
	int64_t position = ascending ? ask->after : 0;

	page->next_cursor = NULL;
	if (ask->cursor != NULL &&
	    !cursor_parse(call->arena, ask->cursor, &ascending, &position, err))
		return false;
	if (!store_notifications_list(call->svc->db, call->arena, call->by.who->user_id, position,
		ascending, ask->unread, ask->limit + 1, &page->items, &page->n, &page->unread, err))
		return false;
	if (page->n > (size_t)ask->limit) {
		page->n = (size_t)ask->limit;
		page->next_cursor =
		    cursor_make(call->arena, ascending, page->items[page->n - 1].seq);
	}
	return true;
}

bool
inbox_read(const struct call *call, const char *id, struct notification *out, struct error *err)
{
	bool found = false;

	if (uuid_valid(id) &&
	    !store_notification_read(call->svc->db, call->arena, call->by.who->user_id, id, out,
		&found, err))
		return false;
	return found || error_set(err, ERR_NOT_FOUND, "There is no such notification.");
}

bool
inbox_read_all(const struct call *call, struct error *err)
{
	return store_notifications_read_all(call->svc->db, call->arena, call->by.who->user_id, err);
}

bool
inbox_preferences(const struct call *call, struct notification_preference **out, size_t *n,
    struct error *err)
{
	struct notification_preference *set;
	size_t nset;

	if (!store_notification_preferences(call->svc->db, call->arena, call->by.who->user_id, &set,
		&nset, err))
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
inbox_prefer(const struct call *call, const struct notification_preference *set, size_t n,
    struct error *err)
{
	if (!db_begin(call->svc->db, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!store_notification_prefer(call->svc->db, call->arena, call->by.who->user_id,
			&set[i], err)) {
			db_rollback(call->svc->db);
			return false;
		}
	}
	return db_commit(call->svc->db, err);
}

bool
inbox_ticket(const struct call *call, const char **ticket, struct error *err)
{
	unsigned char secret[TICKET_BYTES];
	struct json *j = json_new(call->arena, 0);
	struct redisReply *reply;

	random_bytes(secret, sizeof(secret));
	*ticket = base64url_encode(call->arena, secret, sizeof(secret));
	json_object(j, NULL);
	json_put_str(j, "user", call->by.who->user_id);
	json_put_str(j, "sid", call->by.who->session_id);
	json_put_int(j, "generation", call->by.who->generation);
	json_object_end(j);
	return redis_command(call->svc->redis, call->arena,
	    REDIS_ARGV("SET", redis_key(call->svc->redis, call->arena, "ticket:%s", *ticket),
		j->buf.data, "EX", db_int(call->arena, TICKET_SECONDS)),
	    &reply, err);
}
