#include "service/notify/unsubscribe.h"

#include <string.h>

#include "core/arena.h"
#include "core/config.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/id.h"
#include "core/str.h"
#include "service/call.h"
#include "service/keyring.h"
#include "service/notify/notify.h"
#include "service/notify/notify_inbox.h"
#include "service/services.h"

#include "core/banned.h"

#define PURPOSE "medianest unsubscribe 1"

static bool
sign(const struct call *call, int kid, const char *text, unsigned char mac[SHA256_SIZE], int *found)
{
	return keyring_mac(call->svc->keys, kid, PURPOSE, text, mac, found);
}

bool
unsubscribe_url(const struct call *call, const char *user, const char *what, const char **url,
    struct error *err)
{
	const char *text = arena_printf(call->arena, "%s/%s", user, what);
	unsigned char mac[SHA256_SIZE];
	int kid;

	if (!sign(call, 0, text, mac, &kid))
		return error_set(err, ERR_UNAVAILABLE, "The server has no key to sign links with.");
	*url = arena_printf(call->arena, "%s/api/notifications/unsubscribe?token=%d.%s.%s",
	    config_str(call->svc->config, CFG_PUBLIC_URL), kid,
	    base64url_encode(call->arena, text, strlen(text)),
	    base64url_encode(call->arena, mac, sizeof(mac)));
	return true;
}

const char *
unsubscribe_page(const struct call *call, const char *token)
{
	struct buf url;

	buf_init(&url, call->arena, 0);
	buf_addf(&url, "%s/#/unsubscribe?token=", config_str(call->svc->config, CFG_PUBLIC_URL));
	url_encode(&url, token, strlen(token), false);
	return url.data;
}

/* Takes "KEY.TEXT.HASH" apart; NULL: not made by this server, or its key is gone. */
static const char *
opened(const struct call *call, const char *token)
{
	const char *first = strchr(token, '.'), *second;
	unsigned char mac[SHA256_SIZE], *claimed, *raw;
	size_t len, raw_len;
	const char *text;
	int64_t kid;

	if (first == NULL || (second = strchr(first + 1, '.')) == NULL ||
	    !str_to_int(arena_strndup(call->arena, token, (size_t)(first - token)), 1,
		KEY_NUMBER_MAX, &kid))
		return NULL;
	raw = base64url_decode(call->arena, first + 1, (size_t)(second - first) - 1, &raw_len);
	claimed = base64url_decode(call->arena, second + 1, strlen(second + 1), &len);
	if (raw == NULL || claimed == NULL || len != sizeof(mac))
		return NULL;
	text = arena_strndup(call->arena, (const char *)raw, raw_len);
	return sign(call, (int)kid, text, mac, NULL) && secure_equal(mac, claimed, sizeof(mac)) ?
	    text :
	    NULL;
}

bool
unsubscribe(const struct call *call, const char *token, struct error *err)
{
	const char *text = opened(call, token), *slash = text != NULL ? strchr(text, '/') : NULL;

	if (slash == NULL)
		return error_set(err, ERR_NOT_FOUND,
		    "This link is not valid. Sign in to change your notification settings.");
	return inbox_end_mails(call, arena_strndup(call->arena, text, (size_t)(slash - text)),
	    slash + 1, err);
}
