/*
 * A server of films, series and music that somebody else runs (Plex), as a plug: what each
 * kind of server can be asked. Another kind is a file with a value of struct media_server_kind,
 * and a row in media_server.c, with its name in model/server.h.
 *
 * Every question ends present, absent or unknown (outbound.h). Unknown fills the error:
 *	refused_address, upstream_unreachable, upstream_timeout, upstream_tls, upstream_protocol,
 *	upstream_too_long, upstream_suspended	as http_out() has them
 *	server_unauthorized	ERR_UPSTREAM, the token is not accepted
 *	server_unknown		ERR_UPSTREAM, what responds is not such a server (a proxy's page, an
 *				empty body, JSON of something else)
 *	server_failed		ERR_UNAVAILABLE, it responds with another status
 *	server_changed		ERR_UPSTREAM, another installation responds at the address; it was
 *				not sent the token
 */
#ifndef MN_CLIENT_MEDIA_SERVER_H
#define MN_CLIENT_MEDIA_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/outbound.h"
#include "core/str.h"

struct arena;
struct error;
struct media_server_kind;

#define MEDIA_SERVER_CALL_MS 10000  /* one question */
#define MEDIA_SERVER_PAGE_MS 60000  /* one page of items */
#define MEDIA_SERVER_TOKEN_MAX 2048 /* bytes; some are JWTs */
#define MEDIA_SERVER_ANSWER_MAX (4UL << 20)
#define MEDIA_SERVER_PAGE_MAX (256UL << 20) /* bytes of a page, which is read item by item */
#define MEDIA_SERVER_ITEM_MAX (1UL << 20)   /* bytes of one item */
#define MEDIA_SERVER_KEY_MAX 64             /* bytes */
#define MEDIA_SERVER_PICTURE_MS 30000
#define MEDIA_SERVER_PICTURE_MAX (20UL << 20) /* bytes */
#define MEDIA_SERVER_HITS_MAX 100             /* of a search */

struct media_server {
	const struct media_server_kind *kind;
	const char *url, *token; /* http or https, no trailing slash needed */
	const char *client_id;   /* who we are to it: stable */
	/*
	 * The installation whose token it is: no other one is sent it (server_proof.h). NULL: not
	 * known yet.
	 */
	const char *machine_id;
	struct outbound rules;
	bool insist; /* see http_out.h */
};

/* What a server says of itself. */
struct server_identity {
	const char *machine_id; /* of the installation: another one after it is set up again */
	const char *name;       /* NULL before authentication */
	const char *version;
};

struct server_section {
	const char *key, *title;
	const char *type; /* movie, show or artist; sections of other types are not offered */
	const char *agent;
};

/* NULL, 0 or an empty list: the server does not say. Texts belong to the arena of the call. */
struct server_item {
	const char *key;  /* unique on its server, until it is given to another item */
	const char *guid; /* what it is, as the server's agent names it */
	const char *imdb, *tmdb, *tvdb;
	const char *kind; /* movie, show, season, episode, artist, album, track */
	const char *title, *original_title, *overview, *thumb; /* thumb: path on the server */
	const char *parent, *grandparent;                      /* keys */
	const char *parent_title, *grandparent_title;
	int64_t index, parent_index; /* number of the episode, season, track, disc; -1: none */
	int64_t year, duration_ms;
	int64_t added_at, updated_at; /* Unix seconds */
	int64_t deleted_at;           /* it lies in the server's own trash */
	struct strings genres;
};

/* A part of a section's items of one kind, in the order of their keys. */
struct server_page {
	const char *section;
	const char *kind; /* of the items */
	int64_t start, size;
	/*
	 * Called for each item. `item` is NULL for one that cannot be read: `why` says it, `key`
	 * may be known. The arena is emptied after each. Returns false to stop.
	 */
	bool (*each)(void *context, const struct server_item *item, const char *key,
	    const char *why);
	void *context;
};
struct server_count {
	int64_t total; /* items of that kind in the section; -1: the server does not say */
	int64_t given; /* in this page */
	int64_t took_ms;
};

/* A picture as the server sends it: untrusted bytes, of whatever type. */
struct server_picture {
	const char *data;
	size_t len;
};

/* What a server's own search has found, the best first. */
struct server_hit {
	const char *key;
	const char *section; /* key of its section, or NULL */
};

struct http_answer;
struct http_out;

struct media_server_kind {
	const char *name;
	/* Who is there? Needs no token. */
	enum answer_kind (*check)(struct arena *, const struct media_server *,
	    struct server_identity *, struct error *);
	/* The same in two halves, as those of search. */
	void (*who)(struct arena *, const struct media_server *, struct http_out *);
	enum answer_kind (*who_read)(struct arena *, const struct http_answer *,
	    struct server_identity *, struct error *);
	/* Is the token accepted? */
	enum answer_kind (*authenticate)(struct arena *, const struct media_server *,
	    struct server_identity *, struct error *);
	enum answer_kind (*sections)(struct arena *, const struct media_server *,
	    struct server_section **, size_t *n, struct error *);
	/*
	 * size 0 asks for the total only. Present or unknown: a section that is not there has no
	 * 404.
	 */
	enum answer_kind (*items)(struct arena *, const struct media_server *,
	    const struct server_page *, struct server_count *, struct error *);
	enum answer_kind (*item)(struct arena *, const struct media_server *, const char *key,
	    struct server_item *, struct error *);
	/* How many people are playing something. */
	enum answer_kind (*playing)(struct arena *, const struct media_server *, int64_t *n,
	    struct error *);
	/* When somebody last saw or heard something to its end: Unix seconds, 0: never. */
	enum answer_kind (*viewed)(struct arena *, const struct media_server *, int64_t *at,
	    struct error *);
	/*
	 * The picture at a path of the server (server_item.thumb). Absent: there is none, or it is
	 * not on this server.
	 */
	enum answer_kind (*poster)(struct arena *, const struct media_server *, const char *path,
	    struct server_picture *, struct error *);
	/*
	 * The server's own search, in two halves, so that several servers are asked at the same
	 * time (server_call_each()): the first fills everything but the deadline, the second reads
	 * what came. Present or unknown.
	 */
	void (*search)(struct arena *, const struct media_server *, const char *text,
	    struct http_out *);
	enum answer_kind (*search_read)(struct arena *, const struct http_answer *,
	    struct server_hit **, size_t *n, struct error *);
	/* The kinds of items of a section's type, parents first; ends with NULL. */
	const char *const *(*kinds_of)(const char *section_type);
};

extern const struct media_server_kind media_server_plex;
/* NULL: no such kind. */
const struct media_server_kind *media_server_kind_of(const char *name);

/*
 * The ids of films and series in a guid of any age: "imdb://tt0133093", "plex://movie/..." (none),
 * "com.plexapp.agents.themoviedb://603?lang=en", "com.plexapp.agents.hama://tvdb-81797-1-2".
 * Fills those of item that are still NULL.
 */
void server_guid_read(struct arena *, const char *guid, struct server_item *);

#endif
