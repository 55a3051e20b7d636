/*
 * Bodies in chunks (aws-chunked): "SIZE[;chunk-signature=HEX]\r\n", the bytes, "\r\n", ... "0\r\n",
 * then trailing headers. nginx has spooled them unchanged; the decoded bytes are written to another
 * file, which replaces the body.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/log.h"
#include "core/str.h"
#include "objectstore/objects_internal.h"

#include "service/call.h"
#include "core/banned.h"

#define LINE_MAX_BYTES 1024 /* of a chunk's head or a trailing header */
#define TRAILERS_MAX 8
#define COPY_BUFFER (64 * 1024)

struct unchunk {
	FILE *in;
	int out;
	int64_t left; /* decoded bytes still to come */
	const struct chunk_judge *judge;
	struct arena *arena;
};

static bool
malformed(struct error *err)
{
	return error_slug(err, ERR_MALFORMED, "IncompleteBody",
	    "The chunks of the body are malformed or do not have the announced length.");
}

static bool
unsigned_chunk(struct error *err)
{
	return error_slug(err, ERR_FORBIDDEN, "SignatureDoesNotMatch",
	    "The signature of a chunk is wrong.");
}

/* Reads a line without its end; false: too long or none. */
static bool
read_line(FILE *in, char line[LINE_MAX_BYTES])
{
	size_t len;

	if (fgets(line, LINE_MAX_BYTES, in) == NULL)
		return false;
	len = strlen(line);
	if (len == 0 || line[len - 1] != '\n')
		return false;
	line[--len] = '\0';
	if (len > 0 && line[len - 1] == '\r')
		line[len - 1] = '\0';
	return true;
}

/* "1f4;chunk-signature=..." */
static bool
parse_head(char *line, int64_t *size, const char **signature)
{
	size_t digits = strspn(line, "0123456789abcdefABCDEF");
	char *mark = strstr(line, ";chunk-signature=");

	if (digits == 0 || digits > 12 || (line[digits] != '\0' && line[digits] != ';'))
		return false;
	*size = (int64_t)strtoll(line, NULL, 16);
	*signature = mark != NULL ? mark + strlen(";chunk-signature=") : "";
	return true;
}

static bool
write_all(int fd, const char *data, size_t len, struct error *err)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			if (errno == ENOSPC || errno == EDQUOT)
				return error_slug(err, ERR_STORAGE_FULL, "InsufficientStorage",
				    "The disk is full.");
			error_slug(err, ERR_INTERNAL, "InternalError", "The object store failed.");
			return error_detail(err, "decoded body: %s", strerror(errno));
		}
		data += n;
		len -= (size_t)n;
	}
	return true;
}

static bool
copy_chunk(struct unchunk *u, int64_t size, const char *signature, struct error *err)
{
	static char buffer[COPY_BUFFER];
	struct digest *digest = u->judge->chunk != NULL ? digest_new("sha256") : NULL;
	unsigned char sum[64];
	bool done = size <= u->left || malformed(err);

	u->left -= size;
	while (done && size > 0) {
		size_t n = fread(buffer, 1, size < COPY_BUFFER ? (size_t)size : COPY_BUFFER, u->in);

		done = n > 0 ? write_all(u->out, buffer, n, err) : malformed(err);
		if (digest != NULL)
			digest_update(digest, buffer, n);
		size -= (int64_t)n;
	}
	if (digest != NULL) {
		digest_final(digest, sum);
		done = done &&
		    (u->judge->chunk(u->judge->context, signature, sum) || unsigned_chunk(err));
	}
	return done;
}

/*
 * Reads the trailing headers, of which only digests matter. The signed text is all lines before the
 * signature.
 */
static bool
read_trailers(struct unchunk *u, struct object_body *body, struct error *err)
{
	char line[LINE_MAX_BYTES];
	const char *signature = "";
	struct buf text;

	buf_init(&text, u->arena, 0);
	for (int n = 0; read_line(u->in, line) && line[0] != '\0'; n++) {
		char *colon = strchr(line, ':');

		if (n == TRAILERS_MAX || colon == NULL)
			return malformed(err);
		*colon = '\0';
		if (str_ieq(line, "x-amz-trailer-signature")) {
			signature = str_trim(u->arena, colon + 1);
			continue;
		}
		buf_addf(&text, "%s:%s\n", str_lower(u->arena, line),
		    str_trim(u->arena, colon + 1));
		if (!object_checksum_add(u->arena, &body->checksum, str_lower(u->arena, line),
			str_trim(u->arena, colon + 1), err))
			return false;
	}
	return u->judge->trailer == NULL ||
	    u->judge->trailer(u->judge->context, signature, text.data, text.len) ||
	    unsigned_chunk(err);
}

static bool
decode(struct unchunk *u, struct object_body *body, struct error *err)
{
	char line[LINE_MAX_BYTES];
	const char *signature;
	int64_t size;

	for (;;) {
		if (!read_line(u->in, line) || !parse_head(line, &size, &signature))
			return malformed(err);
		if (!copy_chunk(u, size, signature, err))
			return false;
		if (size == 0)
			break;
		if (!read_line(u->in, line) || line[0] != '\0')
			return malformed(err);
	}
	return u->left == 0 ? read_trailers(u, body, err) : malformed(err);
}

static void
remove_file(void *path)
{
	unlink(path);
}

bool
objects_unchunk(const struct call *call, const struct chunk_judge *judge, int64_t size,
    struct object_body *body, struct error *err)
{
	struct unchunk u = { .left = size, .judge = judge, .arena = call->arena };
	uint64_t number;
	char *path;
	bool done;

	random_bytes(&number, sizeof(number));
	path = arena_printf(call->arena, "%s/9%019llu", objects_spool(call->svc, call->arena),
	    (unsigned long long)(number % 10000000000000000000ULL));
	if (body->spool == NULL || !blob_spool_valid(call, body->spool))
		return malformed(err);
	if ((u.in = fopen(body->spool, "re")) == NULL ||
	    (u.out = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) < 0) {
		error_slug(err, ERR_INTERNAL, "InternalError", "The object store failed.");
		error_detail(err, "decoded body: %s", strerror(errno));
		if (u.in != NULL)
			fclose(u.in);
		return false;
	}
	arena_defer(call->arena, remove_file, path); /* the blob will be another link to the file */
	body->spool = path;
	body->size = size;
	done = decode(&u, body, err);
	fclose(u.in);
	close(u.out);
	return done;
}
