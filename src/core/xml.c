#include <expat.h>
#include <limits.h>
#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"
#include "core/xml.h"

#include "core/banned.h"

#define NAME_MAX_BYTES 128

/* An element that is still open. */
struct open_element {
	struct xml_node *node;
	struct xml_node **tail; /* where its next child goes */
	struct buf text;
};

struct parser {
	XML_Parser expat;
	struct arena *arena;
	struct xml_node *root;
	struct open_element open[XML_DEPTH_MAX];
	unsigned depth;
	size_t nodes;
};

static void
refuse(struct parser *parser)
{
	XML_StopParser(parser->expat, XML_FALSE);
}

/* A name without its prefix. */
static const char *
local_name(struct parser *parser, const char *name)
{
	const char *colon = strchr(name, ':');

	if (strlen(name) > NAME_MAX_BYTES)
		refuse(parser);
	return arena_strdup(parser->arena, colon != NULL ? colon + 1 : name);
}

static void
take_attributes(struct parser *parser, struct xml_node *node, const char **attrs)
{
	struct xml_attr **tail = &node->attrs;

	for (; attrs[0] != NULL; attrs += 2) {
		*tail = arena_alloc(parser->arena, sizeof(**tail));
		(*tail)->name = local_name(parser, attrs[0]);
		(*tail)->value = arena_strdup(parser->arena, attrs[1]);
		tail = &(*tail)->next;
	}
}

static void
on_start(void *context, const char *name, const char **attrs)
{
	struct parser *parser = context;
	struct open_element *open = &parser->open[parser->depth];
	struct xml_node *node;

	if (parser->depth == XML_DEPTH_MAX || ++parser->nodes > XML_NODES_MAX) {
		refuse(parser);
		return;
	}
	node = arena_alloc(parser->arena, sizeof(*node));
	node->name = local_name(parser, name);
	node->text = "";
	take_attributes(parser, node, attrs);
	if (parser->depth == 0) {
		parser->root = node;
	} else {
		*open[-1].tail = node;
		open[-1].tail = &node->next;
	}
	*open = (struct open_element) { .node = node, .tail = &node->child };
	buf_init(&open->text, parser->arena, 0);
	parser->depth++;
}

static void
on_end(void *context, const char *name)
{
	struct parser *parser = context;
	struct open_element *open = &parser->open[--parser->depth];

	if (open->text.len > 0)
		open->node->text = open->text.data;
}

static void
on_text(void *context, const char *text, int len)
{
	struct parser *parser = context;

	if (parser->depth > 0)
		buf_add(&parser->open[parser->depth - 1].text, text, (size_t)len);
}

/* Without a document type there are no entities to expand but the five of XML. */
static void
on_doctype(void *context, const char *name, const char *system, const char *public, int internal)
{
	refuse(context);
}

static void
on_instruction(void *context, const char *target, const char *data)
{
	struct parser *parser = context;

	if (parser->depth > 0)
		refuse(parser);
}

struct xml_node *
xml_parse(struct arena *arena, const char *text, size_t len, struct error *err)
{
	struct parser parser = { .arena = arena };
	bool ok = len <= INT_MAX && memchr(text, '\0', len) == NULL;

	parser.expat = XML_ParserCreate("UTF-8");
	if (parser.expat == NULL)
		return error_set(err, ERR_INTERNAL, "Out of memory."), NULL;
	XML_SetUserData(parser.expat, &parser);
	XML_SetElementHandler(parser.expat, on_start, on_end);
	XML_SetCharacterDataHandler(parser.expat, on_text);
	XML_SetStartDoctypeDeclHandler(parser.expat, on_doctype);
	XML_SetProcessingInstructionHandler(parser.expat, on_instruction);
	ok = ok && XML_Parse(parser.expat, text, (int)len, XML_TRUE) == XML_STATUS_OK;
	XML_ParserFree(parser.expat);
	if (ok)
		return parser.root;
	error_slug(err, ERR_MALFORMED, "malformed_xml", "The XML is not well-formed.");
	return NULL;
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
