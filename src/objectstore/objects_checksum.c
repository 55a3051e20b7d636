#include "objectstore/objects_checksum.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/str.h"
#include "objectstore/objects_crc.h"
#include "objectstore/objects_internal.h"

#include "core/banned.h"

#define READ_CHUNK (256 * 1024)
#define PREFIX "x-amz-checksum-"

static const struct {
	const char *header, *digest;
	size_t bytes;
} digests[] = {
	{ PREFIX "sha1", "sha1", 20 },
	{ PREFIX "sha256", "sha256", SHA256_SIZE },
};

/* Headers about a checksum that hold none. */
static const char *const notes[] = { PREFIX "algorithm", PREFIX "mode", PREFIX "type" };

static bool
read_failed(struct error *err)
{
	int code = errno;

	error_slug(err, ERR_INTERNAL, "InternalError", "The object store failed.");
	return error_detail(err, "read for a checksum: %s", strerror(code));
}

bool
object_checksum_named(const char *name)
{
	for (size_t i = 0; i < sizeof(notes) / sizeof(*notes); i++)
		if (strcmp(notes[i], name) == 0)
			return false;
	return str_starts(name, PREFIX);
}

static bool
kind_find(struct object_checksum *out, const char *name)
{
	const struct crc_kind *crc = crc_find(name);

	*out = (struct object_checksum) { .crc = crc };
	if (crc != NULL) {
		out->header = crc->header;
		out->bytes = crc->bytes;
	}
	for (size_t i = 0; i < sizeof(digests) / sizeof(*digests); i++) {
		if (strcmp(digests[i].header, name) == 0) {
			out->header = digests[i].header;
			out->digest = digests[i].digest;
			out->bytes = digests[i].bytes;
		}
	}
	return out->header != NULL;
}

bool
object_checksum_add(struct arena *arena, struct object_checksum *checksum, const char *name,
    const char *value, struct error *err)
{
	const char *dash = strchr(value, '-');
	struct object_checksum found;
	unsigned char *bytes;
	size_t len = 0;

	if (!object_checksum_named(name))
		return true;
	if (checksum->header != NULL)
		return error_slug(err, ERR_MALFORMED, "InvalidRequest",
		    "Send one " PREFIX " header only.");
	if (!kind_find(&found, name))
		return error_slug(err, ERR_MALFORMED, "InvalidRequest",
		    "The algorithm of %s is not supported.", name);
	bytes = base64_decode(arena, value, strcspn(value, "-"), &len);
	if (bytes == NULL || len != found.bytes ||
	    (dash != NULL && !str_to_int(dash + 1, 1, OBJECT_PARTS_MAX, &found.parts)))
		return error_slug(err, ERR_MALFORMED, "InvalidDigest",
		    "%s must be the bytes of the digest in base64.", name);
	memcpy(found.value, bytes, len);
	*checksum = found;
	return true;
}

void
checksum_start(struct checksum_run *run, const struct object_checksum *claim)
{
	*run = (struct checksum_run) { .claim = claim };
	if (claim->digest != NULL)
		run->digest = digest_new(claim->digest);
}

void
checksum_update(struct checksum_run *run, const void *data, size_t len)
{
	if (run->digest != NULL)
		digest_update(run->digest, data, len);
	else if (run->claim->crc != NULL)
		run->crc = crc_update(run->claim->crc, run->crc, data, len);
}

void
checksum_finish(struct checksum_run *run, unsigned char out[OBJECT_CHECKSUM_MAX])
{
	if (run->digest != NULL) {
		digest_final(run->digest, out);
		return;
	}
	for (size_t i = 0; i < run->claim->bytes; i++)
		out[i] = (unsigned char)(run->crc >> 8 * (run->claim->bytes - 1 - i));
}

static bool
matches(const struct object_checksum *claim, const unsigned char *sum, struct error *err)
{
	return memcmp(claim->value, sum, claim->bytes) == 0 ||
	    error_slug(err, ERR_MALFORMED, "BadDigest", "The bytes do not match their %s.",
		claim->header);
}

/* The digests of a body; only those that are needed are computed. */
struct sums {
	struct digest *md5, *sha;
	struct checksum_run checksum;
};

static bool
hash_file(int fd, struct sums *sums, struct error *err)
{
	static char chunk[READ_CHUNK];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0) {
		if (sums->md5 != NULL)
			digest_update(sums->md5, chunk, (size_t)n);
		if (sums->sha != NULL)
			digest_update(sums->sha, chunk, (size_t)n);
		checksum_update(&sums->checksum, chunk, (size_t)n);
	}
	return n == 0 || read_failed(err);
}

bool
checksum_body(int fd, const struct object_body *body, struct error *err)
{
	bool any = body->md5 != NULL || body->sha256 != NULL || body->checksum.header != NULL;
	struct sums sums = { .md5 = body->md5 != NULL ? digest_new("md5") : NULL,
		.sha = body->sha256 != NULL ? digest_new("sha256") : NULL };
	unsigned char md5_sum[OBJECT_CHECKSUM_MAX], sha_sum[OBJECT_CHECKSUM_MAX],
	    sum[OBJECT_CHECKSUM_MAX];
	bool read_all;

	checksum_start(&sums.checksum, &body->checksum);
	read_all = !any || fd < 0 || hash_file(fd, &sums, err);
	if (sums.md5 != NULL)
		digest_final(sums.md5, md5_sum);
	if (sums.sha != NULL)
		digest_final(sums.sha, sha_sum);
	checksum_finish(&sums.checksum, sum);
	if (!read_all)
		return false;
	if (body->md5 != NULL && memcmp(body->md5, md5_sum, MD5_SIZE) != 0)
		return error_slug(err, ERR_MALFORMED, "BadDigest",
		    "The body does not match its Content-MD5.");
	if (body->sha256 != NULL && memcmp(body->sha256, sha_sum, SHA256_SIZE) != 0)
		return error_slug(err, ERR_MALFORMED, "XAmzContentSHA256Mismatch",
		    "The body does not match its x-amz-content-sha256.");
	return matches(&body->checksum, sum, err);
}

static bool
read_piece(int fd, struct checksum_run *run, int64_t size, struct error *err)
{
	static char chunk[READ_CHUNK];
	ssize_t n = 1;

	while (size > 0 && n > 0) {
		n = read(fd, chunk, size < READ_CHUNK ? (size_t)size : (size_t)READ_CHUNK);
		if (n > 0)
			checksum_update(run, chunk, (size_t)n);
		if (n == 0)
			errno = EIO; /* shorter than in its row */
		size -= n;
	}
	return n > 0 || read_failed(err);
}

bool
checksum_object(int fd, const struct object_checksum *claim, const struct blob_piece *pieces,
    size_t n, struct error *err)
{
	unsigned char sum[OBJECT_CHECKSUM_MAX];
	struct checksum_run whole, piece;
	bool done = true;

	if (claim->parts != 0 && (size_t)claim->parts != n)
		return error_slug(err, ERR_MALFORMED, "BadDigest",
		    "%s is of another number of parts.", claim->header);
	checksum_start(&whole, claim);
	for (size_t i = 0; i < n && done; i++) {
		if (claim->parts == 0) {
			done = read_piece(fd, &whole, pieces[i].size, err);
			continue;
		}
		checksum_start(&piece, claim);
		done = read_piece(fd, &piece, pieces[i].size, err);
		checksum_finish(&piece, sum);
		checksum_update(&whole, sum, claim->bytes);
	}
	checksum_finish(&whole, sum);
	return done && matches(claim, sum, err);
}
