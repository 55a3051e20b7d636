#include "service/account/session_notice.h"

#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/str.h"
#include "service/account/credentials.h"
#include "service/account/session.h"
#include "service/call.h"
#include "service/gate/admission.h"
#include "service/notify/notify.h"
#include "store/store_sessions.h"

#include "core/banned.h"

#define DATE_TEXT 10 /* "2026-11-27" */
#define TIME_TEXT 5  /* "12:34", after the T */

struct used {
	const char *device, *address;
};

static void
put_used(struct json *j, const char *key, const struct used *used)
{
	json_object(j, key);
	json_put_str(j, "device", used->device);
	json_put_str(j, "address", used->address);
	json_object_end(j);
}

/* "2026-11-27 12:34 UTC" */
static const char *
minute(struct arena *arena, int64_t at)
{
	char text[RFC3339_MAX];

	time_rfc3339(at, text);
	return arena_printf(arena, "%.*s %.*s UTC", DATE_TEXT, text, TIME_TEXT,
	    text + DATE_TEXT + 1);
}

static const char *
reused_data(struct arena *arena, const struct refresh_state *state, const struct used *owner,
    const struct used *other)
{
	struct json *j = json_new(arena, 0);

	json_object(j, NULL);
	json_put_str(j, "sessionId", state->session_id);
	json_put_time(j, "at", state->now);
	put_used(j, "session", owner);
	put_used(j, "usedFrom", other);
	json_object_end(j);
	return j->buf.data;
}

bool
session_tell_reused(const struct call *call, const struct refresh_state *state,
    struct notify_batch **batch, struct error *err)
{
	const struct used owner = { state->device, state->address },
			  other = {
				  utf8_clean(call->arena, call->by.device, strlen(call->by.device),
				      SESSION_DEVICE_MAX),
				  admission_address(call->arena, call->by.address),
			  };
	const char *text = arena_printf(call->arena,
	    "Session: %s, last used from %s.\nThe second use: %s, %s, from %s.", owner.device,
	    owner.address, minute(call->arena, state->now), other.device, other.address);
	const struct notify_new new = {
		.users = &state->user.id,
		.nusers = 1,
		.kind = "session.ended",
		.title = "A session was ended because its token was used twice",
		.message = arena_printf(call->arena,
		    "Somebody may have copied it. If you do not know the second use, change your"
		    " password.\n%s",
		    text),
		.data = reused_data(call->arena, state, &owner, &other),
	};

	return notify_add(call, &new, batch, err) &&
	    credentials_tell(call, state->user.id, MAIL_SESSION_REUSED, text, err);
}
