/* multipart/form-data: what real clients send, what they must not send, and the limits. */
#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"
#include "http/multipart.h"
#include "t/unit/tap.h"

#include "core/banned.h"

#define TYPE "multipart/form-data; boundary=b"
#define FIELD(name) "Content-Disposition: form-data; name=\"" name "\"\r\n"

static struct arena arena;
static struct multipart form;
static struct error err;

static bool
parse_bytes(const char *type, const char *body, size_t len)
{
	error_clear(&err);
	return multipart_parse(&arena, type, body, len, &form, &err);
}

static bool
parse(const char *body)
{
	return parse_bytes(TYPE, body, strlen(body));
}

static bool
part_is(size_t i, const char *name, const char *data)
{
	return i < form.n && strcmp(form.parts[i].name, name) == 0 &&
	    form.parts[i].len == strlen(data) &&
	    memcmp(form.parts[i].data, data, form.parts[i].len) == 0;
}

static void
test_parts(void)
{
	static const char body[] = "--b\r\n" FIELD(
	    "payload") "Content-Type: application/json\r\n\r\n"
		       "{\"event\":\"library.new\"}\r\n--b\r\n"
		       "Content-Disposition: form-data; name=\"thumb\";"
		       " filename=\"a;\\\"b.jpg\"\r\n"
		       "content-type:image/jpeg\r\n\r\n\xff\xd8\0\r\n--x\r\n\r\n--b--\r\n";

	ok(parse_bytes(TYPE, body, sizeof(body) - 1), "two parts");
	is_int((int)form.n, 2, "are two");
	ok(part_is(0, "payload", "{\"event\":\"library.new\"}"), "the first");
	is_str(form.parts[0].content_type, "application/json", "has a type");
	ok(form.parts[0].filename == NULL, "and no filename");
	is_str(form.parts[1].filename, "a;\"b.jpg", "the second has one");
	is_str(form.parts[1].content_type, "image/jpeg", "headers in any case");
	ok(form.parts[1].len == 10 && form.parts[1].data > body &&
		form.parts[1].data < body + sizeof(body) &&
		memcmp(form.parts[1].data, "\xff\xd8\0\r\n--x\r\n", 10) == 0,
	    "and its bytes as they are in the body");
	ok(parse("--b\r\n" FIELD("b") "\r\n2\r\n--b\r\n" FIELD("a") "\r\n1\r\n--b\r\n" FIELD(
	       "b") "\r\n3\r\n--b--"),
	    "any order, names twice, no line break at the end");
	ok(form.n == 3 && part_is(0, "b", "2") && part_is(1, "a", "1") && part_is(2, "b", "3"),
	    "all are there");
	ok(parse("before\r\n--b \t\r\n" FIELD("a") "\r\n\r\n--b--\r\nafter"),
	    "text before and after, blanks behind the boundary");
	ok(form.n == 1 && part_is(0, "a", ""), "an empty part");
	ok(parse("--b\r\n" FIELD("a") "\r\n--b--\r\n") && part_is(0, "a", ""),
	    "one without a line break of its own");
	ok(parse("--b\r\n" FIELD("a") "\r\n\r\n\r\n--b--\r\n") && part_is(0, "a", "\r\n"),
	    "one that is a line break");
	ok(parse("--b--\r\n") && form.n == 0, "no part at all");
	ok(parse("--b\r\nContent-Disposition: form-data; filename=x; name=a;\r\n"
		 "Content-Transfer-Encoding: binary\r\nX-Other: y\r\n\r\n1\r\n--b--\r\n") &&
		part_is(0, "a", "1"),
	    "tokens in place of strings, a last semicolon, other headers");
	ok(parse("--b\r\nContent-Disposition: form-data; name=\"a\"; filename=\"C:\\x.jpg\"\r\n\r\n"
		 "\r\n--b--\r\n"),
	    "a path of Windows");
	is_str(form.parts[0].filename, "C:\\x.jpg", "keeps its backslash");
}

static void
test_boundary(void)
{
	static const char quoted[] = "--a b:c\r\n" FIELD("a") "\r\n1\r\n--a b:c--\r\n";
	char *longest = arena_alloc(&arena, MULTIPART_BOUNDARY_MAX + 2);

	ok(parse_bytes("Multipart/Form-Data ; charset=utf-8; Boundary=\"a b:c\"", quoted,
	       sizeof(quoted) - 1) &&
		part_is(0, "a", "1"),
	    "a quoted boundary beside another parameter");
	ok(!parse_bytes("multipart/form-data", "--b--", 5), "no boundary");
	is_str(error_slug_of(&err), "malformed_request", "says so");
	ok(!parse_bytes("multipart/form-data; boundary=\"\"", "----", 4), "an empty one");
	ok(!parse_bytes("multipart/form-data; boundary=\"b", "--b--", 5), "an open quote");
	ok(!parse_bytes("multipart/form-data; boundary=\"b\r\n\"", "--b\r\n--", 7), "a line break");
	ok(!parse_bytes("multipart/form-data; boundary=\"b \"", "--b --", 6), "a blank at its end");
	memset(longest, 'x', MULTIPART_BOUNDARY_MAX);
	ok(parse_bytes(arena_printf(&arena, "multipart/form-data; boundary=%s", longest),
	       arena_printf(&arena, "--%s--", longest), MULTIPART_BOUNDARY_MAX + 4),
	    "the longest");
	longest[MULTIPART_BOUNDARY_MAX] = 'x';
	ok(!parse_bytes(arena_printf(&arena, "multipart/form-data; boundary=%s", longest),
	       arena_printf(&arena, "--%s--", longest), MULTIPART_BOUNDARY_MAX + 5),
	    "a longer one");
}

static void
test_malformed(void)
{
	static const struct {
		const char *body, *what;
	} bad[] = {
		{ "", "nothing" },
		{ "--c\r\n" FIELD("a") "\r\n1\r\n--c--\r\n", "another boundary" },
		{ "--b\r\n" FIELD("a") "\r\n1\r\n--b\r\n", "cut after a boundary" },
		{ "--b\r\n" FIELD("a") "\r\n1", "cut within a part" },
		{ "--b\r\n" FIELD("a"), "cut within the headers" },
		{ "--b\r\n\r\n1\r\n--b--\r\n", "a part without headers" },
		{ "--b\r\nContent-Type: text/plain\r\n\r\n1\r\n--b--\r\n", "without a name" },
		{ "--b\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\n1\r\n--b--\r\n",
		    "that is no field" },
		{ "--b\r\nContent-Disposition: form-data; name=\"a\r\n\r\n1\r\n--b--\r\n",
		    "with an open quote" },
		{ "--b\r\nContent-Disposition: form-data; name=\"\xff\"\r\n\r\n1\r\n--b--\r\n",
		    "with a name that is no UTF-8" },
		{ "--b\r\n" FIELD("a") FIELD("c") "\r\n1\r\n--b--\r\n", "with two names" },
		{ "--b\r\n" FIELD("a") " folded\r\n\r\n1\r\n--b--\r\n", "with a folded header" },
		{ "--b\r\n" FIELD("a") "nonsense\r\n\r\n1\r\n--b--\r\n",
		    "with a line that is no header" },
		{ "--b\r\n" FIELD("a") "Content-Transfer-Encoding: base64\r\n\r\nMQ==\r\n--b--\r\n",
		    "in another encoding" },
		{ "--b\r\n" FIELD("a") "\r\n1\r\n--bc\r\n--b--\r\n",
		    "a line that only starts with the boundary" },
		{ "--b\n" FIELD("a") "\r\n1\r\n--b--\r\n", "a line break that is half" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		ok(!parse(bad[i].body), "refused: %s", bad[i].what);
		is_str(error_slug_of(&err), "malformed_request", "by its name");
	}
}

static const char *
many(size_t n)
{
	struct buf buf;

	buf_init(&buf, &arena, 0);
	for (size_t i = 0; i < n; i++)
		buf_adds(&buf, "--b\r\n" FIELD("a") "\r\n1\r\n");
	buf_adds(&buf, "--b--\r\n");
	return buf.data;
}

static const char *
long_header(size_t n)
{
	char *filler = arena_alloc(&arena, n + 1);

	memset(filler, 'x', n);
	return arena_printf(&arena, "--b\r\n" FIELD("a") "X: %s\r\n\r\n1\r\n--b--\r\n", filler);
}

static void
test_limits(void)
{
	size_t room = MULTIPART_HEADERS_MAX - strlen(FIELD("a") "X: \r\n\r\n");
	const struct multipart_part *part;

	ok(parse(many(MULTIPART_PARTS_MAX)), "as many parts as may be");
	ok(!parse(many(MULTIPART_PARTS_MAX + 1)), "one more");
	is_str(error_slug_of(&err), "payload_too_large", "says so");
	ok(parse(long_header(room)), "headers as long as may be");
	ok(!parse(long_header(room + 1)), "one byte more");
	is_str(error_slug_of(&err), "payload_too_large", "says so");
	ok(parse(
	       "--b\r\n" FIELD("thumb") "\r\n12345\r\n--b\r\n" FIELD("payload") "\r\n{}\r\n--b--"),
	    "a part over its cap is no error of the form");
	is_int((int)multipart_find(&form, "thumb", 4, &part), PART_TOO_LARGE, "it is told");
	ok(part->len == 5, "with its size");
	is_int((int)multipart_find(&form, "thumb", 5, &part), PART_FOUND, "at its cap it is there");
	is_int((int)multipart_find(&form, "payload", 100, &part), PART_FOUND,
	    "the rest of the form stands");
	is_int((int)multipart_find(&form, "other", 100, &part), PART_ABSENT, "what is not there");
}

int
main(void)
{
	arena_init(&arena);
	test_parts();
	test_boundary();
	test_malformed();
	test_limits();
	arena_clear(&arena);
	return done_testing();
}
