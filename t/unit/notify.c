/* The words of notes about several things, and the times of digests. */
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "service/notify/notify_mail.h"
#include "service/notify/notify_words.h"
#include "t/unit/tap.h"
#include "core/banned.h"

static struct arena arena;
static const char *const names[] = { "a", "b", "c" };

static void
words(const struct group_words *given, size_t nnames, const char *title, const char *message)
{
	struct group_words w = *given;

	w.names = (struct strings) { names, nnames };
	if (w.parts == 0)
		w.parts = w.good + w.bad;
	is_str(group_title(&arena, &w), title, "%s", title);
	is_str(group_message(&arena, &w), message, "its message");
}

static void
test_words(void)
{
	const char *season = "Severance, season 2", *eps = "episode", *pic = "image";

	words(&(struct group_words) { .title = season, .kind = eps, .good = 10 }, 3,
	    "Severance, season 2: 10 episodes added", "a, b, c and 7 more");
	words(&(struct group_words) { .title = season, .kind = eps, .good = 1 }, 1,
	    "Severance, season 2: a", "");
	words(&(struct group_words) { .kind = "movie", .good = 1 }, 1, "a was added", "");
	words(&(struct group_words) { .kind = "movie", .good = 2 }, 2, "2 films added", "a and b");
	words(&(struct group_words) { .title = "Attic", .good = 3 }, 3, "Attic: 3 items added",
	    "a, b and c");
	words(&(struct group_words) { .title = "Attic", .good = 4, .bad = 1 }, 3,
	    "Attic: 4 items added, 1 failed", "a, b, c and 2 more");
	words(&(struct group_words) { .title = "Attic", .good = 9500, .parts = 2 }, 2,
	    "Attic: 9500 items added", "a and b");
	words(&(struct group_words) { .title = "Attic", .good = 9000, .parts = 1 }, 1,
	    "Attic: 9000 items added", "a");
	words(&(struct group_words) { .uploads = true, .kind = pic, .good = 60, .bad = 4 }, 3,
	    "60 added, 4 failed", "Failed: a, b, c and 1 more");
	words(&(struct group_words) { .uploads = true, .kind = pic, .good = 60, .bad = 1 }, 3,
	    "60 added, 1 failed", "Failed: a");
	words(&(struct group_words) { .uploads = true, .kind = pic, .good = 5 }, 3,
	    "5 photos added", "a, b, c and 2 more");
	words(&(struct group_words) { .uploads = true, .good = 5 }, 0, "5 items added", "");
	words(&(struct group_words) { .uploads = true, .bad = 2 }, 2,
	    "2 uploads could not be processed", "Failed: a and b");
	words(&(struct group_words) { .uploads = true, .kind = pic, .good = 1 }, 1, "a is ready",
	    "");
	words(&(struct group_words) { .uploads = true, .bad = 1, .failure = "Broken." }, 1,
	    "a could not be processed", "Broken.");
}

static void
digest(const char *now, int hour, bool weekly, const char *at, const char *on)
{
	char day[sizeof("2026-11-27")], text[RFC3339_MAX];
	int64_t us;

	ok(time_parse_rfc3339(now, &us), "%s", now);
	time_rfc3339(digest_time(us, hour, weekly, day), text);
	is_str(text, at, "%s digest of %d o'clock", weekly ? "weekly" : "daily", hour);
	is_str(day, on, "its day");
}

static void
test_digests(void)
{
	setenv("TZ", "UTC", 1);
	digest("2026-11-27T08:00:00Z", 8, false, "2026-11-27T08:00:00.000Z", "2026-11-27");
	digest("2026-11-27T07:59:59Z", 8, false, "2026-11-26T08:00:00.000Z", "2026-11-26");
	digest("2026-03-01T00:00:00Z", 23, false, "2026-02-28T23:00:00.000Z", "2026-02-28");
	digest("2026-11-27T08:00:00Z", 8, true, "2026-11-23T08:00:00.000Z", "2026-11-23");
	digest("2026-11-23T07:00:00Z", 8, true, "2026-11-16T08:00:00.000Z", "2026-11-16");
	digest("2026-11-23T08:00:00Z", 8, true, "2026-11-23T08:00:00.000Z", "2026-11-23");
	/* 30 March 2025, 02:00 does not exist; 26 October 2025, 02:00 exists twice. */
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	digest("2025-03-30T06:00:00Z", 8, false, "2025-03-30T06:00:00.000Z", "2025-03-30");
	digest("2025-03-29T07:00:00Z", 8, false, "2025-03-29T07:00:00.000Z", "2025-03-29");
	digest("2025-10-26T06:30:00Z", 8, false, "2025-10-25T06:00:00.000Z", "2025-10-25");
	digest("2025-10-26T07:00:00Z", 8, false, "2025-10-26T07:00:00.000Z", "2025-10-26");
}

int
main(void)
{
	arena_init(&arena);
	test_words();
	test_digests();
	arena_clear(&arena);
	return done_testing();
}
