#include "http/request.h"

#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/id.h"
#include "core/str.h"
#include "http/input.h"
#include "core/banned.h"

static const char *const method_names[METHODS] = {
	[METHOD_GET] = "GET",
	[METHOD_HEAD] = "HEAD",
	[METHOD_POST] = "POST",
	[METHOD_PUT] = "PUT",
	[METHOD_PATCH] = "PATCH",
	[METHOD_DELETE] = "DELETE",
	[METHOD_OPTIONS] = "OPTIONS",
};

bool
method_parse(const char *text, enum method *method)
{
	for (int i = 0; i < METHODS; i++) {
		if (strcmp(text, method_names[i]) == 0) {
			*method = (enum method)i;
			return true;
		}
	}
	return false;
}

const char *
method_name(enum method method)
{
	return method < METHODS ? method_names[method] : "-";
}

const char *
request_param(const struct request *req, const char *name)
{
	for (unsigned i = 0; i < req->nparams; i++) {
		if (strcmp(req->params[i].name, name) == 0)
			return req->params[i].value;
	}
	return "";
}

static const char *
env_find(char *const *envp, const char *name)
{
	size_t len = strlen(name);

	for (; envp != NULL && *envp != NULL; envp++) {
		if (strncmp(*envp, name, len) == 0 && (*envp)[len] == '=')
			return *envp + len + 1;
	}
	return NULL;
}

const char *
request_env(const struct request *req, const char *name)
{
	return env_find(req->envp, name);
}

void
request_refuse_later(struct request *req, const struct error *why)
{
	req->auth_error = arena_memdup(req->arena, why, sizeof(*why));
	memset(req->who, 0, sizeof(*req->who));
}

/* Reads every parameter once instead of searching for each name: nginx sends about twenty. */
static void
request_headers(struct request *req, char *const *envp, const char **uri, const char **method,
    const char **length)
{
	const struct {
		const char *name;
		const char **value;
	} wanted[] = {
		{ "REQUEST_METHOD=", method },
		{ "REQUEST_URI=", uri },
		{ "CONTENT_LENGTH=", length },
		{ "CONTENT_TYPE=", &req->content_type },
		{ "REMOTE_ADDR=", &req->client },
		{ "REQUEST_ID=", &req->request_id },
		{ "HTTP_USER_AGENT=", &req->user_agent },
		{ "HTTP_ORIGIN=", &req->origin },
		{ "HTTP_AUTHORIZATION=", &req->authorization },
		{ "HTTP_IF_NONE_MATCH=", &req->if_none_match },
		{ "HTTP_IF_MATCH=", &req->if_match },
		{ "HTTP_IDEMPOTENCY_KEY=", &req->idempotency_key },
	};

	for (; *envp != NULL; envp++) {
		for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
			size_t len = strlen(wanted[i].name);

			if (strncmp(*envp, wanted[i].name, len) == 0) {
				*wanted[i].value = *envp + len;
				break;
			}
		}
	}
}

static bool
segment_dots(const char *start, const char *end)
{
	return (end - start == 1 && start[0] == '.') ||
	    (end - start == 2 && start[0] == '.' && start[1] == '.');
}

bool
request_path_decode(struct arena *arena, const char *raw, size_t len, const char **path,
    struct error *err)
{
	char *out;
	size_t n;
	const char *segment;

	if (len == 0 || raw[0] != '/' || len > REQUEST_PATH_MAX)
		return error_set(err, ERR_MALFORMED,
		    "The path must start with / and have at most %d bytes.", REQUEST_PATH_MAX);
	for (size_t i = 0; i + 2 < len; i++) {
		if (raw[i] == '%' && raw[i + 1] == '2' && (raw[i + 2] == 'f' || raw[i + 2] == 'F'))
			return error_set(err, ERR_MALFORMED, "The path contains an encoded slash.");
	}
	if (!url_decode(arena, raw, len, false, &out, &n) || strlen(out) != n ||
	    !utf8_valid(out, n))
		return error_set(err, ERR_MALFORMED,
		    "The path is not valid percent-encoded UTF-8.");
	segment = out + 1;
	for (const char *p = out + 1;; p++) {
		if (*p != '\0' && ((unsigned char)*p < 0x20 || *p == 0x7f || *p == '\\'))
			return error_set(err, ERR_MALFORMED,
			    "The path contains a character that is not allowed.");
		if (*p != '/' && *p != '\0')
			continue;
		if (segment_dots(segment, p) || (*p == '/' && p == segment))
			return error_set(err, ERR_MALFORMED,
			    "The path contains an empty, '.' or '..' segment.");
		if (*p == '\0')
			break;
		segment = p + 1;
	}
	if (str_starts(out, "/api/v1/") || strcmp(out, "/api/v1") == 0)
		memmove(out + 4, out + 7, n - 7 + 1);
	*path = out;
	return true;
}

static bool
request_length(struct request *req, const char *length, size_t *body_len, struct error *err)
{
	int64_t n = 0;

	*body_len = 0;
	if (request_env(req, "HTTP_TRANSFER_ENCODING") != NULL)
		return error_set(err, ERR_LENGTH,
		    "Send a Content-Length; transfer encodings are not accepted.");
	if (request_env(req, "HTTP_CONTENT_ENCODING") != NULL)
		return error_set(err, ERR_MEDIA_TYPE, "Send the body without a Content-Encoding.");
	if (length == NULL || *length == '\0')
		return true; /* no body: the field rules decide whether one is required */
	if (!str_to_int(length, 0, INT64_MAX, &n))
		return error_set(err, ERR_MALFORMED, "Content-Length is not a number.");
	*body_len = (size_t)n;
	return true;
}

void
request_parse(struct request *req, char *const *envp, size_t *body_len)
{
	const char *uri = "", *method = "", *length = NULL, *query;
	char id[UUID_TEXT];
	struct error *err = arena_alloc(req->arena, sizeof(*err));
	bool ok;

	req->envp = envp;
	req->path = "";
	req->content_type = req->client = req->user_agent = req->request_id = req->body = "";
	req->input = input_empty();
	request_headers(req, envp, &uri, &method, &length);
	if (!request_id_valid(req->request_id)) {
		uuid_v7(id);
		req->request_id = arena_strdup(req->arena, id);
	}
	query = strchr(uri, '?');
	req->query = query == NULL ? "" : query + 1;

	error_clear(err);
	ok = request_length(req, length, body_len, err);
	if (!method_parse(method, &req->method))
		req->method = METHODS; /* no route has it: 405 */
	req->head = req->method == METHOD_HEAD;
	if (req->head)
		req->method = METHOD_GET;
	if (ok)
		ok = request_path_decode(req->arena, uri,
		    query == NULL ? strlen(uri) : (size_t)(query - uri), &req->path, err);
	if (!ok)
		req->framing = err;
}
