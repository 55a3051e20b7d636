/*
 * Public links. What a visitor sees of one is decided here, at each request (sql/links.sql); who
 * may make them and whether a password is right, by the service. Strings belong to the arena.
 */
#ifndef MN_STORE_STORE_LINKS_H
#define MN_STORE_STORE_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/str.h"
#include "model/link.h"
#include "model/media.h"
#include "store/pg.h"

struct arena;
struct db;
struct error;

extern const struct query store_links_queries[];

struct store_link_visit {
	const unsigned char *token_hash;   /* SHA256_SIZE */
	struct strings may_share, see_all; /* roles */
	bool counted;                      /* whether count is filled */
};
/* ERR_NOT_FOUND: there is none, it has expired, or its owner or its album is not there. */
bool store_link_visit(struct db *, struct arena *, const struct store_link_visit *, struct link *,
    struct error *);

struct store_link_items_ask {
	const char *link_id;
	bool all;      /* its owner sees everything */
	int64_t after; /* place and id of a position; id NULL: from the start */
	const char *after_id;
	const char *media_id; /* this item alone, or NULL */
	int limit;
};
struct store_link_items {
	/* If the link allows the download, with object_key, and single ones with their codecs. */
	struct media *items;
	int64_t *places; /* of each item */
	size_t n;
};
bool store_link_items(struct db *, struct arena *, const struct store_link_items_ask *,
    struct store_link_items *, struct error *);
bool store_link_viewed(struct db *, struct arena *, const char *id, struct error *);

/* One of the caller's. ERR_NOT_FOUND. */
bool store_link_get(struct db *, struct arena *, const struct media_reader *, const char *id,
    struct link *, struct error *);
struct store_links_ask {
	const struct media_reader *reader;
	int64_t before; /* created_at and id of a position; id NULL: the start */
	const char *before_id;
	int limit;
	const char *media_id, *collection_id; /* of that alone, or NULL */
};
/* Newest first. */
bool store_link_list(struct db *, struct arena *, const struct store_links_ask *, struct link **,
    size_t *n, struct error *);

/* Fills kind and version. In a transaction. ERR_NOT_FOUND as above. */
bool store_link_lock(struct db *, struct arena *, const char *user_id, const char *id,
    struct link *, struct error *);
bool store_link_count(struct db *, struct arena *, const char *user_id, int64_t *n, struct error *);
/* Of `ids` those that the caller may show to everybody. */
bool store_link_showable(struct db *, struct arena *, const struct media_reader *,
    struct strings ids, struct strings *found, struct error *);
/* media_ids: its items, each once, in their order. */
bool store_link_add(struct db *, struct arena *, const struct link *,
    const unsigned char *token_hash, struct error *);

struct store_link_change {
	bool set_title, set_password, set_expires;
	const char *title, *password_hash; /* or NULL: none */
	int64_t expires_at;                /* or 0: never */
	const bool *download;              /* NULL: stays */
};
/* Raises the version. */
bool store_link_change(struct db *, struct arena *, const char *id,
    const struct store_link_change *, struct error *);
bool store_link_delete(struct db *, struct arena *, const char *id, struct error *);

#endif
