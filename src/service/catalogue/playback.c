#include "service/catalogue/playback.h"

#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "service/call.h"
#include "service/catalogue/media.h"
#include "service/catalogue/playable.h"
#include "service/job.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/s3.h"
#include "store/store_playback.h"

#include "core/banned.h"

#define PLAYED_NOTE_US (3600 * US_PER_SEC)

static bool
is_off(const struct call *call)
{
	return str_eq(config_str(call->svc->config, CFG_MEDIA_TRANSCODE), PLAYBACK_OFF);
}

static bool
can_be_played(const struct media *m)
{
	return str_eq(m->source, MEDIA_SOURCE_UPLOAD) &&
	    (str_eq(m->kind, "video") || str_eq(m->kind, "audio"));
}

const char *
playback_word(const struct call *call, const struct media *m)
{
	if (!can_be_played(m) || (m->object_key == NULL && m->playable != PLAYABLE_NO))
		return NULL;
	if (m->playable != PLAYABLE_NO)
		return PLAYBACK_ORIGINAL;
	return m->playback_key != NULL ? PLAYBACK_TRANSCODED :
	    is_off(call)               ? PLAYBACK_NONE :
					 PLAYBACK_TRANSCODABLE;
}

/* Of items that nobody has looked at yet: upkeep.playback comes to them. */
static enum playable
known(const struct media *m, const struct cJSON *metadata)
{
	struct playable_file file = { .kind = m->kind, .content_type = m->content_type };

	if (m->playable != PLAYABLE_UNKNOWN || metadata == NULL)
		return m->playable;
	file.video = json_str(metadata, "videoCodec", NULL);
	file.profile = json_str(metadata, "videoProfile", NULL);
	file.audio = json_str(metadata, "audioCodec", NULL);
	return playable_of(&file);
}

static bool
find(const struct call *call, const char *id, struct media *m, struct error *err)
{
	if (!media_get(call, id, m, err))
		return false;
	if (!can_be_played(m))
		return error_set(err, ERR_NOT_FOUND, "This item is neither a video nor a song.");
	if (m->object_key != NULL)
		return true;
	if (str_eq(m->status, "pending") || str_eq(m->status, "processing"))
		return error_slug(err, ERR_NOT_FOUND, "not_ready",
		    "This item is still being processed. Try again when it is ready.");
	return error_set(err, ERR_NOT_FOUND, "This item has no file.");
}

static void
of_file(const struct call *call, const struct media *m, struct playback *out)
{
	*out = (struct playback) { .state = "ready",
		.url = media_play_url(call, m, clock_now()),
		.content_type = playable_type(m->content_type),
		.progress = -1 };
}

static bool
of_row(const struct call *call, const char *id, const struct playback_row *row,
    struct playback *out, struct error *err)
{
	*out = (struct playback) { .progress = row->progress };
	if (row->state == NULL) {
		out->state = "none";
	} else if (str_eq(row->state, "failed")) {
		out->state = "failed";
		out->failure_code = row->failure_code;
		out->failure_message = row->failure_message;
	} else if (str_eq(row->state, "waiting")) {
		out->state = row->begun ? "running" : "waiting";
	} else {
		out->state = "ready";
		out->transcoded = true;
		out->content_type = row->content_type;
		out->url = s3_presign_get(call->svc->s3, call->arena, row->key, clock_now(),
		    row->content_type, NULL);
		/* Noted now and then: a page asks again whenever its URL has expired. */
		return row->played_at > clock_now() - PLAYED_NOTE_US ||
		    store_playback_played(call->svc->db, call->arena, id, err);
	}
	return true;
}

/* For a browser that plays more than the others. */
static void
offer_file(const struct call *call, const struct media *m, const char *codecs, struct playback *out)
{
	out->file_type = playable_file_type(call->arena, m->content_type, codecs);
	if (out->file_type != NULL)
		out->file_url = media_play_url(call, m, clock_now());
}

static bool
look_at(const struct call *call, const struct media *m, bool file_fails, struct playback *out,
    struct error *err)
{
	const struct cJSON *metadata = NULL;
	struct playback_row row;

	if (m->metadata != NULL)
		metadata = json_parse(call->arena, m->metadata, strlen(m->metadata), err);
	if (!file_fails && known(m, metadata) == PLAYABLE_YES) {
		of_file(call, m, out);
		return true;
	}
	if (!store_playback_get(call->svc->db, call->arena, m->id, &row, err) ||
	    !of_row(call, m->id, &row, out, err))
		return false;
	if (!file_fails && m->object_key != NULL)
		offer_file(call, m, json_str(metadata, "codecs", NULL), out);
	return true;
}

static bool
look(const struct call *call, const char *id, bool file_fails, struct playback *out,
    struct error *err)
{
	struct media media;

	return find(call, id, &media, err) && look_at(call, &media, file_fails, out, err);
}

bool
playback_get(const struct call *call, const char *id, bool file_fails, struct playback *out,
    struct error *err)
{
	return look(call, id, file_fails, out, err);
}

static bool
ask_in(const struct call *call, enum job_id kind, const char *id, const char *user,
    struct error *err)
{
	const char *key = arena_printf(call->arena, PLAYBACK_KEY_PREFIX "%s", id),
		   *payload = arena_printf(call->arena, "{\"mediaId\":\"%s\"}", id);
	bool found;

	/*
	 * The job before the row, as the worker writes them. A request that finds a job which gives
	 * up at this moment is healed by upkeep.playback.
	 */
	return job_add(call, kind, payload, key, 0, err) &&
	    (kind != JOB_PLAYBACK ||
		store_playback_hurry(call->svc->db, call->arena, key, job_row(call, kind).queue,
		    err)) &&
	    store_playback_ask(call->svc->db, call->arena, id, user, &found, err);
}

static bool
may_convert(const struct call *call, struct error *err)
{
	return !is_off(call) ||
	    error_slug(err, ERR_CONFLICT, "transcoding_off",
		"This server does not convert what browsers can't play. Download the file to play"
		" it.");
}

/* One more for the caller? Those that wait already are not counted twice. */
static bool
may_ask(const struct call *call, const struct playback *now, struct error *err)
{
	int64_t n;

	if (!may_convert(call, err))
		return false;
	if (str_eq(now->state, "waiting") || str_eq(now->state, "running"))
		return true;
	if (!store_playback_asked(call->svc->db, call->arena, call->by.who->user_id, &n, err))
		return false;
	return n < PLAYBACK_ASKED_MAX ||
	    error_slug(err, ERR_CONFLICT, "too_many_waiting",
		"You are waiting for %d conversions already. Try again when some of them are"
		" ready.",
		PLAYBACK_ASKED_MAX);
}

static bool
ask(const struct call *call, enum job_id kind, const char *id, const char *user,
    struct playback *out, struct error *err)
{
	struct db *db = call->svc->db;
	struct playback_row row;

	return db_begin(db, err) && db_end(db, ask_in(call, kind, id, user, err), err) &&
	    store_playback_get(db, call->arena, id, &row, err) &&
	    (row.state != NULL || error_set(err, ERR_NOT_FOUND, "There is no such item.")) &&
	    of_row(call, id, &row, out, err);
}

bool
playback_ask(const struct call *call, const char *id, bool file_fails, struct playback *out,
    struct error *err)
{
	if (!look(call, id, file_fails, out, err))
		return false;
	return str_eq(out->state, "ready") ||
	    (may_ask(call, out, err) &&
		ask(call, JOB_PLAYBACK, id, call->by.who->user_id, out, err));
}

/* Without the download, the file that browsers play is nothing for visitors. */
bool
playback_visit_get(const struct call *call, const struct media *m, bool file_fails,
    struct playback *out, struct error *err)
{
	if (playback_word(call, m) == NULL)
		return error_set(err, ERR_NOT_FOUND, "This link has nothing more to play of it.");
	return look_at(call, m, file_fails, out, err);
}

bool
playback_visit_ask(const struct call *call, const struct media *m, const char *owner,
    bool file_fails, struct playback *out, struct error *err)
{
	int64_t n;

	if (!playback_visit_get(call, m, file_fails, out, err))
		return false;
	if (!str_eq(out->state, "none"))
		return true;
	if (!may_convert(call, err) ||
	    !store_playback_asked(call->svc->db, call->arena, owner, &n, err))
		return false;
	if (n >= PLAYBACK_VISITORS_MAX)
		return error_slug(err, ERR_CONFLICT, "too_many_waiting",
		    "Other videos are being converted. Try again later.");
	return ask(call, JOB_PLAYBACK_AHEAD, m->id, owner, out, err);
}

bool
playback_ahead(const struct call *call, const char *media_id, struct error *err)
{
	return ask_in(call, JOB_PLAYBACK_AHEAD, media_id, NULL, err);
}

bool
playback_again(const struct call *call, const char *media_id, bool *waits, struct error *err)
{
	return store_playback_ask(call->svc->db, call->arena, media_id, NULL, waits, err);
}
