/*
 * Public links: who has the address sees an item, an album or a selection of items without an
 * account. Strings belong to the arena of the call that made the value.
 */
#ifndef MN_MODEL_LINK_H
#define MN_MODEL_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/access.h"
#include "core/str.h"
#include "core/words.h"

/* As in the CHECK constraint of sql/0040. */
#define LINK_KIND_LIST(X) X("item") X("album") X("selection")
#define LINK_ITEM "item"
#define LINK_ALBUM "album"
#define LINK_SELECTION "selection"

#define LINK_ITEMS_MAX 500
#define LINK_TITLE_MAX 200
#define LINK_TOKEN_BYTES 32
#define LINK_TOKEN_TEXT 43 /* characters: the bytes as base64url */
#define LINK_TICKET_MAX 256
#define LINK_TICKET_SECONDS 3600 /* how long a password is not asked for again */
#define LINK_VISIT_SECONDS 1800  /* in which one visitor's requests are one view */
#define LINK_KEEP_DAYS 30        /* after it has expired: its owner may let it go on */

struct link {
	const char *id, *kind, *owner_id;  /* never NULL */
	const char *collection_id, *title; /* or NULL */
	const char *password_hash;         /* or NULL: none is asked for */
	bool download;
	int64_t expires_at, last_viewed_at; /* us; 0: never */
	int64_t version, created_at, updated_at, views;
	enum role owner_role;
	/* as a visitor sees it */
	int64_t count;
	const char *shown_title; /* or NULL: a selection without a title */
	/* of its owner, in single links: the items of an item or a selection, in their order */
	struct strings media_ids;
	const char *media_id;   /* of an item, in lists too; else NULL */
	const char *token_hash; /* of its owner, in single links: SHA-256, as hexadecimal digits */
};

#endif
