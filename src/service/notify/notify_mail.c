#include "service/notify/notify_mail.h"

#include <string.h>
#include <time.h>

#include <cJSON.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "service/call.h"
#include "service/notify/mail.h"
#include "service/notify/notify.h"
#include "service/notify/notify_group.h"
#include "service/notify/unsubscribe.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_jobs.h"
#include "store/store_notify.h"

#include "core/banned.h"

#define DIGEST_PEOPLE 100 /* of one statement that looks for them */
#define NOTE_LINES 2
#define FRAME_LINES 3
#define WEEK_DAYS 7
#define MONDAY 1

struct mail_notes {
	const char *user, *period;
	const struct notification_text *notes;
	size_t n;
};

static const char *
payload_of(struct arena *arena, const struct mail_notes *mail)
{
	size_t n = mail->n < NOTIFY_MAIL_NOTES ? mail->n : NOTIFY_MAIL_NOTES;
	struct json *j = json_new(arena, 0);

	json_object(j, NULL);
	json_put_str(j, "userId", mail->user);
	json_put_str(j, "period", mail->period);
	json_array(j, "notes");
	for (size_t i = 0; i < n; i++) {
		json_object(j, NULL);
		json_put_str(j, "kind", mail->notes[i].kind);
		json_put_str(j, "title", mail->notes[i].title);
		json_put_str(j, "message", mail->notes[i].message);
		json_put_raw(j, "data", mail->notes[i].data);
		json_object_end(j);
	}
	json_array_end(j);
	json_put_int(j, "more", (int64_t)(mail->n - n));
	json_object_end(j);
	return j->buf.data;
}

bool
notify_mail_now(const struct call *call, struct strings users, const struct notification_text *note,
    struct error *err)
{
	const char **payloads = arena_array(call->arena, users.n, sizeof(*payloads));

	for (size_t i = 0; i < users.n; i++)
		payloads[i] = payload_of(call->arena,
		    &(const struct mail_notes) { users.items[i], "now", note, 1 });
	return job_add_each(call, JOB_MAIL_NOTES, payloads, NULL, users.n, err);
}

static const struct {
	const char *kind, *member, *address;
} places[] = {
#define NOTIFICATION_PLACE(kind, member, address) { kind, member, address },
#include "model/notification_places.def"
#undef NOTIFICATION_PLACE
};

/* The id in a member, or NULL. */
static const char *
id_in(const struct cJSON *data, const char *member)
{
	const struct cJSON *value = json_get(data, member);

	if (cJSON_GetArraySize(value) == 1)
		value = cJSON_GetArrayItem(value, 0);
	return cJSON_GetStringValue(value);
}

static const char *
note_address(const struct call *call, const struct cJSON *note)
{
	const struct cJSON *data = json_get(note, "data");
	const char *kind = json_str(note, "kind", ""), *id = NULL;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		const char *address = places[i].address;

		if (!str_starts(kind, places[i].kind) ||
		    (places[i].member[0] != '\0' && (id = id_in(data, places[i].member)) == NULL))
			continue;
		return address[strlen(address) - 1] != '=' ?
		    address :
		    arena_printf(call->arena, "%s%s", address, id);
	}
	return "notifications";
}

static const char *
note_url(const struct call *call, const struct cJSON *note)
{
	return arena_printf(call->arena, "%s/#/%s", config_str(call->svc->config, CFG_PUBLIC_URL),
	    note_address(call, note));
}

static void
add_line(struct mail_letter *letter, struct mail_line *lines, const char *text, const char *url)
{
	lines[letter->nlines++] = (struct mail_line) { text, url };
}

static void
add_note(const struct call *call, struct mail_letter *letter, struct mail_line *lines,
    const struct cJSON *note)
{
	const char *title = json_str(note, "title", ""), *message = json_str(note, "message", "");

	add_line(letter, lines,
	    message[0] != '\0' ? arena_printf(call->arena, "%s\n%s", title, message) : title, NULL);
	add_line(letter, lines, "Open in MediaNest", note_url(call, note));
}

static const char *
subject_of(struct arena *arena, const struct cJSON *payload, int64_t n)
{
	const struct cJSON *first = cJSON_GetArrayItem(json_get(payload, "notes"), 0);
	const char *period = json_str(payload, "period", "now");

	if (strcmp(period, "now") == 0)
		return json_str(first, "title", "");
	return arena_printf(arena, "Your %s digest: %lld %s", period, (long long)n,
	    n == 1 ? "notification" : "notifications");
}

/* What the unsubscribe link of the mail ends: the digest, or the kind of its only note. */
static const char *
ends_what(const struct cJSON *payload)
{
	const char *period = json_str(payload, "period", "now");

	return strcmp(period, "now") != 0 ?
	    period :
	    json_str(cJSON_GetArrayItem(json_get(payload, "notes"), 0), "kind", "");
}

static bool
write_letter(const struct call *call, const struct cJSON *payload, struct mail_letter *letter,
    struct error *err)
{
	const struct cJSON *notes = json_get(payload, "notes"), *note;
	int n = cJSON_GetArraySize(notes);
	int64_t more = json_int(payload, "more", 0);
	struct mail_line *lines =
	    arena_array(call->arena, (size_t)n * NOTE_LINES + FRAME_LINES, sizeof(*lines));
	bool now = strcmp(json_str(payload, "period", "now"), "now") == 0;

	letter->lines = lines;
	letter->subject = subject_of(call->arena, payload, n + more);
	cJSON_ArrayForEach (note, notes)
		add_note(call, letter, lines, note);
	if (more > 0)
		add_line(letter, lines,
		    arena_printf(call->arena, "And %lld more.", (long long)more), NULL);
	add_line(letter, lines, "Change your notification settings",
	    arena_printf(call->arena, "%s/#/notifications",
		config_str(call->svc->config, CFG_PUBLIC_URL)));
	if (!unsubscribe_url(call, json_str(payload, "userId", ""), ends_what(payload),
		&letter->unsubscribe, err))
		return false;
	add_line(letter, lines,
	    now ? "Stop emails about this kind of notification" : "Stop this digest",
	    letter->unsubscribe);
	return true;
}

bool
notify_mail_run(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	const struct cJSON *payload =
	    json_parse(call->arena, job->payload, strlen(job->payload), err);
	struct mail_letter letter = { 0 };
	struct notify_addressee who;
	const char *kind;

	if (payload == NULL)
		return false;
	kind = json_str(cJSON_GetArrayItem(json_get(payload, "notes"), 0), "kind", "");
	if (!store_notify_addressee(call->svc->db, call->arena, json_str(payload, "userId", ""),
		kind, notify_email_default(kind), &who, err))
		return false;
	/* They are gone, disabled, or do not want it any more. */
	if (who.email == NULL || strcmp(who.wants, "off") == 0)
		return store_job_done(call->svc->db, call->arena, job, err);
	letter.to = who.email;
	letter.name = who.name;
	return write_letter(call, payload, &letter, err) && mail_send(call, job, &letter, err);
}

int64_t
digest_time(int64_t now, int hour, bool weekly, char day[sizeof("2026-11-27")])
{
	time_t seconds = (time_t)(now / US_PER_SEC), at = seconds;
	struct tm today, tm;

	tzset();
	localtime_r(&seconds, &today);
	for (int back = 0; back <= WEEK_DAYS; back++) {
		tm = (struct tm) { .tm_year = today.tm_year,
			.tm_mon = today.tm_mon,
			.tm_mday = today.tm_mday - back,
			.tm_hour = hour,
			.tm_isdst = -1 };
		at = mktime(&tm);
		if (at <= seconds && (!weekly || tm.tm_wday == MONDAY))
			break;
	}
	strftime(day, sizeof("2026-11-27"), "%Y-%m-%d", &tm);
	return (int64_t)at * US_PER_SEC;
}

/* In a transaction: the notes leave the queue as the mail enters another. */
static bool
digest_in(const struct call *call, const struct notify_digest *digest, const char *user,
    struct error *err)
{
	struct mail_notes mail = { .user = user, .period = digest->period };
	struct notification_text *notes;

	if (!store_notify_digest_take(call->svc->db, call->arena, digest, user, &notes, &mail.n,
		err))
		return false;
	mail.notes = notes;
	return mail.n == 0 ||
	    job_add(call, JOB_MAIL_NOTES, payload_of(call->arena, &mail), NULL, 0, err);
}

static bool
make_digests(const struct call *call, const struct job_env *env, const char *period,
    struct error *err)
{
	char day[sizeof("2026-11-27")];
	struct notify_digest digest = { .period = period, .day = day };
	struct strings users = { NULL, DIGEST_PEOPLE };

	digest.at =
	    digest_time(clock_now(), (int)config_int(call->svc->config, CFG_NOTIFY_DIGEST_HOUR),
		strcmp(period, "weekly") == 0, day);
	while (users.n == DIGEST_PEOPLE && !*env->stop) {
		if (!store_notify_digests_due(call->svc->db, call->arena, &digest, DIGEST_PEOPLE,
			&users, err))
			return false;
		for (size_t i = 0; i < users.n; i++) {
			if (!db_begin(call->svc->db, err) ||
			    !db_end(call->svc->db, digest_in(call, &digest, users.items[i], err),
				err))
				return false;
		}
	}
	return true;
}

bool
upkeep_digests(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	if (mail_configured(call->svc->config) &&
	    (!make_digests(call, env, "daily", err) || !make_digests(call, env, "weekly", err)))
		return false;
	return notify_groups_rescue(call, err) &&
	    store_job_done(call->svc->db, call->arena, job, err);
}
