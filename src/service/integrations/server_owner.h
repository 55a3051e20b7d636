/*
 * Who owns a Plex server. In its webhooks the owner is account 1, whatever the owner's id at
 * plex.tv is, and people here are linked by the ids of plex.tv.
 *
 * Evidence: the example in Plex's own article about webhooks (support.plex.tv 115002267687) has
 * "owner": true with account 1; GET /accounts of a server lists its owner as 1 and a Home user as
 * 3972737 (plexopedia.com, "Get Accounts"); receivers rely on it (github.com/Shraymonks/unmonitorr
 * issue 6, github.com/arabcoders/watchstate issue 32).
 */
#ifndef MN_SERVICE_INTEGRATIONS_SERVER_OWNER_H
#define MN_SERVICE_INTEGRATIONS_SERVER_OWNER_H

#include <stdbool.h>

#include "model/server.h"

struct call;
struct error;

#define PLEX_OWNER_ACCOUNT "1"

/* With *known nobody has to be asked, and *account is as below. */
bool server_owner_known(const struct call *, const struct server *, const char **account,
    bool *known, struct error *);
/*
 * Outside transactions. *account: the owner's id at plex.tv; NULL: it cannot be told, because the
 * token is not the owner's, or does not matter, because nobody here is linked. False: the server or
 * plex.tv did not say; ask again.
 */
bool server_owner(const struct call *, const struct server *, const char **account, struct error *);

#endif
