/*
 * Collections: albums, which hold the items that people put into them, and rules, which hold what
 * matches. A collection is seen by its owner and by the people it is shared with. Strings belong to
 * the arena of the call that made the value.
 */
#ifndef MN_MODEL_COLLECTION_H
#define MN_MODEL_COLLECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/str.h"
#include "core/words.h"

/* As in the CHECK constraints of sql/0035. */
#define COLLECTION_KIND_LIST(X) X("album") X("rule")
#define COLLECTION_SORT_LIST(X) X("taken") X("manual")
#define COLLECTION_MAY_LIST(X) X("view") X("add")
#define COLLECTION_ALBUM "album"
#define COLLECTION_RULE "rule"
#define COLLECTION_OWN "own" /* what its owner may, beside COLLECTION_MAY_LIST */

#define COLLECTION_TITLE_MAX 200
#define COLLECTION_PEOPLE_MAX 200
#define COLLECTION_ITEMS_MAX 20000 /* of an album */
#define COLLECTION_STEP_MAX 500    /* items of one request */
#define COLLECTION_OWN_MAX 1000    /* of one person */
#define COLLECTION_TAGS_MAX 20     /* of a rule */

struct collection_person {
	const char *user_id, *name, *may;
};

/* Everything that is set must hold. */
struct collection_rule {
	struct strings tags, kinds, people;
	const char *from, *to; /* "2024-07-01", inclusive, or NULL */
	bool favorite;
};

struct collection {
	const char *id, *kind, *title, *sort, *owner_id; /* never NULL */
	const char *owner_name;                          /* NULL: the caller's own */
	const char *may;                                 /* the caller: "own", "add" or "view" */
	struct collection_rule rule;
	int64_t version, created_at, updated_at; /* us */
	/* as the caller sees it */
	int64_t count;
	const char *cover_id, *cover_prefix, *cover_thumbhash; /* or NULL */
	const char **cover_assets;
	size_t ncover_assets;
	/* only for its owner */
	const struct collection_person *people;
	size_t npeople;
};

/* Somebody whom things can be shared with. */
struct sharer {
	const char *id, *name;
	const char *key; /* of the order */
};

#endif
