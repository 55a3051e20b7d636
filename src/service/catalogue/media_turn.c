#include "service/catalogue/media_turn.h"

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "service/call.h"
#include "service/catalogue/media.h"
#include "service/job.h"
#include "service/services.h"
#include "store/store_turn.h"

#include "core/banned.h"

#define FULL_TURN 360 /* degrees */

bool
media_turn_job(const struct call *call, const char *id, const char *content_type, struct error *err)
{
	struct json *payload = json_new(call->arena, 0);
	bool video = content_type != NULL && str_starts(content_type, "video/");

	json_object(payload, NULL);
	json_put_str(payload, "mediaId", id);
	json_object_end(payload);
	return job_add(call, video ? JOB_VIDEO_TURN : JOB_MEDIA_TURN, payload->buf.data,
	    arena_printf(call->arena, "turn:%s", id), 0, err);
}

int64_t
media_turn_left(const struct media *m)
{
	return (m->rotation - m->made_rotation + FULL_TURN) % FULL_TURN;
}

bool
media_turn(const struct call *call, const struct media *m, const struct media_patch *p,
    struct error *err)
{
	bool relative = (p->set & MEDIA_SET_ROTATE_BY) != 0;
	int64_t by = relative ? p->rotation : p->rotation - m->rotation + FULL_TURN;
	struct turned_items turned;

	if (p->rotation % MEDIA_QUARTER != 0)
		return error_field(err, relative ? "rotateBy" : "rotation", "range",
		    relative ? "must be 90, 180 or 270" : "must be 0, 90, 180 or 270");
	if (!str_eq(m->source, MEDIA_SOURCE_UPLOAD) ||
	    (!str_eq(m->kind, "image") && !str_eq(m->kind, "video")))
		return error_slug(err, ERR_CONFLICT, "not_turnable",
		    "Only uploaded photos and videos can be rotated.");
	if (!store_media_turn(call->svc->db, call->arena, m->id, by % FULL_TURN, &turned, err))
		return false;
	for (size_t i = 0; i < turned.n; i++)
		if (!media_turn_job(call, turned.ids[i], turned.content_types[i], err))
			return false;
	return true;
}
