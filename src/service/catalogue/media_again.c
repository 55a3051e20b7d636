#include "service/catalogue/media_again.h"

#include "core/arena.h"
#include "core/error.h"
#include "service/call.h"
#include "service/catalogue/media.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_media.h"

#include "core/banned.h"

struct announcement {
	const struct call *call;
	const char *id;
	struct strings scopes;
};

static void
announce(void *ctx)
{
	const struct announcement *a = ctx;

	media_announce(a->call, "media.updated", a->id, a->scopes);
}

bool
media_again(const struct call *call, const char *id, bool *moved, struct error *err)
{
	struct announcement *a = arena_alloc(call->arena, sizeof(*a));
	const struct media_event queued = {
		.step = "queue",
		.state = "done",
		.message = "Processing was requested again.",
	};
	struct db *db = call->svc->db;

	*a = (struct announcement) { .call = call, .id = id };
	if (!store_media_start(db, call->arena, id, "{failed}", moved, err))
		return false;
	if (!*moved)
		return true;
	if (!store_media_events_trim(db, call->arena, id, MEDIA_EVENTS_KEPT, err) ||
	    !store_media_event_add(db, call->arena, id, &queued, err) ||
	    !store_media_scopes(db, call->arena, id, &a->scopes, err))
		return false;
	db_on_commit(db, call->arena, announce, a);
	return true;
}
