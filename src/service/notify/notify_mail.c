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
#include "store/store_notifications.h"
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
	json_array(j, "more");
	for (size_t i = n; i < mail->n; i++)
		json_put_str(j, NULL, mail->notes[i].kind);
	json_array_end(j);
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

/* What is left of the notes of a mail. */
struct wanted {
	const struct cJSON **notes;
	size_t n;
	int64_t more; /* that are not in it */
};

static const char *
subject_of(struct arena *arena, const char *period, const struct wanted *wanted)
{
	long long n = (long long)wanted->n + wanted->more;

	if (strcmp(period, "now") == 0)
		return json_str(wanted->notes[0], "title", "");
	return arena_printf(arena, "Your %s digest: %lld %s", period, n,
	    n == 1 ? "notification" : "notifications");
}

/* What the unsubscribe link of the mail ends: the digest, or the kind of its only note. */
static const char *
ends_what(const char *period, const struct wanted *wanted)
{
	return strcmp(period, "now") != 0 ? period : json_str(wanted->notes[0], "kind", "");
}

static bool
write_letter(const struct call *call, const struct cJSON *payload, const struct wanted *wanted,
    struct mail_letter *letter, struct error *err)
{
	const char *period = json_str(payload, "period", "now");
	struct mail_line *lines =
	    arena_array(call->arena, wanted->n * NOTE_LINES + FRAME_LINES, sizeof(*lines));

	letter->lines = lines;
	letter->subject = subject_of(call->arena, period, wanted);
	for (size_t i = 0; i < wanted->n; i++)
		add_note(call, letter, lines, wanted->notes[i]);
	if (wanted->more > 0)
		add_line(letter, lines,
		    arena_printf(call->arena, "And %lld more.", (long long)wanted->more), NULL);
	add_line(letter, lines, "Change your notification settings",
	    arena_printf(call->arena, "%s/#/notifications",
		config_str(call->svc->config, CFG_PUBLIC_URL)));
	if (!unsubscribe_url(call, json_str(payload, "userId", ""), ends_what(period, wanted),
		&letter->unsubscribe, err))
		return false;
	add_line(letter, lines,
	    strcmp(period, "now") == 0 ? "Stop emails about this kind of notification" :
					 "Stop this digest",
	    letter->unsubscribe);
	return true;
}

static bool
among(struct strings kinds, const char *kind)
{
	for (size_t i = 0; i < kinds.n; i++)
		if (str_eq(kinds.items[i], kind))
			return true;
	return false;
}

/*
 * A digest has notes of many kinds, and each may have been turned off since; what was shared may
 * have been taken back.
 */
static struct wanted
wanted_of(struct arena *arena, const struct cJSON *payload, struct strings kinds, const bool *holds)
{
	const struct cJSON *notes = json_get(payload, "notes"), *one;
	size_t i = 0;
	struct wanted wanted = { .n = 0 };

	wanted.notes =
	    arena_array(arena, (size_t)cJSON_GetArraySize(notes) + 1, sizeof(*wanted.notes));
	cJSON_ArrayForEach (one, notes)
		if (holds[i++] && among(kinds, json_str(one, "kind", "")))
			wanted.notes[wanted.n++] = one;
	cJSON_ArrayForEach (one, json_get(payload, "more"))
		wanted.more += among(kinds, cJSON_GetStringValue(one));
	return wanted;
}

static struct notify_defaults
all_kinds(struct arena *arena)
{
	struct notify_defaults all = { .n = 0 };

	while (notify_kinds[all.n].kind != NULL)
		all.n++;
	all.kinds = arena_array(arena, all.n, sizeof(*all.kinds));
	all.defaults = arena_array(arena, all.n, sizeof(*all.defaults));
	for (size_t i = 0; i < all.n; i++) {
		all.kinds[i] = notify_kinds[i].kind;
		all.defaults[i] = notify_kinds[i].email;
	}
	return all;
}

bool
notify_mail_run(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	const struct cJSON *payload = job_payload(call, job, err);
	const struct notify_defaults kinds = all_kinds(call->arena);
	struct mail_letter letter = { 0 };
	struct notify_addressee who;
	struct wanted wanted;
	const char *user;
	bool *holds;

	if (payload == NULL)
		return false;
	user = json_str(payload, "userId", "");
	holds = arena_array(call->arena, (size_t)cJSON_GetArraySize(json_get(payload, "notes")) + 1,
	    sizeof(*holds));
	if (!store_notify_addressee(call->svc->db, call->arena, user, &kinds, &who, err) ||
	    !store_notification_holding(call->svc->db, call->arena, user, job->payload, holds, err))
		return false;
	wanted = wanted_of(call->arena, payload, who.wants, holds);
	/* They are gone, disabled, or do not want it any more. */
	if (who.email == NULL || wanted.n == 0)
		return store_job_done(call->svc->db, call->arena, job, err);
	letter.to = who.email;
	letter.name = who.name;
	return write_letter(call, payload, &wanted, &letter, err) &&
	    mail_send(call, job, &letter, err);
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
