/* Asking a media server who it is: for the test button, and when a server is set up or changed. */
#include <string.h>

#include "client/http_out.h"
#include "core/arena.h"
#include "core/error.h"
#include "core/id.h"
#include "core/str.h"
#include "service/call.h"
#include "service/integrations/libraries.h"
#include "service/integrations/server_look.h"
#include "service/integrations/servers.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_plex.h"
#include "store/store_servers.h"

#include "core/banned.h"

bool
server_url_check(const char *url, struct error *err)
{
	return http_out_is_base(url) ||
	    error_field(err, "url", "format",
		"must be like http://192.168.1.20:32400, without a user name");
}

bool
server_token_check(const char *token, struct error *err)
{
	for (const char *c = token; *c != '\0'; c++)
		if (*c <= ' ' || *c >= 0x7f)
			return error_field(err, "token", "format",
			    "must be letters, digits and signs without spaces");
	return true;
}

bool
server_client_new(const struct call *call, const char *kind, const char *url, const char *token,
    struct media_server *client, struct error *err)
{
	char fresh[UUID_TEXT];

	uuid_v7(fresh);
	*client = (struct media_server) {
		.kind = media_server_kind_of(kind),
		.url = url,
		.token = token,
		.rules = outbound_of(call->svc->config),
		.insist = true,
	};
	return store_plex_client_id(call->svc->db, call->arena, fresh, &client->client_id, err);
}

void
server_look(const struct call *call, const struct media_server *client, struct server_look *look)
{
	struct server_identity named;

	*look = (struct server_look) { .sections = NULL };
	error_clear(&look->why);
	if (client->kind->check(call->arena, client, &look->who, &look->why) != ANSWER_PRESENT ||
	    (client->machine_id != NULL && !str_eq(client->machine_id, look->who.machine_id)) ||
	    client->kind->authenticate(call->arena, client, &named, &look->why) != ANSWER_PRESENT)
		return;
	look->who = named;
	if (client->kind->sections(call->arena, client, &look->sections, &look->nsections,
		&look->why) != ANSWER_PRESENT)
		look->sections = NULL;
}

bool
server_look_keep(const struct call *call, const char *server_id, const struct server_look *look,
    struct error *err)
{
	const struct store_server_contact contact = { look->who.machine_id, look->who.version };
	struct db *db = call->svc->db;
	bool known;

	if (contact.machine_id == NULL)
		return true;
	if (!store_server_seen(db, call->arena, server_id, &contact, &known, err)) {
		if (db_violated(err, "media_servers_machine_id_key"))
			error_slug(err, ERR_CONFLICT, "server_exists",
			    "This server is set up already, perhaps with another address.");
		return false;
	}
	/* The sections of another installation are not this server's. */
	return !known || look->sections == NULL ||
	    library_keep(call, server_id, look->sections, look->nsections, err);
}

/* Slugs of client/media_server.h as codes of the test, and what to do. */
static const struct verdict {
	const char *slug, *code, *advice; /* advice NULL: the error has it */
} verdicts[] = {
	{ "refused_address", "refused_address", NULL },
	{ "upstream_tls", "tls",
	    "The server's certificate is not trusted, or it does not support TLS. Use its"
	    " plex.direct address, use http:// within your network, or add its certificate"
	    " authority to outbound.ca_file." },
	{ "server_unauthorized", "unauthorized",
	    "The server does not accept this token. Copy the X-Plex-Token of the server's owner"
	    " again." },
	{ "server_unknown", "not_plex",
	    "Something responds at this address, but it is not a Plex Media Server. Check the"
	    " address and the port, which usually is 32400. A proxy's sign-in page looks like this"
	    " too." },
	{ "upstream_protocol", "not_plex",
	    "Something responds at this address, but it does not speak HTTP. Check the port, which"
	    " usually is 32400." },
	{ "upstream_too_long", "not_plex",
	    "Something responds at this address, but it is not a Plex Media Server. Check the"
	    " address and the port, which usually is 32400." },
	{ "upstream_unreachable", "unreachable",
	    "Nothing responds at this address. Check that the server is running, and check the"
	    " address and the port, which usually is 32400." },
	{ "upstream_timeout", "unreachable",
	    "The server did not respond in time. Check that it is running and not overloaded." },
	{ "server_failed", "unreachable", NULL },
};

static void
judge(const struct server_look *look, struct server_test *test)
{
	const char *slug = error_slug_of(&look->why);

	*test = (struct server_test) { .code = "unreachable", .message = look->why.message };
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
		if (strcmp(verdicts[i].slug, slug) == 0) {
			test->code = verdicts[i].code;
			if (verdicts[i].advice != NULL)
				test->message = verdicts[i].advice;
		}
}

static void
good(const struct call *call, const struct server_look *look, struct server_test *test)
{
	*test = (struct server_test) {
		.code = "ok",
		.message = arena_printf(call->arena, "Connected. The server has %zu libraries.",
		    look->nsections),
	};
}

static void
conclude(const struct call *call, struct server_look *look, struct server_test *test)
{
	if (look->why.code == ERR_NONE)
		good(call, look, test);
	else
		judge(look, test);
	test->message = arena_strdup(call->arena, test->message);
	test->name = look->who.name;
	test->version = look->who.version;
	test->machine_id = look->who.machine_id;
}

bool
server_test_new(const struct call *call, const char *kind, const char *url, const char *token,
    struct server_test *test, struct error *err)
{
	struct server_look look;
	struct media_server client;

	if (!server_url_check(url, err) || !server_token_check(token, err) ||
	    !server_client_new(call, kind, url, token, &client, err))
		return false;
	server_look(call, &client, &look);
	conclude(call, &look, test);
	return true;
}

bool
server_test_saved(const struct call *call, const char *id, struct server_test *test,
    struct error *err)
{
	struct server_look look;
	struct media_server client;
	struct server server;
	struct db *db = call->svc->db;

	if (!server_get(call, id, &server, err) || !server_client(call, &server, &client, err))
		return false;
	client.insist = true;
	server_look(call, &client, &look);
	conclude(call, &look, test);
	if (server.machine_id != NULL && look.who.machine_id != NULL &&
	    strcmp(server.machine_id, look.who.machine_id) != 0)
		test->message = "Another installation responds at this address than before. If you"
				" set the server up again, confirm that it is the same one.";
	return db_begin(db, err) && db_end(db, server_look_keep(call, id, &look, err), err);
}
