/* What Overseerr's answers say, also those of other versions; and what its users may do. */
#include <string.h>

#include "client/overseerr.h"
#include "client/overseerr_read.h"
#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "t/unit/tap.h"
#include "core/banned.h"

static struct arena arena;

static const struct cJSON *
json(const char *text)
{
	struct error err;

	return json_parse(&arena, text, strlen(text), &err);
}

static void
accounts(void)
{
	struct overseerr_account a;

	ok(overseerr_read_account(&arena,
	       json("{\"id\":2,\"displayName\":\"ada\",\"plexId\":7,\"permissions\":32}"), &a),
	    "an account");
	is_str(a.plex_id, "7", "its Plex account");
	ok(overseerr_read_account(&arena, json("{\"id\":3,\"displayName\":\"a@b.test\"}"), &a),
	    "one without a name");
	is_str(a.name, "User 3", "is not named by its address");
	ok(a.plex_id == NULL, "nor has it a Plex account");
	ok(!overseerr_read_account(&arena, json("{\"displayName\":\"x\"}"), &a), "no id");
	ok(!overseerr_read_account(&arena, json("{\"id\":\"2\"}"), &a), "an id that is none");
}

static void
media(const char *text, const char *what, int64_t state)
{
	struct overseerr_request r;

	ok(overseerr_read_request(&arena, json(text), &r), "%s", what);
	is_int(r.media_state, state, "%s: its media", what);
}

static void
requests(void)
{
	struct overseerr_request r;

	media("{\"id\":1,\"media\":{\"status\":3}}", "a film", 3);
	media("{\"id\":1,\"is4k\":true,\"media\":{\"status\":5,\"status4k\":2}}", "a film in 4K",
	    2);
	media("{\"id\":1,\"type\":\"tv\",\"seasons\":[{\"seasonNumber\":1}],\"media\":{"
	      "\"status\":4,\"seasons\":[{\"seasonNumber\":1,\"status\":5},"
	      "{\"seasonNumber\":2,\"status\":1}]}}",
	    "all seasons that were asked for", 5);
	media("{\"id\":1,\"type\":\"tv\",\"seasons\":[{\"seasonNumber\":2}],\"media\":{"
	      "\"status\":4,\"seasons\":[{\"seasonNumber\":1,\"status\":5}]}}",
	    "another season", 4);
	media("{\"id\":1,\"media\":null}", "no media", 0);
	ok(!overseerr_read_request(&arena, json("{\"status\":1}"), &r), "no id");
	ok(overseerr_read_request(&arena, json("{\"id\":1,\"status\":99999999999}"), &r) &&
		r.request_state == 0,
	    "a number that no state has");
	ok(overseerr_read_request(&arena,
	       json("{\"id\":1,\"createdAt\":\"2026-11-27T08:21:46.000Z\",\"updatedAt\":7}"), &r),
	    "odd times");
	ok(r.created_at > 0 && r.updated_at == 0, "are none");
	is_int(r.by.id, 0, "nobody asked");
}

static void
rights(void)
{
	const struct overseerr_account plain = { .permissions = 32 },
				       films = { .permissions = 256 },
				       admin = { .permissions = OVERSEERR_ADMIN };

	ok(!overseerr_approves_itself(&plain, "movie", false), "who may ask");
	ok(overseerr_approves_itself(&films, "movie", false), "who approves films");
	ok(!overseerr_approves_itself(&films, "tv", false), "no series");
	ok(!overseerr_approves_itself(&films, "movie", true), "not in 4K");
	ok(overseerr_approves_itself(&admin, "tv", true), "an admin");
	is_str(overseerr_permission(2 | 32, 0), "admin", "the first");
	is_str(overseerr_permission(2 | 32, 1), "request", "the second");
	ok(overseerr_permission(2 | 32 | (1LL << 40), 2) == NULL, "no more that is known");
}

int
main(void)
{
	arena_init(&arena);
	accounts();
	requests();
	rights();
	arena_clear(&arena);
	return done_testing();
}
