/* Objects piece by piece: through memory, or parts of a file. */
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/str.h"
#include "core/xml.h"
#include "store/s3_internal.h"

#include "core/banned.h"

#define S3_ABORT_PAGES 50

bool
s3_get_piece(struct s3 *s3, const char *key, int64_t from, struct s3_piece *piece,
    struct error *err)
{
	struct sigv4_pair range = { "Range", NULL };
	struct s3_call call = S3_CALL(.method = "GET", .key = key, .headers = &range, .nheaders = 1,
	    .into = piece->data, .into_max = piece->max);

	arena_reset(&s3->arena);
	range.value = arena_printf(&s3->arena, "bytes=%lld-%lld", (long long)from,
	    (long long)(from + (int64_t)piece->max - 1));
	if (!s3_perform(s3, &call, err))
		return false;
	piece->size = (size_t)call.object.size;
	piece->whole = call.status == 206 ? call.whole : call.object.size;
	return (call.status == 206 ? piece->whole >= 0 : from == 0) ||
	    error_set(err, ERR_UPSTREAM,
		"The object store sent another part of an object than the one asked for.");
}

bool
s3_put_part(struct s3 *s3, struct arena *arena, const struct s3_part_put *put, const char **etag,
    struct error *err)
{
	char number[S3_NUMBER_TEXT];
	const struct sigv4_pair query[] = { { "partNumber", number },
		{ "uploadId", put->upload_id } };
	struct s3_call call = S3_CALL(.method = "PUT", .key = put->key, .query = query, .nquery = 2,
	    .body = put->data, .body_len = put->size, .carries = true, .in_from = put->from,
	    .in_size = (int64_t)put->size);

	if (put->data == NULL)
		call.in_fd = put->fd;
	snprintf(number, sizeof(number), "%d", put->number);
	arena_reset(&s3->arena);
	if (!s3_perform(s3, &call, err))
		return false;
	*etag = arena_strdup(arena, call.object.etag);
	return **etag != '\0' ||
	    error_set(err, ERR_UPSTREAM, "The object store took a part without an ETag.");
}

bool
s3_multipart_list(struct s3 *s3, struct arena *arena, const char *prefix, struct s3_uploads *list,
    struct error *err)
{
	struct sigv4_pair query[] = { { "key-marker", "" },
		{ "max-uploads", arena_printf(arena, "%d", S3_UPLOADS_PAGE) }, { "prefix", prefix },
		{ "upload-id-marker", "" }, { "uploads", "" } };
	struct s3_call call = S3_CALL(.method = "GET", .query = query, .nquery = 5);
	const char **keys = arena_array(arena, S3_UPLOADS_PAGE, sizeof(*keys));
	const char **ids = arena_array(arena, S3_UPLOADS_PAGE, sizeof(*ids));
	const struct xml_node *root;
	size_t n = 0;

	if (list->keys.n > 0) {
		query[0].value = list->keys.items[list->keys.n - 1];
		query[3].value = list->ids.items[list->ids.n - 1];
	}
	arena_reset(&s3->arena);
	if (!s3_perform(s3, &call, err) ||
	    (root = xml_parse(&s3->arena, call.answer, call.answer_len, err)) == NULL)
		return false;
	for (const struct xml_node *item = xml_child(root, "Upload");
	    item != NULL && n < S3_UPLOADS_PAGE; item = xml_next(item, "Upload")) {
		keys[n] = arena_strdup(arena, xml_text(item, "Key", ""));
		ids[n++] = arena_strdup(arena, xml_text(item, "UploadId", ""));
	}
	*list = (struct s3_uploads) { { keys, n }, { ids, n } };
	return true;
}

bool
s3_multipart_abort_all(struct s3 *s3, struct arena *arena, const char *prefix, struct error *err)
{
	struct s3_uploads page = { .keys.n = 0 };

	for (int i = 0; i < S3_ABORT_PAGES; i++) {
		if (!s3_multipart_list(s3, arena, prefix, &page, err))
			return false;
		for (size_t k = 0; k < page.keys.n; k++)
			if (!s3_multipart_abort(s3, page.keys.items[k], page.ids.items[k], err))
				return false;
		if (page.keys.n == 0)
			break;
	}
	return true;
}
