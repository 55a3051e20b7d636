/* Digests, MACs, sealing: OpenSSL's EVP with contexts that each process creates once. */
#include "core/crypto.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/arena.h"
#include "core/log.h"
#include "core/banned.h"

#define GCM_NONCE 12
#define GCM_TAG 16

/*
 * The library is out of memory or broken: nothing that this process returned after that could be
 * trusted.
 */
static _Noreturn void
broken(const char *what)
{
	static const struct log context = { .component = "crypto" };

	log_crit(&context, "%s failed", what);
	abort();
}

void
random_bytes(void *out, size_t len)
{
	unsigned char *p = out;

	while (len > 0) {
		ssize_t n = getrandom(p, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			broken("getrandom");
		p += n;
		len -= (size_t)n;
	}
}

/* Fetching an algorithm by name costs more than hashing a token, so it is done once per process. */
static EVP_MD *
md_fetch(EVP_MD **cache, const char *name)
{
	if (*cache == NULL)
		*cache = EVP_MD_fetch(NULL, name, NULL);
	if (*cache == NULL)
		broken("EVP_MD_fetch");
	return *cache;
}

static EVP_MD *sha256_md, *md5_md, *sha1_md;

static void
digest_once(EVP_MD *md, const void *data, size_t len, unsigned char *out)
{
	static EVP_MD_CTX *ctx;

	if (ctx == NULL && (ctx = EVP_MD_CTX_new()) == NULL)
		broken("EVP_MD_CTX_new");
	if (EVP_DigestInit_ex2(ctx, md, NULL) != 1 || EVP_DigestUpdate(ctx, data, len) != 1 ||
	    EVP_DigestFinal_ex(ctx, out, NULL) != 1)
		broken("EVP_Digest");
}

void
sha256(const void *data, size_t len, unsigned char out[SHA256_SIZE])
{
	digest_once(md_fetch(&sha256_md, "SHA256"), data, len, out);
}

void
sha256_hex(const void *data, size_t len, char out[SHA256_HEX])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char raw[SHA256_SIZE];

	sha256(data, len, raw);
	for (size_t i = 0; i < sizeof(raw); i++) {
		out[2 * i] = digits[raw[i] >> 4];
		out[2 * i + 1] = digits[raw[i] & 15];
	}
	out[SHA256_HEX - 1] = '\0';
}

void
md5(const void *data, size_t len, unsigned char out[MD5_SIZE])
{
	digest_once(md_fetch(&md5_md, "MD5"), data, len, out);
}

static void
hmac_begin(EVP_MAC_CTX **cache, const char *digest, const void *key, size_t key_len)
{
	static const unsigned char none[1];

	if (*cache == NULL) {
		EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
		OSSL_PARAM params[] = {
			OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
			    (char *)(uintptr_t)digest, 0),
			OSSL_PARAM_construct_end(),
		};

		*cache = EVP_MAC_CTX_new(mac);
		EVP_MAC_free(mac);
		if (*cache == NULL || EVP_MAC_CTX_set_params(*cache, params) != 1)
			broken("EVP_MAC");
	}
	/* A NULL key would mean 'the same key again'. */
	if (EVP_MAC_init(*cache, key_len > 0 ? key : none, key_len, NULL) != 1)
		broken("EVP_MAC");
}

static void
hmac_end(EVP_MAC_CTX *ctx, const void *data, size_t len, unsigned char *out, size_t out_len)
{
	size_t written;

	if (EVP_MAC_update(ctx, data, len) != 1 || EVP_MAC_final(ctx, out, &written, out_len) != 1)
		broken("EVP_MAC");
}

void
hmac_sha256_of_two(const void *key, size_t key_len, const char *head, const void *data, size_t len,
    unsigned char out[SHA256_SIZE])
{
	static EVP_MAC_CTX *ctx;

	hmac_begin(&ctx, "SHA256", key, key_len);
	if (EVP_MAC_update(ctx, (const unsigned char *)head, strlen(head)) != 1)
		broken("EVP_MAC");
	hmac_end(ctx, data, len, out, SHA256_SIZE);
}

void
hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
    unsigned char out[SHA256_SIZE])
{
	hmac_sha256_of_two(key, key_len, "", data, len, out);
}

void
hmac_sha1(const void *key, size_t key_len, const void *data, size_t len, unsigned char out[20])
{
	static EVP_MAC_CTX *ctx;

	hmac_begin(&ctx, "SHA1", key, key_len);
	hmac_end(ctx, data, len, out, 20);
}

bool
secure_equal(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

struct digest {
	EVP_MD_CTX *ctx;
};

struct digest *
digest_new(const char *name)
{
	struct digest *d;
	EVP_MD *md;

	if (strcmp(name, "sha256") == 0)
		md = md_fetch(&sha256_md, "SHA256");
	else if (strcmp(name, "md5") == 0)
		md = md_fetch(&md5_md, "MD5");
	else if (strcmp(name, "sha1") == 0)
		md = md_fetch(&sha1_md, "SHA1");
	else
		return NULL;
	d = xmalloc(sizeof(*d));
	d->ctx = EVP_MD_CTX_new();
	if (d->ctx == NULL || EVP_DigestInit_ex2(d->ctx, md, NULL) != 1)
		broken("EVP_DigestInit");
	return d;
}

void
digest_update(struct digest *d, const void *data, size_t len)
{
	if (EVP_DigestUpdate(d->ctx, data, len) != 1)
		broken("EVP_DigestUpdate");
}

size_t
digest_final(struct digest *d, unsigned char out[64])
{
	unsigned len = 0;

	if (EVP_DigestFinal_ex(d->ctx, out, &len) != 1)
		broken("EVP_DigestFinal");
	EVP_MD_CTX_free(d->ctx);
	free(d);
	return len;
}

static EVP_CIPHER *
gcm(void)
{
	static EVP_CIPHER *cipher;

	if (cipher == NULL && (cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL)) == NULL)
		broken("EVP_CIPHER_fetch");
	return cipher;
}

static EVP_CIPHER_CTX *
gcm_context(void)
{
	static EVP_CIPHER_CTX *ctx;

	if (ctx == NULL && (ctx = EVP_CIPHER_CTX_new()) == NULL)
		broken("EVP_CIPHER_CTX_new");
	return ctx;
}

unsigned char *
aead_seal(struct arena *arena, const unsigned char key[AES_KEY_SIZE], const char *aad,
    const void *data, size_t len, size_t *out_len)
{
	EVP_CIPHER_CTX *ctx = gcm_context();
	unsigned char *out;
	int n;

	if (len > INT32_MAX)
		broken("aead_seal of more than 2 GiB");
	out = arena_alloc(arena, GCM_NONCE + len + GCM_TAG);
	random_bytes(out, GCM_NONCE);
	if (EVP_EncryptInit_ex2(ctx, gcm(), key, out, NULL) != 1 ||
	    EVP_EncryptUpdate(ctx, NULL, &n, (const unsigned char *)aad, (int)strlen(aad)) != 1 ||
	    EVP_EncryptUpdate(ctx, out + GCM_NONCE, &n, data, (int)len) != 1 ||
	    EVP_EncryptFinal_ex(ctx, out + GCM_NONCE + len, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, GCM_TAG, out + GCM_NONCE + len) != 1)
		broken("AES-GCM");
	*out_len = GCM_NONCE + len + GCM_TAG;
	return out;
}

unsigned char *
aead_open(struct arena *arena, const unsigned char key[AES_KEY_SIZE], const char *aad,
    const void *data, size_t len, size_t *out_len)
{
	EVP_CIPHER_CTX *ctx = gcm_context();
	unsigned char tag[GCM_TAG];
	const unsigned char *in = data;
	unsigned char *out;
	size_t plain;
	int n;

	if (len < GCM_NONCE + GCM_TAG || len > INT32_MAX)
		return NULL;
	plain = len - GCM_NONCE - GCM_TAG;
	out = arena_alloc(arena, plain + 1); /* a NUL for callers who expect text */
	memcpy(tag, in + GCM_NONCE + plain, GCM_TAG);
	if (EVP_DecryptInit_ex2(ctx, gcm(), key, in, NULL) != 1 ||
	    EVP_DecryptUpdate(ctx, NULL, &n, (const unsigned char *)aad, (int)strlen(aad)) != 1 ||
	    EVP_DecryptUpdate(ctx, out, &n, in + GCM_NONCE, (int)plain) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, GCM_TAG, tag) != 1)
		broken("AES-GCM");
	if (EVP_DecryptFinal_ex(ctx, out + plain, &n) != 1) {
		OPENSSL_cleanse(out, plain);
		return NULL;
	}
	*out_len = plain;
	return out;
}
