#include "client/smtp.h"

#include <curl/curl.h>
#include <string.h>

#include "client/outbound.h"
#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/outside.h"
#include "core/metric.h"
#include "core/str.h"

#include "core/banned.h"

#define DATE_MAX 40
#define SUBJECT_BYTES_MAX 1024 /* encoded */

/* Encoded words (RFC 2047 section 2), because names and titles are UTF-8. */
static const char *
encoded_subject(struct arena *arena, const char *subject)
{
	const char *clean = utf8_clean(arena, subject, strlen(subject), SMTP_SUBJECT_MAX);
	size_t left = strlen(clean), take;
	struct buf buf;

	buf_init(&buf, arena, SUBJECT_BYTES_MAX);
	buf_adds(&buf, "Subject:");
	while (left > 0) {
		/* 75 characters a word; cut at a code point. */
		for (take = left < 42 ? left : 42;
		    take < left && ((unsigned char)clean[take] & 0xc0) == 0x80; take--)
			;
		left -= take;
		buf_addf(&buf, " =?UTF-8?B?%s?=%s", base64_encode(arena, clean, take),
		    left > 0 ? "\r\n" : "");
		clean += take;
	}
	return buf.data;
}

static struct curl_slist *
headers_of(struct arena *arena, const struct smtp_mail *mail)
{
	struct curl_slist *list;
	char date[DATE_MAX];

	/* An IMF-fixdate is an RFC 5322 date except for the zone's name. */
	time_http(clock_now(), date);
	list = curl_slist_append(NULL, arena_printf(arena, "Date: %.25s +0000", date));
	list = curl_slist_append(list, arena_printf(arena, "From: MediaNest <%s>", mail->from));
	list = curl_slist_append(list, arena_printf(arena, "To: <%s>", mail->to));
	list = curl_slist_append(list, arena_printf(arena, "Message-ID: <%s>", mail->message_id));
	list = curl_slist_append(list, encoded_subject(arena, mail->subject));
	list = curl_slist_append(list, "Auto-Submitted: auto-generated");
	if (mail->unsubscribe != NULL) {
		list = curl_slist_append(list,
		    arena_printf(arena, "List-Unsubscribe: <%s>", mail->unsubscribe));
		list = curl_slist_append(list, "List-Unsubscribe-Post: List-Unsubscribe=One-Click");
	}
	/* libcurl adds the boundary, and MIME-Version. */
	return curl_slist_append(list, "Content-Type: multipart/alternative");
}

static bool
add_part(curl_mime *mime, const char *type, const char *text)
{
	curl_mimepart *part = curl_mime_addpart(mime);

	return curl_mime_data(part, text, CURL_ZERO_TERMINATED) == CURLE_OK &&
	    curl_mime_type(part, type) == CURLE_OK && curl_mime_encoder(part, "base64") == CURLE_OK;
}

/* Mail programs show the last part that they support: RFC 2046 section 5.1.4. */
static bool
add_parts(curl_mime *mime, const struct smtp_mail *mail)
{
	return add_part(mime, "text/plain; charset=utf-8", mail->text) &&
	    (mail->html == NULL || add_part(mime, "text/html; charset=utf-8", mail->html));
}

/* Addresses are written into SMTP commands and headers. */
static bool
address_safe(const char *address)
{
	for (const char *p = address; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f || strchr("<>\"\\,;", *p) != NULL)
			return false;
	return strchr(address, '@') != NULL;
}

static void
set_server(CURL *curl, const struct smtp_server *server, struct arena *arena)
{
	const char *scheme = server->tls == SMTP_TLS ? "smtps" : "smtp";

	curl_easy_setopt(curl, CURLOPT_URL,
	    arena_printf(arena, "%s://%s:%d", scheme, server->host, server->port));
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)SMTP_CONNECT_MS);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)SMTP_TOTAL_MS);
	curl_easy_setopt(curl, CURLOPT_USE_SSL,
	    (long)(server->tls == SMTP_STARTTLS ? CURLUSESSL_ALL : CURLUSESSL_NONE));
	if (server->ca_file[0] != '\0')
		curl_easy_setopt(curl, CURLOPT_CAINFO, server->ca_file);
	if (server->user[0] != '\0') {
		curl_easy_setopt(curl, CURLOPT_USERNAME, server->user);
		curl_easy_setopt(curl, CURLOPT_PASSWORD, server->password);
	}
}

static enum call_end
end_of(CURLcode code, long answer)
{
	if (code != CURLE_OK && code != CURLE_LOGIN_DENIED && answer >= 500 && answer < 600)
		return CALL_REFUSED;
	return call_end_of((int)code);
}

static bool
perform(CURL *curl, struct error *err)
{
	char reason[CURL_ERROR_SIZE] = "";
	int64_t start = clock_monotonic();
	enum call_end end;
	CURLcode code;
	long answer = 0;

	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
	(void)outside_call("the mail server");
	code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer);
	end = end_of(code, answer);
	call_measure("smtp", end, clock_monotonic() - start);
	if (end == CALL_ANSWERED)
		return true;
	if (end == CALL_REFUSED)
		error_slug(err, ERR_UNPROCESSABLE, "mail_refused",
		    "The mail server rejected the message.");
	else
		error_slug(err, ERR_UNAVAILABLE, "mail_unavailable",
		    "The mail server is not available right now. Try again later.");
	return error_detail(err, "%s (answer %ld)",
	    reason[0] != '\0' ? reason : curl_easy_strerror(code), answer);
}

bool
smtp_send(struct arena *arena, const struct smtp_server *server, const struct smtp_mail *mail,
    struct error *err)
{
	struct curl_slist *to, *headers;
	curl_mime *mime;
	CURL *curl;
	bool ok;

	if (!address_safe(mail->to) || !address_safe(mail->from))
		return error_slug(err, ERR_UNPROCESSABLE, "mail_refused",
		    "The email address contains characters that are not allowed.");
	if ((curl = curl_easy_init()) == NULL)
		return error_set(err, ERR_INTERNAL, "libcurl could not be started.");
	to = curl_slist_append(NULL, arena_printf(arena, "<%s>", mail->to));
	headers = headers_of(arena, mail);
	mime = curl_mime_init(curl);
	set_server(curl, server, arena);
	curl_easy_setopt(curl, CURLOPT_MAIL_FROM, arena_printf(arena, "<%s>", mail->from));
	curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, to);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_MIMEPOST, mime);
	ok = add_parts(mime, mail) ?
	    perform(curl, err) :
	    error_set(err, ERR_INTERNAL, "The message could not be created.");
	curl_easy_cleanup(curl);
	curl_mime_free(mime);
	curl_slist_free_all(headers);
	curl_slist_free_all(to);
	return ok;
}

bool
smtp_probe(struct arena *arena, const struct smtp_server *server, struct error *err)
{
	CURL *curl = curl_easy_init();
	CURLcode code;
	long answer = 0;

	if (curl == NULL)
		return error_set(err, ERR_INTERNAL, "libcurl could not be started.");
	set_server(curl, server, arena);
	curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)SMTP_PROBE_MS);
	(void)outside_call("the mail server");
	code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer);
	curl_easy_cleanup(curl);
	if (code == CURLE_OK)
		return true;
	if (code == CURLE_LOGIN_DENIED || (answer >= 500 && answer < 600))
		error_slug(err, ERR_UNPROCESSABLE, "mail_refused", "The mail server refuses us.");
	else
		error_slug(err, ERR_UNAVAILABLE, "mail_unavailable",
		    "The mail server is not available right now.");
	return error_detail(err, "%s (answer %ld)", curl_easy_strerror(code), answer);
}
