#include "service/catalogue/media_purge.h"
#include "service/processing/purge.h"

#include <cJSON.h>
#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/json.h"
#include "service/call.h"
#include "service/catalogue/downloads.h"
#include "service/catalogue/media.h"
#include "service/processing/process_result.h"
#include "service/services.h"
#include "store/s3.h"
#include "store/store_backups.h"
#include "store/store_downloads.h"
#include "store/store_jobs.h"
#include "store/store_process.h"
#include "store/store_uploads.h"

#include "core/banned.h"

#define INCOMING_PREFIX "incoming/"

/* Versions for playing may be large, so a worker that died may have left parts of one. */
static bool
abort_parts(const struct call *call, struct strings keys, struct error *err)
{
	for (size_t i = 0; i < keys.n; i++)
		if (strstr(keys.items[i], "/" RESULT_PLAYBACK) != NULL &&
		    !s3_multipart_abort_all(call->svc->s3, call->arena, keys.items[i], err))
			return false;
	return true;
}

static bool
remove_objects(const struct call *call, struct strings keys, struct error *err)
{
	return keys.n == 0 ||
	    (abort_parts(call, keys, err) &&
		s3_delete_many(call->svc->s3, keys.items, keys.n, err) &&
		store_process_forget(call->svc->db, call->arena, keys, err));
}

/*
 * Lists the store as well, to find objects that the table does not have, for example after a
 * restore from a backup.
 */
static bool
remove_prefix(const struct call *call, const char *prefix, struct error *err)
{
	struct s3_range range = { .prefix = prefix, .max = PURGE_BATCH };
	struct strings keys;

	if (!s3_multipart_abort_all(call->svc->s3, call->arena, prefix, err))
		return false;
	for (size_t batch = 0; batch < PURGE_BATCHES_MAX; batch++) {
		if (!s3_list(call->svc->s3, call->arena, &range, &keys, err))
			return false;
		if (keys.n == 0)
			return true;
		if (!s3_delete_many(call->svc->s3, keys.items, keys.n, err))
			return false;
		range.after = keys.items[keys.n - 1];
	}
	return true;
}

/*
 * Archives that people made with it end too, at once: no backup has them. If the store does not
 * answer, upkeep.downloads removes what is left of them.
 */
static bool
end_archives(const struct call *call, const char *media_id, struct error *err)
{
	struct downloads_ended ended;

	if (!store_downloads_purge(call->svc->db, call->arena, media_id, &download_outdated, &ended,
		err))
		return false;
	for (size_t i = 0; i < ended.ids.n; i++)
		download_tell(call, "download.failed", ended.users.items[i], ended.ids.items[i]);
	return ended.keys.n == 0 ||
	    s3_delete_many(call->svc->s3, ended.keys.items, ended.keys.n, err);
}

bool
purge_run(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	const struct cJSON *payload = job_payload(call, job, err), *upload;
	const char *media_id, *key;
	struct strings keys;
	bool held;

	if (payload == NULL)
		return false;
	media_id = json_str(payload, "mediaId", "");
	if (!uuid_valid(media_id))
		return error_set(err, ERR_INTERNAL, "The job does not name an item.");
	if (!end_archives(call, media_id, err) ||
	    !store_backup_holds(call->svc->db, call->arena, &held, err))
		return false;
	if (held)
		return store_job_later(call->svc->db, call->arena, job,
		    clock_now() + PURGE_HELD_SECONDS * US_PER_SEC, err);
	cJSON_ArrayForEach (upload, json_get(payload, "uploadIds")) {
		if (!cJSON_IsString(upload) || !uuid_valid(upload->valuestring))
			continue;
		key = arena_printf(call->arena, INCOMING_PREFIX "%s", upload->valuestring);
		if (!s3_delete(call->svc->s3, key, err))
			return false;
	}
	if (!store_process_objects(call->svc->db, call->arena, media_id, &keys, err) ||
	    !remove_objects(call, keys, err) ||
	    !remove_prefix(call, arena_printf(call->arena, "derived/%s/", media_id), err) ||
	    !remove_prefix(call, arena_printf(call->arena, "original/%s/", media_id), err))
		return false;
	return media_jobs_forget(call, media_id, err) &&
	    store_job_done(call->svc->db, call->arena, job, err);
}

bool
purge_leftovers(const struct call *call, const char *media_id, const char *upload_id,
    struct error *err)
{
	bool purged;

	return store_process_purged(call->svc->db, call->arena, media_id, &purged, err) &&
	    (!purged || media_purge_add(call, media_id, upload_id, err));
}

bool
purge_collect(const struct call *call, struct error *err)
{
	struct strings keys;
	bool held;

	if (!store_backup_holds(call->svc->db, call->arena, &held, err))
		return false;
	if (held)
		return true;
	for (size_t batch = 0; batch < PURGE_BATCHES_MAX; batch++) {
		if (!store_process_collectable(call->svc->db, call->arena, PURGE_COLLECT_HOURS,
			PURGE_BATCH, &keys, err) ||
		    !remove_objects(call, keys, err))
			return false;
		if (keys.n < PURGE_BATCH)
			return true;
	}
	return true;
}

bool
purge_expire_uploads(const struct call *call, struct error *err)
{
	size_t ended = PURGE_BATCH;

	for (size_t batch = 0; batch < PURGE_BATCHES_MAX && ended == PURGE_BATCH; batch++)
		if (!store_process_expire_uploads(call->svc->db, call->arena, PURGE_BATCH, &ended,
			err))
			return false;
	return true;
}

/* Of uploads that stay held because their objects could not be removed. */
struct stuck {
	size_t n;
	struct error first;
};

static bool
remove_upload(const struct call *call, const char *key, const char *multipart, struct error *err)
{
	return (multipart[0] == '\0' || s3_multipart_abort(call->svc->s3, key, multipart, err)) &&
	    s3_delete(call->svc->s3, key, err);
}

/*
 * Outside a transaction: the store may take its time. An object that cannot be removed holds up no
 * other.
 */
static bool
remove_held(const struct call *call, const struct held_uploads *held, struct stuck *stuck,
    struct error *err)
{
	const char **ids = arena_array(call->arena, held->ids.n + 1, sizeof(*ids));
	struct error failed;
	size_t n = 0;

	for (size_t i = 0; i < held->keys.n; i++) {
		error_clear(&failed);
		if (remove_upload(call, held->keys.items[i], held->multipart.items[i], &failed))
			ids[n++] = held->ids.items[i];
		else if (stuck->n++ == 0)
			stuck->first = failed;
	}
	return n == 0 ||
	    store_uploads_release(call->svc->db, call->arena, (struct strings) { ids, n },
		config_bool(call->svc->config, CFG_STORAGE_EMBEDDED), err);
}

bool
purge_held_uploads(const struct call *call, struct error *err)
{
	struct held_uploads held = { .ids.n = PURGE_BATCH };
	struct stuck stuck = { .n = 0 };
	bool is_held;

	if (!store_backup_holds(call->svc->db, call->arena, &is_held, err))
		return false;
	if (is_held)
		return true;
	for (size_t batch = 0; batch < PURGE_BATCHES_MAX && held.ids.n == PURGE_BATCH; batch++)
		if (!store_uploads_held(call->svc->db, call->arena,
			config_bool(call->svc->config, CFG_STORAGE_EMBEDDED), stuck.n, PURGE_BATCH,
			&held, err) ||
		    !remove_held(call, &held, &stuck, err))
			return false;
	if (stuck.n > 0)
		*err = stuck.first;
	return stuck.n == 0;
}
