#include <string.h>

#include "core/crypto.h"
#include "core/error.h"
#include "core/str.h"
#include "core/xml.h"
#include "store/s3_internal.h"

#include "core/banned.h"

/* Every operation starts with an empty arena; its results are copied elsewhere. */
static void
begin(struct s3 *s3)
{
	arena_reset(&s3->arena);
}

bool
s3_head(struct s3 *s3, const char *key, struct s3_object *out, struct error *err)
{
	struct s3_call call = S3_CALL(.method = "HEAD", .key = key);

	begin(s3);
	if (!s3_perform(s3, &call, err))
		return false;
	*out = call.object;
	return true;
}

bool
s3_get_fd(struct s3 *s3, const char *key, int fd, int64_t max, struct s3_object *out,
    struct error *err)
{
	struct s3_call call = S3_CALL(.method = "GET", .key = key, .out_max = max);

	call.out_fd = fd;
	begin(s3);
	if (!s3_perform(s3, &call, err))
		return false;
	if (out != NULL)
		*out = call.object;
	return true;
}

bool
s3_put_fd(struct s3 *s3, const char *key, int fd, int64_t size, const char *content_type,
    struct error *err)
{
	const struct sigv4_pair type = { "Content-Type", content_type };
	struct s3_call call = S3_CALL(.method = "PUT", .key = key, .headers = &type,
	    .nheaders = content_type != NULL, .in_size = size);

	call.in_fd = fd;
	begin(s3);
	return s3_perform(s3, &call, err);
}

static const char *
copy_source(struct s3 *s3, const char *from)
{
	struct buf out;

	buf_init(&out, &s3->arena, 0);
	buf_addf(&out, "/%s/", s3->bucket);
	url_encode(&out, from, strlen(from), true);
	return out.data;
}

/* The state of a copy in parts. */
struct parts_copy {
	const char *from, *to;
	const char *if_match; /* or NULL */
	const char *upload_id;
	struct arena arena; /* of the parts' ETags */
	struct s3_part parts[S3_COPY_MAX / S3_COPY_PART * 1024];
	size_t n;
};

/* Copies [first, first + size) of the source into the next part. */
static bool
copy_part(struct s3 *s3, struct parts_copy *c, int64_t first, int64_t size, struct error *err)
{
	struct s3_part *part = &c->parts[c->n++];
	struct sigv4_pair query[] = { { "partNumber", arena_printf(&c->arena, "%zu", c->n) },
		{ "uploadId", c->upload_id } };
	struct sigv4_pair headers[3] = { { "x-amz-copy-source", copy_source(s3, c->from) },
		{ "x-amz-copy-source-range",
		    arena_printf(&c->arena, "bytes=%lld-%lld", (long long)first,
			(long long)(first + size - 1)) },
		{ "x-amz-copy-source-if-match", c->if_match } };
	struct s3_call call =
	    S3_CALL(.method = "PUT", .key = c->to, .query = query, .nquery = 2, .headers = headers,
		.nheaders = c->if_match != NULL ? 3 : 2, .timeout_ms = S3_SERVER_WORK_MS);
	const struct xml_node *root;

	if (!s3_perform(s3, &call, err) ||
	    (root = xml_parse(&s3->arena, call.answer, call.answer_len, err)) == NULL)
		return false;
	*part = (struct s3_part) { (int)c->n, arena_strdup(&c->arena, xml_text(root, "ETag", "")) };
	return true;
}

static bool
copy_all_parts(struct s3 *s3, struct parts_copy *c, int64_t size, struct error *err)
{
	for (int64_t at = 0; at < size; at += S3_COPY_PART) {
		arena_reset(&s3->arena);
		if (!copy_part(s3, c, at, size - at < S3_COPY_PART ? size - at : S3_COPY_PART, err))
			return false;
	}
	return s3_multipart_complete(s3, c->to, c->upload_id, c->parts, c->n, err);
}

static bool
copy_by_parts(struct s3 *s3, struct parts_copy *c, const char *content_type, int64_t size,
    struct error *err)
{
	struct error ignored = { 0 };
	bool done;

	if (size / S3_COPY_PART >= (int64_t)(sizeof(c->parts) / sizeof(*c->parts)))
		return error_set(err, ERR_TOO_LARGE, "The object is too large to be copied.");
	arena_init(&c->arena);
	done = s3_multipart_create(s3, &c->arena, c->to, content_type, &c->upload_id, err) &&
	    copy_all_parts(s3, c, size, err);
	if (!done && c->upload_id != NULL)
		s3_multipart_abort(s3, c->to, c->upload_id, &ignored);
	arena_clear(&c->arena);
	return done;
}

static bool
copy_whole(struct s3 *s3, const char *from, const char *to, const char *if_match,
    const char *content_type, struct error *err)
{
	struct sigv4_pair headers[4];
	size_t n = 0;
	struct s3_call call = S3_CALL(.method = "PUT", .key = to, .headers = headers,
	    .timeout_ms = S3_SERVER_WORK_MS);

	begin(s3);
	headers[n++] = (struct sigv4_pair) { "x-amz-copy-source", copy_source(s3, from) };
	if (if_match != NULL)
		headers[n++] = (struct sigv4_pair) { "x-amz-copy-source-if-match", if_match };
	if (content_type != NULL) {
		headers[n++] = (struct sigv4_pair) { "x-amz-metadata-directive", "REPLACE" };
		headers[n++] = (struct sigv4_pair) { "Content-Type", content_type };
	}
	call.nheaders = n;
	return s3_perform(s3, &call, err);
}

/*
 * If the source was uploaded in parts, Swift compares the condition of a copy with an internal ETag
 * and rejects the one it reported. In that case, compare the source's ETag before and after the
 * copy instead.
 */
static bool
copy_watched(struct s3 *s3, const char *from, const char *to, const char *if_match,
    const char *content_type, struct error *err)
{
	struct error ignored = { 0 };
	struct s3_object before, after;

	if (!s3_head(s3, from, &before, &ignored) || !str_eq(before.etag, if_match))
		return false; /* keeps the server's error */
	error_clear(err);
	if (!copy_whole(s3, from, to, NULL, content_type, err) || !s3_head(s3, from, &after, err))
		return false;
	if (str_eq(after.etag, if_match) && after.modified == before.modified)
		return true;
	s3_delete(s3, to, &ignored);
	return error_set(err, ERR_PRECONDITION, "The object has changed.");
}

bool
s3_copy(struct s3 *s3, const char *from, const char *to, const char *if_match,
    const char *content_type, struct error *err)
{
	struct parts_copy parts = { .from = from, .to = to, .if_match = if_match };
	struct s3_object source;

	if (!s3_head(s3, from, &source, err))
		return false;
	if (source.size > S3_COPY_MAX)
		return copy_by_parts(s3, &parts, content_type, source.size, err);
	if (copy_whole(s3, from, to, if_match, content_type, err))
		return true;
	return err->code == ERR_PRECONDITION && if_match != NULL && strchr(if_match, '-') != NULL &&
	    copy_watched(s3, from, to, if_match, content_type, err);
}

bool
s3_delete(struct s3 *s3, const char *key, struct error *err)
{
	struct s3_call call = S3_CALL(.method = "DELETE", .key = key);

	begin(s3);
	if (!s3_perform(s3, &call, err) && call.status != 404)
		return false;
	error_clear(err);
	return true;
}

/*
 * Up to S3_DELETE_MAX keys in one request. S3 returns 200 with an <Error> for each key that it did
 * not delete.
 */
static bool
delete_batch(struct s3 *s3, const char *const *keys, size_t n, struct error *err)
{
	const struct sigv4_pair query = { "delete", "" };
	unsigned char digest[MD5_SIZE];
	const struct xml_node *root, *failed;
	struct sigv4_pair headers[2];
	struct s3_call call = S3_CALL(.method = "POST", .query = &query, .nquery = 1,
	    .headers = headers, .nheaders = 2);
	struct buf body;

	begin(s3);
	buf_init(&body, &s3->arena, 0);
	buf_adds(&body, "<Delete><Quiet>true</Quiet>");
	for (size_t i = 0; i < n; i++) {
		buf_adds(&body, "<Object>");
		xml_element(&body, "Key", keys[i]);
		buf_adds(&body, "</Object>");
	}
	buf_adds(&body, "</Delete>");
	md5(body.data, body.len, digest);
	headers[0] = (struct sigv4_pair) { "Content-MD5",
		base64_encode(&s3->arena, digest, sizeof(digest)) };
	headers[1] = (struct sigv4_pair) { "Content-Type", "application/xml" };
	call.body = body.data;
	call.body_len = body.len;
	if (!s3_perform(s3, &call, err) ||
	    (root = xml_parse(&s3->arena, call.answer, call.answer_len, err)) == NULL)
		return false;
	if ((failed = xml_child(root, "Error")) == NULL ||
	    str_eq(xml_text(failed, "Code", ""), "NoSuchKey"))
		return true;
	error_set(err, ERR_UPSTREAM, "The object store did not delete an object.");
	return error_detail(err, "%s: %s", xml_text(failed, "Key", ""),
	    xml_text(failed, "Code", ""));
}

bool
s3_delete_many(struct s3 *s3, const char *const *keys, size_t n, struct error *err)
{
	while (n > 0) {
		size_t batch = n < S3_DELETE_MAX ? n : S3_DELETE_MAX;

		if (!delete_batch(s3, keys, batch, err))
			return false;
		keys += batch;
		n -= batch;
	}
	return true;
}

enum s3_state
s3_look(struct s3 *s3, struct error *err)
{
	struct s3_call call = S3_CALL(.method = "HEAD");

	begin(s3);
	if (s3_perform(s3, &call, err))
		return S3_WORKS;
	if (call.status == 404)
		return S3_NO_BUCKET;
	return call.status == 403 ? S3_REFUSES : S3_SILENT;
}

bool
s3_probe(struct s3 *s3, struct error *err)
{
	switch (s3_look(s3, err)) {
	case S3_WORKS: return true;
	case S3_NO_BUCKET:
		return error_slug(err, ERR_UNAVAILABLE, "storage_unavailable",
		    "The bucket '%s' does not exist.", s3->bucket);
	case S3_REFUSES:
		return error_slug(err, ERR_UNAVAILABLE, "storage_unavailable",
		    "The object store rejected the access key.");
	case S3_SILENT:
	default: return false;
	}
}

bool
s3_bucket_create(struct s3 *s3, struct error *err)
{
	struct s3_call call = S3_CALL(.method = "PUT");
	struct s3_call head = S3_CALL(.method = "HEAD");
	struct error ignored = { 0 };

	begin(s3);
	if (!str_eq(s3->signer.region, "us-east-1")) {
		struct buf body;

		buf_init(&body, &s3->arena, 0);
		buf_adds(&body,
		    "<CreateBucketConfiguration"
		    " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
		xml_element(&body, "LocationConstraint", s3->signer.region);
		buf_adds(&body, "</CreateBucketConfiguration>");
		call.body = body.data;
		call.body_len = body.len;
	}
	/* 409 means that the bucket exists; it is ours if we can read it. */
	return s3_perform(s3, &call, err) ||
	    (call.status == 409 && s3_perform(s3, &head, &ignored));
}

bool
s3_list(struct s3 *s3, struct arena *arena, const struct s3_range *range, struct strings *keys,
    struct error *err)
{
	const int max = range->max < 1000 ? range->max : 1000;
	const char *after = range->after != NULL ? range->after : "";
	struct sigv4_pair query[5] = { { "encoding-type", "url" }, { "list-type", "2" },
		{ "max-keys", arena_printf(arena, "%d", max) }, { "prefix", range->prefix },
		{ "start-after", after } };
	struct s3_call call =
	    S3_CALL(.method = "GET", .query = query, .nquery = *after != '\0' ? 5 : 4);
	const char **items = arena_array(arena, (size_t)max + 1, sizeof(*items));
	const struct xml_node *root;

	begin(s3);
	if (!s3_perform(s3, &call, err) ||
	    (root = xml_parse(&s3->arena, call.answer, call.answer_len, err)) == NULL)
		return false;
	*keys = (struct strings) { items, 0 };
	for (const struct xml_node *item = xml_child(root, "Contents");
	    item != NULL && (int)keys->n < max; item = xml_next(item, "Contents")) {
		const char *key = xml_text(item, "Key", "");
		char *decoded;
		size_t len;

		if (!url_decode(arena, key, strlen(key), true, &decoded, &len))
			return error_set(err, ERR_UPSTREAM,
			    "The list from the object store is malformed.");
		items[keys->n++] = decoded;
	}
	return true;
}
