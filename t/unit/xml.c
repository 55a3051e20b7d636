/* XML: texts of S3 clients and servers, and texts that must be refused. */
#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"
#include "core/xml.h"
#include "t/unit/tap.h"

#include "core/banned.h"

static struct arena arena;

static struct xml_node *
parse(const char *text)
{
	struct error err = { 0 };

	return xml_parse(&arena, text, strlen(text), &err);
}

static void
check_good(void)
{
	const struct xml_node *root = parse(
	    "<?xml version=\"1.0\"?>\n<!-- a --><Delete xmlns=\"http://x/\"><Quiet>true</Quiet>"
	    "<Object><Key>a &amp;"
	    " b&#x20;&#233;</Key></Object><Object><Key><![CDATA[<c>]]></Key></Object><s:Empty a='1'"
	    " b=\"&lt;\"/></Delete>\n");
	const struct xml_node *object = xml_child(root, "Object");

	ok(root != NULL && object != NULL, "a document parses");
	is_str(xml_text(root, "Quiet", ""), "true", "text of a child");
	is_str(xml_text(object, "Key", ""), "a & b \303\251", "references are resolved");
	object = xml_next(object, "Object");
	is_str(xml_text(object, "Key", ""), "<c>", "CDATA");
	ok(xml_next(object, "Object") == NULL, "no third");
	is_str(xml_attr(xml_child(root, "Empty"), "b"), "<", "attribute, and a prefix is cut off");
	is_str(xml_text(root, "Absent", "no"), "no", "fallback");
}

static void
check_bad(void)
{
	static const char *const bad[] = {
		"",
		" ",
		"<a>",
		"<a></b>",
		"<a/><b/>",
		"<a/>x",
		"<a b></a>",
		"<a b=c/>",
		"<a b='</a>",
		"<a>&unknown;</a>",
		"<a>&amp</a>",
		"<a>&#0;</a>",
		"<a>&#xd800;</a>",
		"<a>&#x110000;</a>",
		"<a>&#x1000000000000041;</a>",
		"<a>\xff</a>",
		"<!DOCTYPE a [<!ENTITY e \"x\">]><a>&e;</a>",
		"<a><!DOCTYPE b></a>",
		"<a><?pi?></a>",
		"<a><!-- </a>",
		"<a><![CDATA[ </a>",
		"<a:b></c:b>",
		"< a/>",
		"<a",
		"<",
	};
	struct buf deep;
	struct error err = { 0 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ok(parse(bad[i]) == NULL, "refused: %s", bad[i]);
	ok(xml_parse(&arena, "<a>\0</a>", 8, &err) == NULL && str_eq(err.slug, "malformed_xml"),
	    "refused: NUL");
	buf_init(&deep, &arena, 0);
	for (int i = 0; i < 100000; i++)
		buf_adds(&deep, "<a>");
	ok(parse(deep.data) == NULL, "refused: depth 100 000");
}

int
main(void)
{
	struct buf out;

	arena_init(&arena);
	check_good();
	check_bad();
	buf_init(&out, &arena, 0);
	xml_element(&out, "Key", "a<b>&\"\x01");
	xml_element_int(&out, "Size", -5);
	is_str(out.data, "<Key>a&lt;b&gt;&amp;&quot;&#x1;</Key><Size>-5</Size>",
	    "escaped on the way out");
	arena_clear(&arena);
	return done_testing();
}
