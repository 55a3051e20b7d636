#include "service/notify/notify_words.h"

#include "core/arena.h"

#include "core/banned.h"

/* What items of a kind are called. */
static const struct {
	const char *kind, *one, *many;
} nouns[] = {
	{ "image", "photo", "photos" },
	{ "video", "video", "videos" },
	{ "audio", "recording", "recordings" },
	{ "movie", "film", "films" },
	{ "show", "series", "series" },
	{ "season", "season", "seasons" },
	{ "episode", "episode", "episodes" },
	{ "artist", "artist", "artists" },
	{ "album", "album", "albums" },
	{ "track", "track", "tracks" },
};

static const char *
noun(const char *kind, int64_t n)
{
	for (size_t i = 0; i < sizeof(nouns) / sizeof(nouns[0]); i++) {
		if (str_eq(nouns[i].kind, kind))
			return n == 1 ? nouns[i].one : nouns[i].many;
	}
	return n == 1 ? "item" : "items";
}

const char *
group_count(struct arena *arena, const char *kind, int64_t n)
{
	return arena_printf(arena, "%lld %s", (long long)n, noun(kind, n));
}

static const char *
upload_title(struct arena *arena, const struct group_words *w)
{
	const char *name = w->names.n > 0 ? w->names.items[0] : "Your upload";

	if (w->good + w->bad == 1)
		return arena_printf(arena,
		    w->bad == 0 ? "%s is ready" : "%s could not be processed", name);
	if (w->bad == 0)
		return arena_printf(arena, "%lld %s added", (long long)w->good,
		    noun(w->kind, w->good));
	if (w->good == 0)
		return arena_printf(arena, "%lld uploads could not be processed",
		    (long long)w->bad);
	return arena_printf(arena, "%lld added, %lld failed", (long long)w->good,
	    (long long)w->bad);
}

static const char *
library_what(struct arena *arena, const struct group_words *w)
{
	if (w->good + w->bad == 1 && w->names.n > 0)
		return w->bad == 0 ? w->names.items[0] :
				     arena_printf(arena, "%s failed", w->names.items[0]);
	if (w->bad == 0)
		return arena_printf(arena, "%lld %s added", (long long)w->good,
		    noun(w->kind, w->good));
	return arena_printf(arena, "%lld %s added, %lld failed", (long long)w->good,
	    noun(w->kind, w->good), (long long)w->bad);
}

const char *
group_title(struct arena *arena, const struct group_words *w)
{
	const char *what;

	if (w->uploads)
		return upload_title(arena, w);
	what = library_what(arena, w);
	if (w->title != NULL)
		return arena_printf(arena, "%s: %s", w->title, what);
	return w->good == 1 && w->bad == 0 ? arena_printf(arena, "%s was added", what) : what;
}

const char *
group_season_title(struct arena *arena, const char *series, const char *season, int64_t number)
{
	if (number < 0)
		return arena_printf(arena, "%s, %s", series, season);
	if (number == 0)
		return arena_printf(arena, "%s, specials", series);
	return arena_printf(arena, "%s, season %lld", series, (long long)number);
}

const char *
group_message(struct arena *arena, const struct group_words *w)
{
	int64_t all = w->uploads && w->bad > 0 ? w->bad : w->parts;
	size_t named = w->names.n;
	struct buf buf;

	if (w->good + w->bad == 1)
		return w->failure != NULL ? w->failure : "";
	/* Of a batch with failures, what failed is what people want to know. */
	if ((int64_t)named > all)
		named = (size_t)all;
	buf_init(&buf, arena, 0);
	if (w->uploads && w->bad > 0 && named > 0)
		buf_adds(&buf, "Failed: ");
	for (size_t i = 0; i < named; i++)
		buf_addf(&buf, "%s%s",
		    i == 0                    ? "" :
			(int64_t)i + 1 == all ? " and " :
						", ",
		    w->names.items[i]);
	if (all > (int64_t)named && named > 0)
		buf_addf(&buf, " and %lld more", (long long)(all - (int64_t)named));
	return buf.data;
}
