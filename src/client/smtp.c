#include "client/smtp.h"

#include <curl/curl.h>
#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/str.h"

#include "core/banned.h"

#define LINE_BASE64 57 /* bytes that make a line of 76 characters: RFC 2045 section 6.8 */
#define MAIL_BYTES_MAX (1UL << 20)
#define DATE_MAX 40

struct upload {
	const char *data;
	size_t left;
};

static size_t
read_mail(char *out, size_t size, size_t n, void *context)
{
	struct upload *upload = context;
	size_t take = size * n < upload->left ? size * n : upload->left;

	memcpy(out, upload->data, take);
	upload->data += take;
	upload->left -= take;
	return take;
}

/* RFC 2047 section 2: an encoded word, because people's names and titles are UTF-8. */
static void
add_subject(struct buf *buf, struct arena *arena, const char *subject)
{
	const char *clean = utf8_clean(arena, subject, strlen(subject), SMTP_SUBJECT_MAX);
	size_t left = strlen(clean), take;

	buf_adds(buf, "Subject:");
	while (left > 0) {
		/* 75 characters a word; cut at a code point. */
		for (take = left < 42 ? left : 42;
		    take < left && ((unsigned char)clean[take] & 0xc0) == 0x80; take--)
			;
		buf_addf(buf, " =?UTF-8?B?%s?=\r\n", base64_encode(arena, clean, take));
		clean += take;
		left -= take;
	}
}

static void
add_part(struct buf *buf, struct arena *arena, const char *boundary, const char *type,
    const char *text)
{
	size_t left = strlen(text), take;

	buf_addf(buf,
	    "--%s\r\nContent-Type: %s; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n",
	    boundary, type);
	for (; left > 0; text += take, left -= take) {
		take = left < LINE_BASE64 ? left : LINE_BASE64;
		buf_addf(buf, "%s\r\n", base64_encode(arena, text, take));
	}
}

static void
format_mail(struct buf *buf, struct arena *arena, const struct smtp_mail *mail)
{
	const char *boundary = arena_printf(arena, "mn-%s", mail->message_id);
	char date[DATE_MAX];

	/* An IMF-fixdate is an RFC 5322 date but for the zone's name. */
	time_http(clock_now(), date);
	buf_addf(buf,
	    "Date: %.25s +0000\r\nFrom: MediaNest <%s>\r\nTo: <%s>\r\nMessage-ID: <%s>\r\n", date,
	    mail->from, mail->to, mail->message_id);
	add_subject(buf, arena, mail->subject);
	buf_addf(buf,
	    "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type:"
	    " multipart/alternative; boundary=\"%s\"\r\n\r\n",
	    boundary);
	add_part(buf, arena, boundary, "text/plain", mail->text);
	add_part(buf, arena, boundary, "text/html", mail->html);
	buf_addf(buf, "--%s--\r\n", boundary);
}

/* Addresses go into command lines and headers. */
static bool
address_safe(const char *address)
{
	for (const char *p = address; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f || strchr("<>\"\\,;", *p) != NULL)
			return false;
	return strchr(address, '@') != NULL;
}

static bool
perform(CURL *curl, const struct smtp_server *server, const struct smtp_mail *mail,
    struct curl_slist *to, struct upload *upload, struct arena *arena, struct error *err)
{
	const char *scheme = server->tls == SMTP_TLS ? "smtps" : "smtp";
	char reason[CURL_ERROR_SIZE] = "";
	CURLcode code;
	long answer = 0;

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
	curl_easy_setopt(curl, CURLOPT_MAIL_FROM, arena_printf(arena, "<%s>", mail->from));
	curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, to);
	curl_easy_setopt(curl, CURLOPT_READFUNCTION, read_mail);
	curl_easy_setopt(curl, CURLOPT_READDATA, upload);
	curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
	code = curl_easy_perform(curl);
	if (code == CURLE_OK)
		return true;
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer);
	if (answer >= 500 && answer < 600 && code != CURLE_LOGIN_DENIED)
		error_slug(err, ERR_UNPROCESSABLE, "mail_refused",
		    "The mail server refused the mail.");
	else
		error_slug(err, ERR_UNAVAILABLE, "mail_unavailable",
		    "The mail server cannot be used at the moment.");
	return error_detail(err, "%s (answer %ld)",
	    reason[0] != '\0' ? reason : curl_easy_strerror(code), answer);
}

bool
smtp_send(struct arena *arena, const struct smtp_server *server, const struct smtp_mail *mail,
    struct error *err)
{
	struct curl_slist *to;
	struct upload upload;
	struct buf buf;
	CURL *curl;
	bool ok;

	if (!address_safe(mail->to) || !address_safe(mail->from))
		return error_slug(err, ERR_UNPROCESSABLE, "mail_refused",
		    "The address cannot be written into a mail.");
	buf_init(&buf, arena, MAIL_BYTES_MAX);
	format_mail(&buf, arena, mail);
	if (buf.overflow)
		return error_set(err, ERR_UNPROCESSABLE, "The mail is too long.");
	upload = (struct upload) { buf.data, buf.len };
	if ((curl = curl_easy_init()) == NULL)
		return error_set(err, ERR_INTERNAL, "libcurl cannot be used.");
	to = curl_slist_append(NULL, arena_printf(arena, "<%s>", mail->to));
	ok = perform(curl, server, mail, to, &upload, arena, err);
	curl_slist_free_all(to);
	curl_easy_cleanup(curl);
	return ok;
}
