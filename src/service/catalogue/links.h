/*
 * Public links: the owner's side. Who has the address of one sees an item, an album or a selection
 * without an account (link_visit.h). The token in the address is a MAC of the link's id with a data
 * key, and stored as a hash: its owner can be told the address again, and whoever has the database
 * alone can open no link. One whose key is gone, or that was made before, goes on as it is, but its
 * address is not known any more.
 *
 * A link shows at any time what its owner could show then: what is in the trash, what somebody else
 * took out of the album, everything when the owner's account or right to share ends. A deleted
 * link is gone at once; signed URLs that it has given live on for S3_URL_LIFE_SECONDS at most.
 */
#ifndef MN_SERVICE_CATALOGUE_LINKS_H
#define MN_SERVICE_CATALOGUE_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/access.h"
#include "core/str.h"
#include "model/link.h"
#include "service/list.h"

struct call;
struct error;

#define LINK_PERMISSION PERM_MEDIA_UPLOAD /* what an owner needs, at any time */

bool links_enabled(const struct call *); /* in this house */

struct links_ask {
	struct list_ask list;
	const char *media_id, *collection_id; /* of that alone, or NULL */
};
bool links_list(const struct call *, const struct links_ask *, struct link **, struct page *,
    struct error *);
/* ERR_NOT_FOUND for all but its owner. */
bool link_get(const struct call *, const char *id, struct link *, struct error *);

/* What a person wants of a link. */
struct link_wish {
	const char *media_id, *collection_id; /* of a new one: one of them */
	struct strings ids;                   /* or these, in their order */
	bool set_title, set_password, set_expires;
	const char *title, *password; /* NULL: none */
	int64_t expires_at;           /* us; 0: never */
	const bool *download;         /* NULL: stays, or not */
};
/* Of a single link; NULL: nobody knows its address any more. */
const char *link_url(const struct call *, const struct link *);
bool link_create(const struct call *, const struct link_wish *, struct link *, struct error *);
/* version: the expected one, 0 = any. */
bool link_change(const struct call *, const char *id, int64_t version, const struct link_wish *,
    struct link *, struct error *);
bool link_delete(const struct call *, const char *id, struct error *);

#endif
