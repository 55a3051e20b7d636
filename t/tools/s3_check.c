/*
 * Tests everything that the project needs of the S3 client, against the endpoint of a
 * configuration:
 *
 *	MEDIANEST_CONFIG=FILE t/tools/s3-check       TAP on standard output
 *
 * Every S3 server must pass the same checks. Presigned URLs are fetched and filled by libcurl
 * without our client, as a browser would.
 */
#include <curl/curl.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/str.h"
#include "store/s3.h"
#include "t/unit/tap.h"

#include "core/banned.h"

#define PART (5 << 20) /* bytes: the minimum of S3 */

static struct arena arena;
static struct config *config;
static struct s3 *s3;
static struct error err;
static const char *run; /* prefix of this run's keys */

static const char *
key(const char *name)
{
	return arena_printf(&arena, "%s/%s", run, name);
}

/* An unlinked file that holds these bytes. */
static int
file_of(const void *data, size_t len)
{
	char path[] = "/tmp/s3-check-XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0 || unlink(path) != 0 || write(fd, data, len) != (ssize_t)len) {
		perror(path);
		exit(1);
	}
	return fd;
}

static bool
put(const char *name, const void *data, size_t len, const char *type)
{
	int fd = file_of(data, len);
	bool done = s3_put_fd(s3, key(name), fd, (int64_t)len, type, &err);

	close(fd);
	return done;
}

/* The object's bytes, NUL-terminated; NULL when it cannot be read. */
static char *
get(const char *name, size_t *len)
{
	int fd = file_of("", 0);
	struct s3_object object;
	char *out = NULL;

	if (s3_get_fd(s3, key(name), fd, 64 << 20, &object, &err)) {
		*len = (size_t)lseek(fd, 0, SEEK_END);
		out = arena_alloc(&arena, *len + 1);
		if (object.size != (int64_t)*len || pread(fd, out, *len, 0) != (ssize_t)*len)
			out = NULL;
	}
	close(fd);
	return out;
}

struct reply {
	long status;
	struct buf body, head;
};

static size_t
collect(char *data, size_t size, size_t n, void *context)
{
	buf_add(context, data, size * n);
	return size * n;
}

/* A request like a browser's: the URL and the given headers, nothing else. */
static struct reply
fetch(const char *method, const char *url, const char *body, size_t len, const char *const *headers)
{
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");
	CURL *curl = curl_easy_init();
	struct reply reply = { 0 };
	FILE *in = body != NULL ? fmemopen((void *)(uintptr_t)body, len, "r") : NULL;

	for (; headers != NULL && *headers != NULL; headers++)
		list = curl_slist_append(list, *headers);
	buf_init(&reply.body, &arena, 0);
	buf_init(&reply.head, &arena, 0);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
	if (in != NULL) {
		curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(curl, CURLOPT_READDATA, in);
		curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)len);
	}
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply.body);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, collect);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, &reply.head);
	if (*config_str(config, CFG_STORAGE_CA_FILE) != '\0')
		curl_easy_setopt(curl, CURLOPT_CAINFO, config_str(config, CFG_STORAGE_CA_FILE));
	if (curl_easy_perform(curl) == CURLE_OK)
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
	curl_easy_cleanup(curl);
	curl_slist_free_all(list);
	if (in != NULL)
		fclose(in);
	return reply;
}

static void
check_basics(void)
{
	struct s3_object object;
	const char *text;
	size_t len;

	ok(s3_probe(s3, &err), "the bucket is there: %s %s", err.message, err.detail);
	ok(put("a b/\303\251+~'(1)%&=.txt", "hello", 5, "text/plain"),
	    "put with every awkward character: %s", err.detail);
	ok(s3_head(s3, key("a b/\303\251+~'(1)%&=.txt"), &object, &err) && object.size == 5,
	    "head tells the size: %s", err.detail);
	is_str(object.content_type, "text/plain", "... and the type");
	ok(object.etag[0] == '"' && object.modified > clock_now() - 3600 * US_PER_SEC,
	    "... and ETag and time");
	text = get("a b/\303\251+~'(1)%&=.txt", &len);
	is_str(text, "hello", "get");
	ok(!s3_head(s3, key("absent"), &object, &err) && err.code == ERR_NOT_FOUND,
	    "head of what is not there: not found");
	ok(get("absent", &len) == NULL && err.code == ERR_NOT_FOUND,
	    "get of what is not there: not found");
	ok(put("empty", "", 0, "application/octet-stream") &&
		s3_head(s3, key("empty"), &object, &err) && object.size == 0,
	    "an empty object: %s", err.detail);
	ok(put("over", "one", 3, "text/plain") && put("over", "another", 7, "image/png") &&
		s3_head(s3, key("over"), &object, &err) && object.size == 7,
	    "a put replaces");
	is_str(object.content_type, "image/png", "... the type too");
}

static void
check_limits(void)
{
	int fd = file_of("", 0);

	ok(!s3_get_fd(s3, key("over"), fd, 3, NULL, &err) && err.code == ERR_TOO_LARGE,
	    "a get beyond its cap is refused");
	close(fd);
}

static void
check_copy(void)
{
	struct s3_object object = { 0 };
	size_t len;

	ok(put("source", "bytes", 5, "image/jpeg") && s3_head(s3, key("source"), &object, &err),
	    "a source");
	ok(s3_copy(s3, key("source"), key("copy"), object.etag, "image/webp", &err),
	    "copy with a matching ETag: %s", err.detail);
	is_str(get("copy", &len), "bytes", "... has the bytes");
	ok(s3_head(s3, key("copy"), &object, &err) && str_eq(object.content_type, "image/webp"),
	    "... and the new type");
	ok(!s3_copy(s3, key("source"), key("copy2"), "\"0123456789abcdef0123456789abcdef\"", NULL,
	       &err) &&
		err.code == ERR_PRECONDITION,
	    "copy with another ETag is refused: %s", err.detail);
	ok(!s3_head(s3, key("copy2"), &object, &err), "... and nothing was made");
	ok(!s3_copy(s3, key("absent"), key("copy2"), NULL, NULL, &err) && err.code == ERR_NOT_FOUND,
	    "copy of what is not there: not found");
}

static void
check_list_and_delete(void)
{
	const char *names[60];
	struct strings keys;
	struct s3_object object;
	bool all = true;

	for (int i = 0; i < 12; i++) {
		names[i] = key(arena_printf(&arena, "list/%02d & <%d>", i, i));
		all = all && put(names[i] + strlen(run) + 1, "x", 1, "text/plain");
	}
	ok(all, "a dozen objects");
	ok(s3_list(s3, &arena, &(const struct s3_range) { key("list/"), NULL, 100 }, &keys, &err) &&
		keys.n == 12,
	    "list finds all: %s", err.detail);
	is_str(keys.n == 12 ? keys.items[11] : "", names[11], "... in order, decoded");
	ok(s3_list(s3, &arena, &(const struct s3_range) { key("list/"), names[4], 5 }, &keys,
	       &err) &&
		keys.n == 5 && str_eq(keys.items[0], names[5]),
	    "list goes on after a key, up to a number");
	names[12] = key("list/was never there");
	ok(s3_delete_many(s3, names, 13, &err), "delete many, one of them absent: %s", err.detail);
	ok(s3_list(s3, &arena, &(const struct s3_range) { key("list/"), NULL, 100 }, &keys, &err) &&
		keys.n == 0,
	    "... and they are gone");
	ok(s3_delete(s3, key("copy"), &err) && s3_delete(s3, key("copy"), &err),
	    "delete, twice: %s", err.detail);
	ok(!s3_head(s3, key("copy"), &object, &err) && err.code == ERR_NOT_FOUND,
	    "... and it is gone");
}

static void
check_presigned_put(void)
{
	unsigned char sum[SHA256_SIZE];
	const char *url, *type[] = { "Content-Type: text/plain", NULL },
			 *other[] = { "Content-Type: text/html", NULL },
			 *summed[] = { type[0], NULL, NULL };
	struct reply reply;
	size_t len;

	url = s3_presign_put(s3, &arena, key("up"),
	    &(const struct s3_put_terms) { clock_now(), 600, 5, "text/plain", NULL });
	reply = fetch("PUT", url, "world", 5, type);
	is_int(reply.status, 200, "presigned put");
	is_str(get("up", &len), "world", "... arrives");
	is_int(fetch("PUT", url, "worlds", 6, type).status, 403,
	    "... of another length is refused");
	is_int(fetch("PUT", url, "world", 5, other).status, 403, "... of another type is refused");
	is_int(fetch("PUT",
		   s3_presign_put(s3, &arena, key("up"),
		       &(const struct s3_put_terms) {
			   clock_now() - 700 * US_PER_SEC, 600, 5, "text/plain", NULL }),
		   "world", 5, type)
		   .status,
	    403, "an expired one is refused");
	is_int(fetch("DELETE", url, NULL, 0, type).status, 403, "another method is refused");
	sha256("world", 5, sum);
	summed[1] = arena_printf(&arena, "x-amz-checksum-sha256: %s",
	    base64_encode(&arena, sum, sizeof(sum)));
	url = s3_presign_put(s3, &arena, key("up"),
	    &(const struct s3_put_terms) { clock_now(), 600, 5, "text/plain", sum });
	is_int(fetch("PUT", url, "world", 5, summed).status, 200, "presigned put with a checksum");
	is_int(fetch("PUT", url, "world", 5, type).status, 403,
	    "... and without the header is refused");
}

static void
check_presigned_get(void)
{
	const char *url, *range[] = { "Range: bytes=1-3", NULL };
	struct reply reply;

	url = s3_presign_get(s3, &arena, key("up"), clock_now(), "image/webp",
	    "attachment; filename=\"x y.webp\"");
	reply = fetch("GET", url, NULL, 0, NULL);
	is_int(reply.status, 200, "presigned get");
	is_str(reply.body.data, "world", "... has the bytes");
	ok(strcasestr(reply.head.data, "content-type: image/webp") != NULL,
	    "... and the signed type");
	ok(strcasestr(reply.head.data, "content-disposition: attachment; filename=\"x y.webp\"") !=
		NULL,
	    "... and the signed disposition");
	reply = fetch("GET", url, NULL, 0, range);
	is_int(reply.status, 206, "a range of it");
	is_str(reply.body.data, "orl", "... is that range");
	is_int(fetch("GET", arena_printf(&arena, "%s0", url), NULL, 0, NULL).status, 403,
	    "a changed signature is refused");
	is_int(fetch("GET", s3_presign_get(s3, &arena, key("absent"), clock_now(), NULL, NULL),
		   NULL, 0, NULL)
		   .status,
	    404, "what is not there: 404");
	is_int(fetch("GET",
		   s3_presign_get(s3, &arena, key("up"), clock_now() - 1300 * US_PER_SEC, NULL,
		       NULL),
		   NULL, 0, NULL)
		   .status,
	    403, "an expired one is refused");
}

/* The ETag of a response, as it must be sent back. */
static const char *
etag_of(const struct reply *reply)
{
	const char *at = strcasestr(reply->head.data, "\netag:");

	return at != NULL ?
	    str_trim(&arena, arena_strndup(&arena, at + 6, strcspn(at + 6, "\r\n"))) :
	    "";
}

static void
check_multipart(void)
{
	char *data = arena_alloc(&arena, PART + 8);
	struct s3_part parts[2] = { { .number = 1 }, { .number = 2 } };
	struct s3_object object = { 0 };
	const char *id = "", *url;
	struct reply reply;
	size_t len = 0;
	char *back;

	random_bytes(data, PART + 7);
	ok(s3_multipart_create(s3, &arena, key("parts"), "video/mp4", &id, &err),
	    "multipart: create: %s", err.detail);
	url = s3_presign_put(s3, &arena, key("parts"),
	    &(const struct s3_put_terms) { clock_now(), 600, PART, .upload_id = id, .number = 1 });
	reply = fetch("PUT", url, data, PART, NULL);
	is_int(reply.status, 200, "multipart: first part by presigned URL");
	parts[0].etag = etag_of(&reply);
	is_int(fetch("PUT", url, data, 3, NULL).status, 403,
	    "multipart: a part of another length is refused");
	url = s3_presign_put(s3, &arena, key("parts"),
	    &(const struct s3_put_terms) { clock_now(), 600, 7, .upload_id = id, .number = 2 });
	reply = fetch("PUT", url, data + PART, 7, NULL);
	is_int(reply.status, 200, "multipart: last part");
	parts[1].etag = etag_of(&reply);
	ok(!s3_head(s3, key("parts"), &object, &err) && err.code == ERR_NOT_FOUND,
	    "multipart: nothing shows before it is complete");
	ok(s3_multipart_complete(s3, key("parts"), id, parts, 2, &err), "multipart: complete: %s",
	    err.detail);
	ok(s3_head(s3, key("parts"), &object, &err) && object.size == PART + 7 &&
		str_eq(object.content_type, "video/mp4"),
	    "multipart: size and type");
	back = get("parts", &len);
	ok(back != NULL && len == PART + 7 && memcmp(back, data, len) == 0,
	    "multipart: the bytes are the same");
	ok(s3_copy(s3, key("parts"), key("parts-copy"), object.etag, NULL, &err),
	    "multipart: the joined object can be copied: %s", err.detail);
	ok(s3_multipart_create(s3, &arena, key("gone"), NULL, &id, &err) &&
		s3_multipart_abort(s3, key("gone"), id, &err) &&
		s3_multipart_abort(s3, key("gone"), id, &err),
	    "multipart: abort, twice: %s", err.detail);
	ok(!s3_multipart_complete(s3, key("gone"), id, parts, 2, &err),
	    "multipart: an aborted one cannot be completed");
}

static void
check_pieces(void)
{
	char *data = arena_alloc(&arena, PART + 8), piece[64];
	struct s3_part_put put = { .key = key("pieces"), .data = data, .size = PART, .number = 1 };
	struct s3_part parts[2] = { { .number = 1 }, { .number = 2 } };
	struct s3_piece read = { .data = piece, .max = sizeof(piece) };
	struct s3_uploads open = { .keys.n = 0 };

	random_bytes(data, PART + 7);
	ok(s3_multipart_create(s3, &arena, put.key, NULL, &put.upload_id, &err) &&
		s3_put_part(s3, &arena, &put, &parts[0].etag, &err),
	    "pieces: a part from memory: %s", err.detail);
	ok(s3_multipart_list(s3, &arena, put.key, &open, &err) && open.keys.n == 1 &&
		str_eq(open.keys.items[0], put.key) && str_eq(open.ids.items[0], put.upload_id),
	    "pieces: its upload is listed: %zu %s", open.keys.n, err.detail);
	ok(s3_multipart_list(s3, &arena, put.key, &open, &err) && open.keys.n == 0,
	    "pieces: and is the last one: %zu %s", open.keys.n, err.detail);
	put.number = 2;
	put.data = data + PART;
	put.size = 7;
	ok(s3_put_part(s3, &arena, &put, &parts[1].etag, &err) &&
		s3_multipart_complete(s3, put.key, put.upload_id, parts, 2, &err),
	    "pieces: complete: %s", err.detail);
	ok(s3_multipart_list(s3, &arena, put.key, &open, &err) && open.keys.n == 0,
	    "pieces: no upload is left");
	ok(s3_get_piece(s3, put.key, PART - 60, &read, &err) && read.size == 64 &&
		read.whole == PART + 7 && memcmp(piece, data + PART - 60, 64) == 0,
	    "pieces: one across both parts: %s", err.detail);
	ok(s3_get_piece(s3, put.key, PART, &read, &err) && read.size == 7 &&
		read.whole == PART + 7 && memcmp(piece, data + PART, 7) == 0,
	    "pieces: the last one: %s", err.detail);
	ok(!s3_get_piece(s3, key("nothing"), 0, &read, &err) && err.code == ERR_NOT_FOUND,
	    "pieces: of no object: %s", err.detail);
	ok(s3_multipart_create(s3, &arena, put.key, NULL, &put.upload_id, &err) &&
		s3_multipart_abort(s3, put.key, put.upload_id, &err) &&
		!s3_put_part(s3, &arena, &put, &parts[1].etag, &err) && err.code == ERR_NOT_FOUND,
	    "pieces: none for an upload that was aborted: %s", err.detail);
}

static void
clean_up(void)
{
	struct strings keys;

	ok(s3_list(s3, &arena,
	       &(const struct s3_range) { arena_printf(&arena, "%s/", run), NULL, 1000 }, &keys,
	       &err) &&
		s3_delete_many(s3, keys.items, keys.n, &err),
	    "cleaned up: %s", err.detail);
}

int
main(void)
{
	unsigned char bytes[8];

	arena_init(&arena);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	config = config_load(NULL, &err);
	if (config == NULL || (s3 = s3_new(config, &err)) == NULL) {
		fprintf(stderr, "s3-check: %s\n", err.message);
		return 78;
	}
	random_bytes(bytes, sizeof(bytes));
	run = arena_printf(&arena, "s3-check/%s", hex_encode(&arena, bytes, sizeof(bytes)));
	ok(s3_bucket_create(s3, &err), "the bucket can be created: %s", err.detail);
	ok(s3_bucket_create(s3, &err), "... again: %s", err.detail);
	check_basics();
	check_limits();
	check_copy();
	check_presigned_put();
	check_presigned_get();
	check_multipart();
	check_pieces();
	check_list_and_delete();
	clean_up();
	s3_free(s3);
	config_free(config);
	arena_clear(&arena);
	return done_testing();
}
