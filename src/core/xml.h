/*
 * Reading and writing the XML of S3 and Plex: elements with text.
 *
 * In: libexpat makes a small tree in the arena. UTF-8 only; a DOCTYPE is refused (so there are no
 * entities to expand but the five of XML and character references), processing instructions are
 * allowed before the root only, depth and node count are bounded. Attributes are kept; namespace
 * prefixes are removed.
 */
#ifndef MN_CORE_XML_H
#define MN_CORE_XML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct buf;
struct error;

#define XML_DEPTH_MAX 32
#define XML_NODES_MAX 200000

struct xml_attr {
	const char *name;
	const char *value;
	struct xml_attr *next;
};

struct xml_node {
	const char *name;
	const char *text; /* all character data directly inside, joined; "" when none */
	struct xml_attr *attrs;
	struct xml_node *child; /* first */
	struct xml_node *next;  /* sibling */
};

/* NULL with ERR_MALFORMED (slug malformed_xml). */
struct xml_node *xml_parse(struct arena *, const char *, size_t len, struct error *);

/* First child of that name, or NULL; `node` may be NULL. */
const struct xml_node *xml_child(const struct xml_node *node, const char *name);
/* the following sibling of that name */
const struct xml_node *xml_next(const struct xml_node *node, const char *name);
/* Text of the first child of that name, or the fallback. */
const char *xml_text(const struct xml_node *node, const char *name, const char *fallback);
const char *xml_attr(const struct xml_node *node, const char *name); /* NULL when absent */

/*
 * Escaped character data; characters that XML 1.0 does not allow are written as references, as S3
 * does.
 */
void xml_escape(struct buf *, const char *);
void xml_element(struct buf *, const char *name, const char *text); /* <name>text</name> */
void xml_element_int(struct buf *, const char *name, int64_t);

#endif
