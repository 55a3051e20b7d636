/* What the files of client/plex*.c share. */
#ifndef MN_CLIENT_PLEX_INTERNAL_H
#define MN_CLIENT_PLEX_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "client/http_out.h"
#include "client/media_server.h"

struct arena;
struct cJSON;
struct error;

/* URL and headers of a request to a server or to plex.tv; token NULL: without. */
struct plex_caller {
	const char *url; /* without the path; slashes at its end do not count */
	const char *client_id, *token;
};
void plex_address(struct arena *, const struct plex_caller *, const char *path, struct http_out *);
/* Fills method, URL, headers and rules of a GET. */
void plex_prepare(struct arena *, const struct media_server *, const char *path, struct http_out *);
/* One GET; the body of a success goes to the sink, if there is one. */
enum answer_kind plex_get(struct arena *, const struct media_server *, const char *path,
    struct http_out *, struct http_answer *, struct error *);
/* One GET whose response is small. */
enum answer_kind plex_ask(struct arena *, const struct media_server *, const char *path,
    const struct cJSON **container, struct error *);
/* For what every Plex server has: that it is not there means that it is no Plex server. */
enum answer_kind plex_must(enum answer_kind, const char *path, struct error *);
/* What a status other than 2xx means. */
enum answer_kind plex_refused(int status, const char *path, struct error *);
/* ANSWER_UNKNOWN: this is no response of a Plex server. */
enum answer_kind plex_unknown(struct error *, const char *path, const char *why);
/* What every response of Plex has; NULL where it has not. */
const struct cJSON *plex_container(struct arena *, const char *text, size_t len);
/* Keys are texts of digits; some versions write numbers. NULL: there is none. */
const char *plex_key(struct arena *, const struct cJSON *object, const char *name);
bool plex_key_good(const char *key);
bool plex_kind_known(const char *kind);

enum answer_kind plex_check(struct arena *, const struct media_server *, struct server_identity *,
    struct error *);
void plex_who(struct arena *, const struct media_server *, struct http_out *);
enum answer_kind plex_who_read(struct arena *, const struct http_answer *, struct server_identity *,
    struct error *);
enum answer_kind plex_authenticate(struct arena *, const struct media_server *,
    struct server_identity *, struct error *);
enum answer_kind plex_poster(struct arena *, const struct media_server *, const char *path,
    struct server_picture *, struct error *);
void plex_search(struct arena *, const struct media_server *, const char *text, struct http_out *);
enum answer_kind plex_search_read(struct arena *, const struct http_answer *, struct server_hit **,
    size_t *n, struct error *);

#endif
