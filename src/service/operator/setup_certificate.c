/* Setup: does the certificate fit? nginx would start with one that no browser accepts. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "core/arena.h"
#include "core/config.h"
#include "core/str.h"
#include "service/operator/setup_internal.h"
#include "core/banned.h"

static X509 *
certificate_read(const char *path)
{
	FILE *in = fopen(path, "re");
	X509 *certificate = in != NULL ? PEM_read_X509(in, NULL, NULL, NULL) : NULL;

	if (in != NULL)
		fclose(in);
	return certificate;
}

/* A key with a passphrase counts as unreadable: nginx cannot ask for it either. */
static int
no_passphrase(char *buf, int size, int rwflag, void *context)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)context;
	return -1;
}

static EVP_PKEY *
key_read(const char *path)
{
	FILE *in = fopen(path, "re");
	EVP_PKEY *key = in != NULL ? PEM_read_PrivateKey(in, NULL, no_passphrase, NULL) : NULL;

	if (in != NULL)
		fclose(in);
	return key;
}

static bool
names_host(struct arena *arena, X509 *certificate, const char *host)
{
	size_t len = strlen(host);

	if (*host == '[' && len > 2)
		host = arena_strndup(arena, host + 1, len - 2);
	return X509_check_host(certificate, host, 0, 0, NULL) == 1 ||
	    X509_check_ip_asc(certificate, host, 0) == 1;
}

static void
check_names(struct setup *s, X509 *certificate, unsigned *obstacles)
{
	static const enum config_key urls[] = { CFG_PUBLIC_URL, CFG_STORAGE_ENDPOINT };
	const char *path = config_str(s->config, CFG_NGINX_CERTIFICATE);

	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		const char *host = setup_url_host(s->arena, config_str(s->config, urls[i]));

		if (urls[i] == CFG_STORAGE_ENDPOINT &&
		    !config_bool(s->config, CFG_STORAGE_EMBEDDED))
			continue;
		if (!names_host(s->arena, certificate, host))
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
	X509 *certificate = certificate_read(path);
	EVP_PKEY *key = key_read(key_path);

	if (certificate == NULL)
		setup_obstacle(obstacles,
		    "%s cannot be read as a certificate in PEM: medianest-setup(7) says how to get"
		    " one",
		    path);
	if (key == NULL)
		setup_obstacle(obstacles,
		    "%s cannot be read as a private key in PEM without a passphrase", key_path);
	if (certificate != NULL && key != NULL && X509_check_private_key(certificate, key) != 1)
		setup_obstacle(obstacles, "%s is not the key of %s", key_path, path);
	if (certificate != NULL && X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
		setup_obstacle(obstacles, "the certificate %s has expired", path);
	if (certificate != NULL && X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
		setup_obstacle(obstacles,
		    "the certificate %s is not valid yet: is this host's clock right?", path);
	if (certificate != NULL)
		check_names(s, certificate, obstacles);
	ERR_clear_error();
	X509_free(certificate);
	EVP_PKEY_free(key);
}
