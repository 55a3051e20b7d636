/* See search_parse.h. */
#include "service/catalogue/search_parse.h"

#include <ctype.h>
#include <string.h>

#include "core/arena.h"
#include "core/str.h"
#include "model/media.h"
#include "service/catalogue/search_taken.h"
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
	{ "music", KINDS_OF("audio", "track", "album", "artist") },
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
	{ "artist", KINDS_OF("artist") },
	{ "artists", KINDS_OF("artist") },
	{ "band", KINDS_OF("artist") },
	{ "bands", KINDS_OF("artist") },
	{ "album", KINDS_OF("album") },
	{ "albums", KINDS_OF("album") },
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

static struct search_term *
term_add(struct search_query *q, enum term_kind kind, const char *text)
{
	struct search_term *t;

	if (*text == '\0' || q->nterms == SEARCH_TERMS_MAX)
		return NULL;
	t = &q->terms[q->nterms++];
	*t = (struct search_term) { .kind = kind, .text = text };
	return t;
}

/* What a word without spaces means besides: a year or a kind. */
static void
word_mean(const char *word, int64_t *year, const char *const **kinds_of)
{
	*kinds_of = NULL;
	if (strlen(word) != 4 || !str_to_int(word, SEARCH_YEAR_FIRST, SEARCH_YEAR_LAST, year))
		*year = 0;
	for (size_t i = 0; i < sizeof(kind_words) / sizeof(kind_words[0]); i++)
		if (str_eq(kind_words[i].word, word))
			*kinds_of = kind_words[i].kinds;
}

/* Adds a word without spaces. */
static void
word_add(struct search_query *q, const char *word)
{
	const char *const *kinds_of;
	struct search_term *t;
	int64_t year;

	word_mean(word, &year, &kinds_of);
	t = term_add(q,
	    year != 0            ? TERM_YEAR :
		kinds_of != NULL ? TERM_MEDIA_KIND :
				   TERM_WORD,
	    word);
	if (t != NULL) {
		t->year = year;
		t->kinds = kinds_of;
	}
}

/* Adds what must not be there. */
static void
not_add(struct search_query *q, const char *word)
{
	struct search_term *t = term_add(q, TERM_NOT, word);

	if (t != NULL)
		word_mean(word, &t->year, &t->kinds);
}

/* Whether there are spaces, and single characters only between them. */
static bool
is_spelled(const char *text)
{
	size_t len = 0;
	bool spaces = false;

	for (const char *p = text; *p != '\0'; p++) {
		if (*p == ' ') {
			spaces = true;
			len = 0;
		} else if (((unsigned char)*p & 0xC0) != 0x80 && ++len > 1)
			return false;
	}
	return spaces;
}

static void
spaces_remove(char *text)
{
	char *w = text;

	for (const char *p = text; *p != '\0'; p++)
		if (*p != ' ')
			*w++ = *p;
	*w = '\0';
}

/* Adds the words of a text that was typed without spaces. */
static void
words_add(struct arena *arena, struct search_query *q, const char *text, size_t len)
{
	char *p = clean(arena, text, len);

	if (is_spelled(p))
		spaces_remove(p);
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
years_take(struct arena *arena, const char *value, struct search_years *years)
{
	const char *dash = strchr(value, '-');

	if (dash == NULL) {
		if (!str_to_int(value, 1, 9999, &years->from))
			return false;
		years->to = years->from;
		return true;
	}
	return str_to_int(arena_strndup(arena, value, (size_t)(dash - value)), 1, 9999,
		   &years->from) &&
	    str_to_int(dash + 1, years->from, 9999, &years->to);
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
	const char *from, *to, *words;
	struct search_years years;

	if (*value == '\0')
		return false;
	if (str_eq(name, "tag") && q->ntags < SEARCH_TAGS_MAX) {
		q->tags[q->ntags++] = value;
		return true;
	}
	if (str_eq(name, "year") && years_take(arena, value, &years)) {
		q->year_from = years.from;
		q->year_to = years.to;
		return true;
	}
	if (str_eq(name, "taken") && search_taken_parse(arena, value, &from, &to)) {
		q->taken_from = from;
		q->taken_to = to;
		return true;
	}
	if ((str_eq(name, "camera") || str_eq(name, "place")) &&
	    *(words = clean(arena, value, strlen(value))) != '\0') {
		*(str_eq(name, "camera") ? &q->camera : &q->place) = words;
		return true;
	}
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

/* Takes -name:value; false if it is not a filter that can exclude. */
static bool
not_filter_take(struct arena *arena, struct search_query *q, const char *name, const char *value)
{
	if (*value == '\0')
		return false;
	if (str_eq(name, "tag") && q->n_not_tags < SEARCH_TAGS_MAX) {
		q->not_tags[q->n_not_tags++] = value;
		return true;
	}
	if (str_eq(name, "year") && q->n_not_years < SEARCH_YEARS_MAX &&
	    years_take(arena, value, &q->not_years[q->n_not_years])) {
		q->n_not_years++;
		return true;
	}
	if (str_eq(name, "kind") && search_kind_known(value) && q->n_not_kinds < SEARCH_KINDS_MAX) {
		q->not_kinds[q->n_not_kinds++] = value;
		return true;
	}
	/* There are two sources. */
	if (str_eq(name, "source") && (str_eq(value, "plex") || str_eq(value, "upload"))) {
		q->source = str_eq(value, "plex") ? "upload" : "plex";
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

/* Takes a filter at *p, if there is one: name:value or name:"quoted value", a minus before it. */
static bool
filter_at(struct arena *arena, struct search_query *q, const char **p)
{
	bool not = **p == '-';
	const char *start = *p + (not? 1 : 0), *value, *after, *name, *text;
	size_t name_len = strspn(start, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),
	       len;

	if (name_len == 0 || start[name_len] != ':')
		return false;
	value = start + name_len + 1;
	if (*value == '"') {
		len = quoted_length(value + 1, &after);
		value++;
	} else {
		len = strcspn(value, " ");
		after = value + len;
	}
	name = str_lower(arena, arena_strndup(arena, start, name_len));
	text = arena_strndup(arena, value, len);
	if (!str_eq(name, "tag"))
		text = str_lower(arena, text);
	if (!(not? not_filter_take : filter_take)(arena, q, name, text))
		return false;
	q->filters = arena_printf(arena, "%s %.*s", q->filters, (int)(after - *p), *p);
	*p = after;
	return true;
}

/* Takes a phrase at *p, if there is one; a minus may be before it. */
static bool
phrase_at(struct arena *arena, struct search_query *q, const char **p)
{
	bool not = **p == '-';
	const char *start = *p + (not? 1 : 0), *after;
	size_t len;

	if (*start != '"')
		return false;
	len = quoted_length(start + 1, &after);
	term_add(q, not? TERM_NOT_PHRASE : TERM_PHRASE, clean(arena, start + 1, len));
	*p = after;
	return true;
}

/* Takes what is before the next space. */
static void
words_at(struct arena *arena, struct search_query *q, const char **p)
{
	size_t len = strcspn(*p, " "), before = q->nterms;
	char *lower = str_lower(arena, arena_strndup(arena, *p, len));

	if (imdb_id(lower)) {
		q->id_name = "imdb";
		q->id_value = lower;
		q->filters = arena_printf(arena, "%s %s", q->filters, lower);
	} else if (**p == '-')
		not_add(q, clean(arena, *p + 1, len - 1));
	else {
		words_add(arena, q, *p, len);
		q->typing = (*p)[len] == '\0' && q->nterms > before &&
		    q->terms[q->nterms - 1].kind == TERM_WORD;
	}
	*p += len;
}

/* The digit of another script at `text`, or NUL. */
static char
digit_at(const char *text, size_t *len)
{
	static const char *const zeros[] = { "\xd9\xa0", "\xdb\xb0", "\xe0\xa5\xa6", "\xe0\xb9\x90",
		"\xef\xbc\x90" };

	for (size_t i = 0; i < sizeof(zeros) / sizeof(zeros[0]); i++) {
		size_t last = strlen(zeros[i]) - 1;

		if (strncmp(text, zeros[i], last) == 0 &&
		    (unsigned char)text[last] >= (unsigned char)zeros[i][last] &&
		    (unsigned char)text[last] <= (unsigned char)zeros[i][last] + 9) {
			*len = last + 1;
			return (char)('0' + (unsigned char)text[last] -
			    (unsigned char)zeros[i][last]);
		}
	}
	return '\0';
}

/* With plain quotation marks, digits and spaces for those that phones and input methods type. */
static const char *
plain_text(struct arena *arena, const char *text)
{
	static const struct {
		const char *typed;
		char plain;
	} signs[] = { { "\xe2\x80\x9c", '"' }, { "\xe2\x80\x9d", '"' }, { "\xe2\x80\x9e", '"' },
		{ "\xc2\xab", '"' }, { "\xc2\xbb", '"' }, { "\xe3\x80\x80", ' ' },
		{ "\xc2\xa0", ' ' }, { "\t", ' ' } };
	char *out = arena_alloc(arena, strlen(text) + 1), *w = out;

	while (*text != '\0') {
		size_t len = 1;
		char digit = digit_at(text, &len);

		*w = digit != '\0' ? digit : *text;
		for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
			if (str_starts(text, signs[i].typed)) {
				len = strlen(signs[i].typed);
				*w = signs[i].plain;
			}
		text += len;
		w++;
	}
	*w = '\0';
	return out;
}

/* All of the text as a word: it has none. */
static void
signs_add(struct arena *arena, struct search_query *q, const char *text)
{
	char *signs = arena_strndup(arena, text, strlen(text));

	spaces_remove(signs);
	term_add(q, TERM_WORD, signs);
}

void
search_parse(struct arena *arena, const char *text, struct search_query *q)
{
	const char *plain = plain_text(arena, text), *p = plain;

	*q = (struct search_query) { .filters = "" };
	while (*(p += strspn(p, " ")) != '\0') {
		q->typing = false;
		if (!phrase_at(arena, q, &p) && !filter_at(arena, q, &p))
			words_at(arena, q, &p);
	}
	if (q->nterms == 0 && *q->filters == '\0')
		signs_add(arena, q, plain);
}
