/* Parsing the text of the search field. */
#include <string.h>

#include "core/arena.h"
#include "core/str.h"
#include "service/catalogue/search_parse.h"
#include "t/unit/tap.h"
#include "core/banned.h"

static struct arena arena;

/* Every part as text: w:word p:phrase n:absent y:year k:kind x:absent phrase, then the filters. */
static const char *
parsed(const char *text)
{
	static const char letters[] = "wpnykx";
	struct search_query q;
	struct buf buf;

	search_parse(&arena, text, &q);
	buf_init(&buf, &arena, 0);
	for (size_t i = 0; i < q.nterms; i++)
		buf_addf(&buf, "%c:%s ", letters[q.terms[i].kind], q.terms[i].text);
	for (size_t i = 0; i < q.ntags; i++)
		buf_addf(&buf, "tag=%s ", q.tags[i]);
	for (size_t i = 0; i < q.nkinds; i++)
		buf_addf(&buf, "kind=%s ", q.kinds[i]);
	for (size_t i = 0; i < q.n_not_tags; i++)
		buf_addf(&buf, "tag!=%s ", q.not_tags[i]);
	for (size_t i = 0; i < q.n_not_kinds; i++)
		buf_addf(&buf, "kind!=%s ", q.not_kinds[i]);
	for (size_t i = 0; i < q.n_not_years; i++)
		buf_addf(&buf, "year!=%lld-%lld ", (long long)q.not_years[i].from,
		    (long long)q.not_years[i].to);
	if (q.source != NULL)
		buf_addf(&buf, "source=%s ", q.source);
	if (q.year_from != 0)
		buf_addf(&buf, "year=%lld-%lld ", (long long)q.year_from, (long long)q.year_to);
	if (q.taken_from != NULL || q.taken_to != NULL)
		buf_addf(&buf, "taken=%s..%s ", q.taken_from != NULL ? q.taken_from : "",
		    q.taken_to != NULL ? q.taken_to : "");
	if (q.camera != NULL)
		buf_addf(&buf, "camera=%s ", q.camera);
	if (q.place != NULL)
		buf_addf(&buf, "place=%s ", q.place);
	if (q.id_name != NULL)
		buf_addf(&buf, "%s=%s ", q.id_name, q.id_value);
	if (q.typing)
		buf_adds(&buf, "...");
	return str_trim(&arena, buf.data);
}

int
main(void)
{
	static const char *const cases[][2] = {
		{ "", "" },
		{ "   ", "" },
		{ "Marvel movies 2023", "w:marvel k:movies y:2023" },
		{ "marv", "w:marv ..." },
		{ "marv ", "w:marv" },
		{ "\"blade runner\" 2049", "p:blade runner y:2049" },
		{ "\"unclosed phrase", "p:unclosed phrase" },
		{ "\"\"", "w:\"\"" },
		{ "spider-man", "w:spider w:man ..." },
		{ "ocean's", "w:oceans ..." },
		{ "ocean\xe2\x80\x99s", "w:oceans ..." },
		{ "L\xc3\xa9on", "w:l\xc3\xa9on ..." },
		{ "-poster dog", "n:poster w:dog ..." },
		{ "- -- -!", "w:----!" },
		{ "-\xc3\xbc"
		  "ber",
		    "n:\xc3\xbc"
		    "ber" },
		{ "-'tis dog", "n:tis w:dog ..." },
		{ "-spider-man", "n:spider man" },
		{ "spider -man", "w:spider n:man" },
		{ "-\"a b\" c", "x:a b w:c ..." },
		{ "-\"a b", "x:a b" },
		{ "-\"\" -\"!\"", "w:-\"\"-\"!\"" },
		{ "-2019 -photos", "n:2019 n:photos" },
		{ "-tag:beach -tag:\"a b\" -tag:", "n:tag tag!=beach tag!=a b" },
		{ "-kind:video -kind:nothing", "n:kind nothing kind!=video" },
		{ "-year:2019 -year:1990-1999 -year:x",
		    "n:year x year!=2019-2019 year!=1990-1999" },
		{ "-source:plex", "source=upload" },
		{ "-tmdb:603", "n:tmdb 603" },
		{ "\xe2\x80\x9csunrise over\xe2\x80\x9d sea", "p:sunrise over w:sea ..." },
		{ "\xc2\xab"
		  "a b\xc2\xbb -\xe2\x80\x9e"
		  "c d\xe2\x80\x9c",
		    "p:a b x:c d" },
		{ "\"don't look\"", "p:dont look" },
		{ "\"one\"", "p:one" },
		{ "tag:beach", "tag=beach" },
		{ "tag:\"Summer holiday\" dog ", "w:dog tag=Summer holiday" },
		{ "tag:", "w:tag ..." },
		{ "kind:video kind:nothing", "w:kind w:nothing kind=video ..." },
		{ "KIND:Video", "kind=video" },
		{ "year:2023", "year=2023-2023" },
		{ "year:1990-1999", "year=1990-1999" },
		{ "year:1999-1990", "w:year y:1999 y:1990" },
		{ "year:x", "w:year w:x ..." },
		{ "source:plex", "source=plex" },
		{ "tmdb:603", "tmdb=603" },
		{ "tmdb:007", "tmdb=7" },
		{ "tvdb:000", "tvdb=0" },
		{ "tmdb:6x", "w:tmdb w:6x ..." },
		{ "tmdb:603\"}", "w:tmdb w:603 ..." },
		{ "imdb:tt0133093", "imdb=tt0133093" },
		{ "TT0133093", "imdb=tt0133093" },
		{ "1234 20233 1869 2101", "w:1234 w:20233 w:1869 w:2101 ..." },
		{ "photos and songs", "k:photos w:and k:songs" },
		{ "artists with albums", "k:artists w:with k:albums" },
		{ "'; DROP TABLE media; --", "w:drop w:table w:media" },
		{ "a'b\"c d\"e", "w:ab w:c w:de ..." },
		{ "!!! ???", "w:!!!???" },
		{ "!!! dog", "w:dog ..." },
		{ "!!! tag:a", "tag=a" },
		{ "m*a*s*h S.W.A.T.", "w:mash w:swat ..." },
		{ "9-1-1", "w:911 ..." },
		{ "7-11", "w:7 w:11 ..." },
		{ "-m*a*s*h", "n:m a s h" },
		{ "1917", "y:1917" },
		{ "\xe0\xa5\xa8\xe0\xa5\xa6\xe0\xa5\xa6\xe0\xa5\xa7", "y:2001" },
		{ "\xef\xbc\x99\xdb\xb9\xd9\xa0\xe0\xb9\x99", "w:9909 ..." },
		{ "300", "w:300 ..." },
		{ "\xe5\x90\x9b\xe3\x80\x80\xe5\x90\x8d", "w:\xe5\x90\x9b w:\xe5\x90\x8d ..." },
		{ "taken:2012", "taken=2012-01-01..2012-12-31" },
		{ "Taken:2012-02", "taken=2012-02-01..2012-02-29" },
		{ "taken:1900-02", "taken=1900-02-01..1900-02-28" },
		{ "taken:2012-05-17", "taken=2012-05-17..2012-05-17" },
		{ "taken:2012..2014-06", "taken=2012-01-01..2014-06-30" },
		{ "taken:2014-06..2012", "taken=2012-01-01..2014-06-30" },
		{ "taken:2012-2014", "taken=2012-01-01..2014-12-31" },
		{ "taken:2012..", "taken=2012-01-01.." },
		{ "taken:..2012-05-03 sea", "w:sea taken=..2012-05-03 ..." },
		{ "taken:.. taken:2012-13 taken:2011-02-29 taken:201",
		    "w:taken w:taken y:2012 w:13 w:taken y:2011 w:02 w:29 w:taken w:201 ..." },
		{ "camera:D90", "camera=d90" },
		{ "place:\"Aix-en-Provence\" sea", "w:sea place=aix en provence ..." },
		{ "camera:\"Nikon D90\" camera:-", "w:camera camera=nikon d90 ..." },
	};
	struct search_query q;
	struct buf many;

	arena_init(&arena);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		is_str(parsed(cases[i][0]), cases[i][1], "%s", cases[i][0]);
	buf_init(&many, &arena, 0);
	for (int i = 0; i < 200; i++)
		buf_adds(&many, "tag:a w 2023 kind:image \"p q\" -n ");
	search_parse(&arena, many.data, &q);
	ok(q.nterms <= SEARCH_TERMS_MAX && q.ntags <= SEARCH_TAGS_MAX &&
		q.nkinds <= SEARCH_KINDS_MAX,
	    "no more than fit");
	search_parse(&arena, "movies", &q);
	is_str(q.terms[0].kinds[0], "movie", "movies are movies");
	is_str(q.terms[0].kinds[1], "video", "and videos");
	ok(q.terms[0].kinds[2] == NULL, "and nothing else");
	ok(search_kind_known("episode") && !search_kind_known("episodes") && !search_kind_known(""),
	    "kinds");
	arena_clear(&arena);
	return done_testing();
}
