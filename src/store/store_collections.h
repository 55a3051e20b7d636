/*
 * Collections, what is in them and who sees them, and the marks of people on items. Reads show what
 * the reader sees; changes are for the service to allow. Strings belong to the arena.
 */
#ifndef MN_STORE_STORE_COLLECTIONS_H
#define MN_STORE_STORE_COLLECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/str.h"
#include "model/collection.h"
#include "model/media.h"
#include "store/pg.h"

struct arena;
struct db;
struct error;

extern const struct query store_collections_queries[];

/* ERR_NOT_FOUND unless the reader owns it or it is shared with them. */
bool store_collection_get(struct db *, struct arena *, const struct media_reader *, const char *id,
    struct collection *, struct error *);

struct store_collections_ask {
	const struct media_reader *reader;
	const char *scope, *media_id; /* "own", "shared"; that hold this item; or NULL */
	int64_t before;               /* created_at and id of a position; id NULL: the start */
	const char *before_id;
	int limit;
};
/* Newest first. */
bool store_collection_list(struct db *, struct arena *, const struct store_collections_ask *,
    struct collection **, size_t *n, struct error *);

/* Fills kind, owner, may, version and title. In a transaction. ERR_NOT_FOUND as above. */
bool store_collection_lock(struct db *, struct arena *, const char *user_id, const char *id,
    struct collection *, struct error *);
/*
 * The id that a person's album of this folder has, whether it is there or not: one that follows
 * from both.
 */
bool store_collection_of_folder(struct db *, struct arena *, const char *user_id,
    const char *folder, const char **id, struct error *);
bool store_collection_own_count(struct db *, struct arena *, const char *user_id, int64_t *n,
    struct error *);
bool store_collection_add(struct db *, struct arena *, const struct collection *, struct error *);

struct store_collection_change {
	const char *title, *sort;           /* NULL: stays */
	bool set_cover;                     /* then */
	const char *cover_id;               /* or NULL: the first item */
	const struct collection_rule *rule; /* NULL: stays */
};
/* These raise the version. */
bool store_collection_change(struct db *, struct arena *, const char *id,
    const struct store_collection_change *, struct error *);
bool store_collection_touch(struct db *, struct arena *, const char *id, struct error *);
bool store_collection_delete(struct db *, struct arena *, const char *id, struct error *);
/* Ids of everybody who sees it. */
bool store_collection_audience(struct db *, struct arena *, const char *id, struct strings *,
    struct error *);

/* Before the collection is locked. *all: each of them is an active person. */
bool store_collection_people_keep(struct db *, struct arena *, struct strings ids, bool *all,
    struct error *);
/* Replaces them; what people own who are no longer among them leaves the collection. */
bool store_collection_people_set(struct db *, struct arena *, const char *id, struct strings ids,
    struct strings may, struct error *);

/* Of `ids` those that the reader may put in, and for each "t" if they may share it. */
bool store_collection_addable(struct db *, struct arena *, const struct media_reader *,
    struct strings ids, struct strings *found, struct strings *gives, struct error *);

struct store_collection_items {
	const char *id, *user_id;
	struct strings items, gives;
};
/* At the end. *n: how many are new, or given from now on. */
/* *n: of how many something changed; *fresh: those that were not in it. */
bool store_collection_items_add(struct db *, struct arena *, const struct store_collection_items *,
    int64_t *n, struct strings *fresh, struct error *);
/* all: those of others too. */
bool store_collection_items_remove(struct db *, struct arena *,
    const struct store_collection_items *, bool all, int64_t *n, struct error *);
bool store_collection_items_count(struct db *, struct arena *, const char *id, int64_t *n,
    struct error *);
/* In this order, in front of the item `before`, or NULL: to the end. */
bool store_collection_items_order(struct db *, struct arena *, const char *id, struct strings items,
    const char *before, struct error *);
/* Of an item in the order that people made. ERR_NOT_FOUND. */
bool store_collection_place(struct db *, struct arena *, const char *id, const char *media_id,
    int64_t *place, struct error *);

struct store_sharers_ask {
	const char *user_id;              /* left out */
	const char *q;                    /* a part of the name, or NULL */
	const char *after_key, *after_id; /* NULL: the start */
	int limit;
};
bool store_sharers(struct db *, struct arena *, const struct store_sharers_ask *, struct sharer **,
    size_t *n, struct error *);

enum store_mark { STORE_FAVORITE, STORE_ARCHIVED };
struct store_marks {
	struct strings ids;
	enum store_mark mark;
	bool on;
};
/* *seen: those that the reader can read; others get no mark. Repeating it is harmless. */
bool store_marks_set(struct db *, struct arena *, const struct media_reader *,
    const struct store_marks *, struct strings *seen, struct error *);

#endif
