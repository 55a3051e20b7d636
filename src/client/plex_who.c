/* Who a Plex Media Server is: see media_server.h. */
#include <cjson/cJSON.h>
#include <string.h>

#include "client/http_out.h"
#include "client/plex_internal.h"
#include "client/server_proof.h"
#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"

#include "core/banned.h"

static const char who_path[] = "/identity";

static enum answer_kind
identity_read(const struct cJSON *container, const char *path, struct server_identity *who,
    struct error *err)
{
	*who = (struct server_identity) {
		.machine_id = json_str(container, "machineIdentifier", NULL),
		.name = json_str(container, "friendlyName", NULL),
		.version = json_str(container, "version", NULL),
	};
	if (who->machine_id == NULL || who->machine_id[0] == '\0' ||
	    strlen(who->machine_id) > MEDIA_SERVER_KEY_MAX)
		return plex_unknown(err, path, "an answer without machineIdentifier");
	return ANSWER_PRESENT;
}

/* Before it is known who responds, the token is not sent. */
void
plex_who(struct arena *arena, const struct media_server *server, struct http_out *out)
{
	struct media_server stranger = *server;

	stranger.token = NULL;
	plex_prepare(arena, &stranger, who_path, out);
	out->answer_max = MEDIA_SERVER_ANSWER_MAX;
}

enum answer_kind
plex_who_read(struct arena *arena, const struct http_answer *got, struct server_identity *who,
    struct error *err)
{
	const struct cJSON *container;

	if (got->status / 100 != 2)
		return plex_must(plex_refused(got->status, who_path, err), who_path, err);
	container = plex_container(arena, got->body, got->len);
	return container == NULL ? plex_unknown(err, who_path, "an answer without MediaContainer") :
				   identity_read(container, who_path, who, err);
}

enum answer_kind
plex_check(struct arena *arena, const struct media_server *server, struct server_identity *who,
    struct error *err)
{
	struct media_server stranger = *server;
	const struct cJSON *container;
	struct error another;

	stranger.token = NULL;
	if (plex_must(plex_ask(arena, &stranger, who_path, &container, err), who_path, err) !=
		ANSWER_PRESENT ||
	    identity_read(container, who_path, who, err) != ANSWER_PRESENT)
		return ANSWER_UNKNOWN;
	(void)server_proof_note(server, who, &another);
	return ANSWER_PRESENT;
}

enum answer_kind
plex_authenticate(struct arena *arena, const struct media_server *server,
    struct server_identity *who, struct error *err)
{
	static const char path[] = "/";
	const struct cJSON *container;

	if (plex_must(plex_ask(arena, server, path, &container, err), path, err) != ANSWER_PRESENT)
		return ANSWER_UNKNOWN;
	return identity_read(container, path, who, err);
}
