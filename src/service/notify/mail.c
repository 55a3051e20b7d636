#include "service/notify/mail.h"

#include <string.h>

#include "client/smtp.h"
#include "core/arena.h"
#include "core/config.h"
#include "core/error.h"
#include "core/id.h"
#include "core/json.h"
#include "core/log.h"
#include "core/str.h"
#include "service/call.h"
#include "service/seal.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_jobs.h"

#include "core/banned.h"

#define MAIL_BYTES_MAX (1UL << 20)
#define MAIL_LINES 3 /* of a mail that is not about notes */

/* The texts of each kind. A kind without an action has no button. */
struct mail_text {
	const char *kind, *subject, *body, *action;
};

#define IF_NOT_YOU \
	"If this was not you, reset your password now and tell the operator of this server."

static const struct mail_text texts[MAIL_KINDS] = {
	[MAIL_INVITE] = { "invite", "You are invited to MediaNest",
	    "You have been invited to join this MediaNest server.\nThe link works once and"
	    " expires in seven days.",
	    "Join" },
	[MAIL_CONFIRM] = { "confirm", "Confirm your email address",
	    "Someone signed up for a MediaNest account with this address. Follow the link"
	    " to create your account. It expires in 24 hours.\nIf this was not you, ignore"
	    " this email: no account will be created.",
	    "Confirm address" },
	[MAIL_KNOWN] = { "known", "You already have an account",
	    "Someone tried to sign up with this address, but it already has an account. If"
	    " you have forgotten your password, reset it on the sign-in page.",
	    NULL },
	[MAIL_RESET] = { "reset", "Choose a new password",
	    "Someone asked to reset your password. The link works once and expires in 30"
	    " minutes. Choosing a new password signs you out on all devices.\nIf this was"
	    " not you, ignore this email: your password stays the same.",
	    "Choose a new password" },
	[MAIL_PASSWORD_CHANGED] = { "password_changed", "Your password was changed",
	    "The password of your account was changed, and your other devices were signed"
	    " out.\nIf this was not you, reset your password now and tell the operator of"
	    " this server.",
	    NULL },
	[MAIL_EMAIL_CHANGED] = { "email_changed", "Confirm your new email address",
	    "This address was entered as the new address of your account. It is used once"
	    " you confirm it. The link expires in 24 hours.",
	    "Confirm address" },
	[MAIL_EMAIL_LEAVING] = { "email_leaving", "Your email address is about to change",
	    "Someone signed in to your account asked to change its email address. This"
	    " address is used until the new one is confirmed.\nIf this was not you, reset"
	    " your password now: that also cancels the change.",
	    NULL },
	[MAIL_EMAIL_LEFT] = { "email_left", "Your email address was changed",
	    "The email address of your account was changed. Emails go to the new address"
	    " from now on.\nIf this was not you, tell the operator of this server now.",
	    NULL },
	[MAIL_TOTP_ON] = { "totp_on", "Two-step verification was turned on",
	    "Two-step verification was turned on for your account.\n" IF_NOT_YOU, NULL },
	[MAIL_TOTP_OFF] = { "totp_off", "Two-step verification was turned off",
	    "Two-step verification was turned off for your account. Your password is enough"
	    " to sign in.\n" IF_NOT_YOU,
	    NULL },
	[MAIL_PLEX_LINKED] = { "plex_linked", "A Plex account was linked",
	    "A Plex account was linked to your account. It can be used to sign in.\n" IF_NOT_YOU,
	    NULL },
	[MAIL_PLEX_UNLINKED] = { "plex_unlinked", "Your Plex account was unlinked",
	    "The Plex account that was linked to your account was unlinked.\n" IF_NOT_YOU, NULL },
	[MAIL_SESSION_REUSED] = { "session_reused", "A session was ended for your safety",
	    "One of your sessions was ended because its sign-in token was used twice:"
	    " somebody may have copied it.\nIf you do not know the second use, change your"
	    " password.",
	    NULL },
	[MAIL_HOOK_OFF] = { "hook_off", "Webhooks were switched off",
	    "An endpoint of webhooks was switched off. It hears of nothing until somebody"
	    " switches it on again.",
	    NULL },
};

bool
mail_configured(const struct config *config)
{
	return config_str(config, CFG_SMTP_HOST)[0] != '\0' &&
	    config_str(config, CFG_SMTP_FROM)[0] != '\0';
}

/* A link in the payload is sealed: it is as good as a password until it is used. */
static struct seal_place
link_place(const char *job_id)
{
	return (struct seal_place) { "jobs", job_id, "link" };
}

bool
mail_add(const struct call *call, const struct mail_new *mail, struct error *err)
{
	struct json *payload = json_new(call->arena, 0);
	const char *link = NULL;
	char id[UUID_TEXT];

	uuid_v7(id);
	if (mail->url != NULL &&
	    !seal_text(call, link_place(id), mail->url, strlen(mail->url), &link, err))
		return false;
	json_object(payload, NULL);
	json_put_str(payload, "kind", texts[mail->kind].kind);
	json_put_str(payload, "to", mail->to);
	json_opt_str(payload, "link", link);
	json_opt_str(payload, "name", mail->name);
	json_opt_str(payload, "detail", mail->detail);
	json_object_end(payload);
	return job_add_as(call, JOB_MAIL, id, payload->buf.data, err);
}

/* *url: the link of a mail, or NULL. `url` in clear comes from an older program. */
static bool
url_of(const struct call *call, const struct job *job, const struct cJSON *payload,
    const char **url, struct error *err)
{
	const char *link = json_str(payload, "link", NULL);
	struct sealed opened;

	*url = json_str(payload, "url", NULL);
	if (link == NULL)
		return true;
	if (!seal_open(call, link_place(job->id), link, &opened, err))
		return false;
	*url = (const char *)opened.data;
	return true;
}

/* Text as HTML: escapes the five special characters and turns line breaks into paragraphs. */
static void
add_escaped(struct buf *buf, const char *text)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '<': buf_adds(buf, "&lt;"); break;
		case '>': buf_adds(buf, "&gt;"); break;
		case '&': buf_adds(buf, "&amp;"); break;
		case '"': buf_adds(buf, "&quot;"); break;
		case '\'': buf_adds(buf, "&#39;"); break;
		case '\n': buf_adds(buf, "</p><p>"); break;
		default: buf_addc(buf, *text);
		}
	}
}

static const char *
make_text(struct arena *arena, const struct mail_letter *letter)
{
	struct buf buf;

	buf_init(&buf, arena, MAIL_BYTES_MAX);
	buf_addf(&buf, "Hello%s%s,\n", letter->name != NULL ? " " : "",
	    letter->name != NULL ? letter->name : "");
	for (size_t i = 0; i < letter->nlines; i++) {
		const struct mail_line *line = &letter->lines[i];

		if (line->url != NULL)
			buf_addf(&buf, "\n%s:\n%s\n", line->text, line->url);
		else
			buf_addf(&buf, "\n%s\n", line->text);
	}
	return buf.data;
}

static const char *
make_html(struct arena *arena, const struct mail_letter *letter)
{
	struct buf buf;

	buf_init(&buf, arena, MAIL_BYTES_MAX);
	buf_adds(&buf,
	    "<!DOCTYPE html><html><body style=\"font-family:sans-serif;max-width:36em\"><p>Hello");
	if (letter->name != NULL) {
		buf_addc(&buf, ' ');
		add_escaped(&buf, letter->name);
	}
	buf_adds(&buf, ",</p>");
	for (size_t i = 0; i < letter->nlines; i++) {
		const struct mail_line *line = &letter->lines[i];

		buf_adds(&buf, "<p>");
		if (line->url != NULL) {
			buf_adds(&buf, "<a href=\"");
			add_escaped(&buf, line->url);
			buf_adds(&buf, "\">");
		}
		add_escaped(&buf, line->text);
		buf_adds(&buf, line->url != NULL ? "</a></p>" : "</p>");
	}
	buf_adds(&buf, "</body></html>\n");
	return buf.data;
}

static const struct mail_text *
text_of(const char *kind)
{
	for (size_t i = 0; i < MAIL_KINDS; i++)
		if (str_eq(texts[i].kind, kind))
			return &texts[i];
	return NULL;
}

bool
mail_repeatable(const char *kind)
{
	const struct mail_text *text = text_of(kind);

	return text != NULL && text->action == NULL;
}

static struct smtp_server
server_of(const struct config *config)
{
	const char *tls = config_str(config, CFG_SMTP_TLS);

	return (struct smtp_server) {
		.host = config_str(config, CFG_SMTP_HOST),
		.port = (int)config_int(config, CFG_SMTP_PORT),
		.tls = str_eq(tls, "tls")   ? SMTP_TLS :
		    str_eq(tls, "starttls") ? SMTP_STARTTLS :
					      SMTP_PLAIN,
		.user = config_str(config, CFG_SMTP_USER),
		.password = config_str(config, CFG_SMTP_PASSWORD),
		.ca_file = config_ca_file(config, CFG_SMTP_CA_FILE),
	};
}

bool
mail_probe(const struct config *config, struct arena *arena, struct error *err)
{
	const struct smtp_server server = server_of(config);

	return smtp_probe(arena, &server, err);
}

/* The host of public.url, for the right side of the Message-ID. */
static const char *
host_of(struct arena *arena, const char *url)
{
	const char *host = strstr(url, "://");

	host = host != NULL ? host + 3 : url;
	return arena_strndup(arena, host, strcspn(host, ":/"));
}

bool
mail_send(const struct call *call, const struct job *job, const struct mail_letter *letter,
    struct error *err)
{
	struct smtp_server server = server_of(call->svc->config);
	const struct smtp_mail mail = {
		.from = config_str(call->svc->config, CFG_SMTP_FROM),
		.to = letter->to,
		.subject = letter->subject,
		.text = make_text(call->arena, letter),
		.html = make_html(call->arena, letter),
		.unsubscribe = letter->unsubscribe,
		/*
		 * The same at every attempt, so that mail programs show a mail that was sent twice
		 * only once.
		 */
		.message_id = arena_printf(call->arena, "%s@%s", job->id,
		    host_of(call->arena, config_str(call->svc->config, CFG_PUBLIC_URL))),
	};

	if (!mail_configured(call->svc->config))
		return error_slug(err, ERR_UNAVAILABLE, "mail_unavailable",
		    "Mail is not set up (smtp.host, smtp.from).");
	if (!smtp_send(call->arena, &server, &mail, err)) {
		if (err->code != ERR_UNPROCESSABLE)
			return false;
		/* Permanently refused: trying again would not help. */
		log_warn(call->svc->log, "mail %s: %s: %s", job->kind, err->message, err->detail);
	}
	return store_job_done(call->svc->db, call->arena, job, err);
}

bool
mail_run(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	const struct cJSON *payload = job_payload(call, job, err);
	const struct mail_text *text;
	struct mail_line lines[MAIL_LINES];
	struct mail_letter letter = { .lines = lines };
	const char *detail, *url;

	if (payload == NULL)
		return false;
	if ((text = text_of(json_str(payload, "kind", ""))) == NULL)
		return error_set(err, ERR_INTERNAL, "There is no such kind of mail.");
	if (!url_of(call, job, payload, &url, err))
		return false;
	letter.to = json_str(payload, "to", "");
	letter.name = json_str(payload, "name", NULL);
	letter.subject = text->subject;
	lines[letter.nlines++] = (struct mail_line) { text->body, NULL };
	if ((detail = json_str(payload, "detail", NULL)) != NULL)
		lines[letter.nlines++] = (struct mail_line) { detail, NULL };
	if (url != NULL)
		lines[letter.nlines++] = (struct mail_line) { text->action, url };
	return mail_send(call, job, &letter, err);
}
