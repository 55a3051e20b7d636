/* Setup: does the certificate fit? nginx would start with one that no browser accepts. */
#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/str.h"
#include "core/x509.h"
#include "service/operator/setup_internal.h"
#include "core/banned.h"

static bool
names_host(struct arena *arena, const char *certificate, const char *host)
{
	size_t len = strlen(host);

	if (*host == '[' && len > 2)
		host = arena_strndup(arena, host + 1, len - 2);
	return x509_names(certificate, host);
}

static void
check_names(struct setup *s, unsigned *obstacles)
{
	static const enum config_key urls[] = { CFG_PUBLIC_URL, CFG_STORAGE_ENDPOINT };
	const char *path = config_str(s->config, CFG_NGINX_CERTIFICATE);

	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		const char *host = setup_url_host(s->arena, config_str(s->config, urls[i]));

		if (urls[i] == CFG_STORAGE_ENDPOINT &&
		    !config_bool(s->config, CFG_STORAGE_EMBEDDED))
			continue;
		if (!names_host(s->arena, path, host))
			setup_obstacle(obstacles,
			    "the certificate %s is not for %s: get one that names it"
			    " (medianest-setup(7) says how)",
			    path, host);
	}
}

void
setup_check_certificate(struct setup *s, unsigned *obstacles)
{
	const char *path = config_str(s->config, CFG_NGINX_CERTIFICATE),
		   *key_path = config_str(s->config, CFG_NGINX_CERTIFICATE_KEY);
	struct x509_facts facts;

	x509_look(path, key_path, &facts);
	if (!facts.key_read)
		setup_obstacle(obstacles,
		    "%s cannot be read as a private key in PEM without a passphrase", key_path);
	if (facts.not_after == 0) {
		setup_obstacle(obstacles,
		    "%s cannot be read as a certificate in PEM: medianest-setup(7) says how to get"
		    " one",
		    path);
		return;
	}
	if (facts.key_fits == 0)
		setup_obstacle(obstacles, "%s is not the key of %s", key_path, path);
	if (facts.not_after < clock_now())
		setup_obstacle(obstacles, "the certificate %s has expired", path);
	if (facts.not_before > clock_now())
		setup_obstacle(obstacles,
		    "the certificate %s is not valid yet: is this host's clock right?", path);
	check_names(s, obstacles);
}
