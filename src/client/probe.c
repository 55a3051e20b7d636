/* See probe.h. */
#include "client/probe.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/clock.h"
#include "core/str.h"
#include "core/banned.h"

#define ORIGIN_HEADER_MAX 320
#define ADDRESS_MAX 320
#define DATE_HEADER_MAX 64

static size_t
body_drop(char *data, size_t size, size_t n, void *arg)
{
	return size * n;
}

/* A header's value without the white space around it. */
static bool
header_is(const char *line, size_t len, const char *name, char *out, size_t size)
{
	size_t name_len = strlen(name), start, end = len;

	if (len <= name_len || strncasecmp(line, name, name_len) != 0 || line[name_len] != ':')
		return false;
	for (start = name_len + 1; start < end && line[start] == ' '; start++)
		;
	while (end > start &&
	    (line[end - 1] == '\r' || line[end - 1] == '\n' || line[end - 1] == ' '))
		end--;
	snprintf(out, size, "%.*s", (int)(end - start), line + start);
	return true;
}

static size_t
header_look(char *line, size_t size, size_t n, void *arg)
{
	struct probe *out = arg;
	char date[DATE_HEADER_MAX];

	if (header_is(line, size * n, "date", date, sizeof(date)) &&
	    !time_parse_http(date, &out->date))
		out->date = 0;
	if (!header_is(line, size * n, "access-control-allow-origin", out->allow_origin,
		sizeof(out->allow_origin)))
		header_is(line, size * n, "access-control-expose-headers", out->expose,
		    sizeof(out->expose));
	return size * n;
}

/* "Expire date:Feb 20 09:00:00 2027 GMT" of the first certificate. */
static void
expiry_read(CURL *curl, struct probe *out)
{
	struct curl_certinfo *info = NULL;

	if (curl_easy_getinfo(curl, CURLINFO_CERTINFO, &info) != CURLE_OK || info == NULL ||
	    info->num_of_certs < 1)
		return;
	for (struct curl_slist *s = info->certinfo[0]; s != NULL; s = s->next) {
		if (str_starts(s->data, "Expire date:")) {
			time_t at = curl_getdate(s->data + strlen("Expire date:"), NULL);

			out->expires_at = at > 0 ? (int64_t)at * US_PER_SEC : 0;
		}
	}
}

static struct curl_slist *
preflight(CURL *curl, const char *origin)
{
	char header[ORIGIN_HEADER_MAX];
	struct curl_slist *list;

	snprintf(header, sizeof(header), "Origin: %s", origin);
	list = curl_slist_append(NULL, header);
	list = curl_slist_append(list, "Access-Control-Request-Method: PUT");
	list = curl_slist_append(list, "Access-Control-Request-Headers: content-type");
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, "OPTIONS");
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
	return list;
}

static struct curl_slist *
connect_to(CURL *curl, const char *address)
{
	char any[ADDRESS_MAX];
	struct curl_slist *list;

	snprintf(any, sizeof(any), "::%s", address); /* whatever host and port the URL has */
	list = curl_slist_append(NULL, any);
	curl_easy_setopt(curl, CURLOPT_CONNECT_TO, list);
	return list;
}

bool
probe_http(const struct probe_request *req, struct probe *out)
{
	char text[CURL_ERROR_SIZE] = "";
	struct curl_slist *headers = NULL, *address = NULL;
	CURL *curl = curl_easy_init();
	CURLcode rc;

	*out = (struct probe) { .tls = str_starts(req->url, "https://") };
	if (curl == NULL)
		return false;
	curl_easy_setopt(curl, CURLOPT_URL, req->url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)PROBE_CONNECT_MS);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
	    req->total_ms > 0 ? (long)req->total_ms : (long)PROBE_TOTAL_MS);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, body_drop);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, header_look);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, out);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, text);
	curl_easy_setopt(curl, CURLOPT_CERTINFO, 1L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER,
	    req->insecure || req->any_authority ? 0L : 1L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, req->insecure ? 0L : 2L);
	if (req->ca_file != NULL && *req->ca_file != '\0')
		curl_easy_setopt(curl, CURLOPT_CAINFO, req->ca_file);
	if (req->address != NULL)
		address = connect_to(curl, req->address);
	if (req->origin != NULL)
		headers = preflight(curl, req->origin);
	rc = curl_easy_perform(curl);
	expiry_read(curl, out);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &out->status);
	out->untrusted = rc == CURLE_PEER_FAILED_VERIFICATION || rc == CURLE_SSL_CACERT_BADFILE;
	if (rc != CURLE_OK)
		snprintf(out->problem, sizeof(out->problem), "%s",
		    text[0] != '\0' ? text : curl_easy_strerror(rc));
	curl_slist_free_all(headers);
	curl_slist_free_all(address);
	curl_easy_cleanup(curl);
	return rc == CURLE_OK;
}
