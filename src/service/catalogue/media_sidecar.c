#include "service/catalogue/media_sidecar.h"

#include "core/access.h"
#include "core/error.h"
#include "core/str.h"
#include "service/call.h"
#include "service/catalogue/media.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_media.h"

#include "core/banned.h"

static bool
may_have_one(const struct call *call, const struct media *m, struct error *err)
{
	if (!str_eq(m->owner_id, call->by.who->user_id) &&
	    !principal_may(call->by.who, PERM_MEDIA_MANAGE_ALL))
		return error_set(err, ERR_FORBIDDEN,
		    "You can view this item, but you can't change it.");
	if (!str_eq(m->source, MEDIA_SOURCE_UPLOAD))
		return error_slug(err, ERR_CONFLICT, "not_an_upload",
		    "Only uploaded files can be processed again.");
	return str_eq(m->status, "pending") || str_eq(m->status, "ready") ||
	    str_eq(m->status, "failed") ||
	    error_slug(err, ERR_CONFLICT, "not_processable",
		"This item is %s. Only ready and failed items can be processed again.", m->status);
}

static bool
set_in(const struct call *call, const char *id, const char *text, struct media *m, bool *changed,
    struct error *err)
{
	struct media_reader reader;

	media_reader_of(call->by.who, &reader);
	return store_media_lock(call->svc->db, call->arena, &reader, id, m, err) &&
	    may_have_one(call, m, err) &&
	    store_media_set_sidecar(call->svc->db, call->arena, id, text, changed, err);
}

bool
media_set_sidecar(const struct call *call, const char *id, const char *text, struct media *m,
    struct error *err)
{
	bool changed = false;

	if (!db_begin(call->svc->db, err) ||
	    !db_end(call->svc->db, set_in(call, id, text, m, &changed, err), err))
		return false;
	return !changed || str_eq(m->status, "pending") ? media_get(call, id, m, err) :
							  media_reprocess(call, id, m, err);
}
