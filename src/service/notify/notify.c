#include "service/notify/notify.h"

#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/id.h"
#include "core/json.h"
#include "core/log.h"
#include "service/call.h"
#include "service/notify/mail.h"
#include "service/notify/notify_mail.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/redis.h"
#include "store/store_notifications.h"
#include "store/store_notify.h"

#include "core/banned.h"

#define NOTIFY_EXPIRE_ROWS 10000 /* of one call: a short transaction */

struct notify_batch {
	const char *type, *data;
	const struct notification_sent *sent;
	size_t nsent;
};

const struct notify_kind notify_kinds[] = {
#define NOTIFICATION_KIND(kind, event, email, ...) { kind, event, email, { __VA_ARGS__ } },
#include "model/notification_kinds.def"
#undef NOTIFICATION_KIND
	{ .kind = NULL },
};

static const struct notify_kind *
kind_of(const char *kind)
{
	static const struct notify_kind unknown = { NULL, "notification", "off",
		{ PERM_SIGNED_IN } };

	for (const struct notify_kind *k = notify_kinds; k->kind != NULL; k++) {
		if (strcmp(k->kind, kind) == 0)
			return k;
	}
	return &unknown;
}

const char *
notify_email_default(const char *kind)
{
	return kind_of(kind)->email;
}

/* The caller's object with an additional member for the texts of the notification. */
static const char *
event_data(struct arena *arena, const struct notify_new *new, const char *data)
{
	struct json *j = json_new(arena, NOTIFY_EVENT_MAX);
	size_t len = strlen(data);

	while (len > 0 && data[len - 1] != '}')
		len--;
	if (len < 2)
		return "{}";
	json_object(j, NULL);
	json_put_str(j, "kind", new->kind);
	json_put_str(j, "title", new->title);
	json_put_str(j, "message", new->message == NULL ? "" : new->message);
	json_object_end(j);
	return arena_printf(arena, "%.*s%s\"notification\":%s}", (int)(len - 1), data,
	    strspn(data + 1, " \t\r\n") == len - 2 ? "" : ",", j->buf.data);
}

static int
compare_users(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A sorted copy without duplicates. */
static const char **
recipients(struct arena *arena, const struct notify_new *new, size_t *n)
{
	const char **users = arena_array(arena, new->nusers, sizeof(*users));

	for (size_t i = 0; i < new->nusers; i++)
		users[i] = new->users[i];
	qsort(users, new->nusers, sizeof(*users), compare_users);
	for (size_t i = *n = 0; i < new->nusers; i++) {
		if (*n == 0 || strcmp(users[*n - 1], users[i]) != 0)
			users[(*n)++] = users[i];
	}
	return users;
}

/* The ids of the rows: new ones, or the one of a note that may be told again. */
static const char **
row_ids(struct arena *arena, const struct notify_new *new, size_t n)
{
	const char **ids = arena_array(arena, n, sizeof(*ids));

	for (size_t i = 0; i < n; i++) {
		char id[UUID_TEXT];

		uuid_v7(id);
		ids[i] = new->id != NULL ? new->id : arena_strdup(arena, id);
	}
	return ids;
}

/* Mails to those who want this kind at once. */
static bool
mail_now(const struct call *call, const struct notification_text *text,
    const struct notification_sent *sent, size_t nsent, struct error *err)
{
	const char **users = arena_array(call->arena, nsent, sizeof(*users));
	size_t n = 0;

	for (size_t i = 0; i < nsent; i++) {
		if (sent[i].mail_now)
			users[n++] = sent[i].user;
	}
	return n == 0 || notify_mail_now(call, (struct strings) { users, n }, text, err);
}

bool
notify_add(const struct call *call, const struct notify_new *new, struct notify_batch **out,
    struct error *err)
{
	struct notify_batch *batch = arena_alloc(call->arena, sizeof(*batch));
	bool mail = new->channels != NOTIFY_PAGE &&mail_configured(call->svc->config);
	const struct notify_kind *kind = kind_of(new->kind);
	struct notification_new row = {
		.text = { .kind = new->kind,
		    .event = new->event == NULL ? kind->event : new->event,
		    .title = new->title,
		    .message = new->message == NULL ? "" : new->message,
		    .data = new->data == NULL ? "{}" : new->data },
		.page = new->channels != NOTIFY_MAIL,
		.email = mail ? kind->email : NULL,
	};
	struct notification_sent *sent = NULL;
	const char **users;
	size_t n;

	users = recipients(call->arena, new, &n);
	row.users = (struct strings) { users, n };
	row.ids = (struct strings) { row_ids(call->arena, new, n), n };
	*batch = (struct notify_batch) { .type = row.text.event };
	if (n > 0 &&
	    (!store_notification_add(call->svc->db, call->arena, &row, &sent, &batch->nsent, err) ||
		!mail_now(call, &row.text, sent, batch->nsent, err)))
		return false;
	if (!row.page)
		batch->nsent = 0;
	batch->sent = sent;
	batch->data = event_data(call->arena, new, row.text.data);
	*out = batch;
	return true;
}

struct message {
	struct services *svc;
	struct arena *arena;
	const struct json *json;
};

/* A lost message does no harm: notifyd reads the rows itself every few seconds. */
static void
send_message(void *context)
{
	const struct message *m = context;
	struct error err = { 0 };

	if (m->json->buf.overflow)
		log_error(m->svc->log, "an event of more than %lu bytes was not sent",
		    (unsigned long)m->json->buf.max);
	else if (!redis_publish(m->svc->redis, m->arena, NOTIFY_CHANNEL, m->json->buf.data, &err))
		log_warn(m->svc->log, "an event was not sent: %s (%s)", err.message, err.detail);
}

/* Nothing is sent before the commit. */
static void
publish(const struct call *call, const struct json *j)
{
	const struct message message = { call->svc, call->arena, j };

	db_on_commit(call->svc->db, call->arena, send_message,
	    arena_memdup(call->arena, &message, sizeof(message)));
}

static void
push_some(const struct call *call, const struct notify_batch *batch, size_t from, size_t to)
{
	struct json *j = json_new(call->arena, 0);

	json_object(j, NULL);
	json_array(j, "each");
	for (size_t i = from; i < to; i++) {
		json_object(j, NULL);
		json_put_str(j, "user", batch->sent[i].user);
		json_put_str(j, "id", batch->sent[i].id);
		if (batch->sent[i].seq > 0)
			json_put_int(j, "seq", batch->sent[i].seq);
		json_put_time(j, "timestamp", batch->sent[i].created_at);
		json_object_end(j);
	}
	json_array_end(j);
	json_object(j, "event");
	json_put_str(j, "type", batch->type);
	json_put_raw(j, "data", batch->data);
	json_object_end(j);
	json_object_end(j);
	publish(call, j);
}

void
notify_push(const struct call *call, const struct notify_batch *batch)
{
	size_t to;

	for (size_t from = 0; from < batch->nsent; from = to) {
		to = batch->nsent - from > NOTIFY_PUSH_RECIPIENTS ? from + NOTIFY_PUSH_RECIPIENTS :
								    batch->nsent;
		push_some(call, batch, from, to);
	}
}

void
notify_event(const struct call *call, const char *const *users, size_t nusers, const char *type,
    const char *data_json)
{
	struct json *j = json_new(call->arena, 0);
	char id[UUID_TEXT];

	uuid_v7(id);
	json_object(j, NULL);
	if (nusers == 0)
		json_put_str(j, "to", "all");
	else
		json_put_strs(j, "to", users, nusers);
	json_object(j, "event");
	json_put_str(j, "type", type);
	json_put_str(j, "id", id);
	json_put_time(j, "timestamp", clock_now());
	json_put_raw(j, "data", data_json == NULL ? "{}" : data_json);
	json_object_end(j);
	json_object_end(j);
	publish(call, j);
}

void
notify_session_ended(const struct call *call, const char *user_id, const char *sid)
{
	struct json *j = json_new(call->arena, 0);

	json_object(j, NULL);
	json_object(j, "endSession");
	json_put_str(j, "user", user_id);
	json_put_str(j, "sid", sid);
	json_object_end(j);
	json_object_end(j);
	publish(call, j);
}

bool
notify_broadcast(const struct call *call, const struct broadcast *what, size_t *recipients_out,
    struct error *err)
{
	struct notify_new new = {
		.kind = "system.broadcast",
		.title = what->title,
		.message = what->message,
	};
	struct notify_batch *batch;
	struct strings users;

	if (!store_notification_audience(call->svc->db, call->arena, what->roles, &users, err))
		return false;
	new.users = users.items;
	new.nusers = users.n;
	if (!db_begin(call->svc->db, err) ||
	    !db_end(call->svc->db, notify_add(call, &new, &batch, err), err))
		return false;
	notify_push(call, batch);
	*recipients_out = batch->nsent;
	return true;
}

bool
notify_holders(const struct call *call, enum permission permission, struct strings *users,
    struct strings *emails, struct error *err)
{
	return store_notification_keepers(call->svc->db, call->arena, permission_name(permission),
	    users, emails, err);
}

bool
notify_keepers(const struct call *call, const struct notify_new *what, struct notify_batch **batch,
    struct error *err)
{
	enum permission holds =
	    what->concerns != PUBLIC ? what->concerns : kind_of(what->kind)->permissions[0];
	struct notify_new new = *what;
	struct strings users;

	if (!notify_holders(call, holds, &users, NULL, err))
		return false;
	new.users = users.items;
	new.nusers = users.n;
	return notify_add(call, &new, batch, err);
}

bool
notify_expire(const struct call *call, int64_t *removed, struct error *err)
{
	return store_notifications_expire(call->svc->db, call->arena,
		   (int)config_int(call->svc->config, CFG_NOTIFY_KEEP_DAYS), NOTIFY_EXPIRE_ROWS,
		   removed, err) &&
	    store_notify_expire(call->svc->db, call->arena, NOTIFY_EXPIRE_ROWS, err);
}
