#include "service/operator/certificate.h"

#include <string.h>

#include "client/probe.h"
#include "core/arena.h"
#include "core/config.h"
#include "core/error.h"
#include "core/str.h"

#include "core/banned.h"

#define ANY_IPV4 "0.0.0.0"
#define LOOPBACK "127.0.0.1"
#define HTTPS_PORT "443"

/*
 * "[::]:443", "443", "192.0.2.1:443 ssl": where the first of nginx.listen answers on this host, as
 * host:port.
 */
static const char *
local_address(const struct config *config, struct arena *arena)
{
	const char *listen = config_str(config, CFG_NGINX_LISTEN);
	char *first = arena_strndup(arena, listen, strcspn(listen, ", "));
	char *port = strrchr(first, ':');

	if (strspn(first, "0123456789") == strlen(first))
		return arena_printf(arena, LOOPBACK ":%s", first);
	if (port == NULL || strchr(port, ']') != NULL)
		return arena_printf(arena, "%s:" HTTPS_PORT, first);
	*port++ = '\0';
	if (str_eq(first, ANY_IPV4) || str_eq(first, "*"))
		return arena_printf(arena, LOOPBACK ":%s", port);
	return arena_printf(arena, "%s:%s", str_eq(first, "[::]") ? "[::1]" : first, port);
}

bool
certificate_expiry(const struct config *config, struct arena *arena, int64_t *not_after,
    struct error *err)
{
	const char *url = config_str(config, CFG_PUBLIC_URL);
	struct probe_request request = {
		.url = arena_printf(arena, "%s/api/health/live", url),
		.insecure = true,
		.address = local_address(config, arena),
		.total_ms = CERTIFICATE_TIMEOUT_MS,
	};
	struct probe found;

	*not_after = 0;
	if (!str_starts(url, "https://"))
		return true;
	if (!probe_http(&request, &found) || found.expires_at == 0) {
		error_set(err, ERR_UNAVAILABLE, "The certificate of %s could not be read.", url);
		return error_detail(err, "%s: %s", request.address, found.problem);
	}
	*not_after = found.expires_at;
	return true;
}
