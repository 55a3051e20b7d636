/* See x509.h. */
#include "core/x509.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <time.h>

#include "core/clock.h"
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

/* A key with a passphrase, which nginx would ask for, is not read. */
static int
no_passphrase(char *out, int size, int writing, void *arg)
{
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

static int64_t
time_of(const ASN1_TIME *time)
{
	struct tm tm;

	return ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) * US_PER_SEC : 0;
}

void
x509_look(const char *certificate_path, const char *key_path, struct x509_facts *out)
{
	X509 *certificate = certificate_read(certificate_path);
	EVP_PKEY *key = key_read(key_path);

	*out = (struct x509_facts) { .key_read = key != NULL, .key_fits = -1 };
	if (certificate != NULL) {
		out->not_before = time_of(X509_get0_notBefore(certificate));
		out->not_after = time_of(X509_get0_notAfter(certificate));
	}
	if (certificate != NULL && key != NULL)
		out->key_fits = X509_check_private_key(certificate, key) == 1;
	X509_free(certificate);
	EVP_PKEY_free(key);
	ERR_clear_error();
}

bool
x509_names(const char *certificate_path, const char *host)
{
	X509 *certificate = certificate_read(certificate_path);
	bool named = certificate != NULL &&
	    (X509_check_host(certificate, host, 0, 0, NULL) == 1 ||
		X509_check_ip_asc(certificate, host, 0) == 1);

	X509_free(certificate);
	ERR_clear_error();
	return named;
}
