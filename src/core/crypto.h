/*
 * Cryptography by OpenSSL and libargon2, wrapped so that there is one right way.
 *
 * Digest and MAC contexts are kept and reused within the process. A failure of the library itself
 * ends the process: it means lack of memory or a broken library, never bad input. Failures that
 * depend on input return false.
 */
#ifndef MN_CORE_CRYPTO_H
#define MN_CORE_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct error;

#define SHA256_SIZE 32
#define SHA256_HEX 65 /* with NUL */
#define MD5_SIZE 16
#define AES_KEY_SIZE 32

#define PASSWORD_MIN 8
#define PASSWORD_MAX 256 /* bytes */
#define ARGON2_MEMORY_KIB 19456
#define ARGON2_TIME 2
#define ARGON2_LANES 1
#define ARGON2_HASH_MAX 128 /* PHC string with NUL */

void random_bytes(void *, size_t);

void sha256(const void *, size_t, unsigned char out[SHA256_SIZE]);
void sha256_hex(const void *, size_t, char out[SHA256_HEX]);
void hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
    unsigned char out[SHA256_SIZE]);
/* Of a text and the bytes after it, without a copy of both. */
void hmac_sha256_of_two(const void *key, size_t key_len, const char *head, const void *data,
    size_t len, unsigned char out[SHA256_SIZE]);
void hmac_sha1(const void *key, size_t key_len, const void *data, size_t len,
    unsigned char out[20]);
void md5(const void *, size_t, unsigned char out[MD5_SIZE]); /* Content-MD5 and ETag only */
bool secure_equal(const void *, const void *, size_t);       /* constant time */

/* Incremental digests for files. */
struct digest;
/* "sha256", "md5"; NULL if unknown; digest_final() frees it */
struct digest *digest_new(const char *name);
void digest_update(struct digest *, const void *, size_t);
size_t digest_final(struct digest *, unsigned char out[64]); /* bytes written */

/*
 * argon2id, PHC string format. At most two computations run at once on the machine: each holds
 * flock(2) on one of two files in `gate_dir` (locks end with their process). ERR_UNAVAILABLE with
 * Retry-After when neither becomes free in time.
 */
bool password_hash(const char *gate_dir, const char *password, char out[ARGON2_HASH_MAX],
    struct error *);
/*
 * *ok: the password matches; *rehash: the hash has outdated parameters. hash NULL: does the same
 * work with a dummy hash, *ok = false.
 */
bool password_verify(const char *gate_dir, const char *hash, const char *password, bool *ok,
    bool *rehash, struct error *);
/* us that this process has spent in both since the last call, waiting for the gate included */
int64_t password_time_us(void);
#define PASSWORD_GATE_PLACES 2
#define PASSWORD_GATE_WAIT_MS 1500
bool password_is_common(const char *); /* on the compiled-in list, ASCII case ignored */

/* AES-256-GCM: nonce(12) || ciphertext || tag(16); aad binds it to its table, row and column. */
unsigned char *aead_seal(struct arena *, const unsigned char key[AES_KEY_SIZE], const char *aad,
    const void *, size_t, size_t *out_len);
/* NULL: forged */
unsigned char *aead_open(struct arena *, const unsigned char key[AES_KEY_SIZE], const char *aad,
    const void *, size_t, size_t *out_len);

#endif
