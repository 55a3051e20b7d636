#include "service/catalogue/media_purge.h"

#include "core/json.h"
#include "service/call.h"
#include "service/job.h"

#include "core/banned.h"

bool
media_purge_add(const struct call *call, const char *media_id, const char *upload_id,
    struct error *err)
{
	struct json *payload = json_new(call->arena, 0);

	json_object(payload, NULL);
	json_put_str(payload, "mediaId", media_id);
	json_array(payload, "uploadIds");
	if (upload_id != NULL)
		json_put_str(payload, NULL, upload_id);
	json_array_end(payload);
	json_object_end(payload);
	return job_add(call, JOB_MEDIA_PURGE, payload->buf.data, NULL, 0, err);
}
