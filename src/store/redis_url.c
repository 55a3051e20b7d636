/* See redis_url.h. */
#include "store/redis_url.h"

#include <stdint.h>
#include <string.h>

#include "core/arena.h"
#include "core/str.h"
#include "core/banned.h"

static bool
wrong(struct redis_url *out, const char *problem)
{
	out->problem = problem;
	return false;
}

/* Copies text[0..len) to dst; false when it does not fit. */
static bool
take(char *dst, size_t size, const char *text, size_t len)
{
	if (len >= size)
		return false;
	memcpy(dst, text, len);
	dst[len] = '\0';
	return true;
}

static bool
take_decoded(char *dst, size_t size, const char *text, size_t len)
{
	struct arena arena;
	size_t out_len;
	char *out;
	bool ok;

	arena_init(&arena);
	ok = url_decode(&arena, text, len, false, &out, &out_len) && take(dst, size, out, out_len);
	arena_clear(&arena);
	return ok;
}

static bool
db_parse(const char *text, struct redis_url *out)
{
	int64_t db;

	if (!str_to_int(text, 0, REDIS_DB_MAX, &db))
		return wrong(out, "the database is not a number");
	out->db = (int)db;
	return true;
}

static bool
unix_parse(const char *rest, struct redis_url *out)
{
	size_t len = strcspn(rest, "?");

	if (rest[0] != '/' || !take(out->path, sizeof(out->path), rest, len))
		return wrong(out, "the socket's path is not absolute, or too long");
	if (rest[len] == '\0')
		return true;
	if (!str_starts(rest + len, "?db="))
		return wrong(out, "only ?db=N may follow the socket's path");
	return db_parse(rest + len + strlen("?db="), out);
}

static bool
credentials_parse(const char *text, size_t len, struct redis_url *out)
{
	const char *colon = memchr(text, ':', len);

	if (colon == NULL)
		return wrong(out, "credentials without ':'");
	if (!take_decoded(out->user, sizeof(out->user), text, (size_t)(colon - text)) ||
	    !take_decoded(out->password, sizeof(out->password), colon + 1,
		len - (size_t)(colon - text) - 1))
		return wrong(out, "malformed credentials");
	return true;
}

static bool
authority_parse(const char *text, size_t len, struct redis_url *out)
{
	char port[8];
	const char *at = memchr(text, '@', len), *colon;
	int64_t number = REDIS_PORT_DEFAULT;
	size_t host;

	if (at != NULL) {
		if (!credentials_parse(text, (size_t)(at - text), out))
			return false;
		len -= (size_t)(at + 1 - text);
		text = at + 1;
	}
	if (len > 0 && text[0] == '[') { /* IPv6 */
		const char *end = memchr(text, ']', len);

		if (end == NULL ||
		    !take(out->host, sizeof(out->host), text + 1, (size_t)(end - text) - 1))
			return wrong(out, "malformed host");
		colon = end + 1 < text + len ? end + 1 : NULL;
	} else {
		colon = memchr(text, ':', len);
		host = colon != NULL ? (size_t)(colon - text) : len;
		if (host == 0 || !take(out->host, sizeof(out->host), text, host))
			return wrong(out, "malformed host");
	}
	if (colon != NULL &&
	    (*colon != ':' ||
		!take(port, sizeof(port), colon + 1, len - (size_t)(colon + 1 - text)) ||
		!str_to_int(port, 1, 65535, &number)))
		return wrong(out, "malformed port");
	out->port = (int)number;
	return true;
}

bool
redis_url_parse(const char *url, struct redis_url *out)
{
	size_t len;

	*out = (struct redis_url) { .port = REDIS_PORT_DEFAULT };
	if (str_starts(url, "unix://"))
		return unix_parse(url + strlen("unix://"), out);
	if (!str_starts(url, "redis://"))
		return wrong(out, "neither unix:// nor redis://");
	url += strlen("redis://");
	len = strcspn(url, "/");
	if (!authority_parse(url, len, out))
		return false;
	return url[len] == '\0' || url[len + 1] == '\0' || db_parse(url + len + 1, out);
}
