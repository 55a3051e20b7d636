/*
 * /api/auth: sessions (auth.c), what people do with their own account (auth_account.c), sign-in
 * with Plex (auth_plex.c).
 */
#ifndef MN_HANDLERS_AUTH_H
#define MN_HANDLERS_AUTH_H

#include "http/route.h"

struct session_grant;

extern const struct route_module auth_module, auth_account_module, auth_plex_module;

/* The response to a sign-in of any kind. */
bool auth_grant_reply(const struct request *, struct response *, int status,
    const struct session_grant *, struct error *);

#endif
