#include "media/people.h"

#include <string.h>

#include <cJSON.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "core/xml.h"
#include "media/media.h"

#include "core/banned.h"

#define ROOT "RDF" /* the element that everything is in, without its prefix */

/* Each name once, whatever its case. */
static void
add(struct media_run *run, const char *name)
{
	const char *clean = name != NULL ? media_text(run, name, strlen(name)) : NULL;

	if (clean == NULL)
		return;
	for (size_t i = 0; i < run->npeople; i++)
		if (str_ieq(run->people[i], clean))
			return;
	if (run->npeople < PEOPLE_MAX)
		run->people[run->npeople++] = clean;
}

/* A property stands as an attribute or as an element. */
static const char *
property(const struct xml_node *node, const char *name)
{
	const char *value = xml_attr(node, name);

	return value != NULL ? value : xml_text(node, name, NULL);
}

/* "People/Ann" of digiKam, "People|Family|Ann" of Lightroom: the last part is the name. */
static void
add_keyword(struct media_run *run, const char *keyword)
{
	static const char *const roots[] = { "People/", "People|" };
	const char *name;

	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
		if (!str_starts(keyword, roots[i]))
			continue;
		name = strrchr(keyword, roots[i][strlen(roots[i]) - 1]);
		add(run, name + 1);
	}
}

/* Where in the tree a node is, as far as that says what its texts mean. */
enum place { ANYWHERE, REGIONS, PERSONS, PERSONS_DETAILS, KEYWORDS };

static enum place
place_of(const struct xml_node *node, enum place above)
{
	static const struct {
		const char *name;
		enum place place;
	} names[] = { { "RegionList", REGIONS }, { "PersonInImage", PERSONS },
		{ "PersonInImageWDetails", PERSONS_DETAILS }, { "TagsList", KEYWORDS },
		{ "hierarchicalSubject", KEYWORDS } };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_eq(node->name, names[i].name))
			return names[i].place;
	/* the name is in there, in one language or several */
	if (above == PERSONS_DETAILS && str_eq(node->name, "PersonName"))
		return PERSONS;
	return above;
}

static void
take(struct media_run *run, const struct xml_node *node, enum place place)
{
	bool entry = str_eq(node->name, "li");
	const char *type = place == REGIONS ? property(node, "Type") : NULL;

	add(run, property(node, "PersonDisplayName")); /* Microsoft's regions */
	if (type != NULL && str_eq(type, "Face"))
		add(run, property(node, "Name"));
	if (place == PERSONS && entry)
		add(run, node->text);
	if (place == KEYWORDS && entry)
		add_keyword(run, node->text);
}

/* As deep as XML_DEPTH_MAX. */
static void
walk(struct media_run *run, const struct xml_node *node, enum place above)
{
	enum place place;

	for (; node != NULL; node = node->next) {
		place = place_of(node, above);
		take(run, node, place);
		walk(run, node->child, place);
	}
}

/* From the beginning of the root to the end of its last closing tag: what is around is padding. */
static const char *
packet(const char *text, size_t size, size_t *len)
{
	const char *from = memmem(text, size, "<rdf:" ROOT, strlen("<rdf:" ROOT)), *end = NULL,
		   *p = from;

	while (p != NULL &&
	    (p = memmem(p, (size_t)(text + size - p), "</rdf:" ROOT ">",
		 strlen("</rdf:" ROOT ">"))) != NULL)
		end = p += strlen("</rdf:" ROOT ">");
	if (end == NULL)
		return NULL;
	*len = (size_t)(end - from);
	return from;
}

void
people_of_xmp(struct media_run *run, const unsigned char *xmp, size_t size)
{
	const struct xml_node *root;
	struct error ignored;
	const char *text;
	size_t len;

	if (xmp == NULL || size > PEOPLE_XMP_MAX ||
	    (text = packet((const char *)xmp, size, &len)) == NULL)
		return;
	root = xml_parse(run->arena, text, len, &ignored);
	if (root != NULL)
		walk(run, root, ANYWHERE);
}

void
people_of_sidecar(struct media_run *run, const unsigned char *text, size_t size)
{
	const struct cJSON *takeout, *person;
	struct error ignored;

	people_of_xmp(run, text, size);
	takeout = json_parse(run->arena, (const char *)text, size, &ignored);
	cJSON_ArrayForEach (person, json_get(takeout, "people"))
		add(run, json_str(person, "name", NULL));
}
