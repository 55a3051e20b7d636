/*
 * Public links: the visitor's side, without an account.
 *
 * ERR_GONE (link_gone) for every link that shows nothing: unknown, deleted, expired, of an owner
 * who is disabled or may not share, or while they are switched off. So a wrong guess tells nothing.
 * ERR_UNAUTHENTICATED (link_password) where a password is asked for, and says nothing else.
 */
#ifndef MN_SERVICE_CATALOGUE_LINK_VISIT_H
#define MN_SERVICE_CATALOGUE_LINK_VISIT_H

#include <stdbool.h>
#include <stdint.h>

#include "model/link.h"
#include "model/media.h"
#include "service/list.h"

struct call;
struct error;

struct link_visit {
	struct link link;
	bool all; /* its owner sees everything */
};

struct link_knock {
	const char *token;
	const char *ticket; /* of link_unlock(), or NULL */
	bool counted;       /* fill link.count */
};
/* Each counts in the limit of the link. */
bool link_visit(const struct call *, const struct link_knock *, struct link_visit *,
    struct error *);
/*
 * *ticket stands for the password for LINK_TICKET_SECONDS, until *expires_at (us), and no longer
 * than the link and this password. Wrong passwords are counted as wrong sign-ins are.
 */
bool link_unlock(const struct call *, const char *token, const char *password, const char **ticket,
    int64_t *expires_at, struct error *);
bool link_items(const struct call *, const struct link_visit *, const struct list_ask *,
    struct media **, struct page *, struct error *);
/* ERR_NOT_FOUND: it is not in the link. */
bool link_item(const struct call *, const struct link_visit *, const char *media_id, struct media *,
    struct error *);
/*
 * Somebody looks at it; once for each visitor and visit, and not for its owner. A view that cannot
 * be counted keeps nobody from looking.
 */
void link_viewed(const struct call *, const struct link *);

#endif
