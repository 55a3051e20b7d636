/* Media servers as a plug: guids of all ages, and what Plex may answer. */
#include "client/http_out.h"
#include "client/media_server.h"
#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"
#include "t/unit/local_server.h"
#include "t/unit/tap.h"
#include "core/banned.h"

#define TOKEN "secret-token"
#define ITEM(key) "{\"ratingKey\":\"" key "\",\"type\":\"movie\",\"title\":\"t\"}"

static struct arena arena;
static struct error err;
static struct local_server server;

/* --- guids ------------------------------------------------------------------------------------ */

static const struct {
	const char *guid, *imdb, *tmdb, *tvdb;
} guids[] = {
	{ "imdb://tt0133093", "tt0133093", NULL, NULL },
	{ "tmdb://603", NULL, "603", NULL },
	{ "tvdb://81797", NULL, NULL, "81797" },
	{ "plex://movie/5d776825880197001ec90a15", NULL, NULL, NULL },
	{ "com.plexapp.agents.imdb://tt0133093?lang=en", "tt0133093", NULL, NULL },
	{ "com.plexapp.agents.themoviedb://603?lang=de", NULL, "603", NULL },
	{ "com.plexapp.agents.thetvdb://81797/1/2?lang=en", NULL, NULL, "81797" },
	{ "com.plexapp.agents.hama://tvdb-81797-1-2?lang=en", NULL, NULL, "81797" },
	{ "com.plexapp.agents.hama://imdb-tt0133093", "tt0133093", NULL, NULL },
	{ "com.plexapp.agents.hama://anidb-69?lang=en", NULL, NULL, NULL },
	{ "com.plexapp.agents.none://a1b2c3?lang=xn", NULL, NULL, NULL },
	{ "local://4711", NULL, NULL, NULL },
	{ "imdb://0133093", NULL, NULL, NULL },
	{ "imdb://tt", NULL, NULL, NULL },
	{ "tmdb://", NULL, NULL, NULL },
	{ "tmdb://x603", NULL, NULL, NULL },
	{ "tmdb://111111111111111111111111111111111", NULL, NULL, NULL },
	{ "://603", NULL, NULL, NULL },
	{ "603", NULL, NULL, NULL },
	{ "", NULL, NULL, NULL },
	{ NULL, NULL, NULL, NULL },
};

static void
test_guids(void)
{
	struct server_item item = { .imdb = "tt1" };

	for (size_t i = 0; i < sizeof(guids) / sizeof(guids[0]); i++) {
		struct server_item read = { .key = NULL };

		server_guid_read(&arena, guids[i].guid, &read);
		is_str(read.imdb, guids[i].imdb, "%s: IMDb", guids[i].guid);
		is_str(read.tmdb, guids[i].tmdb, "%s: TMDB", guids[i].guid);
		is_str(read.tvdb, guids[i].tvdb, "%s: TVDB", guids[i].guid);
	}
	server_guid_read(&arena, "imdb://tt2", &item);
	is_str(item.imdb, "tt1", "the first id counts");
	ok(media_server_kind_of("plex") == &media_server_plex, "a kind by its name");
	ok(media_server_kind_of("other") == NULL, "and no other");
}

/* --- answers ---------------------------------------------------------------------------------- */

/* The first part of the path names what the server says. */
static const struct said {
	const char *name, *body;
	int status;
	int missing; /* bytes that are announced and do not come */
} said[] = {
	{ "root", "{\"MediaContainer\":{\"machineIdentifier\":\"m1\",\"version\":\"1.41\"}}" },
	{ "anonymous", "{\"MediaContainer\":{\"version\":\"1.41\"}}" },
	{ "page",
	    "{\"MediaContainer\":{\"size\":2,\"totalSize\":9,\"offset\":4,\"Metadata\":[" ITEM(
		"1") "," ITEM("2") "]}}" },
	{ "total", "{\"MediaContainer\":{\"size\":9,\"Metadata\":[" ITEM("1") "," ITEM("2") "]}}" },
	{ "silent",
	    "{\"MediaContainer\":{\"size\":2,\"Metadata\":[" ITEM("1") "," ITEM("2") "]}}" },
	{ "none", "{\"MediaContainer\":{\"size\":0}}" },
	{ "shifted",
	    "{\"MediaContainer\":{\"size\":1,\"totalSize\":9,\"offset\":0,\"Metadata\":[" ITEM(
		"1") "]}}" },
	{ "broken",
	    "{\"MediaContainer\":{\"size\":5,\"totalSize\":5,\"Metadata\":["
	    "{\"type\":\"movie\",\"title\":\"t\"},{\"ratingKey\":\"7\",\"title\":\"t\"},"
	    "{\"ratingKey\":\"8\",\"type\":\"movie\"},{\"ratingKey\":\"9\",\"a\":1,\"a\":2}," ITEM(
		"10") "]}}" },
	{ "full",
	    "{\"MediaContainer\":{\"size\":1,\"totalSize\":1,\"Metadata\":[{\"ratingKey\":12,"
	    "\"type\":\"episode\",\"title\":\"t\",\"guid\":\"com.plexapp.agents.thetvdb://5/1/2\","
	    "\"Guid\":[{\"id\":\"imdb://tt3\"},{\"id\":7},\"x\"],\"index\":\"3\",\"parentIndex\":1,"
	    "\"year\":\"1999\",\"summary\":\"\",\"Genre\":[{\"tag\":\"Drama\"},{}],"
	    "\"parentRatingKey\":11}]}}" },
	{ "twelve", "{\"MediaContainer\":{\"size\":1,\"Metadata\":[" ITEM("12") "]}}" },
	{ "empty", "" },
	{ "html", "<html><body>Sign in</body></html>" },
	{ "other", "{\"ok\":true}" },
	{ "list", "[]" },
	{ "truncated", "{\"MediaContainer\":{\"size\":2,\"totalSize\":2,\"Metadata\":[" ITEM("1") },
	{ "cut", "{\"MediaContainer\":{\"size\":2,\"totalSize\":2,\"Metadata\":[" ITEM("1"), 200,
	    100 },
	{ "absent", "no", 404 },
	{ "unauthorized", "no", 401 },
	{ "ill", "no", 500 },
};

static const struct said *
said_of(const char *request)
{
	const char *name = request + strlen("GET /");

	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		size_t len = strlen(said[i].name);

		if (strncmp(name, said[i].name, len) == 0 && name[len] == '/')
			return &said[i];
	}
	_exit(1);
}

/*
 * The token comes in a header of the request, and nowhere else; not at all where the question is
 * who is there: a stranger would get it.
 */
static bool
well_asked(const char *request)
{
	const char *token = strstr(request, TOKEN), *path = strstr(request, "/identity ");

	if (strstr(request, "\r\nAccept: application/json\r\n") == NULL)
		return false;
	if (path != NULL && path < strstr(request, "\r\n"))
		return token == NULL;
	return token != NULL && token > strstr(request, "\r\n") &&
	    strstr(request, "\r\nX-Plex-Token: " TOKEN "\r\n") != NULL &&
	    strstr(token + 1, TOKEN) == NULL;
}

static void
serve(struct local_server *local, int fd)
{
	char request[8192], head[200];
	const struct said *say;
	size_t len = 0;
	ssize_t n;

	while ((n = recv(fd, request + len, sizeof(request) - 1 - len, 0)) > 0) {
		len += (size_t)n;
		request[len] = '\0';
		if (strstr(request, "\r\n\r\n") == NULL)
			continue;
		say = said_of(request);
		snprintf(head, sizeof(head), "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n%s\r\n",
		    !well_asked(request) ? 400 :
			say->status == 0 ? 200 :
					   say->status,
		    strlen(say->body) + (size_t)say->missing,
		    say->missing > 0 ? "Connection: close\r\n" : "");
		if (send(fd, head, strlen(head), MSG_NOSIGNAL) < 0 ||
		    send(fd, say->body, strlen(say->body), MSG_NOSIGNAL) < 0 || say->missing > 0)
			return;
		len = 0;
	}
}

static struct media_server
that_says(const char *name)
{
	http_out_close();
	error_clear(&err);
	return (struct media_server) { .kind = &media_server_plex,
		.url = arena_printf(&arena, "%s%s/", server.url, name),
		.token = TOKEN,
		.client_id = "me",
		.rules = { .allow = server.allow, .ca_file = "" },
		.insist = true };
}

struct got {
	size_t items, broken;
	struct server_item last;
	char last_key[64];
	size_t enough; /* items; 0: takes all */
};

static bool
take(void *context, const struct server_item *item, const char *key, const char *why)
{
	struct got *got = context;

	if (item == NULL) {
		got->broken++;
		ok(why != NULL && why[0] != '\0', "what is wrong with it: %s", why);
	} else {
		got->items++;
		str_copy(got->last_key, sizeof(got->last_key), key);
		got->last = *item;
		got->last.imdb = item->imdb != NULL ? arena_strdup(&arena, item->imdb) : NULL;
		got->last.tvdb = item->tvdb != NULL ? arena_strdup(&arena, item->tvdb) : NULL;
		got->last.parent = item->parent != NULL ? arena_strdup(&arena, item->parent) : NULL;
	}
	return got->enough == 0 || got->items < got->enough;
}

static enum answer_kind
page(const char *name, int64_t start, int64_t size, struct server_count *count, struct got *got)
{
	const struct media_server client = that_says(name);
	const struct server_page want = { .section = "1",
		.kind = "movie",
		.start = start,
		.size = size,
		.each = take,
		.context = got };

	return client.kind->items(&arena, &client, &want, count, &err);
}

static void
counts(const char *name, int64_t start, int64_t size, int64_t total, const char *what)
{
	struct server_count count;
	struct got got = { .items = 0 };

	is_int(page(name, start, size, &count, &got), ANSWER_PRESENT, "%s", what);
	is_int((int)count.total, (int)total, "%s: the total", what);
}

static void
test_pages(void)
{
	struct server_count count;
	struct got got = { .items = 0 };

	is_int(page("page", 4, 2, &count, &got), ANSWER_PRESENT, "a page");
	is_int((int)count.total, 9, "of so many");
	is_int((int)count.given, 2, "has two items");
	is_str(got.last_key, "2", "in their order");
	counts("total", 0, 2, 9, "size that is the total");
	counts("silent", 4, 5, 6, "a page that is not full is the last one");
	counts("silent", 4, 2, -1, "a full page says nothing of what follows");
	counts("none", 0, 0, 0, "a section without items");
	counts("silent", 0, 0, 2, "a count that comes as items");
	got = (struct got) { .items = 0 };
	is_int(page("broken", 0, 5, &count, &got), ANSWER_PRESENT, "broken items");
	is_int((int)got.broken, 4, "are each an error");
	is_int((int)got.items, 1, "and harm no other");
	is_int((int)count.given, 5, "but they count");
	got = (struct got) { .enough = 1 };
	is_int(page("page", 4, 2, &count, &got), ANSWER_UNKNOWN, "who has enough ends the call");
	is_int((int)got.items, 1, "at once");
}

static void
test_item_fields(void)
{
	struct server_count count;
	struct got got = { .items = 0 };

	page("full", 0, 1, &count, &got);
	is_str(got.last_key, "12", "a key that is a number");
	is_str(got.last.imdb, "tt3", "an id of Guid");
	is_str(got.last.tvdb, "5", "and one of guid");
	is_str(got.last.parent, "11", "the parent");
	is_int((int)got.last.index, 3, "a number that is a text");
	is_int((int)got.last.year, 1999, "another one");
	ok(got.last.overview == NULL, "an empty text is none");
	is_int((int)got.last.duration_ms, 0, "no duration");
	is_int((int)got.last.genres.n, 1, "genres");
}

/* A question that failed is not a no. */
static void
test_unknown(void)
{
	static const struct {
		const char *name, *slug;
	} fails[] = {
		{ "shifted", "server_unknown" },
		{ "empty", "server_unknown" },
		{ "html", "server_unknown" },
		{ "other", "server_unknown" },
		{ "list", "server_unknown" },
		{ "truncated", "server_unknown" },
		{ "cut", "upstream_unreachable" },
		{ "absent", "server_unknown" },
		{ "unauthorized", "server_unauthorized" },
		{ "ill", "server_failed" },
	};

	for (size_t i = 0; i < sizeof(fails) / sizeof(fails[0]); i++) {
		struct server_count count;
		struct got got = { .items = 0 };

		is_int(page(fails[i].name, 1, 5, &count, &got), ANSWER_UNKNOWN, "%s: unknown",
		    fails[i].name);
		is_str(error_slug_of(&err), fails[i].slug, "%s: why", fails[i].name);
	}
}

static enum answer_kind
item(const char *name, const char *key)
{
	const struct media_server client = that_says(name);
	struct server_item read;

	return client.kind->item(&arena, &client, key, &read, &err);
}

static void
test_item(void)
{
	is_int(item("twelve", "12"), ANSWER_PRESENT, "an item");
	is_int(item("twelve", "13"), ANSWER_UNKNOWN, "another one in its place");
	is_int(item("absent", "12"), ANSWER_ABSENT, "one that is not there");
	is_int(item("none", "12"), ANSWER_UNKNOWN, "an answer without it");
	is_int(item("html", "12"), ANSWER_UNKNOWN, "a proxy's page");
	is_int(item("ill", "12"), ANSWER_UNKNOWN, "a server that is ill");
	is_int(item("twelve", "~12/../"), ANSWER_UNKNOWN, "a key that cannot be asked for");
}

static void
test_identity(void)
{
	static const char *const bad[] = { "anonymous", "absent", "html", "empty", "other" };
	struct media_server client = that_says("root");
	struct server_identity who;

	is_int(client.kind->check(&arena, &client, &who, &err), ANSWER_PRESENT, "who is there");
	is_str(who.machine_id, "m1", "its installation");
	is_str(who.version, "1.41", "and version");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		client = that_says(bad[i]);
		is_int(client.kind->check(&arena, &client, &who, &err), ANSWER_UNKNOWN,
		    "no Plex: %s", bad[i]);
		is_str(error_slug_of(&err), "server_unknown", "and it says so");
	}
}

int
main(void)
{
	signal(SIGPIPE, SIG_IGN);
	arena_init(&arena);
	test_guids();
	local_server_start(&server, "http", serve);
	test_identity();
	test_pages();
	test_item_fields();
	test_unknown();
	test_item();
	local_server_stop(&server);
	http_out_close();
	arena_clear(&arena);
	return done_testing();
}
