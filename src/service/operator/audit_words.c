#include "service/operator/audit_words.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "model/audit.h"

#include "core/banned.h"

#define NAME_MAX_BYTES 32   /* of a member of detail */
#define RTL_LEAD_FIRST 0xd6 /* of UTF-8 from U+0580 on: Hebrew is the first of those scripts */
#define FIRST_STRONG_ISOLATE "\xe2\x81\xa8"
#define POP_ISOLATE "\xe2\x81\xa9"

/*
 * One sentence for each action. {actor} and {target} are their names, {*} the names of all members
 * of detail, and another {name} is that member's value. [What stands in brackets] is left out if
 * one of its names has no value.
 */
static const struct {
	const char *action, *sentence;
} sentences[] = {
	{ "alert.acknowledged", "{actor} acknowledged an alert" },
	{ "collection.deleted", "{actor} deleted the collection {title}" },
	{ "collection.shared", "{actor} shared the collection {title} with {people} people" },
	{ "failures.retried", "{actor} had {items} failed items processed again" },
	{ "invite.revoked", "{actor} revoked an invitation[ for {email}]" },
	{ "job.discarded", "{actor} discarded a job[ of kind {kind}]" },
	{ "job.retried", "{actor} tried a job[ of kind {kind}] again" },
	{ "jobs.retried", "{actor} tried {jobs} failed jobs[ of kind {kind}] again" },
	{ "keys.resealed", "{actor} sealed the stored secrets with a new key" },
	{ "library.updated", "{actor} changed the library {library}[ of {target}]" },
	{ "link.changed", "{actor} changed {*} of a public link" },
	{ "link.created", "{actor} made a public link[ of kind {kind}]" },
	{ "link.deleted", "{actor} removed a public link[ of kind {kind}]" },
	{ "media_server.adopted", "{actor} confirmed the new identity of {target}" },
	{ "media_server.created", "{actor} added the server {target}" },
	{ "media_server.deleted", "{actor} removed the server [{name}]" },
	{ "media_server.updated", "{actor} changed the server {target}" },
	{ "overseerr.configured", "{actor} set up Overseerr[ at {url}]" },
	{ "overseerr.person_linked", "{actor} linked {target} to a user of Overseerr" },
	{ "overseerr.removed", "{actor} removed Overseerr" },
	{ "plex.linked", "{target} linked a Plex account[: {plexName}]" },
	{ "plex.unlinked", "{target} unlinked a Plex account" },
	{ "request.acting_failed", "Overseerr did not act for {actor}" },
	{ "request.approved", "{actor} approved a request" },
	{ "request.created", "{actor} requested a title" },
	{ "request.declined", "{actor} declined a request[: {reason}]" },
	{ "request.removed", "{actor} removed a request" },
	{ "roles.changed", "{actor} changed what roles may do" },
	{ "settings.changed", "{actor} changed {*}" },
	{ "token.created", "{actor} created the API token [{name}]" },
	{ "token.revoked", "{actor} revoked an API token[: {name}]" },
	{ "user.created", "{actor} created an account for {target}[ as {role}]" },
	{ "user.deleted", "{actor} deleted the account [{email}]" },
	{ "user.email_changed", "The email address of {target} was changed" },
	{ "user.invited", "{actor} made an invitation[ for {email}][ as {role}]" },
	{ "user.password_changed", "{target} changed their password" },
	{ "user.password_reset", "{target} chose a new password by email" },
	{ "user.registered", "{target} registered" },
	{ "user.sign_in_failed", "Somebody failed to sign in[ as {target}][: {reason}]" },
	{ "user.totp_disabled", "{target} switched off two-step verification" },
	{ "user.totp_enabled", "{target} switched on two-step verification" },
	{ "user.totp_reset", "{actor} removed the two-step verification of {target}" },
	{ "user.updated",
	    "{actor} changed the account of {target}[, role: {role}][, tier: {tier}]"
	    "[, status: {status}][, quota: {quota}]" },
	{ "webhook_endpoint.created", "{actor} added a webhook endpoint[ at {origin}]" },
	{ "webhook_endpoint.deleted", "{actor} removed a webhook endpoint[ at {origin}]" },
	{ "webhook_endpoint.replayed", "{actor} sent {deliveries} webhooks again" },
	{ "webhook_endpoint.rotated", "{actor} changed the secret of an endpoint[ at {origin}]" },
	{ "webhook_endpoint.updated", "{actor} changed a webhook endpoint[ at {origin}]" },
	{ "webhook_event.replayed", "{actor} processed {events} webhook events again" },
	{ "webhook_source.created", "{actor} added the webhook source {name}" },
	{ "webhook_source.deleted", "{actor} removed the webhook source {name}" },
	{ "webhook_source.rotated", "{actor} changed the key of the webhook source {name}" },
	{ "webhook_source.updated", "{actor} changed the webhook source {name}" },
};

struct speech {
	struct arena *arena;
	const struct audit_row *row;
	const struct cJSON *detail; /* or NULL */
	struct buf out;
};

static const char *
actor_of(const struct audit_row *row)
{
	if (row->actor_name != NULL)
		return row->actor_name;
	return row->actor_id == NULL ? "The server" : row->actor;
}

static const char *
target_of(const struct audit_row *row)
{
	return row->target_name != NULL      ? row->target_name :
	    str_eq(row->target_type, "user") ? "a deleted account" :
	    row->target_type != NULL         ? "something that is gone" :
					       NULL;
}

static const char *
member_names(struct speech *s)
{
	const struct cJSON *item;
	struct buf names;

	buf_init(&names, s->arena, 0);
	cJSON_ArrayForEach (item, s->detail)
		buf_addf(&names, "%s%s", names.len > 0 ? ", " : "", item->string);
	return names.len > 0 ? names.data : "nothing";
}

/* The text for {name}; NULL: there is none. */
static const char *
value_of(struct speech *s, const char *name, size_t len)
{
	char key[NAME_MAX_BYTES];
	const struct cJSON *item;

	if (len >= sizeof(key))
		return NULL;
	memcpy(key, name, len);
	key[len] = '\0';
	if (str_eq(key, "actor"))
		return actor_of(s->row);
	if (str_eq(key, "target"))
		return target_of(s->row);
	if (str_eq(key, "*"))
		return member_names(s);
	item = s->detail == NULL ? NULL : cJSON_GetObjectItemCaseSensitive(s->detail, key);
	if (cJSON_IsString(item))
		return item->valuestring;
	return cJSON_IsNumber(item) ? arena_printf(s->arena, "%.0f", item->valuedouble) : NULL;
}

/* The length of a control of the direction of writing at this place; 0: there is none. */
static size_t
direction_control(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;

	return u[0] == 0xe2 &&
		((u[1] == 0x80 && u[2] >= 0xaa && u[2] <= 0xae) ||
		    (u[1] == 0x81 && u[2] >= 0xa6 && u[2] <= 0xa9)) ?
	    3 :
	    0;
}

/*
 * A name that may be written from right to left, or that has controls of direction, must not turn
 * round the words that follow it.
 */
static void
add_value(struct buf *out, const char *value)
{
	bool isolate = false;

	for (const char *p = value; *p != '\0'; p++)
		isolate = isolate || (unsigned char)*p >= RTL_LEAD_FIRST;
	if (isolate)
		buf_adds(out, FIRST_STRONG_ISOLATE);
	while (*value != '\0') {
		size_t control = direction_control(value);

		if (control == 0)
			buf_addc(out, *value);
		value += control > 0 ? control : 1;
	}
	if (isolate)
		buf_adds(out, POP_ISOLATE);
}

/* Adds the text up to `end`; false if a name in it has no value. */
static bool
say(struct speech *s, struct buf *out, const char *text, const char *end)
{
	bool complete = true;

	for (; text < end; text++) {
		const char *close, *value;

		if (*text != '{') {
			buf_addc(out, *text);
			continue;
		}
		close = strchr(text, '}');
		value = value_of(s, text + 1, (size_t)(close - text - 1));
		if (value == NULL)
			complete = false;
		add_value(out, value == NULL ? "someone" : value);
		text = close;
	}
	return complete;
}

static void
speak(struct speech *s, const char *text)
{
	while (*text != '\0') {
		size_t plain = strcspn(text, "[");
		const char *close;
		struct buf part;

		say(s, &s->out, text, text + plain);
		text += plain;
		if (*text == '\0')
			return;
		close = strchr(text, ']');
		buf_init(&part, s->arena, 0);
		if (say(s, &part, text + 1, close))
			buf_adds(&s->out, part.data);
		text = close + 1;
	}
}

const char *
audit_summary(struct arena *arena, const struct audit_row *row)
{
	struct speech s = { .arena = arena, .row = row };
	struct error ignored;

	error_clear(&ignored);
	s.detail = json_parse(arena, row->detail, strlen(row->detail), &ignored);
	buf_init(&s.out, arena, 0);
	for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++)
		if (str_eq(sentences[i].action, row->action)) {
			speak(&s, sentences[i].sentence);
			return s.out.data;
		}
	add_value(&s.out, actor_of(row));
	buf_addf(&s.out, ": %s", row->action);
	return s.out.data;
}
