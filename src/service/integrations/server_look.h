/* What a media server says of itself when somebody sets it up. Outside transactions. */
#ifndef MN_SERVICE_INTEGRATIONS_SERVER_LOOK_H
#define MN_SERVICE_INTEGRATIONS_SERVER_LOOK_H

#include <stdbool.h>

#include "client/media_server.h"
#include "core/error.h"

struct call;

struct server_look {
	struct server_identity who; /* machine_id NULL: unknown */
	/* NULL: unknown */
	struct server_section *sections;
	size_t nsections;
	struct error why; /* of the first question that had no answer; ERR_NONE: all had one */
};
/*
 * Another installation than the client's is asked nothing more and gets no token: look->who is all
 * there is.
 */
void server_look(const struct call *, const struct media_server *, struct server_look *);
/* In the caller's transaction: keeps it. ERR_CONFLICT server_exists as in servers.h. */
bool server_look_keep(const struct call *, const char *server_id, const struct server_look *,
    struct error *);
/* ERR_VALIDATION: no address of a server; nothing that can be sent as a token. */
bool server_url_check(const char *url, struct error *);
bool server_token_check(const char *token, struct error *);
/* A client of a server that is not saved. */
bool server_client_new(const struct call *, const char *kind, const char *url, const char *token,
    struct media_server *, struct error *);

#endif
