/*
 * Mail: a row in the job queue inside the caller's transaction, sent by the worker through SMTP
 * (client/smtp.h), at least once with a stable Message-ID. The text is made when the mail is sent;
 * a single-use link in the payload is sealed, and removed when the job ends, also when it is given
 * up.
 */
#ifndef MN_SERVICE_NOTIFY_MAIL_H
#define MN_SERVICE_NOTIFY_MAIL_H

#include <stdbool.h>
#include <stddef.h>

#include "service/job.h"

struct arena;
struct call;
struct config;
struct error;

enum mail_kind {
	MAIL_INVITE,
	MAIL_CONFIRM,
	MAIL_KNOWN,
	MAIL_RESET,
	MAIL_PASSWORD_CHANGED,
	MAIL_EMAIL_CHANGED,
	MAIL_EMAIL_LEAVING,
	MAIL_EMAIL_LEFT,
	MAIL_TOTP_ON,
	MAIL_TOTP_OFF,
	MAIL_PLEX_LINKED,
	MAIL_PLEX_UNLINKED,
	MAIL_SESSION_REUSED,
	MAIL_HOOK_OFF, /* of 0.1.0: may wait while its house is upgraded */
	MAIL_KINDS,
};

struct mail_new {
	enum mail_kind kind;
	const char *to;
	const char *url;  /* of the link in it, or NULL */
	const char *name; /* of the person, or NULL */
	/* what happened exactly, in lines below the text, or NULL; plain text of any kind */
	const char *detail;
};

/* A paragraph; with a url, its text names the link. */
struct mail_line {
	const char *text, *url;
};
/* The text and the HTML of a mail are made from the same lines, so both say the same. */
struct mail_letter {
	const char *to, *name; /* name: of the person, or NULL */
	const char *subject;
	const struct mail_line *lines;
	size_t nlines;
	const char *unsubscribe; /* URL for List-Unsubscribe (RFC 8058), or NULL */
};
/*
 * Sends it and completes the job. A mail that the server rejects for good is logged and not tried
 * again.
 */
bool mail_send(const struct call *, const struct job *, const struct mail_letter *, struct error *);

bool mail_configured(const struct config *); /* smtp.host is set */
/* Signs in to the mail server and sends nothing; errors as smtp_probe(). */
bool mail_probe(const struct config *, struct arena *, struct error *);
bool mail_add(const struct call *, const struct mail_new *, struct error *);
/* Whether a mail that was given up can be sent again: its link was removed with the attempt. */
bool mail_repeatable(const char *kind);
bool mail_run(const struct call *, const struct job_env *, const struct job *, struct error *);

#endif
