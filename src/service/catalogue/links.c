#include "service/catalogue/links.h"

#include <string.h>

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
#include "service/catalogue/media.h"
#include "service/keyring.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_collections.h"
#include "store/store_links.h"
#include "store/store_people.h"

#include "core/banned.h"

#define TOKEN_PURPOSE "medianest link token 1"

bool
links_enabled(const struct call *call)
{
	return config_bool(call->svc->config, CFG_LINKS_ENABLED);
}

bool
links_list(const struct call *call, const struct links_ask *ask, struct link **items,
    struct page *page, struct error *err)
{
	struct store_links_ask wanted = { .limit = ask->list.limit + 1,
		.media_id = ask->media_id,
		.collection_id = ask->collection_id };
	struct media_reader reader;
	struct list_position before;
	size_t n;

	media_reader_of(call->by.who, &reader);
	if (!list_after(call->arena, LIST_LINKS, ask->list.cursor, &before, err))
		return false;
	wanted.reader = &reader;
	wanted.before = before.number;
	wanted.before_id = before.id;
	if (!store_link_list(call->svc->db, call->arena, &wanted, items, &n, err))
		return false;
	if (list_cut(page, n, ask->list.limit)) {
		const struct link *last = &(*items)[page->n - 1];

		before = (struct list_position) { .id = last->id, .number = last->created_at };
		page->next = list_cursor(call->arena, LIST_LINKS, &before);
	}
	return true;
}

bool
link_get(const struct call *call, const char *id, struct link *link, struct error *err)
{
	struct media_reader reader;

	media_reader_of(call->by.who, &reader);
	return store_link_get(call->svc->db, call->arena, &reader, id, link, err);
}

static bool
note(const struct call *call, const char *action, const char *id, struct json *detail,
    struct error *err)
{
	const struct audit_event event = {
		.action = action, .target_type = "link", .target_id = id, .detail = detail->buf.data
	};

	return audit_add(call, &event, err);
}

/* Without a title: who reads the log may not see the item. */
static bool
note_kind(const struct call *call, const char *action, const struct link *link, struct error *err)
{
	struct json *detail = json_new(call->arena, 0);

	json_object(detail, NULL);
	json_put_str(detail, "kind", link->kind);
	json_object_end(detail);
	return note(call, action, link->id, detail, err);
}

static bool
wish_fits(const struct link_wish *w, struct error *err)
{
	if (w->expires_at != 0 && w->expires_at <= clock_now())
		return error_field(err, "expiresAt", "range", "must be in the future");
	return w->password == NULL || !password_is_common(w->password) ||
	    error_field(err, "password", "choice", "must not be so easy to guess");
}

/* Before a transaction: it takes long. */
static bool
hash_of(const struct call *call, const char *password, const char **hash, struct error *err)
{
	char text[ARGON2_HASH_MAX];

	*hash = NULL;
	if (password == NULL)
		return true;
	if (!password_hash(config_str(call->svc->config, CFG_RUN_DIR), password, text, err))
		return false;
	*hash = arena_strdup(call->arena, text);
	return true;
}

static bool
one_target(const struct link_wish *w, struct error *err)
{
	return (w->media_id != NULL) + (w->collection_id != NULL) + (w->ids.n > 0) == 1 ||
	    error_set(err, ERR_VALIDATION, "Name one of mediaId, collectionId and ids.");
}

/* Of each id the first. */
static struct strings
once_each(struct arena *arena, struct strings ids)
{
	const char **items = arena_array(arena, ids.n + 1, sizeof(*items));
	size_t n = 0;

	for (size_t i = 0; i < ids.n; i++) {
		size_t k = 0;

		while (k < n && !str_ieq(items[k], ids.items[i]))
			k++;
		if (k == n)
			items[n++] = ids.items[i];
	}
	return (struct strings) { items, n };
}

static bool
take_items(const struct call *call, const struct link_wish *w, struct link *link, struct error *err)
{
	const struct strings one = { &w->media_id, 1 };
	struct media_reader reader;
	struct strings found;

	media_reader_of(call->by.who, &reader);
	link->kind = w->media_id != NULL ? LINK_ITEM : LINK_SELECTION;
	link->media_ids = w->media_id != NULL ? one : once_each(call->arena, w->ids);
	if (!store_link_showable(call->svc->db, call->arena, &reader, link->media_ids, &found, err))
		return false;
	if (found.n == link->media_ids.n)
		return true;
	return w->media_id != NULL ?
	    error_set(err, ERR_NOT_FOUND, "There is no such item that you may share.") :
	    error_field(err, "ids", "unknown", "must name items that you may share");
}

static bool
take_album(const struct call *call, const struct link_wish *w, struct link *link, struct error *err)
{
	struct collection c;

	link->kind = LINK_ALBUM;
	link->collection_id = w->collection_id;
	return store_collection_lock(call->svc->db, call->arena, link->owner_id, w->collection_id,
		   &c, err) &&
	    (str_eq(c.may, COLLECTION_OWN) ||
		error_set(err, ERR_FORBIDDEN, "Only the owner of this collection can do that."));
}

/* People are locked first, then the album, then items. */
static bool
create_in(const struct call *call, const struct link_wish *w, struct link *link,
    const unsigned char *token_hash, struct error *err)
{
	int64_t max = config_int(call->svc->config, CFG_LINKS_PER_PERSON), n;
	struct db *db = call->svc->db;

	if (!store_person_keep(db, call->arena, link->owner_id, err) ||
	    !store_link_count(db, call->arena, link->owner_id, &n, err))
		return false;
	if (n >= max)
		return error_slug(err, ERR_CONFLICT, "too_many_links",
		    "You have %lld public links. Remove one first.", (long long)n);
	return (w->collection_id != NULL ? take_album(call, w, link, err) :
					   take_items(call, w, link, err)) &&
	    store_link_add(db, call->arena, link, token_hash, err) &&
	    note_kind(call, "link.created", link, err);
}

/* With the data key of this number, 0: the newest. NULL: there is no such key. */
static const char *
token_of(const struct call *call, const char *id, int kid)
{
	unsigned char mac[LINK_TOKEN_BYTES];

	_Static_assert(LINK_TOKEN_BYTES == SHA256_SIZE, "a token is a MAC");
	return keyring_mac(call->svc->keys, kid, TOKEN_PURPOSE, id, mac, NULL) ?
	    base64url_encode(call->arena, mac, sizeof(mac)) :
	    NULL;
}

const char *
link_url(const struct call *call, const struct link *link)
{
	int numbers[KEYS_MAX];
	size_t n = keyring_data_numbers(call->svc->keys, numbers);

	while (n > 0) {
		const char *token = token_of(call, link->id, numbers[--n]);
		char hash[SHA256_HEX];

		if (token == NULL)
			continue;
		sha256_hex(token, strlen(token), hash);
		if (str_eq(hash, link->token_hash))
			return arena_printf(call->arena, "%s/#/link?t=%s",
			    config_str(call->svc->config, CFG_PUBLIC_URL), token);
	}
	return NULL;
}

bool
link_create(const struct call *call, const struct link_wish *w, struct link *out, struct error *err)
{
	unsigned char hash[SHA256_SIZE];
	const char *token;
	char id[UUID_TEXT];
	struct link link = { .id = id,
		.owner_id = call->by.who->user_id,
		.title = w->title,
		.download = w->download != NULL && *w->download,
		.expires_at = w->expires_at };

	if (!links_enabled(call))
		return error_slug(err, ERR_FORBIDDEN, "links_off",
		    "Public links are switched off on this server.");
	if (!one_target(w, err) || !wish_fits(w, err) ||
	    !hash_of(call, w->password, &link.password_hash, err))
		return false;
	uuid_v7(id);
	token = token_of(call, id, 0);
	if (token == NULL)
		return error_set(err, ERR_INTERNAL, "There is no data key.");
	sha256(token, strlen(token), hash);
	return db_begin(call->svc->db, err) &&
	    db_end(call->svc->db, create_in(call, w, &link, hash, err), err) &&
	    link_get(call, id, out, err);
}

static struct json *
changes(const struct call *call, const struct link_wish *w)
{
	struct json *detail = json_new(call->arena, 0);

	json_object(detail, NULL);
	if (w->set_title)
		json_put_bool(detail, "title", w->title != NULL);
	if (w->set_password)
		json_put_bool(detail, "password", w->password != NULL);
	if (w->set_expires)
		json_put_time(detail, "expiry", w->expires_at);
	if (w->download != NULL)
		json_put_bool(detail, "download", *w->download);
	json_object_end(detail);
	return detail;
}

static bool
lock(const struct call *call, const char *id, struct link *link, struct error *err)
{
	const char *me = call->by.who->user_id;

	return store_person_keep(call->svc->db, call->arena, me, err) &&
	    store_link_lock(call->svc->db, call->arena, me, id, link, err);
}

static bool
change_in(const struct call *call, const char *id, int64_t version, const struct link_wish *w,
    const struct store_link_change *change, struct error *err)
{
	struct link link;

	if (!lock(call, id, &link, err))
		return false;
	if (version != 0 && version != link.version)
		return error_set(err, ERR_PRECONDITION,
		    "This link has changed since you loaded it. Reload it and try again.");
	return store_link_change(call->svc->db, call->arena, id, change, err) &&
	    note(call, "link.changed", id, changes(call, w), err);
}

bool
link_change(const struct call *call, const char *id, int64_t version, const struct link_wish *w,
    struct link *out, struct error *err)
{
	struct store_link_change change = { .set_title = w->set_title,
		.set_password = w->set_password,
		.set_expires = w->set_expires,
		.title = w->title,
		.expires_at = w->expires_at,
		.download = w->download };

	return wish_fits(w, err) && hash_of(call, w->password, &change.password_hash, err) &&
	    db_begin(call->svc->db, err) &&
	    db_end(call->svc->db, change_in(call, id, version, w, &change, err), err) &&
	    link_get(call, id, out, err);
}

static bool
delete_in(const struct call *call, const char *id, struct error *err)
{
	struct link link;

	return lock(call, id, &link, err) &&
	    store_link_delete(call->svc->db, call->arena, id, err) &&
	    note_kind(call, "link.deleted", &link, err);
}

bool
link_delete(const struct call *call, const char *id, struct error *err)
{
	return db_begin(call->svc->db, err) && db_end(call->svc->db, delete_in(call, id, err), err);
}
