#include "service/integrations/hook_silence.h"

#include "client/media_server.h"
#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/json.h"
#include "core/log.h"
#include "service/call.h"
#include "service/integrations/servers.h"
#include "service/notify/alert.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_jobs.h"
#include "store/store_plays.h"

#include "core/banned.h"

/* The history has a play when it ends, and its event comes then. */
#define SLACK_US (600 * US_PER_SEC)

/* Whether somebody played something since the last event. A question that failed is not a yes. */
static bool
was_played(const struct call *call, const struct quiet_server *quiet)
{
	struct error why;
	struct server server;
	struct media_server client;
	int64_t viewed_at;

	error_clear(&why);
	if (!server_get(call, quiet->id, &server, &why) ||
	    !server_client(call, &server, &client, &why) ||
	    client.kind->viewed(call->arena, &client, &viewed_at, &why) != ANSWER_PRESENT) {
		log_info(call->svc->log, "the history of %s is not known: %s", quiet->name,
		    why.message);
		return false;
	}
	return viewed_at * US_PER_SEC > quiet->last_event_at + SLACK_US;
}

static const char *
silence_data(const struct call *call, const struct quiet_server *quiet)
{
	struct json *j = json_new(call->arena, 0);

	json_object(j, NULL);
	json_put_str(j, "serverId", quiet->id);
	json_put_str(j, "server", quiet->name);
	if (quiet->last_event_at != 0)
		json_put_time(j, "lastEventAt", quiet->last_event_at);
	json_object_end(j);
	return j->buf.data;
}

static struct alert_told
told_of(const struct call *call, const struct quiet_server *quiet)
{
	return (struct alert_told) { .rule = ALERT_HOOK_SILENCE,
		.subject = quiet->id,
		.subject_name = quiet->name,
		.data = silence_data(call, quiet) };
}

static bool
notice_in(const struct call *call, const struct quiet_server *quiet, struct error *err)
{
	struct alert_told told = told_of(call, quiet);

	told.title = arena_printf(call->arena, "No events from %s", quiet->name);
	told.message = "People play something there, but its webhooks do not arrive. Check the"
		       " address under Settings > Webhooks in Plex.";
	return store_silence_noticed(call->svc->db, call->arena, quiet->id, err) &&
	    alert_raise(call, &told, err);
}

static bool
notice(const struct call *call, const struct quiet_server *quiet, struct error *err)
{
	return db_begin(call->svc->db, err) &&
	    db_end(call->svc->db, notice_in(call, quiet, err), err);
}

static bool
clear_in(const struct call *call, struct error *err)
{
	struct quiet_server *heard;
	int64_t seconds = config_int(call->svc->config, CFG_HOOKS_SILENCE);
	size_t n;

	if (!store_silences_ended(call->svc->db, call->arena, seconds, &heard, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		struct alert_told told = told_of(call, &heard[i]);

		told.title = arena_printf(call->arena,
		    heard[i].heard ? "Events from %s again" :
				     "Events from %s are no longer expected",
		    heard[i].name);
		told.message = heard[i].heard ? "Its webhooks arrive again." : NULL;
		if (!alert_clear(call, &told, err))
			return false;
	}
	return true;
}

/* Tells of servers that send events again, or from which none is expected any more. */
static bool
clear(const struct call *call, struct error *err)
{
	return db_begin(call->svc->db, err) && db_end(call->svc->db, clear_in(call, err), err);
}

bool
hook_silence_run(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	int64_t seconds = config_int(call->svc->config, CFG_HOOKS_SILENCE);
	struct quiet_server *quiet = NULL;
	size_t n = 0;

	if (!clear(call, err))
		return false;
	if (seconds > 0 &&
	    !store_quiet_servers(call->svc->db, call->arena, seconds, &quiet, &n, err))
		return false;
	for (size_t i = 0; i < n && !*env->stop; i++)
		if (!quiet[i].noticed && was_played(call, &quiet[i]) &&
		    !notice(call, &quiet[i], err))
			return false;
	return store_job_done(call->svc->db, call->arena, job, err);
}
