#include "service/integrations/servers.h"

#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/id.h"
#include "service/call.h"
#include "service/list.h"
#include "service/seal.h"
#include "service/services.h"
#include "store/store_plex.h"
#include "store/store_servers.h"

#include "core/banned.h"

_Static_assert(SERVER_TOKEN_MAX == MEDIA_SERVER_TOKEN_MAX && SERVER_KEY_MAX == MEDIA_SERVER_KEY_MAX,
    "what is accepted is what a server can be sent");

bool
server_client(const struct call *call, const struct server *server, struct media_server *client,
    struct error *err)
{
	const struct seal_place place = { "media_servers", server->id, "token" };
	struct sealed token;
	char fresh[UUID_TEXT];

	uuid_v7(fresh);
	*client = (struct media_server) {
		.kind = media_server_kind_of(server->kind),
		.url = server->url,
		.machine_id = server->machine_id,
		.rules = outbound_of(call->svc->config),
	};
	if (!store_plex_client_id(call->svc->db, call->arena, fresh, &client->client_id, err) ||
	    !seal_open(call, place, server->token, &token, err))
		return false;
	client->token = (const char *)token.data;
	return true;
}

bool
server_get(const struct call *call, const char *id, struct server *server, struct error *err)
{
	if (!store_server_get(call->svc->db, call->arena, id, server, err))
		return false;
	return server->id != NULL ||
	    error_set(err, ERR_NOT_FOUND, "There is no such media server.");
}

bool
server_of_machine(const struct call *call, const char *machine_id, struct server *server,
    struct error *err)
{
	return store_server_of_machine(call->svc->db, call->arena, machine_id, server, err);
}

bool
server_list(const struct call *call, const struct list_ask *ask, struct server **servers,
    struct page *page, struct error *err)
{
	struct list_position after;
	size_t n;

	if (!list_after(call->arena, LIST_SERVERS, ask->cursor, &after, err) ||
	    !store_servers_list(call->svc->db, call->arena, after.number, after.id, ask->limit + 1,
		servers, &n, err))
		return false;
	if (list_cut(page, n, ask->limit)) {
		after.number = (*servers)[page->n - 1].created_at;
		after.id = (*servers)[page->n - 1].id;
		page->next = list_cursor(call->arena, LIST_SERVERS, &after);
	}
	return true;
}
