#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"
#include "core/xml.h"

#include "core/banned.h"

#define NAME_MAX_BYTES 128

struct parser {
	struct arena *arena;
	const char *p, *end;
	size_t nodes;
};

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void
skip_space(struct parser *parser)
{
	while (parser->p < parser->end && is_space(*parser->p))
		parser->p++;
}

static bool
take(struct parser *parser, const char *literal)
{
	size_t len = strlen(literal);

	if ((size_t)(parser->end - parser->p) < len || memcmp(parser->p, literal, len) != 0)
		return false;
	parser->p += len;
	return true;
}

/* Moves past the next occurrence of `literal`; NULL when there is none, else where it began. */
static const char *
take_until(struct parser *parser, const char *literal)
{
	const char *at =
	    memmem(parser->p, (size_t)(parser->end - parser->p), literal, strlen(literal));

	if (at != NULL)
		parser->p = at + strlen(literal);
	return at;
}

static bool
name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    c == '_' || c == '-' || c == '.' || c == ':' || (unsigned char)c >= 0x80;
}

/* A name without its prefix; `whole` (may be NULL) gets it with the prefix. */
static const char *
take_name(struct parser *parser, const char **whole)
{
	const char *start = parser->p, *colon;
	char *name;

	while (parser->p < parser->end && name_char(*parser->p))
		parser->p++;
	if (parser->p == start || parser->p - start > NAME_MAX_BYTES)
		return NULL;
	name = arena_strndup(parser->arena, start, (size_t)(parser->p - start));
	if (whole != NULL)
		*whole = name;
	colon = strchr(name, ':');
	return colon != NULL ? colon + 1 : name;
}

static void
add_code_point(struct buf *out, unsigned long c)
{
	if (c < 0x80) {
		buf_addc(out, (char)c);
	} else if (c < 0x800) {
		buf_addc(out, (char)(0xc0 | c >> 6));
		buf_addc(out, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		buf_addc(out, (char)(0xe0 | c >> 12));
		buf_addc(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_addc(out, (char)(0x80 | (c & 0x3f)));
	} else {
		buf_addc(out, (char)(0xf0 | c >> 18));
		buf_addc(out, (char)(0x80 | (c >> 12 & 0x3f)));
		buf_addc(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_addc(out, (char)(0x80 | (c & 0x3f)));
	}
}

static bool
add_character_reference(struct buf *out, const char *s, const char *end)
{
	unsigned base = s < end && *s == 'x' ? 16 : 10;
	unsigned long c = 0;

	s += base == 16;
	if (s == end || end - s > 8)
		return false;
	for (; s < end; s++) {
		unsigned digit = *s >= '0' && *s <= '9' ? (unsigned)(*s - '0') :
		    *s >= 'a' && *s <= 'f'              ? (unsigned)(*s - 'a') + 10 :
		    *s >= 'A' && *s <= 'F'              ? (unsigned)(*s - 'A') + 10 :
							  16;

		if (digit >= base)
			return false;
		c = c * base + digit;
	}
	if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return false;
	add_code_point(out, c);
	return true;
}

/* Character data with its references resolved. */
static bool
add_text(struct buf *out, const char *s, const char *end)
{
	static const struct {
		const char *name;
		char c;
	} entities[] = {
		{ "amp", '&' },
		{ "lt", '<' },
		{ "gt", '>' },
		{ "quot", '"' },
		{ "apos", '\'' },
	};

	while (s < end) {
		const char *amp = memchr(s, '&', (size_t)(end - s)), *semicolon;
		bool known = false;

		buf_add(out, s, (size_t)((amp != NULL ? amp : end) - s));
		if (amp == NULL)
			break;
		if ((semicolon = memchr(amp, ';', (size_t)(end - amp))) == NULL)
			return false;
		if (amp[1] == '#')
			known = add_character_reference(out, amp + 2, semicolon);
		for (size_t i = 0; i < sizeof(entities) / sizeof(*entities) && !known; i++) {
			size_t len = strlen(entities[i].name);

			if ((size_t)(semicolon - amp - 1) == len &&
			    memcmp(amp + 1, entities[i].name, len) == 0) {
				buf_addc(out, entities[i].c);
				known = true;
			}
		}
		if (!known)
			return false;
		s = semicolon + 1;
	}
	return true;
}

/* Attributes up to and with '>' or '/>'. */
static bool
take_attributes(struct parser *parser, struct xml_node *node, bool *empty)
{
	struct xml_attr **tail = &node->attrs;

	for (;;) {
		struct xml_attr *attr = arena_alloc(parser->arena, sizeof(*attr));
		const char *start;
		struct buf value;
		char quote;

		skip_space(parser);
		if (take(parser, "/>"))
			return *empty = true;
		if (take(parser, ">"))
			return !(*empty = false);
		if ((attr->name = take_name(parser, NULL)) == NULL)
			return false;
		skip_space(parser);
		if (!take(parser, "="))
			return false;
		skip_space(parser);
		if (parser->p == parser->end || (*parser->p != '"' && *parser->p != '\''))
			return false;
		quote = *parser->p++;
		start = parser->p;
		while (parser->p < parser->end && *parser->p != quote && *parser->p != '<')
			parser->p++;
		if (parser->p == parser->end || *parser->p != quote)
			return false;
		buf_init(&value, parser->arena, 0);
		if (!add_text(&value, start, parser->p))
			return false;
		parser->p++;
		attr->value = value.data;
		*tail = attr;
		tail = &attr->next;
	}
}

static struct xml_node *parse_element(struct parser *, unsigned depth);

/* What lies between a start tag and its end tag. */
static bool
parse_content(struct parser *parser, struct xml_node *node, const char *whole_name, unsigned depth)
{
	struct xml_node **tail = &node->child;
	struct buf text;

	buf_init(&text, parser->arena, 0);
	for (;;) {
		const char *start = parser->p, *closing;

		parser->p = memchr(start, '<', (size_t)(parser->end - start));
		if (parser->p == NULL || !add_text(&text, start, parser->p))
			return false;
		if (take(parser, "</")) {
			if (take_name(parser, &closing) == NULL || strcmp(closing, whole_name) != 0)
				return false;
			skip_space(parser);
			node->text = text.data;
			return take(parser, ">");
		}
		if (take(parser, "<!--")) {
			if (take_until(parser, "-->") == NULL)
				return false;
		} else if (take(parser, "<![CDATA[")) {
			start = parser->p;
			if ((closing = take_until(parser, "]]>")) == NULL)
				return false;
			buf_add(&text, start, (size_t)(closing - start));
		} else {
			if ((*tail = parse_element(parser, depth + 1)) == NULL)
				return false;
			tail = &(*tail)->next;
		}
	}
}

static struct xml_node *
parse_element(struct parser *parser, unsigned depth)
{
	struct xml_node *node = arena_alloc(parser->arena, sizeof(*node));
	const char *whole;
	bool empty;

	if (depth >= XML_DEPTH_MAX || ++parser->nodes > XML_NODES_MAX || !take(parser, "<"))
		return NULL;
	node->text = "";
	if ((node->name = take_name(parser, &whole)) == NULL ||
	    !take_attributes(parser, node, &empty))
		return NULL;
	if (!empty && !parse_content(parser, node, whole, depth))
		return NULL;
	return node;
}

static bool
skip_misc(struct parser *parser)
{
	for (;;) {
		skip_space(parser);
		if (take(parser, "<?")) {
			if (take_until(parser, "?>") == NULL)
				return false;
		} else if (take(parser, "<!--")) {
			if (take_until(parser, "-->") == NULL)
				return false;
		} else {
			return true;
		}
	}
}

struct xml_node *
xml_parse(struct arena *arena, const char *text, size_t len, struct error *err)
{
	struct parser parser = { .arena = arena, .p = text, .end = text + len };
	struct xml_node *root = NULL;

	if (memchr(text, '\0', len) == NULL && utf8_valid(text, len)) {
		take(&parser, "\xef\xbb\xbf");
		if (skip_misc(&parser))
			root = parse_element(&parser, 0);
		if (root != NULL && (!skip_misc(&parser) || parser.p != parser.end))
			root = NULL;
	}
	if (root == NULL)
		error_slug(err, ERR_MALFORMED, "malformed_xml", "The XML is not well-formed.");
	return root;
}

const struct xml_node *
xml_child(const struct xml_node *node, const char *name)
{
	if (node == NULL)
		return NULL;
	for (const struct xml_node *child = node->child; child != NULL; child = child->next)
		if (strcmp(child->name, name) == 0)
			return child;
	return NULL;
}

const struct xml_node *
xml_next(const struct xml_node *node, const char *name)
{
	for (node = node->next; node != NULL; node = node->next)
		if (strcmp(node->name, name) == 0)
			return node;
	return NULL;
}

const char *
xml_text(const struct xml_node *node, const char *name, const char *fallback)
{
	const struct xml_node *child = xml_child(node, name);

	return child != NULL ? child->text : fallback;
}

const char *
xml_attr(const struct xml_node *node, const char *name)
{
	for (const struct xml_attr *attr = node->attrs; attr != NULL; attr = attr->next)
		if (strcmp(attr->name, name) == 0)
			return attr->value;
	return NULL;
}

void
xml_escape(struct buf *out, const char *s)
{
	for (; *s != '\0'; s++) {
		switch (*s) {
		case '&': buf_adds(out, "&amp;"); break;
		case '<': buf_adds(out, "&lt;"); break;
		case '>': buf_adds(out, "&gt;"); break;
		case '"': buf_adds(out, "&quot;"); break;
		default:
			if ((unsigned char)*s < 0x20 || *s == 0x7f)
				buf_addf(out, "&#x%x;", (unsigned)(unsigned char)*s);
			else
				buf_addc(out, *s);
		}
	}
}

void
xml_element(struct buf *out, const char *name, const char *text)
{
	buf_addf(out, "<%s>", name);
	xml_escape(out, text);
	buf_addf(out, "</%s>", name);
}

void
xml_element_int(struct buf *out, const char *name, int64_t value)
{
	buf_addf(out, "<%s>%lld</%s>", name, (long long)value, name);
}
