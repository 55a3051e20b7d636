#include "media/charset.h"

#include <iconv.h>
#include <stdint.h>
#include <string.h>

#include "core/arena.h"
#include "core/str.h"

#include "core/banned.h"

#define FALLBACK "windows-1252"
#define NAME_MAX_BYTES 32 /* of a charset's name, with its NUL */
#define REPLACEMENT "\xef\xbf\xbd"

/* What a character is worth: 1 is what everybody writes, below 0 what hardly anybody does. */
#define COMMON 0.9
#define MARK 0.5
#define RARE (-0.5)
#define ODD (-1.0)

/* A mean, in which a character counts as often as it has bytes. */
struct score {
	double sum, weight;
};

static void
count(struct score *s, double worth, double weight)
{
	s->sum += worth * weight;
	s->weight += weight;
}

/* GB 2312 has frequent characters in rows 16 to 55; GBK's others are names and old books. */
static double
han_gb(unsigned lead, unsigned trail)
{
	if (trail < 0xa1 || lead < 0xa1)
		return ODD;
	return lead >= 0xb0 && lead <= 0xd7 ? COMMON : lead <= 0xa3 ? MARK : RARE;
}

static double
han_big5(unsigned lead, unsigned trail)
{
	return lead >= 0xa4 && lead <= 0xc6 ? COMMON : lead <= 0xa3 ? MARK : RARE;
}

/* Katakana of one byte are what every other text looks like here. */
static double
kana_sjis(unsigned lead, unsigned trail)
{
	if (trail == 0)
		return RARE;
	if ((lead == 0x82 && trail >= 0x9f) || lead == 0x83)
		return 1;
	return lead == 0x81 ? MARK : lead >= 0x88 && lead <= 0x97 ? COMMON : RARE;
}

static double
hangul(unsigned lead, unsigned trail)
{
	if (trail < 0xa1 || lead < 0xa1)
		return ODD;
	return lead >= 0xb0 && lead <= 0xc8 ? COMMON : lead <= 0xa3 ? MARK : RARE;
}

/* Letters of an alphabet, as Unicode has them. */
struct alphabet {
	uint32_t first, last;
	bool accents; /* Greek: a word in small letters has one */
};

static const struct alphabet cyrillic = { 0x400, 0x4ff, false }, greek = { 0x370, 0x3ff, true },
			     latin = { 0xc0, 0x24f, false };

static const struct charset {
	const char *name;
	double (*pair)(unsigned lead, unsigned trail); /* sets of two bytes; or */
	const struct alphabet *alphabet;
	bool katakana; /* single bytes from 0xa1 to 0xdf are characters */
} charsets[] = {
	{ "GB18030", han_gb, NULL, false },
	{ "Big5", han_big5, NULL, false },
	{ "Shift_JIS", kana_sjis, NULL, true },
	{ "EUC-KR", hangul, NULL, false },
	{ "windows-1251", NULL, &cyrillic, false },
	{ "KOI8-R", NULL, &cyrillic, false },
	{ "windows-1253", NULL, &greek, false },
	{ "windows-1250", NULL, &latin, false },
	{ FALLBACK, NULL, &latin, false },
};

static const struct charset *
charset_named(const char *name)
{
	for (size_t i = 0; i < sizeof(charsets) / sizeof(charsets[0]); i++)
		if (str_ieq(charsets[i].name, name))
			return &charsets[i];
	return NULL;
}

bool
charset_known(const char *name)
{
	return charset_named(name) != NULL;
}

/* Decodes into UTF-8; *bad counts what could not be. NULL: the system lacks the charset. */
static char *
convert(struct arena *arena, const char *charset, const unsigned char *bytes, size_t len,
    size_t *bad)
{
	/* iconv's parameter is not const, though it only reads. */
	char *in = arena_memdup(arena, bytes, len), *out = arena_alloc(arena, len * 4 + 1),
	     *to = out;
	size_t room = len * 4;
	iconv_t cd = iconv_open("UTF-8", charset);

	*bad = 0;
	if (cd == (iconv_t)-1)
		return NULL;
	while (len > 0 && iconv(cd, &in, &len, &to, &room) == (size_t)-1) {
		if (len == 0 || room < sizeof(REPLACEMENT))
			break;
		memcpy(to, REPLACEMENT, sizeof(REPLACEMENT) - 1);
		to += sizeof(REPLACEMENT) - 1;
		room -= sizeof(REPLACEMENT) - 1;
		in++;
		len--;
		(*bad)++;
	}
	iconv_close(cd);
	*to = '\0';
	return out;
}

static void
judge_pairs(struct score *s, const struct charset *c, const unsigned char *b, size_t n)
{
	size_t i, pairs = 0;

	for (i = 0; i < n; i++) {
		if (b[i] < 0x80)
			continue;
		if ((c->katakana && b[i] >= 0xa1 && b[i] <= 0xdf) || i + 1 == n) {
			count(s, c->pair(b[i], 0), 1);
			continue;
		}
		count(s, c->pair(b[i], b[i + 1]), 2);
		pairs++;
		i++;
	}
	/* Half of the frequent Chinese characters would be Hangul too, but never all of many. */
	if (c->pair == hangul && pairs >= 8 && s->sum >= COMMON * s->weight - 0.001)
		s->sum += 0.05 * s->weight;
}

/* The next code point of valid UTF-8. */
static uint32_t
next_point(const char **text)
{
	const unsigned char *p = (const unsigned char *)*text;
	size_t n = utf8_sequence(p, strnlen(*text, 4));
	uint32_t c = n == 1 ? p[0] : n == 2 ? p[0] & 0x1f : n == 3 ? p[0] & 0x0f : p[0] & 0x07;

	for (size_t i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3f);
	*text += n > 0 ? n : 1;
	return c;
}

static bool
is_ascii_letter(uint32_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_letter(const struct alphabet *a, uint32_t c)
{
	return c >= a->first && c <= a->last && c != 0xd7 && c != 0xf7 && c != 0x37e &&
	    c != 0x387 && c != 0x384 && c != 0x385 && c != 0x482;
}

static bool
is_capital(uint32_t c)
{
	if (c < 0x80)
		return c <= 'Z';
	if (c < 0x100)
		return c <= 0xde;
	/* small letters follow their capitals, which are even here and odd there */
	if (c < 0x250)
		return c == 0x178 ||
		    (c & 1) == ((c >= 0x139 && c <= 0x148) || c >= 0x179 ? 1U : 0U);
	if (c < 0x400)
		return c == 0x386 || (c >= 0x388 && c <= 0x38f) || (c >= 0x391 && c <= 0x3ab);
	return c <= 0x42f;
}

static bool
is_vowel(uint32_t c)
{
	static const uint32_t vowels[] = { 0x430, 0x435, 0x438, 0x43e, 0x443, 0x44b, 0x44d, 0x44e,
		0x44f, 0x451, 0x456, 0x457, 0x454, 0x410, 0x415, 0x418, 0x41e, 0x423, 0x42b, 0x42d,
		0x42e, 0x42f, 0x401, 0x406, 0x407, 0x404 };

	if (c < 0x400)
		return true;
	for (size_t i = 0; i < sizeof(vowels) / sizeof(vowels[0]); i++)
		if (c == vowels[i])
			return true;
	return false;
}

/* Letters in a row, of the alphabet or of ASCII. */
struct word {
	size_t letters, high, run, longest; /* `run`: letters of the alphabet side by side */
	size_t wrong;                       /* capitals after small letters, signs out of place */
	size_t accents, vowels, small, capitals;
	uint32_t last;
};

static void
add_letter(struct word *w, const struct alphabet *a, uint32_t c)
{
	bool capital = is_capital(c);

	w->letters++;
	w->run = c >= 0x80 ? w->run + 1 : 0;
	if (w->run > w->longest)
		w->longest = w->run;
	w->high += c >= 0x80;
	w->vowels += c >= 0x80 && is_vowel(c);
	/* A capital after small letters; no word begins with a sign or mixes them so. */
	w->wrong += capital && w->small > 0;
	w->wrong += a == &cyrillic && w->letters == 1 &&
	    (c == 0x42a || c == 0x42c || c == 0x44a || c == 0x44c);
	w->wrong += a->accents && (c == 0x3b0 || c == 0x390 || w->last == 0x3c2);
	w->accents += a->accents &&
	    ((c >= 0x3ac && c <= 0x3af) || (c >= 0x3cc && c <= 0x3ce) || c == 0x386 ||
		(c >= 0x388 && c <= 0x38f));
	w->small += !capital;
	w->capitals += capital;
	w->last = c;
}

static void
end_word(struct score *s, const struct alphabet *a, const struct word *w)
{
	double worth = w->small > 0 || w->letters == 1 ? 1 : 0.95;
	bool mixed = w->high < w->letters;

	if (w->high == 0)
		return;
	if (a == &latin)
		worth = mixed && w->longest <= 2 ? worth : w->longest <= 1 ? 0 : ODD;
	else if (mixed)
		worth = ODD;
	else if (w->letters > 2 && w->vowels == 0)
		worth = 0;
	else if (a->accents && w->letters > 2 && w->small > 0 && w->accents != 1)
		worth = w->accents == 0 ? MARK : RARE;
	if (w->wrong > 0)
		worth -= 2.0 * (double)w->wrong / (double)w->letters;
	count(s, worth, (double)w->high);
}

/* Marks that songs have in their titles, whatever the language. */
static bool
is_usual_mark(uint32_t c)
{
	return c == 0xab || c == 0xbb || c == 0xb0 || (c >= 0x2010 && c <= 0x2026) || c == 0x2116 ||
	    c == 0xbf || c == 0xa1;
}

static void
judge_words(struct score *s, const struct alphabet *a, const char *text)
{
	struct word w = { 0 };
	uint32_t c;

	while (*text != '\0') {
		c = next_point(&text);
		if (is_letter(a, c) || is_ascii_letter(c)) {
			add_letter(&w, a, c);
			continue;
		}
		end_word(s, a, &w);
		memset(&w, 0, sizeof(w));
		if (c >= 0x80)
			count(s, is_usual_mark(c) ? 0 : ODD, 1);
	}
	end_word(s, a, &w);
}

/* false: the bytes are not of this charset. */
static bool
judge(struct arena *arena, const struct charset *c, const unsigned char *b, size_t n, double *worth)
{
	struct score s = { 0 };
	size_t bad;
	const char *text = convert(arena, c->name, b, n, &bad);

	if (text == NULL || bad > 0)
		return false;
	if (c->pair != NULL)
		judge_pairs(&s, c, b, n);
	else
		judge_words(&s, c->alphabet, text);
	*worth = s.weight > 0 ? s.sum / s.weight : 0;
	return true;
}

/* The next name of "a, b,c"; false at the end. */
static bool
next_name(const char **list, char name[NAME_MAX_BYTES])
{
	size_t n;

	*list += strspn(*list, ", \t");
	n = strcspn(*list, ", \t");
	if (n == 0)
		return false;
	str_copy(name, n + 1 < NAME_MAX_BYTES ? n + 1 : NAME_MAX_BYTES, *list);
	*list += n;
	return true;
}

const char *
charset_guess(struct arena *arena, const char *list, const unsigned char *b, size_t n)
{
	const struct charset *c, *best = charset_named(FALLBACK);
	char name[NAME_MAX_BYTES];
	double worth, most = -2;

	if (utf8_valid((const char *)b, n))
		return "UTF-8";
	/* Cut where no character is cut in two. */
	if (n > CHARSET_SAMPLE)
		for (n = CHARSET_SAMPLE; n > 0 && b[n - 1] >= 0x80;)
			n--;
	while (next_name(&list, name))
		if ((c = charset_named(name)) != NULL && judge(arena, c, b, n, &worth) &&
		    worth > most) {
			most = worth;
			best = c;
		}
	c = charset_named(FALLBACK);
	return judge(arena, c, b, n, &worth) && worth > most ? FALLBACK : best->name;
}

char *
charset_decode(struct arena *arena, const char *charset, const unsigned char *b, size_t n)
{
	size_t bad;
	char *text = convert(arena, charset, b, n, &bad);

	return text != NULL ? text : utf8_clean(arena, (const char *)b, n, n * 4);
}
