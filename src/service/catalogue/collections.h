/*
 * Collections of items: albums and rules (model/collection.h), shared with people; and each
 * person's marks on items.
 *
 * Sharing gives the items too, as long as they are in: those that somebody put in who may share
 * them (their owner, or media.manage_all), and of a rule what its owner owns. Everything else in
 * there is seen only by those who may read it anyhow, so two people can see different items and
 * different counts. What is given is seen in the collection and by its id; it is in no list, search
 * or count outside. Who leaves a collection takes their own items along.
 */
#ifndef MN_SERVICE_CATALOGUE_COLLECTIONS_H
#define MN_SERVICE_CATALOGUE_COLLECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/str.h"
#include "model/collection.h"
#include "service/catalogue/media.h"
#include "service/list.h"

struct call;
struct error;

struct collections_ask {
	struct list_ask list;
	const char *scope;    /* "own", "shared", or NULL */
	const char *media_id; /* that hold this item, or NULL */
};
bool collections_list(const struct call *, const struct collections_ask *, struct collection **,
    struct page *, struct error *);
/* ERR_NOT_FOUND for those who do not see it. */
bool collection_get(const struct call *, const char *id, struct collection *, struct error *);
/* The items that the caller sees, in the collection's order. */
bool collection_items(const struct call *, const char *id, const struct list_ask *, struct media **,
    struct page *, struct error *);

/* What a person wants of a collection; NULL and false: stays as it is, or the default. */
struct collection_wish {
	const char *kind, *title, *sort;
	const struct collection_rule *rule;
	bool set_cover;
	const char *cover_id; /* or NULL: the first item */
	bool set_people;
	struct strings people, may; /* one of each for every person */
	struct strings items;       /* of a new album */
	const char *folder;         /* that the album is of, such as "Trips/2024", or NULL */
};
/*
 * Of each folder a person has one album. If it is there, *made is false: the items are put in, and
 * nothing else changes. Items that the caller no longer sees are left out then.
 */
bool collection_create(const struct call *, const struct collection_wish *, struct collection *,
    bool *made, struct error *);
/* version: the expected one, 0 = any. For the owner. */
bool collection_change(const struct call *, const char *id, int64_t version,
    const struct collection_wish *, struct collection *, struct error *);
/* Of the owner: it is gone. Of others: they leave it. */
bool collection_leave(const struct call *, const char *id, struct error *);

struct collection_step {
	struct strings add, remove, order;
	const char *before; /* where `order` goes: in front of this item, NULL: to the end */
	bool some;          /* puts in what the caller can see of `add`, rather than all or none */
	struct strings found;   /* out: of `add` what the caller can see */
	int64_t added, removed; /* out: how many were not there, or were */
	struct strings fresh;   /* out: those that were not there */
};
bool collection_step(const struct call *, const char *id, struct collection_step *,
    struct collection *, struct error *);

#define SHARER_Q_MAX 100
#define SHARER_CURSOR_MAX 1600 /* bytes: a cursor has a name in it */
/* Active people other than the caller, by name. */
bool sharers_list(const struct call *, const char *q, const struct list_ask *, struct sharer **,
    struct page *, struct error *);

enum media_mark { MEDIA_FAVORITE, MEDIA_ARCHIVED };
/* Both are the caller's own: nobody else sees them. ERR_NOT_FOUND. */
bool media_mark(const struct call *, const char *id, enum media_mark, bool on, struct media *,
    struct error *);
struct media_marks {
	struct strings ids;
	enum media_mark mark;
	bool on;
};
/* *seen: the items that the caller can read; the others stay as they are. */
bool media_mark_many(const struct call *, const struct media_marks *, struct strings *seen,
    struct error *);

#endif
