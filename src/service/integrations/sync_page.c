/* A page of items: what is compared, and what is written of it in one transaction. */
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "service/gate/cache.h"
#include "service/integrations/enrich.h"
#include "service/integrations/sync_internal.h"
#include "service/services.h"

#include "core/banned.h"

#define TITLE_MAX 1000     /* bytes */
#define OVERVIEW_MAX 20000 /* bytes */
#define FINGERPRINT_BYTES 16
#define ENTRIES_FIRST 64
#define NUMBER_MAX 1000000 /* of an episode or a disc */
#define YEAR_MAX 9999
#define DURATION_MAX (1000LL * 86400 * 365)

/* --- what is compared ------------------------------------------------------------------------ */

static const char *
clean(struct arena *arena, const char *text, size_t max)
{
	return text == NULL ? NULL : utf8_clean(arena, text, strlen(text), max);
}

/* Does the guid name a thing, in whatever library? local:// and the like name a place in one. */
static bool
names(const char *guid)
{
	const char *colon = guid == NULL ? NULL : strstr(guid, "://");

	return colon != NULL && colon[strlen("://")] != '\0' && !str_starts(guid, "local://") &&
	    !str_starts(guid, "com.plexapp.agents.none://") && !str_starts(guid, "iva://");
}

/*
 * What the item is, whatever its key: the guid without the agent's language. Where it has none that
 * says anything, what people would know it by.
 */
const char *
sync_identity(struct arena *arena, const struct server_item *item)
{
	char digest[SHA256_HEX];
	const char *text;

	if (names(item->guid))
		return arena_strndup(arena, item->guid, strcspn(item->guid, "?"));
	text = arena_printf(arena, "%s\n%s\n%s\n%s\n%lld\n%lld\n%lld", item->kind, item->title,
	    item->parent_title == NULL ? "" : item->parent_title,
	    item->grandparent_title == NULL ? "" : item->grandparent_title, (long long)item->index,
	    (long long)item->parent_index, (long long)item->year);
	sha256_hex(text, strlen(text), digest);
	return arena_printf(arena, "weak:%.32s", digest);
}

static void
put_number(struct json *j, const char *name, int64_t value, int64_t min, int64_t max)
{
	if (value >= min && value <= max)
		json_put_int(j, name, value);
}

static void
put_ids(struct json *j, const char *server_kind, const struct server_item *item)
{
	json_object(j, "ids");
	json_opt_str(j, server_kind, item->guid);
	json_opt_str(j, "imdb", item->imdb);
	json_opt_str(j, "tmdb", item->tmdb);
	json_opt_str(j, "tvdb", item->tvdb);
	json_object_end(j);
}

/* Texts of its parents that people search by, and read where the item stands alone. */
static void
put_about(struct json *j, struct arena *arena, const struct server_item *item)
{
	const char *parent = clean(arena, item->parent_title, TITLE_MAX),
		   *grand = clean(arena, item->grandparent_title, TITLE_MAX);

	json_object(j, "about");
	if (str_eq(item->kind, "track")) {
		json_opt_str(j, "album", parent);
		json_opt_str(j, "artist", grand);
	} else if (str_eq(item->kind, "album")) {
		json_opt_str(j, "artist", parent);
	} else if (str_eq(item->kind, "season")) {
		json_opt_str(j, "show", parent);
	} else if (str_eq(item->kind, "episode")) {
		json_opt_str(j, "season", parent);
		json_opt_str(j, "show", grand);
	}
	json_object_end(j);
}

static const char *
item_json(struct arena *arena, const char *server_kind, const struct server_item *item)
{
	bool disc = str_eq(item->kind, "track");
	struct json *j = json_new(arena, MEDIA_SERVER_ITEM_MAX);

	json_object(j, NULL);
	json_put_str(j, "key", item->key);
	json_opt_str(j, "guid", item->guid);
	json_put_str(j, "identity", sync_identity(arena, item));
	json_put_str(j, "kind", item->kind);
	json_put_str(j, "title", clean(arena, item->title, TITLE_MAX));
	json_opt_str(j, "original", clean(arena, item->original_title, TITLE_MAX));
	json_opt_str(j, "overview", clean(arena, item->overview, OVERVIEW_MAX));
	json_opt_str(j, "poster", item->thumb);
	json_opt_str(j, "parent", item->parent);
	put_number(j, "year", item->year, 1, YEAR_MAX);
	put_number(j, "duration", item->duration_ms, 1, DURATION_MAX);
	put_number(j, "position", item->index, 0, NUMBER_MAX);
	if (disc)
		put_number(j, "disc", item->parent_index, 0, NUMBER_MAX);
	put_number(j, "added", item->added_at, 1, JSON_INT_MAX / US_PER_SEC);
	json_array(j, "genres");
	for (size_t i = 0; i < item->genres.n; i++)
		json_put_str(j, NULL, clean(arena, item->genres.items[i], TITLE_MAX));
	json_array_end(j);
	put_ids(j, server_kind, item);
	put_about(j, arena, item);
	json_object_end(j);
	return j->buf.overflow ? NULL : j->buf.data;
}

static void
unreadable(struct sync_page *page, const char *key, const char *title, const char *why)
{
	struct json *j = json_new(page->call.arena, 0);

	json_object(j, NULL);
	json_put_str(j, "key", key);
	json_opt_str(j, "title", title);
	json_put_str(j, "code", "item_unreadable");
	json_put_str(j, "message", why);
	json_object_end(j);
	page->errors = page->errors == NULL ?
	    arena_array(page->call.arena, SYNC_ERRORS_KEPT, sizeof(*page->errors)) :
	    page->errors;
	if (page->nerrors < SYNC_ERRORS_KEPT)
		page->errors[page->nerrors] = j->buf.data;
	page->nerrors++;
}

static struct sync_entry *
entry_add(struct sync_page *page)
{
	if (page->n == page->cap) {
		size_t cap = page->cap == 0 ? ENTRIES_FIRST : page->cap * 2;
		struct sync_entry *more = arena_array(page->call.arena, cap, sizeof(*more));

		if (page->n > 0)
			memcpy(more, page->entries, page->n * sizeof(*more));
		page->entries = more;
		page->cap = cap;
	}
	return &page->entries[page->n++];
}

void
sync_entry_read(struct sync_page *page, const struct server_item *item, const char *key,
    const char *why)
{
	struct arena *arena = page->call.arena;
	struct sync_entry *entry = entry_add(page);
	unsigned char digest[SHA256_SIZE];

	*entry = (struct sync_entry) { .key = arena_strdup(arena, key) };
	if (item == NULL) {
		unreadable(page, key, NULL, why);
		return;
	}
	entry->key = arena_strdup(arena, item->key);
	entry->trashed = item->deleted_at != 0;
	entry->json = item_json(arena, page->engine->server->kind, item);
	if (entry->json == NULL) {
		unreadable(page, item->key, item->title, "its texts are too long");
		return;
	}
	sha256(entry->json, strlen(entry->json), digest);
	entry->fingerprint = hex_encode(arena, digest, FINGERPRINT_BYTES);
}

static int
by_key(const void *a, const void *b)
{
	const struct sync_entry *left = *(struct sync_entry *const *)a,
				*right = *(struct sync_entry *const *)b;
	int order = strcmp(left->key, right->key);

	return order != 0 ? order : left < right ? -1 : left > right;
}

void
sync_page_unique(struct sync_page *page)
{
	struct sync_entry **sorted = arena_array(page->call.arena, page->n, sizeof(*sorted));
	size_t n = 0;

	for (size_t i = 0; i < page->n; i++)
		if (page->entries[i].key != NULL)
			sorted[n++] = &page->entries[i];
	qsort(sorted, n, sizeof(*sorted), by_key);
	for (size_t i = 1; i < n; i++)
		sorted[i]->repeated = str_eq(sorted[i]->key, sorted[i - 1]->key);
}

/* --- what is written ------------------------------------------------------------------------- */

struct sync_place
sync_place_of(const struct sync_engine *e, const struct sync_section *section)
{
	return (struct sync_place) {
		.run_id = e->hold.id, .server_id = e->server->id, .section_id = section->row.id
	};
}

/* The item's JSON with what the database needs besides. */
static const char *
with_id(struct arena *arena, const struct sync_entry *entry, size_t at)
{
	char id[UUID_TEXT];

	uuid_v7(id);
	return arena_printf(arena, "{\"i\":%zu,\"id\":\"%s\",\"fp\":\"%s\",%s", at, id,
	    entry->fingerprint, entry->json + 1);
}

const char *
sync_array(struct arena *arena, const char *const *items, size_t n)
{
	struct buf buf;

	buf_init(&buf, arena, MEDIA_SERVER_PAGE_MAX);
	buf_addc(&buf, '[');
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_addc(&buf, ',');
		buf_adds(&buf, items[i]);
	}
	buf_addc(&buf, ']');
	return buf.data;
}

void
sync_server_off(struct sync_engine *e)
{
	e->over = true;
	e->error_code = "server_off";
	e->error_message = "The server was switched off, removed or changed meanwhile.";
}

bool
sync_hold(const struct call *call, struct sync_engine *e, struct sync_section *section, bool *go,
    struct error *err)
{
	struct sync_held held;

	if (!store_sync_hold(call->svc->db, call->arena, section->row.id, e->server->url,
		e->machine_id, &held, err))
		return false;
	*go = held.same && held.taken_in;
	if (!held.same)
		sync_server_off(e);
	else if (!held.taken_in)
		section->state = SECTION_EXCLUDED;
	return true;
}

/* A text of an item that needs no escapes: our own JSON, or as PostgreSQL wrote it. */
static const char *
text_of(struct arena *arena, const char *item, const char *name)
{
	const char *at = strstr(item, name);

	if (at == NULL)
		return NULL;
	at += strlen(name);
	at += strspn(at, " \"");
	return arena_strndup(arena, at, strcspn(at, "\""));
}

/*
 * Whether pictures and titles of what was added are looked for at once: not those of a whole
 * library, which wait for the end of the run (enrich_soon()), because they share the processors
 * and the server with it.
 */
static bool
looks_up_now(const struct sync_engine *e)
{
	return e->server->first_synced_at != 0 && sync_counts_of(e).created <= SYNC_LOOKUPS_MAX;
}

/* Films and series are looked up elsewhere too; their parts come with them. */
static bool
looked_up(struct arena *arena, const char *item)
{
	const char *kind = text_of(arena, item, "\"kind\":");

	return str_eq(kind, "movie") || str_eq(kind, "show");
}

bool
sync_write_new(const struct call *call, struct sync_engine *e, struct sync_section *section,
    const char *const *items, size_t n, struct error *err)
{
	const char **ids = arena_array(call->arena, n, sizeof(*ids)),
		   **lookups = arena_array(call->arena, n, sizeof(*lookups));
	struct sync_place place = sync_place_of(e, section);
	int64_t news_after = -1;
	size_t nlookups = 0;

	section->counts.created += (int64_t)n;
	if (e->dry || n == 0)
		return true;
	for (size_t i = 0; i < n; i++) {
		ids[i] = text_of(call->arena, items[i], "\"id\":");
		if (looked_up(call->arena, items[i]))
			lookups[nlookups++] = ids[i];
	}
	if (e->server->first_synced_at != 0) {
		news_after = e->started_at / US_PER_SEC - SYNC_OLD_S;
		if (e->last.complete_at != 0 && e->last.complete_at / US_PER_SEC < news_after)
			news_after = e->last.complete_at / US_PER_SEC;
	}
	return store_sync_create(call->svc->db, call->arena, &place,
		   sync_array(call->arena, items, n), news_after, (struct strings) { ids, n },
		   err) &&
	    (nlookups == 0 || !looks_up_now(e) || enrich_request(call, lookups, nlookups, err)) &&
	    cache_change(call, CACHE_HOUSE, err);
}

bool
sync_write_known(const struct call *call, struct sync_engine *e, struct sync_section *section,
    const char *items, struct sync_updated *updated, struct error *err)
{
	struct sync_place place = sync_place_of(e, section);

	return store_sync_update(call->svc->db, call->arena, &place, items, updated, err) &&
	    (updated->updated + updated->restored + (int64_t)updated->arrived.n == 0 ||
		cache_change(call, CACHE_HOUSE, err));
}

/* What has to be done with the items of a page that are not plainly unchanged. */
struct sorted {
	const char **made, **known, **later; /* JSON of items */
	const char **keys;                   /* that other items have now */
	size_t nmade, nknown, nlater, nkeys;
};

static void
sort(struct sync_page *page, const char *const *items, const struct sync_class *classes, size_t n,
    struct sorted *out)
{
	struct arena *arena = page->call.arena;

	*out = (struct sorted) { .made = arena_array(arena, n, sizeof(char *)),
		.known = arena_array(arena, n, sizeof(char *)),
		.later = arena_array(arena, n, sizeof(char *)),
		.keys = arena_array(arena, n, sizeof(char *)) };
	for (size_t i = 0; i < n; i++) {
		const struct sync_class *class = &classes[i];

		if (class->known && class->same) {
			out->known[out->nknown++] = items[class->at];
			continue;
		}
		if (class->known)
			out->keys[out->nkeys++] = page->entries[class->at].key;
		if (class->elsewhere)
			out->later[out->nlater++] = items[class->at];
		else
			out->made[out->nmade++] = items[class->at];
	}
}

static bool
write_sorted(struct sync_page *page, const struct sorted *s, struct error *err)
{
	struct sync_engine *e = page->engine;
	struct sync_section *section = section_now(e);
	struct sync_place place = sync_place_of(e, section);
	struct arena *arena = page->call.arena;
	struct db *db = page->call.svc->db;
	struct sync_updated updated = { 0 };

	if (s->nlater > 0 &&
	    !store_sync_put_off(db, arena, &place, sync_array(arena, s->later, s->nlater), err))
		return false;
	if (e->dry)
		updated.updated = (int64_t)s->nknown;
	else if (s->nkeys > 0 &&
	    !store_sync_park(db, arena, e->server->id, (struct strings) { s->keys, s->nkeys }, err))
		return false;
	if (!sync_write_new(&page->call, e, section, s->made, s->nmade, err))
		return false;
	if (!e->dry && s->nknown > 0 &&
	    !sync_write_known(&page->call, e, section, sync_array(arena, s->known, s->nknown),
		&updated, err))
		return false;
	section->counts.updated += updated.updated;
	section->counts.restored += updated.restored;
	if (s->nmade > 0)
		e->phase = "CreateNewItems";
	if (s->nknown > 0)
		e->phase = "UpdateExistingItems";
	return true;
}

/* Entries that the catalogue may have to follow; their places in the page. */
struct readable {
	const char **keys, **fingerprints;
	size_t *at, n;
};

static void
readable_of(struct sync_page *page, const struct sync_span *span, struct readable *r)
{
	struct arena *arena = page->call.arena;

	*r = (struct readable) { .keys = arena_array(arena, page->n, sizeof(char *)),
		.fingerprints = arena_array(arena, page->n, sizeof(char *)),
		.at = arena_array(arena, page->n, sizeof(size_t)) };
	for (size_t i = span->first; i < span->end; i++) {
		const struct sync_entry *entry = &page->entries[i];

		if (entry->json == NULL || entry->trashed || entry->repeated)
			continue;
		r->keys[r->n] = entry->key;
		r->fingerprints[r->n] = entry->fingerprint;
		r->at[r->n++] = i;
	}
}

static bool
compare(struct sync_page *page, const struct readable *r, struct error *err)
{
	struct sync_engine *e = page->engine;
	struct arena *arena = page->call.arena;
	struct sync_place place = sync_place_of(e, section_now(e));
	const char **items = arena_array(arena, page->n, sizeof(*items)),
		   **asked = arena_array(arena, r->n, sizeof(*asked));
	struct sync_class *classes;
	struct sorted sorted;
	size_t *at, n = r->n;

	place.kind = kind_now(e);
	if (!e->full &&
	    !store_sync_compare(page->call.svc->db, arena, &place,
		(struct strings) { r->keys, r->n }, (struct strings) { r->fingerprints, r->n }, &at,
		&n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		size_t place_of = r->at[e->full ? i : at[i]];

		items[place_of] = asked[i] = with_id(arena, &page->entries[place_of], place_of);
	}
	if (n == 0)
		return true;
	if (!store_sync_classify(page->call.svc->db, arena, e->server->id,
		sync_array(arena, asked, n), e->rekey, &classes, &n, err))
		return false;
	sort(page, items, classes, n, &sorted);
	return write_sorted(page, &sorted, err);
}

/* What the server would have listed here, had it been there. */
static bool
miss(struct sync_page *page, const struct sync_span *span, struct error *err)
{
	struct sync_engine *e = page->engine;
	struct arena *arena = page->call.arena;
	struct sync_place place = sync_place_of(e, section_now(e));
	const char **seen = arena_array(arena, page->n, sizeof(*seen));
	struct sync_gap *blind = arena_array(arena, page->n + 1, sizeof(*blind));
	const char *last = e->cursor.last[0] == '\0' ? NULL : e->cursor.last;
	struct sync_range range = { .keys.from = last, .blind = blind };
	bool dark = false;
	size_t n = 0;

	place.kind = kind_now(e);
	for (size_t i = span->first; i < span->end; i++) {
		const struct sync_entry *entry = &page->entries[i];

		if (entry->key == NULL) {
			dark = true;
			continue;
		}
		if (dark)
			blind[range.nblind++] = (struct sync_gap) { last, entry->key };
		dark = false;
		last = entry->key;
		if (!entry->trashed)
			seen[n++] = entry->key;
	}
	if (dark)
		blind[range.nblind++] = (struct sync_gap) { last, NULL };
	range.keys.to = span->final ? NULL : last;
	range.seen = (struct strings) { seen, n };
	return store_sync_miss(page->call.svc->db, arena, &place, &range, err);
}

/* Unreadable items that have a key are there. */
static bool
keep_unreadable(struct sync_page *page, const struct sync_span *span, struct error *err)
{
	struct sync_place place = sync_place_of(page->engine, section_now(page->engine));
	struct arena *arena = page->call.arena;
	const char **keys = arena_array(arena, page->n, sizeof(*keys));
	size_t n = 0;

	for (size_t i = span->first; i < span->end; i++)
		if (page->entries[i].json == NULL && page->entries[i].key != NULL)
			keys[n++] = page->entries[i].key;
	return n == 0 ||
	    store_sync_unreadable(page->call.svc->db, arena, &place, (struct strings) { keys, n },
		err);
}

static void
count(struct sync_page *page, const struct sync_span *span)
{
	struct sync_section *section = section_now(page->engine);

	for (size_t i = span->first; i < span->end; i++) {
		const struct sync_entry *entry = &page->entries[i];

		if (entry->repeated)
			continue;
		section->counts.seen += !entry->trashed;
		section->in_trash += entry->trashed;
		section->counts.errors += entry->json == NULL;
	}
	for (size_t i = 0; i < page->nerrors && i < SYNC_ERRORS_KEPT; i++)
		sync_error(page->engine, page->errors[i]);
}

bool
sync_page_write(struct sync_page *page, const struct sync_span *span, struct error *err)
{
	struct readable readable;

	count(page, span);
	readable_of(page, span, &readable);
	page->engine->phase = "CompareWithDB";
	if (!compare(page, &readable, err) || !keep_unreadable(page, span, err))
		return false;
	return !span->proves || miss(page, span, err);
}
