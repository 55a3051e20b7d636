#include "media/song_tags.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/json.h"
#include "core/str.h"
#include "media/media.h"
#include "media/probe.h"
#include "media/tags.h"

#include "core/banned.h"

#define YEAR_MIN 1000
#define YEAR_MAX 2999
#define TRACK_MAX 9999
#define GAIN_MAX 60.0 /* dB, up or down */
#define PEAK_MAX 16.0 /* 1 is full scale */
/* R128 aims at -23 LUFS, ReplayGain 2 at -18 (RFC 7845 section 5.2.1). */
#define R128_TO_REPLAYGAIN 5.0
#define R128_UNIT 256.0

struct song_tags {
	struct media_run *run;
	const struct probe *probe;
	struct tags tags;
};

/* What ffprobe calls the same, where our readers know no more than it. */
static const char *const probe_names[TAG_COUNT] = {
	[TAG_TITLE] = "title",
	[TAG_ARTIST] = "artist",
	[TAG_ALBUM] = "album",
	[TAG_ALBUM_ARTIST] = "album_artist",
	[TAG_COMPOSER] = "composer",
	[TAG_GENRE] = "genre",
	[TAG_DATE] = "date",
	[TAG_TRACK] = "track",
	[TAG_TRACK_TOTAL] = "tracktotal",
	[TAG_DISC] = "disc",
	[TAG_DISC_TOTAL] = "disctotal",
	[TAG_LYRICS] = "lyrics",
	[TAG_TRACK_GAIN] = "replaygain_track_gain",
	[TAG_TRACK_PEAK] = "replaygain_track_peak",
	[TAG_ALBUM_GAIN] = "replaygain_album_gain",
	[TAG_ALBUM_PEAK] = "replaygain_album_peak",
};

/* As it stands in the file; NULL: nowhere. */
static const char *
raw(const struct song_tags *s, enum tag tag)
{
	const char *text = tags_text(&s->tags, tag);

	if (text == NULL && probe_names[tag] != NULL)
		text = probe_tag(s->probe, probe_names[tag]);
	return text;
}

static const char *
text(const struct song_tags *s, enum tag tag)
{
	const char *found = raw(s, tag);

	return found != NULL ? media_text(s->run, found, strlen(found)) : NULL;
}

struct values {
	const char *v[TAGS_VALUES_MAX];
	size_t n;
};

static void
add_value(struct values *all, const char *value)
{
	for (size_t i = 0; i < all->n; i++)
		if (value == NULL || str_ieq(all->v[i], value))
			return;
	if (value != NULL && all->n < TAGS_VALUES_MAX)
		all->v[all->n++] = value;
}

static struct values
values(const struct song_tags *s, enum tag tag)
{
	const struct tag_value *v = s->tags.values[tag];
	struct values all = { .n = 0 };

	for (size_t i = 0; i < s->tags.n[tag]; i++)
		add_value(&all, media_text(s->run, v[i].text, v[i].len));
	if (all.n == 0)
		add_value(&all, text(s, tag));
	return all;
}

/* One text for show, and each value by itself. */
static void
put_values(const struct song_tags *s, const char *one, const char *each, const struct values *shown,
    const struct values *all)
{
	struct json *m = s->run->metadata;
	struct buf joined;

	if (shown->n == 0)
		return;
	buf_init(&joined, s->run->arena, 0);
	for (size_t i = 0; i < shown->n; i++)
		buf_addf(&joined, "%s%s", i > 0 ? ", " : "", shown->v[i]);
	json_put_str(m, one, joined.data);
	json_put_strs(m, each, all->v, all->n);
}

static void
put_artists(const struct song_tags *s)
{
	struct values artist = values(s, TAG_ARTIST), artists = values(s, TAG_ARTISTS),
		      genres = values(s, TAG_GENRE);

	put_values(s, "artist", "artists", artist.n > 0 ? &artist : &artists,
	    artists.n > 0 ? &artists : &artist);
	put_values(s, "genre", "genres", &genres, &genres);
}

/* The number at the start of a text; 0: there is none within the bounds. */
static int64_t
number(const char *at, int64_t min, int64_t max)
{
	long long v = at != NULL ? strtoll(at, NULL, 10) : 0;

	return v >= min && v <= max ? v : 0;
}

static void
put_number(const struct song_tags *s, const char *key, int64_t v)
{
	if (v != 0)
		json_put_int(s->run->metadata, key, v);
}

/* "7/12" has the total as well. */
static void
put_count(const struct song_tags *s, const char *key, enum tag tag, const char *total_key,
    enum tag total)
{
	const char *at = raw(s, tag), *slash = at != NULL ? strchr(at, '/') : NULL;
	int64_t n = number(at, 1, TRACK_MAX), of = number(raw(s, total), 1, TRACK_MAX);

	if (of == 0 && slash != NULL)
		of = number(slash + 1, 1, TRACK_MAX);
	put_number(s, key, n);
	put_number(s, total_key, of);
}

/* "-6.54 dB" */
static bool
decimal(const char *at, double most, double *v)
{
	char *end;

	if (at == NULL)
		return false;
	*v = strtod(at, &end);
	return end != at && isfinite(*v) && fabs(*v) <= most;
}

static void
put_gain(const struct song_tags *s, const char *key, enum tag gain, enum tag r128)
{
	double v;

	if (!decimal(raw(s, gain), GAIN_MAX, &v)) {
		if (r128 == TAG_COUNT || !decimal(raw(s, r128), GAIN_MAX * R128_UNIT, &v))
			return;
		v = v / R128_UNIT + R128_TO_REPLAYGAIN;
	}
	json_put_num(s->run->metadata, key, round(v * 100) / 100);
}

static void
put_peak(const struct song_tags *s, const char *key, enum tag peak)
{
	double v;

	if (decimal(raw(s, peak), PEAK_MAX, &v) && v >= 0)
		json_put_num(s->run->metadata, key, round(v * 1e6) / 1e6);
}

/* Loudness, in dB, that players add so that songs are equally loud. */
static void
put_loudness(const struct song_tags *s)
{
	static const enum tag all[] = { TAG_TRACK_GAIN, TAG_TRACK_PEAK, TAG_ALBUM_GAIN,
		TAG_ALBUM_PEAK, TAG_R128_TRACK, TAG_R128_ALBUM };
	bool any = false;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		any = any || raw(s, all[i]) != NULL;
	if (!any)
		return;
	json_object(s->run->metadata, "replayGain");
	put_gain(s, "trackGain", TAG_TRACK_GAIN, TAG_R128_TRACK);
	put_peak(s, "trackPeak", TAG_TRACK_PEAK);
	put_gain(s, "albumGain", TAG_ALBUM_GAIN, TAG_R128_ALBUM);
	put_peak(s, "albumPeak", TAG_ALBUM_PEAK);
	json_object_end(s->run->metadata);
}

/* Lines stay, unlike in other texts. */
static void
put_lyrics(const struct song_tags *s)
{
	const char *at = raw(s, TAG_LYRICS), *line;
	struct buf out;
	size_t n;

	if (at == NULL)
		return;
	buf_init(&out, s->run->arena, 0);
	for (; *at != '\0' && out.len < LYRICS_MAX; at += n) {
		n = strcspn(at, "\r\n");
		line = utf8_clean(s->run->arena, at, n, LYRICS_MAX - out.len);
		buf_addf(&out, "%s%s", line, at[n] != '\0' ? "\n" : "");
		n += at[n] == '\r' && at[n + 1] == '\n' ? 2 : at[n] != '\0';
	}
	buf_adds(&out, "");
	at = str_trim(s->run->arena, out.data);
	if (at[0] != '\0')
		json_put_str(s->run->metadata, "lyrics", at);
}

void
song_tags(struct media_run *run, const struct probe *p)
{
	struct song_tags s = { .run = run, .probe = p };
	struct json *m = run->metadata;
	int64_t year;

	tags_read(run, &s.tags);
	run->title = text(&s, TAG_TITLE);
	put_artists(&s);
	json_opt_str(m, "album", text(&s, TAG_ALBUM));
	json_opt_str(m, "albumArtist", text(&s, TAG_ALBUM_ARTIST));
	json_opt_str(m, "composer", text(&s, TAG_COMPOSER));
	year = number(raw(&s, TAG_DATE), YEAR_MIN, YEAR_MAX);
	put_number(&s, "year", year != 0 ? year : number(probe_tag(p, "year"), YEAR_MIN, YEAR_MAX));
	put_count(&s, "track", TAG_TRACK, "trackTotal", TAG_TRACK_TOTAL);
	put_count(&s, "disc", TAG_DISC, "discTotal", TAG_DISC_TOTAL);
	put_loudness(&s);
	put_lyrics(&s);
}
