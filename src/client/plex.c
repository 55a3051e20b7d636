/* Plex Media Server, as a value of media_server.h. */
#include <config.h>

#include <cjson/cJSON.h>
#include <ctype.h>
#include <string.h>

#include "client/http_out.h"
#include "client/media_server.h"
#include "client/plex_internal.h"
#include "client/plex_tv.h"
#include "client/server_proof.h"
#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/json.h"
#include "core/json_split.h"
#include "core/str.h"

#include "core/banned.h"

#define GENRES_MAX 32
#define SECTIONS_MAX 200

/* Plex's numbers for the kinds of items, in the order in which they are listed. */
static const struct type {
	const char *kind;
	int number;
	const char *section; /* type of the sections that have it */
} types[] = {
	{ "movie", 1, "movie" },
	{ "show", 2, "show" },
	{ "season", 3, "show" },
	{ "episode", 4, "show" },
	{ "artist", 8, "artist" },
	{ "album", 9, "artist" },
	{ "track", 10, "artist" },
};
#define TYPES (sizeof(types) / sizeof(types[0]))

static const char *const *
plex_kinds_of(const char *section_type)
{
	static const char *const movie[] = { "movie", NULL };
	static const char *const show[] = { "show", "season", "episode", NULL };
	static const char *const artist[] = { "artist", "album", "track", NULL };
	static const char *const none[] = { NULL };

	return str_eq(section_type, "movie") ? movie :
	    str_eq(section_type, "show")     ? show :
	    str_eq(section_type, "artist")   ? artist :
					       none;
}

static int
number_of(const char *kind)
{
	for (size_t i = 0; i < TYPES; i++)
		if (str_eq(types[i].kind, kind))
			return types[i].number;
	return 0;
}

bool
plex_kind_known(const char *kind)
{
	return number_of(kind) != 0;
}

enum answer_kind
plex_unknown(struct error *err, const char *path, const char *why)
{
	error_slug(err, ERR_UPSTREAM, "server_unknown",
	    "What responds at this address is not a Plex Media Server.");
	error_detail(err, "GET %s: %s", path, why);
	return ANSWER_UNKNOWN;
}

/* A status other than 2xx. */
enum answer_kind
plex_refused(int status, const char *path, struct error *err)
{
	if (status == 404 || status == 410)
		return ANSWER_ABSENT;
	if (status == 401 || status == 403)
		error_slug(err, ERR_UPSTREAM, "server_unauthorized",
		    "The Plex server does not accept the token.");
	else
		error_slug(err, ERR_UNAVAILABLE, "server_failed",
		    "The Plex server responded with status %d. Try again later.", status);
	error_detail(err, "GET %s: status %d", path, status);
	return ANSWER_UNKNOWN;
}

/* An address that outbound.allow does not name: the message has the entry that is missing. */
static void
refused_address(const struct http_answer *got, const char *entry, struct error *err)
{
	if (got->end == CALL_REFUSED_ADDRESS && entry[0] != '\0')
		error_slug(err, ERR_UNPROCESSABLE, "refused_address",
		    "Connections to this address are not allowed. Add %s to outbound.allow in"
		    " medianest.conf and restart MediaNest.",
		    entry);
}

void
plex_address(struct arena *arena, const struct plex_caller *by, const char *path,
    struct http_out *out)
{
	size_t base = strlen(by->url);
	const char *headers[] = {
		"Accept: application/json",
		"X-Plex-Product: " PLEX_PRODUCT,
		"X-Plex-Version: " PACKAGE_VERSION,
		"X-Plex-Platform: Linux",
		"X-Plex-Device-Name: " PLEX_PRODUCT,
		arena_printf(arena, "X-Plex-Client-Identifier: %s", by->client_id),
		by->token != NULL ? arena_printf(arena, "X-Plex-Token: %s", by->token) : NULL,
		NULL,
	};

	while (base > 0 && by->url[base - 1] == '/')
		base--;
	out->url = arena_printf(arena, "%.*s%s", (int)base, by->url, path);
	out->headers = arena_memdup(arena, headers, sizeof(headers));
}

void
plex_prepare(struct arena *arena, const struct media_server *server, const char *path,
    struct http_out *out)
{
	const struct plex_caller by = { server->url, server->client_id, server->token };

	plex_address(arena, &by, path, out);
	out->method = "GET";
	out->service = "plex";
	out->rules = server->rules;
}

enum answer_kind
plex_get(struct arena *arena, const struct media_server *server, const char *path,
    struct http_out *out, struct http_answer *got, struct error *err)
{
	char entry[HTTP_OUT_ENTRY_MAX] = "";

	plex_prepare(arena, server, path, out);
	out->refused = entry;
	out->insist = server->insist;
	if (!server_call(arena, server, out, got, err)) {
		refused_address(got, entry, err);
		return ANSWER_UNKNOWN;
	}
	return got->status / 100 == 2 ? ANSWER_PRESENT : plex_refused(got->status, path, err);
}

/* What every answer of Plex has; NULL where it has not. */
const struct cJSON *
plex_container(struct arena *arena, const char *text, size_t len)
{
	struct error ignored;
	const struct cJSON *answer = json_parse(arena, text, len, &ignored),
			   *container = answer == NULL ? NULL : json_get(answer, "MediaContainer");

	return cJSON_IsObject(container) ? container : NULL;
}

enum answer_kind
plex_ask(struct arena *arena, const struct media_server *server, const char *path,
    const struct cJSON **container, struct error *err)
{
	struct http_out out = { .timeout_ms = MEDIA_SERVER_CALL_MS,
		.answer_max = MEDIA_SERVER_ANSWER_MAX };
	struct http_answer got;
	enum answer_kind kind = plex_get(arena, server, path, &out, &got, err);

	if (kind != ANSWER_PRESENT)
		return kind;
	*container = plex_container(arena, got.body, got.len);
	return *container != NULL ? ANSWER_PRESENT :
				    plex_unknown(err, path, "an answer without MediaContainer");
}

enum answer_kind
plex_must(enum answer_kind kind, const char *path, struct error *err)
{
	return kind == ANSWER_ABSENT ? plex_unknown(err, path, "not found") : kind;
}

/* Keys become parts of paths, so they are letters and digits only. */
bool
plex_key_good(const char *key)
{
	size_t len = 0;

	if (key == NULL)
		return false;
	while (isalnum((unsigned char)key[len]))
		len++;
	return len > 0 && len <= MEDIA_SERVER_KEY_MAX && key[len] == '\0';
}

/* Plex writes some numbers as text. */
static int64_t
number(const struct cJSON *object, const char *name, int64_t fallback)
{
	const struct cJSON *value = json_get(object, name);
	int64_t n;

	if (cJSON_IsString(value))
		return str_to_int(value->valuestring, INT64_MIN / 2, INT64_MAX / 2, &n) ? n :
											  fallback;
	return json_int(object, name, fallback);
}

static enum answer_kind
plex_sections(struct arena *arena, const struct media_server *server,
    struct server_section **sections, size_t *n, struct error *err)
{
	static const char path[] = "/library/sections";
	const struct cJSON *container, *list, *one;

	if (plex_must(plex_ask(arena, server, path, &container, err), path, err) != ANSWER_PRESENT)
		return ANSWER_UNKNOWN;
	list = json_get(container, "Directory");
	/* An empty list is left out, but its size is not. */
	if (number(container, "size", list == NULL ? -1 : cJSON_GetArraySize(list)) !=
	    cJSON_GetArraySize(list))
		return plex_unknown(err, path, "no list, or another number of sections");
	*n = 0;
	*sections = arena_array(arena, SECTIONS_MAX, sizeof(**sections));
	cJSON_ArrayForEach (one, list) {
		struct server_section section = {
			.key = json_str(one, "key", ""),
			.title = json_str(one, "title", ""),
			.type = json_str(one, "type", ""),
			.agent = json_str(one, "agent", ""),
		};

		if (!plex_key_good(section.key))
			return plex_unknown(err, path, "a section without key");
		if (*n == SECTIONS_MAX)
			return plex_unknown(err, path, "too many sections");
		if (plex_kinds_of(section.type)[0] != NULL)
			(*sections)[(*n)++] = section;
	}
	return ANSWER_PRESENT;
}

/* Keys are texts of digits; some versions write numbers. */
const char *
plex_key(struct arena *arena, const struct cJSON *object, const char *name)
{
	const struct cJSON *value = json_get(object, name);

	if (cJSON_IsNumber(value))
		return arena_printf(arena, "%lld", (long long)json_int(object, name, 0));
	return json_str(object, name, NULL);
}

static const char *
text_of(const struct cJSON *object, const char *name)
{
	const char *text = json_str(object, name, NULL);

	return text == NULL || text[0] == '\0' ? NULL : text;
}

static struct strings
tags(struct arena *arena, const struct cJSON *list)
{
	const char **items = arena_array(arena, GENRES_MAX, sizeof(*items));
	const struct cJSON *one;
	size_t n = 0;

	cJSON_ArrayForEach (one, list) {
		const char *tag = text_of(one, "tag");

		if (tag != NULL && n < GENRES_MAX)
			items[n++] = tag;
	}
	return (struct strings) { items, n };
}

/* `guid` is a text and `Guid` a list: old agents have the first only, new ones both. */
static void
guids(struct arena *arena, const struct cJSON *object, struct server_item *item)
{
	const struct cJSON *one;

	item->guid = text_of(object, "guid");
	cJSON_ArrayForEach (one, json_get(object, "Guid"))
		server_guid_read(arena, text_of(one, "id"), item);
	server_guid_read(arena, item->guid, item);
}

/* NULL, or what is wrong with it. */
static const char *
item_read(struct arena *arena, const struct cJSON *object, struct server_item *item)
{
	*item = (struct server_item) {
		.key = plex_key(arena, object, "ratingKey"),
		.kind = json_str(object, "type", ""),
		.title = text_of(object, "title"),
		.original_title = text_of(object, "originalTitle"),
		.overview = text_of(object, "summary"),
		.thumb = text_of(object, "thumb"),
		.parent = plex_key(arena, object, "parentRatingKey"),
		.grandparent = plex_key(arena, object, "grandparentRatingKey"),
		.parent_title = text_of(object, "parentTitle"),
		.grandparent_title = text_of(object, "grandparentTitle"),
		.index = number(object, "index", -1),
		.parent_index = number(object, "parentIndex", -1),
		.year = number(object, "year", 0),
		.duration_ms = number(object, "duration", 0),
		.added_at = number(object, "addedAt", 0),
		.updated_at = number(object, "updatedAt", 0),
		.deleted_at = number(object, "deletedAt", 0),
		.genres = tags(arena, json_get(object, "Genre")),
	};
	guids(arena, object, item);
	if (!plex_key_good(item->key))
		return "it has no ratingKey";
	if (number_of(item->kind) == 0)
		return "its type is unknown";
	if (item->title == NULL)
		return "it has no title";
	return NULL;
}

/* A page while it arrives. */
struct reading {
	const struct server_page *page;
	struct arena arena; /* of one item */
	struct json_split split;
	int64_t given;
	int64_t asked; /* for so many items */
};

static bool
on_item(void *context, const char *text, size_t len)
{
	struct reading *reading = context;
	struct server_item item = { 0 };
	struct error why;
	const struct cJSON *object = json_parse(&reading->arena, text, len, &why);
	const char *wrong =
	    object == NULL ? why.message : item_read(&reading->arena, object, &item);
	bool more = reading->page->each(reading->page->context, wrong == NULL ? &item : NULL,
	    item.key, wrong);

	reading->given++;
	arena_reset(&reading->arena);
	return more;
}

static bool
on_data(void *context, const char *data, size_t len)
{
	struct reading *reading = context;

	return json_split_feed(&reading->split, data, len);
}

/*
 * Does the container say how many items it has, and has it as many? One that says nothing, or says
 * that it has items and lists none, is no evidence that there are none.
 */
static bool
counted(const struct cJSON *container, const struct reading *reading)
{
	int64_t total = number(container, "totalSize", -1), size = number(container, "size", -1);

	if (total < 0 && size < 0)
		return false;
	if (total >= 0)
		return size < 0 || size == reading->given;
	return size == reading->given || (size > reading->given && reading->given > 0) ||
	    reading->asked == 0;
}

/*
 * How many items there are. Without totalSize, `size` may be that number, or the items of this
 * page: then only a page that is not full says how many there are. -1: not said.
 */
static int64_t
total_of(const struct cJSON *container, const struct reading *reading)
{
	int64_t total = number(container, "totalSize", -1), size = number(container, "size", -1);

	if (total >= 0)
		return total;
	if (size > reading->given)
		return size;
	return reading->given != reading->asked ? reading->page->start + reading->given : -1;
}

static enum answer_kind
page_read(struct arena *arena, const struct media_server *server, const char *path,
    struct reading *reading, struct server_count *count, struct error *err)
{
	struct http_out out = { .timeout_ms = MEDIA_SERVER_PAGE_MS,
		.answer_max = MEDIA_SERVER_PAGE_MAX,
		.sink = on_data,
		.sink_context = reading };
	int64_t start = clock_monotonic();
	const struct cJSON *container;
	struct http_answer got;

	/* That a section of the list is not found does not mean that it is empty. */
	if (plex_must(plex_get(arena, server, path, &out, &got, err), path, err) != ANSWER_PRESENT)
		return ANSWER_UNKNOWN;
	if (!json_split_end(&reading->split, err))
		return plex_unknown(err, path, arena_strdup(arena, err->detail));
	container = plex_container(arena, reading->split.rest.data, reading->split.rest.len);
	if (container == NULL)
		return plex_unknown(err, path, "an answer without MediaContainer");
	if (number(container, "offset", reading->page->start) != reading->page->start)
		return plex_unknown(err, path, "another page than the one that was asked for");
	if (!counted(container, reading))
		return plex_unknown(err, path, "no number of items, or another one than it has");
	*count = (struct server_count) {
		.total = total_of(container, reading),
		.given = reading->given,
		.took_ms = (clock_monotonic() - start) / US_PER_MS,
	};
	return ANSWER_PRESENT;
}

/* A page that asks for `size` items. */
static enum answer_kind
page_ask(struct arena *arena, const struct media_server *server, const struct server_page *page,
    int64_t size, struct server_count *count, struct error *err)
{
	static const struct json_split_limits limits = { MEDIA_SERVER_ITEM_MAX,
		MEDIA_SERVER_ANSWER_MAX };
	struct reading reading = { .page = page, .asked = size };
	const char *path = arena_printf(arena,
	    "/library/sections/%s/all?type=%d&includeGuids=1&sort=id:asc"
	    "&X-Plex-Container-Start=%lld&X-Plex-Container-Size=%lld",
	    page->section, number_of(page->kind), (long long)page->start, (long long)size);
	enum answer_kind kind;

	arena_init(&reading.arena);
	json_split_init(&reading.split, arena, "MediaContainer", "Metadata", &limits, on_item,
	    &reading);
	kind = page_read(arena, server, path, &reading, count, err);
	arena_clear(&reading.arena);
	return kind;
}

static bool
pass_over(void *context, const struct server_item *item, const char *key, const char *why)
{
	return true;
}

static enum answer_kind
plex_items(struct arena *arena, const struct media_server *server, const struct server_page *page,
    struct server_count *count, struct error *err)
{
	const struct server_page counting = {
		.section = page->section, .kind = page->kind, .each = pass_over
	};
	enum answer_kind kind;

	if (!plex_key_good(page->section) || number_of(page->kind) == 0) {
		error_set(err, ERR_INTERNAL, "There is no such page.");
		return ANSWER_UNKNOWN;
	}
	kind = page_ask(arena, server, page, page->size, count, err);
	/* Where no count is said, one item tells whether there are any. */
	if (kind == ANSWER_PRESENT && page->size == 0 && count->total < 0) {
		kind = page_ask(arena, server, &counting, 1, count, err);
		count->given = 0;
	}
	return kind;
}

static enum answer_kind
plex_item(struct arena *arena, const struct media_server *server, const char *key,
    struct server_item *item, struct error *err)
{
	const char *path = arena_printf(arena, "/library/metadata/%s?includeGuids=1", key), *wrong;
	const struct cJSON *container;
	enum answer_kind kind;

	if (!plex_key_good(key)) {
		error_set(err, ERR_INTERNAL, "There is no such key.");
		return ANSWER_UNKNOWN;
	}
	kind = plex_ask(arena, server, path, &container, err);
	if (kind != ANSWER_PRESENT)
		return kind;
	wrong = item_read(arena, cJSON_GetArrayItem(json_get(container, "Metadata"), 0), item);
	if (wrong == NULL && !str_eq(item->key, key))
		wrong = "another item";
	return wrong == NULL ? ANSWER_PRESENT : plex_unknown(err, path, wrong);
}

static enum answer_kind
plex_playing(struct arena *arena, const struct media_server *server, int64_t *n, struct error *err)
{
	static const char path[] = "/status/sessions";
	const struct cJSON *container;

	if (plex_must(plex_ask(arena, server, path, &container, err), path, err) != ANSWER_PRESENT)
		return ANSWER_UNKNOWN;
	*n = number(container, "size", 0);
	return ANSWER_PRESENT;
}

static enum answer_kind
plex_viewed(struct arena *arena, const struct media_server *server, int64_t *at, struct error *err)
{
	static const char path[] = "/status/sessions/history/all?sort=viewedAt:desc"
				   "&X-Plex-Container-Start=0&X-Plex-Container-Size=1";
	const struct cJSON *container, *list;

	if (plex_must(plex_ask(arena, server, path, &container, err), path, err) != ANSWER_PRESENT)
		return ANSWER_UNKNOWN;
	list = json_get(container, "Metadata"); /* omitted where it is empty */
	*at = cJSON_GetArraySize(list) > 0 ? number(cJSON_GetArrayItem(list, 0), "viewedAt", 0) : 0;
	return ANSWER_PRESENT;
}

const struct media_server_kind media_server_plex = {
	.name = "plex",
	.check = plex_check,
	.who = plex_who,
	.who_read = plex_who_read,
	.authenticate = plex_authenticate,
	.sections = plex_sections,
	.items = plex_items,
	.item = plex_item,
	.playing = plex_playing,
	.poster = plex_poster,
	.search = plex_search,
	.search_read = plex_search_read,
	.viewed = plex_viewed,
	.kinds_of = plex_kinds_of,
};
