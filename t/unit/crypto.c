/* Digests and MACs against the published vectors; sealing; passwords. */
#include <argon2.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/str.h"
#include "t/unit/tap.h"
#include "core/banned.h"

static struct arena arena;

static const char *
hex(const void *data, size_t len)
{
	return hex_encode(&arena, data, len);
}

/* RFC 4231, test cases 1 to 7 (5 is about truncation). */
static void
hmac_vectors(void)
{
	static const struct {
		size_t key_len;
		int key_byte; /* -1: key_text; -2: 01 02 03 ... */
		const char *key_text;
		size_t data_len;
		int data_byte; /* -1: data_text */
		const char *data_text, *want;
	} vectors[] = {
		{ 20, 0x0b, NULL, 8, -1, "Hi There",
		    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
		{ 4, -1, "Jefe", 28, -1, "what do ya want for nothing?",
		    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
		{ 20, 0xaa, NULL, 50, 0xdd, NULL,
		    "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
		{ 25, -2, NULL, 50, 0xcd, NULL,
		    "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b" },
		{ 131, 0xaa, NULL, 54, -1, "Test Using Larger Than Block-Size Key - Hash Key First",
		    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
		{ 131, 0xaa, NULL, 152, -1,
		    "This is a test using a larger than block-size key and a larger than block-size"
		    " data. The key needs to be hashed before being used by the HMAC algorithm.",
		    "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2" },
	};
	unsigned char key[256], data[256], out[SHA256_SIZE];

	for (unsigned round = 0; round < 2; round++) /* the second round reuses the context */
		for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
			for (size_t k = 0; k < vectors[i].key_len; k++)
				key[k] = vectors[i].key_byte == -1 ?
				    (unsigned char)vectors[i].key_text[k] :
				    vectors[i].key_byte == -2 ? (unsigned char)(k + 1) :
								(unsigned char)vectors[i].key_byte;
			for (size_t k = 0; k < vectors[i].data_len; k++)
				data[k] = vectors[i].data_byte == -1 ?
				    (unsigned char)vectors[i].data_text[k] :
				    (unsigned char)vectors[i].data_byte;
			hmac_sha256(key, vectors[i].key_len, data, vectors[i].data_len, out);
			is_str(hex(out, sizeof(out)), vectors[i].want, "RFC 4231, vector %zu",
			    i + 1);
		}
	hmac_sha256("", 0, "", 0, out);
	is_str(hex(out, sizeof(out)),
	    "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad",
	    "nothing keyed with nothing");
	hmac_sha1("Jefe", 4, "what do ya want for nothing?", 28, out); /* RFC 2202, case 2 */
	is_str(hex(out, 20), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79", "RFC 2202");
}

static void
digests(void)
{
	unsigned char out[64];
	char text[SHA256_HEX];
	struct digest *d;

	sha256_hex("abc", 3, text);
	is_str(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
	    "SHA-256 of abc");
	md5("abc", 3, out);
	is_str(hex(out, MD5_SIZE), "900150983cd24fb0d6963f7d28e17f72", "MD5 of abc");
	d = digest_new("sha256");
	digest_update(d, "a", 1);
	digest_update(d, "", 0);
	digest_update(d, "bc", 2);
	is_int((int)digest_final(d, out), SHA256_SIZE, "an incremental digest");
	is_str(hex(out, SHA256_SIZE), text, "is the same");
	ok(digest_new("sha0") == NULL, "no such digest");
	ok(secure_equal("abc", "abd", 2) && !secure_equal("abc", "abd", 3), "comparison");
}

static void
sealing(void)
{
	unsigned char key[AES_KEY_SIZE] = { 7 }, other[AES_KEY_SIZE] = { 8 }, *box, *again, *plain;
	size_t len, len2, plain_len;
	unsigned opened = 0;

	box = aead_seal(&arena, key, "plex_servers.token.1", "secret", 6, &len);
	again = aead_seal(&arena, key, "plex_servers.token.1", "secret", 6, &len2);
	is_int((int)len, 12 + 6 + 16, "nonce, text and tag");
	ok(memcmp(box, again, len) != 0, "never the same twice");
	plain = aead_open(&arena, key, "plex_servers.token.1", box, len, &plain_len);
	ok(plain != NULL && plain_len == 6 && memcmp(plain, "secret", 6) == 0, "opens");
	ok(aead_open(&arena, key, "plex_servers.token.2", box, len, &plain_len) == NULL,
	    "not in another row");
	ok(aead_open(&arena, other, "plex_servers.token.1", box, len, &plain_len) == NULL,
	    "not with another key");
	for (size_t i = 0; i < len; i++) {
		box[i] ^= 1;
		opened +=
		    aead_open(&arena, key, "plex_servers.token.1", box, len, &plain_len) != NULL;
		box[i] ^= 1;
	}
	is_int((int)opened, 0, "not with any bit changed");
	for (size_t i = 0; i < len; i++)
		opened +=
		    aead_open(&arena, key, "plex_servers.token.1", box, i, &plain_len) != NULL;
	is_int((int)opened, 0, "not cut");
	box = aead_seal(&arena, key, "", "", 0, &len);
	ok(aead_open(&arena, key, "", box, len, &plain_len) != NULL && plain_len == 0,
	    "nothing can be sealed too");
}

/* Memory of this process that is in use, in KiB; 0 where a sanitizer keeps what was freed. */
static long
resident_kib(void)
{
	long pages = 0;
#ifndef __SANITIZE_ADDRESS__
	FILE *f = fopen("/proc/self/statm", "r");

	if (f != NULL && fscanf(f, "%*d %ld", &pages) != 1)
		pages = 0;
	if (f != NULL)
		fclose(f);
#endif
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void
passwords(void)
{
	char dir[] = "/tmp/mn-gate-XXXXXX", hash[ARGON2_HASH_MAX], old[ARGON2_HASH_MAX], path[64];
	bool matches, rehash;
	struct error err;
	int fds[PASSWORD_GATE_PLACES];
	long resident = resident_kib();

	if (mkdtemp(dir) == NULL)
		return;
	error_clear(&err);
	ok(password_hash(dir, "correct horse", hash, &err), "hashed");
	ok(str_starts(hash, "$argon2id$v=19$m=19456,t=2,p=1$"),
	    "with the parameters of password_hash()");
	ok(password_verify(dir, hash, "correct horse", &matches, &rehash, &err) && matches &&
		!rehash,
	    "the right one");
	ok(password_verify(dir, hash, "correct horsf", &matches, &rehash, &err) && !matches &&
		!rehash,
	    "a wrong one");
	ok(password_verify(dir, hash, "", &matches, &rehash, &err) && !matches, "an empty one");
	ok(password_verify(dir, NULL, "correct horse", &matches, &rehash, &err) && !matches &&
		!rehash,
	    "nobody's");
	ok(resident_kib() - resident < ARGON2_MEMORY_KIB / 2,
	    "the memory of a hash is given back: %ld KiB more", resident_kib() - resident);
	ok(argon2id_hash_encoded(1, 8192, 1, "password", 8, "somesalt", 8, 32, old, sizeof(old)) ==
		ARGON2_OK,
	    "a hash as an older version may have left it");
	ok(password_verify(dir, old, "password", &matches, &rehash, &err) && matches && rehash,
	    "with old parameters: correct, and to be hashed again");
	ok(!password_verify(dir, "$argon2id$nonsense", "x", &matches, &rehash, &err) && !matches,
	    "a broken hash is an error, not a match");

	for (unsigned i = 0; i < PASSWORD_GATE_PLACES; i++) {
		snprintf(path, sizeof(path), "%s/argon2-%u.lock", dir, i);
		fds[i] = open(path, O_RDONLY | O_CREAT, 0644);
		ok(flock(fds[i], LOCK_EX | LOCK_NB) == 0, "place %u is free again", i);
	}
	error_clear(&err);
	ok(!password_hash(dir, "x", hash, &err) && err.code == ERR_UNAVAILABLE &&
		err.retry_after > 0,
	    "both places taken: try again later");
	close(fds[1]);
	error_clear(&err);
	ok(password_hash(dir, "x", hash, &err), "one free place is enough");
	for (unsigned i = 0; i < PASSWORD_GATE_PLACES; i++) {
		snprintf(path, sizeof(path), "%s/argon2-%u.lock", dir, i);
		unlink(path);
	}
	rmdir(dir);

	ok(password_is_common("password1") && password_is_common("PassWord1") &&
		password_is_common("QWERTY123"),
	    "common ones, in any case");
	ok(password_is_common("aaaaaaaa") && password_is_common("........"),
	    "one character repeated");
	ok(!password_is_common("correct horse") && !password_is_common("") &&
		!password_is_common("password1x"),
	    "others");
}

/* The list is searched by bisection. */
static void
the_list(void)
{
	static const char *const list[] = {
#include "core/password_list.def"
	};
	size_t n = sizeof(list) / sizeof(list[0]), wrong = 0, missed = 0;

	for (size_t i = 0; i < n; i++) {
		wrong += i > 0 && strcmp(list[i - 1], list[i]) >= 0;
		wrong += strlen(list[i]) < PASSWORD_MIN;
		missed += !password_is_common(list[i]);
	}
	ok(n > 300 && wrong == 0 && missed == 0,
	    "%zu common passwords, in order, none too short, all found", n);
}

int
main(void)
{
	unsigned char a[32] = { 0 }, b[32] = { 0 };

	arena_init(&arena);
	hmac_vectors();
	digests();
	sealing();
	passwords();
	the_list();
	random_bytes(a, sizeof(a));
	random_bytes(b, sizeof(b));
	ok(memcmp(a, b, sizeof(a)) != 0, "random bytes differ");
	arena_clear(&arena);
	return done_testing();
}
