/* See search_parse.h. */
#include "service/catalogue/search_parse.h"

#include <ctype.h>
#include <string.h>

#include "core/arena.h"
#include "core/str.h"
#include "model/media.h"
#include "core/banned.h"

#define APOSTROPHE "\xe2\x80\x99" /* U+2019, as phones type it */
#define KINDS_OF(...) ((const char *const[]) { __VA_ARGS__, NULL })

static const struct kind_word {
	const char *word;
	const char *const *kinds;
} kind_words[] = {
	{ "photo", KINDS_OF("image") },
	{ "photos", KINDS_OF("image") },
	{ "picture", KINDS_OF("image") },
	{ "pictures", KINDS_OF("image") },
	{ "image", KINDS_OF("image") },
	{ "images", KINDS_OF("image") },
	{ "pics", KINDS_OF("image") },
	{ "video", KINDS_OF("video", "movie", "episode") },
	{ "videos", KINDS_OF("video", "movie", "episode") },
	{ "clip", KINDS_OF("video") },
	{ "clips", KINDS_OF("video") },
	{ "movie", KINDS_OF("movie", "video") },
	{ "movies", KINDS_OF("movie", "video") },
	{ "film", KINDS_OF("movie", "video") },
	{ "films", KINDS_OF("movie", "video") },
	{ "song", KINDS_OF("audio", "track") },
	{ "songs", KINDS_OF("audio", "track") },
	{ "music", KINDS_OF("audio", "track") },
	{ "track", KINDS_OF("audio", "track") },
	{ "tracks", KINDS_OF("audio", "track") },
	{ "audio", KINDS_OF("audio", "track") },
	{ "show", KINDS_OF("show", "season", "episode") },
	{ "shows", KINDS_OF("show", "season", "episode") },
	{ "series", KINDS_OF("show", "season", "episode") },
	{ "episode", KINDS_OF("episode") },
	{ "episodes", KINDS_OF("episode") },
	{ "season", KINDS_OF("season") },
	{ "seasons", KINDS_OF("season") },
};

#define KIND(word) word,
static const char *const kinds[] = { MEDIA_KIND_LIST(KIND) };

bool
search_kind_known(const char *kind)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (str_eq(kinds[i], kind))
			return true;
	return false;
}

/*
 * Removes apostrophes, so that Ocean's is Oceans; turns other ASCII punctuation into spaces; makes
 * lower case.
 */
static char *
clean(struct arena *arena, const char *text, size_t len)
{
	char *out = arena_alloc(arena, len + 1), *w = out;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (strncmp(text + i, APOSTROPHE, len - i < 3 ? len - i : 3) == 0 && len - i >= 3)
			i += 2;
		else if (c == '\'' || c == '`')
			continue;
		else if (c < 0x80 && !isalnum(c))
			*w++ = ' ';
		else
			*w++ = (char)tolower(c);
	}
	*w = '\0';
	return str_trim(arena, out);
}

static void
term_add(struct search_query *q, enum term_kind kind, const char *text)
{
	struct search_term *t;

	if (*text == '\0' || q->nterms == SEARCH_TERMS_MAX)
		return;
	t = &q->terms[q->nterms++];
	*t = (struct search_term) { .kind = kind, .text = text };
}

/* Adds a word without spaces, which may be a year or a word for a kind. */
static void
word_add(struct search_query *q, const char *word)
{
	int64_t year;

	if (q->nterms == SEARCH_TERMS_MAX)
		return;
	if (strlen(word) == 4 && str_to_int(word, SEARCH_YEAR_FIRST, SEARCH_YEAR_LAST, &year)) {
		term_add(q, TERM_YEAR, word);
		q->terms[q->nterms - 1].year = year;
		return;
	}
	for (size_t i = 0; i < sizeof(kind_words) / sizeof(kind_words[0]); i++) {
		if (str_eq(kind_words[i].word, word)) {
			term_add(q, TERM_MEDIA_KIND, word);
			q->terms[q->nterms - 1].kinds = kind_words[i].kinds;
			return;
		}
	}
	term_add(q, TERM_WORD, word);
}

static void
words_add(struct arena *arena, struct search_query *q, const char *text, size_t len)
{
	const char *p = clean(arena, text, len);

	while (*p != '\0') {
		size_t n = strcspn(p, " ");

		if (n > 0)
			word_add(q, arena_strndup(arena, p, n));
		p += n;
		p += strspn(p, " ");
	}
}

static bool
all_digits(const char *s)
{
	return *s != '\0' && s[strspn(s, "0123456789")] == '\0';
}

static bool
imdb_id(const char *s)
{
	return str_starts(s, "tt") && strlen(s) >= 8 && strlen(s) <= 12 && all_digits(s + 2);
}

static bool
years_take(struct arena *arena, struct search_query *q, const char *value)
{
	const char *dash = strchr(value, '-');
	int64_t from, to;

	if (dash == NULL) {
		if (!str_to_int(value, 1, 9999, &from))
			return false;
		to = from;
	} else if (!str_to_int(arena_strndup(arena, value, (size_t)(dash - value)), 1, 9999,
		       &from) ||
	    !str_to_int(dash + 1, from, 9999, &to))
		return false;
	q->year_from = from;
	q->year_to = to;
	return true;
}

/* Digits without leading zeros: JSON knows none (RFC 8259 section 6). */
static const char *
number_text(const char *digits)
{
	size_t zeros = strspn(digits, "0");

	return digits[zeros] != '\0' || zeros == 0 ? digits + zeros : digits + zeros - 1;
}

/* Takes name:value; false if it is not a filter. */
static bool
filter_take(struct arena *arena, struct search_query *q, const char *name, const char *value)
{
	if (*value == '\0')
		return false;
	if (str_eq(name, "tag") && q->ntags < SEARCH_TAGS_MAX) {
		q->tags[q->ntags++] = value;
		return true;
	}
	if (str_eq(name, "year"))
		return years_take(arena, q, value);
	if (str_eq(name, "kind") && search_kind_known(value) && q->nkinds < SEARCH_KINDS_MAX) {
		q->kinds[q->nkinds++] = value;
		return true;
	}
	if (str_eq(name, "source") && (str_eq(value, "plex") || str_eq(value, "upload"))) {
		q->source = value;
		return true;
	}
	if ((str_eq(name, "tmdb") || str_eq(name, "tvdb")) ?
		all_digits(value) && strlen(value) <= 12 :
		str_eq(name, "imdb") && imdb_id(value)) {
		q->id_name = name;
		q->id_value = str_eq(name, "imdb") ? value : number_text(value);
		return true;
	}
	return false;
}

/*
 * Returns the length of the quoted text after the opening quote; *after points behind the closing
 * one.
 */
static size_t
quoted_length(const char *text, const char **after)
{
	size_t len = strcspn(text, "\"");

	*after = text + len + (text[len] == '"');
	return len;
}

/* Takes a filter at *p, if there is one: name:value or name:"quoted value". */
static bool
filter_at(struct arena *arena, struct search_query *q, const char **p)
{
	size_t name_len = strspn(*p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"), len;
	const char *value = *p + name_len + 1, *after, *name, *text;

	if (name_len == 0 || (*p)[name_len] != ':')
		return false;
	if (*value == '"') {
		len = quoted_length(value + 1, &after);
		value++;
	} else {
		len = strcspn(value, " ");
		after = value + len;
	}
	name = str_lower(arena, arena_strndup(arena, *p, name_len));
	text = arena_strndup(arena, value, len);
	if (!filter_take(arena, q, name, str_eq(name, "tag") ? text : str_lower(arena, text)))
		return false;
	*p = after;
	return true;
}

void
search_parse(struct arena *arena, const char *text, struct search_query *q)
{
	const char *p = text;
	size_t len;

	*q = (struct search_query) { .nterms = 0 };
	while (*(p += strspn(p, " ")) != '\0') {
		const char *after;

		q->typing = false;
		if (*p == '"') {
			len = quoted_length(p + 1, &after);
			term_add(q, TERM_PHRASE, clean(arena, p + 1, len));
			p = after;
			continue;
		}
		if (filter_at(arena, q, &p))
			continue;
		len = strcspn(p, " ");
		if (imdb_id(str_lower(arena, arena_strndup(arena, p, len)))) {
			q->id_name = "imdb";
			q->id_value = str_lower(arena, arena_strndup(arena, p, len));
		} else if (*p == '-' && len > 1 && isalnum((unsigned char)p[1])) {
			term_add(q, TERM_NOT, clean(arena, p + 1, len - 1));
		} else {
			size_t before = q->nterms;

			words_add(arena, q, p, len);
			q->typing = p[len] == '\0' && q->nterms > before &&
			    q->terms[q->nterms - 1].kind == TERM_WORD;
		}
		p += len;
	}
}
