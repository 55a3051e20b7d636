/*
 * Overseerr, and Seerr (Jellyseerr), which speaks the same protocol: REST below /api/v1. The key
 * acts as its owner, with `user` as that user of Overseerr (X-API-User); a user id in a body would
 * be approved in the name of the key's owner, so none is ever sent.
 *
 * Every question ends present, absent or unknown (outbound.h). Absent means that Overseerr itself
 * said so: a 404 that it did not write (a proxy's) is unknown. Unknown fills the error:
 *	refused_address, upstream_*	as http_out() has them
 *	overseerr_unauthorized		ERR_UPSTREAM, the key is not accepted, or may not do this
 *	overseerr_unknown		ERR_UPSTREAM, what responds is not Overseerr
 *	overseerr_unavailable		ERR_UNAVAILABLE, it responds with another status
 * Numbers of states that are not known here come through as they are.
 */
#ifndef MN_CLIENT_OVERSEERR_H
#define MN_CLIENT_OVERSEERR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/outbound.h"

struct arena;
struct error;

#define OVERSEERR_CALL_MS 10000
#define OVERSEERR_ANSWER_MAX (4UL << 20)
#define OVERSEERR_PAGE 100       /* elements of a page of a list */
#define OVERSEERR_LIST_MAX 20000 /* elements of a list; a longer one is not complete */
#define OVERSEERR_NAME_MAX 200
#define OVERSEERR_SEASONS_MAX 100

struct overseerr {
	const char *url, *key; /* http or https, no trailing slash needed */
	struct outbound rules;
	int64_t user;     /* acts as this user; 0: as the key's owner */
	int64_t deadline; /* monotonic us, for all calls together; 0: none but each call's own */
};

/* Bits of a user's permissions. */
#define OVERSEERR_ADMIN 2
#define OVERSEERR_MANAGE_USERS 8
#define OVERSEERR_MANAGE_REQUESTS 16

struct overseerr_account {
	int64_t id;
	const char *name;    /* never an e-mail address */
	const char *plex_id; /* or NULL */
	int64_t permissions;
};

struct overseerr_request {
	int64_t id;
	const char *media_type; /* movie, tv */
	int64_t tmdb_id;
	bool is4k;
	int64_t seasons[OVERSEERR_SEASONS_MAX];
	size_t nseasons;
	int64_t request_state; /* 1 pending, 2 approved, 3 declined, 4 failed, 5 completed */
	/* 1 unknown, 2 pending, 3 processing, 4 partially available, 5 available */
	int64_t media_state;
	struct overseerr_account by;
	int64_t created_at, updated_at; /* us */
};

struct overseerr_title {
	const char *media_type;
	int64_t tmdb_id;
	const char *title, *overview; /* or NULL */
	const char *poster;           /* path at TMDB, or NULL */
	int64_t year;                 /* 0: unknown */
	int64_t media_state;          /* 0: Overseerr knows nothing of it */
};
struct overseerr_titles {
	struct overseerr_title *items;
	size_t n;
	int64_t page, pages;
};

/* A list that is read page by page; pages are small, so that memory does not grow with it. */
struct overseerr_list {
	/* Called for each page. Returns false, with the error, to stop. */
	bool (*page)(void *context, struct arena *, const void *items, size_t n, struct error *);
	void *context;
	bool whole; /* out: every element was seen */
};

/* Who is there? Public: proves nothing about the key. */
enum answer_kind overseerr_status(struct arena *, const struct overseerr *, const char **version,
    struct error *);
/* The key's owner: proves the key. */
enum answer_kind overseerr_me(struct arena *, const struct overseerr *, struct overseerr_account *,
    struct error *);
enum answer_kind overseerr_account(struct arena *, const struct overseerr *, int64_t id,
    struct overseerr_account *, struct error *);
/* Pages of struct overseerr_account. Present or unknown. */
enum answer_kind overseerr_accounts(struct arena *, const struct overseerr *,
    struct overseerr_list *, struct error *);
/* Pages of struct overseerr_request, newest first; `of`: those of this user, 0: all. */
enum answer_kind overseerr_requests(struct arena *, const struct overseerr *, int64_t of,
    struct overseerr_list *, struct error *);
/* The newest ones, at most `max` in `out`, which has as many places. Present or unknown. */
enum answer_kind overseerr_newest(struct arena *, const struct overseerr *,
    struct overseerr_request *out, size_t max, size_t *n, struct error *);
enum answer_kind overseerr_request(struct arena *, const struct overseerr *, int64_t id,
    struct overseerr_request *, struct error *);
enum answer_kind overseerr_search(struct arena *, const struct overseerr *, const char *query,
    int page, struct overseerr_titles *, struct error *);
enum answer_kind overseerr_title(struct arena *, const struct overseerr *, const char *media_type,
    int64_t tmdb_id, struct overseerr_title *, struct error *);

/* A title with what can be asked for of it. */
struct overseerr_season {
	int64_t number, episodes;
	const char *name; /* or NULL */
	/* as media_state; what was asked for counts as pending (2) or processing (3) */
	int64_t state, state_4k;
};
struct overseerr_details {
	struct overseerr_title title;
	int64_t state_4k;
	struct overseerr_season seasons[OVERSEERR_SEASONS_MAX];
	size_t nseasons;
};
enum answer_kind overseerr_details(struct arena *, const struct overseerr *, const char *media_type,
    int64_t tmdb_id, struct overseerr_details *, struct error *);
/* Are there requests in 4K there, for this kind of media? Present or unknown. */
enum answer_kind overseerr_has_4k(struct arena *, const struct overseerr *, const char *media_type,
    bool *has, struct error *);

struct overseerr_quota {
	int64_t days, limit; /* 0: no limit */
	int64_t used, remaining;
	bool restricted;
};
enum answer_kind overseerr_quota(struct arena *, const struct overseerr *, int64_t user,
    const char *media_type, struct overseerr_quota *, struct error *);

struct overseerr_ask {
	const char *media_type;
	int64_t tmdb_id;
	bool is4k;
	const int64_t *seasons; /* of a series */
	size_t nseasons;        /* 0: all */
};
/* How Overseerr took a request. ASKED_UNKNOWN fills the error: it may have it or not. */
enum overseerr_asked {
	ASKED_TAKEN,
	ASKED_NO_SEASONS, /* there is nothing left to ask for */
	ASKED_REFUSED,    /* permission or quota */
	ASKED_DUPLICATE,
	ASKED_UNKNOWN,
};
enum overseerr_asked overseerr_ask(struct arena *, const struct overseerr *,
    const struct overseerr_ask *, struct overseerr_request *, struct error *);
/*
 * `what`: approve, decline or retry. Absent is not sure: Overseerr says 404 for other failures of
 * these too, so ask for the request itself.
 */
enum answer_kind overseerr_decide(struct arena *, const struct overseerr *, int64_t id,
    const char *what, struct overseerr_request *, struct error *);
/* Present: it has been removed. */
enum answer_kind overseerr_remove(struct arena *, const struct overseerr *, int64_t id,
    struct error *);

/* May this user's requests be approved without anybody? */
bool overseerr_approves_itself(const struct overseerr_account *, const char *media_type, bool is4k);
/* May this user ask for it in 4K? */
bool overseerr_may_4k(const struct overseerr_account *, const char *media_type);
/* The name of the n-th permission that these bits have; NULL behind the last. */
const char *overseerr_permission(int64_t permissions, size_t n);

#endif
