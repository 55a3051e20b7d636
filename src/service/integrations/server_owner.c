#include "service/integrations/server_owner.h"

#include "client/plex_tv.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/str.h"
#include "service/call.h"
#include "service/integrations/servers.h"
#include "service/services.h"
#include "store/store_servers.h"

#include "core/banned.h"

#define OWNER_MS 10000 /* for plex.tv */

/* Servers tell what is played to their owner's token only. */
static bool
token_is_owners(const struct call *call, const struct media_server *client, bool *is,
    struct error *err)
{
	int64_t n;

	*is = client->kind->playing(call->arena, client, &n, err) == ANSWER_PRESENT;
	return *is || str_eq(error_slug_of(err), "server_unauthorized");
}

static bool
ask(const struct call *call, const struct server *server, const char **account, struct error *err)
{
	struct plex_tv tv = { .url = config_str(call->svc->config, CFG_PLEX_TV_URL),
		.rules = outbound_of(call->svc->config),
		.deadline = clock_monotonic() + OWNER_MS * US_PER_MS };
	struct plex_account owner;
	struct media_server client;
	bool is;

	if (!server_client(call, server, &client, err) || !token_is_owners(call, &client, &is, err))
		return false;
	if (!is)
		return true;
	tv.client_id = client.client_id;
	if (plex_tv_account(call->arena, &tv, client.token, &owner, err) != ANSWER_PRESENT)
		return false;
	*account = owner.id;
	return store_server_owner_keep(call->svc->db, call->arena, server, owner.id, err);
}

bool
server_owner_known(const struct call *call, const struct server *server, const char **account,
    bool *known, struct error *err)
{
	bool linked = false;

	*account = server->owner_account;
	if (*account == NULL &&
	    !store_server_owner_matters(call->svc->db, call->arena, &linked, err))
		return false;
	*known = !linked;
	return true;
}

bool
server_owner(const struct call *call, const struct server *server, const char **account,
    struct error *err)
{
	bool known;

	return server_owner_known(call, server, account, &known, err) &&
	    (known || ask(call, server, account, err));
}
