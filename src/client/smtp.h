/*
 * Sends mail by SMTP (RFC 5321) through libcurl, with STARTTLS (RFC 3207) or TLS from the start;
 * plain text and, if present, HTML as multipart/alternative (RFC 2046). ERR_UNAVAILABLE: try again
 * later; ERR_UNPROCESSABLE: the server rejected this mail permanently (5xx).
 */
#ifndef MN_CLIENT_SMTP_H
#define MN_CLIENT_SMTP_H

#include <stdbool.h>

struct arena;
struct error;

#define SMTP_CONNECT_MS 5000
#define SMTP_TOTAL_MS 30000
#define SMTP_PROBE_MS 10000
#define SMTP_SUBJECT_MAX 200 /* bytes */

enum smtp_tls { SMTP_PLAIN, SMTP_STARTTLS, SMTP_TLS };

struct smtp_server {
	const char *host;
	int port;
	enum smtp_tls tls;
	const char *user, *password; /* "" = none */
	const char *ca_file;         /* "" = the system's; else in addition to them */
};
struct smtp_mail {
	const char *from, *to, *message_id; /* without <> */
	const char *subject, *text;         /* UTF-8 */
	const char *html;                   /* the same as HTML, or NULL */
	/* URL that ends such mails when it receives a POST (RFC 8058), or NULL */
	const char *unsubscribe;
};

/*
 * Connects, greets and signs in, and sends nothing. The same errors: ERR_UNPROCESSABLE when the
 * server does not take mail from us.
 */
bool smtp_probe(struct arena *, const struct smtp_server *, struct error *);
bool smtp_send(struct arena *, const struct smtp_server *, const struct smtp_mail *,
    struct error *);

#endif
