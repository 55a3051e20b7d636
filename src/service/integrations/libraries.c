#include "service/integrations/libraries.h"

#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "client/media_server.h"
#include "service/audit.h"
#include "service/call.h"
#include "service/integrations/servers.h"
#include "service/integrations/sync.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_libraries.h"

#include "core/banned.h"

#define LIBRARY_TITLE_MAX 256 /* bytes */

bool
library_keep(const struct call *call, const char *server_id, const struct server_section *sections,
    size_t n, struct error *err)
{
	struct store_section *rows = arena_array(call->arena, n, sizeof(*rows));

	for (size_t i = 0; i < n; i++)
		rows[i] = (struct store_section) { sections[i].key,
			utf8_clean(call->arena, sections[i].title, strlen(sections[i].title),
			    LIBRARY_TITLE_MAX),
			sections[i].type, sections[i].agent };
	return store_libraries_keep(call->svc->db, call->arena, server_id, rows, n, err);
}

/*
 * Keeps the sections that the server has now. Without an answer, or where another installation
 * responds, those that are known stay as they are.
 */
static bool
refresh(const struct call *call, const struct server *server, struct error *err)
{
	struct server_section *sections;
	struct media_server client;
	struct error why;
	size_t n;

	if (!server_client(call, server, &client, err))
		return false;
	error_clear(&why);
	if (client.kind->sections(call->arena, &client, &sections, &n, &why) != ANSWER_PRESENT)
		return true;
	return library_keep(call, server->id, sections, n, err);
}

static bool
reads(const struct library *library, const char *user)
{
	if (!library->enabled || str_eq(library->visibility, "house"))
		return library->enabled;
	for (size_t i = 0; i < library->users.n; i++)
		if (str_eq(library->users.items[i], user))
			return true;
	return false;
}

/* Moves those that this person reads to the front; returns how many they are. */
static size_t
keep_readable(struct library *libraries, size_t n, const char *user)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (reads(&libraries[i], user))
			libraries[kept++] = libraries[i];
	return kept;
}

bool
library_list(const struct call *call, const char *server_id, struct library **libraries, size_t *n,
    struct error *err)
{
	struct server server;

	bool all = principal_may(call->by.who, PERM_INTEGRATIONS_CONFIGURE);

	if (!server_get(call, server_id, &server, err) || (all && !refresh(call, &server, err)) ||
	    !store_libraries_list(call->svc->db, call->arena, server_id, libraries, n, err))
		return false;
	if (!all)
		*n = keep_readable(*libraries, *n, call->by.who->user_id);
	return true;
}

static const char *
detail_of(const struct call *call, const char *key, const struct library_change *change)
{
	struct json *j = json_new(call->arena, 0);

	json_object(j, NULL);
	json_put_str(j, "library", key);
	if (change->enabled != NULL)
		json_put_bool(j, "enabled", *change->enabled);
	json_opt_str(j, "visibility", change->visibility);
	if (change->users != NULL)
		json_put_int(j, "users", (int64_t)change->users->n);
	json_object_end(j);
	return j->buf.data;
}

/* Who sees the library after the change. In the transaction. */
static bool
change_people(const struct call *call, const struct library *library,
    const struct library_change *change, struct error *err)
{
	static const struct strings nobody = { NULL, 0 };
	bool house =
	    str_eq(change->visibility != NULL ? change->visibility : library->visibility, "house");
	const struct strings *users = house ? &nobody : change->users;
	size_t named;

	if (house && change->users != NULL && change->users->n > 0)
		return error_field(err, "users", "choice",
		    "must not be given unless visibility is shared");
	if (users == NULL)
		return true;
	if (!store_library_users(call->svc->db, call->arena, library->id, *users, &named, err))
		return false;
	return named == users->n ||
	    error_field(err, "users", "unknown", "must name active people only, each once");
}

/*
 * The first items follow at once; the rest, and what a sync that is under way adds, by the job. In
 * the transaction.
 */
static bool
settle_first(const struct call *call, const struct library *library, bool sees, struct error *err)
{
	struct library_pass pass = { .library_id = library->id, .sees = sees };
	bool more;

	return library_settle(call, &pass, &more, err) &&
	    (!(more || pass.busy) || library_settle_later(call, &pass, 0, err));
}

/* In the transaction. */
static bool
change_in(const struct call *call, const struct server *server, const char *key,
    const struct library_change *change, struct library *library, struct error *err)
{
	const struct audit_event event = { .action = "library.updated",
		.target_type = "media_server",
		.target_id = server->id,
		.detail = detail_of(call, key, change) };
	struct store_library_change row = {
		.enabled = change->enabled == NULL ? NULL :
		    *change->enabled               ? "true" :
						     "false",
		.visibility = change->visibility,
	};
	bool sees = change->visibility != NULL || change->users != NULL, begins;
	struct db *db = call->svc->db;

	if ((change->users != NULL &&
		!store_library_people_keep(db, call->arena, *change->users, err)) ||
	    !store_library_get(db, call->arena, server->id, key, library, err))
		return false;
	if (library->id == NULL)
		return error_set(err, ERR_NOT_FOUND, "There is no such library.");
	row.id = library->id;
	begins =
	    server->enabled && change->enabled != NULL && *change->enabled && !library->enabled;
	return store_library_change(db, call->arena, &row, err) &&
	    (!sees || change_people(call, library, change, err)) &&
	    settle_first(call, library, sees, err) && audit_add(call, &event, err) &&
	    (!begins || sync_request(call, server->id, key, "api", err)) &&
	    store_library_get(db, call->arena, server->id, key, library, err);
}

bool
library_change(const struct call *call, const char *server_id, const char *key,
    const struct library_change *change, struct library *library, struct error *err)
{
	struct db *db = call->svc->db;
	struct server server;

	return server_get(call, server_id, &server, err) && db_begin(db, err) &&
	    db_end(db, change_in(call, &server, key, change, library, err), err);
}
