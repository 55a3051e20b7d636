#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/str.h"
#include "core/xml.h"
#include "model/upload.h"
#include "store/s3_internal.h"

#include "core/banned.h"

bool
s3_multipart_create(struct s3 *s3, struct arena *arena, const char *key, const char *content_type,
    const char **upload_id, struct error *err)
{
	const struct sigv4_pair query = { "uploads", "" }, type = { "Content-Type", content_type };
	struct s3_call call = S3_CALL(.method = "POST", .key = key, .query = &query, .nquery = 1,
	    .headers = &type, .nheaders = content_type != NULL);
	const struct xml_node *root;

	arena_reset(&s3->arena);
	if (!s3_perform(s3, &call, err) ||
	    (root = xml_parse(&s3->arena, call.answer, call.answer_len, err)) == NULL)
		return false;
	*upload_id = arena_strdup(arena, xml_text(root, "UploadId", ""));
	if (**upload_id == '\0')
		return error_set(err, ERR_UPSTREAM,
		    "The object store started an upload without returning its id.");
	return true;
}

bool
s3_multipart_complete(struct s3 *s3, const char *key, const char *upload_id,
    const struct s3_part *parts, size_t n, struct error *err)
{
	const struct sigv4_pair query = { "uploadId", upload_id },
				type = { "Content-Type", "application/xml" };
	struct s3_call call = S3_CALL(.method = "POST", .key = key, .query = &query, .nquery = 1,
	    .headers = &type, .nheaders = 1, .timeout_ms = S3_SERVER_WORK_MS);
	struct buf body;

	arena_reset(&s3->arena);
	buf_init(&body, &s3->arena, 0);
	buf_adds(&body,
	    "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
	for (size_t i = 0; i < n; i++) {
		buf_adds(&body, "<Part>");
		xml_element_int(&body, "PartNumber", parts[i].number);
		xml_element(&body, "ETag", parts[i].etag);
		buf_adds(&body, "</Part>");
	}
	buf_adds(&body, "</CompleteMultipartUpload>");
	call.body = body.data;
	call.body_len = body.len;
	return s3_perform(s3, &call, err);
}

/* Adds the parts of a page of the listing. *more: another one follows. */
static bool
parts_page(struct arena *arena, const struct xml_node *root, struct upload_part_sent *list,
    size_t *n, bool *more, struct error *err)
{
	int64_t number, size, after = *n > 0 ? list[*n - 1].number : 0;

	*more =
	    str_eq(xml_text(root, "IsTruncated", ""), "true") && xml_child(root, "Part") != NULL;
	for (const struct xml_node *part = xml_child(root, "Part"); part != NULL;
	    part = xml_next(part, "Part")) {
		/* Numbers that rise end every listing. */
		if (!str_to_int(xml_text(part, "PartNumber", ""), after + 1, S3_PARTS_MAX,
			&number) ||
		    !str_to_int(xml_text(part, "Size", ""), 0, INT64_MAX, &size))
			return error_set(err, ERR_UPSTREAM,
			    "The object store listed the parts of an upload in a form that is not"
			    " S3's.");
		list[(*n)++] = (struct upload_part_sent) { (int)number, size,
			arena_strdup(arena, xml_text(part, "ETag", "")) };
		after = number;
	}
	return true;
}

bool
s3_multipart_parts(struct s3 *s3, struct arena *arena, const char *key, const char *upload_id,
    struct upload_part_sent **parts, size_t *n, struct error *err)
{
	char marker[S3_NUMBER_TEXT];
	bool more = true;

	*n = 0;
	*parts = arena_array(arena, S3_PARTS_MAX, sizeof(**parts));
	while (more) {
		const struct sigv4_pair query[] = { { "part-number-marker", marker },
			{ "uploadId", upload_id } };
		struct s3_call call =
		    S3_CALL(.method = "GET", .key = key, .query = query, .nquery = 2);
		const struct xml_node *root;

		snprintf(marker, sizeof(marker), "%d", *n > 0 ? (*parts)[*n - 1].number : 0);
		arena_reset(&s3->arena);
		if (!s3_perform(s3, &call, err) ||
		    (root = xml_parse(&s3->arena, call.answer, call.answer_len, err)) == NULL ||
		    !parts_page(arena, root, *parts, n, &more, err))
			return false;
	}
	return true;
}

bool
s3_multipart_abort(struct s3 *s3, const char *key, const char *upload_id, struct error *err)
{
	const struct sigv4_pair query = { "uploadId", upload_id };
	struct s3_call call = S3_CALL(.method = "DELETE", .key = key, .query = &query, .nquery = 1);

	arena_reset(&s3->arena);
	if (!s3_perform(s3, &call, err) && call.status != 404)
		return false;
	error_clear(err);
	return true;
}
