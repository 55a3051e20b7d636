/* One request of the S3 client: sign, send by libcurl, judge the answer. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/outside.h"
#include "core/str.h"
#include "core/xml.h"
#include "store/s3_internal.h"

#include "core/banned.h"

#define FIXED_HEADERS 3 /* Host, x-amz-date, x-amz-content-sha256 */

/* State of one transfer, for libcurl's callbacks. */
struct transfer {
	struct s3_call *call;
	struct buf answer;
	int64_t in_at, out_at;
	bool too_large, write_failed, full;
	long status;
};

static size_t
on_read(char *buffer, size_t size, size_t n, void *context)
{
	struct transfer *t = context;
	struct s3_call *call = t->call;
	size_t want = size * n;
	int64_t left = (call->in_fd >= 0 ? call->in_size : (int64_t)call->body_len) - t->in_at;
	ssize_t got;

	if ((int64_t)want > left)
		want = (size_t)left;
	if (call->in_fd < 0) {
		memcpy(buffer, call->body + t->in_at, want);
		got = (ssize_t)want;
	} else if ((got = pread(call->in_fd, buffer, want, call->in_from + t->in_at)) < 0) {
		return CURL_READFUNC_ABORT;
	}
	t->in_at += got;
	return (size_t)got;
}

/* libcurl rewinds when it must send a body again because the connection was dead. */
static int
on_seek(void *context, curl_off_t offset, int origin)
{
	struct transfer *t = context;

	if (origin != SEEK_SET)
		return CURL_SEEKFUNC_CANTSEEK;
	t->in_at = offset;
	return CURL_SEEKFUNC_OK;
}

static bool
write_all(struct transfer *t, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = pwrite(t->call->out_fd, data, len, t->out_at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			t->write_failed = true;
			t->full = n < 0 && (errno == ENOSPC || errno == EDQUOT);
			return false;
		}
		data += n;
		len -= (size_t)n;
		t->out_at += n;
	}
	return true;
}

static size_t
on_write(char *data, size_t size, size_t n, void *context)
{
	struct transfer *t = context;
	size_t len = size * n;

	if (t->call->out_fd >= 0 && t->status / 100 == 2) {
		if (t->out_at + (int64_t)len > t->call->out_max) {
			t->too_large = true;
			return 0;
		}
		return write_all(t, data, len) ? len : 0;
	}
	if (t->call->into != NULL && t->status / 100 == 2) {
		if (len > t->call->into_max - (size_t)t->out_at) {
			t->too_large = true;
			return 0;
		}
		memcpy(t->call->into + t->out_at, data, len);
		t->out_at += (int64_t)len;
		return len;
	}
	buf_add(&t->answer, data, len);
	return t->answer.overflow ? 0 : len;
}

/* "bytes 0-99/1234" */
static void
take_range(struct s3_call *call, const char *value)
{
	const char *slash = strchr(value, '/');

	if (slash == NULL || !str_to_int(slash + 1, 0, INT64_MAX, &call->whole))
		call->whole = -1;
}

static void
take_header(struct s3_object *object, struct arena *arena, const char *name, const char *value)
{
	if (str_ieq(name, "ETag"))
		str_copy(object->etag, sizeof(object->etag), value);
	else if (str_ieq(name, "Content-Type"))
		str_copy(object->content_type, sizeof(object->content_type), value);
	else if (str_ieq(name, "Content-Length"))
		str_to_int(value, 0, INT64_MAX, &object->size);
	else if (str_ieq(name, "Last-Modified"))
		time_parse_http(value, &object->modified);
}

static size_t
on_header(char *data, size_t size, size_t n, void *context)
{
	struct transfer *t = context;
	struct arena *arena = t->answer.arena;
	char *line = arena_strndup(arena, data, size * n), *colon = strchr(line, ':');
	int64_t status;

	if (str_starts(line, "HTTP/")) {
		const char *code = strchr(line, ' ');

		if (code != NULL &&
		    str_to_int(arena_strndup(arena, code + 1, 3), 100, 599, &status))
			t->status = (long)status;
		t->call->object = (struct s3_object) { .size = -1 };
		t->call->whole = -1;
	} else if (colon != NULL) {
		*colon = '\0';
		take_header(&t->call->object, arena, line, str_trim(arena, colon + 1));
		if (str_ieq(line, "Content-Range"))
			take_range(t->call, str_trim(arena, colon + 1));
	}
	return size * n;
}

static const char *
payload_hash(struct s3 *s3, const struct s3_call *call)
{
	char hash[SHA256_HEX];

	if (call->in_fd >= 0)
		return SIGV4_UNSIGNED; /* signing would need a second read of the object */
	if (call->body == NULL)
		return SIGV4_EMPTY_SHA256;
	sha256_hex(call->body, call->body_len, hash);
	return arena_strdup(&s3->arena, hash);
}

static const char *
call_url(struct s3 *s3, const struct s3_call *call, const char **path)
{
	struct buf url;

	*path =
	    arena_printf(&s3->arena, "%s/%s", s3->inside.path, call->key != NULL ? call->key : "");
	if (call->key == NULL && *s3->inside.path != '\0')
		*path = s3->inside.path;
	buf_init(&url, &s3->arena, 0);
	buf_adds(&url, s3->inside.origin);
	url_encode(&url, *path, strlen(*path), true);
	for (size_t i = 0; i < call->nquery; i++) {
		buf_addc(&url, i == 0 ? '?' : '&');
		url_encode(&url, call->query[i].name, strlen(call->query[i].name), false);
		buf_addc(&url, '=');
		url_encode(&url, call->query[i].value, strlen(call->query[i].value), false);
	}
	return url.data;
}

/* All headers of the request, signed. The strings are in the arena; the caller frees the list. */
static struct curl_slist *
signed_headers(struct s3 *s3, const struct s3_call *call, const char *path)
{
	struct sigv4_pair *headers =
	    arena_array(&s3->arena, call->nheaders + FIXED_HEADERS, sizeof(*headers));
	struct sigv4_request req = { call->method, path, call->query, call->nquery, headers,
		call->nheaders + FIXED_HEADERS, payload_hash(s3, call) };
	struct curl_slist *list = NULL;
	char date[SIGV4_DATE];

	time_iso_basic(clock_now(), date);
	headers[0] = (struct sigv4_pair) { "Host", s3->inside.host };
	headers[1] = (struct sigv4_pair) { "x-amz-date", date };
	headers[2] = (struct sigv4_pair) { "x-amz-content-sha256", req.payload };
	if (call->nheaders > 0)
		memcpy(headers + FIXED_HEADERS, call->headers, call->nheaders * sizeof(*headers));
	list = curl_slist_append(list,
	    arena_printf(&s3->arena, "Authorization: %s",
		sigv4_authorization(&s3->signer, &s3->arena, &req, date)));
	for (size_t i = 0; i < req.nheaders; i++)
		list = curl_slist_append(list,
		    arena_printf(&s3->arena, "%s: %s", headers[i].name, headers[i].value));
	/* libcurl would add its own Content-Type to bodies, which is not signed. */
	for (size_t i = 0; i <= call->nheaders; i++) {
		if (i == call->nheaders)
			list = curl_slist_append(list, "Content-Type:");
		else if (str_ieq(call->headers[i].name, "Content-Type"))
			break;
	}
	return list;
}

static void
set_limits(struct s3 *s3, const struct s3_call *call)
{
	bool transfer =
	    call->in_fd >= 0 || call->out_fd >= 0 || call->into != NULL || call->carries;
	long timeout = call->timeout_ms > 0 ? call->timeout_ms :
	    transfer                        ? S3_TRANSFER_MS :
					      s3->request_ms;

	curl_easy_setopt(s3->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(s3->curl, CURLOPT_PROXY, "");
	curl_easy_setopt(s3->curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(s3->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(s3->curl, CURLOPT_CONNECTTIMEOUT_MS,
	    (long)(s3->request_ms < S3_CONNECT_MS ? s3->request_ms : S3_CONNECT_MS));
	curl_easy_setopt(s3->curl, CURLOPT_TIMEOUT_MS, timeout);
	if (transfer) {
		curl_easy_setopt(s3->curl, CURLOPT_LOW_SPEED_LIMIT, (long)S3_STALL_BYTES);
		curl_easy_setopt(s3->curl, CURLOPT_LOW_SPEED_TIME, (long)S3_STALL_SECONDS);
	}
	curl_easy_setopt(s3->curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(s3->curl, CURLOPT_TCP_KEEPALIVE, 1L);
	if (*s3->ca_file != '\0')
		curl_easy_setopt(s3->curl, CURLOPT_CAINFO, s3->ca_file);
}

static void
set_body(struct s3 *s3, struct transfer *t)
{
	struct s3_call *call = t->call;
	int64_t size = call->in_fd >= 0 ? call->in_size :
	    call->body != NULL          ? (int64_t)call->body_len :
					  -1;

	if (str_eq(call->method, "HEAD"))
		curl_easy_setopt(s3->curl, CURLOPT_NOBODY, 1L);
	if (size < 0 && (str_eq(call->method, "PUT") || str_eq(call->method, "POST")))
		size = 0; /* servers require a Content-Length */
	if (size >= 0) {
		curl_easy_setopt(s3->curl, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(s3->curl, CURLOPT_READFUNCTION, on_read);
		curl_easy_setopt(s3->curl, CURLOPT_READDATA, t);
		curl_easy_setopt(s3->curl, CURLOPT_SEEKFUNCTION, on_seek);
		curl_easy_setopt(s3->curl, CURLOPT_SEEKDATA, t);
		curl_easy_setopt(s3->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)size);
	}
	curl_easy_setopt(s3->curl, CURLOPT_CUSTOMREQUEST, call->method);
	curl_easy_setopt(s3->curl, CURLOPT_WRITEFUNCTION, on_write);
	curl_easy_setopt(s3->curl, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(s3->curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(s3->curl, CURLOPT_HEADERDATA, t);
}

static bool
unavailable(struct error *err)
{
	err->retry_after = 5;
	return error_slug(err, ERR_UNAVAILABLE, "storage_unavailable",
	    "The object store is not available. Try again shortly.");
}

/* Turns libcurl's error into ours, for a transfer without a response. */
static bool
transfer_failed(const struct transfer *t, CURLcode code, struct error *err)
{
	if (t->too_large)
		return error_set(err, ERR_TOO_LARGE, "The object exceeds the size limit.");
	if (t->full)
		return error_set(err, ERR_STORAGE_FULL, "The disk is full.");
	if (t->write_failed || code == CURLE_ABORTED_BY_CALLBACK) {
		error_set(err, ERR_INTERNAL,
		    "A local file could not be read or written during the transfer.");
		return error_detail(err, "%s", strerror(errno));
	}
	unavailable(err);
	err->retry_after = 5;
	return error_detail(err, "%s %s: %s", t->call->method,
	    t->call->key != NULL ? t->call->key : "", curl_easy_strerror(code));
}

/*
 * Handles statuses other than 2xx, and errors inside a 200 (copy and complete keep the connection
 * alive that way).
 */
static bool
judge(struct s3 *s3, struct s3_call *call, struct error *err)
{
	struct error ignored = { 0 };
	const struct xml_node *root =
	    call->answer_len > 0 && memmem(call->answer, call->answer_len, "<Error", 6) != NULL ?
	    xml_parse(&s3->arena, call->answer, call->answer_len, &ignored) :
	    NULL;
	bool is_error = root != NULL && str_eq(root->name, "Error");
	const char *code = is_error ? xml_text(root, "Code", "") : "";

	if (call->status / 100 == 2 && !is_error)
		return true;
	if (call->status == 404 || str_eq(code, "NoSuchKey") || str_eq(code, "NoSuchUpload"))
		error_set(err, ERR_NOT_FOUND, "There is no such object.");
	else if (call->status == 412 || str_eq(code, "PreconditionFailed"))
		error_set(err, ERR_PRECONDITION, "The object has changed.");
	else if (call->status == 507 || str_eq(code, "InsufficientStorage"))
		error_set(err, ERR_STORAGE_FULL, "The object store is full.");
	else if (call->status >= 500 || str_eq(code, "InternalError") || str_eq(code, "SlowDown"))
		unavailable(err);
	else
		error_set(err, ERR_UPSTREAM, "The object store refused the request.");
	return error_detail(err, "%s %s: %ld %s %s", call->method,
	    call->key != NULL ? call->key : "(bucket)", call->status, code,
	    is_error ? xml_text(root, "Message", "") : "");
}

bool
s3_perform(struct s3 *s3, struct s3_call *call, struct error *err)
{
	struct transfer t = { .call = call };
	struct curl_slist *headers;
	const char *path, *url = call_url(s3, call, &path);
	CURLcode code;

	if (s3->curl == NULL && (s3->curl = curl_easy_init()) == NULL)
		return unavailable(err);
	buf_init(&t.answer, &s3->arena, S3_ANSWER_MAX);
	curl_easy_reset(s3->curl); /* keeps the connection */
	headers = signed_headers(s3, call, path);
	curl_easy_setopt(s3->curl, CURLOPT_URL, url);
	curl_easy_setopt(s3->curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(s3->curl, CURLOPT_HTTPHEADER, headers);
	set_limits(s3, call);
	set_body(s3, &t);
	(void)outside_call("the object store");
	code = curl_easy_perform(s3->curl);
	curl_slist_free_all(headers);
	if (code != CURLE_OK)
		return transfer_failed(&t, code, err);
	call->status = t.status;
	call->answer = t.answer.data;
	call->answer_len = t.answer.len;
	if ((call->out_fd >= 0 || call->into != NULL) && t.status / 100 == 2)
		call->object.size = t.out_at;
	return judge(s3, call, err);
}
